//! Which losses stop core services: as findings where they were to be survived, as accepted where not.
//!
//! `survive` decides: the loss of a place whose kind is at most as wide is a finding, anything wider or several places at once
//! is accepted knowingly. A core service of which nobody has said what it survives is taken to survive the loss of a zone.
//! One cause is one finding: a place that holds everything, or a service that is too weak, however many services stop with it.
//!
//! What surely stops a service is told apart from what may: an instance whose zone no file tells is at none for the one question
//! and at the worst one for the other, and the difference is a finding that says so.

mod accepted;
mod because;
mod cause;
mod single;
mod unplaced;
mod verdict;

use std::collections::{BTreeMap, BTreeSet};

use dinghai_estate::{FoundInstance, FoundService, Inventory, PlaceId, PlaceKind, ServiceId};

use crate::cuts::closure;
use crate::{Accepted, Core, CoreService, Cuts, Finding, Stands, cut_sets};

/// Places that are taken away together.
pub(crate) const ORDER: usize = 3;

/// What is asked about the losses of one inventory.
pub(crate) struct Question<'i> {
    pub(crate) inventory: &'i Inventory,
    pub(crate) core: &'i [Core],
    pub(crate) cuts: Cuts<'i>,
    /// By core service all that it needs hard, itself included.
    pub(crate) closures: BTreeMap<&'i ServiceId, Vec<(&'i ServiceId, &'i FoundService)>>,
}

impl Question<'_> {
    /// Whether the instance is lost with the place.
    fn stands_at(&self, instance: &FoundInstance, place: &PlaceId) -> bool {
        self.cuts.stands_at(instance, place)
    }
}

/// What losses do to one inventory.
pub(crate) struct Losses {
    pub(crate) findings: Vec<Finding>,
    pub(crate) core: Vec<CoreService>,
    pub(crate) accepted: Vec<Accepted>,
}

/// Looks at every loss of up to [`ORDER`] places.
pub(crate) fn losses(inventory: &Inventory, core: &[Core]) -> Losses {
    let ids: BTreeSet<ServiceId> = core.iter().map(|core| core.service.clone()).collect();
    let closures = inventory
        .services
        .keys()
        .filter(|id| ids.contains(*id))
        .map(|id| (id, closure(inventory, id)))
        .collect();
    let cuts = cut_sets(inventory, &ids, ORDER, Stands::OnEnough);
    let question = Question { inventory, core, cuts, closures };
    let mut findings = single::single_points(&question);
    findings.extend(single::below_minimum(&question, &ids));
    findings.extend(unplaced::findings(&question));
    Losses { findings, core: verdict::verdicts(&question), accepted: accepted::accepted(&question) }
}

/// The widest kind of place whose loss a core service outlives: what was stated, or a zone.
pub(crate) fn survive(inventory: &Inventory, service: &ServiceId) -> PlaceKind {
    let stated = inventory.services.get(service).and_then(|service| service.intent.survive.as_ref());
    stated.map_or(PlaceKind::Zone, |(kind, _)| *kind)
}
