//! Routes: what they ask of a request, where they lead, and what they change.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;

use super::conditions::{edits, path, sticky, when};
use super::gateways::PUBLIC;
use super::keys::{CutOffKeys, CutOffWord, LeaseKeys, RedirectKeys, RouteKeys, SchemeWord};
use super::services::Services;
use super::shape::{At, Named, Short, missing};
use super::unknown;
use crate::problem::{Problems, Spot};
use crate::{
    CutOff, Entrance, ListenerId, PathChange, PathKind, Redirect, Route, RouteId, ServiceId, Split, Sticky,
    When,
};

/// Reads the routes of one gateway.
pub(super) struct Routes<'a> {
    listeners: Option<&'a BTreeMap<ListenerId, SocketAddr>>,
    entrances: &'a BTreeMap<ListenerId, Entrance>,
    services: &'a Services,
    whole: bool,
    ids: HashMap<RouteId, Spot>,
    /// Listener, host, path and conditions, each once.
    ways: HashMap<(ListenerId, Option<String>, String, String), Spot>,
    routes: Vec<Route>,
    redirects: Vec<Redirect>,
}

impl<'a> Routes<'a> {
    pub(super) fn new(
        listeners: Option<&'a BTreeMap<ListenerId, SocketAddr>>,
        entrances: &'a BTreeMap<ListenerId, Entrance>,
        services: &'a Services,
        whole: bool,
    ) -> Self {
        let (ids, ways) = (HashMap::new(), HashMap::new());
        Self { listeners, entrances, services, whole, ids, ways, routes: vec![], redirects: vec![] }
    }

    /// What was read.
    pub(super) fn end(self) -> (Vec<Route>, Vec<Redirect>) {
        (self.routes, self.redirects)
    }

    pub(super) fn read(&mut self, keys: At<RouteKeys>, problems: &mut Problems) {
        let At { value: mut keys, at } = keys;
        let named_at = keys.listener.as_ref().map_or(at, |listener| listener.at);
        let listener = self.listener(keys.listener.take(), problems);
        if self.entrances.get(&listener).is_some_and(|entrance| entrance.tcp.is_some()) {
            let help = "name another listener, or remove its `tcp`";
            let message = format!("listener `{listener}` passes bytes as they are and looks at no route");
            problems.add_with_help("bad-value", named_at, message, help);
        }
        let host = keys.host.take().map(|host| host.value.0);
        // Two routes whose paths are unusable are not therefore the same.
        let stated = path(&keys.path, problems);
        let usable = stated.is_some() && !keys.lacking;
        let (kind, path) = stated.unwrap_or((PathKind::Prefix, "/".to_owned()));
        let when = when(kind, keys.method.take(), keys.headers.take(), problems);
        let id = match usable {
            true => self.id(keys.name.take(), &listener, host.as_deref(), &path, &when, at, problems),
            false => RouteId::new("unusable"),
        };
        let edits = edits(&keys, kind, &path, problems);
        let sticky = keys.sticky.take().and_then(|keys| sticky(keys, problems));
        match (keys.to.take(), keys.redirect.take()) {
            (Some(to), None) => {
                let shares = self.shares(to, sticky, problems);
                let (when_cut_off, alone) = (cut_off(keys.when_cut_off, problems), shares.len() == 1);
                for (to, split) in shares {
                    let id = if alone { id.clone() } else { RouteId::new(format!("{id}:{to}")) };
                    if !alone && let Some(first) = self.ids.insert(id.clone(), at) {
                        problems.twice("route", id.as_str(), first, at);
                    }
                    self.routes.push(Route {
                        id,
                        listener: listener.clone(),
                        host: host.clone(),
                        path: path.clone(),
                        when: when.clone(),
                        split,
                        edits: edits.clone(),
                        to,
                        priority: keys.priority.value,
                        balance: keys.balance.value,
                        when_cut_off: when_cut_off.clone(),
                        timeout: keys.timeout.value,
                        origin: problems.origin(at),
                    });
                }
            }
            (None, Some(redirect)) => {
                if sticky.is_some() || edits != crate::Edits::default() {
                    let help = "remove `sticky`, `rewrite`, `request-headers` and `response-headers` here";
                    problems.add_with_help("bad-value", redirect.at, "a redirect reaches no instance", help);
                }
                let At { value: keys, at: stated } = redirect;
                let to_path = changed(&keys, kind, stated, problems);
                self.redirects.push(Redirect {
                    id,
                    listener,
                    host,
                    path,
                    when,
                    status: keys.status.value.0,
                    scheme: keys.scheme.map(|scheme| scheme_of(scheme.value).to_owned()),
                    to_host: keys.host.map(|host| host.value.0),
                    to_path,
                    origin: problems.origin(at),
                });
            }
            (Some(_), Some(redirect)) => {
                let help = "keep `to`, or keep `redirect`";
                problems.add_with_help(
                    "bad-value",
                    redirect.at,
                    "a route leads to a service or redirects",
                    help,
                );
            }
            (None, None) if keys.lacking => {}
            (None, None) => missing(at, "route", "to", problems),
        }
    }

