//! Databases.
//!
//! The high-availability editions have a primary and a standby that takes over. In which zone the standby stands an argument of
//! its own says; without it both are in one zone.

use dinghai_estate::{Enough, Feature, Handling, MechanismKind, Origin, Presence, Role, Source, UnknownKind};

use super::compute::kept;
use crate::terraform::Resource;
use crate::terraform::copies::Count;
use crate::terraform::ground::Spot;
use crate::terraform::index::argument;
use crate::terraform::survey::{Kind, Member, Survey, Tie, reasoned};
use crate::terraform::timers::documented;
use crate::terraform::zones::Cloud;
use crate::value::Node;

pub(super) const KINDS: &[Kind] = &[
    Kind { name: "alicloud_db_instance", role: Role::Database, joins: &[], make: instance },
    Kind {
        name: "alicloud_db_readonly_instance",
        role: Role::Database,
        joins: &[("master_db_instance_id", "alicloud_db_instance")],
        make: replica,
    },
    Kind { name: "alicloud_polardb_cluster", role: Role::Database, joins: &[], make: polar },
    Kind { name: "alicloud_mongodb_instance", role: Role::Database, joins: &[], make: mongo },
    Kind { name: "alicloud_mongodb_sharding_instance", role: Role::Database, joins: &[], make: mongo },
    Kind { name: "alicloud_gpdb_instance", role: Role::Database, joins: &[], make: one_zone },
    Kind { name: "alicloud_adb_db_cluster", role: Role::Database, joins: &[], make: one_zone },
    Kind { name: "alicloud_click_house_db_cluster", role: Role::Database, joins: &[], make: one_zone },
    Kind { name: "alicloud_lindorm_instance", role: Role::Database, joins: &[], make: one_zone },
    Kind { name: "alicloud_hbase_instance", role: Role::Database, joins: &[], make: one_zone },
    Kind { name: "alicloud_ots_instance", role: Role::Database, joins: &[], make: tables },
];

pub(super) const TIES: &[Tie] = &[
    Tie { name: "alicloud_db_backup_policy", tie: backup },
    Tie { name: "alicloud_db_connection", tie: reasoned },
    Tie { name: "alicloud_db_database", tie: reasoned },
    Tie { name: "alicloud_db_read_write_splitting_connection", tie: reasoned },
    Tie { name: "alicloud_rds_db_proxy", tie: reasoned },
    Tie { name: "alicloud_polardb_endpoint", tie: reasoned },
    Tie { name: "alicloud_polardb_backup_policy", tie: reasoned },
    Tie { name: "alicloud_polardb_database", tie: reasoned },
    Tie { name: "alicloud_kvstore_connection", tie: reasoned },
    Tie { name: "alicloud_kvstore_backup_policy", tie: reasoned },
];

/// The standby takes over within what the vendor says: `how` are its words.
pub(super) fn failover<'a>(
    survey: &mut Survey<'a>,
    member: &Member<'a>,
    seconds: u64,
    how: &str,
    source: Source,
) {
    let within = documented(seconds, how, &source.origin);
    survey.mechanism(&member.service, None, MechanismKind::ManagedFailover { within }, source);
}

/// Where the primary stands.
pub(super) fn first<'a>(survey: &mut Survey<'a>, member: &Member<'a>) -> (Spot, Origin) {
    let (body, origin) = (&member.resource.body, &member.resource.origin);
    let line = ["zone_id", "availability_zone", "vswitch_id"].iter().find_map(|key| argument(body, key));
    let line = line.map_or_else(|| origin.clone(), Node::origin);
    let spot = survey.seat(Cloud::Alicloud, body).unwrap_or_else(|| {
        survey.somewhere(
            origin,
            "neither zone nor vswitch is stated, so the vendor picks the zone",
            UnknownKind::Hidden,
        )
    });
    (spot, line)
}

/// The zones that arguments name for standbys, the word `Auto` among them being the vendor's choice.
pub(super) fn standbys<'a>(
    survey: &mut Survey<'a>,
    member: &Member<'a>,
    keys: &[&str],
) -> Vec<(Spot, Origin)> {
    let mut found = Vec::new();
    for node in keys.iter().filter_map(|key| argument(&member.resource.body, key)) {
        if node.str().is_some_and(|word| word.eq_ignore_ascii_case("auto")) {
            let spot = survey.somewhere(
                &node.origin(),
                "the vendor picks the zone of the standby",
                UnknownKind::Hidden,
            );
            found.push((spot, node.origin()));
            continue;
        }
        found.extend(survey.spots(Cloud::Alicloud, node).into_iter().map(|spot| (spot, node.origin())));
    }
    found
}

