//! The fold of observations.
//!
//! Senses hold what each vantage point last said of each instance of one estate. They can be rebuilt at any time by
//! listening again; nothing in them is worth keeping over a restart. An observation of something that the estate does
//! not declare is ignored, and so is the same observation given twice. *We could not ask* says nothing about what
//! was to be asked.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use dinghai_clock::Timestamp;
use dinghai_estate::{Check, Estate, GatewayId, InstanceId, PlaceId, ProbeSpec};
use dinghai_record::{Cause, Observation, ProcessState, Seen, Subject, Traffic, UnitSelf, Vantage, World};

use crate::view::{REPORT_STALE, Rules, View};
use crate::{sight, traffic};

/// What was heard so far. Feed it with [`Senses::observe`] and look with [`Senses::world`].
#[derive(Clone, Debug)]
pub struct Senses {
    watched: BTreeMap<InstanceId, Watched>,
    gateways: BTreeSet<GatewayId>,
    heard: BTreeMap<Vantage, Timestamp>,
    shares: BTreeMap<GatewayId, BTreeMap<InstanceId, u8>>,
    lost_places: Option<BTreeSet<PlaceId>>,
    units: BTreeMap<Vantage, UnitSelf>,
    traffic: Arc<Traffic>,
    began: Option<Timestamp>,
}

/// What was heard of one instance.
#[derive(Clone, Debug, Default)]
pub(crate) struct Watched {
    pub(crate) probe: Option<ProbeSpec>,
    pub(crate) views: BTreeMap<Vantage, View>,
    pub(crate) process: Option<Process>,
}

/// A process as the hand last told it.
#[derive(Clone, Debug)]
pub(crate) struct Process {
    pub(crate) state: ProcessState,
    /// When it was last told, and since when it is so.
    pub(crate) heard: Timestamp,
    pub(crate) since: Timestamp,
    /// When it was seen to begin; none when it ran already when we first looked.
    pub(crate) began: Option<Timestamp>,
}

impl Watched {
    /// The process, when the hand was heard of it lately.
    pub(crate) fn process_now(&self, now: Timestamp) -> Option<&Process> {
        self.process.as_ref().filter(|process| now.since(process.heard) <= REPORT_STALE)
    }

    /// Whether a running process is the whole question.
    pub(crate) fn asks_for_the_process(&self) -> bool {
        matches!(&self.probe, Some(probe) if probe.check == Check::Process)
    }
}

impl Senses {
    /// Senses that have heard nothing yet.
    pub fn new(estate: &Estate) -> Self {
        let mut senses = Self {
            watched: BTreeMap::new(),
            gateways: BTreeSet::new(),
            heard: BTreeMap::new(),
            shares: BTreeMap::new(),
            lost_places: None,
            units: BTreeMap::new(),
            traffic: Arc::default(),
            began: None,
        };
        senses.adopt(estate);
        senses
    }

    /// Goes over to another estate: what both declare keeps what was heard of it, the rest is forgotten.
    pub fn adopt(&mut self, estate: &Estate) {
        self.gateways = estate.gateways.keys().cloned().collect();
        let mut before = std::mem::take(&mut self.watched);
        for (service, instance) in estate.instances() {
            let mut watched = before.remove(&instance.id).unwrap_or_default();
            watched.probe = estate.services.get(service).and_then(|service| service.probe.clone());
            watched.views.retain(|vantage, _| known(&self.gateways, vantage));
            if let Some(view) = watched.views.get_mut(&Vantage::Controller) {
                view.adopt(Rules::probed(watched.probe.as_ref()));
            }
            self.watched.insert(instance.id.clone(), watched);
        }
        self.heard.retain(|vantage, _| known(&self.gateways, vantage));
        self.units.retain(|vantage, _| known(&self.gateways, vantage));
        self.shares.retain(|gateway, _| self.gateways.contains(gateway));
        Arc::make_mut(&mut self.traffic).routes.retain(|gateway, _| self.gateways.contains(gateway));
    }

