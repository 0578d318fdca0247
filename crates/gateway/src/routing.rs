//! A route table made ready to serve. It is replaced as a whole; what its parts have learnt is carried over.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use dinghai_clock::Timestamp;
use dinghai_estate::{Check, InstanceId, ListenerId, PlaceId, ProbeSpec, ProxyVersion, Secured, ServiceId};
use dinghai_limits::{EjectionPolicy, RetryBudget, RoundRobin};
use dinghai_tls::Outward;
use dinghai_wire::{Member, ServiceTable, Table, TableRoute};

use crate::changes::Changes;
use crate::counters::Counters;
use crate::defaults::SILENCE;
use crate::dial::Dial;
use crate::directory::{Directory, Expressions};
use crate::instance::Instance;
use crate::names;
use crate::redirect::Elsewhere;
use crate::ways::{Way, directories, passages, redirects, routes};

/// A table in force.
pub(crate) struct Routing {
    pub(crate) table: Option<Arc<Table>>,
    pub(crate) directories: BTreeMap<ListenerId, Directory<Way>>,
    /// Where listeners lead that pass bytes as they are.
    pub(crate) passages: BTreeMap<ListenerId, Arc<Route>>,
    routes: Vec<Arc<Route>>,
    redirects: Vec<Arc<Elsewhere>>,
    pub(crate) services: BTreeMap<ServiceId, Arc<Service>>,
    expressions: Arc<Expressions>,
}

/// A route in force.
pub(crate) struct Route {
    pub(crate) spec: TableRoute,
    pub(crate) service: Arc<Service>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) changes: Option<Box<Changes>>,
}

impl std::fmt::Debug for Route {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Route").field(&self.spec.id).finish()
    }
}

/// A service in force.
pub(crate) struct Service {
    pub(crate) id: ServiceId,
    pub(crate) probe: Option<ProbeSpec>,
    pub(crate) members: Vec<Seat>,
    pub(crate) panic_below: f64,
    pub(crate) purse: Arc<Purse>,
    pub(crate) turns: Mutex<RoundRobin>,
    terms: Option<Secured>,
    proxy: Option<ProxyVersion>,
    pub(crate) outward: Option<Arc<Outward>>,
}

/// An instance in its service, as the table has it.
pub(crate) struct Seat {
    pub(crate) instance: Arc<Instance>,
    pub(crate) share: u8,
    pub(crate) places: Vec<PlaceId>,
}

/// The retries of a service; outlives tables.
pub(crate) struct Purse {
    budget: Mutex<RetryBudget>,
    earned: AtomicU64,
}

impl Purse {
    fn new(now: Timestamp) -> Self {
        Self { budget: Mutex::new(RetryBudget::new(now)), earned: AtomicU64::new(0) }
    }

    /// A request came. Counted without the lock and paid in when somebody spends.
    pub(crate) fn earn(&self) {
        self.earned.fetch_add(1, Relaxed);
    }

    /// Takes one retry, if there is one.
    pub(crate) fn spend(&self, now: Timestamp) -> bool {
        let mut budget = self.budget.lock().unwrap_or_else(PoisonError::into_inner);
        self.pay_in(&mut budget);
        budget.spend(now)
    }

    /// Whole retries at hand.
    pub(crate) fn left(&self) -> u64 {
        let mut budget = self.budget.lock().unwrap_or_else(PoisonError::into_inner);
        self.pay_in(&mut budget);
        budget.left()
    }

    fn pay_in(&self, budget: &mut RetryBudget) {
        budget.earn(self.earned.swap(0, Relaxed));
    }
}

impl Routing {
    /// Before the first table.
    pub(crate) fn empty() -> Self {
        Self {
            table: None,
            directories: BTreeMap::new(),
            passages: BTreeMap::new(),
            routes: vec![],
            redirects: vec![],
            services: BTreeMap::new(),
            expressions: Arc::default(),
        }
    }

