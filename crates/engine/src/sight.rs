//! Conditions, as the newest world answers them.

use std::sync::Arc;

use async_trait::async_trait;
use dinghai_clock::Timestamp;
use dinghai_ports::Sight;
use dinghai_record::{Condition, Holds, World};
use tokio::sync::watch;

/// Sees by the world that the engine publishes.
pub(crate) struct WorldSight(pub(crate) watch::Receiver<Arc<World>>);

#[async_trait]
impl Sight for WorldSight {
    async fn holds(&self, condition: &Condition, since: Timestamp) -> Holds {
        self.0.borrow().holds_since(condition, since)
    }

    async fn changed(&self) {
        let mut next = self.0.clone();
        next.mark_unchanged();
        // When the engine is gone nothing changes any more; the waiting reader has a deadline of its own.
        if next.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
