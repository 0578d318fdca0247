//! The promises that can be made: only what can be measured now.

use std::time::Duration;

use crate::{Drill, DrillFault, Estate, PlaceKind, PromiseTarget};

/// A promise that can be made.
#[derive(Clone, Debug, PartialEq)]
pub struct KnownPromise {
    /// Its id.
    pub id: &'static str,
    /// What is promised, and from when to when it is measured.
    pub meaning: &'static str,
    /// The target of the profile `standard`; its kind is the kind of every target of this promise.
    pub standard: PromiseTarget,
    /// What measures it.
    pub proven_by: ProvenBy,
}

/// What measures a promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProvenBy {
    /// A drill that kills a place of this kind.
    KillPlace(PlaceKind),
    /// A drill that kills one instance.
    KillInstance,
    /// A drill that hangs one instance.
    HangInstance,
    /// An actual halt of all automatons.
    Halt,
}

const fn within(seconds: u64) -> PromiseTarget {
    PromiseTarget::Within(Duration::from_secs(seconds))
}

/// Ordered by id. Standard targets: 30 s for a disaster switch and 5 min for elastic capacity are the figures that the
/// product's source document asks for; 1 s for a halt is the product's own law; the rest follow from the probes'
/// defaults (three failures, 1 s apart, 0.5 s each, are seen within 5 s).
static CATALOGUE: [KnownPromise; 7] = [
    KnownPromise {
        id: "detect.zone",
        meaning: "When a zone is lost, an incident is open within this time of the fault.",
        standard: within(10),
        proven_by: ProvenBy::KillPlace(PlaceKind::Zone),
    },
    KnownPromise {
        id: "eject.hang",
        meaning: "When an instance hangs, requests stop failing within this time of the fault.",
        standard: within(5),
        proven_by: ProvenBy::HangInstance,
    },
    KnownPromise {
        id: "failover.instance",
        meaning: "When an instance dies, requests stop failing within this time of the fault.",
        standard: within(5),
        proven_by: ProvenBy::KillInstance,
    },
    KnownPromise {
        id: "failover.zone",
        meaning: "When a zone is lost, requests stop failing within this time of the fault.",
        standard: within(30),
        proven_by: ProvenBy::KillPlace(PlaceKind::Zone),
    },
    KnownPromise {
        id: "halt.all",
        meaning: "When automatons are halted, every reachable hand and gateway obeys within this time.",
        standard: within(1),
        proven_by: ProvenBy::Halt,
    },
    KnownPromise {
        id: "restart.instance",
        meaning: "When an instance has died, it is up and takes its share again within this time of the end of the fault.",
        standard: within(300),
        proven_by: ProvenBy::KillInstance,
    },
    KnownPromise {
        id: "restart.zone",
        meaning: "When a lost zone has come back, its instances are up and take their shares again within this time of the end of the fault.",
        standard: within(300),
        proven_by: ProvenBy::KillPlace(PlaceKind::Zone),
    },
];

/// Every promise that can be made, ordered by id.
pub fn promise_catalogue() -> &'static [KnownPromise] {
    &CATALOGUE
}

impl KnownPromise {
    /// The promise of that id.
    pub fn of(id: &str) -> Option<&'static Self> {
        CATALOGUE.iter().find(|known| known.id == id)
    }

    /// Whether a run of the drill measures it.
    pub fn is_proven_by(&self, drill: &Drill, estate: &Estate) -> bool {
        match (self.proven_by, &drill.fault) {
            (ProvenBy::KillPlace(kind), DrillFault::KillPlace(place)) => {
                estate.places.get(place).is_some_and(|place| place.kind == kind)
            }
            (ProvenBy::KillInstance, DrillFault::KillInstance(_))
            | (ProvenBy::HangInstance, DrillFault::HangInstance(_)) => true,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_is_ordered_and_has_each_id_once() {
        assert!(CATALOGUE.windows(2).all(|pair| pair[0].id < pair[1].id));
        assert_eq!(KnownPromise::of("halt.all").unwrap().proven_by, ProvenBy::Halt);
    }
}
