//! Protections that a service lacks.
//!
//! An importer says of each protection that it is there, that it is not, or that nobody can tell; where it says nothing, the
//! product has no such thing and no rule speaks of it. What is there gives no finding. What is absent is [`State::Weak`]; what
//! nobody can tell is [`State::Unknown`], and is told only where it matters to a core path.
//!
//! A cache of one node that a core path needs hard is a single point, which another rule tells; it is told here where the path has
//! a fallback, since then all load falls on that. Reservations are asked about only where somebody places things on several nodes.
//!
//! Services off the core paths are left alone, but for those that keep data: data that nobody needs in these files may still be
//! the only copy of something.
//!
//! Services that lack the same protection have one cause, that nobody thought of it, and are one finding with all their lines.
//! What to write differs by kind of resource, and is said for each.

mod advice;

use std::collections::{BTreeMap, BTreeSet};

use dinghai_estate::{
    Certainty, Feature, FoundService, Inventory, NeedKind, PlaceKind, Presence, Role, ServiceId,
};

use crate::core::{core_services, on_core_paths};
use crate::counterexample::Lost;
use crate::domains::{Containment, PlaceNumber};
use crate::finding::{Because, Finding, Fix, State};
use crate::recovery::unnoticed_services;
use crate::say;

/// As many services are named in a title; of more it says how many.
const NAMED: usize = 3;

/// A protection that a rule asks for.
struct Wanted {
    rule: &'static str,
    feature: Feature,
    /// Of services with these roles.
    of: fn(Role) -> bool,
    /// What is said of one service that lacks it.
    lacks: &'static str,
    /// The same of several.
    lack: &'static str,
    /// What that leads to.
    so: &'static str,
    /// What nobody can tell of it.
    whether: &'static str,
}

const WANTED: [Wanted; 7] = [
    Wanted {
        rule: "cache-not-clustered",
        feature: Feature::Clustered,
        of: |role| role == Role::Cache,
        lacks: "is a cache on a single node",
        lack: "are caches on a single node each",
        so: "when that node goes the cache is empty or away, and all its load falls on what is behind it",
        whether: "has more than one node",
    },
    Wanted {
        rule: "no-cross-zone-copy",
        feature: Feature::CrossZoneCopy,
        of: keeps_data,
        lacks: "has no copy in another zone",
        lack: "have no copy in another zone",
        so: "a zone that is lost for good takes the data with it",
        whether: "is copied to another zone",
    },
    Wanted {
        rule: "no-release-protection",
        feature: Feature::ReleaseProtection,
        of: |role| {
            keeps_data(role)
                || matches!(role, Role::Balancer | Role::Workload | Role::Cache | Role::Queue | Role::Search)
        },
        lacks: "can be released by one call",
        lack: "can be released by one call",
        so: "a mistaken `destroy` or a click in the console is enough",
        whether: "is protected from being released",
    },
    Wanted {
        rule: "no-scaling",
        feature: Feature::Scaling,
        of: |role| role == Role::Workload,
        lacks: "is scaled by nobody",
        lack: "are scaled by nobody",
        so: "after a loss, or in a surge, those left have to carry everything until a person adds some",
        whether: "is scaled by itself",
    },
    Wanted {
        rule: "no-disruption-budget",
        feature: Feature::DisruptionBudget,
        of: |_| true,
        lacks: "has no disruption budget",
        lack: "have no disruption budget",
        so: "draining nodes may take all instances of one at once",
        whether: "has a disruption budget",
    },
    Wanted {
        rule: "no-probe-declared",
        feature: Feature::Probe,
        of: |role| role != Role::External,
        lacks: "is asked by nobody whether it answers",
        lack: "are asked by nobody whether they answer",
        so: "an instance that hangs goes on getting requests",
        whether: "is asked whether it answers",
    },
    Wanted {
        rule: "no-requests",
        feature: Feature::Requests,
        of: |_| true,
        lacks: "reserves nothing",
        lack: "reserve nothing",
        so: "what reserves nothing is starved or evicted first on a full node, and after a loss every node is fuller",
        whether: "reserves what it uses",
    },
];

