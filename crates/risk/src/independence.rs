//! Whether recovery needs what was just lost.
//!
//! A service that outlives a zone on paper may still not come back, because what brings it back stood in that zone: the store that
//! elects the new primary, the registry that holds the image, the bastion by which operators get in, the Alertmanager that
//! would have told them. For every single place that a core path loses something with, and that it has to outlive or does, every step
//! of its recovery is followed to what it needs, through hard needs, and asked whether that goes with the same place.
//!
//! | the step | is | when what it needs goes too |
//! |---|---|---|
//! | fail over | done by automatons, at once | [`State::Broken`]: it does not outlive the loss |
//! | anything else: scale out, pull, deploy, restore, log in, page | done later, or by people | [`State::Weak`]: it stays degraded, or nobody knows |
//! | any | of which nobody can tell | [`State::Unknown`] |
//!
//! Some losses are left to other rules. What a service needs to *run* takes it down whether it recovers or not. Where nothing of the
//! core paths stands outside the lost place there is nowhere to recover to, except to restore data.
//!
//! One cause is one finding: the needed service and the place. Where it is lost with a node, its rack and its zone, the widest that
//! has to be outlived is told; a region that need not be is told only when nothing narrower is.

mod falls;
mod sentence;
mod steps;

use std::collections::{BTreeMap, BTreeSet};

use dinghai_estate::{Act, Certainty, FoundService, Inventory, NeedKind, Origin, PlaceKind, ServiceId};

use crate::capacity::USUAL;
use crate::core::{core_services, on_core_paths};
use crate::domains::PlaceNumber;
use crate::finding::Finding;
use crate::whereabouts::{Goes, Whereabouts};
use falls::{Doubt, Fall, Fate, fate};
use sentence::Doubtful;
use steps::{Needed, Step, steps};

/// Every loss of a place that takes with it what the recovery from it needs.
pub fn recovery_paths(inventory: &Inventory) -> Vec<Finding> {
    let ground = Ground::of(inventory);
    let mut found = Vec::new();
    let mut doubtful: BTreeMap<String, Doubtful<'_>> = BTreeMap::new();
    for (needed, steps) in steps(inventory) {
        let asked = Asked { leaning: ground.leaning_on(&needed), needed, steps };
        let (lost, doubts) = ground.look(&asked);
        // What surely goes with one place need not be doubted for another.
        let doubted =
            if lost.is_empty() { ground.told(doubts.keys().copied().collect()) } else { Vec::new() };
        for place in doubted {
            let Some((doubts, steps)) = doubts.get(&place) else { continue };
            if asked.needed == Needed::Outside {
                doubtful.entry(OUTSIDE.to_owned()).or_default().outside(place, steps);
            }
            for doubt in doubts {
                let all = doubtful.entry(doubt.why.clone()).or_default();
                all.of(place, doubt, &asked.needed, steps);
            }
        }
        for place in ground.told(lost.keys().copied().collect()) {
            if let Some((falls, steps)) = lost.get(&place) {
                found.push(sentence::broken(&ground, &asked.needed, place, falls, steps));
            }
        }
    }
    found.extend(doubtful.into_iter().map(|(why, doubtful)| sentence::unknown(&ground, &why, &doubtful)));
    found.sort_by(|a, b| (b.state, &a.title, &a.sentence).cmp(&(a.state, &b.title, &b.sentence)));
    found
}

/// What is looked at, with what every question about it needs.
struct Ground<'i> {
    inventory: &'i Inventory,
    whereabouts: Whereabouts<'i>,
    /// What is on core paths, with how sure that is.
    paths: BTreeMap<&'i ServiceId, Certainty>,
    /// By place: the services on core paths that lose an instance with it.
    hit: BTreeMap<PlaceNumber, BTreeSet<&'i ServiceId>>,
    /// The same by service.
    stands: BTreeMap<&'i ServiceId, BTreeSet<PlaceNumber>>,
    /// The widest kind of place that a core service has to outlive.
    promised: PlaceKind,
    needed_by: BTreeMap<&'i ServiceId, BTreeSet<&'i ServiceId>>,
}

