//! Tokio's clock as a [`Clock`]: with paused time it moves only when everybody waits.

use dinghai_clock::{Clock, Timestamp};
use tokio::time::Instant;

/// When every simulation begins: 2026-01-01T00:00:00Z.
pub(crate) const BEGINNING: Timestamp = Timestamp::from_micros(1_767_225_600_000_000);

/// Time since the simulation began, on top of [`BEGINNING`].
#[derive(Clone)]
pub(crate) struct StageClock(Instant);

impl StageClock {
    /// A clock that begins now.
    pub(crate) fn new() -> Self {
        Self(Instant::now())
    }
}

impl Clock for StageClock {
    fn now(&self) -> Timestamp {
        BEGINNING.plus(self.0.elapsed())
    }
}
