//! Disks, buckets, file systems, and what copies them.

use std::collections::BTreeSet;

use dinghai_estate::{Feature, Handling, Presence, Role, ServiceId, Source};

use crate::terraform::Resource;
use crate::terraform::index::{argument, blocks, dig};
use crate::terraform::survey::{Kind, Member, Survey, Tie, reasoned};
use crate::terraform::zones::Cloud;
use crate::value::Node;

pub(super) const KINDS: &[Kind] = &[
    Kind { name: "aws_ebs_volume", role: Role::Disk, joins: &[], make: disk },
    Kind { name: "aws_s3_bucket", role: Role::Storage, joins: &[], make: bucket },
    Kind { name: "aws_s3_directory_bucket", role: Role::Storage, joins: &[], make: directory },
    Kind { name: "aws_efs_file_system", role: Role::Storage, joins: &[], make: files },
    Kind { name: "aws_fsx_lustre_file_system", role: Role::Storage, joins: &[], make: single_files },
    Kind { name: "aws_fsx_windows_file_system", role: Role::Storage, joins: &[], make: windows },
];

pub(super) const TIES: &[Tie] = &[
    Tie { name: "aws_volume_attachment", tie: attachment },
    Tie { name: "aws_ebs_snapshot", tie: snapshot },
    Tie { name: "aws_ebs_snapshot_copy", tie: reasoned },
    Tie { name: "aws_dlm_lifecycle_policy", tie: lifecycle },
    Tie { name: "aws_backup_plan", tie: reasoned },
    Tie { name: "aws_backup_vault", tie: reasoned },
    Tie { name: "aws_backup_selection", tie: selection },
    Tie { name: "aws_efs_mount_target", tie: reasoned },
    Tie { name: "aws_s3_bucket_versioning", tie: reasoned },
    Tie { name: "aws_s3_bucket_replication_configuration", tie: reasoned },
];

fn disk<'a>(survey: &mut Survey<'a>, member: &Member<'a>) {
    let origin = &member.resource.origin;
    let spot = survey.seat(Cloud::Aws, &member.resource.body).unwrap_or_else(|| {
        survey.somewhere(origin, "its zone is not stated", dinghai_estate::UnknownKind::Unresolved)
    });
    survey.stand(member, &spot, Source::declared(origin.clone()), false);
    // Until a policy or a snapshot is found that says otherwise.
    survey.feature(
        &member.service,
        Feature::CrossZoneCopy,
        Presence::Absent(Source::derived(origin.clone())),
    );
}

fn bucket<'a>(survey: &mut Survey<'a>, member: &Member<'a>) {
    survey.region_wide(member);
    // Standard storage keeps objects in at least three zones.
    let source = Source::derived(member.resource.origin.clone());
    survey.feature(&member.service, Feature::CrossZoneCopy, Presence::Present(source));
}

/// A bucket of one zone.
fn directory<'a>(survey: &mut Survey<'a>, member: &Member<'a>) {
    let origin = &member.resource.origin;
    let named = dig(&member.resource.body, "location.name");
    let spot = survey.only_zone(Cloud::Aws, &named, origin);
    survey.stand(member, &spot, Source::declared(origin.clone()), false);
    survey.feature(
        &member.service,
        Feature::CrossZoneCopy,
        Presence::Absent(Source::derived(origin.clone())),
    );
}

fn files<'a>(survey: &mut Survey<'a>, member: &Member<'a>) {
    let (body, origin) = (&member.resource.body, &member.resource.origin);
    match argument(body, "availability_zone_name") {
        Some(node) => {
            let source = Source::declared(node.origin());
            for spot in survey.spots(Cloud::Aws, node) {
                survey.stand(member, &spot, source.clone(), false);
            }
            survey.feature(&member.service, Feature::CrossZoneCopy, Presence::Absent(source));
        }
        None => {
            survey.region_wide(member);
            let source = Source::derived(origin.clone());
            survey.feature(&member.service, Feature::CrossZoneCopy, Presence::Present(source));
        }
    }
}

fn single_files<'a>(survey: &mut Survey<'a>, member: &Member<'a>) {
    let origin = &member.resource.origin;
    let nodes = dig(&member.resource.body, "subnet_ids");
    let spot = survey.only_zone(Cloud::Aws, &nodes, origin);
    survey.stand(member, &spot, Source::declared(origin.clone()), false);
}

