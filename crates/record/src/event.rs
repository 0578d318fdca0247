//! What is written to the ledger.

use std::collections::BTreeSet;

use dinghai_clock::Timestamp;
use dinghai_estate::{DrillId, GatewayId, InstanceId, PlaceId, ServiceId};
use serde::{Deserialize, Serialize};

use crate::{
    Actor, Approval, Cause, Consent, DrillRunId, Evidence, EvidenceId, Fault, Finding, FindingKey, Grade,
    Hash, IncidentId, Measures, Plan, PlanEnd, PlanId, Reason, Reservation, Seq, StepNo, StepOutcome,
    Subject, Verdict, WriterId,
};

/// The version of [`Event`] that this program writes. Older ones are brought up by upcasters; unknown fields of newer
/// ones are ignored and unknown kinds are kept as [`Event::Other`].
pub const SCHEMA: u16 = 1;

/// One entry of a chain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Whose chain.
    pub writer: WriterId,
    /// Its place in the chain.
    pub seq: Seq,
    /// When it was written.
    pub at: Timestamp,
    /// The lease of the controller that wrote it.
    pub lease: u64,
    /// The schema it was written in.
    pub schema: u16,
    /// What happened.
    pub event: Event,
    /// The hash of the entry before it.
    pub prev: Hash,
    /// Its own hash.
    pub hash: Hash,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the fields carry the names and meanings of the types they have")]
pub enum Event {
    /// A controller took the lease. Steps that stood started are unknown from here on.
    ControllerStarted { version: String, lease: u64 },
    /// The estate in force. `generation` counts the distinct ones.
    EstateAdopted { name: String, generation: u64, digest: Hash },
    /// A gateway acted by itself and reported it afterwards. `happened` is its own time.
    ReflexReported { gateway: GatewayId, instance: InstanceId, happened: Timestamp, ejected: Option<Cause> },
    /// A finding stands.
    FindingRaised { finding: Finding },
    /// What a standing finding says has changed.
    FindingChanged { finding: Finding },
    /// A finding no longer stands, because something was seen that says so.
    FindingCleared { key: FindingKey, reasons: Vec<Reason> },
    /// An incident was opened.
    IncidentOpened {
        incident: IncidentId,
        grade: Grade,
        about: Subject,
        drill: Option<DrillRunId>,
        since: Timestamp,
        findings: BTreeSet<FindingKey>,
        services: BTreeSet<ServiceId>,
        reasons: Vec<Reason>,
    },
    /// Findings joined an incident.
    IncidentJoined {
        incident: IncidentId,
        about: Subject,
        findings: BTreeSet<FindingKey>,
        services: BTreeSet<ServiceId>,
        reasons: Vec<Reason>,
    },
    /// Its grade changed.
    IncidentRegraded { incident: IncidentId, grade: Grade, reasons: Vec<Reason> },
    /// It turned out to be part of another.
    IncidentMerged { incident: IncidentId, into: IncidentId, reasons: Vec<Reason> },
    /// What users felt so far.
    IncidentMeasured { incident: IncidentId, measures: Measures },
    /// It is over.
    IncidentClosed { incident: IncidentId, reasons: Vec<Reason> },
    /// A plan was made.
    PlanProposed { plan: Plan },
    /// Whether it may run, by autonomy, evidence, consent, lint and budget.
    PlanDecided { plan: PlanId, approval: Approval, reasons: Vec<Reason> },
    /// A person lets it run.
    PlanApproved { plan: PlanId, by: Actor },
    /// A person does not.
    PlanDeclined { plan: PlanId, by: Actor, reason: String },
    /// It was about to run and may not, such as for want of budget.
    PlanRefused { plan: PlanId, reasons: Vec<Reason> },
    /// It runs and holds this much of the budget. Written in the transaction that checks the budget.
    PlanStarted { plan: PlanId, reservation: Reservation },
    /// Its steps are being taken back.
    PlanUndoing { plan: PlanId, reasons: Vec<Reason> },
    /// It is over and holds nothing any more.
    PlanEnded { plan: PlanId, end: PlanEnd, reasons: Vec<Reason> },
    /// A step is about to be done. Written before it is.
    StepStarted { plan: PlanId, step: StepNo, attempt: u32 },
    /// A step was done, or not.
    StepEnded { plan: PlanId, step: StepNo, outcome: StepOutcome, observed: bool },
    /// A step is about to be taken back.
    UndoStarted { plan: PlanId, step: StepNo },
    /// A step was taken back, or not.
    UndoEnded { plan: PlanId, step: StepNo, outcome: StepOutcome },
    /// A drill begins: steady state first.
    DrillStarted {
        run: DrillRunId,
        drill: DrillId,
        fault: Fault,
        by: Actor,
        consent: Consent,
        places: BTreeSet<PlaceId>,
        services: BTreeSet<ServiceId>,
    },
    /// The fault is in. `happened` is the hand's time.
    DrillBroke { run: DrillRunId, happened: Timestamp },
    /// The fault is undone.
    DrillMended { run: DrillRunId, happened: Timestamp },
    /// The drill is over and judged.
    DrillEnded { run: DrillRunId, verdict: Verdict, measures: Measures, reasons: Vec<Reason> },
    /// Evidence was filed.
    EvidenceFiled { evidence: Evidence },
    /// A fact under an evidence changed.
    EvidenceVoided { evidence: EvidenceId, fact: String, then: String, now: Option<String> },
    /// Every automaton stops.
    Halted { by: Actor, reason: String },
    /// They may go on.
    Resumed { by: Actor },
    /// Somebody signed in to the console, or failed to.
    SignedIn { by: Actor, role: String },
    /// An entry of a kind that this program does not know.
    #[serde(untagged)]
    Other(serde_json::Value),
}

