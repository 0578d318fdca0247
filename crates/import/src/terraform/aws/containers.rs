//! Containers and functions.

use dinghai_estate::{Feature, Handling, Presence, Role, Scaling, Source, UnknownKind};

use crate::terraform::Resource;
use crate::terraform::copies::{Count, Spreading};
use crate::terraform::ground::At;
use crate::terraform::index::{argument, base, dig};
use crate::terraform::survey::{Kind, Member, Survey, Tie, reasoned};
use crate::terraform::zones::Cloud;
use crate::value::Node;

pub(super) const KINDS: &[Kind] = &[
    Kind { name: "aws_ecs_service", role: Role::Workload, joins: &[], make: tasks },
    Kind { name: "aws_eks_cluster", role: Role::Control, joins: &[], make: control },
    Kind { name: "aws_eks_node_group", role: Role::Workload, joins: &[], make: nodes },
    Kind { name: "aws_lambda_function", role: Role::Workload, joins: &[], make: function },
    Kind { name: "aws_apprunner_service", role: Role::Workload, joins: &[], make: regional },
    Kind { name: "aws_ecr_repository", role: Role::Registry, joins: &[], make: regional },
    Kind { name: "aws_elastic_beanstalk_environment", role: Role::Workload, joins: &[], make: hidden },
];

pub(super) const TIES: &[Tie] = &[
    Tie { name: "aws_ecs_cluster", tie: reasoned },
    Tie { name: "aws_ecs_task_definition", tie: reasoned },
    Tie { name: "aws_ecs_capacity_provider", tie: reasoned },
    Tie { name: "aws_ecs_cluster_capacity_providers", tie: reasoned },
    Tie { name: "aws_appautoscaling_target", tie: scaling },
    Tie { name: "aws_appautoscaling_policy", tie: reasoned },
    Tie { name: "aws_lambda_event_source_mapping", tie: events },
];

fn regional<'a>(survey: &mut Survey<'a>, member: &Member<'a>) {
    survey.region_wide(member);
}

fn hidden<'a>(survey: &mut Survey<'a>, member: &Member<'a>) {
    let spot = survey.somewhere(
        &member.resource.origin,
        "AWS starts its machines and picks their zones",
        UnknownKind::Hidden,
    );
    survey.stand(member, &spot, Source::declared(member.resource.origin.clone()), false);
}

fn tasks<'a>(survey: &mut Survey<'a>, member: &Member<'a>) {
    let resource = member.resource;
    let (body, origin) = (&resource.body, &resource.origin);
    if let Some(node) = argument(body, "task_definition") {
        let definitions = survey.index.meant_of(node, &["aws_ecs_task_definition"]);
        survey.runs.entry(member.service.clone()).or_default().extend(definitions);
    }
    let mut spots = Vec::new();
    for node in dig(body, "network_configuration.subnets") {
        spots.extend(survey.spots(Cloud::Aws, node));
    }
    let launched = argument(body, "launch_type").and_then(Node::str);
    let providers = dig(body, "capacity_provider_strategy.capacity_provider");
    let fargate = launched == Some("FARGATE")
        || providers.iter().any(|node| matches!(node.str(), Some("FARGATE" | "FARGATE_SPOT")));
    // On Fargate the zones are those of its subnets, evenly; on machines a task goes wherever the cluster has room.
    let spreading = if fargate { Spreading::Even } else { Spreading::Free };
    if !fargate && spots.is_empty() {
        let why = "its tasks go to whichever machine of the cluster has room";
        spots.push(survey.somewhere(origin, why, UnknownKind::Unconstrained));
    }
    let daemon = argument(body, "scheduling_strategy").and_then(Node::str) == Some("DAEMON");
    let otherwise = match daemon {
        true => Count {
            number: Err("one task runs on every machine of the cluster".to_owned()),
            origin: origin.clone(),
        },
        // The provider starts none when nothing is stated.
        false => Count { number: Ok(0), origin: origin.clone() },
    };
    let count = Count::stated([argument(body, "desired_count")], otherwise);
    survey.copies(member, count, &spots, spreading);
    for node in dig(body, "load_balancer.target_group_arn") {
        for group in survey.index.meant_of(node, &["aws_lb_target_group", "aws_alb_target_group"]) {
            survey.hop(&group.address, &resource.address, "load_balancer", Source::declared(node.origin()));
        }
    }
    for node in dig(body, "load_balancer.elb_name") {
        for balancer in survey.index.meant_of(node, &["aws_elb"]) {
            survey.hop(
                &balancer.address,
                &resource.address,
                "load_balancer",
                Source::declared(node.origin()),
            );
        }
    }
    let spread = dig(body, "ordered_placement_strategy.field")
        .into_iter()
        .find(|node| node.str().is_some_and(|field| field.contains("availability-zone")));
    if let Some(node) = spread {
        survey.feature(&member.service, Feature::Spread, Presence::Present(Source::declared(node.origin())));
    }
}

