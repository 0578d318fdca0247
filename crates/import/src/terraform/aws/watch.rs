//! Alarms, and whom they tell.

use dinghai_estate::{Act, Handling, RecoveryStep, Source};

use crate::terraform::Resource;
use crate::terraform::index::argument;
use crate::terraform::survey::{Kind, Survey, Tie};

pub(super) const KINDS: &[Kind] = &[];

pub(super) const TIES: &[Tie] = &[
    Tie { name: "aws_cloudwatch_metric_alarm", tie: alarm },
    Tie { name: "aws_cloudwatch_composite_alarm", tie: alarm },
];

/// An alarm that tells a topic: paging needs the topic.
fn alarm<'a>(survey: &mut Survey<'a>, resource: &'a Resource) -> Handling {
    if let Some(node) = argument(&resource.body, "alarm_actions") {
        for (needs, topic) in
            survey.services(node).into_iter().filter(|(_, topic)| topic.kind == "aws_sns_topic")
        {
            survey.step(RecoveryStep {
                act: Act::Page,
                service: None,
                needs: Some(needs),
                place: None,
                how: format!("alarms tell {}", topic.address),
                source: Source::declared(node.origin()),
            });
        }
    }
    Handling::Reasoned
}
