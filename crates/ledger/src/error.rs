//! What can go wrong with a ledger, and what SQLite's answers mean for it.

use std::path::PathBuf;

use dinghai_ports::StoreError;
use dinghai_record::{Hash, Seq};

/// Why a ledger could not be opened, read, signed or erased from.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// Another Dinghai has the data folder. Retry when it has ended.
    #[error("`{}` is in use by another dinghai, {holder}; stop it first, or name another folder with `--data`", dir.display())]
    Locked {
        /// The data folder.
        dir: PathBuf,
        /// Who holds it: `process 4711`, or that it cannot be told.
        holder: String,
    },
    /// There is no ledger in the folder.
    #[error("there is no ledger in `{}`; name the data folder with `--data`, or start one with `dinghai run`", dir.display())]
    Absent {
        /// The data folder.
        dir: PathBuf,
    },
    /// The file is no ledger of ours.
    #[error("`{}` is not a ledger: {why}; restore it from a copy, or move it away to begin a new one", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What was found.
        why: String,
    },
    /// A newer program wrote it.
    #[error("`{}` has format {found} and this dinghai knows up to {known}; use the newer dinghai that wrote it", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: i64,
        /// The newest format known here.
        known: i64,
    },
    /// A file of the data folder could not be read or written.
    #[error("`{}` cannot be {doing}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What was tried: `read`, `written`, `created`.
        doing: &'static str,
        /// Why not.
        source: std::io::Error,
    },
    /// The key that signs checkpoints is not 32 bytes in hexadecimal.
    #[error("`{}` is not a checkpoint key; restore it from your backup, or move it away to have a new one made", path.display())]
    Key {
        /// The file.
        path: PathBuf,
    },
    /// A checkpoint that was handed in cannot be read.
    #[error("that is not a checkpoint: {0}")]
    NotACheckpoint(String),
    /// There is no key for this subject: it never had one, or it was erased.
    #[error(
        "nothing is kept for `{subject}`: the ledger never sealed anything for it, or it was erased already"
    )]
    NoSubject {
        /// Whose key was asked for.
        subject: String,
    },
    /// The key is gone, but a reader kept its last copy in the write-ahead log. Repeat it.
    #[error(
        "the key of `{subject}` is destroyed, but a copy may remain in the write-ahead log while others read the ledger; run the same command again"
    )]
    CopyRemains {
        /// Whose key it was.
        subject: String,
    },
    /// A checkpoint is refused because what it would sign is damaged.
    #[error("the ledger is damaged, so nothing was signed; run `dinghai ledger verify`")]
    Unsound,
    /// There is no such entry.
    #[error("there is no entry {seq}; the last one is {head}")]
    NoEntry {
        /// The one asked for.
        seq: Seq,
        /// The last one.
        head: Seq,
    },
    /// The operating system gave no randomness.
    #[error("the operating system gave no randomness")]
    Randomness(#[from] getrandom::Error),
    /// SQLite failed.
    #[error(
        "the ledger's store failed; if `ledger.sqlite` is damaged, restore it from a copy, or move it away to begin a new one"
    )]
    Sql(#[from] sqlx::Error),
    /// An entry cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Results of SQLite, <https://www.sqlite.org/rescode.html>; the low byte is the primary one.
mod code {
    pub(super) const BUSY: i64 = 5;
    pub(super) const READONLY: i64 = 8;
    pub(super) const IOERR: i64 = 10;
    pub(super) const CORRUPT: i64 = 11;
    pub(super) const FULL: i64 = 13;
    pub(super) const CANTOPEN: i64 = 14;
    pub(super) const NOTADB: i64 = 26;
}

fn primary(error: &sqlx::Error) -> Option<i64> {
    let code: i64 = error.as_database_error()?.code()?.parse().ok()?;
    Some(code & 0xff)
}

/// Whether SQLite says that it cannot open a file.
pub(crate) fn cannot_open(error: &sqlx::Error) -> bool {
    primary(error) == Some(code::CANTOPEN)
}

/// What an answer of SQLite means to one who appends or reads.
pub(crate) fn store_error(error: &sqlx::Error) -> StoreError {
    if let sqlx::Error::Io(cause) = error {
        return StoreError::Refusing(cause.to_string());
    }
    match primary(error) {
        Some(code::FULL) => StoreError::Refusing("the disk is full".to_owned()),
        Some(code::READONLY) => StoreError::Refusing("the file system is read-only".to_owned()),
        Some(code::BUSY) => StoreError::Refusing("another process holds the store's write lock".to_owned()),
        Some(code::IOERR | code::CANTOPEN) => StoreError::Refusing(error.to_string()),
        Some(code::CORRUPT | code::NOTADB) => StoreError::Damaged(error.to_string()),
        _ => StoreError::Failed(error.to_string()),
    }
}

/// What a failure inside the writer means to one who appends.
pub(crate) fn as_store_error(error: &LedgerError) -> StoreError {
    match error {
        LedgerError::Sql(error) => store_error(error),
        LedgerError::Store(error) => error.clone(),
        other => StoreError::Failed(other.to_string()),
    }
}

/// An entry whose own hash is not that of its bytes.
pub(crate) fn edited(seq: Seq, stored: Hash) -> StoreError {
    StoreError::Damaged(format!("the bytes of entry {seq} do not have its hash {}", stored.short()))
}