fn keeps_data(role: Role) -> bool {
    matches!(role, Role::Disk | Role::Database | Role::Storage)
}

/// One service that lacks it, or of which nobody can tell.
struct Case<'i> {
    id: &'i ServiceId,
    service: &'i FoundService,
    certainty: Certainty,
    /// The line, and what it is there for.
    because: Because,
}

/// Every protection that is missing, or of which nobody can tell.
pub fn missing_protections(inventory: &Inventory) -> Vec<Finding> {
    let paths = on_core_paths(inventory, &core_services(inventory));
    let fallen_back = fallen_back(inventory, &paths);
    let nodes = inventory.places.values().filter(|place| place.kind == PlaceKind::Node).count();
    let behind_an_entry = behind_an_entry(inventory);
    let unnoticed = unnoticed_services(inventory);
    let mut found = Vec::new();
    for wanted in &WANTED {
        let mut groups: BTreeMap<State, Vec<Case<'_>>> = BTreeMap::new();
        for (id, service) in &inventory.services {
            let Some(presence) = service.features.get(&wanted.feature) else { continue };
            let on_path = match wanted.feature {
                Feature::Clustered if service.running().count() == 1 && service.open.is_none() => {
                    fallen_back.get(id).copied().filter(|_| !paths.contains_key(id))
                }
                Feature::Clustered => paths.get(id).or(fallen_back.get(id)).copied(),
                Feature::Requests if nodes == 1 => None,
                _ => paths.get(id).copied(),
            };
            if !(wanted.of)(service.role) || !counts(wanted, service, on_path.is_some()) {
                continue;
            }
            // Of a balancer's pool another rule says what it means.
            if wanted.feature == Feature::Probe && unnoticed.contains(id) {
                continue;
            }
            if wanted.feature == Feature::Scaling
                && behind_an_entry.as_ref().is_some_and(|ids| !ids.contains(id))
            {
                continue;
            }
            let path = if keeps_data(service.role) {
                Certainty::Declared
            } else {
                on_path.unwrap_or(Certainty::Inferred)
            };
            let (state, certainty, origin, note) = match presence {
                Presence::Present(_) => continue,
                Presence::Absent(source) => {
                    (State::Weak, source.certainty.min(path), &source.origin, id.to_string())
                }
                Presence::Unknown(_) if on_path.is_none() => continue,
                Presence::Unknown(unknown) => {
                    (State::Unknown, path, &unknown.origin, format!("{id}: {}", unknown.why))
                }
            };
            let because = Because { origin: origin.clone(), note };
            groups.entry(state).or_default().push(Case { id, service, certainty, because });
        }
        found.extend(groups.into_iter().map(|(state, cases)| finding(inventory, wanted, state, &cases)));
    }
    found
}

fn counts(wanted: &Wanted, service: &FoundService, on_path: bool) -> bool {
    match wanted.feature {
        // One instance is taken down by any drain, budget or not.
        Feature::DisruptionBudget => on_path && service.running().count() > 1,
        Feature::CrossZoneCopy | Feature::ReleaseProtection => on_path || keeps_data(service.role),
        _ => on_path,
    }
}

/// What a core path needs and has a fallback for.
fn fallen_back<'i>(
    inventory: &'i Inventory,
    paths: &BTreeMap<&'i ServiceId, Certainty>,
) -> BTreeMap<&'i ServiceId, Certainty> {
    let mut found = BTreeMap::new();
    for (id, sure) in paths {
        let needs = inventory.services.get(*id).into_iter().flat_map(|service| &service.needs);
        for need in needs.filter(|need| need.kind != NeedKind::Hard) {
            let sure = need.source.certainty.min(*sure);
            let known = found.entry(&need.service).or_insert(sure);
            *known = sure.max(*known);
        }
    }
    found
}

/// What users reach; none when no file says how they come in.
fn behind_an_entry(inventory: &Inventory) -> Option<BTreeSet<&ServiceId>> {
    if inventory.entries.is_empty() {
        return None;
    }
    let mut reached = BTreeSet::new();
    let mut open: Vec<&ServiceId> = inventory.entries.iter().map(|entry| &entry.service).collect();
    while let Some((id, service)) = open.pop().and_then(|id| inventory.services.get_key_value(id)) {
        if reached.insert(id) {
            open.extend(
                service.needs.iter().filter(|need| need.kind == NeedKind::Hard).map(|need| &need.service),
            );
        }
    }
    Some(reached)
}

