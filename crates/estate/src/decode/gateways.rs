//! Gateways and their routes.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;

use super::keys::{CutOffKeys, CutOffWord, GatewayKeys, LeaseKeys, RouteKeys};
use super::services::Services;
use super::shape::{At, Short};
use super::unknown;
use crate::problem::{Problems, Spot};
use crate::{CutOff, Gateway, GatewayId, ListenerId, Route, RouteId, ServiceId};

/// The listener that a gateway has when it names none.
const PUBLIC: &str = "public";

pub(super) fn assemble(
    declared: BTreeMap<GatewayId, (Spot, Option<GatewayKeys>)>,
    services: &Services,
    whole: bool,
    problems: &mut Problems,
) -> BTreeMap<GatewayId, Gateway> {
    let mut gateways = BTreeMap::new();
    let mut taken: HashMap<SocketAddr, Spot> = HashMap::new();
    for (id, (at, keys)) in declared {
        let Some(keys) = keys else { continue };
        // With no usable `listen` the routes are still read, for their own problems.
        let listeners = keys.listen.map(|listen| listeners(listen, &mut taken, problems));
        let mut routes = Routes {
            listeners: listeners.as_ref(),
            services,
            whole,
            ids: HashMap::new(),
            ways: HashMap::new(),
        };
        let listed = keys.routes.into_iter().flat_map(|list| list.value);
        let routes = listed.filter_map(|keys| routes.read(keys, problems)).collect();
        let trusted = keys.trusted_proxies.into_iter().flat_map(|list| list.value);
        let gateway = Gateway {
            routes,
            listeners: listeners.unwrap_or_default(),
            trusted_proxies: trusted.map(|proxy| proxy.value).collect(),
            panic_below: keys.panic_below.value.0,
            origin: problems.origin(at),
        };
        gateways.insert(id, gateway);
    }
    gateways
}

fn listeners(
    listen: At<Short<SocketAddr, super::shape::Named<ListenerId, SocketAddr>>>,
    taken: &mut HashMap<SocketAddr, Spot>,
    problems: &mut Problems,
) -> BTreeMap<ListenerId, SocketAddr> {
    let At { value, at } = listen;
    let named = match value {
        Short::Plain(address) => vec![(ListenerId::new(PUBLIC), At { value: address, at })],
        Short::Keys(named) => {
            let named = named.0.into_iter();
            named.filter_map(|(name, address)| Some((name.value, address?))).collect()
        }
    };
    if named.is_empty() {
        let help = "write `listen: 127.0.0.1:8080`, or listeners by name";
        problems.add_with_help("bad-value", at, "this gateway listens nowhere", help);
    }
    let mut read = BTreeMap::new();
    for (name, address) in named {
        if address.value.port() != 0
            && let Some(first) = taken.insert(address.value, address.at)
        {
            problems.twice("the listening address", &address.value.to_string(), first, address.at);
        }
        read.insert(name, address.value);
    }
    read
}

/// Reads the routes of one gateway.
struct Routes<'a> {
    listeners: Option<&'a BTreeMap<ListenerId, SocketAddr>>,
    services: &'a Services,
    whole: bool,
    ids: HashMap<RouteId, Spot>,
    /// Listener, host and path, each once.
    ways: HashMap<(ListenerId, Option<String>, String), Spot>,
}

impl Routes<'_> {
    fn read(&mut self, keys: At<RouteKeys>, problems: &mut Problems) -> Option<Route> {
        let At { value: keys, at } = keys;
        let listener = self.listener(keys.listener, problems);
        let host = keys.host.map(|host| host.value.to_ascii_lowercase());
        let path = keys.path.value.0;
        if let Some(to) = &keys.to
            && self.whole
            && !self.services.contains_key(&to.value)
        {
            let known = self.services.keys().map(ServiceId::as_str);
            unknown("service", to.value.as_str(), to.at, known, problems);
        }
        let way = (listener.clone(), host.clone(), path.clone());
        let usual = format!("{listener}:{}{path}", host.as_deref().unwrap_or_default());
        if let Some(first) = self.ways.insert(way, at) {
            problems.twice("the route", &usual, first, at);
        } else {
            let id = keys.name.as_ref().map_or_else(|| RouteId::new(&*usual), |name| name.value.clone());
            if let Some(first) = self.ids.insert(id.clone(), at) {
                problems.twice("route", id.as_str(), first, at);
            }
        }
        Some(Route {
            id: keys.name.map_or_else(|| RouteId::new(&*usual), |name| name.value),
            listener,
            host,
            path,
            to: keys.to?.value,
            priority: keys.priority.value,
            balance: keys.balance.value,
            when_cut_off: cut_off(keys.when_cut_off, problems),
            timeout: keys.timeout.value,
            origin: problems.origin(at),
        })
    }

    fn listener(&self, stated: Option<At<ListenerId>>, problems: &mut Problems) -> ListenerId {
        let Some(listeners) = self.listeners else {
            return stated.map_or_else(|| ListenerId::new(PUBLIC), |stated| stated.value);
        };
        match stated {
            Some(stated) => {
                if !listeners.contains_key(&stated.value) {
                    let known = listeners.keys().map(ListenerId::as_str);
                    unknown("listener", stated.value.as_str(), stated.at, known, problems);
                }
                stated.value
            }
            None => match listeners.keys().next() {
                Some(only) if listeners.len() == 1 => only.clone(),
                _ => ListenerId::new(PUBLIC),
            },
        }
    }
}

fn cut_off(stated: At<Short<CutOffWord, CutOffKeys>>, problems: &mut Problems) -> CutOff {
    let usual = LeaseKeys::default().lease.value;
    match stated.value {
        Short::Plain(CutOffWord::Serve) => CutOff::Serve,
        Short::Plain(CutOffWord::ReadOnly) => CutOff::ReadOnly { lease: usual },
        Short::Plain(CutOffWord::Stop) => CutOff::Stop { lease: usual },
        Short::Keys(keys) => match (keys.read_only, keys.stop) {
            (Some(keys), None) => CutOff::ReadOnly { lease: keys.value.lease.value },
            (None, Some(keys)) => CutOff::Stop { lease: keys.value.lease.value },
            (None, None) if keys.lacking => CutOff::Serve,
            _ => {
                let help = "write one of `serve`, `read-only: { lease: 30s }` and `stop: { lease: 30s }`";
                let message = "`when-cut-off` says exactly one thing";
                problems.add_with_help("bad-value", stated.at, message, help);
                CutOff::Serve
            }
        },
    }
}
