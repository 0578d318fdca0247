//! Noticing that a process has ended.
//!
//! A pidfd becomes readable when its process ends, whether it is our child or was adopted from a hand before us. Only a
//! child tells how it ended. What is left of its group is killed, so that a worker whose master is gone does not keep
//! the port.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::watch;

use crate::proc::{Identity, Stat};

/// A process that runs, as far as we have heard.
#[derive(Clone)]
pub(crate) struct Live {
    /// Which process.
    pub(crate) identity: Identity,
    gone: watch::Receiver<Option<End>>,
}

/// How a process ended, as far as it is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct End {
    /// Its exit code, when it exited by itself.
    pub(crate) code: Option<i32>,
    /// The signal that ended it, when one did.
    pub(crate) signal: Option<i32>,
}

impl std::fmt::Display for End {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.code, self.signal) {
            (Some(code), _) => write!(f, "code {code}"),
            (None, Some(signal)) => write!(f, "signal {signal}"),
            (None, None) => f.write_str("?"),
        }
    }
}

impl Live {
    /// A running process and the end that will be told of it.
    pub(crate) const fn new(identity: Identity, gone: watch::Receiver<Option<End>>) -> Self {
        Self { identity, gone }
    }

    /// How it ended, when it ends within this time.
    pub(crate) async fn gone_within(&self, within: Duration) -> Option<End> {
        let mut gone = self.gone.clone();
        match tokio::time::timeout(within, gone.wait_for(Option::is_some)).await {
            Ok(Ok(end)) => *end,
            Ok(Err(_)) => Some(End::default()),
            Err(_) => None,
        }
    }

    /// How it ended, if it has.
    pub(crate) fn gone(&self) -> Option<End> {
        *self.gone.borrow()
    }

    /// Signals its whole group.
    pub(crate) fn signal(&self, signal: Signal) {
        if self.gone().is_none() {
            signal_group(&self.identity, signal);
        }
    }
}

/// Signals every process of the group that still is the identity's.
pub(crate) fn signal_group(identity: &Identity, signal: Signal) {
    if let (Some(_), Some(group)) = (identity.stat(), identity.raw()) {
        // A group that is gone is what a signal could bring about at most.
        let _ = kill_process_group(group, signal);
    }
}

/// Returns when all of the group satisfy the condition, or false after a second.
pub(crate) async fn group_becomes(identity: &Identity, holds: impl Fn(&Stat) -> bool) -> bool {
    for _ in 0..100 {
        if identity.stat().is_none() || identity.group().iter().all(&holds) {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    false
}

/// Returns when the process has ended.
pub(crate) async fn ended(identity: &Identity, pidfd: OwnedFd) -> End {
    let pidfd = Arc::new(pidfd);
    #[expect(deprecated, reason = "its successor is unsafe; an owned descriptor is what it asks for")]
    let ready = AsyncFd::with_interest(Arc::clone(&pidfd), Interest::READABLE);
    match ready {
        Ok(ready) => {
            let _ = ready.readable().await;
        }
        Err(error) => {
            tracing::warn!(pid = identity.pid, %error, "cannot watch a process; looking at it instead");
            while identity.stat().is_some() {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
    // Before a child is reaped its id, and so the group's, cannot be given to another.
    if let Some(group) = identity.raw() {
        let _ = kill_process_group(group, Signal::KILL);
    }
    match waitid(WaitId::PidFd(pidfd.as_fd()), WaitIdOptions::EXITED) {
        Ok(Some(status)) => End { code: status.exit_status(), signal: status.terminating_signal() },
        Ok(None) | Err(_) => End::default(),
    }
}
