//! One step: journal, act, verify, journal.

use std::time::Duration;

use dinghai_clock::{Timestamp, format_span};
use dinghai_ports::{ActError, Admission, StoreError};
use dinghai_record::{
    Action, Condition, Event, Holds, Looked, Order, Performed, Plan, PlanState, Reason, Seq, Step, StepNo,
    StepOutcome, StepState,
};

use crate::executor::{ASK_AGAIN, Executor, undo_of};

/// How long to wait for news before a waiting step looks around again by itself.
const LOOK_AROUND: Duration = Duration::from_millis(100);

/// The longest that taking back one step may take.
const UNDO_WITHIN: Duration = Duration::from_secs(60);

/// How a stretch of work on a step came out.
enum Progress {
    /// The step is over.
    Over(StepOutcome),
    /// It is not over: somebody turned the plan back, or halted the hand. The book says what is next.
    Left,
}

/// Why an order was not done.
enum Setback {
    /// It was tried, or cannot be told: the step has failed.
    Failed(Vec<Reason>),
    /// The unit is halted: the step stays open until it goes on.
    Halted,
}

impl Executor {
    /// Brings a step that is not done yet one stretch further.
    pub(crate) async fn step(&self, plan: Plan, step: Step, state: StepState) -> Result<(), StoreError> {
        match state {
            StepState::Ended(StepOutcome::Failed(reasons)) => self.turn_back(reasons).await,
            StepState::NotStarted => self.begin(plan, step).await,
            StepState::Started | StepState::Unknown => self.resume(step).await,
            StepState::Ended(StepOutcome::Done(_))
            | StepState::Undoing
            | StepState::UndoUnknown
            | StepState::Undone(_) => Ok(()),
        }
    }

    /// Journals the step and does it. Nothing is done when the gate says not now.
    async fn begin(&self, plan: Plan, step: Step) -> Result<(), StoreError> {
        let gate = self.tools.gate.clone();
        let (id, no, checked) = (self.plan, step.no, step.clone());
        let written = self
            .tools
            .journal
            .transact(Box::new(move |book| {
                let Some(record) = book.plans.get(&id).filter(|record| record.state == PlanState::Running)
                else {
                    return vec![];
                };
                match gate.recheck(book, &plan, &checked) {
                    Admission::Granted(()) => {
                        vec![Event::StepStarted {
                            plan: id,
                            step: no,
                            attempt: record.at(no).map_or(0, |at| at.attempts) + 1,
                        }]
                    }
                    Admission::NotNow(_) => vec![],
                    Admission::Refused(reasons) => vec![Event::PlanUndoing { plan: id, reasons }],
                }
            }))
            .await?;
        match written.first() {
            Some(entry) if matches!(entry.event, Event::StepStarted { .. }) => {
                let order = self.order(&step, entry.seq, entry.at);
                let progress = self.carry_out(&step, &order, entry.at, false).await;
                self.finish(&step, progress, false).await
            }
            Some(_) => Ok(()),
            None => {
                tokio::time::sleep(ASK_AGAIN).await;
                Ok(())
            }
        }
    }

    /// Goes on with a step that a former controller journalled: look before anything is repeated.
    async fn resume(&self, step: Step) -> Result<(), StoreError> {
        let book = self.tools.journal.book();
        let journalled = book.plans.get(&self.plan).and_then(|record| record.at(step.no)?.started);
        let (at, seq) = journalled.unwrap_or((self.tools.clock.now(), Seq::default()));
        // What was ordered before has the time it had; what is looked at or repeated now has its own.
        let order = self.order(&step, seq, at.max(self.tools.clock.now()));
        let progress = self.carry_out(&step, &order, at, true).await;
        self.finish(&step, progress, true).await
    }

    fn order(&self, step: &Step, journalled: Seq, from: Timestamp) -> Order {
        Order {
            plan: self.plan,
            step: step.no,
            undo: false,
            journalled,
            fence: self.tools.fence.clone(),
            action: step.action.clone(),
            deadline: from.plus(step.within),
        }
    }

