//! Phase *record*: what has become of the request, for counters and histograms.
//!
//! A request counts once it has ended: its answer is complete, or it failed. **Failed for the client** means answered
//! with 5xx, by us or by an instance, or cut after its response had begun. A client that gives up has not been
//! failed; such a request is dropped uncounted.

use std::sync::Arc;

use tokio::time::Instant;

use super::refuse::Refused;
use crate::core::Core;
use crate::counters::{Counted, Ended};
use crate::routing::Route;

/// A request that is not counted yet. Dropped without an end, its client has gone.
pub(crate) struct Record {
    core: Arc<Core>,
    route: Arc<Route>,
    begun: Instant,
    idempotent: bool,
    /// It went to more than one instance.
    pub(crate) repeated: bool,
}

impl Record {
    pub(crate) const fn new(core: Arc<Core>, route: Arc<Route>, begun: Instant, idempotent: bool) -> Self {
        Self { core, route, begun, idempotent, repeated: false }
    }

    /// Counts it, at `now`.
    pub(crate) fn end(self, ended: Ended, now: Instant) {
        self.route.counters.count(Counted {
            ended,
            at: self.core.clock.now(),
            took: now.saturating_duration_since(self.begun),
            idempotent: self.idempotent,
            repeated: self.repeated,
        });
    }

    /// Counts an answer of our own; false when there is nobody left to hear it.
    pub(crate) fn refused(self, refused: &Refused) -> bool {
        let heard = refused.reason != "client-gone";
        if heard {
            let ended = if refused.status >= 500 { Ended::Failed } else { Ended::Served };
            self.end(ended, Instant::now());
        }
        heard
    }
}
