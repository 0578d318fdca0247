//! What a gateway is told and what it tells.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use dinghai_clock::Timestamp;
use dinghai_estate::{
    Address, Balance, CutOff, Edits, Entrance, GatewayId, InstanceId, ListenerId, PlaceId, Priority,
    ProbeSpec, ProxyVersion, Redirect, RouteId, Secured, ServiceId, Split, When,
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
    /// What a listener is beside its address, for those that state anything.
    #[serde(default)]
    pub entrances: BTreeMap<ListenerId, Entrance>,
    /// Its routes. Those of one listener with one host, path and [`When`] share what fits by their [`Split`].
    pub routes: Vec<TableRoute>,
    /// What it answers itself by sending the client elsewhere.
    #[serde(default)]
    pub redirects: Vec<Redirect>,
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
    /// The host it is for, `*.example` for every name below `example`; any when not stated.
    pub host: Option<String>,
    /// The path; [`When::path`] says how it is compared.
    pub path: String,
    /// What else it asks of a request.
    #[serde(default)]
    pub when: When,
    /// Its part, where it shares requests with others.
    #[serde(default)]
    pub split: Split,
    /// What it changes.
    #[serde(default)]
    pub edits: Edits,
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
    /// How connections to its instances are secured, where they are.
    #[serde(default)]
    pub tls: Option<Secured>,
    /// The PROXY header that its instances are told the client by, where they are.
    #[serde(default)]
    pub proxy_protocol: Option<ProxyVersion>,
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
    /// The certificates that it shows, to clients and to instances.
    #[serde(default)]
    pub certificates: Vec<CertificateView>,
    /// Files of certificates and keys that cannot be used as they are now, by who needs them, and why. What they were
    /// before stays in force.
    #[serde(default)]
    pub broken_certificates: BTreeMap<String, String>,
    /// Instances as it sees them.
    pub instances: BTreeMap<InstanceId, InstanceView>,
    /// Counters by route since it was started.
    pub routes: BTreeMap<RouteId, RouteCounters>,
    /// Requests that each redirect sent elsewhere since it was started.
    #[serde(default)]
    pub redirected: BTreeMap<RouteId, u64>,
    /// What passed in each of the last 120 whole seconds at most, oldest first, by route.
    pub seconds: BTreeMap<RouteId, Vec<Second>>,
    /// Reflexes after the number asked for, oldest first; the oldest may have been dropped.
    pub reflexes: Vec<Reflex>,
}

/// A certificate in force.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CertificateView {
    /// Who shows it: `listener NAME` or `service NAME`.
    pub of: String,
    /// The file it was read from.
    pub path: String,
    /// The host names that it is for.
    pub names: Vec<String>,
    /// Until when it is good; none when it does not say.
    pub until: Option<Timestamp>,
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
    /// Where its name leads to, when its address is a name.
    #[serde(default)]
    pub resolved: Option<ResolvedView>,
}

/// Where a name leads to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ResolvedView {
    /// The last good answer.
    pub addresses: Vec<IpAddr>,
    /// Why the latest question had no good answer, if it had none; what was good before stays in use.
    pub failing: Option<String>,
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
