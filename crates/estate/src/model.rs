//! What a team declares: the estate as typed values.
//!
//! The decoder produces these values and nothing else does: a value of this module has passed every check that
//! one file can be given by itself. References between parts (a need on a service, a route to one) are checked too,
//! so readers may rely on them. Every declared thing carries its [`Origin`], so that a finding can name file and line.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use dinghai_clock::serde_span;
use serde::{Deserialize, Serialize};

use crate::{DrillId, GatewayId, InstanceId, ListenerId, Money, PlaceId, PromiseId, RouteId, ServiceId};

/// Where a fact stands: file, line and column (both from 1).
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Origin {
    /// The file as the user named it.
    pub file: String,
    /// The line, from 1; 0 when the fact was not read from a file.
    pub line: u32,
    /// The column, from 1, in characters.
    pub column: u32,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// Declared intent: services, needs, gateways, promises and drills of one team.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estate {
    /// The estate's name.
    pub name: String,
    /// Failure domains.
    pub places: BTreeMap<PlaceId, Place>,
    /// Services.
    pub services: BTreeMap<ServiceId, Service>,
    /// Gateways.
    pub gateways: BTreeMap<GatewayId, Gateway>,
    /// Promises, those of the chosen profile included.
    pub promises: BTreeMap<PromiseId, Promise>,
    /// Drills.
    pub drills: BTreeMap<DrillId, Drill>,
    /// How much healthy capacity automatons and people may take at once.
    pub budget: ActionBudget,
    /// Where the grades begin.
    pub grades: Grades,
    /// How long an incident stays open after its last finding has cleared and its plans have ended. Default 10 min.
    #[serde(with = "serde_span")]
    pub quiet: Duration,
    /// Where the console listens.
    pub console: Console,
}

/// A failure domain: what is in it fails together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Place {
    /// What kind of domain it is.
    pub kind: PlaceKind,
    /// The vendor behind it, when stated.
    pub vendor: Option<String>,
    /// The places that directly contain it; more than one when domains overlap (a node in a zone and on a power feed).
    pub within: BTreeSet<PlaceId>,
    /// Where it is declared.
    pub origin: Origin,
}

/// Kinds of failure domain, narrow to wide where they nest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PlaceKind {
    /// One machine.
    Node,
    /// One rack.
    Rack,
    /// One power feed.
    Power,
    /// One network path.
    Network,
    /// One zone of a region.
    Zone,
    /// One region of a vendor.
    Region,
    /// One account at a vendor.
    Account,
    /// One vendor.
    Vendor,
}

/// How much depends on a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tier {
    /// Useful, not vital.
    Secondary,
    /// The business stops without it.
    Core,
}

/// A function that is kept standing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Service {
    /// How much depends on it.
    pub tier: Tier,
    /// Healthy instances it must never have fewer of by our own doing.
    pub minimum: u32,
    /// The widest kind of place whose loss it has promised to outlive.
    pub survive: PlaceKind,
    /// Its instances, spares included, in declared order.
    pub instances: Vec<Instance>,
    /// How its instances are asked whether they answer.
    pub probe: Option<ProbeSpec>,
    /// What it needs.
    pub needs: Vec<Need>,
    /// What automatons may do, by kind of action; [`Autonomy::Shadow`] where nothing is said.
    pub autonomy: BTreeMap<ActionKind, Autonomy>,
    /// What a request to it is worth, as stated.
    pub value: Option<Value>,
    /// Where it is declared.
    pub origin: Origin,
}

/// A running copy of a service at a place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Instance {
    /// Its name, unique in the estate.
    pub id: InstanceId,
    /// The places that directly hold it.
    pub at: BTreeSet<PlaceId>,
    /// Where it answers.
    pub address: Address,
    /// How we start it, when it is ours to start.
    pub run: Option<Run>,
    /// Whether it stands by, to be started when capacity is needed.
    pub spare: bool,
    /// Where it is declared.
    pub origin: Origin,
}

/// Host and port. The host is an IP address or a name to resolve.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Address {
    /// IP address or name, without brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

