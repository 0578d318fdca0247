//! What keeps the pods of a workload apart, or together.
//!
//! | said | kept apart |
//! |---|---|
//! | required pod anti-affinity to itself | at most one pod in each place |
//! | `topologySpreadConstraints`, `DoNotSchedule` | numbers in any two places differ by `maxSkew` at most |
//! | a `hostPort` | at most one pod on each node |
//! | preferred anti-affinity, `ScheduleAnyway` | only as long as there is room: counts as not kept apart |
//!
//! A rule counts only when its selector selects the workload's own pods. Where a rule leaves room, the most crowded
//! arrangement that it permits is taken ([`crowded`]): what holds for that one holds for all.

use dinghai_estate::{Origin, PlaceKind};

use super::ground::kind_of_label;
use super::select::{Labels, selects};
use crate::value::Node;

/// One rule.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Rule {
    pub(super) kind: PlaceKind,
    /// How many more pods one place may have than another; none when a place has one at most.
    pub(super) skew: Option<u32>,
    /// Places that there have to be, when stated.
    pub(super) least: Option<u32>,
    pub(super) hard: bool,
    pub(super) origin: Origin,
}

/// All rules of a pod about its own kind.
pub(super) fn rules(pod: &Node, labels: &Labels) -> Vec<Rule> {
    let mut rules = Vec::new();
    for constraint in pod.get("topologySpreadConstraints").map(Node::items).unwrap_or_default() {
        let Some(kind) = constraint.get("topologyKey").and_then(Node::str).and_then(kind_of_label) else {
            continue;
        };
        if !constraint.get("labelSelector").is_some_and(|selector| selects(selector, labels)) {
            continue;
        }
        let hard = constraint.get("whenUnsatisfiable").and_then(Node::str) != Some("ScheduleAnyway");
        rules.push(Rule {
            kind,
            skew: Some(constraint.get("maxSkew").and_then(Node::count).unwrap_or(1).max(1)),
            least: constraint.get("minDomains").and_then(Node::count),
            hard,
            origin: constraint.origin_of(if hard { "topologyKey" } else { "whenUnsatisfiable" }),
        });
    }
    let anti = pod.at(&["affinity", "podAntiAffinity"]);
    for (term, hard) in terms(anti) {
        if let Some(kind) = own(term, labels) {
            rules.push(Rule { kind, skew: None, least: None, hard, origin: term.origin_of("topologyKey") });
        }
    }
    let ports = pod.get("containers").map(Node::items).unwrap_or_default().iter();
    let mut ports = ports.flat_map(|container| container.get("ports").map(Node::items).unwrap_or_default());
    if let Some(port) = ports.find_map(|port| port.get("hostPort")).filter(|port| port.count() != Some(0)) {
        rules.push(Rule {
            kind: PlaceKind::Node,
            skew: None,
            least: None,
            hard: true,
            origin: port.origin(),
        });
    }
    rules
}

/// The kind of place in which all pods have to be together: required pod affinity to itself.
pub(super) fn together(pod: &Node, labels: &Labels) -> Option<(PlaceKind, Origin)> {
    let affinity = pod.at(&["affinity", "podAffinity"]);
    let mut hard = terms(affinity).into_iter().filter(|(_, hard)| *hard);
    hard.find_map(|(term, _)| Some((own(term, labels)?, term.origin_of("topologyKey"))))
}

/// The terms of an affinity, each with whether it is required.
fn terms(affinity: Option<&Node>) -> Vec<(&Node, bool)> {
    let items =
        |key: &str| affinity.and_then(|affinity| affinity.get(key)).map(Node::items).unwrap_or_default();
    let required = items("requiredDuringSchedulingIgnoredDuringExecution").iter().map(|term| (term, true));
    let preferred = items("preferredDuringSchedulingIgnoredDuringExecution").iter();
    required.chain(preferred.filter_map(|term| Some((term.get("podAffinityTerm")?, false)))).collect()
}

fn own(term: &Node, labels: &Labels) -> Option<PlaceKind> {
    let selector = term.get("labelSelector")?;
    let kind = kind_of_label(term.get("topologyKey")?.str()?)?;
    selects(selector, labels).then_some(kind)
}

/// In which of `places` each of `pods` stands in the most crowded arrangement that a skew permits.
pub(super) fn crowded(pods: u32, places: u32, skew: u32) -> Vec<u32> {
    // With more places than pods one of them is empty, and further ones change nothing, however many `minDomains` asks for.
    let places = places.clamp(1, pods.saturating_add(1));
    // The emptiest place holds `floor`: the least with which all pods fit when every other place is as full as it may be.
    let fits = |floor: u32| {
        let full = u64::from(floor) + u64::from(skew);
        full * u64::from(places - 1) + u64::from(floor) >= u64::from(pods) || places == 1
    };
    let floor = (0..=pods).find(|floor| fits(*floor)).unwrap_or(pods);
    let mut left = pods;
    let mut held: Vec<u32> = (0..places)
        .map(|_| {
            let own = floor.min(left);
            left -= own;
            own
        })
        .collect();
    for place in &mut held {
        let more = if places == 1 { left } else { skew.min(left) };
        *place += more;
        left -= more;
    }
    (0_u32..).zip(held).flat_map(|(place, count)| std::iter::repeat_n(place, count as usize)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_skew_of_one_spreads_evenly() {
        assert_eq!(crowded(3, 3, 1), [0, 1, 2]);
        assert_eq!(crowded(4, 3, 1), [0, 0, 1, 2]);
        assert_eq!(crowded(2, 3, 1), [0, 1]);
        assert_eq!(crowded(5, 2, 1), [0, 0, 0, 1, 1]);
    }

    #[test]
    fn places_without_number_cost_nothing() {
        assert_eq!(crowded(3, u32::MAX, 1), [0, 1, 2]);
        assert_eq!(crowded(3, u32::MAX, u32::MAX), [0, 0, 0]);
    }

    #[test]
    fn a_wider_skew_leaves_room_to_crowd() {
        assert_eq!(crowded(3, 3, 3), [0, 0, 0]);
        assert_eq!(crowded(3, 3, 2), [0, 0, 1]);
        assert_eq!(crowded(3, 1, 1), [0, 0, 0]);
    }

    #[test]
    fn no_pod_is_lost_and_no_rule_broken() {
        for pods in 0..20 {
            for places in 1..6 {
                for skew in 1..5 {
                    let at = crowded(pods, places, skew);
                    assert_eq!(at.len(), pods as usize);
                    let held = |place| at.iter().filter(|at| **at == place).count() as u32;
                    let (least, most) =
                        ((0..places).map(held).min().unwrap(), (0..places).map(held).max().unwrap());
                    assert!(most - least <= skew, "{pods} {places} {skew}: {at:?}");
                }
            }
        }
    }
}
