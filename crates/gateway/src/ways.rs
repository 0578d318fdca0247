//! Where requests and connections of a table lead, made ready: routes, those that share requests, redirects, and listeners that
//! pass bytes. What was counted for them before is carried over.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use dinghai_estate::{
    CutOff, Edits, Entrance, ListenerId, Priority, RouteId, ServiceId, Split, Sticky, When,
};
use dinghai_limits::Sides;
use dinghai_wire::{Table, TableRoute};

use crate::changes::Changes;
use crate::directory::{Directory, Entry, Expressions};
use crate::redirect::Elsewhere;
use crate::routing::{Route, Routing, Service};

/// What a request finds.
#[derive(Debug)]
pub(crate) enum Way {
    /// Routes that share what fits, nearly always one.
    Served(Fork),
    /// The gateway itself sends it elsewhere.
    Elsewhere(Arc<Elsewhere>),
}

/// Routes that ask the same, each with its part.
#[derive(Debug)]
pub(crate) struct Fork {
    pub(crate) routes: Vec<Arc<Route>>,
    pub(crate) sides: Sides,
    pub(crate) sticky: Option<Sticky>,
}

/// The routes of a table that lead anywhere, with what was counted for them before.
pub(crate) fn routes(
    table: &Table,
    before: &Routing,
    services: &BTreeMap<ServiceId, Arc<Service>>,
    expressions: &mut Expressions,
) -> Vec<Arc<Route>> {
    let held: HashMap<&RouteId, &Arc<Route>> = before.routes().map(|route| (&route.spec.id, route)).collect();
    let ready = |spec: &TableRoute| {
        let service = Arc::clone(services.get(&spec.to)?);
        let counters = held.get(&spec.id).map(|held| Arc::clone(&held.counters)).unwrap_or_default();
        let changes = Changes::of(&spec.edits, spec.when.path, &spec.path, expressions);
        Some(Arc::new(Route { spec: spec.clone(), service, counters, changes }))
    };
    table.routes.iter().filter_map(ready).collect()
}

/// A listener that passes bytes counts connections as a route of its name counts requests.
pub(crate) fn passages(
    table: &Table,
    before: &Routing,
    services: &BTreeMap<ServiceId, Arc<Service>>,
) -> BTreeMap<ListenerId, Arc<Route>> {
    let ready = |(listener, entrance): (&ListenerId, &Entrance)| {
        let passage = entrance.tcp.as_ref()?;
        let service = Arc::clone(services.get(&passage.to)?);
        let held = before.passages.get(listener);
        let counters = held.map(|held| Arc::clone(&held.counters)).unwrap_or_default();
        let spec = TableRoute {
            id: RouteId::new(listener.as_str()),
            listener: listener.clone(),
            host: None,
            path: "/".to_owned(),
            when: When::default(),
            split: Split::default(),
            edits: Edits::default(),
            to: passage.to.clone(),
            priority: Priority::default(),
            balance: passage.balance,
            when_cut_off: CutOff::Serve,
            timeout_ms: u64::try_from(passage.idle.as_millis()).unwrap_or(u64::MAX),
        };
        Some((listener.clone(), Arc::new(Route { spec, service, counters, changes: None })))
    };
    table.entrances.iter().filter_map(ready).collect()
}

/// The redirects of a table.
pub(crate) fn redirects(table: &Table, before: &Routing) -> Vec<Arc<Elsewhere>> {
    let held: HashMap<&RouteId, &Arc<Elsewhere>> =
        before.redirects().map(|redirect| (&redirect.spec.id, redirect)).collect();
    let ready = |spec: &dinghai_estate::Redirect| {
        let sent = held.get(&spec.id).map(|held| Arc::clone(&held.sent)).unwrap_or_default();
        Arc::new(Elsewhere { spec: spec.clone(), sent })
    };
    table.redirects.iter().map(ready).collect()
}

/// What makes two routes share requests.
type Asked<'a> = (&'a ListenerId, Option<&'a str>, &'a str, &'a When);

/// Enters everything where it belongs: redirects, then routes, each in declared order.
pub(crate) fn directories(
    table: &Table,
    routes: &[Arc<Route>],
    redirects: &[Arc<Elsewhere>],
    expressions: &mut Expressions,
) -> BTreeMap<ListenerId, Directory<Way>> {
    let mut entries: BTreeMap<&ListenerId, Vec<Entry<'_, Way>>> =
        table.listeners.keys().map(|id| (id, vec![])).collect();
    let mut enter = |listener: &ListenerId, entry| {
        if let Some(entries) = entries.get_mut(listener) {
            entries.push(entry);
        }
    };
    for redirect in redirects {
        let spec = &redirect.spec;
        let (host, path) = (spec.host.as_deref(), spec.path.as_str());
        let to = Way::Elsewhere(Arc::clone(redirect));
        enter(&spec.listener, Entry { host, path, when: &spec.when, to });
    }
    let mut order: Vec<Asked<'_>> = vec![];
    let mut forks: HashMap<Asked<'_>, Vec<Arc<Route>>> = HashMap::new();
    for route in routes {
        let spec = &route.spec;
        let asked: Asked<'_> = (&spec.listener, spec.host.as_deref(), &spec.path, &spec.when);
        let fork = forks.entry(asked).or_default();
        if fork.is_empty() {
            order.push(asked);
        }
        fork.push(Arc::clone(route));
    }
    for asked in order {
        let Some(routes) = forks.remove(&asked) else { continue };
        let sides = Sides::new(routes.iter().map(|route| route.spec.split.weight));
        let sticky = routes.iter().find_map(|route| route.spec.split.sticky.clone());
        let to = Way::Served(Fork { routes, sides, sticky });
        let (listener, host, path, when) = asked;
        enter(listener, Entry { host, path, when, to });
    }
    entries.into_iter().map(|(id, entries)| (id.clone(), Directory::of(entries, expressions))).collect()
}
