//! Databases.
//!
//! A Multi-AZ instance has a standby in a zone that AWS picks and moves: it stands in its region, and [`failover`] says how long
//! the change takes. A read replica is a spare of its source: nobody promotes it but a person.

use dinghai_estate::{Feature, Handling, MechanismKind, Presence, Role, Source, UnknownKind};

use crate::terraform::Resource;
use crate::terraform::index::{argument, dig};
use crate::terraform::survey::{Kind, Member, Survey, Tie, reasoned};
use crate::terraform::timers::documented;
use crate::terraform::zones::Cloud;
use crate::value::Node;

pub(super) const KINDS: &[Kind] = &[
    Kind {
        name: "aws_db_instance",
        role: Role::Database,
        joins: &[("replicate_source_db", "aws_db_instance")],
        make: instance,
    },
    Kind { name: "aws_rds_cluster", role: Role::Database, joins: &[], make: cluster },
    Kind {
        name: "aws_rds_cluster_instance",
        role: Role::Database,
        joins: &[("cluster_identifier", "aws_rds_cluster")],
        make: node,
    },
    Kind { name: "aws_docdb_cluster", role: Role::Database, joins: &[], make: cluster },
    Kind {
        name: "aws_docdb_cluster_instance",
        role: Role::Database,
        joins: &[("cluster_identifier", "aws_docdb_cluster")],
        make: node,
    },
    Kind { name: "aws_neptune_cluster", role: Role::Database, joins: &[], make: cluster },
    Kind {
        name: "aws_neptune_cluster_instance",
        role: Role::Database,
        joins: &[("cluster_identifier", "aws_neptune_cluster")],
        make: node,
    },
    Kind { name: "aws_dynamodb_table", role: Role::Database, joins: &[], make: table },
    Kind { name: "aws_redshift_cluster", role: Role::Database, joins: &[], make: warehouse },
    Kind { name: "aws_db_proxy", role: Role::Balancer, joins: &[], make: proxy },
];

pub(super) const TIES: &[Tie] = &[
    Tie { name: "aws_db_subnet_group", tie: reasoned },
    Tie { name: "aws_rds_cluster_endpoint", tie: reasoned },
    Tie { name: "aws_db_proxy_default_target_group", tie: reasoned },
    Tie { name: "aws_db_proxy_target", tie: proxied },
    Tie { name: "aws_db_instance_automated_backups_replication", tie: reasoned },
];

/// What AWS calls typical, the longest of it: it promises no upper bound for any of these, and says that large transactions or a
/// long recovery take longer. The pages are "Failing over a Multi-AZ DB instance for Amazon RDS" (60–120 s), "Failing over a
/// Multi-AZ DB cluster for Amazon RDS" (under 35 s), "High availability for Amazon Aurora" (less than 60 s with a replica),
/// "Understanding Amazon DocumentDB cluster fault tolerance" and "Fault tolerance for a Neptune DB cluster" (less than 120 s).
fn failover<'a>(survey: &mut Survey<'a>, member: &Member<'a>, seconds: u64, how: &str, source: Source) {
    let within = documented(seconds, how, &source.origin);
    survey.mechanism(&member.service, None, MechanismKind::ManagedFailover { within }, source);
}