/// Something needed, and the steps that need it.
struct Asked<'i> {
    needed: Needed<'i>,
    steps: BTreeSet<Step<'i>>,
    /// What needs it in order to run, itself included.
    leaning: BTreeSet<&'i ServiceId>,
}

/// By place: how the needed thing goes with it, and the steps for which that matters.
type LostWith<'i> = BTreeMap<PlaceNumber, (Vec<Fall<'i>>, Vec<Step<'i>>)>;

/// By place: why nobody can tell whether the needed thing goes with it, and the steps for which that matters.
type Doubts<'i> = BTreeMap<PlaceNumber, (Vec<Doubt<'i>>, Vec<Step<'i>>)>;

/// Why nobody can tell of what no service of the inventory stands for.
const OUTSIDE: &str = "it lies outside these files";

impl<'i> Ground<'i> {
    fn of(inventory: &'i Inventory) -> Self {
        let whereabouts = Whereabouts::of(inventory);
        let core = core_services(inventory);
        let paths = on_core_paths(inventory, &core);
        let mut hit: BTreeMap<PlaceNumber, BTreeSet<&ServiceId>> = BTreeMap::new();
        let mut stands: BTreeMap<&ServiceId, BTreeSet<PlaceNumber>> = BTreeMap::new();
        for id in paths.keys() {
            let instances = inventory.services.get(*id).into_iter().flat_map(FoundService::running);
            for place in instances.flat_map(|instance| whereabouts.containment.of_instance(instance)) {
                hit.entry(place).or_default().insert(id);
                stands.entry(id).or_default().insert(place);
            }
        }
        let stated =
            core.iter().filter_map(|core| inventory.services.get(&core.service)?.intent.survive.as_ref());
        let promised = stated.map(|(kind, _)| *kind).max().unwrap_or(USUAL);
        let mut needed_by: BTreeMap<&ServiceId, BTreeSet<&ServiceId>> = BTreeMap::new();
        for (id, service) in &inventory.services {
            for need in service.needs.iter().filter(|need| need.kind == NeedKind::Hard) {
                needed_by.entry(&need.service).or_default().insert(id);
            }
        }
        Self { inventory, whereabouts, paths, hit, stands, promised, needed_by }
    }

    fn leaning_on(&self, needed: &Needed<'i>) -> BTreeSet<&'i ServiceId> {
        let mut open: Vec<&ServiceId> = match needed {
            Needed::Services(any) => any.iter().copied().collect(),
            _ => Vec::new(),
        };
        let mut leaning = BTreeSet::new();
        while let Some(id) = open.pop() {
            if leaning.insert(id) {
                open.extend(self.needed_by.get(id).into_iter().flatten());
            }
        }
        leaning
    }

    fn look(&self, asked: &Asked<'i>) -> (LostWith<'i>, Doubts<'i>) {
        let (mut lost, mut doubts) = (LostWith::new(), Doubts::new());
        for (place, steps) in self.touched(asked) {
            let fate = fate(self.inventory, &self.whereabouts, &asked.needed, place);
            if matches!(fate, Fate::Stands) {
                continue;
            }
            let matter = steps.into_iter().filter(|step| self.matters(asked, step, place));
            let matter: Vec<Step<'i>> = matter.cloned().collect();
            match fate {
                Fate::Falls(falls) if !matter.is_empty() => drop(lost.insert(place, (falls, matter))),
                Fate::Unknown(unknown) if !matter.is_empty() => drop(doubts.insert(place, (unknown, matter))),
                _ => {}
            }
        }
        (lost, doubts)
    }

    /// By place: the steps for services that lose something with it.
    fn touched<'a>(&self, asked: &'a Asked<'i>) -> BTreeMap<PlaceNumber, Vec<&'a Step<'i>>> {
        let mut touched: BTreeMap<PlaceNumber, Vec<&Step<'_>>> = BTreeMap::new();
        for step in &asked.steps {
            match step.service {
                None => self.hit.keys().for_each(|place| touched.entry(*place).or_default().push(step)),
                Some(id) => {
                    let places = self.stands.get(id).into_iter().flatten();
                    places.for_each(|place| touched.entry(*place).or_default().push(step));
                }
            }
        }
        touched
    }

