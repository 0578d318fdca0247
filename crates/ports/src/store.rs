//! Keeping what happened.

use std::sync::Arc;

use async_trait::async_trait;
use dinghai_record::{Book, Entry, Event, IllegalTransition, Seq};

/// An append-only chain of entries.
#[async_trait]
pub trait Store: Send + Sync {
    /// Appends all of the events in this order, or none. When it returns, they are durable.
    async fn append(&self, events: Vec<Event>) -> Result<Vec<Entry>, StoreError>;

    /// Up to `limit` entries after `after`, oldest first.
    async fn read(&self, after: Seq, limit: usize) -> Result<Vec<Entry>, StoreError>;

    /// Whether it takes entries now.
    fn state(&self) -> StoreState;
}

/// Whether a store takes entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreState {
    /// It does.
    Writable,
    /// It does not, for this reason (disk full, read-only file system); it tries again by itself.
    Refusing(String),
}

/// Why nothing was appended or read. Nothing that was acknowledged before is touched by it.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// The disk is full or read-only; it recovers when that ends.
    #[error(
        "the ledger takes no entries: {0}; nothing was written, and it goes on by itself when that is mended"
    )]
    Refusing(String),
    /// Another controller took the lease.
    #[error("lease {ours} of this controller has been taken over by lease {theirs}; it must stop")]
    Fenced {
        /// Our lease.
        ours: u64,
        /// The lease in force.
        theirs: u64,
    },
    /// What is stored is not what was written.
    #[error("the ledger is damaged: {0}; run `dinghai ledger verify`")]
    Damaged(String),
    /// Anything else the store says.
    #[error("the ledger's store failed: {0}")]
    Failed(String),
    /// An event that the book's state does not admit; a defect of the caller, refused before it is written.
    #[error(transparent)]
    Illegal(#[from] IllegalTransition),
}

/// Sees the newest book and says what is to be written.
pub type Decision = Box<dyn FnOnce(&Book) -> Vec<Event> + Send>;

/// A store together with its fold. All of the engine writes through one journal.
#[async_trait]
pub trait Journal: Send + Sync {
    /// The book as of the last entry. A snapshot: it does not change under the reader.
    fn book(&self) -> Arc<Book>;

    /// Lets `decide` see the newest book and appends what it returns, with nothing written in between.
    /// An empty answer writes nothing.
    async fn transact(&self, decide: Decision) -> Result<Vec<Entry>, StoreError>;

    /// Entries after `after`, oldest first.
    async fn read(&self, after: Seq, limit: usize) -> Result<Vec<Entry>, StoreError>;

    /// Returns when there is an entry after `seen`.
    async fn grown(&self, seen: Seq);

    /// Whether the store takes entries now.
    fn state(&self) -> StoreState;
}
