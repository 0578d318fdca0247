//! What an incident cost so far.
//!
//! Gateways keep the traffic of the last minutes only, and an incident may last longer: each measurement counts on from
//! the second at which the last one stopped. A gap makes the counts stop there; they never start again from zero.

use std::collections::BTreeSet;
use std::time::Duration;

use dinghai_clock::Timestamp;
use dinghai_estate::{Estate, InstanceId};
use dinghai_record::{
    Book, Event, IncidentId, IncidentRecord, IncidentState, Measures, Subject, World, measure_response,
    measure_traffic, reported_until,
};

/// The longest that a gateway's ejection may come before the trouble was seen and still be part of it.
const BEFORE: Duration = Duration::from_secs(10);

/// How often the mere growth of the number of requests is written down.
const COUNT_EVERY: Duration = Duration::from_secs(10);

/// The new measures of an incident, when they say something new: that more requests failed or were rescued, how fast
/// we were, or, every ten seconds and at the end, how many requests there were. Users are counted in whole seconds, so at most
/// once a second, from the beginning until its findings had cleared.
pub fn incident_measures(
    estate: &Estate,
    book: &Book,
    world: &World,
    incident: IncidentId,
    now: Timestamp,
) -> Option<Event> {
    let record = book.incidents.get(&incident).filter(|record| record.state == IncidentState::Open)?;
    let old = record.measures.clone().unwrap_or_default();
    let begin = begin(estate, book, record);
    let until = reported_until(estate, &world.traffic).map(|until| until.minus(Duration::from_micros(1)));
    let to = until.map(|until| until.min(record.quiet_since.unwrap_or(now)));
    let from = old.until.unwrap_or(begin);
    let counted = match to {
        Some(to) if to >= from => measure_traffic(estate, &world.traffic, from, to),
        _ => Measures::default(),
    };
    let response = measure_response(book, &BTreeSet::from([incident]), &instances(estate, record), begin);
    let measures = Measures {
        ejected_ms: old.ejected_ms.or(response.ejected_ms),
        incident_ms: old.incident_ms.or(response.incident_ms),
        acted_ms: old.acted_ms.or(response.acted_ms),
        ..added(&old, counted, from.since(begin))
    };
    let only_more = old.until.is_some()
        && Measures { requests: old.requests, until: old.until, ..measures.clone() } == old
        && measures.until.zip(old.until).is_some_and(|(new, old)| new.since(old) < COUNT_EVERY);
    // Counts end with a whole second, so the last one ends behind the moment of quiet.
    let ended = record.quiet_since.zip(measures.until).is_some_and(|(quiet, until)| until >= quiet);
    (measures != old && (ended || !only_more)).then_some(Event::IncidentMeasured { incident, measures })
}

/// When an incident began: when its trouble was first seen, or when a gateway first ejected one of its instances
/// shortly before.
pub(crate) fn begin(estate: &Estate, book: &Book, record: &IncidentRecord) -> Timestamp {
    let instances = instances(estate, record);
    let shortly_before = record.since.minus(BEFORE)..record.since;
    let ejected =
        book.ejections.iter().filter(|(at, id)| shortly_before.contains(at) && instances.contains(id));
    ejected.map(|(at, _)| *at).fold(record.since, Timestamp::min)
}

/// The instances that an incident's findings are about, spares that stood by excluded.
pub(crate) fn instances(estate: &Estate, record: &IncidentRecord) -> BTreeSet<InstanceId> {
    let of_subject = |about: &Subject| -> Vec<InstanceId> {
        match about {
            Subject::Instance(id) => vec![id.clone()],
            Subject::Place(place) => estate
                .instances_in(place)
                .filter(|(_, instance)| !instance.spare)
                .map(|(_, instance)| instance.id.clone())
                .collect(),
            _ => Vec::new(),
        }
    };
    record.findings.keys().flat_map(|key| of_subject(&key.about)).collect()
}

/// `old` with what was counted since, `later` after the beginning.
fn added(old: &Measures, more: Measures, later: Duration) -> Measures {
    if !is_measured(&more) {
        return old.clone();
    }
    if !is_measured(old) {
        return more;
    }
    let sum = |one: Option<u64>, other: Option<u64>| Some(one? + other?);
    let mut failed_by = old.failed_by.clone();
    for (service, failed) in &more.failed_by {
        *failed_by.entry(service.clone()).or_default() += failed;
    }
    let failing_ms = match more.failed {
        Some(0) => old.failing_ms,
        _ => more.failing_ms.map(|millis| millis + u64::try_from(later.as_millis()).unwrap_or(u64::MAX)),
    };
    Measures {
        requests: sum(old.requests, more.requests),
        failed: sum(old.failed, more.failed),
        rescued: sum(old.rescued, more.rescued),
        failed_orders: sum(old.failed_orders, more.failed_orders),
        failed_by,
        failing_ms,
        until: more.until,
        ..old.clone()
    }
}

const fn is_measured(measures: &Measures) -> bool {
    measures.requests.is_some()
}
