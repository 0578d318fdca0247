//! Balancers, their listeners, target groups and attachments.

use dinghai_estate::{Asks, Handling, MechanismKind, Role, Source, UnknownKind};

use crate::terraform::Resource;
use crate::terraform::index::{argument, blocks, dig};
use crate::terraform::survey::{Kind, Member, Survey, Tie};
use crate::terraform::timers::{CheckWords, check};
use crate::terraform::zones::Cloud;
use crate::value::Node;

pub(super) const KINDS: &[Kind] = &[
    Kind { name: "aws_lb", role: Role::Balancer, joins: &[], make: balancer },
    Kind { name: "aws_alb", role: Role::Balancer, joins: &[], make: balancer },
    Kind { name: "aws_elb", role: Role::Balancer, joins: &[], make: classic },
    Kind { name: "aws_cloudfront_distribution", role: Role::Balancer, joins: &[], make: worldwide },
    Kind { name: "aws_globalaccelerator_accelerator", role: Role::Balancer, joins: &[], make: worldwide },
    Kind { name: "aws_apigatewayv2_api", role: Role::Balancer, joins: &[], make: api },
    Kind { name: "aws_api_gateway_rest_api", role: Role::Balancer, joins: &[], make: api },
];

pub(super) const TIES: &[Tie] = &[
    Tie { name: "aws_lb_listener", tie: listener },
    Tie { name: "aws_alb_listener", tie: listener },
    Tie { name: "aws_lb_listener_rule", tie: listener },
    Tie { name: "aws_alb_listener_rule", tie: listener },
    Tie { name: "aws_lb_target_group", tie: target_group },
    Tie { name: "aws_alb_target_group", tie: target_group },
    Tie { name: "aws_lb_target_group_attachment", tie: attachment },
    Tie { name: "aws_alb_target_group_attachment", tie: attachment },
    Tie { name: "aws_elb_attachment", tie: attachment },
    Tie { name: "aws_apigatewayv2_integration", tie: integration },
    Tie { name: "aws_api_gateway_integration", tie: integration },
    Tie { name: "aws_globalaccelerator_listener", tie: listener },
    Tie { name: "aws_globalaccelerator_endpoint_group", tie: endpoints },
];

fn balancer<'a>(survey: &mut Survey<'a>, member: &Member<'a>) {
    let (body, origin) = (&member.resource.body, &member.resource.origin);
    let nodes = dig(body, "subnets").into_iter().chain(dig(body, "subnet_mapping.subnet_id"));
    stand_in(survey, member, &nodes.collect::<Vec<_>>());
    let internal = argument(body, "internal");
    match internal.map(|node| (node, node.truth())) {
        Some((_, Some(true))) => {}
        Some((node, Some(false))) => {
            survey.entry(&member.service, &member.resource.address, Source::declared(node.origin()))
        }
        // Internet-facing unless stated.
        None => survey.entry(&member.service, &member.resource.address, Source::derived(origin.clone())),
        Some((node, None)) => {
            survey.fragment.unseen(
                node.origin(),
                format!("whether `{}` faces the internet is not known", member.resource.address),
            );
        }
    }
}

/// One node of the balancer in every zone that it has.
fn stand_in<'a>(survey: &mut Survey<'a>, member: &Member<'a>, nodes: &[&Node]) {
    let mut spots = Vec::new();
    for node in nodes {
        spots.extend(survey.spots(Cloud::Aws, node));
    }
    if spots.is_empty() && !member.resource.data {
        let why = "neither subnets nor zones are stated";
        spots.push(survey.somewhere(&member.resource.origin, why, UnknownKind::Hidden));
    }
    survey.one_each(member, spots);
}

/// Defaults: the provider's page on `aws_elb` has required numbers only; without a block "Configure health checks for your
/// Classic Load Balancer" says 30 s, 5 s, 2 and 10.
const CLASSIC: CheckWords = CheckWords {
    every: ("interval", 30),
    timeout: ("timeout", 5),
    fall: ("unhealthy_threshold", 2),
    rise: ("healthy_threshold", 10),
};

