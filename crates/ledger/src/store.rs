//! The ledger of a controller: one that holds the lease and writes.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use dinghai_clock::Clock;
use dinghai_ports::{Store, StoreError, StoreState};
use dinghai_record::{Entry, Event, Fence, Seq, WriterId};
use tokio::sync::{mpsc, oneshot, watch};

use crate::reader::{LedgerReader, open_reader};
use crate::writer::{Batch, Draft, GROUP, Request, Writer};
use crate::{Checkpoint, LedgerError, folder, schema};

/// The largest event, as JSON. A plan of a thousand steps takes less than one MiB.
const LARGEST: usize = 16 << 20;

/// A chain that takes entries, in a data folder that is ours alone.
///
/// [`Store::append`] returns when the events are durable; calls that are made at the same time share one sync. When it
/// fails nothing of that call was written. Reads go beside the writes and see only what is durable.
pub struct SqliteLedger {
    requests: mpsc::Sender<Request>,
    state: watch::Receiver<StoreState>,
    reader: LedgerReader,
    fence: Fence,
}

impl SqliteLedger {
    /// Opens the store in `dir`, or creates it, and takes its lease: whoever had it is fenced from here on.
    ///
    /// Fails with [`LedgerError::Locked`] while another process has the folder. Must be called within a tokio runtime.
    pub async fn open(dir: &Path, clock: Arc<dyn Clock>) -> Result<Self, LedgerError> {
        folder::make(dir)?;
        let lock = folder::lock(dir)?;
        folder::make_store_file(dir)?;
        let mut conn = schema::connect_writing(dir).await?;
        schema::prepare(&mut conn, dir).await?;
        let key = folder::signing_key_or_new(dir)?;
        let lease = schema::raise_lease(&mut conn).await?;
        let (incarnation, _) = schema::lease_in_force(&mut conn).await?;
        let fence = Fence { incarnation, lease };
        let reader = open_reader(dir).await?;
        let (requests, inbox) = mpsc::channel(GROUP);
        let (state_in, state) = watch::channel(StoreState::Writable);
        let writer = Writer::new(dir.to_owned(), clock, fence.clone(), key, state_in, conn);
        tokio::spawn(writer.run(inbox, lock));
        Ok(Self { requests, state, reader, fence })
    }

    /// What hands and gateways know this controller by.
    pub fn fence(&self) -> &Fence {
        &self.fence
    }

    /// Whose chain is written.
    pub fn writer(&self) -> &WriterId {
        self.reader.writer()
    }

    /// The reading side.
    pub fn reader(&self) -> &LedgerReader {
        &self.reader
    }

    /// Signs the heads of all chains as they stand. Keep it where this machine cannot reach.
    pub async fn checkpoint(&self) -> Result<Checkpoint, LedgerError> {
        self.ask(Request::Checkpoint).await?
    }

    /// Destroys the key of a person: every field sealed under it reads as erased from then on, and chains verify.
    pub async fn erase(&self, subject: &str) -> Result<(), LedgerError> {
        self.ask(|reply| Request::Erase(subject.to_owned(), reply)).await?
    }

    /// Writes what waits, closes the store and lets go of the folder. Dropping does the same without waiting for it.
    pub async fn close(self) {
        let Self { requests, reader, .. } = self;
        reader.close().await;
        let (reply, closed) = oneshot::channel();
        if requests.send(Request::Close(reply)).await.is_ok() {
            // Answered or gone: either way it is closed.
            drop(closed.await);
        }
    }

    async fn ask<T>(&self, request: impl FnOnce(oneshot::Sender<T>) -> Request) -> Result<T, StoreError> {
        let stopped = || StoreError::Failed("the ledger's writer has stopped".to_owned());
        let (reply, answer) = oneshot::channel();
        self.requests.send(request(reply)).await.map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())
    }
}

#[async_trait]
impl Store for SqliteLedger {
    async fn append(&self, events: Vec<Event>) -> Result<Vec<Entry>, StoreError> {
        if events.is_empty() {
            return Ok(Vec::new());
        }
        let drafts = events.into_iter().map(draft).collect::<Result<_, _>>()?;
        self.ask(|reply| Request::Append(Batch { drafts, reply })).await?
    }

    async fn read(&self, after: Seq, limit: usize) -> Result<Vec<Entry>, StoreError> {
        self.reader.read(after, limit).await
    }

    fn state(&self) -> StoreState {
        self.state.borrow().clone()
    }
}

/// The event as JSON, made in the caller's task so that the writer's is free for the disk.
fn draft(event: Event) -> Result<Draft, StoreError> {
    let json = serde_json::to_string(&event).map_err(|error| StoreError::Failed(error.to_string()))?;
    if json.len() > LARGEST {
        return Err(StoreError::Failed(format!(
            "a `{}` of {} bytes is larger than the {LARGEST} that an entry may have",
            event.kind(),
            json.len()
        )));
    }
    Ok(Draft { event, json })
}
