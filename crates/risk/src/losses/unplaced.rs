//! What nobody can tell: instances of which no file says where they stand, services of which it says not even how many, and what
//! lies outside the files.
//!
//! For an instance whose zone is not told the worst is taken: it stands with all others of which it is not told, and at any place
//! that is. Where the service would stop in that case and does not stop for sure, the finding is unknown; where nothing is
//! hidden and the product is merely free to choose (a scheduler), it is weak, since the worst case can simply happen.

use std::collections::{BTreeMap, BTreeSet};

use dinghai_estate::{
    Certainty, FoundInstance, FoundService, PlaceKind, Role, ServiceId, Unknown, UnknownKind,
};

use super::single::{listed, stop};
use super::{Question, survive};
use crate::domains::Containment;
use crate::{Because, Finding, Fix, Stands, State};

/// Lines that are shown for one finding.
const SHOWN: usize = 6;

/// A kind of place that is not told, and why not.
type Reason = (PlaceKind, UnknownKind, String);

/// What is not known of a service, as far as it decides whether the service survives.
pub(super) struct Doubt {
    /// The kind of place that is not told.
    pub(super) kind: PlaceKind,
    /// By instance why.
    pub(super) instances: Vec<Unknown>,
}

pub(super) fn findings(question: &Question<'_>) -> Vec<Finding> {
    let mut stopped: BTreeMap<&ServiceId, BTreeSet<&ServiceId>> = BTreeMap::new();
    let mut widest: BTreeMap<&ServiceId, PlaceKind> = BTreeMap::new();
    for (core, closure) in &question.closures {
        let survive = survive(question.inventory, core);
        for (id, _) in closure {
            stopped.entry(id).or_default().insert(core);
            let known = widest.entry(id).or_insert(survive);
            *known = survive.max(*known);
        }
    }
    let containment = question.cuts.containment();
    // What is not told for the same reason is one finding.
    let mut doubts: BTreeMap<Reason, Vec<(&ServiceId, Doubt)>> = BTreeMap::new();
    let mut found = Vec::new();
    let mut bare: Vec<(&ServiceId, Doubt)> = Vec::new();
    for (id, survive) in &widest {
        let Some(service) = question.inventory.services.get(*id) else { continue };
        if let Some(open) = &service.open {
            if service.role != Role::External {
                found.push(not_counted(id, open, stopped.get(id)));
            }
            continue;
        }
        // Without one to spare it stops wherever it stands: that is a single point, and no doubt.
        let spare = service.running().count() > Stands::OnEnough.needed(service);
        if !spare {
            if let Some(doubt) = nowhere(containment, service, *survive) {
                bare.push((id, doubt));
            }
            continue;
        }
        for doubt in doubts_of(containment, service, *survive) {
            let Some(first) = doubt.instances.first() else { continue };
            let why = (doubt.kind, first.kind, first.why.clone());
            doubts.entry(why).or_default().push((id, doubt));
        }
    }
    found.extend(
        doubts
            .into_iter()
            .map(|((kind, unknown, why), services)| not_placed(kind, unknown, &why, &services, &stopped)),
    );
    found.extend(single_somewhere(&bare, &stopped));
    found.extend(outside(question));
    found
}

/// Of a service whose instances are at no place that is told, the widest kind that was to be survived.
fn nowhere(containment: &Containment<'_>, service: &FoundService, survive: PlaceKind) -> Option<Doubt> {
    let told = |instance: &FoundInstance| {
        let mut places = containment.of_instance(instance).into_iter();
        places.any(|place| containment.kind(place).is_some_and(|kind| kind <= survive))
    };
    if service.running().any(told) {
        return None;
    }
    doubts_of(containment, service, survive).pop()
}

