//! Queues, topics, streams.

use dinghai_estate::{Feature, MechanismKind, Presence, Role, Source, UnknownKind};

use crate::terraform::copies::{Count, Spreading};
use crate::terraform::index::{argument, dig};
use crate::terraform::survey::{Kind, Member, Survey, Tie, reasoned};
use crate::terraform::timers::assumed;
use crate::terraform::zones::Cloud;
use crate::value::Node;

pub(super) const KINDS: &[Kind] = &[
    Kind { name: "aws_mq_broker", role: Role::Queue, joins: &[], make: broker },
    Kind { name: "aws_msk_cluster", role: Role::Queue, joins: &[], make: log },
    Kind { name: "aws_msk_serverless_cluster", role: Role::Queue, joins: &[], make: regional },
    Kind { name: "aws_sqs_queue", role: Role::Queue, joins: &[], make: regional },
    Kind { name: "aws_sns_topic", role: Role::Queue, joins: &[], make: regional },
    Kind { name: "aws_kinesis_stream", role: Role::Queue, joins: &[], make: regional },
    Kind { name: "aws_cloudwatch_event_bus", role: Role::Queue, joins: &[], make: regional },
];

pub(super) const TIES: &[Tie] = &[Tie { name: "aws_sns_topic_subscription", tie: reasoned }];

fn regional<'a>(survey: &mut Survey<'a>, member: &Member<'a>) {
    survey.region_wide(member);
}

fn broker<'a>(survey: &mut Survey<'a>, member: &Member<'a>) {
    let (body, origin) = (&member.resource.body, &member.resource.origin);
    let mode = argument(body, "deployment_mode");
    let line = mode.map_or_else(|| Source::derived(origin.clone()), |node| Source::declared(node.origin()));
    let subnets: Vec<&Node> = dig(body, "subnet_ids");
    let nodes = match mode.map(|node| (node, node.str())) {
        // One node unless stated.
        None | Some((_, Some("SINGLE_INSTANCE"))) => 1,
        Some((_, Some("ACTIVE_STANDBY_MULTI_AZ"))) => 2,
        Some((_, Some("CLUSTER_MULTI_AZ"))) => 3,
        Some((node, _)) => {
            let why = node.unknown().unwrap_or("its deployment mode is not known").to_owned();
            let spot = survey.somewhere(&node.origin(), &why, UnknownKind::Unresolved);
            survey.stand(member, &spot, Source::declared(origin.clone()), false);
            return;
        }
    };
    let mut spots = Vec::new();
    for node in &subnets {
        spots.extend(survey.spots(Cloud::Aws, node));
    }
    match nodes {
        1 => {
            let spot = survey.only_zone(Cloud::Aws, &subnets, origin);
            survey.stand(member, &spot, line.clone(), false);
        }
        nodes if spots.len() >= 2 => {
            survey.copies(member, Count::of(nodes, &line.origin), &spots, Spreading::Even)
        }
        _ => survey.region_wide(member),
    }
    let presence = if nodes > 1 { Presence::Present(line.clone()) } else { Presence::Absent(line.clone()) };
    survey.feature(&member.service, Feature::Clustered, presence);
    if nodes == 2 {
        // "Amazon MQ active/standby broker for high availability" says that it takes a short while, and a few seconds when the
        // broker is rebooted.
        let what = "until the standby of Amazon MQ is active, of which no number is documented";
        let within = assumed(60, what, &line.origin);
        survey.mechanism(&member.service, None, MechanismKind::ManagedFailover { within }, line);
    }
}

fn log<'a>(survey: &mut Survey<'a>, member: &Member<'a>) {
    let (body, origin) = (&member.resource.body, &member.resource.origin);
    let mut spots = Vec::new();
    for node in dig(body, "broker_node_group_info.client_subnets") {
        spots.extend(survey.spots(Cloud::Aws, node));
    }
    let nodes = argument(body, "number_of_broker_nodes");
    let count = Count::stated(
        [nodes],
        Count { number: Err("no number of brokers is stated".to_owned()), origin: origin.clone() },
    );
    let (number, line) = (count.number.clone().ok(), Source::declared(count.origin.clone()));
    survey.copies(member, count, &spots, Spreading::Even);
    if let Some(number) = number {
        let presence = if number > 1 { Presence::Present(line) } else { Presence::Absent(line) };
        survey.feature(&member.service, Feature::Clustered, presence);
    }
}
