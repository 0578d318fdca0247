//! Every figure of the demo, as `--json` writes them.

use std::collections::BTreeMap;

use dinghai_clock::Timestamp;
use dinghai_load::{Counts, Snapshot};
use serde::Serialize;

/// Everything that was measured.
#[derive(Default, Serialize)]
pub(crate) struct Figures {
    /// From the start of the first process to the end of the story, in seconds.
    pub(crate) story_s: f64,
    /// What the shoppers counted, by phase and method.
    pub(crate) phases: Vec<PhaseFigures>,
    /// Runs of drills.
    pub(crate) drills: Vec<DrillFigures>,
    /// The loss of a zone.
    pub(crate) zone: Option<LossFigures>,
    /// The hang of an instance.
    pub(crate) hang: Option<LossFigures>,
    /// The death of the controller.
    pub(crate) controller: Option<ControllerFigures>,
    /// How long a halt of every automaton took; none when a unit was not reached.
    pub(crate) halt_ms: Option<u64>,
    /// Promises by state.
    pub(crate) promises: BTreeMap<String, String>,
    /// Whether the ledger's chain verifies.
    pub(crate) ledger_sound: bool,
    /// Entries in it.
    pub(crate) ledger_entries: u64,
    /// Orders that failed, as the shoppers counted, and what they were worth.
    pub(crate) failed_orders: u64,
    /// Their worth; none when it could not be computed.
    pub(crate) loss: Option<String>,
}

/// What the shoppers counted in one phase.
#[derive(Serialize)]
pub(crate) struct PhaseFigures {
    /// The phase.
    pub(crate) phase: String,
    /// When it began.
    pub(crate) since: Timestamp,
    /// By method.
    pub(crate) methods: BTreeMap<String, MethodFigures>,
    /// The 99th percentile of latency, in microseconds.
    pub(crate) p99_us: Option<u64>,
}

/// What the shoppers counted of one method.
#[derive(Serialize)]
pub(crate) struct MethodFigures {
    /// Requests sent.
    pub(crate) sent: u64,
    /// Requests that failed for the shopper.
    pub(crate) failed: u64,
}

/// One run of a drill.
#[derive(Serialize)]
pub(crate) struct DrillFigures {
    /// The drill.
    pub(crate) drill: String,
    /// Its verdict.
    pub(crate) verdict: String,
    /// What it measured.
    pub(crate) measures: dinghai_record::Measures,
}

/// What happened after something was lost; milliseconds count from the loss.
#[derive(Default, Serialize)]
pub(crate) struct LossFigures {
    /// What was lost.
    pub(crate) what: String,
    /// When.
    pub(crate) at: Timestamp,
    /// To the first ejection by a gateway.
    pub(crate) ejected_ms: Option<u64>,
    /// To the last ejection of one of the lost.
    pub(crate) all_ejected_ms: Option<u64>,
    /// To the opening of the incident.
    pub(crate) incident_ms: Option<u64>,
    /// The incident's grade.
    pub(crate) grade: Option<String>,
    /// To the start of the first step.
    pub(crate) acted_ms: Option<u64>,
    /// To the end of the plan.
    pub(crate) healed_ms: Option<u64>,
    /// Requests of the ten seconds after it.
    pub(crate) sent_10s: u64,
    /// Of them failed.
    pub(crate) failed_10s: u64,
    /// Of the failed ones, idempotent ones whose response had not begun.
    pub(crate) failed_idempotent: u64,
    /// To the last failure; none when nothing failed.
    pub(crate) last_failure_ms: Option<u64>,
}

/// What happened around the controller's death.
#[derive(Default, Serialize)]
pub(crate) struct ControllerFigures {
    /// The plan that was running.
    pub(crate) plan: String,
    /// The step whose start was written and whose outcome was not.
    pub(crate) step: String,
    /// When the controller was killed.
    pub(crate) killed_at: Timestamp,
    /// From the kill to the next controller's first entry.
    pub(crate) restarted_ms: Option<u64>,
    /// From that entry to the plan's next one.
    pub(crate) resumed_ms: Option<u64>,
    /// How the plan ended.
    pub(crate) end: Option<String>,
    /// Requests that failed from the kill to the next controller's first entry.
    pub(crate) failed: u64,
}

/// The shoppers' counts by phase and method.
pub(crate) fn phases(snapshot: &Snapshot) -> Vec<PhaseFigures> {
    snapshot
        .phases
        .iter()
        .map(|phase| PhaseFigures {
            phase: phase.label.clone(),
            since: phase.since,
            methods: phase.methods.iter().map(|(method, counts)| (method.clone(), of(counts))).collect(),
            p99_us: phase.latency.as_ref().map(|latency| latency.p99_us),
        })
        .collect()
}

fn of(counts: &Counts) -> MethodFigures {
    MethodFigures { sent: counts.sent, failed: counts.failed() }
}