    /// Acts and verifies. `doubted`: it may have been done already.
    async fn carry_out(&self, step: &Step, order: &Order, since: Timestamp, doubted: bool) -> Progress {
        match &step.action {
            Action::Await(condition) => {
                self.wait_for(condition, since, since.plus(step.within), Performed::nothing()).await
            }
            Action::Hold { lasting } => self.hold(since.plus(*lasting)).await,
            _ => {
                let acted = self.tools.clock.now();
                match self.act(order, doubted).await {
                    Ok(performed) => match &step.verify {
                        Some(condition) => self.wait_for(condition, acted, order.deadline, performed).await,
                        None => Progress::Over(StepOutcome::Done(performed)),
                    },
                    Err(Setback::Failed(reasons)) => Progress::Over(StepOutcome::Failed(reasons)),
                    Err(Setback::Halted) => Progress::Left,
                }
            }
        }
    }

    /// Has the order done, asking after it for as long as its outcome is unknown.
    async fn act(&self, order: &Order, mut doubted: bool) -> Result<Performed, Setback> {
        loop {
            if doubted {
                match self.tools.actuator.look(order).await {
                    Ok(Looked::Done(performed)) => return Ok(performed),
                    // The world has gone on since the gate was passed: what is given again passes it again.
                    Ok(Looked::NotDone) => match self.may_be_given_again(order) {
                        Admission::Granted(()) => doubted = false,
                        Admission::NotNow(_) => {}
                        Admission::Refused(reasons) => return Err(Setback::Failed(reasons)),
                    },
                    Ok(Looked::CannotTell(reason)) => {
                        return Err(Setback::Failed(vec![Reason::new("outcome-unknown"), reason]));
                    }
                    Ok(Looked::InProgress) | Err(ActError::NoAnswer(_)) => {}
                    Err(error) => return Err(setback(&error)),
                }
            } else {
                match self.tools.actuator.perform(order).await {
                    Ok(performed) => return Ok(performed),
                    Err(error) if error.leaves_outcome_unknown() => doubted = true,
                    Err(error) => return Err(setback(&error)),
                }
            }
            if doubted {
                if self.tools.clock.now() >= order.deadline {
                    return Err(Setback::Failed(vec![Reason::new("outcome-unknown")]));
                }
                tokio::time::sleep(LOOK_AROUND).await;
            }
        }
    }

    fn may_be_given_again(&self, order: &Order) -> Admission<()> {
        let book = self.tools.journal.book();
        let plan = book.plans.get(&self.plan).map(|record| &record.plan);
        match plan.and_then(|plan| Some((plan, plan.step(order.step)?.clone()))) {
            Some((plan, step)) => {
                self.tools.gate.recheck(&book, plan, &Step { action: order.action.clone(), ..step })
            }
            None => Admission::Refused(vec![]),
        }
    }

    async fn wait_for(
        &self,
        condition: &Condition,
        since: Timestamp,
        until: Timestamp,
        performed: Performed,
    ) -> Progress {
        loop {
            let why = match self.tools.sight.holds(condition, since).await {
                Holds::Yes => return Progress::Over(StepOutcome::Done(performed)),
                Holds::No(reason) | Holds::Unknown(reason) => reason,
            };
            if !self.goes_forward() {
                return Progress::Left;
            }
            let now = self.tools.clock.now();
            if now >= until {
                let waited = Reason::new("waited-in-vain").with("for", format_span(now.since(since)));
                return Progress::Over(StepOutcome::Failed(vec![waited, why]));
            }
            let _ = tokio::time::timeout(LOOK_AROUND.min(until.since(now)), self.tools.sight.changed()).await;
        }
    }

    async fn hold(&self, until: Timestamp) -> Progress {
        loop {
            if !self.goes_forward() {
                return Progress::Left;
            }
            let left = until.since(self.tools.clock.now());
            if left.is_zero() {
                return Progress::Over(StepOutcome::Done(Performed::nothing()));
            }
            tokio::time::sleep(left.min(LOOK_AROUND)).await;
        }
    }

    async fn finish(&self, step: &Step, progress: Progress, observed: bool) -> Result<(), StoreError> {
        let Progress::Over(outcome) = progress else {
            tokio::time::sleep(ASK_AGAIN).await;
            return Ok(());
        };
        let (plan, step) = (self.plan, step.no);
        self.write_end(step, Event::StepEnded { plan, step, outcome, observed }).await
    }

