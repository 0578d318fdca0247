//! Places: zones of a region, containment, and that nothing contains itself.

use std::collections::BTreeMap;

use super::keys::PlaceKeys;
use super::shape::{At, OneOrMany};
use super::unknown;
use crate::cycle::cycles;
use crate::problem::{Problems, Spot};
use crate::{Place, PlaceId, PlaceKind};

/// The zones that a place declares by name, as places of their own.
pub(super) fn zones(
    region: &At<PlaceId>,
    keys: &mut PlaceKeys,
    problems: &mut Problems,
) -> Vec<(At<PlaceId>, Option<At<PlaceKeys>>)> {
    let Some(zones) = keys.zones.take() else {
        return Vec::new();
    };
    if let Some(kind) = &keys.kind
        && kind.value != PlaceKind::Region
    {
        let message = format!("`{}` is not a region, so it has no `zones`", region.value);
        let help = "declare each zone as a place with `kind: zone` and `within`";
        problems.add_with_help("bad-value", zones.at, message, help);
    }
    let zone = |zone: At<PlaceId>| {
        let body = PlaceKeys {
            kind: Some(At { value: PlaceKind::Zone, at: zone.at }),
            vendor: keys.vendor.clone(),
            within: Some(At { value: OneOrMany(vec![region.clone()]), at: zone.at }),
            zones: None,
            lacking: false,
        };
        let at = zone.at;
        (zone, Some(At { value: body, at }))
    };
    zones.value.into_iter().map(zone).collect()
}

/// Checks containment and yields the places.
pub(super) fn assemble(
    declared: BTreeMap<PlaceId, (Spot, Option<PlaceKeys>)>,
    whole: bool,
    problems: &mut Problems,
) -> BTreeMap<PlaceId, Place> {
    let mut places = BTreeMap::new();
    for (id, (at, keys)) in &declared {
        let within = keys.iter().flat_map(|keys| &keys.within).flat_map(|within| &within.value.0);
        let mut inside = std::collections::BTreeSet::new();
        for outer in within {
            match declared.contains_key(&outer.value) {
                true => {
                    inside.insert(outer.value.clone());
                }
                false if whole => {
                    let known = declared.keys().map(PlaceId::as_str);
                    unknown("place", outer.value.as_str(), outer.at, known, problems);
                }
                false => {}
            }
        }
        // A place whose body is unusable stays known, so that references to it are not problems too.
        let kind = keys.as_ref().and_then(|keys| keys.kind.as_ref());
        let place = Place {
            kind: kind.map_or(PlaceKind::Node, |kind| kind.value),
            vendor: keys.as_ref().and_then(|keys| Some(keys.vendor.as_ref()?.value.clone())),
            within: inside,
            origin: problems.origin(*at),
        };
        places.insert(id.clone(), place);
    }
    refuse_cycles(&places, &declared, problems);
    places
}

fn refuse_cycles(
    places: &BTreeMap<PlaceId, Place>,
    declared: &BTreeMap<PlaceId, (Spot, Option<PlaceKeys>)>,
    problems: &mut Problems,
) {
    let ids: Vec<&PlaceId> = places.keys().collect();
    let index: BTreeMap<&PlaceId, usize> = ids.iter().enumerate().map(|(n, id)| (*id, n)).collect();
    let edges: Vec<Vec<usize>> = places
        .values()
        .map(|place| place.within.iter().filter_map(|outer| index.get(outer).copied()).collect())
        .collect();
    for cycle in cycles(&edges) {
        let names: Vec<&str> = cycle.iter().filter_map(|n| Some(ids.get(*n)?.as_str())).collect();
        let Some(first) = names.first() else { continue };
        let Some((at, _)) = declared.get(&PlaceId::new(*first)) else { continue };
        let message = format!("`{first}` contains itself: {} → {first}", names.join(" → "));
        problems.add_with_help("cycle", *at, message, "remove one of the `within` on the way round");
    }
}
