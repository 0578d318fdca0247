//! Which measure proves which promise.

use std::time::Duration;

use dinghai_estate::{Estate, KnownPromise, PromiseId, PromiseTarget, ProvenBy, promise_catalogue};
use dinghai_record::{DrillRecord, Fault, FindingKey, FindingKind, IncidentRecord, Measures, Subject};

/// The measure that a promise is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Measure {
    /// From the fault to the last failed request. The gateway's work alone.
    Failing,
    /// From the fault to the incident.
    Incident,
    /// From the end of the fault to all up with weights restored.
    Healed,
}

impl Measure {
    /// Its value in milliseconds, where it was measured.
    pub(crate) const fn of(self, measures: &Measures) -> Option<u64> {
        match self {
            Self::Failing => measures.failing_ms,
            Self::Incident => measures.incident_ms,
            Self::Healed => measures.healed_ms,
        }
    }
}

/// The declared promises that a fault of this kind measures, each with its measure.
pub(crate) fn proven_by(estate: &Estate, by: ProvenBy) -> Vec<(PromiseId, Measure)> {
    let proves = |known: &&KnownPromise| known.proven_by == by;
    promise_catalogue()
        .iter()
        .filter(proves)
        .map(|known| (PromiseId::from(known.id), measure(known.id)))
        .filter(|(id, _)| estate.promises.contains_key(id))
        .collect()
}

/// By the first word of the promise's id.
fn measure(id: &str) -> Measure {
    match id.split('.').next() {
        Some("detect") => Measure::Incident,
        Some("restart") => Measure::Healed,
        _ => Measure::Failing,
    }
}

/// What the fault of a drill proves.
pub(crate) fn of_drill(estate: &Estate, record: &DrillRecord) -> Option<ProvenBy> {
    match &record.fault {
        Fault::KillInstance(_) => Some(ProvenBy::KillInstance),
        Fault::HangInstance(_) => Some(ProvenBy::HangInstance),
        Fault::KillPlace { place, .. } => Some(ProvenBy::KillPlace(estate.places.get(place)?.kind)),
    }
}

/// What a real incident proves, when what it is about is what was found wrong.
pub(crate) fn of_incident(estate: &Estate, record: &IncidentRecord) -> Option<ProvenBy> {
    let found = |kind| record.findings.contains_key(&FindingKey { kind, about: record.about.clone() });
    match &record.about {
        Subject::Place(place) if found(FindingKind::PlaceLost) => {
            Some(ProvenBy::KillPlace(estate.places.get(place)?.kind))
        }
        Subject::Instance(_) if found(FindingKind::InstanceDown) => Some(ProvenBy::KillInstance),
        Subject::Instance(_) if found(FindingKind::InstanceHung) => Some(ProvenBy::HangInstance),
        _ => None,
    }
}

/// Whether a measure meets a target; none when it is not a number that can be judged.
pub(crate) fn meets(target: &PromiseTarget, measured: f64) -> Option<bool> {
    (measured.is_finite() && measured >= 0.0).then(|| match target {
        PromiseTarget::Within(limit) => measured <= millis(*limit),
        PromiseTarget::AtLeast(limit) => measured >= *limit,
    })
}

/// Room to the target as a share of it; negative when it was missed.
pub(crate) fn margin(target: &PromiseTarget, measured: f64) -> Option<f64> {
    meets(target, measured)?;
    let (room, whole) = match target {
        PromiseTarget::Within(limit) => (millis(*limit) - measured, millis(*limit)),
        PromiseTarget::AtLeast(limit) => (measured - limit, *limit),
    };
    (whole > 0.0).then(|| room / whole)
}

fn millis(span: Duration) -> f64 {
    span.as_secs_f64() * 1000.0
}
