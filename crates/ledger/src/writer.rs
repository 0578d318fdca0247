//! The one task that writes: group commit.
//!
//! Everything that waits when the task comes round goes into one transaction: the lease is looked up, the events are
//! chained, rows go in many at a time, and after COMMIT has returned, which is after the write-ahead log was synced,
//! each caller is answered. While one group is being synced the next one gathers, so a slow disk makes larger groups.
//!
//! A failure answers the whole group and drops the connection, so that no half-open transaction survives it; the head
//! of the chain is read anew before the next attempt. While the store refuses, the task tries a small write every
//! second, so that it recovers by itself even when nobody appends.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use dinghai_clock::{Clock, Timestamp};
use dinghai_ports::{StoreError, StoreState};
use dinghai_record::{Entry, Event, Fence, Hash, SCHEMA, Seq, WriterId};
use ed25519_dalek::SigningKey;
use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, Connection};
use tokio::sync::{mpsc, oneshot, watch};

use crate::chain::{Link, as_sql};
use crate::checkpoint::{self, Checkpoint};
use crate::error::{as_store_error, store_error};
use crate::seal::{self, Stand};
use crate::{LedgerError, erase, schema};

/// The most requests that share one commit; also how many may wait before callers wait for room.
pub(crate) const GROUP: usize = 1024;

/// How often a store that refuses is tried.
const TRY_AGAIN: Duration = Duration::from_secs(1);

/// A checkpoint is written after so many entries, in the transaction of the last of them.
const CHECKPOINT_EVERY: u64 = 4096;

/// The most rows of one INSERT. Powers of two up to it, so that few statements are prepared.
const ROWS: usize = 128;

/// What the task is asked.
pub(crate) enum Request {
    Append(Batch),
    Checkpoint(oneshot::Sender<Result<Checkpoint, LedgerError>>),
    Erase(String, oneshot::Sender<Result<(), LedgerError>>),
    Close(oneshot::Sender<()>),
}

/// Events that are written all or none.
pub(crate) struct Batch {
    pub(crate) drafts: Vec<Draft>,
    pub(crate) reply: oneshot::Sender<Result<Vec<Entry>, StoreError>>,
}

/// An event and its JSON, with personal fields in clear.
pub(crate) struct Draft {
    pub(crate) event: Event,
    pub(crate) json: String,
}

/// The end of our chain.
#[derive(Clone, Copy, Debug)]
struct Tail {
    seq: Seq,
    hash: Hash,
    /// The last entry that a checkpoint in the store covers.
    signed: Seq,
}

pub(crate) struct Writer {
    pub(crate) dir: PathBuf,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) fence: Fence,
    pub(crate) key: SigningKey,
    pub(crate) state: watch::Sender<StoreState>,
    conn: Option<SqliteConnection>,
    tail: Option<Tail>,
    writer: WriterId,
}

impl Writer {
    pub(crate) fn new(
        dir: PathBuf,
        clock: Arc<dyn Clock>,
        fence: Fence,
        key: SigningKey,
        state: watch::Sender<StoreState>,
        conn: SqliteConnection,
    ) -> Self {
        let writer = WriterId(fence.incarnation.clone());
        Self { dir, clock, fence, key, state, conn: Some(conn), tail: None, writer }
    }

