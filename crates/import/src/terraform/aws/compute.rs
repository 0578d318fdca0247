//! Machines and the groups that start them.

use dinghai_estate::{Feature, Handling, MechanismKind, Presence, Role, Scaling, Source, UnknownKind};

use crate::terraform::Resource;
use crate::terraform::copies::{Count, Spreading};
use crate::terraform::index::{argument, dig};
use crate::terraform::survey::{Kind, Member, Survey, Tie, reasoned};
use crate::terraform::timers::{machine_boot, seconds};
use crate::terraform::zones::Cloud;
use crate::value::Node;

pub(super) const KINDS: &[Kind] = &[
    Kind { name: "aws_instance", role: Role::Workload, joins: &[], make: instance },
    Kind { name: "aws_spot_instance_request", role: Role::Workload, joins: &[], make: instance },
    Kind { name: "aws_autoscaling_group", role: Role::Workload, joins: &[], make: group },
    Kind { name: "aws_lightsail_instance", role: Role::Workload, joins: &[], make: instance },
];

pub(super) const TIES: &[Tie] = &[
    Tie { name: "aws_launch_template", tie: reasoned },
    Tie { name: "aws_launch_configuration", tie: reasoned },
    Tie { name: "aws_autoscaling_policy", tie: reasoned },
    Tie { name: "aws_autoscaling_schedule", tie: reasoned },
    Tie { name: "aws_autoscaling_attachment", tie: attachment },
    Tie { name: "aws_placement_group", tie: reasoned },
    Tie { name: "aws_ami_copy", tie: reasoned },
];

fn instance<'a>(survey: &mut Survey<'a>, member: &Member<'a>) {
    let body = &member.resource.body;
    let by_interface = dig(body, "network_interface.network_interface_id")
        .into_iter()
        .chain(dig(body, "primary_network_interface.network_interface_id"));
    let interfaces = by_interface.flat_map(|node| survey.index.meant(node)).map(|meant| &meant.body);
    let bodies: Vec<&Node> = std::iter::once(body).chain(interfaces).collect();
    let template = templates(survey, body);
    survey.runs.entry(member.service.clone()).or_default().extend(&template);
    let spot = bodies
        .into_iter()
        .chain(template.iter().map(|template| &template.body))
        .find_map(|body| survey.seat(Cloud::Aws, body))
        // Without a subnet it goes to the default VPC, in a zone that AWS picks.
        .unwrap_or_else(|| {
            let why = "neither zone nor subnet is stated, so AWS picks the zone";
            survey.somewhere(&member.resource.origin, why, UnknownKind::Hidden)
        });
    survey.stand(member, &spot, Source::declared(member.resource.origin.clone()), false);
    spread(survey, member, argument(body, "placement_group"));
    if argument(body, "associate_public_ip_address").and_then(Node::truth) == Some(true) {
        survey.has_address(&member.service, Source::declared(member.resource.origin.clone()));
    }
}

/// Launch templates and configurations that a body names.
fn templates<'a>(survey: &Survey<'a>, body: &Node) -> Vec<&'a Resource> {
    let paths = [
        "launch_template.id",
        "launch_template.name",
        "launch_configuration",
        "mixed_instances_policy.launch_template.launch_template_specification.launch_template_id",
        "mixed_instances_policy.launch_template.launch_template_specification.launch_template_name",
    ];
    let nodes = paths.iter().flat_map(|path| dig(body, path));
    let kinds = ["aws_launch_template", "aws_launch_configuration"];
    nodes.flat_map(|node| survey.index.meant_of(node, &kinds)).collect()
}

fn spread<'a>(survey: &mut Survey<'a>, member: &Member<'a>, group: Option<&Node>) {
    let Some(node) = group else { return };
    for group in survey.index.meant_of(node, &["aws_placement_group"]) {
        // `cluster` packs machines together instead.
        let strategy = argument(&group.body, "strategy").and_then(Node::str);
        if matches!(strategy, Some("spread" | "partition")) {
            survey.feature(
                &member.service,
                Feature::Spread,
                Presence::Present(Source::declared(node.origin())),
            );
        }
    }
}

