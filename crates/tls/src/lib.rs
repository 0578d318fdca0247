//! Certificates and keys from files to what speaks TLS.
//!
//! Files are read when something begins to use them and again whenever they change ([`Kept`]). Files that cannot be used change
//! nothing: what was read before stays in force, and why it is so is there to be told. A private key appears in no message.
//!
//! One provider (aws-lc-rs) and its defaults: TLS 1.2 and 1.3, key exchange X25519MLKEM768 first, tickets for resumption, no early
//! data (it could be replayed: RFC 8446, section 8).

mod certificate;
mod client;
mod error;
mod kept;
mod names;
mod server;
mod validity;

pub use certificate::Facts;
pub use client::{Outward, connect};
pub use error::TlsError;
pub use kept::{Kept, Loaded};
pub use server::server;

use std::sync::Arc;

use rustls::crypto::CryptoProvider;

/// What all connections are made with.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}