    /// Works until every sender is gone or one asks to close. Holds the folder's lock until the last write is over.
    pub(crate) async fn run(mut self, mut inbox: mpsc::Receiver<Request>, lock: std::fs::File) {
        let mut taken = Vec::new();
        let closed = 'work: loop {
            let refusing = matches!(*self.state.borrow(), StoreState::Refusing(_));
            let next = inbox.recv_many(&mut taken, GROUP);
            let count = if refusing {
                match tokio::time::timeout(TRY_AGAIN, next).await {
                    Ok(count) => count,
                    Err(_) => {
                        self.try_again().await;
                        continue;
                    }
                }
            } else {
                next.await
            };
            if count == 0 {
                break None;
            }
            let mut group = Vec::new();
            for request in taken.drain(..) {
                match request {
                    Request::Append(batch) => group.push(batch),
                    other => {
                        self.commit(std::mem::take(&mut group)).await;
                        match other {
                            Request::Checkpoint(reply) => drop(reply.send(self.checkpoint().await)),
                            Request::Erase(subject, reply) => drop(reply.send(self.erase(&subject).await)),
                            Request::Close(reply) => break 'work Some(reply),
                            Request::Append(_) => {}
                        }
                    }
                }
            }
            self.commit(group).await;
        };
        if let Some(conn) = self.conn.take() {
            drop(conn.close().await);
        }
        drop(lock);
        if let Some(reply) = closed {
            // Whoever asked may have gone.
            let _ = reply.send(());
        }
    }

    /// Writes the group in one transaction and answers each of its callers.
    async fn commit(&mut self, group: Vec<Batch>) {
        if group.is_empty() {
            return;
        }
        let written = match self.connection().await {
            Ok(mut conn) => {
                let written = self.write(&mut conn, &group).await;
                self.settle(conn, written).await
            }
            Err(error) => Err(error),
        };
        match written {
            Ok((tail, links)) => {
                self.tail = Some(tail);
                self.enter(StoreState::Writable);
                let mut links = links.into_iter();
                for batch in group {
                    let entries = batch.drafts.into_iter().zip(links.by_ref());
                    let entries = entries.map(|(draft, link)| link.carrying(draft.event)).collect();
                    // A caller that no longer waits has its entries all the same.
                    drop(batch.reply.send(Ok(entries)));
                }
            }
            Err(error) => {
                let error = self.note(&error);
                for batch in group {
                    drop(batch.reply.send(Err(error.clone())));
                }
            }
        }
    }

    async fn write(
        &self,
        conn: &mut SqliteConnection,
        group: &[Batch],
    ) -> Result<(Tail, Vec<Link>), LedgerError> {
        sqlx::query("BEGIN IMMEDIATE").execute(&mut *conn).await?;
        self.still_ours(conn).await?;
        let mut tail = match self.tail {
            Some(tail) => tail,
            None => self.read_tail(conn).await?,
        };
        let at = self.clock.now();
        let mut links = Vec::new();
        for draft in group.iter().flat_map(|batch| &batch.drafts) {
            let link = self.link(conn, tail, at, draft).await?;
            (tail.seq, tail.hash) = (link.seq, link.hash);
            links.push(link);
        }
        insert(conn, &links).await?;
        if tail.seq.0 - tail.signed.0 >= CHECKPOINT_EVERY {
            tail.signed = tail.seq;
            let checkpoint = checkpoint::of_heads(conn, &self.fence.incarnation, at, &self.key).await?;
            checkpoint::keep(conn, &checkpoint).await?;
        }
        sqlx::query("COMMIT").execute(&mut *conn).await?;
        Ok((tail, links))
    }

    /// The next link of the chain.
    async fn link(
        &self,
        conn: &mut SqliteConnection,
        tail: Tail,
        at: Timestamp,
        draft: &Draft,
    ) -> Result<Link, LedgerError> {
        let seq = tail.seq.next();
        let body = if draft.json.contains(seal::PERSONAL) {
            let value =
                serde_json::from_str(&draft.json).map_err(|error| StoreError::Failed(error.to_string()))?;
            let keys = seal::load_or_draw_keys(conn, &seal::subjects(&value, seal::PERSONAL)).await?;
            seal::seal(value, &keys, Stand { writer: &self.writer, seq })?.to_string().into_bytes()
        } else {
            draft.json.clone().into_bytes()
        };
        let link = Link {
            writer: self.writer.clone(),
            seq,
            at,
            lease: self.fence.lease,
            schema: SCHEMA,
            prev: tail.hash,
            body,
            hash: Hash::default(),
        };
        Ok(link.hashed())
    }

    /// Refuses when another controller has raised the lease, or the store is another one.
    async fn still_ours(&self, conn: &mut SqliteConnection) -> Result<(), LedgerError> {
        let (incarnation, theirs) = schema::lease_in_force(conn).await?;
        if incarnation != self.fence.incarnation {
            return Err(StoreError::Damaged(format!("the store is now {incarnation}")).into());
        }
        let ours = self.fence.lease;
        if theirs == ours { Ok(()) } else { Err(StoreError::Fenced { ours, theirs }.into()) }
    }

    async fn read_tail(&self, conn: &mut SqliteConnection) -> Result<Tail, LedgerError> {
        let head = checkpoint::head_of(conn, &self.writer).await?;
        let (seq, hash) = head.map_or_else(Default::default, |head| (head.seq, head.hash));
        let signed = checkpoint::last_signed(conn, &self.writer).await?.min(seq);
        Ok(Tail { seq, hash, signed })
    }

    /// Signs the heads as they stand and keeps the checkpoint in the store.
    async fn checkpoint(&mut self) -> Result<Checkpoint, LedgerError> {
        let mut conn = self.connection().await?;
        let now = self.clock.now();
        let signed = checkpoint::sign_and_keep(&mut conn, &self.fence.incarnation, now, &self.key).await;
        let signed = self.settle(conn, signed).await;
        signed.inspect_err(|error| drop(self.note(error)))
    }

    async fn erase(&mut self, subject: &str) -> Result<(), LedgerError> {
        let mut conn = self.connection().await?;
        let erased = erase::destroy(&mut conn, subject).await;
        self.settle(conn, erased).await
    }

    /// A small write while the store refuses, to see whether it still does.
    async fn try_again(&mut self) {
        let Ok(mut conn) = self.connection().await else {
            return;
        };
        let touched = sqlx::query("UPDATE store SET touched = touched + 1 WHERE lease = ?")
            .bind(as_sql(self.fence.lease))
            .execute(&mut conn)
            .await
            .map_err(LedgerError::from);
        match self.settle(conn, touched).await {
            Ok(_) => self.enter(StoreState::Writable),
            Err(error) => drop(self.note(&error)),
        }
    }

    async fn connection(&mut self) -> Result<SqliteConnection, LedgerError> {
        match self.conn.take() {
            Some(conn) => Ok(conn),
            None => Ok(schema::connect_writing(&self.dir).await?),
        }
    }

    /// Keeps the connection after a success and drops it after a failure.
    async fn settle<T>(
        &mut self,
        conn: SqliteConnection,
        result: Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        if result.is_ok() {
            self.conn = Some(conn);
        } else {
            drop(conn.close().await);
        }
        result
    }

    /// What the failure means to callers; the tail is read anew after it.
    fn note(&mut self, error: &LedgerError) -> StoreError {
        let error = as_store_error(error);
        if let StoreError::Refusing(reason) = &error {
            self.enter(StoreState::Refusing(reason.clone()));
        }
        self.tail = None;
        error
    }

    fn enter(&self, state: StoreState) {
        self.state.send_if_modified(|now| {
            if *now == state {
                return false;
            }
            match &state {
                StoreState::Writable => tracing::info!("the ledger takes entries again"),
                StoreState::Refusing(reason) => tracing::error!(%reason, "the ledger takes no entries"),
            }
            *now = state;
            true
        });
    }
}

