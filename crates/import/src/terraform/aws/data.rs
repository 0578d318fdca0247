//! Caches and search.

use dinghai_estate::{Feature, MechanismKind, Presence, Role, Source, UnknownKind};

use crate::terraform::copies::{Count, Spreading};
use crate::terraform::ground::Spot;
use crate::terraform::index::{argument, dig};
use crate::terraform::survey::{Kind, Member, Survey};
use crate::terraform::timers::assumed;
use crate::terraform::zones::Cloud;
use crate::value::Node;

pub(super) const KINDS: &[Kind] = &[
    Kind {
        name: "aws_elasticache_cluster",
        role: Role::Cache,
        joins: &[("replication_group_id", "aws_elasticache_replication_group")],
        make: cluster,
    },
    Kind { name: "aws_elasticache_replication_group", role: Role::Cache, joins: &[], make: group },
    Kind { name: "aws_elasticache_serverless_cache", role: Role::Cache, joins: &[], make: serverless },
    Kind { name: "aws_memorydb_cluster", role: Role::Cache, joins: &[], make: memory },
    Kind { name: "aws_dax_cluster", role: Role::Cache, joins: &[], make: accelerator },
    Kind { name: "aws_opensearch_domain", role: Role::Search, joins: &[], make: search },
    Kind { name: "aws_elasticsearch_domain", role: Role::Search, joins: &[], make: search },
];

/// The zones of a subnet group.
fn group_spots<'a>(survey: &mut Survey<'a>, body: &Node, key: &str, kind: &str) -> Vec<Spot> {
    let groups = argument(body, key).map(|node| survey.index.meant_of(node, &[kind])).unwrap_or_default();
    let mut spots = Vec::new();
    for node in groups.iter().flat_map(|group| dig(&group.body, "subnet_ids")) {
        spots.extend(survey.spots(Cloud::Aws, node));
    }
    spots
}

fn clustered<'a>(survey: &mut Survey<'a>, member: &Member<'a>, nodes: Option<u32>, line: &Source) {
    if let Some(nodes) = nodes {
        let presence =
            if nodes > 1 { Presence::Present(line.clone()) } else { Presence::Absent(line.clone()) };
        survey.feature(&member.service, Feature::Clustered, presence);
    }
}

fn serverless<'a>(survey: &mut Survey<'a>, member: &Member<'a>) {
    survey.region_wide(member);
    clustered(survey, member, Some(2), &Source::derived(member.resource.origin.clone()));
}

fn cluster<'a>(survey: &mut Survey<'a>, member: &Member<'a>) {
    let (body, origin) = (&member.resource.body, &member.resource.origin);
    if member.joined {
        // One more replica of a replication group.
        let spot = match survey.seat(Cloud::Aws, body) {
            Some(spot) => spot,
            None => survey.somewhere(origin, "AWS picks the zone of the replica", UnknownKind::Hidden),
        };
        survey.stand(member, &spot, Source::declared(origin.clone()), false);
        return;
    }
    let nodes = argument(body, "num_cache_nodes");
    let count = Count::stated([nodes], Count::of(1, origin));
    let number = count.number.clone().ok();
    let line = Source::declared(count.origin.clone());
    let named =
        ["preferred_availability_zones", "availability_zone"].iter().find_map(|key| argument(body, key));
    match named {
        Some(node) => {
            let spots = survey.spots(Cloud::Aws, node);
            survey.copies(member, count, &spots, Spreading::Even);
        }
        None => {
            let spots = group_spots(survey, body, "subnet_group_name", "aws_elasticache_subnet_group");
            // Memcached goes across zones only when told so.
            let across = argument(body, "az_mode").and_then(Node::str) == Some("cross-az");
            survey.copies(member, count, &spots, if across { Spreading::Even } else { Spreading::Free });
        }
    }
    clustered(survey, member, number, &line);
}

