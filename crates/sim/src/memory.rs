//! A ledger in memory. It can be told to refuse, as a full disk does.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use dinghai_clock::Clock;
use dinghai_ports::{Store, StoreError, StoreState};
use dinghai_record::{Entry, Event, Hash, SCHEMA, Seq, WriterId};

use crate::clock::StageClock;

/// Outlives the controllers that write to it.
pub(crate) struct Memory {
    clock: StageClock,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    entries: Vec<Entry>,
    lease: u64,
    refuses: bool,
}

/// One controller's view: it is fenced off once another has the lease.
pub(crate) struct Leased {
    pub(crate) memory: Arc<Memory>,
    pub(crate) lease: u64,
}

impl Memory {
    pub(crate) fn new(clock: StageClock) -> Arc<Self> {
        Arc::new(Self { clock, kept: Mutex::default() })
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the lease for another controller.
    pub(crate) fn lease(self: &Arc<Self>) -> Leased {
        let mut kept = self.kept();
        kept.lease += 1;
        Leased { memory: self.clone(), lease: kept.lease }
    }

    /// Whether it refuses from now on.
    pub(crate) fn refuse(&self, refuses: bool) {
        self.kept().refuses = refuses;
    }

    /// Whether there is such an entry.
    pub(crate) fn any(&self, is: impl FnMut(&Entry) -> bool) -> bool {
        self.kept().entries.iter().any(is)
    }

    /// Entries after `after`.
    pub(crate) fn after(&self, after: Seq) -> Vec<Entry> {
        let skip = usize::try_from(after.0).unwrap_or(usize::MAX);
        self.kept().entries.iter().skip(skip).cloned().collect()
    }
}

#[async_trait]
impl Store for Leased {
    async fn append(&self, events: Vec<Event>) -> Result<Vec<Entry>, StoreError> {
        let mut kept = self.memory.kept();
        if kept.lease != self.lease {
            return Err(StoreError::Fenced { ours: self.lease, theirs: kept.lease });
        }
        if kept.refuses {
            return Err(StoreError::Refusing("the simulated disk is full".to_owned()));
        }
        let at = self.memory.clock.now();
        let first = kept.entries.len();
        for event in events {
            let prev = kept.entries.last().map(|entry| entry.hash).unwrap_or_default();
            let body = serde_json::to_vec(&event).map_err(|error| StoreError::Failed(error.to_string()))?;
            let seq = Seq(kept.entries.len() as u64 + 1);
            let hash = Hash::of(&[&prev.0[..], &body].concat());
            let writer = WriterId("simulated".to_owned());
            kept.entries.push(Entry {
                writer,
                seq,
                at,
                lease: self.lease,
                schema: SCHEMA,
                event,
                prev,
                hash,
            });
        }
        Ok(kept.entries.iter().skip(first).cloned().collect())
    }

    async fn read(&self, after: Seq, limit: usize) -> Result<Vec<Entry>, StoreError> {
        Ok(self.memory.after(after).into_iter().take(limit).collect())
    }

    fn state(&self) -> StoreState {
        match self.memory.kept().refuses {
            true => StoreState::Refusing("the simulated disk is full".to_owned()),
            false => StoreState::Writable,
        }
    }
}