/// A function runs in all zones of its region, unless it is tied to subnets of one.
fn function<'a>(survey: &mut Survey<'a>, member: &Member<'a>) {
    let nodes = dig(&member.resource.body, "vpc_config.subnet_ids");
    let spot = survey.only_zone(Cloud::Aws, &nodes, &member.resource.origin);
    match spot.at {
        At::Zone(..) => survey.stand(member, &spot, Source::declared(member.resource.origin.clone()), false),
        _ => survey.region_wide(member),
    }
}

/// AWS runs the control plane in three zones of the region.
fn control<'a>(survey: &mut Survey<'a>, member: &Member<'a>) {
    survey.region_wide(member);
}

fn nodes<'a>(survey: &mut Survey<'a>, member: &Member<'a>) {
    let resource = member.resource;
    let (body, origin) = (&resource.body, &resource.origin);
    let mut spots = Vec::new();
    if let Some(node) = argument(body, "subnet_ids") {
        spots.extend(survey.spots(Cloud::Aws, node));
    }
    let of = |key: &str| dig(body, &format!("scaling_config.{key}")).into_iter().next();
    let otherwise = Count { number: Err("no size is stated".to_owned()), origin: origin.clone() };
    let count = Count::stated([of("desired_size"), of("min_size")], otherwise);
    survey.copies(member, count, &spots, Spreading::Even);
    let line = of("max_size").map_or_else(|| origin.clone(), Node::origin);
    let limit = |key: &str| of(key).and_then(Node::count);
    let scaling =
        Scaling { least: limit("min_size"), most: limit("max_size"), source: Source::declared(line) };
    survey.found(member).scaling = Some(scaling);
}

/// Who scales a container service; the name of the service stands inside a path.
fn scaling<'a>(survey: &mut Survey<'a>, resource: &'a Resource) -> Handling {
    let body = &resource.body;
    let Some(node) = argument(body, "resource_id") else { return Handling::Unknown };
    let mut scaled: Vec<_> = survey.services(node).into_iter().map(|(id, _)| id).collect();
    if let Some(name) = node.str().and_then(|path| path.rsplit('/').next()) {
        let named = survey.index.of("aws_ecs_service").filter(|service| {
            argument(&service.body, "name").and_then(Node::str) == Some(name)
                || base(&service.address).ends_with(&format!(".{name}"))
        });
        scaled.extend(named.filter_map(|service| survey.service_at(&service.address).cloned()));
    }
    let limit = |key: &str| argument(body, key).and_then(Node::count);
    for id in &scaled {
        let source = Source::declared(resource.origin.clone());
        let scaling =
            Scaling { least: limit("min_capacity"), most: limit("max_capacity"), source: source.clone() };
        if let Some(found) = survey.fragment.inventory.services.get_mut(id) {
            found.scaling = Some(scaling);
        }
        survey.feature(id, Feature::Scaling, Presence::Present(source));
    }
    if scaled.is_empty() { Handling::Unknown } else { Handling::Reasoned }
}

/// A function that is fed from a queue needs it.
fn events<'a>(survey: &mut Survey<'a>, resource: &'a Resource) -> Handling {
    let body = &resource.body;
    let of = |key: &str| argument(body, key).map(|node| survey.services(node)).unwrap_or_default();
    let (functions, queues) = (of("function_name"), of("event_source_arn"));
    for (function, _) in &functions {
        for (queue, _) in &queues {
            survey.need(function, queue, &resource.address, Source::declared(resource.origin.clone()));
        }
    }
    Handling::Reasoned
}
