//! Steps as plans of ours are built from them: each with its undo, its check and the time it may take.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use dinghai_estate::{ActionKind, Estate, InstanceId, PlaceId, ServiceId};
use dinghai_record::{Action, Condition, Step, StepClass, StepNo};

/// A gateway takes a new table in within this, or does not answer.
const WEIGH_WITHIN: Duration = Duration::from_secs(10);
/// Requests under way to an instance that is about to be stopped have this long to end.
const DRAIN_WITHIN: Duration = Duration::from_secs(30);
/// A started process answers its probe within this.
const START_WITHIN: Duration = Duration::from_secs(60);
/// The place that was lost comes back within this; a person has to look after it.
const AWAIT_WITHIN: Duration = Duration::from_secs(6 * 3600);
/// Restarted instances have to answer for this long without a break.
const SETTLED: Duration = Duration::from_secs(1);
/// Requests that warm an instance, and how long they may take.
const WARM_REQUESTS: u32 = 20;
const WARM_WITHIN: Duration = Duration::from_secs(60);
/// Beyond the time that a process may take to end.
const STOP_MARGIN: Duration = Duration::from_secs(10);

/// A plan's steps in the making.
pub(crate) struct Steps<'a> {
    estate: &'a Estate,
    steps: Vec<Step>,
}

impl<'a> Steps<'a> {
    pub(crate) fn new(estate: &'a Estate) -> Self {
        Self { estate, steps: Vec::new() }
    }

    fn push(&mut self, action: Action, class: StepClass, verify: Option<Condition>, within: Duration) {
        let no = StepNo(self.steps.len() as u64 + 1);
        self.steps.push(Step { no, action, class, verify, within });
    }

    /// Gives these shares; taking it back gives those.
    pub(crate) fn weigh(&mut self, shares: BTreeMap<InstanceId, u8>, back: BTreeMap<InstanceId, u8>) {
        if !shares.is_empty() {
            let undo = StepClass::Reversible(Box::new(Action::Weigh(back)));
            let verify = Some(Condition::Weighed(shares.clone()));
            self.push(Action::Weigh(shares), undo, verify, WEIGH_WITHIN);
        }
    }

    /// Lets requests under way to these come to their end.
    pub(crate) fn drain(&mut self, instances: &BTreeSet<InstanceId>) {
        if !instances.is_empty() {
            self.push(
                Action::Drain(instances.iter().cloned().collect()),
                StepClass::NoAct,
                None,
                DRAIN_WITHIN,
            );
        }
    }

    /// Starts what does not run.
    pub(crate) fn start(&mut self, instances: &BTreeSet<InstanceId>) {
        for (ids, verify) in self.by_probe(instances, Duration::ZERO) {
            let undo = StepClass::Reversible(Box::new(Action::Stop(ids.clone())));
            self.push(Action::Start(ids), undo, Some(verify), START_WITHIN);
        }
    }

    /// Stops what runs.
    pub(crate) fn stop(&mut self, instances: &BTreeSet<InstanceId>) {
        if !instances.is_empty() {
            let ids: Vec<InstanceId> = instances.iter().cloned().collect();
            let within = self.stop_within(&ids) + STOP_MARGIN;
            let undo = StepClass::Reversible(Box::new(Action::Start(ids.clone())));
            self.push(Action::Stop(ids.clone()), undo, Some(Condition::Stopped(ids)), within);
        }
    }

    /// Stops what runs and starts all. A process that is stopped by a signal ends only when the hand's patience does,
    /// so the longest time to stop counts in.
    pub(crate) fn restart(&mut self, instances: &BTreeSet<InstanceId>) {
        for (ids, verify) in self.by_probe(instances, SETTLED) {
            let within = self.stop_within(&ids) + START_WITHIN;
            let undo = StepClass::Compensable(Box::new(Action::Stop(ids.clone())));
            self.push(Action::Restart(ids), undo, Some(verify), within);
        }
    }

    /// Warms those that answer over HTTP.
    pub(crate) fn warm(&mut self, instances: &BTreeSet<InstanceId>) {
        let over_http = |id: &&InstanceId| {
            let probe = self.service(id).and_then(|service| service.probe.as_ref());
            probe.is_some_and(|probe| matches!(probe.check, dinghai_estate::Check::Http(_)))
        };
        let instances: Vec<InstanceId> = instances.iter().filter(over_http).cloned().collect();
        if !instances.is_empty() {
            let action = Action::Warm { instances, requests: WARM_REQUESTS };
            self.push(action, StepClass::NoAct, None, WARM_WITHIN);
        }
    }

    pub(crate) fn await_release(&mut self, place: &PlaceId) {
        let action = Action::Await(Condition::PlaceReleased(place.clone()));
        self.push(action, StepClass::NoAct, None, AWAIT_WITHIN);
    }

    pub(crate) fn await_answers(&mut self, instances: &BTreeSet<InstanceId>) {
        if !instances.is_empty() {
            let instances = instances.iter().cloned().collect();
            let action = Action::Await(Condition::Answering { instances, lasting: SETTLED });
            self.push(action, StepClass::NoAct, None, AWAIT_WITHIN);
        }
    }

    pub(crate) fn done(self) -> Vec<Step> {
        self.steps
    }

    /// Those that are probed are verified by their answers, the others by their processes.
    fn by_probe(
        &self,
        instances: &BTreeSet<InstanceId>,
        lasting: Duration,
    ) -> Vec<(Vec<InstanceId>, Condition)> {
        let probed = |id: &InstanceId| self.service(id).is_some_and(|service| service.probe.is_some());
        let (answering, running): (Vec<_>, Vec<_>) = instances.iter().cloned().partition(probed);
        let mut parts = Vec::new();
        if !answering.is_empty() {
            parts.push((answering.clone(), Condition::Answering { instances: answering, lasting }));
        }
        if !running.is_empty() {
            parts.push((running.clone(), Condition::Running(running)));
        }
        parts
    }

    fn service(&self, id: &InstanceId) -> Option<&'a dinghai_estate::Service> {
        let (service, _) = self.estate.instance(id)?;
        self.estate.services.get(service)
    }

    fn stop_within(&self, ids: &[InstanceId]) -> Duration {
        ids.iter()
            .filter_map(|id| self.estate.instance(id)?.1.run.as_ref())
            .map(|run| run.stop_within)
            .max()
            .unwrap_or_default()
    }
}

/// The instances that an action acts on.
pub(crate) fn acted_on(action: &Action) -> Vec<&InstanceId> {
    match action {
        Action::Weigh(shares) => shares.keys().collect(),
        Action::Drain(ids) | Action::Start(ids) | Action::Stop(ids) | Action::Restart(ids) => {
            ids.iter().collect()
        }
        Action::Warm { instances, .. } => instances.iter().collect(),
        Action::Break(order) => order.fault.instances().iter().collect(),
        Action::Await(_)
        | Action::Hold { .. }
        | Action::Exec { .. }
        | Action::Http { .. }
        | Action::Mend(_) => Vec::new(),
    }
}

/// The kinds of autonomy that these steps need, by service.
pub(crate) fn needs(estate: &Estate, steps: &[Step]) -> BTreeMap<ServiceId, BTreeSet<ActionKind>> {
    let mut needs: BTreeMap<ServiceId, BTreeSet<ActionKind>> = BTreeMap::new();
    for step in steps {
        let Some(kind) = step.action.kind() else { continue };
        for (service, _) in acted_on(&step.action).into_iter().filter_map(|id| estate.instance(id)) {
            needs.entry(service.clone()).or_default().insert(kind);
        }
    }
    needs
}
