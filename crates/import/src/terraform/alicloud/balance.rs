//! Balancers: CLB (`slb`), ALB and NLB, with listeners, rules and server groups.

use dinghai_estate::{Asks, BackendCheck, Handling, MechanismKind, Role, Source, UnknownKind};

use crate::terraform::Resource;
use crate::terraform::index::{argument, blocks, dig};
use crate::terraform::survey::{Kind, Member, Survey, Tie};
use crate::terraform::timers::{CheckWords, check};
use crate::terraform::zones::Cloud;
use crate::value::Node;

pub(super) const KINDS: &[Kind] = &[
    Kind { name: "alicloud_slb", role: Role::Balancer, joins: &[], make: classic },
    Kind { name: "alicloud_slb_load_balancer", role: Role::Balancer, joins: &[], make: classic },
    Kind { name: "alicloud_alb_load_balancer", role: Role::Balancer, joins: &[], make: mapped },
    Kind { name: "alicloud_nlb_load_balancer", role: Role::Balancer, joins: &[], make: mapped },
    Kind { name: "alicloud_cdn_domain_new", role: Role::Balancer, joins: &[], make: worldwide },
    Kind { name: "alicloud_api_gateway_group", role: Role::Balancer, joins: &[], make: regional },
];

pub(super) const TIES: &[Tie] = &[
    Tie { name: "alicloud_slb_listener", tie: classic_listener },
    Tie { name: "alicloud_slb_rule", tie: classic_rule },
    Tie { name: "alicloud_slb_server_group", tie: classic_group },
    Tie { name: "alicloud_slb_master_slave_server_group", tie: classic_group },
    Tie { name: "alicloud_slb_backend_server", tie: backends },
    Tie { name: "alicloud_slb_attachment", tie: backends },
    Tie { name: "alicloud_slb_server_group_server_attachment", tie: attachment },
    Tie { name: "alicloud_alb_server_group", tie: group },
    Tie { name: "alicloud_alb_listener", tie: listener },
    Tie { name: "alicloud_alb_rule", tie: listener },
    Tie { name: "alicloud_nlb_server_group", tie: group },
    Tie { name: "alicloud_nlb_server_group_server_attachment", tie: attachment },
    Tie { name: "alicloud_nlb_listener", tie: listener },
];

/// A CLB has a primary node and a standby in one zone each. Without `slave_zone_id` the vendor picks both.
fn classic<'a>(survey: &mut Survey<'a>, member: &Member<'a>) {
    let resource = member.resource;
    let (body, origin) = (&resource.body, &resource.origin);
    let mut spots = Vec::new();
    for node in ["master_zone_id", "slave_zone_id"].iter().filter_map(|key| argument(body, key)) {
        spots.extend(survey.spots(Cloud::Alicloud, node));
    }
    if spots.is_empty() {
        let why = "neither `master_zone_id` nor `slave_zone_id` is stated, so the vendor picks the zones";
        spots.push(survey.somewhere(origin, why, UnknownKind::Hidden));
    }
    survey.one_each(member, spots);
    let kind = ["address_type", "internet"].iter().find_map(|key| argument(body, key));
    let inside = argument(body, "vswitch_id").is_some();
    match kind.map(|node| (node, node.str(), node.truth())) {
        Some((node, Some("internet"), _) | (node, _, Some(true))) => {
            survey.entry(&member.service, &resource.address, Source::declared(node.origin()));
        }
        Some((_, Some("intranet"), _) | (_, _, Some(false))) => {}
        Some((node, ..)) => {
            let what = format!("whether `{}` faces the internet is not known", resource.address);
            survey.fragment.unseen(node.origin(), what);
        }
        // Internet-facing unless stated, and inside a vswitch never.
        None if !inside => survey.entry(&member.service, &resource.address, Source::derived(origin.clone())),
        None => {}
    }
}

fn mapped<'a>(survey: &mut Survey<'a>, member: &Member<'a>) {
    let resource = member.resource;
    let (body, origin) = (&resource.body, &resource.origin);
    let mut spots = Vec::new();
    for mapping in blocks(body, "zone_mappings") {
        spots.extend(survey.seat(Cloud::Alicloud, mapping));
    }
    if spots.is_empty() {
        spots.push(survey.somewhere(origin, "its zones are not stated", UnknownKind::Unresolved));
    }
    survey.one_each(member, spots);
    match argument(body, "address_type").map(|node| (node, node.str())) {
        Some((node, Some("Internet"))) => {
            survey.entry(&member.service, &resource.address, Source::declared(node.origin()))
        }
        Some((node, None)) => {
            let what = format!("whether `{}` faces the internet is not known", resource.address);
            survey.fragment.unseen(node.origin(), what);
        }
        _ => {}
    }
}