/// One finding for all services that have nothing to spare, wherever they stand.
fn single_somewhere(
    bare: &[(&ServiceId, Doubt)],
    stopped: &BTreeMap<&ServiceId, BTreeSet<&ServiceId>>,
) -> Option<Finding> {
    let (_, first) = bare.first()?;
    let kind = first.kind;
    let names: BTreeSet<&ServiceId> = bare.iter().map(|(id, _)| *id).collect();
    let core: BTreeSet<&ServiceId> =
        names.iter().filter_map(|id| stopped.get(*id)).flatten().copied().collect();
    Some(Finding {
        rule: "single-point",
        state: State::Broken,
        title: match names.len() {
            1 => format!("{} runs one instance", listed(&names)),
            _ => format!("{} run one instance each", listed(&names)),
        },
        sentence: format!(
            "lose the {kind} of {} and {}: none of it stands elsewhere, and in which {kind} it is no file says",
            listed(&names),
            stop(&core)
        ),
        about: names
            .iter()
            .copied()
            .chain(core.iter().copied().filter(|id| !names.contains(id)))
            .cloned()
            .collect(),
        lost: Vec::new(),
        because: lines(bare),
        certainty: Certainty::Derived,
        bound: None,
        fix: Some(Fix {
            sentence: format!("run at least two instances of {}, at different {kind}s", listed(&names)),
            edits: Vec::new(),
            checked: None,
        }),
    })
}

/// The first line of each service.
fn lines(services: &[(&ServiceId, Doubt)]) -> Vec<Because> {
    let line = |(id, doubt): &(&ServiceId, Doubt)| {
        let first = doubt.instances.first()?;
        Some(Because { origin: first.origin.clone(), note: format!("`{id}`: {}", first.why) })
    };
    services.iter().filter_map(line).take(SHOWN).collect()
}

/// Kinds of place up to `survive` with which the service would stop, were its untold instances at the worst places.
pub(super) fn doubts_of(
    containment: &Containment<'_>,
    service: &FoundService,
    survive: PlaceKind,
) -> Vec<Doubt> {
    let needed = Stands::OnEnough.needed(service);
    let running: Vec<&FoundInstance> = service.running().collect();
    let kinds = [PlaceKind::Node, PlaceKind::Zone, PlaceKind::Region];
    let mut doubts: Vec<Doubt> = Vec::new();
    for kind in kinds.into_iter().filter(|kind| *kind <= survive) {
        let mut at: BTreeMap<u32, usize> = BTreeMap::new();
        let mut untold = Vec::new();
        for instance in &running {
            let places = containment.of_instance(instance);
            let of_kind = |kind: PlaceKind| {
                places.iter().copied().filter(move |place| containment.kind(*place) == Some(kind))
            };
            let wider = || {
                instance.at.keys().filter_map(|place| containment.number(place)).any(|place| {
                    containment.kind(place) > Some(kind)
                        && containment.kind(place) != Some(PlaceKind::Vendor)
                        && containment.kind(place) != Some(PlaceKind::Account)
                })
            };
            if let Some(unknown) = instance.unknown.get(&kind) {
                untold.push(unknown.clone());
            } else if of_kind(kind).next().is_some() {
                of_kind(kind).for_each(|place| *at.entry(place).or_default() += 1);
            } else if kind != PlaceKind::Node && !wider() {
                // Not at a wider place of its own accord, as a regional product is: it stands somewhere.
                untold.push(Unknown {
                    why: format!("no file says at which {kind}"),
                    kind: UnknownKind::Unresolved,
                    origin: instance.source.origin.clone(),
                });
            }
        }
        let worst = at.values().copied().max().unwrap_or(0);
        let left = |gone: usize| running.len().saturating_sub(gone);
        if !untold.is_empty() && left(worst) >= needed && left(worst + untold.len()) < needed {
            doubts.push(Doubt { kind, instances: untold });
        }
    }
    // Who may all stand at one node may all stand at one zone, for the same reason: the wider doubt says it.
    if let [.., narrow, wide] = doubts.as_slice()
        && narrow
            .instances
            .iter()
            .map(|unknown| &unknown.why)
            .eq(wide.instances.iter().map(|unknown| &unknown.why))
    {
        doubts.remove(doubts.len() - 2);
    }
    doubts
}