/// What the files call things of this kind: `aws_db_instance` of `module.db["a.b"].aws_db_instance.orders`, `Deployment` of
/// `Deployment shop/web`.
fn kind(service: &FoundService) -> &str {
    let mut words = service.resource.split(['.', ' ']);
    while let Some(word) = words.next() {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        match word {
            "module" => drop(words.next()),
            "" | "data" => {}
            word if word.bytes().all(plain) => return word,
            _ => {}
        }
    }
    ""
}

fn finding(inventory: &Inventory, wanted: &Wanted, state: State, cases: &[Case<'_>]) -> Finding {
    let ids: Vec<&str> = cases.iter().map(|case| case.id.as_str()).collect();
    let origins = cases.iter().map(|case| &case.because.origin);
    let all = say::names(&ids);
    let short = if cases.len() > NAMED { format!("{} services", cases.len()) } else { all.clone() };
    let lack = if cases.len() > 1 { wanted.lack } else { wanted.lacks };
    let (title, sentence) = match state {
        State::Unknown => {
            let each = if cases.len() > 1 { "each of " } else { "" };
            (
                format!("nobody can tell whether {each}{short} {}", wanted.whether),
                format!("{all}: {}", reasons(cases)),
            )
        }
        _ => (format!("{short} {lack}"), format!("{all} {lack}: {}", wanted.so)),
    };
    let mut because: Vec<Because> = cases.iter().map(|case| case.because.clone()).collect();
    because.sort();
    Finding {
        rule: wanted.rule,
        state,
        title,
        sentence: say::with_lines(sentence, origins),
        about: cases.iter().map(|case| case.id.clone()).collect(),
        lost: if wanted.feature == Feature::CrossZoneCopy {
            shared_zone(inventory, cases)
        } else {
            Vec::new()
        },
        because,
        certainty: cases.iter().map(|case| case.certainty).min().unwrap_or(Certainty::Inferred),
        bound: None,
        fix: advice(wanted.rule, cases),
    }
}

/// The one zone that holds all of them, when there is one.
fn shared_zone(inventory: &Inventory, cases: &[Case<'_>]) -> Vec<Lost> {
    let containment = Containment::of(inventory);
    let instances: Vec<_> = cases.iter().flat_map(|case| containment.running(case.service)).collect();
    let zone = |place: &PlaceNumber| containment.kind(*place) == Some(PlaceKind::Zone);
    let zones: BTreeSet<PlaceNumber> = instances.iter().flatten().copied().filter(zone).collect();
    let shared = zones.into_iter().find(|zone| instances.iter().all(|at| at.contains(zone)));
    let name = shared.and_then(|zone| containment.name(zone));
    name.map(|place| Lost { place: place.clone(), kind: PlaceKind::Zone }).into_iter().collect()
}

/// What to write, once for each kind of resource.
fn advice(rule: &str, cases: &[Case<'_>]) -> Option<Fix> {
    let mut kinds: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for case in cases {
        let kind = kind(case.service);
        kinds.entry(advice::of(rule, kind)?).or_default().insert(kind);
    }
    let sentence = match kinds.len() {
        1 => kinds.into_keys().collect(),
        _ => {
            let of_kind = |(advice, kinds): (&str, BTreeSet<&str>)| {
                format!("{}: {advice}", say::names(&kinds.into_iter().collect::<Vec<_>>()))
            };
            kinds.into_iter().map(of_kind).collect::<Vec<_>>().join("; ")
        }
    };
    Some(Fix { sentence, edits: Vec::new(), checked: None })
}

fn reasons(cases: &[Case<'_>]) -> String {
    let why = |case: &Case<'_>| case.because.note.split_once(": ").map(|(_, why)| why.to_owned());
    let reasons: BTreeSet<String> = cases.iter().filter_map(why).collect();
    reasons.into_iter().collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests;