fn instance<'a>(survey: &mut Survey<'a>, member: &Member<'a>) {
    let resource = member.resource;
    let (body, origin) = (&resource.body, &resource.origin);
    let several = argument(body, "multi_az");
    match several.map(|node| (node, node.truth())) {
        Some((node, Some(true))) if !member.joined => {
            let source = Source::declared(node.origin());
            let spot = survey.regional(member);
            survey.stand(member, &spot, source.clone(), false);
            survey.feature(&member.service, Feature::Clustered, Presence::Present(source.clone()));
            failover(survey, member, 120, "typically 60s to 120s for RDS Multi-AZ", source);
        }
        Some((node, None)) => {
            let why = node
                .unknown()
                .unwrap_or("whether it is Multi-AZ is known only when it is applied")
                .to_owned();
            let spot = survey.somewhere(&node.origin(), &why, UnknownKind::Unresolved);
            survey.stand(member, &spot, Source::declared(origin.clone()), member.joined);
        }
        _ => {
            let source = several
                .map_or_else(|| Source::derived(origin.clone()), |node| Source::declared(node.origin()));
            single(survey, member, &["db_subnet_group_name"], &["aws_db_subnet_group"]);
            if !member.joined {
                survey.feature(&member.service, Feature::Clustered, Presence::Absent(source));
            }
        }
    }
    if !member.joined {
        // Backups are kept in S3, in all zones of the region; 0 days turns them off, and 0 is the provider's default.
        let days = argument(body, "backup_retention_period");
        let restored = argument(body, "snapshot_identifier").is_some();
        let presence = match days.map(|node| (node, node.count())) {
            Some((node, Some(0))) => Presence::Absent(Source::declared(node.origin())),
            Some((node, Some(_))) => Presence::Present(Source::declared(node.origin())),
            Some((node, None)) => Survey::flag(Some(node), false, origin),
            None if restored || resource.data => return,
            None => Presence::Absent(Source::derived(origin.clone())),
        };
        survey.feature(&member.service, Feature::CrossZoneCopy, presence);
    }
}

/// One node: in its zone, in the only zone of its subnets, or in one that AWS picks.
fn single<'a>(survey: &mut Survey<'a>, member: &Member<'a>, keys: &[&str], kinds: &[&str]) {
    let resource = member.resource;
    let source = Source::declared(resource.origin.clone());
    if let Some(node) = argument(&resource.body, "availability_zone")
        && let Some(spot) = survey.spots(Cloud::Aws, node).into_iter().next()
    {
        let source = Source::declared(node.origin());
        survey.stand(member, &spot, source, member.joined);
        return;
    }
    let groups = keys.iter().filter_map(|key| argument(&resource.body, key));
    let groups: Vec<&Resource> = groups.flat_map(|node| survey.index.meant_of(node, kinds)).collect();
    let nodes: Vec<&Node> = groups.iter().flat_map(|group| dig(&group.body, "subnet_ids")).collect();
    let spot = survey.only_zone(Cloud::Aws, &nodes, &resource.origin);
    survey.stand(member, &spot, source, member.joined);
}

fn cluster<'a>(survey: &mut Survey<'a>, member: &Member<'a>) {
    let resource = member.resource;
    let (body, origin) = (&resource.body, &resource.origin);
    let kind = resource.kind.replace("_cluster", "_cluster_instance");
    let nodes = survey
        .index
        .of(&kind)
        .filter(|node| survey.service_at(&node.address) == Some(&member.service))
        .count();
    let size = argument(body, "db_cluster_instance_class");
    if let Some(node) = size {
        // A Multi-AZ DB cluster: a writer and two readers, each in a zone of its own.
        let source = Source::declared(node.origin());
        survey.region_wide(member);
        survey.feature(&member.service, Feature::Clustered, Presence::Present(source.clone()));
        failover(survey, member, 35, "typically under 35s for RDS Multi-AZ clusters", source);
    } else if nodes == 0 {
        // Serverless, or its nodes are declared elsewhere.
        let mode = argument(body, "engine_mode").and_then(Node::str) == Some("serverless");
        let why = "none of its nodes is declared here";
        let spot = match mode {
            true => survey.regional(member),
            false => survey.somewhere(origin, why, UnknownKind::Outside),
        };
        survey.stand(member, &spot, Source::declared(origin.clone()), false);
    } else {
        let source = Source::derived(origin.clone());
        let presence =
            if nodes > 1 { Presence::Present(source.clone()) } else { Presence::Absent(source.clone()) };
        survey.feature(&member.service, Feature::Clustered, presence);
        if nodes > 1 {
            let (seconds, how) = match resource.kind.as_str() {
                "aws_docdb_cluster" => (120, "typically under 120s for DocumentDB with a replica"),
                "aws_neptune_cluster" => (120, "typically under 120s for Neptune with a replica"),
                _ => (60, "typically under 60s for Aurora with a replica"),
            };
            failover(survey, member, seconds, how, source);
        }
    }
    // The volume of a cluster lies in three zones, and its backups in S3; the least retention is one day.
    survey.feature(
        &member.service,
        Feature::CrossZoneCopy,
        Presence::Present(Source::derived(origin.clone())),
    );
}

