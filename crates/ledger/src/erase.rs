//! Erasing a person: their key is destroyed, and with it every field that was sealed under it.
//!
//! The key is overwritten, its row deleted under `secure_delete`, and the write-ahead log moved into the store's file
//! and cut to nothing, so that neither file holds it any more. Backups and the blocks that a flash disk has not yet
//! recycled are beyond our reach.

use std::path::Path;

use sqlx::sqlite::SqliteConnection;
use sqlx::{Connection, Row};

use crate::{LedgerError, schema, seal};

/// What an erasure would erase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Erasable {
    /// Whose key it is.
    pub subject: String,
    /// How many entries carry a field that is sealed under it.
    pub entries: u64,
}

/// What [`erase`] would do, without doing it. Reads the whole ledger.
pub async fn erasable(dir: &Path, subject: &str) -> Result<Erasable, LedgerError> {
    let mut conn = schema::connect_reading(dir).await?;
    let subjects = [subject.to_owned()].into();
    let keys = seal::load_keys(&mut conn, &subjects).await?;
    let Some(key) = keys.get(subject) else {
        return Err(LedgerError::NoSubject { subject: subject.to_owned() });
    };
    let needle = seal::needle(subject, key.id());
    let count: i64 = sqlx::query("SELECT count(*) FROM entries WHERE instr(body, ?) > 0")
        .bind(needle.into_bytes())
        .fetch_one(&mut conn)
        .await?
        .try_get(0)?;
    drop(conn.close().await);
    Ok(Erasable { subject: subject.to_owned(), entries: u64::try_from(count).unwrap_or(0) })
}

/// Destroys the key of `subject` in the ledger in `dir`, beside a running controller. There is no way back.
pub async fn erase(dir: &Path, subject: &str) -> Result<(), LedgerError> {
    // For its errors: nothing there, not ours, too new.
    drop(schema::connect_reading(dir).await?.close().await);
    let mut conn = schema::connect_writing(dir).await?;
    let done = destroy(&mut conn, subject).await;
    drop(conn.close().await);
    done
}

/// The same on a connection that writes.
pub(crate) async fn destroy(conn: &mut SqliteConnection, subject: &str) -> Result<(), LedgerError> {
    sqlx::query("BEGIN IMMEDIATE").execute(&mut *conn).await?;
    sqlx::query("UPDATE subject_keys SET key = zeroblob(32) WHERE subject = ?")
        .bind(subject)
        .execute(&mut *conn)
        .await?;
    let gone =
        sqlx::query("DELETE FROM subject_keys WHERE subject = ?").bind(subject).execute(&mut *conn).await?;
    sqlx::query("COMMIT").execute(&mut *conn).await?;
    // Also when there was no key: an earlier erasure may have been kept from cutting the log. Waits for readers as long
    // as the connection's busy timeout says.
    let busy: i64 = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(conn).await?.try_get(0)?;
    let subject = subject.to_owned();
    match gone.rows_affected() {
        _ if busy != 0 => Err(LedgerError::CopyRemains { subject }),
        0 => Err(LedgerError::NoSubject { subject }),
        _ => Ok(()),
    }
}
