//! Idle connections to one instance, kept apart for each thread, because a connection belongs to the runtime that opened it.
//!
//! The newest is taken first, because it is the least likely to be closed by the other side. A connection comes back
//! only after its response was read to the end and nothing came behind it.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::defaults::{IDLE_CONNECTIONS, IDLE_KEPT};
use crate::socket::Socket;

/// Idle connections.
#[derive(Debug)]
pub(crate) struct Pool(Vec<Mutex<VecDeque<(Socket, Instant)>>>);

impl Pool {
    /// One for so many threads.
    pub(crate) fn new(threads: usize) -> Self {
        Self((0..threads.max(1)).map(|_| Mutex::default()).collect())
    }

    /// An idle connection of this thread that at `now` has not been idle for longer than `idle`.
    pub(crate) fn idle(&self, thread: usize, idle: Duration, now: Instant) -> Option<Socket> {
        let mut kept = self.of(thread)?;
        loop {
            let (mut socket, since) = kept.pop_back()?;
            if now.saturating_duration_since(since) <= idle.min(IDLE_KEPT) && socket.is_quiet() {
                return Some(socket);
            }
        }
    }

    /// Keeps a connection whose response was read to the end at `now`.
    pub(crate) fn keep(&self, thread: usize, socket: Socket, now: Instant) {
        if let Some(mut kept) = self.of(thread) {
            if kept.len() == IDLE_CONNECTIONS {
                kept.pop_front();
            }
            kept.push_back((socket, now));
        }
    }

    /// Closes those of this thread that were idle for too long, or that the other side has closed.
    pub(crate) fn prune(&self, thread: usize) {
        if let Some(mut kept) = self.of(thread) {
            kept.retain_mut(|(socket, since)| since.elapsed() <= IDLE_KEPT && socket.is_quiet());
        }
    }

    /// Closes all idle ones of all threads.
    pub(crate) fn clear(&self) {
        self.0.iter().for_each(|kept| kept.lock().unwrap_or_else(PoisonError::into_inner).clear());
    }

    fn of(&self, thread: usize) -> Option<std::sync::MutexGuard<'_, VecDeque<(Socket, Instant)>>> {
        self.0.get(thread).map(|kept| kept.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
