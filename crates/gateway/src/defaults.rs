//! What holds where the estate says nothing. The guide (`docs/guide/gateway.md`) lists these; keep them the same.

use std::time::Duration;

/// A whole request head must have come within this after its first byte.
pub(crate) const HEADER_TIMEOUT: Duration = Duration::from_secs(10);

/// The most bytes of a request head.
pub(crate) const HEADER_BYTES: usize = 32 * 1024;

/// The longest request target (RFC 9112, section 3, recommends to take request lines of 8,000 bytes at least).
pub(crate) const TARGET_BYTES: usize = 16 * 1024;

/// The most header fields of a request.
pub(crate) const HEADERS: usize = 100;

/// The longest request body.
pub(crate) const BODY_LIMIT: u64 = 64 * 1024 * 1024;

/// Request bodies up to this are kept until the response begins, so that they can be sent again.
pub(crate) const REPLAY_LIMIT: usize = 64 * 1024;

/// How long a client connection may stay open without a request.
pub(crate) const CLIENT_IDLE: Duration = Duration::from_secs(75);

/// How long opening a connection to an instance may take.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_millis(300);

/// The most idle connections kept to one instance, for each thread.
pub(crate) const IDLE_CONNECTIONS: usize = 1024;

/// How long an idle connection to an instance is kept.
pub(crate) const IDLE_KEPT: Duration = Duration::from_secs(50);

/// A request that must not be repeated only uses a connection that was idle for less than this, so that it does not
/// meet an instance that is just closing it.
pub(crate) const IDLE_TRUSTED: Duration = Duration::from_secs(1);

/// A PROXY header and a TLS handshake together must have come to their end within this.
pub(crate) const ENTRANCE: Duration = Duration::from_secs(5);

/// How long securing a connection to an instance may take, after it was opened.
pub(crate) const SECURE_TIMEOUT: Duration = Duration::from_secs(1);

/// A connection that was handed over to another protocol may be silent for this.
pub(crate) const TUNNEL_IDLE: Duration = Duration::from_secs(3600);

/// A connection that is closed though its client may still be sending is read from for this, so that the answer
/// arrives before the reset.
pub(crate) const LINGER: Duration = Duration::from_secs(2);

/// The most interim answers (1xx) that an instance may send to one request.
pub(crate) const INTERIM: usize = 16;

/// The most instances that one request is sent to.
pub(crate) const TRIES: u32 = 3;

/// How long an instance without a probe may be silent before it is suspected.
pub(crate) const SILENCE: Duration = Duration::from_secs(1);

/// How long requests under way may take after the gateway was told to stop.
pub(crate) const DRAIN: Duration = Duration::from_secs(10);

/// Seconds of traffic that are told.
pub(crate) const SECONDS: usize = 120;

/// Reflexes that are kept.
pub(crate) const REFLEXES: usize = 4096;
