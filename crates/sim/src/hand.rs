//! Orders carried out on the simulated world, the gateways' and the hand's alike.
//!
//! Every order passes the laws on its way: whether it was journalled, and whether it takes a service below its minimum.
//! An order that has arrived is carried out whether the one who gave it lives on or not, and done once by its key.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use dinghai_clock::{Clock, Rng};
use dinghai_estate::{InstanceId, PlaceId, Restart};
use dinghai_ports::{ActError, Actuator};
use dinghai_record::{Action, Fault, FaultOrder, Fence, Looked, Order, Performed, Reason};

use crate::laws::{Defect, Laws};
use crate::truth::{Process, Truth};

/// How often the hand looks after processes and leases by itself.
const CARE: Duration = Duration::from_millis(500);

/// The shortest and longest way of an order to a unit, and work on it, in milliseconds each.
const TAKES_MS: (u64, u64) = (10, 110);

/// Carries orders out. Clones are the same hand, which outlives controllers.
#[derive(Clone)]
pub(crate) struct SimulatedHand {
    truth: Truth,
    laws: Arc<Laws>,
    defect: Option<Defect>,
    seed: u64,
    orders: Arc<Mutex<Orders>>,
}

/// By the orders' keys.
#[derive(Default)]
struct Orders {
    under_way: BTreeSet<String>,
    done: BTreeMap<String, Performed>,
    highest: Option<Fence>,
}

impl SimulatedHand {
    pub(crate) fn new(truth: Truth, laws: Arc<Laws>, defect: Option<Defect>, seed: u64) -> Self {
        Self { truth, laws, defect, seed, orders: Arc::default() }
    }

    /// What the hand does with nobody to order it: it starts what it is to start again, and mends expired faults.
    pub(crate) async fn live(self) {
        let mut ticks = tokio::time::interval(CARE);
        let its_own = |each: &dinghai_estate::Instance| {
            each.run.as_ref().is_some_and(|run| run.restart == Restart::Hand)
        };
        loop {
            ticks.tick().await;
            let now = self.truth.clock.now();
            for (_, instance) in self.truth.estate.instances().filter(|(_, each)| its_own(each)) {
                let killed = self.truth.state().processes.get(&instance.id) == Some(&Process::Killed);
                if killed && self.may_start(&instance.id).is_ok() {
                    self.truth.state().start(&instance.id, now);
                }
            }
            let expired: Vec<Fault> = self
                .truth
                .state()
                .leases
                .iter()
                .filter(|(_, until)| now >= *until)
                .map(|(fault, _)| fault.clone())
                .collect();
            expired.iter().for_each(|fault| self.mend(fault));
        }
    }