fn worldwide<'a>(survey: &mut Survey<'a>, member: &Member<'a>) {
    let resource = member.resource;
    survey.world(member);
    survey.entry(&member.service, &resource.address, Source::declared(resource.origin.clone()));
    for node in dig(&resource.body, "sources.content") {
        if !survey.hops_to(&resource.address, node, "source") {
            survey.wants_host(&member.service, node, "source");
        }
    }
}

fn regional<'a>(survey: &mut Survey<'a>, member: &Member<'a>) {
    survey.region_wide(member);
    survey.entry(&member.service, &member.resource.address, Source::declared(member.resource.origin.clone()));
}

/// Defaults of the provider's page on `alicloud_slb_listener`.
const CLASSIC: CheckWords = CheckWords {
    every: ("health_check_interval", 2),
    timeout: ("health_check_timeout", 5),
    fall: ("unhealthy_threshold", 3),
    rise: ("healthy_threshold", 3),
};

/// Defaults of ALB: the provider's page on `alicloud_alb_health_check_template`; that on the server group names the thresholds only.
const APPLICATION: CheckWords = CheckWords {
    every: ("health_check_interval", 2),
    timeout: ("health_check_timeout", 5),
    fall: ("unhealthy_threshold", 3),
    rise: ("healthy_threshold", 3),
};

/// Defaults of the provider's page on `alicloud_nlb_server_group`; it accepts thresholds from 2 on.
const NETWORK: CheckWords = CheckWords {
    every: ("health_check_interval", 10),
    timeout: ("health_check_connect_timeout", 5),
    fall: ("unhealthy_threshold", 2),
    rise: ("healthy_threshold", 2),
};

fn active(mut check: BackendCheck) -> MechanismKind {
    // A timeout shorter than the pause is taken as long as the pause, says the page on `alicloud_slb_listener`. Of ALB and NLB no
    // page says so, nor the contrary: the longer one is the worst case.
    if check.timeout.value < check.every.value {
        check.timeout.says = format!("{} counts as long as {}", check.timeout.says, check.every.says);
        check.timeout.value = check.every.value;
        // Its own line does not decide any more, so that no fix shortens it.
        check.timeout.source = Source::derived(check.timeout.source.origin.clone());
    }
    MechanismKind::ActiveCheck { check, connect: None, answer: None, retries: None, again: None, cuts: None }
}

/// The balancer leads to its listener, and the listener to its server group, or else to the balancer's own backends.
fn classic_listener<'a>(survey: &mut Survey<'a>, resource: &'a Resource) -> Handling {
    let (body, origin) = (&resource.body, &resource.origin);
    let fronts = meant(survey, argument(body, "load_balancer_id"));
    for front in &fronts {
        survey.hop(front, &resource.address, "listener", Source::declared(origin.clone()));
    }
    let mut own = true;
    for key in ["server_group_id", "master_slave_server_group_id"] {
        if let Some(node) = argument(body, key) {
            own = false;
            survey.hops_to(&resource.address, node, "listener");
        }
    }
    if own {
        for front in &fronts {
            survey.hop(
                &resource.address,
                &backend_address(front),
                "listener",
                Source::declared(origin.clone()),
            );
        }
    }
    let off = argument(body, "health_check").and_then(Node::str) == Some("off");
    let word = |key: &str| argument(body, key).and_then(Node::str);
    let http =
        matches!(word("protocol"), Some("http" | "https")) || word("health_check_type") == Some("http");
    let asks = if http { Asks::Answer } else { Asks::Connection };
    if !off {
        let kind = check(Some(body), &CLASSIC, asks, origin).map(active);
        survey.checks_at(&resource.address, kind, Source::declared(origin.clone()));
    }
    if fronts.is_empty() { Handling::Unknown } else { Handling::Reasoned }
}

/// Backends that belong to a CLB itself stand at an address of their own, so that only listeners without a group reach them.
fn backend_address(balancer: &str) -> String {
    format!("{balancer} backends")
}

fn classic_rule<'a>(survey: &mut Survey<'a>, resource: &'a Resource) -> Handling {
    for front in meant(survey, argument(&resource.body, "load_balancer_id")) {
        if let Some(node) = argument(&resource.body, "server_group_id") {
            survey.hops_to(&front, node, "rule");
        }
    }
    Handling::Reasoned
}

