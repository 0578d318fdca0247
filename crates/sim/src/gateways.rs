//! The simulated gateways: they probe, eject and count by themselves, whether a controller lives and hears them or not.
//!
//! Traffic finds a refused connection at once and a hung instance at the first timeouts. A request that meets a dead
//! instance is rescued by another one; it fails when a service that it cannot do without has nobody left. Users come
//! once a route has answered for the first time.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use dinghai_clock::{Clock, Timestamp};
use dinghai_estate::{Estate, GatewayId, InstanceId, NeedKind, RouteId, ServiceId};
use dinghai_record::{Cause, Health, Second};

use crate::truth::{State, Truth};

/// How often a gateway looks round.
pub(crate) const TICK: Duration = Duration::from_millis(100);

/// Requests that each route has in each tick.
const REQUESTS: u64 = 10;

/// How long an instance hangs before requests to it have timed out.
const TIMED_OUT: Duration = Duration::from_millis(600);

/// Whole seconds that a gateway remembers.
const SECONDS: usize = 120;

/// One gateway.
#[derive(Default)]
pub(crate) struct GatewayState {
    /// What it serves, in percent of declared weights.
    pub(crate) shares: BTreeMap<InstanceId, u8>,
    /// What it thinks of each instance.
    pub(crate) health: BTreeMap<InstanceId, Health>,
    /// What it has out of rotation.
    pub(crate) ejected: BTreeSet<InstanceId>,
    /// What it did by itself: when, to which instance, and why when it ejected it.
    pub(crate) reflexes: Vec<(Timestamp, InstanceId, Option<Cause>)>,
    /// What passed in whole seconds, oldest first.
    pub(crate) seconds: BTreeMap<RouteId, VecDeque<Second>>,
    /// Whether the controller cannot reach it.
    pub(crate) unreachable: bool,
    /// Whether automatons are halted at it.
    pub(crate) halted: bool,
    hung_since: BTreeMap<InstanceId, Timestamp>,
    /// The second that is not over yet, of each route that users have come to.
    current: BTreeMap<RouteId, Second>,
}

impl GatewayState {
    /// A gateway with the shares as declared, of the services that it has routes to.
    pub(crate) fn new(estate: &Estate, id: &GatewayId) -> Self {
        let routes = || estate.gateways.get(id).into_iter().flat_map(|gateway| &gateway.routes);
        let targets: BTreeSet<&ServiceId> = routes().map(|route| &route.to).collect();
        let shares = estate
            .instances()
            .filter(|(service, _)| targets.contains(service))
            .map(|(_, instance)| (instance.id.clone(), if instance.spare { 0 } else { 100 }))
            .collect();
        Self { shares, ..Self::default() }
    }

    fn look(&mut self, instance: &InstanceId, answer: Result<(), Cause>, now: Timestamp) {
        let says = match answer {
            Ok(()) => {
                self.hung_since.remove(instance);
                Health::Up
            }
            Err(Cause::Timeout) => {
                let since = *self.hung_since.entry(instance.clone()).or_insert(now);
                if now.since(since) < TIMED_OUT {
                    return;
                }
                Health::Down(Cause::Timeout)
            }
            Err(cause) => Health::Down(cause),
        };
        let serves = self.shares.get(instance).is_some_and(|share| *share > 0);
        let was_up = self.health.get(instance) == Some(&Health::Up);
        match &says {
            Health::Down(cause) if was_up && serves && self.ejected.insert(instance.clone()) => {
                self.reflexes.push((now, instance.clone(), Some(cause.clone())));
            }
            Health::Up if self.ejected.remove(instance) => self.reflexes.push((now, instance.clone(), None)),
            _ => {}
        }
        self.health.insert(instance.clone(), says);
    }

    fn count(&mut self, route: &RouteId, fails: bool, rescues: u64, now: Timestamp) {
        if fails && !self.current.contains_key(route) {
            return;
        }
        let at_s = now.as_micros().div_euclid(1_000_000);
        let current =
            self.current.entry(route.clone()).or_insert_with(|| Second { at_s, ..Second::default() });
        if current.at_s != at_s {
            let whole = std::mem::replace(current, Second { at_s, ..Second::default() });
            let log = self.seconds.entry(route.clone()).or_default();
            log.push_back(whole);
            while log.len() > SECONDS {
                log.pop_front();
            }
        }
        current.requests += REQUESTS;
        if fails {
            current.failed += REQUESTS;
            current.last_failure = Some(now);
        } else {
            current.rescued += rescues;
        }
    }
}

/// Lives for as long as the world does.
pub(crate) async fn live(truth: Truth) {
    let mut ticks = tokio::time::interval(TICK);
    let needs = needs(&truth.estate);
    loop {
        ticks.tick().await;
        let now = truth.clock.now();
        let mut state = truth.state();
        for (id, gateway) in &truth.estate.gateways {
            let Some(members) =
                state.gateways.get(id).map(|each| each.shares.keys().cloned().collect::<Vec<_>>())
            else {
                continue;
            };
            for instance in &members {
                let answer = state.answer(instance, now);
                if let Some(gateway) = state.gateways.get_mut(id) {
                    gateway.look(instance, answer, now);
                }
            }
            for route in &gateway.routes {
                let needed = needs.get(&route.to).into_iter().flatten();
                let fails = needed.into_iter().any(|service| nobody_answers(&truth, &state, service, now));
                let rescues = rescues(&truth, &state, id, &route.to, now);
                if let Some(gateway) = state.gateways.get_mut(id) {
                    gateway.count(&route.id, fails, rescues, now);
                }
            }
        }
    }
}

fn nobody_answers(truth: &Truth, state: &State, service: &ServiceId, now: Timestamp) -> bool {
    !truth.in_rotation(state, service).any(|id| state.answer(id, now).is_ok())
}

/// Requests of a tick that meet a dead instance which is not yet ejected.
fn rescues(truth: &Truth, state: &State, gateway: &GatewayId, service: &ServiceId, now: Timestamp) -> u64 {
    let ejected = state.gateways.get(gateway).map(|gateway| &gateway.ejected);
    let offered =
        || truth.in_rotation(state, service).filter(|id| !ejected.is_some_and(|out| out.contains(*id)));
    let dead = offered().filter(|id| state.answer(id, now).is_err()).count() as u64;
    let all = offered().count() as u64;
    (REQUESTS * dead).checked_div(all).unwrap_or(0)
}

/// By service, everything that it fails without, itself included.
fn needs(estate: &Estate) -> BTreeMap<ServiceId, BTreeSet<ServiceId>> {
    let all = |id: &ServiceId| {
        let (mut found, mut left) = (BTreeSet::new(), vec![id.clone()]);
        while let Some(next) = left.pop() {
            let needed = estate.services.get(&next).into_iter().flat_map(|service| &service.needs);
            let hard = needed.filter(|need| need.kind == NeedKind::Hard).map(|need| need.service.clone());
            if found.insert(next.clone()) {
                left.extend(hard);
            }
        }
        found
    };
    estate.services.keys().map(|id| (id.clone(), all(id))).collect()
}
