//! What is really so in the simulated world, and what happens to it.
//!
//! Nobody but the faults, the gateways and the hand changes it, and nobody but the eyes reads it: the engine knows only
//! what they report. Processes take time to boot, and a unit may be out of reach while it goes on.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use dinghai_clock::{Clock, Timestamp};
use dinghai_estate::{Estate, GatewayId, InstanceId, PlaceId, ServiceId};
use dinghai_record::{Cause, Fault, ProcessState};

use crate::clock::StageClock;
use crate::gateways::GatewayState;

/// How long a process takes from its start to its first answer.
pub(crate) const BOOT: Duration = Duration::from_millis(400);

/// One process.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Process {
    /// Never started, or stopped on order.
    Stopped,
    /// It was killed.
    Killed,
    /// There; it answers from this time on.
    Running(Timestamp),
    /// There, and it does nothing.
    Hung,
}

/// The simulated world. Clones are the same world.
#[derive(Clone)]
pub(crate) struct Truth {
    pub(crate) estate: Arc<Estate>,
    pub(crate) clock: StageClock,
    places: Arc<BTreeMap<InstanceId, BTreeSet<PlaceId>>>,
    /// Services that a gateway sends requests to.
    routed: Arc<BTreeSet<ServiceId>>,
    state: Arc<Mutex<State>>,
}

/// Everything that can change.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) processes: BTreeMap<InstanceId, Process>,
    /// When something that was not our order last broke each instance.
    pub(crate) broke: BTreeMap<InstanceId, Timestamp>,
    /// Places that are gone: nothing can be started there, and the hand knows it.
    pub(crate) dead_places: BTreeSet<PlaceId>,
    /// Places that a drill holds lost at the hand.
    pub(crate) held_places: BTreeSet<PlaceId>,
    /// Instances whose program is spoilt: they cannot be started.
    pub(crate) spoilt: BTreeSet<InstanceId>,
    /// Faults of ours, and when the hand mends each by itself.
    pub(crate) leases: Vec<(Fault, Timestamp)>,
    pub(crate) gateways: BTreeMap<GatewayId, GatewayState>,
    /// Whether the hand cannot be reached. It goes on by itself.
    pub(crate) hand_unreachable: bool,
    /// Whether the controller's own network is gone: its probes cannot be asked.
    pub(crate) controller_blind: bool,
    /// Whether automatons are halted at the hand.
    pub(crate) hand_halted: bool,
}

impl State {
    /// Whether it answers at `now`, or why not.
    pub(crate) fn answer(&self, instance: &InstanceId, now: Timestamp) -> Result<(), Cause> {
        match self.processes.get(instance) {
            Some(Process::Running(from)) if now >= *from => Ok(()),
            Some(Process::Hung) => Err(Cause::Timeout),
            _ => Err(Cause::Refused),
        }
    }

    /// Kills a process, if there is one.
    pub(crate) fn kill(&mut self, instance: &InstanceId) -> bool {
        match self.processes.get_mut(instance) {
            Some(process @ (Process::Running(_) | Process::Hung)) => {
                *process = Process::Killed;
                true
            }
            _ => false,
        }
    }

    /// Hangs a process, if there is one that does something.
    pub(crate) fn hang(&mut self, instance: &InstanceId) -> bool {
        match self.processes.get_mut(instance) {
            Some(process @ Process::Running(_)) => {
                *process = Process::Hung;
                true
            }
            _ => false,
        }
    }

    /// Lets a hung process go on.
    pub(crate) fn wake(&mut self, instance: &InstanceId, now: Timestamp) {
        if let Some(process @ Process::Hung) = self.processes.get_mut(instance) {
            *process = Process::Running(now);
        }
    }

    /// Starts a process that does not run; false when it runs already.
    pub(crate) fn start(&mut self, instance: &InstanceId, now: Timestamp) -> bool {
        match self.processes.get_mut(instance) {
            Some(process @ (Process::Stopped | Process::Killed)) => {
                *process = Process::Running(now.plus(BOOT));
                true
            }
            _ => false,
        }
    }
}

impl Truth {
    /// Shares as declared. What is ours to run is stopped, what others run is up.
    pub(crate) fn new(estate: Arc<Estate>, clock: StageClock) -> Self {
        let routes = || estate.gateways.values().flat_map(|gateway| &gateway.routes);
        let routed: BTreeSet<ServiceId> = routes().map(|route| route.to.clone()).collect();
        let process = |each: &dinghai_estate::Instance| match each.run.is_some() || each.spare {
            true => Process::Stopped,
            false => Process::Running(clock.now()),
        };
        let state = State {
            processes: estate.instances().map(|(_, each)| (each.id.clone(), process(each))).collect(),
            gateways: estate.gateways.keys().map(|id| (id.clone(), GatewayState::new(&estate, id))).collect(),
            ..State::default()
        };
        let places =
            estate.instances().map(|(_, each)| (each.id.clone(), estate.places_around(each))).collect();
        let state = Arc::new(Mutex::new(state));
        Self { estate, clock, places: Arc::new(places), routed: Arc::new(routed), state }
    }

    /// The state, to look at or to change.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The places around an instance.
    pub(crate) fn places(&self, instance: &InstanceId) -> impl Iterator<Item = &PlaceId> {
        self.places.get(instance).into_iter().flatten()
    }

    /// The instances at a place, spares included.
    pub(crate) fn at(&self, place: &PlaceId) -> Vec<InstanceId> {
        let there = self.places.iter().filter(|(_, around)| around.contains(place));
        there.map(|(id, _)| id.clone()).collect()
    }

    /// Whether the process of an instance is others' to start.
    pub(crate) fn is_theirs(&self, instance: &InstanceId) -> bool {
        self.estate.instance(instance).is_some_and(|(_, each)| each.run.is_none())
    }

    /// What the hand says of its process.
    pub(crate) fn process(&self, instance: &InstanceId) -> ProcessState {
        match self.state().processes.get(instance) {
            Some(Process::Running(_) | Process::Hung) => ProcessState::Running { pid: 1 },
            Some(Process::Killed) => ProcessState::Exited { code: None, signal: Some(9) },
            Some(Process::Stopped) | None => ProcessState::Stopped,
        }
    }

    /// The instances of a service to which requests may be sent: those with a share at a gateway, and all of a service
    /// that no gateway serves.
    pub(crate) fn in_rotation<'a>(
        &'a self,
        state: &'a State,
        service: &'a ServiceId,
    ) -> impl Iterator<Item = &'a InstanceId> {
        let declared = self.estate.services.get(service).into_iter().flat_map(|service| &service.instances);
        let routed = self.routed.contains(service);
        let has_share = move |id: &InstanceId| {
            !routed
                || state
                    .gateways
                    .values()
                    .any(|gateway| gateway.shares.get(id).is_some_and(|share| *share > 0))
        };
        declared.map(|each| &each.id).filter(move |id| has_share(id))
    }
}