fn windows<'a>(survey: &mut Survey<'a>, member: &Member<'a>) {
    let several =
        argument(&member.resource.body, "deployment_type").and_then(Node::str) == Some("MULTI_AZ_1");
    if several { survey.region_wide(member) } else { single_files(survey, member) }
}

fn attachment<'a>(survey: &mut Survey<'a>, resource: &'a Resource) -> Handling {
    let of = |key: &str| argument(&resource.body, key).map(|node| survey.services(node)).unwrap_or_default();
    let (machines, disks) = (of("instance_id"), of("volume_id"));
    for (machine, _) in &machines {
        for (disk, _) in &disks {
            survey.need(machine, disk, &resource.address, Source::declared(resource.origin.clone()));
        }
    }
    if machines.is_empty() || disks.is_empty() { Handling::Unknown } else { Handling::Reasoned }
}

/// Snapshots of a volume are kept in the region, in all its zones.
fn copied<'a>(survey: &mut Survey<'a>, services: impl IntoIterator<Item = ServiceId>, source: &Source) {
    for service in services {
        survey.feature_after_all(&service, Feature::CrossZoneCopy, Presence::Present(source.clone()));
    }
}

/// One snapshot, taken when it is applied.
fn snapshot<'a>(survey: &mut Survey<'a>, resource: &'a Resource) -> Handling {
    let disks = argument(&resource.body, "volume_id").map(|node| survey.services(node)).unwrap_or_default();
    let known = !disks.is_empty();
    copied(survey, disks.into_iter().map(|(disk, _)| disk), &Source::derived(resource.origin.clone()));
    if known { Handling::Reasoned } else { Handling::Unknown }
}

/// A policy copies whatever carries one of its tags.
fn lifecycle<'a>(survey: &mut Survey<'a>, resource: &'a Resource) -> Handling {
    let body = &resource.body;
    if argument(body, "state").and_then(Node::str) == Some("DISABLED") {
        return Handling::Reasoned;
    }
    let wanted = dig(body, "policy_details.target_tags");
    let wanted: Vec<(&str, Option<&str>)> = wanted
        .iter()
        .flat_map(|node| node.entries())
        .map(|(key, node)| (key.text.as_str(), node.str()))
        .collect();
    let found = tagged(survey, |tags| {
        wanted.iter().any(|(key, value)| value.is_some() && tags.get(key).and_then(Node::str) == *value)
    });
    let source = Source::derived(resource.origin.clone());
    copied(survey, found, &source);
    if wanted.is_empty() { Handling::Unknown } else { Handling::Reasoned }
}

/// Services of disks and machines whose tags are the wanted ones.
fn tagged(survey: &Survey<'_>, wanted: impl Fn(&Node) -> bool) -> BTreeSet<ServiceId> {
    let members = survey.members.values().filter(|member| {
        ["tags", "tags_all"].iter().filter_map(|key| argument(&member.resource.body, key)).any(&wanted)
    });
    members.map(|member| member.service.clone()).collect()
}

/// What a backup plan is for: named resources, or those with certain tags.
fn selection<'a>(survey: &mut Survey<'a>, resource: &'a Resource) -> Handling {
    let body = &resource.body;
    let named = argument(body, "resources");
    let mut found: BTreeSet<ServiceId> = BTreeSet::new();
    if let Some(node) = named {
        found.extend(survey.services(node).into_iter().map(|(service, _)| service));
        if node.items().iter().any(|item| item.str() == Some("*")) {
            found.extend(survey.members.values().map(|member| member.service.clone()));
        }
    }
    for tag in blocks(body, "selection_tag") {
        let text = |key: &str| argument(tag, key).and_then(Node::str);
        if let (Some(key), Some(value)) = (text("key"), text("value")) {
            found.extend(tagged(survey, |tags| tags.get(key).and_then(Node::str) == Some(value)));
        }
    }
    let source = Source::derived(resource.origin.clone());
    let known = !found.is_empty();
    copied(survey, found, &source);
    if known { Handling::Reasoned } else { Handling::Unknown }
}
