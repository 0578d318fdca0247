//! The door that plans pass: halt, then the action budget, on the newest world.

use std::sync::Arc;

use dinghai_clock::Clock;
use dinghai_decide::budget;
use dinghai_estate::Estate;
use dinghai_ports::{Admission, Gate};
use dinghai_record::{Book, Plan, Reservation, Step, World};
use tokio::sync::watch;

/// Admits by the estate's budget and what is healthy now.
pub(crate) struct BudgetGate {
    pub(crate) estate: Arc<Estate>,
    pub(crate) world: watch::Receiver<Arc<World>>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Gate for BudgetGate {
    fn admit(&self, book: &Book, plan: &Plan) -> Admission<Reservation> {
        let world = self.world.borrow().clone();
        answer(budget::admit(&self.estate, book, &world, plan, self.clock.now()))
    }

    fn recheck(&self, book: &Book, plan: &Plan, step: &Step) -> Admission<()> {
        let world = self.world.borrow().clone();
        answer(budget::recheck(&self.estate, book, &world, plan, step, self.clock.now()))
    }
}

fn answer<T>(answer: Result<T, budget::Refusal>) -> Admission<T> {
    match answer {
        Ok(granted) => Admission::Granted(granted),
        Err(refusal) if refusal.retry => Admission::NotNow(refusal.reasons),
        Err(refusal) => Admission::Refused(refusal.reasons),
    }
}
