//! The words of the flow: observation, finding, incident, plan, outcome, evidence.
//!
//! Every stage speaks in these types and no stage imports another. What is written to the ledger is an [`Event`];
//! everything else that Dinghai knows about the past is a fold of events, and [`Book`] is the fold that the stages
//! share: incidents, plans, drills, evidence, weights and whether we are halted.

mod action;
mod book;
mod drill;
mod event;
mod evidence;
mod finding;
mod ids;
mod incident;
mod measure;
mod observation;
mod pairs;
mod person;
mod plan;
mod reason;
mod world;

pub use action::{Action, Condition, Fault, FaultOrder, Holds, Looked, Order, Performed, StepClass};
pub use book::{Book, FiledEvidence, OpenFinding};
pub use drill::{Consent, DrillRecord, DrillState, Measures, Verdict};
pub use event::{Entry, Event, SCHEMA};
pub use evidence::{Evidence, Fact, Proof, Slice};
pub use finding::{Finding, FindingKey, FindingKind, Severity};
pub use ids::{DrillRunId, EvidenceId, Fence, Hash, IncidentId, PlanId, Seq, StepNo, WriterId};
pub use incident::{Grade, IncidentRecord, IncidentState};
pub use measure::{measure_response, measure_traffic, reported_until};
pub use observation::{Cause, Health, Observation, ProcessState, Seen, Subject, UnitSelf, Vantage};
pub use person::{Actor, Personal};
pub use plan::{
    Approval, IllegalTransition, Plan, PlanEnd, PlanPurpose, PlanRecord, PlanState, Reservation, Step,
    StepOutcome, StepRecord, StepState, Taking,
};
pub use reason::{Reason, percent};
pub use world::{Second, Sighting, Tally, Traffic, World};