/// A node of a cluster; without a zone of its own, AWS picks one of those that the cluster has.
fn node<'a>(survey: &mut Survey<'a>, member: &Member<'a>) {
    let resource = member.resource;
    let source = Source::declared(resource.origin.clone());
    if let Some(node) = argument(&resource.body, "availability_zone") {
        for spot in survey.spots(Cloud::Aws, node) {
            survey.stand(member, &spot, Source::declared(node.origin()), false);
        }
        return;
    }
    let groups = argument(&resource.body, "db_subnet_group_name").or_else(|| {
        let cluster = argument(&resource.body, "cluster_identifier")?;
        let kinds = ["aws_rds_cluster", "aws_docdb_cluster", "aws_neptune_cluster"];
        let cluster = survey.index.meant_of(cluster, &kinds).into_iter().next()?;
        argument(&cluster.body, "db_subnet_group_name")
            .or_else(|| argument(&cluster.body, "neptune_subnet_group_name"))
    });
    let kinds = ["aws_db_subnet_group", "aws_docdb_subnet_group", "aws_neptune_subnet_group"];
    let groups = groups.map(|node| survey.index.meant_of(node, &kinds)).unwrap_or_default();
    let nodes: Vec<&Node> = groups.iter().flat_map(|group| dig(&group.body, "subnet_ids")).collect();
    let spot = survey.only_zone(Cloud::Aws, &nodes, &resource.origin);
    survey.stand(member, &spot, source, false);
}

fn table<'a>(survey: &mut Survey<'a>, member: &Member<'a>) {
    survey.region_wide(member);
    // Kept in three zones of the region, always.
    let source = Source::derived(member.resource.origin.clone());
    survey.feature(&member.service, Feature::CrossZoneCopy, Presence::Present(source));
}

fn warehouse<'a>(survey: &mut Survey<'a>, member: &Member<'a>) {
    let body = &member.resource.body;
    if argument(body, "multi_az").and_then(Node::truth) == Some(true) {
        survey.region_wide(member);
        return;
    }
    single(survey, member, &["cluster_subnet_group_name"], &["aws_redshift_subnet_group"]);
    let days = argument(body, "automated_snapshot_retention_period");
    let off = days.filter(|node| node.count() == Some(0));
    let presence = match off {
        Some(node) => Presence::Absent(Source::declared(node.origin())),
        None => Presence::Present(Source::derived(
            days.map_or_else(|| member.resource.origin.clone(), Node::origin),
        )),
    };
    survey.feature(&member.service, Feature::CrossZoneCopy, presence);
}

fn proxy<'a>(survey: &mut Survey<'a>, member: &Member<'a>) {
    let mut spots = Vec::new();
    for node in dig(&member.resource.body, "vpc_subnet_ids") {
        spots.extend(survey.spots(Cloud::Aws, node));
    }
    survey.one_each(member, spots);
}

fn proxied<'a>(survey: &mut Survey<'a>, resource: &'a Resource) -> Handling {
    let body = &resource.body;
    let proxies = argument(body, "db_proxy_name").map(|node| survey.index.meant_of(node, &["aws_db_proxy"]));
    for proxy in proxies.unwrap_or_default() {
        for (key, kind) in
            [("db_instance_identifier", "aws_db_instance"), ("db_cluster_identifier", "aws_rds_cluster")]
        {
            let Some(node) = argument(body, key) else { continue };
            for database in survey.index.meant_of(node, &[kind]) {
                survey.hop(
                    &proxy.address,
                    &database.address,
                    "proxy target",
                    Source::declared(node.origin()),
                );
            }
        }
    }
    Handling::Reasoned
}
