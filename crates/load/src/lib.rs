//! Open-model load generator: requests arrive at a rate that does not depend on the answers.
//!
//! A closed-model generator waits for one answer before it asks again, so a stalled service is asked less just when it
//! fails, and its latency looks better than what users had. Here arrivals are drawn beforehand, and latency counts from
//! the *intended* start: time that a request spent waiting for a connection or for the generator itself is in it
//! (Tene, "How NOT to Measure Latency", 2013; Schroeder, Wierman, Harchol-Balter, "Open Versus Closed", NSDI 2006).
//!
//! The shoppers behave as browsers do: kept-alive connections are reused, and when a reused one turns out to be closed
//! before any byte of the response came, an idempotent request is sent once more on a fresh connection and counted as
//! `reconnected` (RFC 9110, section 9.2.2). Any other request that may have arrived is never repeated.

mod client;
mod plan;
mod run;
mod tally;
#[cfg(test)]
mod tests;

pub use plan::{Arrivals, LoadError, LoadPlan, Template};
pub use run::{Load, LoadHandle};
pub use tally::{Counts, Failure, FailureKind, Latency, Phase, Snapshot};
