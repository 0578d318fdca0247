//! What has not been heard of for too long.
//!
//! Silence is not an outage: it is not knowing. It is worth a note at first and weighs more the longer it lasts.

use std::collections::BTreeSet;
use std::time::Duration;

use dinghai_clock::{Timestamp, format_span};
use dinghai_record::{FindingKind, Health, Reason, Severity, Subject, Vantage};

use crate::diagnose::Inputs;
use crate::verdict::{Verdict, Verdicts, key};
use crate::view::REPORT_STALE;

/// Silence is a note from here on, a warning and then critical from there on.
const NOTE: Duration = Duration::from_secs(5);
const WARNING: Duration = Duration::from_secs(30);
const CRITICAL: Duration = Duration::from_secs(300);

/// Verdicts on every gateway, the hand, and every instance that somebody should look at.
pub(crate) fn judge(inputs: &Inputs<'_>) -> Verdicts {
    let Some(began) = inputs.senses.began() else {
        return Vec::new();
    };
    let mut verdicts = Vec::new();
    for gateway in inputs.estate.gateways.keys() {
        let heard = inputs.heard(&Vantage::Gateway(gateway.clone()));
        verdicts.push(unit(inputs, Subject::Gateway(gateway.clone()), heard, began));
    }
    if inputs.estate.instances().any(|(_, instance)| instance.run.is_some()) {
        verdicts.push(unit(inputs, Subject::Hand, inputs.heard(&Vantage::Hand), began));
    }
    for (_, instance) in inputs.estate.instances().filter(|(_, instance)| inputs.in_use(instance)) {
        let watched = inputs.senses.watched(&instance.id);
        let looked_at = watched.is_some_and(|watched| watched.probe.is_some() || !watched.views.is_empty());
        if !looked_at {
            continue;
        }
        let views = || watched.into_iter().flat_map(|watched| watched.views.values());
        let contradicted = views().any(|view| view.fresh(inputs.now));
        let process = watched.filter(|watched| watched.asks_for_the_process());
        let process = process.and_then(|watched| watched.process.as_ref()).map(|process| process.heard);
        let heard = views().filter_map(|view| view.heard()).max().max(process);
        let known = inputs.world.health(&instance.id) != &Health::Unknown || contradicted;
        let about = Subject::Instance(instance.id.clone());
        let instances = BTreeSet::from([instance.id.clone()]);
        verdicts.push(silent(inputs, about, heard, began, known, instances));
    }
    verdicts
}

fn unit(
    inputs: &Inputs<'_>,
    about: Subject,
    heard: Option<Timestamp>,
    began: Timestamp,
) -> (dinghai_record::FindingKey, Verdict) {
    let known = heard.is_some_and(|at| inputs.now.since(at) <= REPORT_STALE);
    silent(inputs, about, heard, began, known, BTreeSet::new())
}

fn silent(
    inputs: &Inputs<'_>,
    about: Subject,
    heard: Option<Timestamp>,
    began: Timestamp,
    known: bool,
    instances: BTreeSet<dinghai_estate::InstanceId>,
) -> (dinghai_record::FindingKey, Verdict) {
    let key = key(FindingKind::Silent, about);
    let since = heard.unwrap_or(began);
    let span = inputs.now.since(since);
    if known {
        let reason = Reason::new("heard-again").with("subject", &key.about);
        return (key, Verdict::gone(reason));
    }
    let severity = match span {
        span if span >= CRITICAL => Severity::Critical,
        span if span >= WARNING => Severity::Warning,
        span if span >= NOTE => Severity::Note,
        _ => return (key, Verdict::CannotTell),
    };
    // It ages and does not grow younger by another look that told nothing.
    let severity = inputs
        .open(FindingKind::Silent, key.about.clone())
        .map_or(severity, |open| severity.max(open.severity));
    let code = if heard.is_some() { "silent" } else { "never-heard" };
    let reason = Reason::new(code)
        .with("subject", &key.about)
        .with("for", format_span(Duration::from_secs(span.as_secs())));
    let verdict = Verdict::stands(&key, since, severity, instances, false, reason);
    (key, verdict)
}
