//! Seeing whether something about the world holds.

use async_trait::async_trait;
use dinghai_clock::Timestamp;
use dinghai_record::{Condition, Holds};

/// Tells whether a condition holds, from what was observed.
#[async_trait]
pub trait Sight: Send + Sync {
    /// Whether it holds by what was observed at `since` or later. Missing data is [`Holds::Unknown`].
    async fn holds(&self, condition: &Condition, since: Timestamp) -> Holds;

    /// Returns when something new was observed, so that a waiting reader may look again.
    async fn changed(&self);
}
