//! The cut sets of every core service.
//!
//! What each service loses by its own instances is worked out once; a core service is stopped by whatever stops anything in the
//! closure of its hard needs, so its cut sets are the minimal ones among all of those.

use std::collections::{BTreeMap, BTreeSet};

use dinghai_estate::{Estate, FailureDomains, NeedKind, PlaceId, Service, ServiceId, Tier};
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
pub(crate) enum Stands {
    /// On one.
    OnOne,
    /// On its declared minimum, and on one at least.
    OnMinimum,
}

impl Stands {
    pub(crate) fn enough(self, service: &Service) -> usize {
        match self {
            Self::OnOne => 1,
            Self::OnMinimum => (service.minimum as usize).max(1),
        }
    }
}

/// The cut sets of an estate's core services.
#[derive(Clone, Debug)]
pub struct Cuts<'e> {
    estate: &'e Estate,
    containment: Containment<'e>,
    stands: Stands,
    services: BTreeMap<&'e ServiceId, OfService>,
}

#[derive(Clone, Debug)]
struct OfService {
    cuts: Vec<CutSet>,
    truncated: bool,
}

/// What stops each core service: it stands while one instance is left of it and of each service that it needs hard.
///
/// Cut sets of up to `order` places are found, all of them; [`Cuts::truncated`] says where larger ones may be.
pub fn cut_sets<'e>(estate: &'e Estate, domains: &FailureDomains, order: usize) -> Cuts<'e> {
    cuts(estate, domains, order, Stands::OnOne)
}

/// The same where a service is taken to stand only on its declared `minimum` of instances.
pub fn cut_sets_below_minimum<'e>(estate: &'e Estate, domains: &FailureDomains, order: usize) -> Cuts<'e> {
    cuts(estate, domains, order, Stands::OnMinimum)
}

fn cuts<'e>(estate: &'e Estate, domains: &FailureDomains, order: usize, stands: Stands) -> Cuts<'e> {
    let containment = Containment::of(estate, domains);
    let mut known: BTreeMap<&ServiceId, Own> = BTreeMap::new();
    let mut sieve = Sieve::over(&containment);
    let mut services = BTreeMap::new();
    for (id, _) in estate.services.iter().filter(|(_, service)| service.tier == Tier::Core) {
        let closure = closure(estate, id);
        for (needed, service) in &closure {
            known.entry(needed).or_insert_with(|| {
                own(&containment.running(service), stands.enough(service), order, &containment)
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
    Cuts { estate, containment, stands, services }
}

/// The service and all that it needs hard, at any depth.
fn closure<'e>(estate: &'e Estate, id: &'e ServiceId) -> Vec<(&'e ServiceId, &'e Service)> {
    let mut seen = BTreeSet::from([id]);
    let mut found: Vec<(&ServiceId, &Service)> = Vec::new();
    let mut open = vec![id];
    while let Some(id) = open.pop() {
        let Some(service) = estate.services.get(id) else { continue };
        found.push((id, service));
        let hard = service.needs.iter().filter(|need| need.kind == NeedKind::Hard);
        open.extend(hard.map(|need| &need.service).filter(|needed| seen.insert(needed)));
    }
    found
}

impl<'e> Cuts<'e> {
    /// The core services, by name.
    pub fn services(&self) -> impl Iterator<Item = &'e ServiceId> {
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
        counterexample::find(self.estate, &self.containment, self.stands, service, cut.places())
    }
}