fn classic<'a>(survey: &mut Survey<'a>, member: &Member<'a>) {
    let resource = member.resource;
    let (body, origin) = (&resource.body, &resource.origin);
    let nodes = dig(body, "subnets").into_iter().chain(dig(body, "availability_zones"));
    stand_in(survey, member, &nodes.collect::<Vec<_>>());
    if argument(body, "internal").and_then(Node::truth) != Some(true) {
        survey.entry(&member.service, &resource.address, Source::derived(origin.clone()));
    }
    if let Some(node) = argument(body, "instances") {
        survey.hops_to(&resource.address, node, "instances");
    }
    let block = blocks(body, "health_check").into_iter().next();
    let target = block.and_then(|block| argument(block, "target")).and_then(Node::str);
    // A connection to the first port unless stated. By SSL the program has to shake hands.
    let asks = match target {
        Some(target) if target.starts_with("HTTP") || target.starts_with("SSL") => Asks::Answer,
        _ => Asks::Connection,
    };
    let kind = check(block, &CLASSIC, asks, origin).map(active);
    survey.checks_at(
        &resource.address,
        kind,
        Source::declared(block.map_or_else(|| origin.clone(), Node::origin)),
    );
}

fn active(check: dinghai_estate::BackendCheck) -> MechanismKind {
    MechanismKind::ActiveCheck { check, connect: None, answer: None, retries: None, again: None, cuts: None }
}

fn worldwide<'a>(survey: &mut Survey<'a>, member: &Member<'a>) {
    let resource = member.resource;
    survey.world(member);
    survey.entry(&member.service, &resource.address, Source::declared(resource.origin.clone()));
    for node in dig(&resource.body, "origin.domain_name") {
        if !survey.hops_to(&resource.address, node, "origin") {
            survey.wants_host(&member.service, node, "origin");
        }
    }
}

fn api<'a>(survey: &mut Survey<'a>, member: &Member<'a>) {
    let resource = member.resource;
    let spot = survey.regional(member);
    survey.stand(member, &spot, Source::declared(resource.origin.clone()), false);
    let types = dig(&resource.body, "endpoint_configuration.types");
    let private = types.iter().flat_map(|node| node.items()).any(|item| item.str() == Some("PRIVATE"));
    if !private {
        survey.entry(&member.service, &resource.address, Source::declared(resource.origin.clone()));
    }
    if let Some(node) = argument(&resource.body, "target") {
        survey.hops_to(&resource.address, node, "target");
    }
}

fn integration<'a>(survey: &mut Survey<'a>, resource: &'a Resource) -> Handling {
    let body = &resource.body;
    let apis = ["api_id", "rest_api_id"].iter().filter_map(|key| argument(body, key));
    let apis: Vec<&Resource> = apis.flat_map(|node| survey.index.meant(node)).collect();
    for api in apis {
        for key in ["integration_uri", "uri"] {
            if let Some(node) = argument(body, key) {
                survey.hops_to(&api.address, node, "integration");
            }
        }
    }
    Handling::Reasoned
}

/// A listener or rule leads on to the groups that its actions name, and its balancer leads to it.
fn listener<'a>(survey: &mut Survey<'a>, resource: &'a Resource) -> Handling {
    let body = &resource.body;
    let mut fronts = Vec::new();
    for key in ["load_balancer_arn", "listener_arn", "accelerator_arn"] {
        let nodes = argument(body, key);
        fronts.extend(nodes.map(|node| survey.index.meant(node)).unwrap_or_default());
    }
    let fronts: Vec<String> = fronts.into_iter().map(|meant| meant.address.clone()).collect();
    for front in &fronts {
        survey.hop(front, &resource.address, "listener", Source::declared(resource.origin.clone()));
    }
    let paths = [
        "default_action.target_group_arn",
        "default_action.forward.target_group.arn",
        "action.target_group_arn",
        "action.forward.target_group.arn",
    ];
    let mut leads = false;
    for node in paths.iter().flat_map(|path| dig(body, path)) {
        leads |= survey.hops_to(&resource.address, node, "listener");
    }
    if fronts.is_empty() && leads { Handling::Unknown } else { Handling::Reasoned }
}

