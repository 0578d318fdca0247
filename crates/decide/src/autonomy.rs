//! What automatons may do, as granted, as proven, and as consented to.
//!
//! `auto` is granted in the estate and earned by evidence: a drill or incident in which this kind of action on this
//! service worked, that has neither expired nor been voided. Without it `auto` acts as `ask`. While a drill runs, the
//! person who runs it may consent to kinds of action on what it touches; that holds only for the incident of that
//! drill, and never for what the estate has turned off.

use dinghai_clock::{Timestamp, format_span};
use dinghai_estate::{ActionKind, Autonomy, Estate, ServiceId};
use dinghai_record::{Book, FiledEvidence, IncidentRecord, Proof, Reason};

use std::time::Duration;

/// What may be done of this kind to this service for this incident, and why no more and no less.
pub fn autonomy(
    estate: &Estate,
    book: &Book,
    service: &ServiceId,
    kind: ActionKind,
    incident: &IncidentRecord,
    now: Timestamp,
) -> (Autonomy, Vec<Reason>) {
    let reason = |code: &str| Reason::new(code).with("service", service).with("kind", kind_name(kind));
    let granted = estate.services.get(service).map_or(Autonomy::Off, |declared| declared.granted(kind));
    if granted == Autonomy::Off {
        return (Autonomy::Off, vec![reason("autonomy-off")]);
    }
    if let Some(run) = consenting_drill(book, service, kind, incident) {
        return (Autonomy::Auto, vec![reason("drill-consents").with("run", run)]);
    }
    match granted {
        Autonomy::Off => (Autonomy::Off, vec![reason("autonomy-off")]),
        Autonomy::Shadow => (Autonomy::Shadow, vec![reason("autonomy-shadow")]),
        Autonomy::Ask => (Autonomy::Ask, vec![reason("autonomy-ask")]),
        Autonomy::Auto => match latest(book, service, kind) {
            None => (Autonomy::Ask, vec![reason("evidence-missing")]),
            Some((filed, worked)) => {
                let whole = |span: Duration| format_span(Duration::from_secs(span.as_secs()));
                let reason = |code: &str| {
                    reason(code)
                        .with("evidence", filed.evidence.id)
                        .with("age", whole(now.since(filed.evidence.at)))
                        .with("max-age", format_span(filed.evidence.max_age))
                };
                match &filed.voided {
                    Some((fact, ..)) => (Autonomy::Ask, vec![reason("evidence-void").with("fact", fact)]),
                    None if !filed.lives(now) => (Autonomy::Ask, vec![reason("evidence-expired")]),
                    None if !worked => (Autonomy::Ask, vec![reason("evidence-against")]),
                    None => (Autonomy::Auto, vec![reason("evidence-lives")]),
                }
            }
        },
    }
}

fn consenting_drill(
    book: &Book,
    service: &ServiceId,
    kind: ActionKind,
    incident: &IncidentRecord,
) -> Option<dinghai_record::DrillRunId> {
    let drill = book.open_drill().filter(|drill| incident.drill == Some(drill.run))?;
    let (_, services) = book.drill_scope.get(&drill.run)?;
    (drill.consent.kinds.contains(&kind) && services.contains(service)).then_some(drill.run)
}

/// The newest evidence on this action; one that is void gives way to an older one that is not.
fn latest<'a>(book: &'a Book, service: &ServiceId, kind: ActionKind) -> Option<(&'a FiledEvidence, bool)> {
    book.evidence
        .values()
        .filter_map(|filed| match &filed.evidence.shows {
            Proof::Action { service: of, kind: what, worked } if of == service && *what == kind => {
                Some((filed, *worked))
            }
            _ => None,
        })
        .max_by_key(|(filed, _)| (filed.voided.is_none(), filed.evidence.at, filed.filed))
}

/// The kebab-case name, as in the estate and in the message catalogue.
pub(crate) const fn kind_name(kind: ActionKind) -> &'static str {
    match kind {
        ActionKind::Restart => "restart",
        ActionKind::ShiftTraffic => "shift-traffic",
        ActionKind::Scale => "scale",
        ActionKind::Promote => "promote",
    }
}
