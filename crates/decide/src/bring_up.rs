//! The start of what the estate declares to run.
//!
//! An instance that is ours to run and not a spare, whose process the hand knows to be stopped, is started: the first
//! time, and again when hand and processes were taken down together and the operator runs us anew. It needs no
//! autonomy: whoever gave the command to run asked for it. What a finding stands on or an open plan acts on is left to
//! them. While the hand is not heard nothing is known of its processes, and nothing is started.

use std::collections::BTreeSet;

use dinghai_estate::InstanceId;
use dinghai_record::{Health, ProcessState, Reason, Taking};

use crate::Inputs;
use crate::heal::Draft;
use crate::steps::{Steps, acted_on};

/// The plan that starts what is declared to run and is stopped, when there is any.
pub(crate) fn bring_up(inputs: &Inputs<'_>) -> Option<Draft> {
    let Inputs { estate, book, world, .. } = *inputs;
    let held = world.lost_places.as_ref()?;
    let found = book.findings.values().flat_map(|open| &open.finding.instances);
    let steps = book.open_plans().flat_map(|record| &record.plan.steps);
    let left_to_others: BTreeSet<&InstanceId> =
        found.chain(steps.flat_map(|step| acted_on(&step.action))).collect();
    let instances: BTreeSet<InstanceId> = estate
        .instances()
        .filter(|(_, instance)| instance.run.is_some() && !instance.spare)
        .filter(|(_, instance)| !left_to_others.contains(&instance.id))
        .filter(|(_, instance)| {
            world.instances.get(&instance.id).is_some_and(|seen| {
                seen.process == Some(ProcessState::Stopped) && matches!(seen.health, Health::Down(_))
            })
        })
        .filter(|(_, instance)| estate.places_around(instance).is_disjoint(held))
        .map(|(_, instance)| instance.id.clone())
        .collect();
    if instances.is_empty() {
        return None;
    }
    let mut steps = Steps::new(estate);
    steps.start(&instances);
    Some(Draft {
        title: Reason::new("bring-up").with("instances", instances.len()),
        steps: steps.done(),
        takes: Taking::default(),
        reasons: vec![Reason::new("declared-and-stopped").with("instances", instances.len())],
    })
}