/// Zones that one argument names together, as `cn-hangzhou-MAZ10(h,i)` does.
pub(super) fn several<'a>(survey: &mut Survey<'a>, member: &Member<'a>) -> Option<Vec<(Spot, Origin)>> {
    let node =
        ["zone_id", "availability_zone"].iter().find_map(|key| argument(&member.resource.body, key))?;
    node.str().filter(|text| text.contains("MAZ"))?;
    let spots = survey.spots(Cloud::Alicloud, node);
    Some(spots.into_iter().map(|spot| (spot, node.origin())).collect())
}

fn instance<'a>(survey: &mut Survey<'a>, member: &Member<'a>) {
    let (body, origin) = (&member.resource.body, &member.resource.origin);
    let category = argument(body, "category");
    let word = category.and_then(Node::str).unwrap_or_default();
    let (spot, line) = first(survey, member);
    let mut all = several(survey, member).unwrap_or_else(|| vec![(spot.clone(), line.clone())]);
    let slaves = standbys(survey, member, &["zone_id_slave_a", "zone_id_slave_b"]);
    let edition = category.map_or_else(|| origin.clone(), Node::origin);
    let said = Source { certainty: dinghai_estate::Certainty::Declared, origin: edition.clone() };
    match word {
        "Basic" | "basic" | "serverless_basic" => {
            all.truncate(1);
            survey.feature(&member.service, Feature::Clustered, Presence::Absent(said));
        }
        _ if !slaves.is_empty() => all.extend(slaves),
        "HighAvailability" | "AlwaysOn" | "Finance" | "cluster" | "serverless_standard" | "serverless_ha"
            if all.len() == 1 =>
        {
            // The standby is there, in the zone of the primary.
            all.push((spot, line));
        }
        _ => {}
    }
    let nodes = all.len();
    for (spot, line) in all {
        survey.stand(member, &spot, Source::declared(line), false);
    }
    if nodes > 1 {
        let source = Source::declared(edition);
        survey.feature(&member.service, Feature::Clustered, Presence::Present(source.clone()));
        let manual = argument(body, "ha_config").filter(|node| node.str() == Some("Manual"));
        match manual {
            Some(node) => survey.fragment.unseen(
                node.origin(),
                format!(
                    "`{}` is switched over by hand, and no file says how long that takes",
                    member.resource.address
                ),
            ),
            // ApsaraDB RDS, "High-availability service".
            None => failover(survey, member, 30, "within 30s for ApsaraDB RDS with a standby", source),
        }
    }
    // Backups are on unless somebody turns them off, and lie in OSS.
    let source = Source::derived(origin.clone());
    survey.feature(&member.service, Feature::CrossZoneCopy, Presence::Present(source));
}

/// Serves reads, and is promoted by a person.
fn replica<'a>(survey: &mut Survey<'a>, member: &Member<'a>) {
    let (spot, line) = first(survey, member);
    survey.stand(member, &spot, Source::declared(line), true);
}

fn polar<'a>(survey: &mut Survey<'a>, member: &Member<'a>) {
    let (body, origin) = (&member.resource.body, &member.resource.origin);
    // Two nodes unless stated.
    let count = Count::stated([argument(body, "db_node_count")], Count::of(2, origin));
    let source = Source::declared(count.origin.clone());
    let basic = argument(body, "creation_category").and_then(Node::str) == Some("Basic");
    let nodes = if basic { 1 } else { count.number.unwrap_or(1).clamp(1, 16) };
    let (spot, line) = first(survey, member);
    for _ in 0..nodes {
        survey.stand(member, &spot, Source::declared(line.clone()), false);
    }
    let standby = argument(body, "standby_az");
    let mode = argument(body, "hot_standby_cluster");
    match (standby, mode.map(|node| (node, node.str()))) {
        (Some(_), _) => {
            for (spot, line) in standbys(survey, member, &["standby_az"]) {
                survey.stand(member, &spot, Source::declared(line), false);
            }
        }
        (None, Some((node, Some("ON" | "EQUAL" | "STANDBY")))) => {
            let why = "the vendor picks the zone of the hot standby";
            let spot = survey.somewhere(&node.origin(), why, UnknownKind::Hidden);
            survey.stand(member, &spot, Source::declared(node.origin()), false);
        }
        (None, Some((_, Some("OFF")))) => {}
        (None, _) => {
            let why = "whether it has a hot standby in another zone is not stated";
            survey.open(member, kept(why, member.resource));
        }
    }
    several_nodes(survey, member, nodes > 1, longest(argument(body, "db_type").and_then(Node::str)), source);
}