    /// Its name, and that neither the name nor what it asks is there already.
    #[expect(clippy::too_many_arguments, reason = "all that makes two routes the same one")]
    fn id(
        &mut self,
        stated: Option<At<RouteId>>,
        listener: &ListenerId,
        host: Option<&str>,
        path: &str,
        when: &When,
        at: Spot,
        problems: &mut Problems,
    ) -> RouteId {
        let usual = format!("{listener}:{}{path}", host.unwrap_or_default());
        let way = (listener.clone(), host.map(str::to_owned), path.to_owned(), format!("{when:?}"));
        if let Some(first) = self.ways.insert(way, at) {
            problems.twice("the route", &usual, first, at);
            return RouteId::new(usual);
        }
        let id = match stated {
            Some(stated) => stated.value,
            // Routes that only differ in what else they ask are numbered, as instances at one place are.
            None => (1_usize..)
                .map(|no| RouteId::new(if no == 1 { usual.clone() } else { format!("{usual}.{no}") }))
                .find(|id| !self.ids.contains_key(id))
                .unwrap_or_else(|| RouteId::new(&*usual)),
        };
        if let Some(first) = self.ids.insert(id.clone(), at) {
            problems.twice("route", id.as_str(), first, at);
        }
        id
    }

    /// The services that answer, each with its part.
    fn shares(
        &self,
        to: At<Short<ServiceId, Named<ServiceId, u32>>>,
        sticky: Option<Sticky>,
        problems: &mut Problems,
    ) -> Vec<(ServiceId, Split)> {
        let named = match to.value {
            Short::Plain(service) => vec![(At { value: service, at: to.at }, 1)],
            Short::Keys(named) => {
                let read = named.0.into_iter();
                read.filter_map(|(name, weight)| Some((name, weight?.value))).collect::<Vec<_>>()
            }
        };
        let known = || self.services.keys().map(ServiceId::as_str);
        for (service, _) in
            named.iter().filter(|(name, _)| self.whole && !self.services.contains_key(&name.value))
        {
            unknown("service", service.value.as_str(), service.at, known(), problems);
        }
        if named.iter().all(|(_, weight)| *weight == 0) {
            let help = "give one of its services a weight above 0";
            problems.add_with_help("bad-value", to.at, "this route leads nowhere", help);
        }
        if sticky.is_some() && named.len() == 1 {
            let help = "remove `sticky`, or name a second service in `to`";
            problems.add_with_help("bad-value", to.at, "one service needs no `sticky`", help);
        }
        let part = |weight| Split { weight, sticky: sticky.clone() };
        named.into_iter().map(|(service, weight)| (service.value, part(weight))).collect()
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

/// Where a redirect leads; it must lead anywhere else than where the client is.
fn changed(keys: &RedirectKeys, kind: PathKind, at: Spot, problems: &mut Problems) -> Option<PathChange> {
    let change = match (&keys.path, &keys.prefix) {
        (Some(path), None) => Some(PathChange::Whole(path.value.0.clone())),
        (None, Some(prefix)) if kind == PathKind::Prefix => Some(PathChange::Prefix(prefix.value.0.clone())),
        (None, Some(prefix)) => {
            let help = "write `path`, or give the route a path that is a prefix";
            problems.add_with_help("bad-value", prefix.at, "this route has no prefix to replace", help);
            None
        }
        (Some(_), Some(prefix)) => {
            let help = "keep `path`, or keep `prefix`";
            problems.add_with_help("bad-value", prefix.at, "a redirect changes the path in one way", help);
            None
        }
        (None, None) => None,
    };
    if change.is_none()
        && keys.scheme.is_none()
        && keys.host.is_none()
        && !keys.lacking
        && keys.prefix.is_none()
    {
        let help = "write where to: `scheme`, `host`, `path` or `prefix`";
        problems.add_with_help("bad-value", at, "this redirect leads back to where it came from", help);
    }
    change
}

const fn scheme_of(word: SchemeWord) -> &'static str {
    match word {
        SchemeWord::Http => "http",
        SchemeWord::Https => "https",
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
