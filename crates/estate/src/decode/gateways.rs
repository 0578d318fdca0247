//! Gateways and where they listen.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;

use super::entrances::Known;
use super::keys::{GatewayKeys, ListenerKeys};
use super::routes::Routes;
use super::services::Services;
use super::shape::{At, Named, Short};
use crate::problem::{Problems, Spot};
use crate::{Gateway, GatewayId, ListenerId};

/// The listener that a gateway has when it names none.
pub(super) const PUBLIC: &str = "public";

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
        let mut entrances = BTreeMap::new();
        let listeners = keys.listen.map(|listen| {
            let mut known = Known { services, whole, entrances: &mut entrances };
            listeners(listen, &mut taken, &mut known, problems)
        });
        let mut reading = Routes::new(listeners.as_ref(), &entrances, services, whole);
        for keys in keys.routes.into_iter().flat_map(|list| list.value) {
            reading.read(keys, problems);
        }
        let (routes, redirects) = reading.end();
        let trusted = keys.trusted_proxies.into_iter().flat_map(|list| list.value);
        let gateway = Gateway {
            routes,
            redirects,
            listeners: listeners.unwrap_or_default(),
            entrances,
            trusted_proxies: trusted.map(|proxy| proxy.value).collect(),
            panic_below: keys.panic_below.value.0,
            origin: problems.origin(at),
        };
        gateways.insert(id, gateway);
    }
    gateways
}

/// One address, or listeners by name.
type Listen = Short<SocketAddr, Named<ListenerId, Short<SocketAddr, ListenerKeys>>>;

fn listeners(
    listen: At<Listen>,
    taken: &mut HashMap<SocketAddr, Spot>,
    known: &mut Known<'_>,
    problems: &mut Problems,
) -> BTreeMap<ListenerId, SocketAddr> {
    let At { value, at } = listen;
    // A listener whose own problems are told does not also make the gateway listen nowhere.
    let lacking = matches!(&value, Short::Keys(named) if !named.0.is_empty());
    let named = match value {
        Short::Plain(address) => vec![(ListenerId::new(PUBLIC), At { value: address, at })],
        Short::Keys(named) => {
            let named = named.0.into_iter();
            named
                .filter_map(|(name, stated)| {
                    let At { value, at } = stated?;
                    let address = match value {
                        Short::Plain(address) => At { value: address, at },
                        Short::Keys(mut keys) => {
                            let address = keys.address.take();
                            known.enter(&name.value, keys, problems);
                            address?
                        }
                    };
                    Some((name.value, address))
                })
                .collect()
        }
    };
    if named.is_empty() && !lacking {
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
