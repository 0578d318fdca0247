//! Disks, buckets, file systems, and what copies them.

use dinghai_estate::{Feature, Handling, Presence, Role, Source, UnknownKind};

use crate::terraform::Resource;
use crate::terraform::index::argument;
use crate::terraform::survey::{Kind, Member, Survey, Tie, reasoned};
use crate::terraform::zones::Cloud;
use crate::value::Node;

pub(super) const KINDS: &[Kind] = &[
    Kind { name: "alicloud_disk", role: Role::Disk, joins: &[], make: disk },
    Kind { name: "alicloud_ecs_disk", role: Role::Disk, joins: &[], make: disk },
    Kind { name: "alicloud_oss_bucket", role: Role::Storage, joins: &[], make: bucket },
    Kind { name: "alicloud_nas_file_system", role: Role::Storage, joins: &[], make: files },
];

pub(super) const TIES: &[Tie] = &[
    Tie { name: "alicloud_disk_attachment", tie: attachment },
    Tie { name: "alicloud_ecs_disk_attachment", tie: attachment },
    Tie { name: "alicloud_snapshot_policy", tie: reasoned },
    Tie { name: "alicloud_ecs_auto_snapshot_policy", tie: reasoned },
    Tie { name: "alicloud_ecs_auto_snapshot_policy_attachment", tie: policy },
    Tie { name: "alicloud_snapshot", tie: reasoned },
    Tie { name: "alicloud_ecs_snapshot", tie: reasoned },
    Tie { name: "alicloud_nas_mount_target", tie: reasoned },
    Tie { name: "alicloud_oss_bucket_replication", tie: reasoned },
    Tie { name: "alicloud_hbr_ecs_backup_plan", tie: reasoned },
];

fn disk<'a>(survey: &mut Survey<'a>, member: &Member<'a>) {
    let (body, origin) = (&member.resource.body, &member.resource.origin);
    let mut spot = survey.seat(Cloud::Alicloud, body);
    // Without a zone it goes to that of its machine.
    if let (None, Some(node)) = (&spot, argument(body, "instance_id")) {
        spot = survey.spots(Cloud::Alicloud, node).into_iter().next();
    }
    let spot =
        spot.unwrap_or_else(|| survey.somewhere(origin, "its zone is not stated", UnknownKind::Unresolved));
    survey.stand(member, &spot, Source::declared(origin.clone()), false);
    let presence = match argument(body, "auto_snapshot_policy_id") {
        Some(node) => Presence::Present(Source::declared(node.origin())),
        // Until a policy is found that is attached to it.
        None => Presence::Absent(Source::derived(origin.clone())),
    };
    survey.feature(&member.service, Feature::CrossZoneCopy, presence);
}

/// `LRS` keeps objects in one zone, `ZRS` in three; unless stated it is `LRS`.
fn bucket<'a>(survey: &mut Survey<'a>, member: &Member<'a>) {
    let (body, origin) = (&member.resource.body, &member.resource.origin);
    let kind = argument(body, "redundancy_type");
    let source = kind.map_or_else(|| Source::derived(origin.clone()), |node| Source::declared(node.origin()));
    match kind.map(|node| (node, node.str())) {
        Some((_, Some("ZRS"))) => {
            survey.region_wide(member);
            survey.feature(&member.service, Feature::CrossZoneCopy, Presence::Present(source));
        }
        Some((node, None)) => {
            let why = node.unknown().unwrap_or("its redundancy is not known").to_owned();
            let spot = survey.somewhere(&node.origin(), &why, UnknownKind::Unresolved);
            survey.stand(member, &spot, Source::declared(origin.clone()), false);
        }
        _ => {
            let why = "its objects are in one zone, and the vendor does not tell in which";
            let spot = survey.somewhere(&source.origin, why, UnknownKind::Hidden);
            survey.stand(member, &spot, Source::declared(origin.clone()), false);
            survey.feature(&member.service, Feature::CrossZoneCopy, Presence::Absent(source));
        }
    }
}

fn files<'a>(survey: &mut Survey<'a>, member: &Member<'a>) {
    let origin = &member.resource.origin;
    let spot = survey.seat(Cloud::Alicloud, &member.resource.body).unwrap_or_else(|| {
        survey.somewhere(origin, "its zone is not stated, so the vendor picks it", UnknownKind::Hidden)
    });
    survey.stand(member, &spot, Source::declared(origin.clone()), false);
}

fn attachment<'a>(survey: &mut Survey<'a>, resource: &'a Resource) -> Handling {
    let of = |key: &str| argument(&resource.body, key).map(|node| survey.services(node)).unwrap_or_default();
    let (machines, disks) = (of("instance_id"), of("disk_id"));
    for (machine, _) in &machines {
        for (disk, _) in &disks {
            survey.need(machine, disk, &resource.address, Source::declared(resource.origin.clone()));
        }
    }
    if machines.is_empty() || disks.is_empty() { Handling::Unknown } else { Handling::Reasoned }
}

/// Snapshots lie in OSS, outside the zone of the disk.
fn policy<'a>(survey: &mut Survey<'a>, resource: &'a Resource) -> Handling {
    let disks = argument(&resource.body, "disk_id").map(|node| survey.services(node)).unwrap_or_default();
    for (disk, _) in &disks {
        let present = Presence::Present(Source::declared(resource.origin.clone()));
        survey.feature_after_all(disk, Feature::CrossZoneCopy, present);
    }
    if disks.is_empty() && argument(&resource.body, "disk_id").and_then(Node::unknown).is_some() {
        return Handling::Unknown;
    }
    Handling::Reasoned
}
