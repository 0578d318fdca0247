//! Probe schedules and receivers: they turn what the world says into observations.
//!
//! Each source runs by itself and sends into one channel; a source that hears nothing says so at once, so that silence
//! is seen and not waited for.

mod gateway;
mod hand;
mod probes;

pub use gateway::watch_gateway;
pub use hand::watch_hand;
pub use probes::probe_estate;

use dinghai_record::Observation;
use tokio::sync::mpsc;

/// Where observations go. Bounded: an engine that does not keep up slows its sources down.
pub type Sink = mpsc::Sender<Observation>;
