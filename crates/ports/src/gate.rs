//! The one door that a plan passes before it acts.

use dinghai_record::{Book, Plan, Reason, Reservation, Step};

/// Whether a plan or step may act now: halt, lint, and the action budget.
///
/// It is asked inside [`crate::Journal::transact`], so that what it reads cannot change before its answer is written.
pub trait Gate: Send + Sync {
    /// Whether the plan may start, and what it then holds of the budget.
    fn admit(&self, book: &Book, plan: &Plan) -> Admission<Reservation>;

    /// Whether the step of a running plan may still be done.
    fn recheck(&self, book: &Book, plan: &Plan, step: &Step) -> Admission<()>;
}

/// The answer of a [`Gate`].
#[derive(Clone, Debug, PartialEq)]
pub enum Admission<T> {
    /// It may.
    Granted(T),
    /// Not now; it may be asked again.
    NotNow(Vec<Reason>),
    /// It may not.
    Refused(Vec<Reason>),
}
