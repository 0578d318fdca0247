//! A route table made ready to serve. It is replaced as a whole; what its parts have learnt is carried over.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use dinghai_clock::Timestamp;
use dinghai_estate::{Check, InstanceId, ListenerId, PlaceId, ProbeSpec, RouteId, ServiceId};
use dinghai_limits::{EjectionPolicy, RetryBudget, RoundRobin};
use dinghai_wire::{Member, ServiceTable, Table, TableRoute};

use crate::counters::Counters;
use crate::defaults::SILENCE;
use crate::instance::Instance;

/// A table in force.
pub(crate) struct Routing {
    pub(crate) table: Option<Arc<Table>>,
    pub(crate) listeners: BTreeMap<ListenerId, Vec<Arc<Route>>>,
    pub(crate) services: BTreeMap<ServiceId, Arc<Service>>,
}

/// A route in force.
pub(crate) struct Route {
    pub(crate) spec: TableRoute,
    pub(crate) service: Arc<Service>,
    pub(crate) counters: Arc<Counters>,
}

/// A service in force.
pub(crate) struct Service {
    pub(crate) id: ServiceId,
    pub(crate) probe: Option<ProbeSpec>,
    pub(crate) members: Vec<Seat>,
    pub(crate) panic_below: f64,
    pub(crate) purse: Arc<Purse>,
    pub(crate) turns: Mutex<RoundRobin>,
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
    pub(crate) const fn empty() -> Self {
        Self { table: None, listeners: BTreeMap::new(), services: BTreeMap::new() }
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
        let mut listeners: BTreeMap<ListenerId, Vec<Arc<Route>>> =
            table.listeners.keys().map(|id| (id.clone(), vec![])).collect();
        for spec in &table.routes {
            let (Some(routes), Some(service)) = (listeners.get_mut(&spec.listener), services.get(&spec.to))
            else {
                continue;
            };
            let counters = before.counters(&spec.id).unwrap_or_default();
            routes.push(Arc::new(Route { spec: spec.clone(), service: Arc::clone(service), counters }));
        }
        for routes in listeners.values_mut() {
            // A stated host before any host, then the longest path: the first match is the one.
            routes.sort_by_key(|route| {
                (route.spec.host.is_none(), std::cmp::Reverse(route.spec.path.trim_end_matches('/').len()))
            });
        }
        Self { table: Some(Arc::new(table)), listeners, services }
    }

    /// The generation in force; 0 before the first table.
    pub(crate) fn generation(&self) -> u64 {
        self.table.as_ref().map_or(0, |table| table.generation)
    }

    /// All routes.
    pub(crate) fn routes(&self) -> impl Iterator<Item = &Arc<Route>> {
        self.listeners.values().flatten()
    }

    fn counters(&self, route: &RouteId) -> Option<Arc<Counters>> {
        self.routes().find(|held| held.spec.id == *route).map(|held| Arc::clone(&held.counters))
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
        let seat = |(instance, member): (&InstanceId, &Member)| {
            let known = held.and_then(|held| {
                let known =
                    |each: &&Seat| each.instance.id == *instance && each.instance.address == member.address;
                held.members.iter().find(known).map(|each| Arc::clone(&each.instance))
            });
            let fresh = || Arc::new(Instance::new(instance.clone(), member.address.clone(), policy, threads));
            let instance = known.unwrap_or_else(fresh);
            instance.adopt(policy, member.share);
            Seat { instance, share: member.share, places: member.places.clone() }
        };
        Self {
            id: id.clone(),
            probe: table.probe.clone().filter(is_ours),
            members: table.members.iter().map(seat).collect(),
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
