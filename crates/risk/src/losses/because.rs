//! The lines behind a loss: who stands there by which line, and who needs whom.

use dinghai_estate::{Certainty, FoundInstance, Inventory, PlaceId, ServiceId, Source};

use crate::{Because, Counterexample};

/// Lines of instances that are shown for one finding.
const SHOWN: usize = 6;

/// The lines behind a counterexample, and how sure they are.
pub(crate) fn because(inventory: &Inventory, why: &Counterexample) -> (Vec<Because>, Certainty) {
    let mut lines = Vec::new();
    let mut certainty = Certainty::Declared;
    let mut take = |source: &Source, note: String, lines: &mut Vec<Because>| {
        certainty = certainty.min(source.certainty);
        let same = |known: &Because| {
            known.origin.file == source.origin.file && known.origin.line == source.origin.line
        };
        if !lines.iter().any(same) {
            lines.push(Because { origin: source.origin.clone(), note });
        }
    };
    let stops_at = why.stops_at();
    if let Some(service) = inventory.services.get(stops_at) {
        let gone =
            service.running().filter(|instance| why.gone.iter().any(|gone| gone.instance == instance.id));
        for instance in gone {
            for lost in &why.lost {
                for (source, note) in way(inventory, instance, &lost.place) {
                    take(&source, note, &mut lines);
                }
            }
        }
        lines.truncate(SHOWN);
        if let Some(enough) = &service.enough {
            take(&enough.source, enough.why.clone(), &mut lines);
        }
        if let Some((minimum, origin)) = &service.intent.minimum
            && why.needed > 1
        {
            let source = Source::declared(origin.clone());
            take(&source, format!("`{stops_at}` has to have {minimum}"), &mut lines);
        }
    }
    let mut from: &ServiceId = &why.service;
    for through in &why.through {
        let need = inventory
            .services
            .get(from)
            .and_then(|service| service.needs.iter().find(|need| need.service == through.service));
        if let Some(need) = need {
            take(&need.source, format!("`{from}` needs `{}` ({})", need.service, need.how), &mut lines);
        }
        from = &through.service;
    }
    (lines, certainty)
}

/// The lines by which an instance is lost with a place: what puts it there, and what puts that into the place.
fn way(inventory: &Inventory, instance: &FoundInstance, lost: &PlaceId) -> Vec<(Source, String)> {
    for (at, source) in &instance.at {
        let Some(chain) = chain(inventory, at, lost) else { continue };
        let mut lines = vec![(source.clone(), format!("`{}` stands in {at}", instance.id))];
        lines.extend(
            chain.into_iter().map(|(inner, outer, source)| (source, format!("{inner} lies in {outer}"))),
        );
        return lines;
    }
    vec![(instance.source.clone(), format!("`{}`", instance.id))]
}

/// How one place lies in another: nothing when they are the same, none when it does not.
fn chain<'i>(
    inventory: &'i Inventory,
    inner: &'i PlaceId,
    outer: &PlaceId,
) -> Option<Vec<(&'i PlaceId, &'i PlaceId, Source)>> {
    let mut open = vec![(inner, Vec::new())];
    let mut seen = vec![inner];
    while let Some((place, way)) = open.pop() {
        if place == outer {
            return Some(way);
        }
        let within = inventory.places.get(place).map(|found| &found.within);
        for (next, source) in within.into_iter().flatten() {
            if !seen.contains(&next) {
                seen.push(next);
                let step = (place, next, source.clone());
                open.push((next, way.iter().cloned().chain([step]).collect()));
            }
        }
    }
    None
}
