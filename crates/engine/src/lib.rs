//! Reconcilers that carry values round the ring.

mod handle;
mod sight;
mod table;
mod units;

pub use handle::{Command, CommandError, HaltReport, Handle};
pub use sight::WorldSight;
pub use table::{charge, table};
pub use units::{Halter, SocketHalter, Sockets};
