//! Runs one plan from wherever the ledger says it stands to its end.
//!
//! There is one executor for each running plan, and it keeps nothing in memory that it could not read again: it looks
//! at the book, does the next thing, writes it down, and looks again. A crash at any point leaves a book from which
//! the next controller's executor goes on:
//!
//! 1. `Approved`: ask the gate (halt, lint, budget) and write `plan-started` in the same transaction.
//! 2. `Running`: for the first step that is not done, write `step-started`, act, verify, write `step-ended`.
//!    A step that a former controller had started is *unknown*: the hand is asked what became of it before it is
//!    given again or counted.
//! 3. A failed step, or somebody's `plan-undoing`: take back what was done, last first.
//!
//! Mending a fault that we made is exempt from halt and budget; the gate knows that.

use std::sync::Arc;
use std::time::Duration;

use dinghai_clock::Clock;
use dinghai_ports::{Actuator, Admission, Gate, Journal, Sight, StoreError};
use dinghai_record::{
    Book, Event, Fence, Plan, PlanEnd, PlanId, PlanRecord, PlanState, Reason, Step, StepClass, StepOutcome,
    StepState,
};
use tracing::{info, warn};

/// How long to wait before asking again what may change without being seen: the gate, and a store that refuses.
pub(crate) const ASK_AGAIN: Duration = Duration::from_millis(250);

/// What an executor works with.
#[derive(Clone)]
pub struct Tools {
    /// Where everything is written down.
    pub journal: Arc<dyn Journal>,
    /// What changes the world.
    pub actuator: Arc<dyn Actuator>,
    /// What sees it.
    pub sight: Arc<dyn Sight>,
    /// What has to admit plans and steps.
    pub gate: Arc<dyn Gate>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Under which lease we act.
    pub fence: Fence,
}

/// Runs one plan.
pub struct Executor {
    pub(crate) tools: Tools,
    pub(crate) plan: PlanId,
}

/// What the book says is to be done next.
enum Next {
    Start,
    Do(Step, StepState),
    Undo(Step),
    End(PlanEnd),
    Nothing,
}

impl Executor {
    /// An executor of that plan.
    pub fn new(tools: Tools, plan: PlanId) -> Self {
        Self { tools, plan }
    }

    /// Runs the plan until it is over or only a person can move it on. A store that refuses is waited for; any other
    /// failure of the store ends the run, and the plan goes on when an executor is made for it again.
    pub async fn run(&self) -> Result<(), StoreError> {
        loop {
            match self.advance().await {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                Err(StoreError::Refusing(why)) => {
                    warn!(plan = %self.plan, %why, "the ledger refuses; the plan waits");
                    tokio::time::sleep(ASK_AGAIN).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Does the next thing. False when there is nothing more to do.
    async fn advance(&self) -> Result<bool, StoreError> {
        let book = self.tools.journal.book();
        let Some(record) = book.plans.get(&self.plan) else {
            return Ok(false);
        };
        match next(record) {
            Next::Start => self.start().await?,
            Next::Do(step, state) => self.step(record.plan.clone(), step, state).await?,
            Next::Undo(step) => self.undo(step).await?,
            Next::End(end) => self.end(end).await?,
            Next::Nothing => return Ok(false),
        }
        Ok(true)
    }

    async fn start(&self) -> Result<(), StoreError> {
        let (gate, plan) = (self.tools.gate.clone(), self.plan);
        let written = self
            .tools
            .journal
            .transact(Box::new(move |book| match book.plans.get(&plan) {
                Some(record) if record.state == PlanState::Approved => match gate.admit(book, &record.plan) {
                    Admission::Granted(reservation) => vec![Event::PlanStarted { plan, reservation }],
                    Admission::NotNow(_) => vec![],
                    Admission::Refused(reasons) => vec![Event::PlanRefused { plan, reasons }],
                },
                _ => vec![],
            }))
            .await?;
        if written.is_empty() {
            tokio::time::sleep(ASK_AGAIN).await;
        }
        Ok(())
    }

    async fn end(&self, end: PlanEnd) -> Result<(), StoreError> {
        info!(plan = %self.plan, ?end, "plan ends");
        let plan = self.plan;
        let expected = if end == PlanEnd::Done { PlanState::Running } else { PlanState::Undoing };
        self.tools
            .journal
            .transact(Box::new(move |book| match state(book, plan) {
                Some(state) if state == expected => vec![Event::PlanEnded { plan, end, reasons: vec![] }],
                _ => vec![],
            }))
            .await?;
        Ok(())
    }

    /// Gives up going forward and takes back what was done.
    pub(crate) async fn turn_back(&self, reasons: Vec<Reason>) -> Result<(), StoreError> {
        let plan = self.plan;
        self.tools
            .journal
            .transact(Box::new(move |book| match state(book, plan) {
                Some(PlanState::Running) => vec![Event::PlanUndoing { plan, reasons }],
                _ => vec![],
            }))
            .await?;
        Ok(())
    }

    /// Whether the plan still goes forward; false once somebody turned it back or ended it.
    pub(crate) fn goes_forward(&self) -> bool {
        state(&self.tools.journal.book(), self.plan) == Some(PlanState::Running)
    }
}

fn state(book: &Book, plan: PlanId) -> Option<PlanState> {
    book.plans.get(&plan).map(|record| record.state)
}

fn next(record: &PlanRecord) -> Next {
    let mut steps = record.plan.steps.iter().zip(&record.steps);
    match record.state {
        PlanState::Approved => Next::Start,
        PlanState::Running => steps
            .find(|(_, at)| !matches!(at.state, StepState::Ended(StepOutcome::Done(_))))
            .map_or(Next::End(PlanEnd::Done), |(step, at)| Next::Do(step.clone(), at.state.clone())),
        PlanState::Undoing => {
            steps.rev().find(|(step, at)| undo_of(step).is_some() && wants_undo(&at.state)).map_or_else(
                || Next::End(how_it_was_undone(&record.plan, record)),
                |(step, _)| Next::Undo(step.clone()),
            )
        }
        PlanState::Proposed
        | PlanState::Waiting
        | PlanState::Shadowed
        | PlanState::Refused
        | PlanState::Declined
        | PlanState::Ended(_) => Next::Nothing,
    }
}

/// The action that takes a step back, when there is one.
pub(crate) fn undo_of(step: &Step) -> Option<&dinghai_record::Action> {
    match &step.class {
        StepClass::Reversible(undo) | StepClass::Compensable(undo) => Some(undo),
        StepClass::NoAct | StepClass::Final(_) => None,
    }
}

/// Whether something of the step may have happened and has not been taken back. A failed step may have half happened.
fn wants_undo(state: &StepState) -> bool {
    match state {
        StepState::Started
        | StepState::Unknown
        | StepState::Ended(_)
        | StepState::Undoing
        | StepState::UndoUnknown => true,
        StepState::NotStarted | StepState::Undone(_) => false,
    }
}

/// Undone when nothing of it is left; failed when a final step happened or an undo did not work.
fn how_it_was_undone(plan: &Plan, record: &PlanRecord) -> PlanEnd {
    let left_over = plan.steps.iter().zip(&record.steps).any(|(step, at)| match &step.class {
        StepClass::NoAct => false,
        StepClass::Final(_) => at.state != StepState::NotStarted,
        StepClass::Reversible(_) | StepClass::Compensable(_) => {
            matches!(at.state, StepState::Undone(StepOutcome::Failed(_)))
        }
    });
    if left_over { PlanEnd::Failed } else { PlanEnd::Undone }
}
