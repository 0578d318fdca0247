//! Conditions, as the newest world answers them.

use std::sync::Arc;

use async_trait::async_trait;
use dinghai_clock::Timestamp;
use dinghai_ports::Sight;
use dinghai_record::{Condition, Holds, World};
use tokio::sync::{Notify, watch};

/// Sees by the world that the engine publishes.
pub(crate) struct WorldSight {
    pub(crate) world: watch::Receiver<Arc<World>>,
    /// Told after each new world. It wakes those who wait in the order in which they came, so that a simulation of
    /// the same seed does the same each time; a watch channel wakes its readers in random order.
    pub(crate) news: Arc<Notify>,
}

#[async_trait]
impl Sight for WorldSight {
    async fn holds(&self, condition: &Condition, since: Timestamp) -> Holds {
        self.world.borrow().holds_since(condition, since)
    }

    async fn changed(&self) {
        self.news.notified().await;
    }
}
