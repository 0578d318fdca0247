//! Machines and the groups that start them.

use dinghai_estate::{
    Feature, Handling, MechanismKind, Presence, Role, Scaling, Source, Unknown, UnknownKind,
};

use super::balance::own_backends;
use crate::terraform::Resource;
use crate::terraform::copies::{Count, Spreading};
use crate::terraform::index::{argument, blocks, dig};
use crate::terraform::survey::{Kind, Member, Survey, Tie, reasoned};
use crate::terraform::timers::{assumed, machine_boot, seconds};
use crate::terraform::zones::Cloud;
use crate::value::Node;

pub(super) const KINDS: &[Kind] = &[
    Kind { name: "alicloud_instance", role: Role::Workload, joins: &[], make: instance },
    Kind { name: "alicloud_ess_scaling_group", role: Role::Workload, joins: &[], make: group },
    Kind { name: "alicloud_auto_provisioning_group", role: Role::Workload, joins: &[], make: provisioned },
    Kind {
        name: "alicloud_simple_application_server_instance",
        role: Role::Workload,
        joins: &[],
        make: hidden,
    },
];

pub(super) const TIES: &[Tie] = &[
    Tie { name: "alicloud_launch_template", tie: reasoned },
    Tie { name: "alicloud_ecs_launch_template", tie: reasoned },
    Tie { name: "alicloud_ess_scaling_configuration", tie: configuration },
    Tie { name: "alicloud_ess_eci_scaling_configuration", tie: configuration },
    Tie { name: "alicloud_ess_scaling_rule", tie: reasoned },
    Tie { name: "alicloud_ess_scheduled_task", tie: reasoned },
    Tie { name: "alicloud_ess_alarm", tie: reasoned },
    Tie { name: "alicloud_ess_lifecycle_hook", tie: reasoned },
    Tie { name: "alicloud_ess_attachment", tie: reasoned },
    Tie { name: "alicloud_ess_alb_server_group_attachment", tie: group_attachment },
    Tie { name: "alicloud_ess_server_group_attachment", tie: group_attachment },
    Tie { name: "alicloud_ess_scalinggroup_vserver_groups", tie: vserver_attachment },
    Tie { name: "alicloud_ecs_deployment_set", tie: reasoned },
    Tie { name: "alicloud_ecs_dedicated_host", tie: reasoned },
];

fn hidden<'a>(survey: &mut Survey<'a>, member: &Member<'a>) {
    let spot = survey.somewhere(&member.resource.origin, "the vendor picks its zone", UnknownKind::Hidden);
    survey.stand(member, &spot, Source::declared(member.resource.origin.clone()), false);
}

fn instance<'a>(survey: &mut Survey<'a>, member: &Member<'a>) {
    let (body, origin) = (&member.resource.body, &member.resource.origin);
    let templates = argument(body, "launch_template_id")
        .map(|node| survey.index.meant_of(node, TEMPLATES))
        .unwrap_or_default();
    survey.runs.entry(member.service.clone()).or_default().extend(&templates);
    let mut spot = survey.seat(Cloud::Alicloud, body);
    for template in &templates {
        spot = spot.or_else(|| survey.seat(Cloud::Alicloud, &template.body));
    }
    let spot = spot.unwrap_or_else(|| {
        survey.somewhere(
            origin,
            "neither zone nor vswitch is stated, so the vendor picks the zone",
            UnknownKind::Hidden,
        )
    });
    survey.stand(member, &spot, Source::declared(origin.clone()), false);
    if let Some(node) = argument(body, "deployment_set_id") {
        let known = !survey.index.meant_of(node, &["alicloud_ecs_deployment_set"]).is_empty();
        if known {
            survey.feature(
                &member.service,
                Feature::Spread,
                Presence::Present(Source::declared(node.origin())),
            );
        }
    }
    let bandwidth = argument(body, "internet_max_bandwidth_out");
    if let Some(node) = bandwidth.filter(|node| node.count().is_some_and(|width| width > 0)) {
        survey.has_address(&member.service, Source::declared(node.origin()));
    }
    // Data disks that are part of the machine: each needs a policy of its own.
    for disk in blocks(body, "data_disks") {
        let policy = argument(disk, "auto_snapshot_policy_id");
        let presence = match policy {
            Some(node) => Presence::Present(Source::declared(node.origin())),
            None => Presence::Absent(Source::derived(disk.origin())),
        };
        survey.feature(&member.service, Feature::CrossZoneCopy, presence);
    }
}

const TEMPLATES: &[&str] = &["alicloud_launch_template", "alicloud_ecs_launch_template"];

