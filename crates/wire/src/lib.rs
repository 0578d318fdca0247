//! What controller, hand and gateway say to each other over local sockets.
//!
//! Each unit listens on a Unix socket in the data folder and speaks HTTP/1.1 with JSON bodies, so that a person can
//! ask it with `curl --unix-socket`. Readers ignore fields that they do not know; versions N and N−1 interoperate.
//!
//! | unit | socket | what it answers |
//! |---|---|---|
//! | hand | `run/hand.sock` | `PUT /charge`, `POST /orders`, `POST /orders/look`, `GET /state`, `POST /halt`, `POST /resume`, `POST /dismiss` (stop every process in charge) |
//! | gateway | `run/gateway-ID.sock` | `PUT /table`, `POST /orders`, `POST /orders/look`, `GET /status?after=N&wait_ms=M`, `GET /metrics`, `POST /halt`, `POST /resume` |
//! | controller | `run/controller.sock` | the JSON API of the console, for the command line of the same machine |

mod client;
mod gateway;
mod hand;
mod refusal;

pub use client::{UnixClient, WireError};
pub use gateway::{
    CertificateView, GatewayStatus, InstanceView, LATENCY_BOUNDS_US, Member, Reflex, ResolvedView,
    RouteCounters, ServiceTable, Table, TableRoute,
};
pub use hand::{Charge, Charged, FaultView, HandState, ProcessView};
pub use refusal::Refusal;

use dinghai_record::Fence;
use serde::{Deserialize, Serialize};

/// A request that only the leading controller may make.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Fenced<T> {
    /// Who asks.
    pub fence: Fence,
    /// What.
    #[serde(flatten)]
    pub body: T,
}

/// Who halts a unit, and why.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct HaltRequest {
    /// For the log of the unit; the controller's ledger names the person.
    pub reason: String,
}

/// Whether a unit is halted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HaltState {
    /// Whether it obeys automatons.
    pub halted: bool,
}
