//! Gateways and their routes.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use dinghai_clock::serde_span;
use serde::{Deserialize, Serialize};

use crate::{ListenerId, Origin, RouteId, ServiceId};

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
