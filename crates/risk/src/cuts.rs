//! The cut sets of every core service.
//!
//! What each service loses by its own instances is worked out once; a core service is stopped by whatever stops anything in the
//! closure of its hard needs, so its cut sets are the minimal ones among all of those.

use std::collections::{BTreeMap, BTreeSet};

use dinghai_estate::{FoundInstance, FoundService, Inventory, NeedKind, PlaceId, ServiceId};
use serde::Serialize;

use crate::counterexample::{self, Counterexample};
use crate::domains::Containment;
use crate::minimal::Sieve;
use crate::own::{Own, own};

/// Places whose loss together stops a service, where no fewer and no narrower ones of them do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct CutSet {
    places: Vec<PlaceId>,
}

impl CutSet {
    /// The places, by name; none when the service does not even stand with nothing lost.
    pub fn places(&self) -> &[PlaceId] {
        &self.places
    }

    /// How many places have to be lost at once.
    pub fn order(&self) -> usize {
        self.places.len()
    }
}

/// When a service has too few instances left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stands {
    /// On as many as it takes to work at all: one, or a quorum.
    OnEnough,
    /// On the minimum that the user stated, and on enough at least.
    OnMinimum,
}

impl Stands {
    pub(crate) fn needed(self, service: &FoundService) -> usize {
        let enough = service.enough.as_ref().map_or(1, |enough| enough.count as usize).max(1);
        match self {
            Self::OnEnough => enough,
            Self::OnMinimum => {
                service.intent.minimum.as_ref().map_or(enough, |(minimum, _)| enough.max(*minimum as usize))
            }
        }
    }
}

/// The cut sets of an inventory's core services.
#[derive(Clone, Debug)]
pub struct Cuts<'i> {
    inventory: &'i Inventory,
    containment: Containment<'i>,
    stands: Stands,
    services: BTreeMap<&'i ServiceId, OfService>,
}

#[derive(Clone, Debug)]
struct OfService {
    cuts: Vec<CutSet>,
    truncated: bool,
}

/// What surely stops each of these services. It stands while as many instances as `stands` says are left of it and of each
/// service that it needs hard. A service whose instances are not all known is taken to stand: nobody can tell.
///
/// Cut sets of up to `order` places are found, all of them; [`Cuts::truncated`] says where larger ones may be.
pub fn cut_sets<'i>(
    inventory: &'i Inventory,
    core: &BTreeSet<ServiceId>,
    order: usize,
    stands: Stands,
) -> Cuts<'i> {
    let containment = Containment::of(inventory);
    let mut known: BTreeMap<&ServiceId, Own> = BTreeMap::new();
    let mut sieve = Sieve::over(&containment);
    let mut services = BTreeMap::new();
    for (id, _) in inventory.services.iter().filter(|(id, _)| core.contains(*id)) {
        let closure = closure(inventory, id);
        for (needed, service) in &closure {
            known.entry(needed).or_insert_with(|| match &service.open {
                Some(_) => Own::default(),
                None => own(&containment.running(service), stands.needed(service), order, &containment),
            });
        }
        let owns = || closure.iter().filter_map(|(needed, _)| known.get(needed));
        let minimal = sieve.minimal(owns().flat_map(|own| &own.cuts).collect());
        let named = minimal.into_iter().map(|cut| CutSet {
            places: cut.iter().filter_map(|place| containment.name(*place)).cloned().collect(),
        });
        let mut cuts: Vec<CutSet> = named.collect();
        cuts.sort_by(|a, b| (a.order(), a).cmp(&(b.order(), b)));
        services.insert(id, OfService { cuts, truncated: owns().any(|own| own.truncated) });
    }
    Cuts { inventory, containment, stands, services }
}

/// The service and all that it needs hard, at any depth.
pub(crate) fn closure<'i>(
    inventory: &'i Inventory,
    id: &'i ServiceId,
) -> Vec<(&'i ServiceId, &'i FoundService)> {
    let mut seen = BTreeSet::from([id]);
    let mut found: Vec<(&ServiceId, &FoundService)> = Vec::new();
    let mut open = vec![id];
    while let Some(id) = open.pop() {
        let Some(service) = inventory.services.get(id) else { continue };
        found.push((id, service));
        let hard = service.needs.iter().filter(|need| need.kind == NeedKind::Hard);
        open.extend(hard.map(|need| &need.service).filter(|needed| seen.insert(needed)));
    }
    found
}

impl<'i> Cuts<'i> {
    /// The core services, by name.
    pub fn services(&self) -> impl Iterator<Item = &'i ServiceId> {
        self.services.keys().copied()
    }

    /// The service's cut sets: fewest places first, then by name; none for a service that is not core.
    pub fn of(&self, service: &ServiceId) -> &[CutSet] {
        self.services.get(service).map_or(&[], |of| &of.cuts)
    }

    /// Whether cut sets of more places than were asked for may exist. They were not looked for.
    pub fn truncated(&self, service: &ServiceId) -> bool {
        self.services.get(service).is_some_and(|of| of.truncated)
    }

    /// Why the service stops when the places of the cut set are lost: by the shortest chain of needs, the first by name
    /// among equals. None when it does not stop.
    pub fn why(&self, service: &ServiceId, cut: &CutSet) -> Option<Counterexample> {
        self.why_without(service, cut.places())
    }

    /// The same for any places, whether their loss is minimal or not.
    pub fn why_without(&self, service: &ServiceId, places: &[PlaceId]) -> Option<Counterexample> {
        counterexample::find(self.inventory, &self.containment, self.stands, service, places)
            .into_iter()
            .next()
    }

    /// Which place lies in which.
    pub(crate) fn containment(&self) -> &Containment<'i> {
        &self.containment
    }

    /// Whether the instance is lost with the place.
    pub(crate) fn stands_at(&self, instance: &FoundInstance, place: &PlaceId) -> bool {
        let place = self.containment.number(place);
        place.is_some_and(|place| self.containment.of_instance(instance).binary_search(&place).is_ok())
    }

    /// The service and all that it needs hard which lose too many of their own instances with the places, nearest first.
    pub fn stopped_by(&self, service: &ServiceId, places: &[PlaceId]) -> Vec<Counterexample> {
        counterexample::find(self.inventory, &self.containment, self.stands, service, places)
    }
}
