//! Reconcilers that carry values round the ring.

mod commands;
mod gate;
mod handle;
mod proof;
mod ring;
mod sight;
mod table;
mod units;

pub use handle::{Command, CommandError, HaltReport, Handle};
pub use ring::{OBSERVATIONS, Parts, Running, start};
pub use table::{charge, table};
pub use units::{Halter, Sockets, keep_units};