fn group<'a>(survey: &mut Survey<'a>, member: &Member<'a>) {
    let (body, origin) = (&member.resource.body, &member.resource.origin);
    let flat = argument(body, "num_cache_clusters").or_else(|| argument(body, "number_cache_clusters"));
    let inside = |key: &str| dig(body, &format!("cluster_mode.{key}")).into_iter().next();
    let shards = argument(body, "num_node_groups").or_else(|| inside("num_node_groups"));
    let replicas = argument(body, "replicas_per_node_group").or_else(|| inside("replicas_per_node_group"));
    // Nodes that hold the same data: those of one shard.
    let copies = match (flat, shards.or(replicas)) {
        (Some(node), _) => Count::stated([Some(node)], Count::of(1, origin)),
        (None, Some(_)) => {
            let count = Count::stated([replicas], Count::of(0, origin));
            Count { number: count.number.map(|replicas| replicas.saturating_add(1)), origin: count.origin }
        }
        (None, None) => Count::of(1, origin),
    };
    let line = Source::declared(copies.origin.clone());
    let number = copies.number.clone().ok();
    let automatic = argument(body, "automatic_failover_enabled").filter(|node| node.truth() == Some(true));
    let across = argument(body, "multi_az_enabled").filter(|node| node.truth() == Some(true));
    let named =
        argument(body, "preferred_cache_cluster_azs").or_else(|| argument(body, "availability_zones"));
    match (named, across.or(automatic), number) {
        (Some(node), ..) => {
            let spots = survey.spots(Cloud::Aws, node);
            survey.copies(member, copies, &spots, Spreading::Even);
        }
        // Primary and replica are then never in the same zone.
        (None, Some(_), Some(2..)) if across.is_some() => survey.region_wide(member),
        _ => {
            let spots = group_spots(survey, body, "subnet_group_name", "aws_elasticache_subnet_group");
            survey.copies(member, copies, &spots, Spreading::Free);
        }
    }
    clustered(survey, member, number, &line);
    if let (Some(node), Some(2..)) = (automatic.or(across), number) {
        let source = Source::declared(node.origin());
        // "Minimizing downtime in ElastiCache by using Multi-AZ" says that it usually takes just a few seconds, and said a few
        // minutes in earlier editions.
        let what = "until a replica of ElastiCache is the primary, of which no number is documented";
        let within = assumed(180, what, &node.origin());
        survey.mechanism(&member.service, None, MechanismKind::ManagedFailover { within }, source);
    }
    let days = argument(body, "snapshot_retention_limit");
    let presence = match days.map(|node| (node, node.count())) {
        Some((node, Some(1..))) => Presence::Present(Source::declared(node.origin())),
        Some((node, None)) => Survey::flag(Some(node), false, origin),
        Some((node, Some(0))) => Presence::Absent(Source::declared(node.origin())),
        None => Presence::Absent(Source::derived(origin.clone())),
    };
    survey.feature(&member.service, Feature::CrossZoneCopy, presence);
}

fn memory<'a>(survey: &mut Survey<'a>, member: &Member<'a>) {
    let (body, origin) = (&member.resource.body, &member.resource.origin);
    // One replica for each shard unless stated; MemoryDB puts the nodes of a shard into different zones.
    let replicas = Count::stated([argument(body, "num_replicas_per_shard")], Count::of(1, origin));
    let line = Source::declared(replicas.origin.clone());
    match replicas.number {
        Ok(0) => {
            let spots = group_spots(survey, body, "subnet_group_name", "aws_memorydb_subnet_group");
            survey.copies(member, Count::of(1, origin), &spots, Spreading::Free);
        }
        Ok(_) => survey.region_wide(member),
        Err(ref why) => {
            let spot = survey.somewhere(&replicas.origin, why, UnknownKind::Unresolved);
            survey.stand(member, &spot, Source::declared(origin.clone()), false);
        }
    }
    clustered(survey, member, replicas.number.ok().map(|replicas| replicas.saturating_add(1)), &line);
}

fn accelerator<'a>(survey: &mut Survey<'a>, member: &Member<'a>) {
    let (body, origin) = (&member.resource.body, &member.resource.origin);
    let count = Count::stated([argument(body, "replication_factor")], Count::of(1, origin));
    let (number, line) = (count.number.clone().ok(), Source::declared(count.origin.clone()));
    let mut spots = Vec::new();
    if let Some(node) = argument(body, "availability_zones") {
        spots.extend(survey.spots(Cloud::Aws, node));
    }
    let spreading = if spots.is_empty() { Spreading::Free } else { Spreading::Even };
    survey.copies(member, count, &spots, spreading);
    clustered(survey, member, number, &line);
}

fn search<'a>(survey: &mut Survey<'a>, member: &Member<'a>) {
    let (body, origin) = (&member.resource.body, &member.resource.origin);
    let of = |key: &str| dig(body, &format!("cluster_config.{key}")).into_iter().next();
    let count = Count::stated([of("instance_count")], Count::of(1, origin));
    let (number, line) = (count.number.clone().ok(), Source::declared(count.origin.clone()));
    let mut spots = Vec::new();
    for node in dig(body, "vpc_options.subnet_ids") {
        spots.extend(survey.spots(Cloud::Aws, node));
    }
    let aware = of("zone_awareness_enabled").and_then(Node::truth) == Some(true)
        || of("multi_az_with_standby_enabled").and_then(Node::truth) == Some(true);
    match (aware, number) {
        (true, Some(2..)) if spots.len() < 2 => survey.region_wide(member),
        _ => survey.copies(member, count, &spots, if aware { Spreading::Even } else { Spreading::Free }),
    }
    clustered(survey, member, number, &line);
    // Hourly snapshots, kept in S3, cannot be turned off.
    survey.feature(
        &member.service,
        Feature::CrossZoneCopy,
        Presence::Present(Source::derived(origin.clone())),
    );
}