impl Event {
    /// The kebab-case kind, as in JSON and in the message catalogue.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::ControllerStarted { .. } => "controller-started",
            Self::EstateAdopted { .. } => "estate-adopted",
            Self::ReflexReported { .. } => "reflex-reported",
            Self::FindingRaised { .. } => "finding-raised",
            Self::FindingChanged { .. } => "finding-changed",
            Self::FindingCleared { .. } => "finding-cleared",
            Self::IncidentOpened { .. } => "incident-opened",
            Self::IncidentJoined { .. } => "incident-joined",
            Self::IncidentRegraded { .. } => "incident-regraded",
            Self::IncidentMerged { .. } => "incident-merged",
            Self::IncidentMeasured { .. } => "incident-measured",
            Self::IncidentClosed { .. } => "incident-closed",
            Self::PlanProposed { .. } => "plan-proposed",
            Self::PlanDecided { .. } => "plan-decided",
            Self::PlanApproved { .. } => "plan-approved",
            Self::PlanDeclined { .. } => "plan-declined",
            Self::PlanRefused { .. } => "plan-refused",
            Self::PlanStarted { .. } => "plan-started",
            Self::PlanUndoing { .. } => "plan-undoing",
            Self::PlanEnded { .. } => "plan-ended",
            Self::StepStarted { .. } => "step-started",
            Self::StepEnded { .. } => "step-ended",
            Self::UndoStarted { .. } => "undo-started",
            Self::UndoEnded { .. } => "undo-ended",
            Self::DrillStarted { .. } => "drill-started",
            Self::DrillBroke { .. } => "drill-broke",
            Self::DrillMended { .. } => "drill-mended",
            Self::DrillEnded { .. } => "drill-ended",
            Self::EvidenceFiled { .. } => "evidence-filed",
            Self::EvidenceVoided { .. } => "evidence-voided",
            Self::Halted { .. } => "halted",
            Self::Resumed { .. } => "resumed",
            Self::SignedIn { .. } => "signed-in",
            Self::Other(_) => "other",
        }
    }
}
