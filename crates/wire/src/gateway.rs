//! What a gateway is told and what it tells.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use dinghai_clock::Timestamp;
use dinghai_estate::{
    Address, Balance, CutOff, GatewayId, InstanceId, ListenerId, PlaceId, Priority, ProbeSpec, RouteId,
    ServiceId,
};
use dinghai_record::{Cause, Fence, Health, Second};
use serde::{Deserialize, Serialize};

/// All that a gateway serves on, replaced as a whole by `PUT /table` (fenced) and kept on disk. A generation that is
/// not higher than the one in force is refused, except that the same table may be given again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// Higher for every change: the ledger number of the entry that caused it.
    pub generation: u64,
    /// The gateway it is for.
    pub gateway: GatewayId,
    /// Where to listen.
    pub listeners: BTreeMap<ListenerId, SocketAddr>,
    /// Its routes.
    pub routes: Vec<TableRoute>,
    /// The services that its routes lead to.
    pub services: BTreeMap<ServiceId, ServiceTable>,
    /// Proxies whose `X-Forwarded-*` headers are believed.
    pub trusted_proxies: Vec<IpAddr>,
    /// Below this share of healthy instances it spreads over all, 0–1.
    pub panic_below: f64,
}

/// A route in a table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TableRoute {
    /// Its name.
    pub id: RouteId,
    /// The listener it belongs to.
    pub listener: ListenerId,
    /// The host it is for; any when not stated.
    pub host: Option<String>,
    /// The path prefix, matched at `/` borders; the longest match wins, a stated host before any host.
    pub path: String,
    /// The service that answers.
    pub to: ServiceId,
    /// Who goes first when not all can be served.
    pub priority: Priority,
    /// How an instance is chosen.
    pub balance: Balance,
    /// What it does without a controller.
    pub when_cut_off: CutOff,
    /// The longest a whole request may take.
    pub timeout_ms: u64,
}

/// A service in a table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ServiceTable {
    /// How its instances are probed; without a probe only traffic tells.
    pub probe: Option<ProbeSpec>,
    /// Its instances.
    pub members: BTreeMap<InstanceId, Member>,
}

/// An instance in a table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Member {
    /// Where it answers.
    pub address: Address,
    /// Its share of declared weight, in percent; 0 takes no new request.
    pub share: u8,
    /// The places it stands in, with all that contain them.
    pub places: Vec<PlaceId>,
}

/// The answer of `GET /status?after=N&wait_ms=M`: the state now and the reflexes after number N, waiting up to M ms
/// for one to come.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GatewayStatus {
    /// The gateway's version.
    pub version: String,
    /// Its name.
    pub gateway: GatewayId,
    /// Its process id.
    pub pid: u32,
    /// When it was started; reflex numbers and counters begin anew then.
    pub started: Timestamp,
    /// Its time.
    pub now: Timestamp,
    /// The generation in force; 0 before the first table.
    pub generation: u64,
    /// The highest fence seen.
    pub fence: Option<Fence>,
    /// Whether it obeys automatons.
    pub halted: bool,
    /// Where it really listens.
    pub listening: BTreeMap<ListenerId, SocketAddr>,
    /// Instances as it sees them.
    pub instances: BTreeMap<InstanceId, InstanceView>,
    /// Counters by route since it was started.
    pub routes: BTreeMap<RouteId, RouteCounters>,
    /// What passed in each of the last 120 whole seconds at most, oldest first, by route.
    pub seconds: BTreeMap<RouteId, Vec<Second>>,
    /// Reflexes after the number asked for, oldest first; the oldest may have been dropped.
    pub reflexes: Vec<Reflex>,
}

/// An instance as a gateway sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InstanceView {
    /// By its own probes and traffic.
    pub health: Health,
    /// When it was last probed or used, if ever.
    pub seen: Option<Timestamp>,
    /// When the last answer took how long, in microseconds.
    pub took_us: Option<u64>,
    /// Why it is out of rotation, while it is.
    pub ejected: Option<Cause>,
    /// Requests in flight to it.
    pub in_flight: u32,
    /// The share it serves, in percent.
    pub share: u8,
}

/// An ejection or its end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reflex {
    /// Its number since the gateway was started, from 1.
    pub no: u64,
    /// When.
    pub at: Timestamp,
    /// The instance.
    pub instance: InstanceId,
    /// Why it was ejected; none when it was put back.
    pub ejected: Option<Cause>,
    /// Requests that were in flight to it.
    pub in_flight: u32,
}

/// What a route counted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RouteCounters {
    /// The service it leads to.
    pub service: Option<ServiceId>,
    /// Requests whose answer was complete or that failed.
    pub requests: u64,
    /// Of them failed for the client: answered 5xx by us or by an instance, or broken off.
    pub failed: u64,
    /// Of the failed ones, those that were not idempotent.
    pub failed_unsafe: u64,
    /// Of the failed ones, those cut after the response had begun.
    pub cut: u64,
    /// Answered after being repeated on another instance.
    pub rescued: u64,
    /// Refused for want of a retry budget.
    pub retry_refused: u64,
    /// Latency histogram: counts at the bounds of [`LATENCY_BOUNDS_US`], the last one above all bounds.
    pub latency: Vec<u64>,
}

/// Upper bounds of the latency histogram's buckets, in microseconds.
pub const LATENCY_BOUNDS_US: [u64; 15] = [
    500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000,
    5_000_000, 10_000_000, 30_000_000,
];
