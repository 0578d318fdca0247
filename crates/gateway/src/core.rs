//! What every part of a running gateway shares.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arc_swap::ArcSwap;
use dinghai_clock::{Clock, Rng, Timestamp};
use dinghai_estate::{GatewayId, ListenerId};

use crate::entrance::Terms;
use crate::reflexes::Reflexes;
use crate::routing::Routing;
use crate::worker::Bell;

/// The heart of a running gateway.
pub(crate) struct Core {
    pub(crate) id: GatewayId,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) started: Timestamp,
    pub(crate) routing: Arc<ArcSwap<Routing>>,
    /// Reaches the threads that move bytes.
    pub(crate) bell: Bell,
    pub(crate) reflexes: Reflexes,
    /// Where it really listens.
    pub(crate) listening: Mutex<BTreeMap<ListenerId, std::net::SocketAddr>>,
    /// How its listeners take connections.
    pub(crate) entrances: Mutex<BTreeMap<ListenerId, Arc<Terms>>>,
    /// Connections that did not get as far as a request: no PROXY header, no handshake, or not in time.
    pub(crate) turned_away: AtomicU64,
    /// Requests that no route was found for, or that were refused before one was looked for.
    pub(crate) unrouted: AtomicU64,
    heard: AtomicI64,
    draws: AtomicU64,
}

impl Core {
    pub(crate) fn new(id: GatewayId, clock: Arc<dyn Clock>, bell: Bell) -> Self {
        let started = clock.now();
        Self {
            id,
            clock,
            started,
            routing: Arc::new(ArcSwap::from_pointee(Routing::empty())),
            bell,
            reflexes: Reflexes::default(),
            listening: Mutex::default(),
            entrances: Mutex::default(),
            turned_away: AtomicU64::new(0),
            unrouted: AtomicU64::new(0),
            heard: AtomicI64::new(i64::MIN),
            draws: AtomicU64::new(started.as_micros().unsigned_abs()),
        }
    }

    /// The controller was heard.
    pub(crate) fn hear(&self) {
        self.heard.store(self.clock.now().as_micros(), Relaxed);
    }

    /// Whether the controller was heard within `lease`. Not before it was heard for the first time since the start: a
    /// gateway that is started again must not renew a lease by itself.
    pub(crate) fn is_led(&self, lease: Duration) -> bool {
        let heard = self.heard.load(Relaxed);
        heard != i64::MIN && self.clock.now().since(Timestamp::from_micros(heard)) < lease
    }

    /// A random number.
    pub(crate) fn draw(&self) -> u64 {
        Rng::seeded(self.draws.fetch_add(0x9e37_79b9_7f4a_7c15, Relaxed)).bits()
    }
}
