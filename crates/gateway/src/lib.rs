//! The traffic path.
//!
//! A gateway is a process of its own and serves with nobody else alive: on the last good route table, kept on disk,
//! with its own probes, ejections and retries. What the controller adds arrives on a socket and is obeyed by fence and
//! generation. The life of a request, and why its phases stand in that order, is told in `phases`; the decision
//! is recorded in `docs/adr/0004-gateway-process.md`, the user's view in `docs/guide/gateway.md`.

mod accept;
mod buffer;
mod changes;
mod client;
mod control;
mod core;
mod counters;
mod defaults;
mod dial;
mod directory;
mod entrance;
mod exchange;
mod http1;
mod instance;
mod listeners;
mod metrics;
mod names;
mod passage;
mod phases;
mod pool;
mod probes;
mod redirect;
mod reflexes;
mod routing;
mod run;
mod secure;
mod socket;
mod standing;
mod status;
mod tunnel;
mod upload;
mod ways;
mod wheel;
mod worker;

pub use run::{GatewayConfig, GatewayError, run};
