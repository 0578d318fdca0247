//! Places that are lost: every instance there is gone, and two vantage points agree on each.
//!
//! One dead instance does not make a lost place, so a place with a single instance is lost only when the hand says so
//! too (a drill holds it). The deaths have to belong together: at least half of them, and at least two, within
//! [`CORRELATED`] of the last one. Of several places that would explain the same deaths the widest is named, up to
//! a zone; a wider place than a zone is named only when it explains more than one zone does.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use dinghai_estate::{Instance, InstanceId, PlaceId, PlaceKind};
use dinghai_record::{FindingKind, Health, Reason, Severity, Subject};

use crate::capacity::Standing;
use crate::diagnose::Inputs;
use crate::verdict::{Verdict, Verdicts, key};

/// Deaths within this time of the last one belong together.
const CORRELATED: Duration = Duration::from_secs(10);
/// When part of a place has answered for this long, the rest is no longer explained by the place.
const SETTLED: Duration = Duration::from_secs(10);

/// Verdicts on every place.
pub(crate) fn judge(inputs: &Inputs<'_>) -> Verdicts {
    let members = members(inputs);
    let mut lost: BTreeMap<PlaceId, BTreeSet<InstanceId>> = BTreeMap::new();
    for (place, instances) in &members {
        let already = inputs.open(FindingKind::PlaceLost, Subject::Place(place.clone())).is_some();
        let stays = already && !matches!(comes_back(inputs, place, instances), Verdict::Gone(_));
        if stays || is_lost(inputs, place, instances) {
            lost.insert(place.clone(), instances.iter().map(|instance| instance.id.clone()).collect());
        }
    }
    let verdict = |place: &PlaceId, instances: &[&Instance]| match lost.get(place) {
        Some(ids) => {
            match lost.iter().find(|(other, theirs)| explains(inputs, (other, theirs), (place, ids))) {
                Some((wider, _)) => Verdict::gone(
                    Reason::new("place-part-of-place-lost").with("place", place).with("wider", wider),
                ),
                None => stands(inputs, place, ids, instances),
            }
        }
        None => comes_back(inputs, place, instances),
    };
    inputs
        .estate
        .places
        .keys()
        .map(|place| {
            let instances = members.get(place).map(Vec::as_slice).unwrap_or_default();
            (key(FindingKind::PlaceLost, Subject::Place(place.clone())), verdict(place, instances))
        })
        .collect()
}

/// The instances by which a place is judged: in use, looked at by somebody, and once started.
fn members<'a>(inputs: &Inputs<'a>) -> BTreeMap<PlaceId, Vec<&'a Instance>> {
    let mut members: BTreeMap<PlaceId, Vec<&Instance>> = BTreeMap::new();
    for (_, instance) in inputs.estate.instances() {
        let places = inputs.estate.places_around(instance);
        let counted = |place: &PlaceId| {
            inputs
                .open(FindingKind::PlaceLost, Subject::Place(place.clone()))
                .is_some_and(|finding| finding.instances.contains(&instance.id))
        };
        let looked_at = inputs.sighting(instance).is_some()
            && inputs.in_use(instance)
            && inputs.counts(instance) != Standing::Starting;
        for place in places {
            if looked_at || counted(&place) {
                members.entry(place).or_default().push(instance);
            }
        }
    }
    members
}

fn is_lost(inputs: &Inputs<'_>, place: &PlaceId, instances: &[&Instance]) -> bool {
    let mut since = Vec::new();
    for instance in instances {
        match inputs.sighting(instance) {
            Some(sighting) if sighting.agreed && matches!(sighting.health, Health::Down(_)) => {
                since.push(sighting.since);
            }
            _ => return false,
        }
    }
    let Some(last) = since.iter().max() else {
        return false;
    };
    let together = since.iter().filter(|at| last.since(**at) <= CORRELATED).count();
    let held_lost = inputs.world.lost_places.as_ref().is_some_and(|lost| lost.contains(place));
    together * 2 >= since.len() && (together >= 2 || held_lost)
}

/// Whether `wide` explains all that `narrow` does, and better.
fn explains(
    inputs: &Inputs<'_>,
    wide: (&PlaceId, &BTreeSet<InstanceId>),
    narrow: (&PlaceId, &BTreeSet<InstanceId>),
) -> bool {
    let ((wide, theirs), (narrow, ours)) = (wide, narrow);
    if wide == narrow || !ours.is_subset(theirs) {
        return false;
    }
    if ours.len() < theirs.len() {
        return true;
    }
    let rank = |place: &PlaceId| {
        let kind = inputs.estate.places.get(place).map_or(PlaceKind::Node, |place| place.kind);
        // Up to a zone the wider is the better name, beyond it the narrower; the name breaks the tie.
        let beyond = kind > PlaceKind::Zone;
        (beyond, if beyond { kind as i32 } else { -(kind as i32) })
    };
    (rank(wide), wide) < (rank(narrow), narrow)
}

fn stands(
    inputs: &Inputs<'_>,
    place: &PlaceId,
    ids: &BTreeSet<InstanceId>,
    instances: &[&Instance],
) -> Verdict {
    let key = key(FindingKind::PlaceLost, Subject::Place(place.clone()));
    let sightings = || instances.iter().filter_map(|instance| inputs.sighting(instance));
    let since = sightings().map(|sighting| sighting.since).min().unwrap_or(inputs.now);
    let vantages: BTreeSet<String> = sightings()
        .flat_map(|sighting| &sighting.by)
        .filter(|(_, says)| matches!(says, Health::Down(_)))
        .map(|(vantage, _)| vantage.to_string())
        .collect();
    let reason = Reason::new("place-lost")
        .with("place", place)
        .with("instances", ids.len())
        .with("vantages", vantages.into_iter().collect::<Vec<_>>().join(", "));
    Verdict::stands(&key, since, Severity::Critical, ids.clone(), true, reason)
}

/// Gone when all of it answers, or part of it has for a while and the rest is known to be down.
fn comes_back(inputs: &Inputs<'_>, place: &PlaceId, instances: &[&Instance]) -> Verdict {
    let healths = || instances.iter().map(|instance| inputs.world.health(&instance.id));
    let up = healths().filter(|health| **health == Health::Up).count();
    let settled = instances
        .iter()
        .filter_map(|instance| inputs.sighting(instance))
        .any(|sighting| sighting.health == Health::Up && inputs.now.since(sighting.since) >= SETTLED);
    let all_known = !healths().any(|health| *health == Health::Unknown);
    if up > 0 && all_known && (up == instances.len() || settled) {
        let reason = Reason::new("place-answers-again")
            .with("place", place)
            .with("up", up)
            .with("instances", instances.len());
        Verdict::gone(reason)
    } else {
        Verdict::CannotTell
    }
}