/// How an instance is run by the hand's own process supervisor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Program and arguments; no shell.
    pub process: Vec<String>,
    /// Added to the hand's environment.
    pub env: BTreeMap<String, String>,
    /// Working directory; the estate's folder when not stated.
    pub directory: Option<PathBuf>,
    /// Who starts it again after it exits.
    pub restart: Restart,
    /// How long it may take to end after SIGTERM before SIGKILL. Default 10 s.
    #[serde(with = "serde_span")]
    pub stop_within: Duration,
}

/// Who starts a process again after it exits unasked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Restart {
    /// A plan does, so that budget, autonomy and ledger see it.
    #[default]
    Plan,
    /// The hand does, at once and then with back-off.
    Hand,
}

/// How an instance is asked whether it answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeSpec {
    /// The question.
    pub check: Check,
    /// Pause between the starts of two probes; at least 100 ms, jittered.
    #[serde(with = "serde_span")]
    pub every: Duration,
    /// No answer within this is a failure.
    #[serde(with = "serde_span")]
    pub timeout: Duration,
    /// Failures in a row that make it down. Default 3.
    pub fall: u32,
    /// Answers in a row that make it up again. Default 2.
    pub rise: u32,
    /// Answers slower than this count as slow, when stated.
    #[serde(with = "crate::model::optional_span", default)]
    pub slow: Option<Duration>,
}

/// The question a probe asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Check {
    /// GET this path over HTTP/1.1 expects 200–399.
    Http(String),
    /// A TCP connection opens.
    Tcp,
    /// The process that the hand started is there.
    Process,
}

/// A dependency on another service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Need {
    /// The service that is needed.
    pub service: ServiceId,
    /// How badly.
    pub kind: NeedKind,
    /// Where it is declared.
    pub origin: Origin,
}

/// How badly a service is needed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NeedKind {
    /// Without it the service fails.
    Hard,
    /// Without it the service falls back to this.
    Soft {
        /// What it does instead, as stated.
        fallback: Option<String>,
    },
}

/// Kinds of action that autonomy is granted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ActionKind {
    /// Start an instance again where it ran.
    Restart,
    /// Change weights at a gateway.
    ShiftTraffic,
    /// Start spares.
    Scale,
    /// Make a standby primary.
    Promote,
}

/// How far an automaton may go by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Autonomy {
    /// No plan is made.
    Off,
    /// The plan is recorded and not taken.
    #[default]
    Shadow,
    /// The plan waits for a person.
    Ask,
    /// The plan runs, while evidence for this kind of action lives; it asks otherwise.
    Auto,
}

/// What a service's requests are worth, as the user stated it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Value {
    /// Visits a minute, when stated.
    pub visits_per_minute: Option<f64>,
    /// Share of visits that become an order, 0–1, when stated.
    pub conversion: Option<f64>,
    /// What one order brings, when stated.
    pub order: Option<Money>,
    /// Shares of failed buyers who come back later, for the low, likely and high loss, 0–1, when stated.
    pub come_back: Option<[f64; 3]>,
    /// Where it is declared.
    pub origin: Origin,
}

/// A process on the traffic path.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gateway {
    /// Where it listens, by listener; the first port is the public one.
    pub listeners: BTreeMap<ListenerId, SocketAddr>,
    /// Its routes, in declared order; the longest matching path wins.
    pub routes: Vec<Route>,
    /// Proxies whose `X-Forwarded-*` headers are believed; none by default.
    pub trusted_proxies: Vec<std::net::IpAddr>,
    /// Below this share of healthy instances it spreads over all of them instead of ejecting, 0–1. Default 0.5.
    pub panic_below: f64,
    /// Where it is declared.
    pub origin: Origin,
}

