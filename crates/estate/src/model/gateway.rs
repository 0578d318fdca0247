//! Gateways and their routes.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use dinghai_clock::serde_span;
use serde::{Deserialize, Serialize};

use super::entrance::Entrance;
use super::route::{Edits, PathKind, Redirect, Split, When};
use crate::{ListenerId, Origin, RouteId, ServiceId};

/// A process on the traffic path.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gateway {
    /// Where it listens, by listener; the first port is the public one.
    pub listeners: BTreeMap<ListenerId, SocketAddr>,
    /// What a listener is beside its address, for those that state anything.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub entrances: BTreeMap<ListenerId, Entrance>,
    /// Its routes, in declared order. Those with one host, path and [`When`] share what fits by their [`Split`].
    pub routes: Vec<Route>,
    /// What it answers itself by sending the client elsewhere. They are looked at among the routes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub redirects: Vec<Redirect>,
    /// Proxies whose `X-Forwarded-*` headers are believed; none by default.
    pub trusted_proxies: Vec<std::net::IpAddr>,
    /// Below this share of healthy instances it spreads over all of them instead of ejecting, 0–1. Default 0.5.
    pub panic_below: f64,
    /// Where it is declared.
    pub origin: Origin,
}

impl Gateway {
    /// Itself without the lines that it is declared on, and in one order wherever the order says nothing: two that are
    /// equal when bare do the same. Where more than one route can fit a request, the order stays as it was declared.
    pub fn bare(&self) -> Self {
        let mut bare = self.clone();
        bare.origin = Origin::default();
        bare.routes.iter_mut().for_each(|route| route.origin = Origin::default());
        bare.routes.sort_by(|a, b| a.stands().cmp(&b.stands()));
        for sharing in
            bare.routes.chunk_by_mut(|a, b| (a.stands(), &a.path, &a.when) == (b.stands(), &b.path, &b.when))
        {
            sharing.sort_by(|a, b| a.id.cmp(&b.id));
        }
        bare.redirects.iter_mut().for_each(|redirect| redirect.origin = Origin::default());
        bare.redirects.sort_by(|a, b| a.stands().cmp(&b.stands()));
        bare.trusted_proxies.sort_unstable();
        bare.entrances.values_mut().for_each(|entrance| entrance.proxies.sort_unstable());
        bare
    }
}

/// Where something stands among the routes: those that stand elsewhere are no matter to it.
type Stands<'a> = (&'a ListenerId, Option<&'a str>, PathKind, &'a str);

const fn path_apart<'a>(when: &When, path: &'a str) -> &'a str {
    // Whether two expressions fit one path nobody can tell.
    match when.path {
        PathKind::Regex => "",
        PathKind::Prefix | PathKind::Exact => path,
    }
}

impl Route {
    fn stands(&self) -> Stands<'_> {
        (&self.listener, self.host.as_deref(), self.when.path, path_apart(&self.when, &self.path))
    }
}

impl Redirect {
    fn stands(&self) -> Stands<'_> {
        (&self.listener, self.host.as_deref(), self.when.path, path_apart(&self.when, &self.path))
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Which requests go where.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Route {
    /// Its name, unique in its gateway.
    pub id: RouteId,
    /// The listener it belongs to.
    pub listener: ListenerId,
    /// The `Host` it is for, without port and in small letters; `*.example` is every name below `example`; any when
    /// not stated.
    pub host: Option<String>,
    /// The path it is for; [`When::path`] says how it is compared.
    pub path: String,
    /// What else it asks of a request.
    #[serde(default, skip_serializing_if = "is_default")]
    pub when: When,
    /// Its part, where it shares requests with others.
    #[serde(default, skip_serializing_if = "is_default")]
    pub split: Split,
    /// What it changes.
    #[serde(default, skip_serializing_if = "is_default")]
    pub edits: Edits,
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
