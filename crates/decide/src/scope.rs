//! What a finding touches, and which findings belong together.
//!
//! *Causes* are findings about instances and places, *effects* those about services. A cause and an effect belong
//! together when the service hard-needs, directly or not, what the cause takes away. Two causes belong together when
//! they take the same service, or when they struck the same zone (or a place in it) within a minute of each other.

use std::collections::BTreeSet;
use std::time::Duration;

use dinghai_estate::{Estate, InstanceId, NeedKind, PlaceId, PlaceKind, ServiceId};
use dinghai_record::{Finding, FindingKind, Subject};

/// Causes at one place belong together when they began within this time.
const TOGETHER: Duration = Duration::from_secs(60);

/// The instances, services and places (up to zones) that a finding touches.
#[derive(Debug, Default)]
pub(crate) struct Footprint {
    pub(crate) instances: BTreeSet<InstanceId>,
    pub(crate) services: BTreeSet<ServiceId>,
    pub(crate) places: BTreeSet<PlaceId>,
}

/// What a finding touches.
pub(crate) fn footprint(estate: &Estate, finding: &Finding) -> Footprint {
    let mut print = Footprint { instances: finding.instances.clone(), ..Footprint::default() };
    match &finding.key.about {
        Subject::Instance(instance) => {
            print.instances.insert(instance.clone());
        }
        Subject::Service(service) => {
            print.services.insert(service.clone());
        }
        Subject::Place(place) => {
            print.places.insert(place.clone());
        }
        Subject::Estate | Subject::Gateway(_) | Subject::Hand | Subject::Ledger => {}
    }
    for (service, instance) in print.instances.iter().filter_map(|id| estate.instance(id)) {
        print.services.insert(service.clone());
        let narrow = |place: &PlaceId| {
            estate.places.get(place).is_some_and(|declared| declared.kind <= PlaceKind::Zone)
        };
        print.places.extend(estate.places_around(instance).into_iter().filter(narrow));
    }
    print
}

/// Everything that a service fails without, itself included.
pub(crate) fn needed_by(estate: &Estate, service: &ServiceId) -> BTreeSet<ServiceId> {
    let mut needed = BTreeSet::new();
    let mut left = vec![service];
    while let Some(service) = left.pop() {
        if needed.insert(service.clone()) {
            let needs = estate.services.get(service).map(|declared| declared.needs.as_slice());
            let hard = needs.unwrap_or_default().iter().filter(|need| need.kind == NeedKind::Hard);
            left.extend(hard.map(|need| &need.service));
        }
    }
    needed
}

const fn is_effect(kind: FindingKind) -> bool {
    matches!(kind, FindingKind::BelowMinimum | FindingKind::RedundancyGone | FindingKind::RequestsFailing)
}

/// Whether two findings that both stand belong together.
pub(crate) fn belong_together(estate: &Estate, one: &Finding, other: &Finding) -> bool {
    if one.key == other.key {
        return true;
    }
    let (ours, theirs) = (footprint(estate, one), footprint(estate, other));
    if !ours.instances.is_disjoint(&theirs.instances) {
        return true;
    }
    let needs = |effect: &Footprint, cause: &Footprint| {
        effect.services.iter().any(|service| !needed_by(estate, service).is_disjoint(&cause.services))
    };
    match (is_effect(one.key.kind), is_effect(other.key.kind)) {
        (true, true) => needs(&ours, &theirs) || needs(&theirs, &ours),
        (true, false) => needs(&ours, &theirs),
        (false, true) => needs(&theirs, &ours),
        (false, false) => {
            let apart = one.since.since(other.since).max(other.since.since(one.since));
            !ours.services.is_disjoint(&theirs.services)
                || (apart <= TOGETHER && !ours.places.is_disjoint(&theirs.places))
        }
    }
}