    /// Makes a table ready for so many threads and carries over what `before` has learnt.
    pub(crate) fn of(table: Table, before: &Self, now: Timestamp, threads: usize) -> Self {
        let services: BTreeMap<ServiceId, Arc<Service>> = table
            .services
            .iter()
            .map(|(id, service)| {
                (id.clone(), Arc::new(Service::of(id, service, &table, before, now, threads)))
            })
            .collect();
        let mut expressions = Expressions::after(&before.expressions);
        let routes = routes(&table, before, &services, &mut expressions);
        let redirects = redirects(&table, before);
        let passages = passages(&table, before, &services);
        let directories = directories(&table, &routes, &redirects, &mut expressions);
        let expressions = expressions.settled();
        Self { table: Some(Arc::new(table)), directories, passages, routes, redirects, services, expressions }
    }

    /// The generation in force; 0 before the first table.
    pub(crate) fn generation(&self) -> u64 {
        self.table.as_ref().map_or(0, |table| table.generation)
    }

    /// All routes.
    pub(crate) fn routes(&self) -> impl Iterator<Item = &Arc<Route>> {
        self.routes.iter().chain(self.passages.values())
    }

    /// All redirects.
    pub(crate) fn redirects(&self) -> impl Iterator<Item = &Arc<Elsewhere>> {
        self.redirects.iter()
    }
}

impl Service {
    fn of(
        id: &ServiceId,
        table: &ServiceTable,
        whole: &Table,
        before: &Routing,
        now: Timestamp,
        threads: usize,
    ) -> Self {
        let held = before.services.get(id);
        let policy = policy(table.probe.as_ref());
        // Whoever is to be connected to otherwise is another instance, and none of its connections is of use.
        let same = held.filter(|held| held.terms == table.tls && held.proxy == table.proxy_protocol);
        let outward = match same {
            Some(held) => held.outward.clone(),
            None => table.tls.as_ref().map(|terms| {
                let outward = Arc::new(Outward::new(terms));
                outward.kept().watch();
                outward
            }),
        };
        let seat = |(instance, member): (&InstanceId, &Member)| {
            let known = same.and_then(|held| {
                let known = |each: &&Seat| {
                    each.instance.id == *instance && each.instance.dial.address == member.address
                };
                held.members.iter().find(known).map(|each| Arc::clone(&each.instance))
            });
            let fresh = || {
                let dial = Dial::new(member.address.clone(), outward.clone(), table.proxy_protocol);
                let fresh = Arc::new(Instance::new(instance.clone(), dial, policy, threads));
                names::follow(&fresh);
                fresh
            };
            let instance = known.unwrap_or_else(fresh);
            instance.adopt(policy, member.share);
            Seat { instance, share: member.share, places: member.places.clone() }
        };
        let members = table.members.iter().map(seat).collect();
        Self {
            id: id.clone(),
            probe: table.probe.clone().filter(is_ours),
            members,
            terms: table.tls.clone(),
            proxy: table.proxy_protocol,
            outward,
            panic_below: whole.panic_below,
            purse: held.map_or_else(|| Arc::new(Purse::new(now)), |held| Arc::clone(&held.purse)),
            turns: Mutex::default(),
        }
    }

    /// How long one of its instances may be silent, with a request waiting, before it is suspected. An instance that is
    /// probed is heard once in a pause; one that is not is heard by traffic only. Never more than half of the
    /// route's time, so that there is time for another.
    pub(crate) fn silence(&self, timeout: Duration) -> Duration {
        let own = match &self.probe {
            Some(probe) => (probe.every + probe.timeout).max(Duration::from_millis(500)),
            None => SILENCE.min(timeout / 3),
        };
        own.min(timeout / 2)
    }
}

fn is_ours(probe: &ProbeSpec) -> bool {
    probe.check != Check::Process
}

fn policy(probe: Option<&ProbeSpec>) -> EjectionPolicy {
    let usual = EjectionPolicy::default();
    match probe.filter(|probe| is_ours(probe)) {
        Some(probe) => {
            EjectionPolicy { fall: probe.fall.max(1), rise: probe.rise.max(1), probed: true, ..usual }
        }
        None => EjectionPolicy { probed: false, ..usual },
    }
}