/// Which requests go where.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Route {
    /// Its name, unique in its gateway.
    pub id: RouteId,
    /// The listener it belongs to.
    pub listener: ListenerId,
    /// The `Host` it is for, without port; any when not stated.
    pub host: Option<String>,
    /// The path prefix it is for, matched at `/` borders.
    pub path: String,
    /// The service that answers.
    pub to: ServiceId,
    /// Who goes first when not all can be served.
    pub priority: Priority,
    /// How an instance is chosen.
    pub balance: Balance,
    /// What it does when its gateway has lost the controller.
    pub when_cut_off: CutOff,
    /// The longest a whole request may take. Default 15 s.
    #[serde(with = "serde_span")]
    pub timeout: Duration,
    /// Where it is declared.
    pub origin: Origin,
}

/// Who goes first when not all can be served.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Priority {
    /// Work nobody waits for.
    Background,
    /// Dropped first of what people see.
    Optional,
    /// Neither vital nor optional.
    #[default]
    Normal,
    /// Served to the last.
    Core,
}

/// How an instance is chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Balance {
    /// The one with the fewest requests in flight, weighted.
    #[default]
    LeastRequest,
    /// In turn, weighted.
    RoundRobin,
}

/// What a route does when its gateway has lost the controller.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CutOff {
    /// It goes on serving.
    #[default]
    Serve,
    /// It answers only GET, HEAD and OPTIONS once the lease has ended.
    ReadOnly {
        /// How long it serves everything after the controller was last heard.
        #[serde(with = "serde_span")]
        lease: Duration,
    },
    /// It answers nothing once the lease has ended.
    Stop {
        /// How long it serves everything after the controller was last heard.
        #[serde(with = "serde_span")]
        lease: Duration,
    },
}

/// A measurable commitment with a target and a clock.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Promise {
    /// What is promised.
    pub target: PromiseTarget,
    /// How old its proof may be. Default 30 d.
    #[serde(with = "serde_span")]
    pub max_age: Duration,
    /// Where it is declared; the profile's name when it comes from one.
    pub origin: Origin,
}

/// What is promised.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PromiseTarget {
    /// The measured time is at most this.
    Within(#[serde(with = "serde_span")] Duration),
    /// The measured share is at least this, 0–1.
    AtLeast(f64),
}

/// A rehearsed failure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Drill {
    /// What is broken.
    pub fault: DrillFault,
    /// How long the fault is held before it is undone. Default 10 s.
    #[serde(with = "serde_span")]
    pub hold: Duration,
    /// How often it is due, when stated.
    #[serde(with = "crate::model::optional_span", default)]
    pub every: Option<Duration>,
    /// What must be so for the drill to pass.
    pub expect: Expectation,
    /// Above this share of failed requests the fault is undone at once. Default 5 %.
    pub stop_above: f64,
    /// Where it is declared.
    pub origin: Origin,
}

/// What a drill breaks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DrillFault {
    /// SIGKILL one instance.
    KillInstance(InstanceId),
    /// SIGSTOP one instance until the undo.
    HangInstance(InstanceId),
    /// SIGKILL every instance at a place, and refuse starts there until the undo.
    KillPlace(PlaceId),
}

/// What must be so for a drill to pass. A limit that is not stated is not judged.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Expectation {
    /// Share of requests that fail from the fault to recovery.
    pub failed_requests: Option<ShareLimit>,
    /// Time from the fault to the last failed request.
    #[serde(with = "crate::model::optional_span", default)]
    pub failing_within: Option<Duration>,
    /// Time from the end of the fault to every instance up and its weight restored.
    #[serde(with = "crate::model::optional_span", default)]
    pub healed_within: Option<Duration>,
}

/// An upper limit on a share, 0–1: `< 0.5%` or `<= 1%`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ShareLimit {
    /// The limit, 0–1.
    pub limit: f64,
    /// Whether the limit itself still passes.
    pub inclusive: bool,
}

/// How much healthy capacity all automatons and people together may take.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ActionBudget {
    /// Healthy instances of one service that may be taken in a window, beyond its minimum. Default 1.
    pub per_service: u32,
    /// Places out of which healthy capacity may be taken in a window. Default 1.
    pub places: u32,
    /// The window. Default 10 min.
    #[serde(with = "serde_span")]
    pub window: Duration,
}

