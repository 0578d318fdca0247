//! Other people's files to inventories.
//!
//! Tolerant: what is not understood is listed ([`dinghai_estate::Unseen`]) and counted ([`dinghai_estate::Coverage`]), and everything
//! else is still read. Nothing here does I/O: files come in as text, and inventories go out. A value that the files do not
//! tell is unknown with its reason; nothing is guessed into a fact.

mod compose;
mod connection;
mod estates;
mod format;
mod fragment;
mod groups;
mod haproxy;
mod keepalived;
mod kubernetes;
mod link;
mod machine;
mod machines;
mod nginx;
#[cfg(test)]
mod outline;
mod overlays;
mod patroni;
pub mod redact;
mod roles;
mod span;
mod spot;
mod terraform;
mod value;
mod yaml;

pub use estates::{Import, Imported, Joining, import};

/// A file as it was read from disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// Its path as the user sees it, with `/` between folders.
    pub path: String,
    /// Its text.
    pub text: String,
}

pub use machines::of_machines;
