//! Docker Swarm: a scheduler puts tasks on the nodes of a cluster, and constraints say where.
//!
//! `max_replicas_per_node: 1` keeps tasks apart for certain. A spread preference does not: with only one node left it puts all of them
//! there. Node labels are the user's own words, so a label counts as a zone, rack or region only when it is called so.

use dinghai_estate::{Feature, FoundInstance, PlaceId, PlaceKind, Presence, Source, Unknown, UnknownKind};

use crate::fragment::Fragment;
use crate::value::Node;

/// Whether the document is a stack for Swarm and no project for one host.
pub(super) fn is_stack(whole: &Node) -> bool {
    let deploys = || {
        whole.get("services").into_iter().flat_map(Node::entries).filter_map(|(_, node)| node.get("deploy"))
    };
    let keys = ["placement", "mode", "endpoint_mode"];
    let overlay = whole.get("networks").into_iter().flat_map(Node::entries);
    deploys().any(|deploy| keys.iter().any(|key| deploy.get(key).is_some_and(Node::says_something)))
        || overlay
            .into_iter()
            .any(|(_, network)| network.get("driver").and_then(Node::str) == Some("overlay"))
}

/// Says where the tasks of a service stand.
pub(super) fn place(
    fragment: &mut Fragment,
    name: &str,
    node: &Node,
    instances: &mut [FoundInstance],
) -> Option<Presence> {
    let placement = node.at(&["deploy", "placement"]);
    let mut known_node = false;
    let mut known_zone = false;
    for constraint in
        placement.and_then(|placement| placement.get("constraints")).map(Node::items).unwrap_or_default()
    {
        let Some((kind, value)) = constraint.str().and_then(constrained) else { continue };
        let source = Source::declared(constraint.origin());
        let place = PlaceId::new(value);
        fragment.place(&place, kind, &source);
        known_node |= kind == PlaceKind::Node;
        known_zone |= kind == PlaceKind::Zone;
        for instance in instances.iter_mut() {
            instance.at.insert(place.clone(), source.clone());
        }
    }
    let count = instances.len();
    let origin = placement.map_or_else(|| node.origin(), Node::origin);
    let single = placement
        .and_then(|placement| placement.get("max_replicas_per_node"))
        .filter(|most| most.count() == Some(1));
    let mut spread = None;
    if !known_node {
        match (count, single) {
            (1, _) => {
                let place = PlaceId::new(format!("node of {name}-1"));
                let source = Source::derived(origin.clone());
                fragment.place(&place, PlaceKind::Node, &source);
                for instance in instances.iter_mut() {
                    instance.at.insert(place.clone(), source.clone());
                }
            }
            (_, Some(most)) => {
                let source = Source::derived(most.origin());
                for (index, instance) in instances.iter_mut().enumerate() {
                    let place = PlaceId::new(format!("node-{}", index + 1));
                    fragment.place(&place, PlaceKind::Node, &source);
                    instance.at.insert(place, source.clone());
                }
                spread = Some(Presence::Present(Source::declared(most.origin())));
            }
            (_, None) => {
                let prefers = placement.and_then(|placement| placement.get("preferences"));
                let why = match prefers {
                    Some(_) => format!("a preference does not keep its {count} tasks apart"),
                    None => format!("nothing keeps its {count} tasks apart"),
                };
                let unknown = Unknown { why, kind: UnknownKind::Unconstrained, origin: origin.clone() };
                for instance in instances.iter_mut() {
                    instance.unknown.insert(PlaceKind::Node, unknown.clone());
                }
                spread = Some(match prefers {
                    Some(_) => Presence::Unknown(unknown),
                    None => Presence::Absent(Source::derived(origin.clone())),
                });
            }
        }
    }
    if !known_zone {
        let why = "no constraint says in which zone".to_owned();
        let unknown = Unknown { why, kind: UnknownKind::Unconstrained, origin };
        for instance in instances.iter_mut() {
            instance.unknown.insert(PlaceKind::Zone, unknown.clone());
        }
    }
    spread.filter(|_| count > 1)
}

/// The place that `node.labels.zone == a` names.
fn constrained(text: &str) -> Option<(PlaceKind, String)> {
    let (left, value) = text.split_once("==")?;
    let (left, value) = (left.trim(), value.trim());
    let kind = match left {
        "node.hostname" | "node.id" => PlaceKind::Node,
        _ => {
            let label = left.strip_prefix("node.labels.").or_else(|| left.strip_prefix("engine.labels."))?;
            match label.rsplit(['.', '/', '-', '_']).next().unwrap_or_default().to_ascii_lowercase().as_str()
            {
                "zone" | "az" | "availabilityzone" => PlaceKind::Zone,
                "region" => PlaceKind::Region,
                "rack" => PlaceKind::Rack,
                _ => return None,
            }
        }
    };
    (!value.is_empty()).then(|| (kind, value.to_owned()))
}

/// Whether anything is known of how the tasks are kept apart.
pub(super) fn note(features: &mut std::collections::BTreeMap<Feature, Presence>, spread: Option<Presence>) {
    if let Some(spread) = spread {
        features.insert(Feature::Spread, spread);
    }
}