    /// Takes in one observation.
    pub fn observe(&mut self, observation: &Observation) {
        let Observation { at, vantage, about, seen } = observation;
        if !known(&self.gateways, vantage) {
            return;
        }
        self.began.get_or_insert(*at);
        let of_an_instance = matches!(about, Subject::Instance(_));
        match seen {
            Seen::NoAnswer(Cause::CouldNotAsk(_)) => return,
            // A unit that does not answer is not heard, whoever asked it.
            Seen::NoAnswer(_) if !of_an_instance => return,
            _ => {}
        }
        self.hear(vantage, *at);
        match (about, seen) {
            (Subject::Instance(instance), seen) => self.observe_instance(instance, vantage, *at, seen),
            (Subject::Gateway(gateway), Seen::Answer { .. }) => {
                self.hear(&Vantage::Gateway(gateway.clone()), *at);
            }
            (Subject::Hand, Seen::Answer { .. }) => self.hear(&Vantage::Hand, *at),
            (Subject::Gateway(_) | Subject::Hand, Seen::Unit(itself)) => {
                self.units.insert(vantage.clone(), itself.clone());
            }
            (Subject::Gateway(gateway), Seen::Shares(shares)) => {
                self.shares.insert(gateway.clone(), shares.clone());
            }
            (Subject::Gateway(gateway), Seen::Traffic(told)) => {
                traffic::take(Arc::make_mut(&mut self.traffic), gateway, told, *at);
            }
            (Subject::Hand, Seen::LostPlaces(places)) => self.lost_places = Some(places.clone()),
            _ => {}
        }
    }

    fn hear(&mut self, vantage: &Vantage, at: Timestamp) {
        if known(&self.gateways, vantage) {
            let heard = self.heard.entry(vantage.clone()).or_insert(at);
            *heard = at.max(*heard);
        }
    }

    fn observe_instance(&mut self, instance: &InstanceId, vantage: &Vantage, at: Timestamp, seen: &Seen) {
        let Some(watched) = self.watched.get_mut(instance) else {
            return;
        };
        let rules = match vantage {
            Vantage::Controller => Rules::probed(watched.probe.as_ref()),
            Vantage::Gateway(_) | Vantage::Hand => Rules::judged(),
        };
        let view = || View::new(rules);
        match seen {
            Seen::Answer { took_us } => {
                watched.views.entry(vantage.clone()).or_insert_with(view).take(at, Ok(*took_us));
            }
            Seen::NoAnswer(cause) => {
                watched.views.entry(vantage.clone()).or_insert_with(view).take(at, Err(cause.clone()));
            }
            Seen::Ejected(cause) => {
                watched.views.entry(vantage.clone()).or_insert_with(view).rotate(at, Some(cause.clone()));
            }
            Seen::Readmitted => {
                watched.views.entry(vantage.clone()).or_insert_with(view).rotate(at, None);
            }
            Seen::Process(state) => watched.observe_process(at, state),
            Seen::Unit(_) | Seen::Shares(_) | Seen::LostPlaces(_) | Seen::Traffic(_) => {}
        }
    }

    /// The world as it is known at `now`. What was not heard for too long is unknown in it.
    pub fn world(&self, now: Timestamp) -> World {
        let hand_is_heard = self.heard.get(&Vantage::Hand).is_some_and(|at| now.since(*at) <= REPORT_STALE);
        World {
            at: now,
            instances: self
                .watched
                .iter()
                .filter(|(_, watched)| !watched.views.is_empty() || watched.process.is_some())
                .map(|(id, watched)| (id.clone(), sight::combine(watched, now)))
                .collect(),
            heard: self.heard.clone(),
            units: self.units.clone(),
            shares: self.shares.clone(),
            lost_places: self.lost_places.clone().filter(|_| hand_is_heard),
            traffic: Arc::clone(&self.traffic),
        }
    }

    pub(crate) fn watched(&self, instance: &InstanceId) -> Option<&Watched> {
        self.watched.get(instance)
    }

    /// When anything was first heard.
    pub(crate) fn began(&self) -> Option<Timestamp> {
        self.began
    }
}

impl Watched {
    fn observe_process(&mut self, at: Timestamp, state: &ProcessState) {
        let runs = |state: &ProcessState| matches!(state, ProcessState::Running { .. });
        match &mut self.process {
            Some(process) if at < process.heard => {}
            Some(process) if process.state == *state => process.heard = at,
            Some(process) => {
                let began = runs(state).then_some(at);
                *process = Process { state: state.clone(), heard: at, since: at, began };
            }
            None => {
                self.process = Some(Process { state: state.clone(), heard: at, since: at, began: None });
            }
        }
    }
}

fn known(gateways: &BTreeSet<GatewayId>, vantage: &Vantage) -> bool {
    match vantage {
        Vantage::Gateway(gateway) => gateways.contains(gateway),
        Vantage::Controller | Vantage::Hand => true,
    }
}
