//! Which spares a plan starts.
//!
//! A lost place is replaced instance by instance as far as spares go; a single dead instance only where the rest is
//! below the minimum; and a service that is short without a dead instance of its own gets one. Spares are spread over as
//! many places as there are, and never taken from a place that is lost.

use std::collections::{BTreeMap, BTreeSet};

use dinghai_estate::{ActionKind, Instance, InstanceId, PlaceId, Service, ServiceId};
use dinghai_record::{Finding, FindingKind, Health, Reason, Subject};

use crate::Inputs;
use crate::capacity::{count, is_in_use, serving};
use crate::heal::{allows, takes_away};

/// Spares for what is in trouble.
pub(crate) fn stand_ins(
    inputs: &Inputs<'_>,
    trouble: &BTreeMap<ServiceId, BTreeSet<InstanceId>>,
    lost: &BTreeSet<PlaceId>,
    busy: &BTreeSet<InstanceId>,
    reasons: &mut Vec<Reason>,
) -> BTreeSet<InstanceId> {
    let Inputs { estate, book, world, .. } = *inputs;
    let mut chosen = BTreeSet::new();
    for (id, dead) in trouble {
        let Some(service) = estate.services.get(id) else { continue };
        let left: BTreeSet<_> = serving(estate, book, world, id, service).difference(dead).cloned().collect();
        let short = service.minimum.saturating_sub(count(&left));
        let wanted = if lost.is_empty() { short } else { count(dead).max(short) };
        chosen.extend(choose(inputs, id, service, wanted, lost, busy, reasons));
    }
    chosen
}

/// Spares for services that are short of instances although none of theirs is known to be dead.
pub(crate) fn short_of(
    inputs: &Inputs<'_>,
    standing: &[&Finding],
    busy: &BTreeSet<InstanceId>,
    reasons: &mut Vec<Reason>,
) -> BTreeSet<InstanceId> {
    let mut chosen = BTreeSet::new();
    for finding in standing {
        let short = matches!(finding.key.kind, FindingKind::BelowMinimum | FindingKind::RedundancyGone);
        let Subject::Service(id) = &finding.key.about else { continue };
        let Some(service) = inputs.estate.services.get(id) else { continue };
        let acted_on =
            |instance: &Instance| busy.contains(&instance.id) || unripe(inputs, standing, instance);
        if short && !service.instances.iter().any(acted_on) {
            chosen.extend(choose(inputs, id, service, 1, &BTreeSet::new(), busy, reasons));
        }
    }
    chosen
}

/// Whether a dead instance waits to be acted on.
fn unripe(inputs: &Inputs<'_>, standing: &[&Finding], instance: &Instance) -> bool {
    let known_dead = matches!(inputs.world.health(&instance.id), Health::Down(_));
    let found =
        standing.iter().any(|finding| takes_away(finding) && finding.instances.contains(&instance.id));
    !instance.spare && (known_dead || found)
}

/// At most so many spares that stand by, spread over as many places as there are, never at a lost one.
fn choose(
    inputs: &Inputs<'_>,
    id: &ServiceId,
    service: &Service,
    wanted: u32,
    lost: &BTreeSet<PlaceId>,
    busy: &BTreeSet<InstanceId>,
    reasons: &mut Vec<Reason>,
) -> BTreeSet<InstanceId> {
    let Inputs { estate, book, world, .. } = *inputs;
    let held = world.lost_places.clone().unwrap_or_default();
    let found_lost: BTreeSet<&PlaceId> = book
        .findings
        .keys()
        .filter(|key| key.kind == FindingKind::PlaceLost)
        .filter_map(|key| match &key.about {
            Subject::Place(place) => Some(place),
            _ => None,
        })
        .collect();
    let stands_by = |instance: &&Instance| {
        let around = estate.places_around(instance);
        let at_a_loss = around
            .iter()
            .any(|place| lost.contains(place) || held.contains(place) || found_lost.contains(place));
        instance.spare
            && instance.run.is_some()
            && !is_in_use(estate, book, id, instance)
            && !busy.contains(&instance.id)
            && !at_a_loss
    };
    if wanted == 0 || !allows(estate, id, ActionKind::Scale) {
        return BTreeSet::new();
    }
    let mut free: Vec<&Instance> = service.instances.iter().filter(stands_by).collect();
    let mut used: BTreeMap<&BTreeSet<PlaceId>, u32> = BTreeMap::new();
    let mut chosen = BTreeSet::new();
    while count(&chosen) < wanted {
        let Some(best) = free
            .iter()
            .enumerate()
            .min_by_key(|(order, instance)| (used.get(&instance.at).copied().unwrap_or(0), *order))
            .map(|(order, _)| order)
        else {
            break;
        };
        let spare = free.remove(best);
        *used.entry(&spare.at).or_default() += 1;
        chosen.insert(spare.id.clone());
    }
    if count(&chosen) < wanted {
        let missing = wanted - count(&chosen);
        reasons.push(Reason::new("too-few-spares").with("service", id).with("missing", missing));
    }
    chosen
}
