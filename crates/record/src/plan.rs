//! Plans: immutable lists of steps, and how far each has come.
//!
//! | plan state | left by |
//! |---|---|
//! | `Proposed` | `plan-decided` → `Waiting`, `Approved`, `Shadowed` or `Refused` |
//! | `Waiting` | `plan-approved` → `Approved`; `plan-declined` → `Declined`; `plan-ended` (withdrawn) |
//! | `Approved` | `plan-started` → `Running`; `plan-refused` → `Refused` |
//! | `Running` | `plan-undoing` → `Undoing`; `plan-ended` → `Ended` |
//! | `Undoing` | `plan-ended` → `Ended` |
//!
//! | step state | left by |
//! |---|---|
//! | `NotStarted` | `step-started` → `Started` |
//! | `Started` | `step-ended` → `Ended`; a new controller → `Unknown` |
//! | `Unknown` | `step-ended` → `Ended`; `step-started` (it was seen not done) → `Started` |
//! | `Ended` | `undo-started` → `Undoing` |
//! | `Undoing` | `undo-ended` → `Undone`; a new controller → `UndoUnknown` |
//! | `UndoUnknown` | `undo-started` → `Undoing`; `undo-ended` → `Undone` |

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use dinghai_clock::{Timestamp, serde_span};
use dinghai_estate::{ActionKind, InstanceId, PlaceId, ServiceId};
use serde::{Deserialize, Serialize};

use crate::{
    Action, Actor, Condition, DrillRunId, Event, Hash, IncidentId, Performed, PlanId, Reason, Seq, StepClass,
    StepNo,
};

/// An immutable, numbered list of steps with no choices left in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Its number.
    pub id: PlanId,
    /// The plan that it replaces, when it replaces one.
    pub parent: Option<PlanId>,
    /// What it is for.
    pub purpose: PlanPurpose,
    /// What it does, in one line: a catalogue code and its values.
    pub title: Reason,
    /// The steps, in order; one runs after another.
    pub steps: Vec<Step>,
    /// The healthy capacity it takes while it runs.
    pub takes: Taking,
    /// The kinds of action it needs autonomy for, by service.
    pub needs: BTreeMap<ServiceId, BTreeSet<ActionKind>>,
    /// Why this plan and why not another.
    pub reasons: Vec<Reason>,
    /// The last ledger entry that the planner knew.
    pub seen: Seq,
}

/// What a plan is for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PlanPurpose {
    /// First start of what the estate declares.
    BringUp,
    /// To heal an incident.
    Heal(IncidentId),
    /// To break something in a drill, and undo it.
    Drill(DrillRunId),
}

/// One step of a plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Its place in the plan, from 1.
    pub no: StepNo,
    /// What it does.
    pub action: Action,
    /// Whether and how it can be taken back.
    pub class: StepClass,
    /// What must hold afterwards for it to count as done.
    pub verify: Option<Condition>,
    /// The longest that action and verification may take together.
    #[serde(with = "serde_span")]
    pub within: Duration,
}

/// Healthy capacity that a plan takes away while it runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taking {
    /// Instances that a plan makes unable to serve for a while, by service, dead ones included.
    pub instances: BTreeMap<ServiceId, BTreeSet<InstanceId>>,
}

/// What a running plan holds of the action budget.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reservation {
    /// Healthy instances taken, by service. Dead ones, by two vantage points, are free and not listed.
    pub healthy: BTreeMap<ServiceId, BTreeSet<InstanceId>>,
    /// The places out of which healthy capacity is taken.
    pub places: BTreeSet<PlaceId>,
    /// When it was reserved.
    pub at: Timestamp,
}

/// What was decided of a proposed plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Approval {
    /// It may run.
    Run,
    /// It waits for a person.
    Ask,
    /// It is recorded and not taken.
    Shadow,
    /// It must not run.
    Refuse,
}

/// How a plan ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PlanEnd {
    /// Every step was done and verified.
    Done,
    /// A step failed; what could be undone was undone.
    Undone,
    /// A step failed and something could not be undone; a person must look.
    Failed,
    /// It was no longer needed before it ran, or before the steps that were left.
    Withdrawn,
}

/// How far a plan has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PlanState {
    /// Just proposed.
    Proposed,
    /// Waits for a person.
    Waiting,
    /// May run.
    Approved,
    /// Recorded and not taken.
    Shadowed,
    /// Must not run.
    Refused,
    /// A person said no.
    Declined,
    /// Its steps are being done.
    Running,
    /// Its steps are being taken back.
    Undoing,
    /// Over.
    Ended(PlanEnd),
}

/// How a step ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepOutcome {
    /// Done, and verified where the step says how.
    Done(Performed),
    /// Not done, or not verified in time.
    Failed(Vec<Reason>),
}

