//! Timestamps, the [`Clock`] trait and seeded randomness.
//!
//! Time is data (law 5): pure code takes `now` as an argument, and only the shells at the edge hold a
//! [`Clock`]. A [`SystemClock`] is anchored to the wall once and then follows the monotonic clock, so the
//! difference of two of its timestamps is a true duration even when somebody sets the machine's time.

mod clock;
mod day;
mod rng;
mod span;
mod timestamp;

pub use clock::{Clock, SystemClock, VirtualClock};
pub use day::{Day, DayError};
pub use rng::Rng;
pub use span::{SpanError, format_span, parse_span};
pub use timestamp::{Timestamp, TimestampError};

/// Serde for durations written as people write them (`200ms`, `2s`, `5m`, `1h30m`, `30d`).
pub mod serde_span {
    pub use crate::span::{deserialize, serialize};
}
