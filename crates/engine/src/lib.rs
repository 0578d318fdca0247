//! Reconcilers that carry values round the ring.

mod handle;

pub use handle::{Command, CommandError, HaltReport, Handle};
