//! Append-only hash chains on SQLite.
//!
//! A data folder holds one store. Its writer, a controller that took the store's lease, appends to one chain; every
//! entry carries the hash of the one before it, so that an edit, a gap or a swap shows. What has been acknowledged is
//! on the disk. Fields that belong to a person are kept encrypted under a key of their own, and the chain covers the
//! ciphertext only: destroying the key erases them, and the chain still verifies. Decision record 0003 says why.
//!
//! - [`SqliteLedger`] writes; there is one for a data folder at a time.
//! - [`LedgerReader`] reads beside it, for the command line and for verification.
//! - [`Checkpoint`] signs the heads of all chains, to be kept where this machine cannot reach.

mod chain;
mod checkpoint;
mod erase;
mod error;
mod folder;
mod reader;
mod schema;
mod seal;
mod store;
mod upcast;
mod verify;
mod writer;

pub use checkpoint::{Checkpoint, Head, sign_checkpoint};
pub use erase::{Erasable, erasable, erase};
pub use error::LedgerError;
pub use reader::{LedgerReader, open_reader};
pub use store::SqliteLedger;
pub use verify::{Break, ChainReport, CheckpointReport, Origin, VerifyReport};