/// Where the grades begin (shares of failed requests of a core path, 0–1).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Grades {
    /// P0 from this share on. Default 0.5.
    pub p0_failed: f64,
    /// P0 from this share of core services below their minimum on. Default 0.5.
    pub p0_services: f64,
    /// P1 from this share on. Default 0.05.
    pub p1_failed: f64,
}

/// Where the console listens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Console {
    /// Address and port. Default `127.0.0.1:7474`.
    pub listen: SocketAddr,
}

impl Default for ActionBudget {
    fn default() -> Self {
        Self { per_service: 1, places: 1, window: Duration::from_secs(600) }
    }
}

impl Default for Grades {
    fn default() -> Self {
        Self { p0_failed: 0.5, p0_services: 0.5, p1_failed: 0.05 }
    }
}

impl Default for Console {
    fn default() -> Self {
        Self { listen: SocketAddr::from(([127, 0, 0, 1], 7474)) }
    }
}

impl ShareLimit {
    /// Whether `share` is inside the limit.
    pub fn admits(&self, share: f64) -> bool {
        share < self.limit || (self.inclusive && share <= self.limit)
    }
}

impl PlaceKind {
    /// The kebab-case name, as in files.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::Rack => "rack",
            Self::Power => "power",
            Self::Network => "network",
            Self::Zone => "zone",
            Self::Region => "region",
            Self::Account => "account",
            Self::Vendor => "vendor",
        }
    }
}

impl fmt::Display for PlaceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Secondary => "secondary",
            Self::Core => "core",
        })
    }
}

impl Service {
    /// What automatons may do of this kind, as granted; evidence is not considered here.
    pub fn granted(&self, kind: ActionKind) -> Autonomy {
        self.autonomy.get(&kind).copied().unwrap_or_default()
    }
}

impl Estate {
    /// Every instance with its service, spares included.
    pub fn instances(&self) -> impl Iterator<Item = (&ServiceId, &Instance)> {
        self.services.iter().flat_map(|(id, service)| service.instances.iter().map(move |i| (id, i)))
    }

    /// Every place that the instance stands in, with all that contain them.
    pub fn places_around(&self, instance: &Instance) -> BTreeSet<PlaceId> {
        let mut around = BTreeSet::new();
        let mut left: Vec<&PlaceId> = instance.at.iter().collect();
        while let Some(place) = left.pop() {
            if around.insert(place.clone()) {
                left.extend(self.places.get(place).iter().flat_map(|place| &place.within));
            }
        }
        around
    }

    /// Every instance that stands in the place or in one that it contains, spares included.
    pub fn instances_in(&self, place: &PlaceId) -> impl Iterator<Item = (&ServiceId, &Instance)> {
        self.instances().filter(move |(_, instance)| self.places_around(instance).contains(place))
    }

    /// The service that a route leads to.
    pub fn serves(&self, gateway: &GatewayId, route: &RouteId) -> Option<&ServiceId> {
        self.route(gateway, route).map(|route| &route.to)
    }

    /// Whether users reach the route: its listener is not the one named `internal`, through which services call each
    /// other. Only what users reach counts in what a drill or an incident is said to have cost.
    pub fn user_route(&self, gateway: &GatewayId, route: &RouteId) -> bool {
        self.route(gateway, route).is_some_and(|route| route.listener.as_str() != "internal")
    }

    fn route(&self, gateway: &GatewayId, route: &RouteId) -> Option<&Route> {
        self.gateways.get(gateway)?.routes.iter().find(|each| each.id == *route)
    }

    /// One instance with its service.
    pub fn instance(&self, id: &InstanceId) -> Option<(&ServiceId, &Instance)> {
        self.instances().find(|(_, instance)| instance.id == *id)
    }
}

/// Serde for a duration that may be missing.
pub(crate) mod optional_span {
    use std::time::Duration;

    use dinghai_clock::{format_span, parse_span};
    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(
        span: &Option<Duration>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match span {
            Some(span) => serializer.serialize_some(&format_span(*span)),
            None => serializer.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Duration>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| parse_span(&text).map_err(serde::de::Error::custom)).transpose()
    }
}
