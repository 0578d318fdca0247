//! The tables, and the connections to them.
//!
//! | table | one row for |
//! |---|---|
//! | `store` | the store itself: its incarnation and the lease in force |
//! | `entries` | an entry of a chain |
//! | `subject_keys` | a person whose fields are sealed; the row goes when they are erased |
//! | `checkpoints` | a signature over the heads of all chains |
//!
//! Only types that PostgreSQL has too. The write-ahead log is synced at every commit (`synchronous=FULL`), which is
//! what makes an acknowledgement durable: <https://www.sqlite.org/pragma.html#pragma_synchronous>.

use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Executor, Row};

use crate::error::cannot_open;
use crate::folder::store_file;
use crate::{LedgerError, chain};

/// The format of the tables, in SQLite's `user_version`.
const FORMAT: i64 = 1;

/// How long one process waits for another one's write lock, such as that of an erasure.
const BUSY: Duration = Duration::from_secs(5);

const TABLES: &str = "
BEGIN IMMEDIATE;
CREATE TABLE store (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    incarnation TEXT NOT NULL,
    lease INTEGER NOT NULL,
    touched INTEGER NOT NULL
) STRICT;
CREATE TABLE entries (
    writer TEXT NOT NULL,
    seq INTEGER NOT NULL,
    at INTEGER NOT NULL,
    lease INTEGER NOT NULL,
    schema INTEGER NOT NULL,
    prev BLOB NOT NULL,
    body BLOB NOT NULL,
    hash BLOB NOT NULL,
    PRIMARY KEY (writer, seq)
) STRICT;
CREATE TABLE subject_keys (
    subject TEXT PRIMARY KEY,
    id TEXT NOT NULL,
    key BLOB NOT NULL
) STRICT;
CREATE TABLE checkpoints (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    body TEXT NOT NULL
) STRICT;
PRAGMA user_version = 1;
COMMIT;
";

/// A connection that writes. The file must be there.
pub(crate) async fn connect_writing(dir: &Path) -> Result<SqliteConnection, sqlx::Error> {
    SqliteConnectOptions::new()
        .filename(store_file(dir))
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(BUSY)
        // What is deleted is overwritten: a destroyed key must not stay behind in a free page.
        .pragma("secure_delete", "ON")
        .disable_statement_logging()
        .connect()
        .await
}

/// A connection that only reads.
///
/// SQLite cannot read a file with a write-ahead log where it may not write at all, unless it is told that the file does
/// not change. That is so when there is no log: nobody has it open.
pub(crate) async fn connect_reading(dir: &Path) -> Result<SqliteConnection, LedgerError> {
    match reading(dir, false).await {
        Err(LedgerError::Sql(error)) if cannot_open(&error) && !dir.join("ledger.sqlite-wal").exists() => {
            reading(dir, true).await
        }
        other => other,
    }
}

async fn reading(dir: &Path, immutable: bool) -> Result<SqliteConnection, LedgerError> {
    let path = store_file(dir);
    if !path.is_file() {
        return Err(LedgerError::Absent { dir: dir.to_owned() });
    }
    let mut conn = SqliteConnectOptions::new()
        .filename(&path)
        .read_only(true)
        .immutable(immutable)
        .busy_timeout(BUSY)
        .disable_statement_logging()
        .connect()
        .await?;
    match format(&mut conn, &path).await? {
        0 => Err(LedgerError::Absent { dir: dir.to_owned() }),
        _ => Ok(conn),
    }
}

/// Creates the tables and draws the store's incarnation when the file is new.
pub(crate) async fn prepare(conn: &mut SqliteConnection, dir: &Path) -> Result<(), LedgerError> {
    if format(conn, &store_file(dir)).await? > 0 {
        return Ok(());
    }
    let mut incarnation = [0; 16];
    getrandom::fill(&mut incarnation)?;
    let incarnation = hex::encode(incarnation);
    // One transaction: a crash leaves either no tables at all or a whole store.
    let tables = TABLES.replace(
        "PRAGMA user_version",
        &format!("INSERT INTO store VALUES (1, '{incarnation}', 0, 0);\nPRAGMA user_version"),
    );
    conn.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(tables))).await?;
    Ok(())
}

/// The store's incarnation and the lease in force.
pub(crate) async fn lease_in_force(conn: &mut SqliteConnection) -> Result<(String, u64), LedgerError> {
    let row = sqlx::query("SELECT incarnation, lease FROM store").fetch_one(conn).await?;
    let lease: i64 = row.try_get(1)?;
    Ok((row.try_get(0)?, u64::try_from(lease).unwrap_or(0)))
}

/// Raises the lease by one, durably.
pub(crate) async fn raise_lease(conn: &mut SqliteConnection) -> Result<u64, LedgerError> {
    let lease: i64 = sqlx::query("UPDATE store SET lease = lease + 1 RETURNING lease")
        .fetch_one(conn)
        .await?
        .try_get(0)?;
    Ok(u64::try_from(lease).unwrap_or(0))
}

/// The format of the tables; 0 when there are none yet.
async fn format(conn: &mut SqliteConnection, path: &Path) -> Result<i64, LedgerError> {
    let asked = sqlx::query("PRAGMA user_version").fetch_one(&mut *conn).await;
    let found: i64 = match asked.and_then(|row| row.try_get(0)) {
        Ok(found) => found,
        Err(error) => {
            let why = error.to_string();
            return Err(match crate::error::store_error(&error) {
                dinghai_ports::StoreError::Damaged(_) => LedgerError::Foreign { path: path.to_owned(), why },
                _ => LedgerError::Sql(error),
            });
        }
    };
    if found > FORMAT {
        return Err(LedgerError::Newer { path: path.to_owned(), found, known: FORMAT });
    }
    Ok(found)
}

/// The text of a query over whole entries.
pub(crate) fn entries(rest: &str) -> sqlx::AssertSqlSafe<String> {
    sqlx::AssertSqlSafe(format!("SELECT {} FROM entries {rest}", chain::COLUMNS))
}
