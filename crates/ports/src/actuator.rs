//! Changing the world.

use async_trait::async_trait;
use dinghai_record::{Fence, Looked, Order, Performed, Reason};

/// Does what an order says. Orders are idempotent by [`Order::key`]: the same order given twice acts once.
#[async_trait]
pub trait Actuator: Send + Sync {
    /// Does it, and returns when it is done. Verification is the executor's business.
    async fn perform(&self, order: &Order) -> Result<Performed, ActError>;

    /// Says what became of an order whose outcome is unknown, without acting.
    async fn look(&self, order: &Order) -> Result<Looked, ActError>;
}

/// Why an order was not done.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ActError {
    /// The order came from a controller that is no longer the leader.
    #[error("refused: the order is of {got}, {seen} is the highest seen; this controller no longer leads")]
    Stale {
        /// The fence of the order.
        got: Fence,
        /// The highest one seen.
        seen: Fence,
    },
    /// Automatons are halted here.
    #[error("refused: automatons are halted here; `dinghai resume` lets them go on")]
    Halted,
    /// The hand says no and will say no again.
    #[error("refused: {0}")]
    Refused(Reason),
    /// It was tried and did not work.
    #[error("failed: {0}")]
    Failed(Reason),
    /// The hand did not answer; the outcome is unknown.
    #[error("no answer: {0}; the outcome is unknown")]
    NoAnswer(String),
}

impl ActError {
    /// Whether the order may have been done all the same.
    pub const fn leaves_outcome_unknown(&self) -> bool {
        matches!(self, Self::NoAnswer(_))
    }
}
