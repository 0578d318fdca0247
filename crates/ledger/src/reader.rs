//! Reading a ledger, beside whoever writes it.

use std::path::{Path, PathBuf};

use dinghai_ports::StoreError;
use dinghai_record::{Entry, Event, SCHEMA, Seq, WriterId};
use sqlx::Connection;
use sqlx::sqlite::SqliteConnection;
use tokio::sync::Mutex;

use crate::chain::{Link, Malformed, as_sql};
use crate::checkpoint::{self, Checkpoint};
use crate::error::{as_store_error, edited, store_error};
use crate::seal::{self, Keys, Stand};
use crate::upcast::upcast;
use crate::verify::{self, VerifyReport};
use crate::{LedgerError, folder, schema};

/// A ledger that is only read. It takes no lock and no lease, so a controller may write beside it.
///
/// Every entry that is handed out was checked against its hash and its neighbours in the same answer;
/// [`LedgerReader::verify`] checks whole chains.
pub struct LedgerReader {
    dir: PathBuf,
    writer: WriterId,
    conn: Mutex<SqliteConnection>,
}

/// Opens the ledger in `dir` for reading. Fails with [`LedgerError::Absent`] when there is none.
pub async fn open_reader(dir: &Path) -> Result<LedgerReader, LedgerError> {
    let mut conn = schema::connect_reading(dir).await?;
    let (incarnation, _) = schema::lease_in_force(&mut conn).await?;
    Ok(LedgerReader { dir: dir.to_owned(), writer: WriterId(incarnation), conn: Mutex::new(conn) })
}

impl LedgerReader {
    /// Whose chain is read: the one of this store.
    pub fn writer(&self) -> &WriterId {
        &self.writer
    }

    /// The place of the last entry; 0 when there is none.
    pub async fn head(&self) -> Result<Seq, StoreError> {
        let mut conn = self.conn.lock().await;
        let head = checkpoint::head_of(&mut conn, &self.writer).await;
        Ok(head.map_err(|error| as_store_error(&error))?.map_or(Seq(0), |head| head.seq))
    }

    /// Up to `limit` entries after `after`, oldest first.
    pub async fn read(&self, after: Seq, limit: usize) -> Result<Vec<Entry>, StoreError> {
        let mut conn = self.conn.lock().await;
        let rest = "WHERE writer = ? AND seq > ? ORDER BY seq LIMIT ?";
        let query = sqlx::query(schema::entries(rest))
            .bind(&self.writer.0)
            .bind(as_sql(after.0))
            .bind(as_sql(limit as u64));
        let rows = query.fetch_all(&mut *conn).await.map_err(|error| store_error(&error))?;
        let mut links: Vec<Link> = Vec::with_capacity(rows.len());
        for row in &rows {
            let link = match Link::from_row(row).map_err(|error| store_error(&error))? {
                Ok(link) => link,
                Err(Malformed(seq)) => return Err(StoreError::Damaged(format!("entry #{seq} is malformed"))),
            };
            if link.digest() != link.hash {
                return Err(edited(link.seq, link.hash));
            }
            let expected = links.last().map_or(after, |before| before.seq).next();
            if link.seq != expected {
                return Err(StoreError::Damaged(format!("entry {expected} is missing")));
            }
            if links.last().is_some_and(|before| before.hash != link.prev) {
                return Err(StoreError::Damaged(format!(
                    "entry {} does not follow the one before it",
                    link.seq
                )));
            }
            links.push(link);
        }
        unfold(&mut conn, links).await.map_err(|error| as_store_error(&error))
    }

    /// The last `count` entries, oldest first.
    pub async fn last(&self, count: usize) -> Result<Vec<Entry>, StoreError> {
        let head = self.head().await?;
        self.read(Seq(head.0.saturating_sub(count as u64)), count).await
    }

    /// One entry.
    pub async fn entry(&self, seq: Seq) -> Result<Entry, LedgerError> {
        let head = self.head().await?;
        if seq.0 == 0 || seq > head {
            return Err(LedgerError::NoEntry { seq, head });
        }
        let found = self.read(Seq(seq.0 - 1), 1).await?.pop();
        found.ok_or(LedgerError::NoEntry { seq, head })
    }

    /// Walks every chain and recomputes every hash, and checks the checkpoints in the store and those given.
    ///
    /// Sees every edit, gap, swap and insertion, and every removal up to the last checkpoint. It cannot see that
    /// everything after the last checkpoint *held elsewhere* was rewritten or cut off by somebody who may write the
    /// file and read the signing key.
    pub async fn verify(&self, kept: &[Checkpoint]) -> Result<VerifyReport, LedgerError> {
        // A connection of its own: it takes long, and reads go on meanwhile.
        let mut conn = schema::connect_reading(&self.dir).await?;
        verify::verify(&mut conn, &self.writer, folder::public_key(&self.dir), kept).await
    }

    pub(crate) async fn close(self) {
        drop(self.conn.into_inner().close().await);
    }
}

/// Entries as readers know them: brought up to this schema, personal fields opened where their key still is.
async fn unfold(conn: &mut SqliteConnection, links: Vec<Link>) -> Result<Vec<Entry>, LedgerError> {
    let mut entries = Vec::with_capacity(links.len());
    for link in links {
        let event = event(conn, &link).await?;
        entries.push(link.carrying(event));
    }
    Ok(entries)
}

async fn event(conn: &mut SqliteConnection, link: &Link) -> Result<Event, LedgerError> {
    let unreadable = |why: &dyn std::fmt::Display| {
        StoreError::Damaged(format!("the body of entry {} cannot be read: {why}", link.seq))
    };
    let text = std::str::from_utf8(&link.body).map_err(|error| unreadable(&error))?;
    let sealed = text.contains(seal::SEALED);
    if link.schema == SCHEMA && !sealed {
        return Ok(serde_json::from_str(text).map_err(|error| unreadable(&error))?);
    }
    let mut value = serde_json::from_str(text).map_err(|error| unreadable(&error))?;
    if sealed {
        let keys: Keys = seal::load_keys(conn, &seal::subjects(&value, seal::SEALED)).await?;
        value = seal::open(value, &keys, Stand { writer: &link.writer, seq: link.seq })
            .map_err(|_| unreadable(&"a personal field does not open with its key"))?;
    }
    Ok(serde_json::from_value(upcast(link.schema, value)).map_err(|error| unreadable(&error))?)
}