fn group<'a>(survey: &mut Survey<'a>, member: &Member<'a>) {
    let resource = member.resource;
    let (body, origin) = (&resource.body, &resource.origin);
    let templates = argument(body, "launch_template_id")
        .map(|node| survey.index.meant_of(node, TEMPLATES))
        .unwrap_or_default();
    survey.runs.entry(member.service.clone()).or_default().extend(&templates);
    let places = ["vswitch_ids", "vswitch_id"].iter().find_map(|key| argument(body, key));
    let spots = places.map(|node| survey.spots(Cloud::Alicloud, node)).unwrap_or_default();
    let policy = argument(body, "multi_az_policy");
    // `PRIORITY`, which the service takes when nothing is stated, fills the first vswitch as long as its zone has machines to sell.
    let spreading = match policy.map(Node::str) {
        Some(Some("BALANCE" | "COMPOSABLE")) => Spreading::Even,
        None | Some(Some("PRIORITY")) => Spreading::First,
        Some(_) => Spreading::Free,
    };
    let least = argument(body, "min_size");
    let otherwise = Count { number: Err("no size is stated".to_owned()), origin: origin.clone() };
    let count = Count::stated([argument(body, "desired_capacity"), least], otherwise);
    survey.copies(member, count, &spots, spreading);
    let (fewest, most) = (least.and_then(Node::count), argument(body, "max_size").and_then(Node::count));
    let line = argument(body, "max_size").map_or_else(|| origin.clone(), Node::origin);
    survey.found(member).scaling =
        Some(Scaling { least: fewest, most, source: Source::declared(line.clone()) });
    let presence = match (fewest, most) {
        (Some(least), Some(most)) if most <= least => Presence::Absent(Source::declared(line)),
        _ => Presence::Present(Source::declared(line)),
    };
    survey.feature(&member.service, Feature::Scaling, presence);
    if let Some(node) = argument(body, "loadbalancer_ids") {
        let kinds = ["alicloud_slb", "alicloud_slb_load_balancer"];
        for balancer in survey.index.meant_of(node, &kinds) {
            let source = Source::declared(node.origin());
            let to = own_backends(survey, &balancer.address, &source);
            survey.hop(&to, &resource.address, "loadbalancer_ids", source);
        }
    }
    if let Some(node) = argument(body, "db_instance_ids") {
        for (_, database) in survey.services(node) {
            let how = "`db_instance_ids` admits it";
            survey.hop(&resource.address, &database.address, how, Source::inferred(node.origin()));
        }
    }
    // 300 s when not stated, says the provider's page on `alicloud_ess_scaling_group`.
    let cooldown = seconds(Some(body), ("default_cooldown", 300), origin);
    let kind = MechanismKind::Scaling {
        grace: assumed(0, "until its health counts", origin),
        boot: machine_boot(origin),
        cooldown,
    };
    survey.mechanism(&member.service, None, kind, Source::declared(origin.clone()));
}

fn provisioned<'a>(survey: &mut Survey<'a>, member: &Member<'a>) {
    let (body, origin) = (&member.resource.body, &member.resource.origin);
    let mut spots = Vec::new();
    for node in dig(body, "launch_template_config.vswitch_id") {
        spots.extend(survey.spots(Cloud::Alicloud, node));
    }
    let otherwise = Count { number: Err("no capacity is stated".to_owned()), origin: origin.clone() };
    let count = Count::stated([argument(body, "total_target_capacity")], otherwise);
    survey.copies(member, count, &spots, Spreading::Free);
    let line = argument(body, "total_target_capacity").map_or_else(|| origin.clone(), Node::origin);
    survey.feature(&member.service, Feature::Scaling, Presence::Present(Source::derived(line)));
}

/// What a scaling group starts.
fn configuration<'a>(survey: &mut Survey<'a>, resource: &'a Resource) -> Handling {
    let groups =
        argument(&resource.body, "scaling_group_id").map(|node| survey.services(node)).unwrap_or_default();
    for (service, _) in &groups {
        survey.runs.entry(service.clone()).or_default().push(resource);
        if let Some(node) = argument(&resource.body, "deployment_set_id") {
            survey.feature(service, Feature::Spread, Presence::Present(Source::declared(node.origin())));
        }
        for disk in blocks(&resource.body, "data_disk") {
            if argument(disk, "auto_snapshot_policy_id").is_none()
                && argument(disk, "delete_with_instance").and_then(Node::truth) == Some(false)
            {
                let absent = Presence::Absent(Source::derived(disk.origin()));
                survey.feature(service, Feature::CrossZoneCopy, absent);
            }
        }
    }
    if groups.is_empty() { Handling::Unknown } else { Handling::Reasoned }
}

/// A scaling group puts its machines into server groups.
fn group_attachment<'a>(survey: &mut Survey<'a>, resource: &'a Resource) -> Handling {
    let body = &resource.body;
    let servers = ["alb_server_group_id", "server_group_id"].iter().find_map(|key| argument(body, key));
    attach(survey, resource, servers.into_iter().collect())
}

fn vserver_attachment<'a>(survey: &mut Survey<'a>, resource: &'a Resource) -> Handling {
    attach(survey, resource, dig(&resource.body, "vserver_groups.vserver_attributes.vserver_group_id"))
}

fn attach<'a>(survey: &mut Survey<'a>, resource: &'a Resource, fronts: Vec<&Node>) -> Handling {
    let Some(groups) = argument(&resource.body, "scaling_group_id") else { return Handling::Unknown };
    let fronts: Vec<String> = fronts
        .into_iter()
        .flat_map(|node| survey.index.meant(node))
        .map(|meant| meant.address.clone())
        .collect();
    let mut found = false;
    for front in &fronts {
        found |= survey.hops_to(front, groups, "attachment");
    }
    if found { Handling::Reasoned } else { Handling::Unknown }
}

/// Why copies of a product are not known, when its vendor keeps them to itself.
pub(super) fn kept(why: &str, resource: &Resource) -> Unknown {
    Unknown { why: why.to_owned(), kind: UnknownKind::Hidden, origin: resource.origin.clone() }
}