fn not_placed(
    kind: PlaceKind,
    unknown: UnknownKind,
    why: &str,
    services: &[(&ServiceId, Doubt)],
    stopped: &BTreeMap<&ServiceId, BTreeSet<&ServiceId>>,
) -> Finding {
    let names: BTreeSet<&ServiceId> = services.iter().map(|(id, _)| *id).collect();
    let core: BTreeSet<&ServiceId> =
        names.iter().filter_map(|id| stopped.get(*id)).flatten().copied().collect();
    let free = unknown == UnknownKind::Unconstrained;
    Finding {
        rule: "spread-unknown",
        state: if free { State::Weak } else { State::Unknown },
        title: match free {
            true => format!("nothing keeps the instances of {} at different {kind}s", listed(&names)),
            false => format!("whether the loss of a {kind} stops {} is unknown", listed(&names)),
        },
        sentence: match free {
            true => format!(
                "all running instances of {} may stand at one {kind}, and without it {}: {why}",
                listed(&names),
                stop(&core)
            ),
            false => format!("the {kind} of {} is not told, so they may share one: {why}", listed(&names)),
        },
        about: names
            .iter()
            .copied()
            .chain(core.iter().copied().filter(|id| !names.contains(id)))
            .cloned()
            .collect(),
        lost: Vec::new(),
        because: lines(services),
        certainty: Certainty::Derived,
        bound: None,
        fix: Some(Fix {
            sentence: match free {
                true => format!("require that the instances stand at different {kind}s"),
                false => format!("say the {kind}, in these files or in `dinghai.yaml`"),
            },
            edits: Vec::new(),
            checked: None,
        }),
    }
}

fn not_counted(id: &ServiceId, open: &Unknown, stopped: Option<&BTreeSet<&ServiceId>>) -> Finding {
    let core = stopped.cloned().unwrap_or_default();
    Finding {
        rule: "instances-unknown",
        state: State::Unknown,
        title: format!("how many instances {id} has is unknown"),
        sentence: match core.iter().copied().eq([id]) {
            true => format!("the files do not tell all instances of {id}: {}", open.why),
            false => {
                format!(
                    "without {id} {}, and the files do not tell all its instances: {}",
                    stop(&core),
                    open.why
                )
            }
        },
        about: std::iter::once(id).chain(core.into_iter().filter(|core| *core != id)).cloned().collect(),
        lost: Vec::new(),
        because: vec![Because { origin: open.origin.clone(), note: open.why.clone() }],
        certainty: Certainty::Derived,
        bound: None,
        fix: Some(Fix {
            sentence: "check a plan or state instead, or declare the instances in `dinghai.yaml`".to_owned(),
            edits: Vec::new(),
            checked: None,
        }),
    }
}

fn outlives(names: &BTreeSet<&ServiceId>) -> String {
    let verb = if names.len() == 1 { "outlives" } else { "outlive" };
    format!("{} {verb}", listed(names))
}

/// One finding for all that core services need outside the files.
fn outside(question: &Question<'_>) -> Option<Finding> {
    let needed: BTreeMap<&ServiceId, &FoundService> = question
        .closures
        .values()
        .flatten()
        .filter(|(_, service)| service.role == Role::External)
        .copied()
        .collect();
    let names: BTreeSet<&ServiceId> = needed.keys().copied().collect();
    let core: BTreeSet<&ServiceId> = question
        .closures
        .iter()
        .filter(|(_, closure)| closure.iter().any(|(id, _)| names.contains(id)))
        .map(|(core, _)| *core)
        .collect();
    let mut because: Vec<Because> = needed
        .iter()
        .map(|(id, service)| Because {
            origin: service.source.origin.clone(),
            note: format!("`{id}` lies outside these files"),
        })
        .collect();
    because.truncate(SHOWN);
    (!names.is_empty()).then(|| Finding {
        rule: "need-outside",
        state: State::Unknown,
        title: format!("what {} is unknown", outlives(&names)),
        sentence: format!("without {} {}, and it lies outside these files", listed(&names), stop(&core)),
        about: names.iter().chain(&core).map(|id| (*id).clone()).collect(),
        lost: Vec::new(),
        because,
        certainty: Certainty::Inferred,
        bound: None,
        fix: Some(Fix {
            sentence:
                "declare it in `dinghai.yaml` with its places, or as a need of `kind: soft` with its fallback"
                    .to_owned(),
            edits: Vec::new(),
            checked: None,
        }),
    })
}
