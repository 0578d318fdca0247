//! Container clusters, functions, registries.

use dinghai_estate::{Feature, Presence, Role, Scaling, Source};

use crate::terraform::copies::{Count, Spreading};
use crate::terraform::index::{argument, dig};
use crate::terraform::survey::{Kind, Member, Survey, Tie, reasoned};
use crate::terraform::zones::Cloud;
use crate::value::Node;

pub(super) const KINDS: &[Kind] = &[
    Kind { name: "alicloud_cs_managed_kubernetes", role: Role::Control, joins: &[], make: managed },
    Kind { name: "alicloud_cs_serverless_kubernetes", role: Role::Control, joins: &[], make: managed },
    Kind { name: "alicloud_cs_kubernetes", role: Role::Control, joins: &[], make: own },
    Kind { name: "alicloud_cs_kubernetes_node_pool", role: Role::Workload, joins: &[], make: pool },
    Kind { name: "alicloud_fc_function", role: Role::Workload, joins: &[], make: managed },
    Kind { name: "alicloud_fcv3_function", role: Role::Workload, joins: &[], make: managed },
    Kind { name: "alicloud_sae_application", role: Role::Workload, joins: &[], make: application },
    Kind { name: "alicloud_eci_container_group", role: Role::Workload, joins: &[], make: group },
    Kind { name: "alicloud_cr_ee_instance", role: Role::Registry, joins: &[], make: managed },
    Kind { name: "alicloud_cr_repo", role: Role::Registry, joins: &[], make: managed },
    Kind {
        name: "alicloud_cr_ee_repo",
        role: Role::Registry,
        joins: &[("instance_id", "alicloud_cr_ee_instance")],
        make: part,
    },
];

pub(super) const TIES: &[Tie] = &[
    Tie { name: "alicloud_cs_autoscaling_config", tie: reasoned },
    Tie { name: "alicloud_cs_kubernetes_addon", tie: reasoned },
    Tie { name: "alicloud_fc_service", tie: reasoned },
    Tie { name: "alicloud_fc_trigger", tie: reasoned },
];

fn part<'a>(_: &mut Survey<'a>, _: &Member<'a>) {}

fn managed<'a>(survey: &mut Survey<'a>, member: &Member<'a>) {
    survey.region_wide(member);
}

/// Masters on machines of one's own: one in every vswitch that is named.
fn own<'a>(survey: &mut Survey<'a>, member: &Member<'a>) {
    let mut spots = Vec::new();
    if let Some(node) = argument(&member.resource.body, "master_vswitch_ids") {
        spots.extend(survey.spots(Cloud::Alicloud, node));
    }
    for spot in spots {
        survey.stand(member, &spot, Source::declared(member.resource.origin.clone()), false);
    }
}

fn pool<'a>(survey: &mut Survey<'a>, member: &Member<'a>) {
    let (body, origin) = (&member.resource.body, &member.resource.origin);
    let mut spots = Vec::new();
    if let Some(node) = argument(body, "vswitch_ids") {
        spots.extend(survey.spots(Cloud::Alicloud, node));
    }
    let of = |key: &str| dig(body, &format!("scaling_config.{key}")).into_iter().next();
    let otherwise = Count { number: Err("no size is stated".to_owned()), origin: origin.clone() };
    let wanted = [argument(body, "desired_size"), argument(body, "node_count"), of("min_size")];
    let count = Count::stated(wanted, otherwise);
    // Nodes are spread over the zones only with `BALANCE`; unless stated the first vswitch comes first.
    let spreading = match argument(body, "multi_az_policy").map(Node::str) {
        Some(Some("BALANCE")) => Spreading::Even,
        None | Some(Some("PRIORITY")) => Spreading::First,
        Some(_) => Spreading::Free,
    };
    survey.copies(member, count, &spots, spreading);
    let off = of("enable").and_then(Node::truth) == Some(false);
    if let Some(line) = of("max_size").filter(|_| !off) {
        let source = Source::declared(line.origin());
        let limit = |key: &str| of(key).and_then(Node::count);
        let scaling = Scaling { least: limit("min_size"), most: limit("max_size"), source: source.clone() };
        survey.found(member).scaling = Some(scaling);
        survey.feature(&member.service, Feature::Scaling, Presence::Present(source));
    }
}

fn application<'a>(survey: &mut Survey<'a>, member: &Member<'a>) {
    let (body, origin) = (&member.resource.body, &member.resource.origin);
    let mut spots = Vec::new();
    if let Some(node) = argument(body, "vswitch_id") {
        spots.extend(survey.spots(Cloud::Alicloud, node));
    }
    let otherwise =
        Count { number: Err("no number of replicas is stated".to_owned()), origin: origin.clone() };
    survey.copies(member, Count::stated([argument(body, "replicas")], otherwise), &spots, Spreading::Free);
}

fn group<'a>(survey: &mut Survey<'a>, member: &Member<'a>) {
    let origin = &member.resource.origin;
    let spot = survey.seat(Cloud::Alicloud, &member.resource.body).unwrap_or_else(|| {
        survey.somewhere(origin, "neither zone nor vswitch is stated", dinghai_estate::UnknownKind::Hidden)
    });
    survey.stand(member, &spot, Source::declared(origin.clone()), false);
}