    /// Whether somebody has to take the step, and could, when the place is lost.
    fn matters(&self, asked: &Asked<'i>, step: &Step<'i>, place: PlaceNumber) -> bool {
        match step.service {
            None => {
                let hit = || self.hit.get(&place).into_iter().flatten();
                asked.leaning.iter().all(|id| !self.paths.contains_key(id))
                    && (self.whereabouts.kind(place) <= self.promised
                        || hit().any(|id| self.outlives(id, place)))
                    && self.paths.keys().any(|id| self.elsewhere(id, place))
            }
            Some(id) => {
                !asked.leaning.contains(id)
                    && self.outlives(id, place)
                    && (step.act == Act::Restore || self.elsewhere(id, place))
                    && !self.goes_by_another_way(id, &asked.needed, place)
            }
        }
    }

    /// Whether something of the service stands elsewhere and does not use the place that the step needs: what is started there
    /// uses what that one does, as with a NAT gateway in each zone.
    fn goes_by_another_way(&self, id: &ServiceId, needed: &Needed<'i>, lost: PlaceNumber) -> bool {
        let Needed::Place(way) = needed else { return false };
        let Some(way) = self.whereabouts.containment.number(way) else { return false };
        let running = || self.inventory.services.get(id).into_iter().flat_map(FoundService::running);
        let uses = |instance| self.whereabouts.containment.of_instance(instance).contains(&way);
        let stays = |instance| self.whereabouts.instance_goes(instance, lost) == Goes::Not;
        running().any(uses) && running().any(|instance| stays(instance) && !uses(instance))
    }

    /// Whether the service has to outlive the loss of the place, or does anyway.
    fn outlives(&self, id: &ServiceId, place: PlaceNumber) -> bool {
        let Some(service) = self.inventory.services.get(id) else { return false };
        let promised = service.intent.survive.as_ref().map_or(self.promised, |(kind, _)| *kind);
        let enough = service.enough.as_ref().map_or(1, |enough| enough.count as usize).max(1);
        self.whereabouts.kind(place) <= promised || self.whereabouts.left(service, place).at_least() >= enough
    }

    /// Whether something of the service stands elsewhere, or may.
    fn elsewhere(&self, id: &ServiceId, place: PlaceNumber) -> bool {
        let instances = self.inventory.services.get(id).into_iter().flat_map(|service| &service.instances);
        let mut goes = instances.map(|instance| self.whereabouts.instance_goes(instance, place));
        goes.any(|goes| goes != Goes::Certainly)
    }

    /// Those of the places that are told: the widest of those that have to be outlived, and of the others the narrowest where
    /// nothing in them is told.
    fn told(&self, places: BTreeSet<PlaceNumber>) -> Vec<PlaceNumber> {
        let lies_in = |place: PlaceNumber, outer: PlaceNumber| {
            let containment = &self.whereabouts.containment;
            // Places that contain each other are one; the first stands for it.
            place != outer
                && containment.lies_in(place, outer)
                && (outer < place || !containment.lies_in(outer, place))
        };
        let (within, beyond): (Vec<PlaceNumber>, Vec<PlaceNumber>) =
            places.into_iter().partition(|place| self.whereabouts.kind(*place) <= self.promised);
        let widest = within.iter().filter(|place| !within.iter().any(|outer| lies_in(**place, *outer)));
        let mut told: Vec<PlaceNumber> = widest.copied().collect();
        let narrowest =
            beyond.iter().filter(|place| !beyond.iter().chain(&within).any(|inner| lies_in(*inner, **place)));
        told.extend(narrowest);
        told
    }
}

/// A line and what it says.
fn because(origin: &Origin, note: String) -> crate::Because {
    crate::Because { origin: origin.clone(), note }
}

#[cfg(test)]
mod tests;