fn classic_group<'a>(survey: &mut Survey<'a>, resource: &'a Resource) -> Handling {
    for node in
        dig(&resource.body, "servers.server_ids").into_iter().chain(dig(&resource.body, "servers.server_id"))
    {
        survey.hops_to(&resource.address, node, "server group");
    }
    Handling::Reasoned
}

/// Where the backends of a CLB itself stand, with a way there from the balancer when no listener is declared.
pub(super) fn own_backends(survey: &mut Survey<'_>, front: &str, source: &Source) -> String {
    let to = backend_address(front);
    let listened = survey.index.of("alicloud_slb_listener").any(|listener| {
        meant(survey, argument(&listener.body, "load_balancer_id")).iter().any(|balancer| balancer == front)
    });
    if !listened {
        survey.hop(front, &to, "backend", source.clone());
    }
    to
}

fn backends<'a>(survey: &mut Survey<'a>, resource: &'a Resource) -> Handling {
    let body = &resource.body;
    let mut found = false;
    for front in meant(survey, argument(body, "load_balancer_id")) {
        let to = own_backends(survey, &front, &Source::declared(resource.origin.clone()));
        for node in dig(body, "backend_servers.server_id").into_iter().chain(argument(body, "instance_ids")) {
            found |= survey.hops_to(&to, node, "backend");
        }
    }
    if found { Handling::Reasoned } else { Handling::Unknown }
}

fn attachment<'a>(survey: &mut Survey<'a>, resource: &'a Resource) -> Handling {
    let mut found = false;
    for front in meant(survey, argument(&resource.body, "server_group_id")) {
        if let Some(node) = argument(&resource.body, "server_id") {
            found |= survey.hops_to(&front, node, "attachment");
        }
    }
    if found { Handling::Reasoned } else { Handling::Unknown }
}

fn group<'a>(survey: &mut Survey<'a>, resource: &'a Resource) -> Handling {
    let (body, origin) = (&resource.body, &resource.origin);
    for node in dig(body, "servers.server_id") {
        survey.hops_to(&resource.address, node, "server group");
    }
    let network = resource.kind == "alicloud_nlb_server_group";
    let (name, words) =
        if network { ("health_check", &NETWORK) } else { ("health_check_config", &APPLICATION) };
    let block = blocks(body, name).into_iter().next();
    let off =
        block.and_then(|block| argument(block, "health_check_enabled")).and_then(Node::truth) == Some(false);
    if !off {
        let line = block.map_or_else(|| origin.clone(), Node::origin);
        let kind =
            ["health_check_type", "health_check_protocol"].iter().find_map(|key| argument(block?, key));
        let kind = kind.and_then(Node::str).map(str::to_ascii_uppercase);
        // NLB asks for a connection unless stated, ALB by HTTP. By UDP silence passes unless an answer is expected.
        let expects = block.and_then(|block| argument(block, "health_check_exp")).is_some();
        let asks = match kind.as_deref() {
            Some("TCP") => Asks::Connection,
            Some("UDP") if !expects => Asks::Connection,
            None if network => Asks::Connection,
            _ => Asks::Answer,
        };
        let check = check(block, words, asks, origin).map(active);
        survey.checks_at(&resource.address, check, Source::declared(line));
    }
    Handling::Reasoned
}

fn listener<'a>(survey: &mut Survey<'a>, resource: &'a Resource) -> Handling {
    let body = &resource.body;
    let mut fronts = meant(survey, argument(body, "load_balancer_id"));
    fronts.extend(meant(survey, argument(body, "listener_id")));
    for front in &fronts {
        survey.hop(front, &resource.address, "listener", Source::declared(resource.origin.clone()));
    }
    let paths = [
        "server_group_id",
        "default_actions.forward_group_config.server_group_tuples.server_group_id",
        "rule_actions.forward_group_config.server_group_tuples.server_group_id",
    ];
    for node in paths.iter().flat_map(|path| dig(body, path)) {
        survey.hops_to(&resource.address, node, "listener");
    }
    if fronts.is_empty() { Handling::Unknown } else { Handling::Reasoned }
}

fn meant(survey: &Survey<'_>, node: Option<&Node>) -> Vec<String> {
    let meant = node.map(|node| survey.index.meant(node)).unwrap_or_default();
    meant.into_iter().map(|meant| meant.address.clone()).collect()
}