/// Where a `health_check` is written, what it leaves out is as the provider's page on `aws_lb_target_group` says: by HTTP, every
/// 30 s, 3 failures, 3 successes. Where none is, it is as the service says (API reference, CreateTargetGroup): by HTTP or, for what
/// is no HTTP, TCP; every 30 s, 2 failures, 5 successes; GENEVE every 10 s, 3 failures. The timeout is 6 s for HTTP, 5 s for GENEVE and
/// 10 s for everything else.
fn target_group<'a>(survey: &mut Survey<'a>, resource: &'a Resource) -> Handling {
    let (body, origin) = (&resource.body, &resource.origin);
    let block = blocks(body, "health_check").into_iter().next();
    let of = |node: &Node| argument(node, "protocol").and_then(Node::str).map(str::to_owned);
    let protocol = of(body);
    let protocol = protocol.as_deref();
    let stream = matches!(protocol, Some("TCP" | "TLS" | "UDP" | "TCP_UDP" | "GENEVE"));
    let gateway = protocol == Some("GENEVE");
    let connects = match block {
        Some(block) => of(block).as_deref() == Some("TCP"),
        None => stream,
    };
    let asks = if connects { Asks::Connection } else { Asks::Answer };
    let (every, fall, rise) = match block {
        Some(_) => (30, 3, 3),
        None if gateway => (10, 3, 5),
        None => (30, 2, 5),
    };
    let words = CheckWords {
        every: ("interval", every),
        timeout: (
            "timeout",
            if protocol == Some("HTTP") {
                6
            } else if gateway {
                5
            } else {
                10
            },
        ),
        fall: ("unhealthy_threshold", fall),
        rise: ("healthy_threshold", rise),
    };
    let off = block.and_then(|block| argument(block, "enabled")).and_then(Node::truth) == Some(false);
    let functions = argument(body, "target_type").and_then(Node::str) == Some("lambda");
    if !off && !functions {
        let line = block.map_or_else(|| origin.clone(), Node::origin);
        survey.checks_at(
            &resource.address,
            check(block, &words, asks, origin).map(active),
            Source::declared(line),
        );
    }
    Handling::Reasoned
}

fn attachment<'a>(survey: &mut Survey<'a>, resource: &'a Resource) -> Handling {
    let body = &resource.body;
    let fronts = ["target_group_arn", "elb"].iter().filter_map(|key| argument(body, key));
    let kinds = ["aws_lb_target_group", "aws_alb_target_group", "aws_elb"];
    let fronts: Vec<String> = fronts
        .flat_map(|node| survey.index.meant_of(node, &kinds))
        .map(|front| front.address.clone())
        .collect();
    let mut found = false;
    for front in &fronts {
        for key in ["target_id", "instance"] {
            if let Some(node) = argument(body, key) {
                found |= survey.hops_to(front, node, "attachment");
            }
        }
    }
    if found { Handling::Reasoned } else { Handling::Unknown }
}

fn endpoints<'a>(survey: &mut Survey<'a>, resource: &'a Resource) -> Handling {
    let listeners =
        argument(&resource.body, "listener_arn").map(|node| survey.index.meant(node)).unwrap_or_default();
    let listeners: Vec<String> = listeners.into_iter().map(|meant| meant.address.clone()).collect();
    for listener in listeners {
        for node in dig(&resource.body, "endpoint_configuration.endpoint_id") {
            survey.hops_to(&listener, node, "endpoint");
        }
    }
    Handling::Reasoned
}
