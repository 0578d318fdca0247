//! Caches and search.

use dinghai_estate::{Feature, Presence, Role, Source, Unknown, UnknownKind};

use super::database::{failover, first, several, standbys};
use crate::terraform::copies::{Count, Spreading};
use crate::terraform::index::argument;
use crate::terraform::survey::{Kind, Member, Survey};
use crate::value::Node;

pub(super) const KINDS: &[Kind] = &[
    Kind { name: "alicloud_kvstore_instance", role: Role::Cache, joins: &[], make: redis },
    Kind { name: "alicloud_redis_tair_instance", role: Role::Cache, joins: &[], make: redis },
    Kind { name: "alicloud_memcache_instance", role: Role::Cache, joins: &[], make: redis },
    Kind { name: "alicloud_elasticsearch_instance", role: Role::Search, joins: &[], make: search },
];

/// One node, or a primary with a standby: `node_type` or the class says which.
fn redis<'a>(survey: &mut Survey<'a>, member: &Member<'a>) {
    let (body, origin) = (&member.resource.body, &member.resource.origin);
    let kind = argument(body, "node_type");
    let class = argument(body, "instance_class");
    let word = kind.and_then(Node::str).unwrap_or_default();
    let class_word = class.and_then(Node::str).unwrap_or_default();
    let (spot, line) = first(survey, member);
    let mut all = several(survey, member).unwrap_or_else(|| vec![(spot.clone(), line.clone())]);
    let others = standbys(survey, member, &["secondary_zone_id"]);
    let double = match word {
        "STAND_ALONE" | "single" => Some(false),
        "MASTER_SLAVE" | "double" => Some(true),
        _ if !others.is_empty() || all.len() > 1 => Some(true),
        _ if class_word.contains(".basic.") || class_word.contains(".single.") => Some(false),
        _ if class_word.contains("master")
            || class_word.contains("logic")
            || class_word.contains("with.proxy") =>
        {
            Some(true)
        }
        _ => None,
    };
    let said = kind
        .or(class)
        .map_or_else(|| Source::derived(origin.clone()), |node| Source::declared(node.origin()));
    match double {
        Some(false) => all.truncate(1),
        Some(true) if others.is_empty() && all.len() == 1 => all.push((spot, line)),
        _ => all.extend(others),
    }
    for (spot, line) in all {
        survey.stand(member, &spot, Source::declared(line), false);
    }
    let presence = match double {
        Some(true) => Presence::Present(said.clone()),
        Some(false) => Presence::Absent(said.clone()),
        None => Presence::Unknown(Unknown {
            why: "neither its class nor `node_type` says whether it has a standby".to_owned(),
            kind: UnknownKind::Hidden,
            origin: said.origin.clone(),
        }),
    };
    survey.feature(&member.service, Feature::Clustered, presence);
    if double == Some(true) {
        // Tair (Redis OSS-compatible), "Standard architecture": a replica takes over within 30 s.
        failover(survey, member, 30, "within 30s for Tair and Redis with a replica", said);
    }
}

fn search<'a>(survey: &mut Survey<'a>, member: &Member<'a>) {
    let (body, origin) = (&member.resource.body, &member.resource.origin);
    let zones = argument(body, "zone_count");
    let nodes = argument(body, "data_node_amount");
    let count = Count::stated([nodes], Count::of(1, origin));
    let line = Source::declared(count.origin.clone());
    let number = count.number.clone().ok();
    match zones.map(|node| (node, node.count())) {
        // Data nodes are spread over so many zones, which the vendor picks: none of them alone matters.
        Some((_, Some(2..))) if number.is_none_or(|number| number >= 2) => survey.region_wide(member),
        Some((node, None)) => {
            let why = node.unknown().unwrap_or("the number of its zones is not known").to_owned();
            let spot = survey.somewhere(&node.origin(), &why, UnknownKind::Unresolved);
            survey.stand(member, &spot, Source::declared(origin.clone()), false);
        }
        _ => {
            let (spot, _) = first(survey, member);
            survey.copies(member, count, &[spot], Spreading::Even);
        }
    }
    if let Some(number) = number {
        let presence = if number > 1 { Presence::Present(line) } else { Presence::Absent(line) };
        survey.feature(&member.service, Feature::Clustered, presence);
    }
}
