//! What each core service stands through, place by place.

use std::collections::{BTreeMap, BTreeSet};

use dinghai_estate::{PlaceId, PlaceKind, ServiceId};

use super::unplaced::doubts_of;
use super::{Question, survive};
use crate::{Core, CoreService};

/// One for each core service, in the order in which they were given.
pub(super) fn verdicts(question: &Question<'_>) -> Vec<CoreService> {
    let containment = question.cuts.containment();
    // What nobody can tell of a service is the same for all that need it.
    let mut doubts: BTreeMap<(&ServiceId, PlaceKind), bool> = BTreeMap::new();
    let verdict = |Core { service, why, source }: &Core| {
        let survive = survive(question.inventory, service);
        let closure = question.closures.get(service).map_or(&[][..], Vec::as_slice);
        let mut places: BTreeSet<u32> = BTreeSet::new();
        let mut doubtful = false;
        for (id, found) in closure {
            doubtful |= *doubts.entry((id, survive)).or_insert_with(|| {
                found.open.is_some() || !doubts_of(containment, found, survive).is_empty()
            });
            places.extend(found.running().flat_map(|instance| containment.of_instance(instance)));
        }
        let of_kind = |place: &u32| containment.kind(*place).is_some_and(|kind| is_told(kind, survive));
        let places: Vec<&PlaceId> = places
            .iter()
            .filter(|place| of_kind(place))
            .filter_map(|place| containment.name(*place))
            .collect();
        let (stops, holds): (Vec<&PlaceId>, Vec<&PlaceId>) = places
            .into_iter()
            .partition(|place| question.cuts.why_without(service, std::slice::from_ref(*place)).is_some());
        let owned = |places: Vec<&PlaceId>| places.into_iter().cloned().collect::<Vec<_>>();
        let (holds, unknown) = if doubtful { (Vec::new(), holds) } else { (holds, Vec::new()) };
        CoreService {
            service: service.clone(),
            why: why.clone(),
            origin: source.origin.clone(),
            holds: owned(holds),
            stops: owned(stops),
            unknown: owned(unknown),
            truncated: question.cuts.truncated(service),
        }
    };
    question.core.iter().map(verdict).collect()
}

/// Kinds of place of which a verdict is given: the one that is to be survived, and what is named narrower than that.
fn is_told(kind: PlaceKind, survive: PlaceKind) -> bool {
    kind == survive || (kind < survive && kind != PlaceKind::Node)
}