async fn insert(conn: &mut SqliteConnection, mut links: &[Link]) -> Result<(), LedgerError> {
    while let Some(first) = links.first() {
        let rows = ROWS.min(1 << links.len().ilog2());
        let (now, later) = links.split_at(rows);
        // What the whole group shares is bound once.
        let mut query = sqlx::query(AssertSqlSafe(insert_text(rows)))
            .bind(first.writer.0.clone())
            .bind(first.at.as_micros())
            .bind(as_sql(first.lease))
            .bind(i64::from(first.schema));
        for link in now {
            query = query
                .bind(as_sql(link.seq.0))
                .bind(link.prev.0.as_slice())
                .bind(link.body.as_slice())
                .bind(link.hash.0.as_slice());
        }
        query.execute(&mut *conn).await.map_err(|error| match store_error(&error) {
            // A row of that number is there already: somebody else has written to our chain.
            StoreError::Failed(why) if error.as_database_error().is_some_and(|e| e.is_unique_violation()) => {
                LedgerError::Store(StoreError::Damaged(why))
            }
            _ => LedgerError::Sql(error),
        })?;
        links = later;
    }
    Ok(())
}

fn insert_text(rows: usize) -> String {
    let mut text = format!("INSERT INTO entries ({}) VALUES ", crate::chain::COLUMNS);
    for row in 0..rows {
        let n = 5 + 4 * row;
        let comma = if row == 0 { "" } else { ", " };
        text.push_str(&format!("{comma}(?1, ?{n}, ?2, ?3, ?4, ?{}, ?{}, ?{})", n + 1, n + 2, n + 3));
    }
    text
}