    /// Takes one step back.
    pub(crate) async fn undo(&self, step: Step) -> Result<(), StoreError> {
        let Some(action) = undo_of(&step).cloned() else {
            return Ok(());
        };
        let (plan, no) = (self.plan, step.no);
        let Some(journalled) = self.begin_undo(Step { action: action.clone(), ..step.clone() }).await? else {
            return Ok(());
        };
        let now = self.tools.clock.now();
        let deadline = now.plus(UNDO_WITHIN.max(step.within));
        let order = Order { undo: true, action, journalled, deadline, ..self.order(&step, journalled, now) };
        let outcome = match self.act(&order, false).await {
            Ok(performed) => StepOutcome::Done(performed),
            Err(Setback::Failed(reasons)) => StepOutcome::Failed(reasons),
            Err(Setback::Halted) => {
                tokio::time::sleep(ASK_AGAIN).await;
                return Ok(());
            }
        };
        self.write_end(no, Event::UndoEnded { plan, step: no, outcome }).await
    }

    /// Journals an undo, `taken_back` being the step with the undo for its action, and returns by which entry. It passes
    /// the gate like any step: what was done may carry a service by now, such as a spare for another instance that has
    /// died meanwhile. What the gate does not let back in time stays as it is, and a person has to look.
    async fn begin_undo(&self, taken_back: Step) -> Result<Option<Seq>, StoreError> {
        let (plan, step) = (self.plan, taken_back.no);
        let until = self.tools.clock.now().plus(UNDO_WITHIN);
        loop {
            let (gate, taken_back) = (self.tools.gate.clone(), taken_back.clone());
            let in_time = self.tools.clock.now() < until;
            let written = self
                .tools
                .journal
                .transact(Box::new(move |book| {
                    let started = Event::UndoStarted { plan, step };
                    let Some(record) = book.plans.get(&plan) else { return vec![] };
                    // Journalled once by each controller: a halted hand makes the undo wait, and be asked for again.
                    if step_state(record, step) == Some(&StepState::Undoing) {
                        return vec![];
                    }
                    match gate.recheck(book, &record.plan, &taken_back) {
                        Admission::Granted(()) => vec![started],
                        _ if in_time || book.halted.is_some() => vec![],
                        Admission::NotNow(reasons) | Admission::Refused(reasons) => {
                            let outcome = StepOutcome::Failed(reasons);
                            vec![started, Event::UndoEnded { plan, step, outcome }]
                        }
                    }
                }))
                .await?;
            let book = self.tools.journal.book();
            let undoing = book
                .plans
                .get(&plan)
                .is_some_and(|record| step_state(record, step) == Some(&StepState::Undoing));
            match written.first() {
                _ if undoing => return Ok(Some(written.first().map_or(book.head, |entry| entry.seq))),
                Some(_) => return Ok(None),
                None => tokio::time::sleep(ASK_AGAIN).await,
            }
        }
    }

    /// Writes how a step ended. The world has changed already, so a store that refuses is waited for.
    async fn write_end(&self, step: StepNo, event: Event) -> Result<(), StoreError> {
        loop {
            let (plan, event) = (self.plan, event.clone());
            let written = self
                .tools
                .journal
                .transact(Box::new(move |book| {
                    let state = book.plans.get(&plan).and_then(|record| step_state(record, step));
                    let fits = state.is_some_and(|state| state.next(step, &event).is_ok());
                    if fits { vec![event] } else { vec![] }
                }))
                .await;
            match written {
                Err(StoreError::Refusing(_)) => tokio::time::sleep(ASK_AGAIN).await,
                other => return other.map(|_| ()),
            }
        }
    }
}

fn step_state(record: &dinghai_record::PlanRecord, step: StepNo) -> Option<&StepState> {
    record.at(step).map(|at| &at.state)
}

fn setback(error: &ActError) -> Setback {
    let reason = match error {
        ActError::Refused(reason) | ActError::Failed(reason) => reason.clone(),
        ActError::Stale { got, seen } => {
            Reason::new("stale-lease").with("got", got.lease).with("seen", seen.lease)
        }
        ActError::NoAnswer(_) => Reason::new("outcome-unknown"),
        ActError::Halted => return Setback::Halted,
    };
    Setback::Failed(vec![reason])
}