/// How far a step has come.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepState {
    /// Not begun.
    NotStarted,
    /// Journalled; it may or may not have happened.
    Started,
    /// It was journalled by a controller that is gone: observe before anything else.
    Unknown,
    /// Over.
    Ended(StepOutcome),
    /// Its undo is journalled.
    Undoing,
    /// Its undo was journalled by a controller that is gone.
    UndoUnknown,
    /// Taken back, or not.
    Undone(StepOutcome),
}

/// The state does not admit the event.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} cannot take `{event}` while it is {state}")]
pub struct IllegalTransition {
    /// What refused.
    pub what: String,
    /// The state it is in.
    pub state: String,
    /// The event's kind.
    pub event: &'static str,
}

/// A plan and how far it has come.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlanRecord {
    /// The plan.
    pub plan: Plan,
    /// How far it has come.
    pub state: PlanState,
    /// When it was proposed, and by which entry.
    pub proposed: (Timestamp, Seq),
    /// What was decided and why.
    pub verdict: Option<(Approval, Vec<Reason>)>,
    /// Who approved or declined it, when a person did.
    pub by: Option<Actor>,
    /// What it holds of the action budget while it runs.
    pub reservation: Option<Reservation>,
    /// When it began to run.
    pub started: Option<Timestamp>,
    /// Why it was turned back, when it was.
    #[serde(default)]
    pub turned_back: Vec<Reason>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// Its steps.
    pub steps: Vec<StepRecord>,
}

/// A step and how far it has come.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepRecord {
    /// How far it has come.
    pub state: StepState,
    /// When it was last journalled as started, and by which entry.
    pub started: Option<(Timestamp, Seq)>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// How often it was started.
    pub attempts: u32,
}

impl Plan {
    /// A digest of everything in the plan.
    pub fn digest(&self) -> Hash {
        Hash::of(&serde_json::to_vec(self).unwrap_or_default())
    }

    /// The step of that number.
    pub fn step(&self, no: StepNo) -> Option<&Step> {
        self.steps.iter().find(|step| step.no == no)
    }
}

impl PlanRecord {
    /// How far the step of that number has come.
    pub fn at(&self, no: StepNo) -> Option<&StepRecord> {
        let place = self.plan.steps.iter().position(|step| step.no == no)?;
        self.steps.get(place)
    }
}

impl PlanState {
    /// Whether the plan may still act.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Proposed | Self::Waiting | Self::Approved | Self::Running | Self::Undoing)
    }

    /// The state after `event`.
    pub fn next(self, plan: PlanId, event: &Event) -> Result<Self, IllegalTransition> {
        use PlanState as S;
        match (self, event) {
            (S::Proposed, Event::PlanDecided { approval, .. }) => Ok(match approval {
                Approval::Run => S::Approved,
                Approval::Ask => S::Waiting,
                Approval::Shadow => S::Shadowed,
                Approval::Refuse => S::Refused,
            }),
            (S::Waiting, Event::PlanApproved { .. }) => Ok(S::Approved),
            (S::Waiting, Event::PlanDeclined { .. }) => Ok(S::Declined),
            (S::Approved, Event::PlanStarted { .. }) => Ok(S::Running),
            (S::Approved | S::Waiting, Event::PlanRefused { .. }) => Ok(S::Refused),
            (S::Running, Event::PlanUndoing { .. }) => Ok(S::Undoing),
            (
                S::Proposed | S::Waiting | S::Approved | S::Running | S::Undoing,
                Event::PlanEnded { end, .. },
            ) => Ok(S::Ended(*end)),
            _ => Err(IllegalTransition {
                what: plan.to_string(),
                state: format!("{self:?}"),
                event: event.kind(),
            }),
        }
    }
}

impl StepState {
    /// The state after `event`.
    pub fn next(&self, step: StepNo, event: &Event) -> Result<Self, IllegalTransition> {
        use StepState as S;
        match (self, event) {
            (S::NotStarted | S::Unknown, Event::StepStarted { .. }) => Ok(S::Started),
            (S::Started, Event::ControllerStarted { .. }) => Ok(S::Unknown),
            (S::Started | S::Unknown, Event::StepEnded { outcome, .. }) => Ok(S::Ended(outcome.clone())),
            (S::Started | S::Unknown | S::Ended(_) | S::UndoUnknown, Event::UndoStarted { .. }) => {
                Ok(S::Undoing)
            }
            (S::Undoing, Event::ControllerStarted { .. }) => Ok(S::UndoUnknown),
            (S::Undoing | S::UndoUnknown, Event::UndoEnded { outcome, .. }) => Ok(S::Undone(outcome.clone())),
            (other, Event::ControllerStarted { .. }) => Ok(other.clone()),
            _ => Err(IllegalTransition {
                what: step.to_string(),
                state: format!("{self:?}"),
                event: event.kind(),
            }),
        }
    }
}
