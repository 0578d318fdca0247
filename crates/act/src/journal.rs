//! The ledger together with its fold.
//!
//! One task owns the book. Whoever wants to write sends it a decision, which is taken on the newest book with nothing
//! written in between; that is what makes reservations and numbers safe. A caller that goes away does not stop what
//! it asked for half-way.

use std::sync::Arc;

use async_trait::async_trait;
use dinghai_ports::{Decision, Journal, Store, StoreError, StoreState};
use dinghai_record::{Book, Entry, Event, Hash, Seq};
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tracing::warn;

/// A decision, and where to tell what was written.
type Wish = (Decision, oneshot::Sender<Result<Vec<Entry>, StoreError>>);

/// Entries read at once when the book is rebuilt.
const PAGE: usize = 1000;

/// A store and the fold of what is in it.
pub struct BookedStore {
    store: Arc<dyn Store>,
    book: watch::Receiver<Arc<Book>>,
    /// Wakes those who wait for growth, in the order in which they came.
    growth: Arc<Notify>,
    decisions: mpsc::Sender<Wish>,
}

impl BookedStore {
    /// Rebuilds the book from the store and takes over writing.
    pub async fn open(store: Arc<dyn Store>) -> Result<Self, StoreError> {
        let mut book = Book::default();
        loop {
            let entries = store.read(book.head, PAGE).await?;
            for entry in &entries {
                if let Err(error) = book.apply(entry) {
                    warn!(seq = entry.seq.0, %error, "an entry does not fit the ones before it; it is left out");
                }
            }
            if entries.len() < PAGE {
                break;
            }
        }
        let (publish, published) = watch::channel(Arc::new(book));
        let (decisions, inbox) = mpsc::channel(64);
        let growth = Arc::new(Notify::new());
        tokio::spawn(write(store.clone(), publish, growth.clone(), inbox));
        Ok(Self { store, book: published, growth, decisions })
    }
}

async fn write(
    store: Arc<dyn Store>,
    publish: watch::Sender<Arc<Book>>,
    growth: Arc<Notify>,
    mut inbox: mpsc::Receiver<Wish>,
) {
    while let Some((decide, reply)) = inbox.recv().await {
        let book = publish.borrow().clone();
        let events = decide(&book);
        let written =
            if events.is_empty() { Ok(vec![]) } else { append(&*store, &book, events, &publish).await };
        if written.as_ref().is_ok_and(|entries| !entries.is_empty()) {
            growth.notify_waiters();
        }
        // A caller that has gone does not need the answer.
        let _ = reply.send(written);
    }
}

async fn append(
    store: &dyn Store,
    book: &Book,
    events: Vec<Event>,
    publish: &watch::Sender<Arc<Book>>,
) -> Result<Vec<Entry>, StoreError> {
    let mut rehearsal = book.clone();
    for event in &events {
        rehearsal.apply(&provisional(book, &rehearsal, event))?;
    }
    let entries = store.append(events).await?;
    let mut book = book.clone();
    for entry in &entries {
        book.apply(entry)?;
    }
    publish.send_replace(Arc::new(book));
    Ok(entries)
}

/// An entry as it will be, but for hash and time: enough to see whether the book admits it.
fn provisional(book: &Book, rehearsal: &Book, event: &Event) -> Entry {
    Entry {
        writer: dinghai_record::WriterId(String::new()),
        seq: rehearsal.head.next(),
        at: book.as_of,
        lease: book.lease,
        schema: dinghai_record::SCHEMA,
        event: event.clone(),
        prev: rehearsal.hash,
        hash: Hash::default(),
    }
}

#[async_trait]
impl Journal for BookedStore {
    fn book(&self) -> Arc<Book> {
        self.book.borrow().clone()
    }

    async fn transact(&self, decide: Decision) -> Result<Vec<Entry>, StoreError> {
        let (reply, answer) = oneshot::channel();
        let gone = || StoreError::Failed("the journal has stopped".to_owned());
        self.decisions.send((decide, reply)).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }

    async fn read(&self, after: Seq, limit: usize) -> Result<Vec<Entry>, StoreError> {
        self.store.read(after, limit).await
    }

    async fn grown(&self, seen: Seq) {
        loop {
            let growth = self.growth.notified();
            if self.book.borrow().head > seen {
                return;
            }
            growth.await;
        }
    }

    fn state(&self) -> StoreState {
        self.store.state()
    }
}