fn group<'a>(survey: &mut Survey<'a>, member: &Member<'a>) {
    let resource = member.resource;
    let (body, origin) = (&resource.body, &resource.origin);
    let templates = templates(survey, body);
    survey.runs.entry(member.service.clone()).or_default().extend(&templates);
    // A state has both; the subnets tell more.
    let places = ["vpc_zone_identifier", "availability_zones"].iter().find_map(|key| argument(body, key));
    let spots = places.map(|node| survey.spots(Cloud::Aws, node)).unwrap_or_default();
    let (least, desired) = (argument(body, "min_size"), argument(body, "desired_capacity"));
    let count = Count::stated(
        [desired, least],
        Count { number: Err("no size is stated".to_owned()), origin: origin.clone() },
    );
    survey.copies(member, count, &spots, Spreading::Even);
    let most = argument(body, "max_size").and_then(Node::count);
    let fewest = least.and_then(Node::count);
    let line = argument(body, "max_size").map_or_else(|| origin.clone(), Node::origin);
    survey.found(member).scaling =
        Some(Scaling { least: fewest, most, source: Source::declared(line.clone()) });
    // A group whose limits are equal replaces what is lost, and never grows.
    let presence = match (fewest, most) {
        (Some(least), Some(most)) if most <= least => Presence::Absent(Source::declared(line)),
        _ => Presence::Present(Source::declared(line)),
    };
    survey.feature(&member.service, Feature::Scaling, presence);
    spread(survey, member, argument(body, "placement_group"));
    for key in ["target_group_arns", "load_balancers"] {
        let Some(node) = argument(body, key) else { continue };
        behind(survey, node, &resource.address, key);
    }
    for node in dig(body, "traffic_source.identifier") {
        behind(survey, node, &resource.address, "traffic_source");
    }
    // 300 s each when not stated: the provider's page on `aws_autoscaling_group` for the grace, "Scaling cooldowns for Amazon EC2
    // Auto Scaling" for the pause.
    let grace = seconds(Some(body), ("health_check_grace_period", 300), origin);
    let cooldown = seconds(Some(body), ("default_cooldown", 300), origin);
    let mut boot = machine_boot(origin);
    // It begins only when the machine is there.
    let warmup = seconds(Some(body), ("default_instance_warmup", 0), origin);
    if let Some(warmup) = warmup.filter(|warmup| !warmup.value.is_zero()) {
        boot.value = boot.value.saturating_add(warmup.value);
        boot.says = format!("{}, {}", boot.says, warmup.says);
    }
    if let Some(grace) = grace {
        let kind = MechanismKind::Scaling { grace, boot, cooldown };
        survey.mechanism(&member.service, None, kind, Source::declared(origin.clone()));
    }
}

/// The target group or balancer that `node` names leads to `address`.
fn behind<'a>(survey: &mut Survey<'a>, node: &Node, address: &str, how: &str) {
    let kinds = ["aws_lb_target_group", "aws_alb_target_group", "aws_elb"];
    for group in survey.index.meant_of(node, &kinds) {
        survey.hop(&group.address, address, how, Source::declared(node.origin()));
    }
}

fn attachment<'a>(survey: &mut Survey<'a>, resource: &'a Resource) -> Handling {
    let body = &resource.body;
    let groups = argument(body, "autoscaling_group_name")
        .map(|node| survey.index.meant_of(node, &["aws_autoscaling_group"]));
    for group in groups.unwrap_or_default() {
        for key in ["lb_target_group_arn", "alb_target_group_arn", "elb"] {
            if let Some(node) = argument(body, key) {
                behind(survey, node, &group.address, "attachment");
            }
        }
    }
    Handling::Reasoned
}