/// PolarDB, "Automatic failover and manual failover": for MySQL 20–30 s as a rule and never more than 3 minutes; for the other
/// engines about 30 s, without an upper bound.
fn longest(engine: Option<&str>) -> (u64, &'static str) {
    match engine {
        Some("PostgreSQL") => (30, "typically 30s for PolarDB for PostgreSQL"),
        Some("Oracle") => (30, "typically 20s to 30s for PolarDB for PostgreSQL (compatible with Oracle)"),
        _ => (180, "at most 3m for PolarDB for MySQL"),
    }
}

/// Three nodes unless stated: primary, secondary, hidden. Those without a zone of their own are in the primary's.
fn mongo<'a>(survey: &mut Survey<'a>, member: &Member<'a>) {
    let (body, origin) = (&member.resource.body, &member.resource.origin);
    let count = Count::stated([argument(body, "replication_factor")], Count::of(3, origin));
    let source = Source::derived(count.origin.clone());
    let nodes = count.number.unwrap_or(1).clamp(1, 7);
    let (spot, line) = first(survey, member);
    let mut all = several(survey, member).unwrap_or_else(|| vec![(spot.clone(), line.clone())]);
    all.extend(standbys(survey, member, &["secondary_zone_id", "hidden_zone_id"]));
    all.truncate(nodes as usize);
    while all.len() < nodes as usize {
        all.push((spot.clone(), line.clone()));
    }
    for (spot, line) in all {
        survey.stand(member, &spot, Source::declared(line), false);
    }
    if nodes > 1 {
        let majority = nodes / 2 + 1;
        let why = format!("{nodes} members need a majority of {majority}");
        survey.found(member).enough = Some(Enough { count: majority, why, source: source.clone() });
    }
    // ApsaraDB for MongoDB, "Configure a primary/secondary switchover for a replica set instance".
    let longest = (30, "up to 30s for a switchover of ApsaraDB for MongoDB");
    several_nodes(survey, member, nodes > 1, longest, source);
}

/// A cluster that the vendor backs up in any case: with several nodes he makes another one the primary.
fn several_nodes<'a>(
    survey: &mut Survey<'a>,
    member: &Member<'a>,
    several: bool,
    (seconds, says): (u64, &str),
    source: Source,
) {
    if several {
        survey.feature(&member.service, Feature::Clustered, Presence::Present(source.clone()));
        failover(survey, member, seconds, says, source);
    } else {
        survey.feature(&member.service, Feature::Clustered, Presence::Absent(source));
    }
    let kept = Presence::Present(Source::derived(member.resource.origin.clone()));
    survey.feature(&member.service, Feature::CrossZoneCopy, kept);
}

fn one_zone<'a>(survey: &mut Survey<'a>, member: &Member<'a>) {
    let (spot, line) = first(survey, member);
    survey.stand(member, &spot, Source::declared(line), false);
}

fn tables<'a>(survey: &mut Survey<'a>, member: &Member<'a>) {
    survey.region_wide(member);
}

fn backup<'a>(survey: &mut Survey<'a>, resource: &'a Resource) -> Handling {
    let databases =
        argument(&resource.body, "instance_id").map(|node| survey.services(node)).unwrap_or_default();
    let days = argument(&resource.body, "backup_retention_period")
        .or_else(|| argument(&resource.body, "retention_period"));
    for (database, _) in &databases {
        let source = Source::declared(days.map_or_else(|| resource.origin.clone(), Node::origin));
        let presence = match days.and_then(Node::count) {
            Some(0) => Presence::Absent(source),
            _ => Presence::Present(source),
        };
        survey.feature_after_all(database, Feature::CrossZoneCopy, presence);
    }
    if databases.is_empty() { Handling::Unknown } else { Handling::Reasoned }
}