    fn orders(&self) -> MutexGuard<'_, Orders> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How long the order takes: drawn from its key, so that it does not depend on what else is going on.
    fn takes(&self, order: &Order, salt: u64) -> Duration {
        let key =
            order.key().bytes().fold(salt, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)));
        let (least, most) = TAKES_MS;
        Duration::from_millis(least + Rng::seeded(self.seed ^ key).below(most - least))
    }

    fn reachable(&self, action: &Action) -> Result<(), ActError> {
        let state = self.truth.state();
        let gone = match action {
            Action::Weigh(_) | Action::Drain(_) => state.gateways.values().any(|gateway| gateway.unreachable),
            _ => state.hand_unreachable,
        };
        if gone { Err(ActError::NoAnswer("out of reach".to_owned())) } else { Ok(()) }
    }

    /// Whether whoever carries the action out takes orders from this controller, and any at all.
    fn obeys(&self, order: &Order) -> Result<(), ActError> {
        let mut orders = self.orders();
        if let Some(seen) = orders.highest.as_ref().filter(|seen| !seen.admits(&order.fence)) {
            return Err(ActError::Stale { got: order.fence.clone(), seen: seen.clone() });
        }
        orders.highest = Some(order.fence.clone());
        let state = self.truth.state();
        let halted = match &order.action {
            Action::Mend(_) => false,
            Action::Weigh(_) | Action::Drain(_) => state.gateways.values().any(|gateway| gateway.halted),
            _ => state.hand_halted,
        };
        if halted { Err(ActError::Halted) } else { Ok(()) }
    }

    async fn carry_out(self, order: Order) -> Result<Performed, ActError> {
        let key = order.key();
        if !self.orders().under_way.insert(key.clone()) {
            return Err(ActError::NoAnswer("it is being done".to_owned()));
        }
        tokio::time::sleep(self.takes(&order, 2)).await;
        let done = self.do_once(&order, &key);
        self.orders().under_way.remove(&key);
        done
    }

    fn do_once(&self, order: &Order, key: &str) -> Result<Performed, ActError> {
        self.obeys(order)?;
        if let Some(done) = self.orders().done.get(key) {
            return Ok(done.clone());
        }
        self.laws.order_is_journalled(order, self.truth.clock.now());
        let before = self.laws.surely_serving(&self.truth);
        let changed = self.act(&order.action)?;
        if self.defect == Some(Defect::HeavyHand)
            && let Action::Start(started) = &order.action
        {
            let mut state = self.truth.state();
            let others =
                self.truth.estate.instances().map(|(_, each)| &each.id).filter(|id| !started.contains(id));
            for id in others {
                state.processes.insert(id.clone(), Process::Stopped);
            }
        }
        self.laws.minimum_is_held(&self.truth, &before, order);
        let performed = Performed { changed, notes: vec![] };
        self.orders().done.insert(key.to_owned(), performed.clone());
        Ok(performed)
    }

    /// Does it, and says whether anything changed.
    fn act(&self, action: &Action) -> Result<bool, ActError> {
        let now = self.truth.clock.now();
        match action {
            Action::Weigh(weights) => {
                let mut changed = false;
                for gateway in self.truth.state().gateways.values_mut() {
                    for (instance, share) in weights {
                        if let Some(had) = gateway.shares.get_mut(instance) {
                            changed |= std::mem::replace(had, *share) != *share;
                        }
                    }
                }
                Ok(changed)
            }
            Action::Start(instances) => self.each(instances, |id| {
                self.may_start(id)?;
                Ok(self.truth.state().start(id, now))
            }),
            Action::Stop(instances) => self.each(instances, |id| Ok(self.stop(id))),
            Action::Restart(instances) => self.each(instances, |id| {
                self.may_start(id)?;
                self.stop(id);
                Ok(self.truth.state().start(id, now))
            }),
            Action::Break(order) => Ok(self.strike(order)),
            Action::Mend(fault) => {
                self.mend(fault);
                Ok(true)
            }
            Action::Drain(_) | Action::Warm { .. } | Action::Exec { .. } | Action::Http { .. } => Ok(false),
            Action::Await(_) | Action::Hold { .. } => {
                Err(ActError::Refused(Reason::new("not-a-hands-order")))
            }
        }
    }

    fn each(
        &self,
        instances: &[InstanceId],
        act: impl Fn(&InstanceId) -> Result<bool, ActError>,
    ) -> Result<bool, ActError> {
        instances.iter().try_fold(false, |changed, id| Ok(act(id)? | changed))
    }

    fn may_start(&self, id: &InstanceId) -> Result<(), ActError> {
        if self.truth.is_theirs(id) {
            return Err(ActError::Refused(Reason::new("not-in-charge").with("instance", id)));
        }
        let state = self.truth.state();
        let lost =
            |place: &&PlaceId| state.held_places.contains(*place) || state.dead_places.contains(*place);
        if let Some(place) = self.truth.places(id).find(lost) {
            return Err(ActError::Refused(Reason::new("place-held-lost").with("place", place)));
        }
        match state.spoilt.contains(id) {
            true => Err(ActError::Failed(Reason::new("cannot-be-started").with("instance", id))),
            false => Ok(()),
        }
    }

    fn stop(&self, id: &InstanceId) -> bool {
        let stopped = self.truth.state().processes.insert(id.clone(), Process::Stopped);
        matches!(stopped, Some(Process::Running(_) | Process::Hung))
    }

    fn strike(&self, order: &FaultOrder) -> bool {
        let mut state = self.truth.state();
        state.leases.push((order.fault.clone(), self.truth.clock.now().plus(order.lease)));
        match &order.fault {
            Fault::KillInstance(id) => state.kill(id),
            Fault::HangInstance(id) => state.hang(id),
            Fault::KillPlace { place, instances } => {
                state.held_places.insert(place.clone());
                instances.iter().fold(false, |changed, id| state.kill(id) | changed)
            }
        }
    }

    fn mend(&self, fault: &Fault) {
        let now = self.truth.clock.now();
        let mut state = self.truth.state();
        state.leases.retain(|(leased, _)| leased != fault);
        match fault {
            Fault::KillInstance(_) => {}
            Fault::HangInstance(id) => state.wake(id, now),
            Fault::KillPlace { place, .. } => {
                state.held_places.remove(place);
            }
        }
    }
}

#[async_trait]
impl Actuator for SimulatedHand {
    async fn perform(&self, order: &Order) -> Result<Performed, ActError> {
        tokio::time::sleep(self.takes(order, 1)).await;
        self.reachable(&order.action)?;
        // It has arrived: what becomes of the one who gave it does not matter any more.
        let carried_out = tokio::spawn(self.clone().carry_out(order.clone()));
        let done = carried_out.await.map_err(|error| ActError::NoAnswer(error.to_string()))?;
        // The answer itself may be lost on the way back.
        self.reachable(&order.action)?;
        done
    }

    async fn look(&self, order: &Order) -> Result<Looked, ActError> {
        tokio::time::sleep(self.takes(order, 3)).await;
        self.reachable(&order.action)?;
        let orders = self.orders();
        if orders.under_way.contains(&order.key()) {
            return Ok(Looked::InProgress);
        }
        Ok(orders.done.get(&order.key()).cloned().map_or(Looked::NotDone, Looked::Done))
    }
}
