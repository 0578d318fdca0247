//! Connections to one instance.
//!
//! Idle ones are kept, newest first, because the newest is the least likely to be closed by the other side. A
//! connection comes back only after its response was read to the end.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use dinghai_estate::Address;
use dinghai_probe::{cause_of_http, connect};
use dinghai_record::Cause;
use hyper::client::conn::http1::{Builder, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::time::{Instant, timeout};
use tracing::debug;

use crate::body::Outgoing;
use crate::defaults::{CONNECT_TIMEOUT, IDLE_CONNECTIONS, IDLE_KEPT};

/// How long a connection that came back may take to be ready for its next request: the time its task needs to run.
const SETTLING: Duration = Duration::from_millis(5);

/// A connection on which one request at a time may be sent.
pub(crate) struct Connection {
    pub(crate) sender: SendRequest<Outgoing>,
    /// Whether it has carried a request before: it may have gone stale.
    pub(crate) reused: bool,
}

/// Idle connections.
#[derive(Default)]
pub(crate) struct Pool(Mutex<VecDeque<(SendRequest<Outgoing>, Instant)>>);

impl Pool {
    /// An idle connection that has not been idle for longer than `idle`.
    pub(crate) async fn idle(&self, idle: Duration) -> Option<Connection> {
        loop {
            let (mut sender, since) = self.lock().pop_back()?;
            if since.elapsed() > idle.min(IDLE_KEPT) || sender.is_closed() {
                continue;
            }
            if sender.is_ready() || matches!(timeout(SETTLING, sender.ready()).await, Ok(Ok(()))) {
                return Some(Connection { sender, reused: true });
            }
        }
    }

    /// Opens a connection within `patience`.
    pub(crate) async fn open(address: &Address, patience: Duration) -> Result<Connection, Cause> {
        let opening = async {
            let stream = connect(address).await?;
            Builder::new()
                .max_buf_size(64 * 1024)
                .handshake(TokioIo::new(stream))
                .await
                .map_err(|error| cause_of_http(&error))
        };
        let (sender, connection) =
            timeout(patience.min(CONNECT_TIMEOUT), opening).await.map_err(|_| Cause::Timeout)??;
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                debug!(%error, "connection to an instance ended");
            }
        });
        Ok(Connection { sender, reused: false })
    }

    /// Keeps a connection whose response was read to the end.
    pub(crate) fn keep(&self, sender: SendRequest<Outgoing>) {
        if sender.is_closed() {
            return;
        }
        let mut idle = self.lock();
        if idle.len() == IDLE_CONNECTIONS {
            idle.pop_front();
        }
        idle.push_back((sender, Instant::now()));
    }

    /// Closes those that were idle for too long.
    pub(crate) fn prune(&self) {
        self.lock().retain(|(sender, since)| !sender.is_closed() && since.elapsed() <= IDLE_KEPT);
    }

    /// Closes all idle ones.
    pub(crate) fn clear(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, VecDeque<(SendRequest<Outgoing>, Instant)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
