//! Engine and simulated world put together. A controller can be killed and another one started on the same ledger.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use dinghai_clock::{Clock, Timestamp};
use dinghai_engine::{CommandError, HaltReport, Halter, Handle, OBSERVATIONS, Parts};
use dinghai_estate::ActionKind::{Promote, Restart, Scale, ShiftTraffic};
use dinghai_estate::Estate;
use dinghai_ports::{Actuator, Store, StoreError};
use dinghai_record::{
    Action, Actor, Book, Consent, Entry, Event, Evidence, EvidenceId, Fact, Fence, FindingKey, Health, Order,
    PlanId, PlanState, Proof, Seq, Slice, StepNo, Subject,
};
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};

use crate::clock::{BEGINNING, StageClock};
use crate::error::SimError;
use crate::eyes::{self, VERSION};
use crate::gateways;
use crate::hand::SimulatedHand;
use crate::happening::{Happening, Unit};
use crate::laws::{Defect, Laws, Violation};
use crate::memory::Memory;
use crate::truth::Truth;

/// How often the stages are asked twice.
const SETTLE_EVERY: Duration = Duration::from_secs(1);

/// How long evidence counts that is there from the beginning.
const PROVEN_FOR: Duration = Duration::from_secs(30 * 86_400);

/// How a simulation begins.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Setting {
    /// What schedules and delays are drawn from.
    pub(crate) seed: u64,
    /// Whether every kind of action has evidence on every service.
    pub(crate) proven: bool,
    /// What is wrong on purpose.
    pub(crate) defect: Option<Defect>,
}

/// A simulated estate with an engine on it.
pub(crate) struct Stage {
    pub(crate) truth: Truth,
    clock: StageClock,
    memory: Arc<Memory>,
    laws: Arc<Laws>,
    hand: SimulatedHand,
    setting: Setting,
    controller: Option<Controller>,
    /// Gateways and hand, which outlive controllers.
    _units: JoinSet<()>,
}

struct Controller {
    handle: Handle,
    engine: JoinHandle<Result<(), StoreError>>,
    /// Everything else that dies with it.
    tasks: JoinSet<()>,
}

impl Drop for Controller {
    fn drop(&mut self) {
        self.engine.abort();
    }
}

impl Stage {
    /// The estate with a first controller. Must be called on a runtime whose time is paused.
    pub(crate) async fn open(estate: Arc<Estate>, setting: Setting) -> Result<Self, SimError> {
        let clock = StageClock::new();
        let memory = Memory::new(clock.clone());
        let truth = Truth::new(estate.clone(), clock.clone());
        let laws = Laws::new(estate, memory.clone());
        let hand = SimulatedHand::new(truth.clone(), laws.clone(), setting.defect, setting.seed);
        let mut units = JoinSet::new();
        units.spawn(gateways::live(truth.clone()));
        units.spawn(hand.clone().live());
        let mut stage = Self { truth, clock, memory, laws, hand, setting, controller: None, _units: units };
        if setting.proven {
            stage.memory.lease().append(proofs(&stage.truth.estate)).await?;
        }
        stage.start_controller().await?;
        Ok(stage)
    }

    async fn start_controller(&mut self) -> Result<(), StoreError> {
        if self.controller.is_some() {
            return Ok(());
        }
        let store = self.memory.lease();
        let fence = Fence { incarnation: VERSION.to_owned(), lease: store.lease };
        let (sink, observations) = mpsc::channel(OBSERVATIONS);
        let parts = Parts {
            estate: self.truth.estate.clone(),
            store: Arc::new(store),
            fence: fence.clone(),
            actuator: Arc::new(self.hand.clone()),
            halter: Arc::new(SimulatedHalter(self.truth.clone())),
            observations,
            clock: Arc::new(self.clock.clone()),
            version: VERSION.to_owned(),
        };
        // A full disk refuses the take-over as well; the controller is started again until it can.
        let running = match dinghai_engine::start(parts).await {
            Ok(running) => running,
            Err(StoreError::Refusing(_)) => return Ok(()),
            Err(error) => return Err(error),
        };
        let handle = running.handle;
        let mut tasks = JoinSet::new();
        tasks.spawn(eyes::watch(self.truth.clone(), sink, self.setting.seed.wrapping_add(fence.lease)));
        let watcher =
            Watcher { laws: self.laws.clone(), handle: handle.clone(), hand: self.hand.clone(), fence };
        tasks.spawn(watcher.watch(self.setting.defect));
        self.controller = Some(Controller { handle, engine: running.task, tasks });
        Ok(())
    }

    /// Kills the controller where it stands. Hand, gateways and ledger go on.
    async fn kill_controller(&mut self) {
        if let Some(mut controller) = self.controller.take() {
            controller.engine.abort();
            controller.tasks.shutdown().await;
            // An aborted task ends when it is next due.
            let _ = (&mut controller.engine).await;
        }
    }

    /// Lets it happen. The answer is why it was refused, when a person asked for it and it was.
    pub(crate) async fn happen(&mut self, happening: &Happening) -> Result<Option<String>, SimError> {
        let now = self.clock.now();
        match happening {
            Happening::Kill(id) => {
                if self.truth.state().kill(id) {
                    self.truth.state().broke.insert(id.clone(), now);
                }
            }
            Happening::Hang(id) => {
                if self.truth.state().hang(id) {
                    self.truth.state().broke.insert(id.clone(), now);
                }
            }
            Happening::Start(id) => {
                self.truth.state().start(id, now);
            }
            Happening::Wake(id) => self.truth.state().wake(id, now),
            Happening::Spoil(id) => {
                let mut state = self.truth.state();
                if state.kill(id) {
                    state.broke.insert(id.clone(), now);
                }
                state.spoilt.insert(id.clone());
            }
            Happening::Repair(id) => {
                self.truth.state().spoilt.remove(id);
            }
            Happening::Lose(place) => {
                for id in self.truth.at(place) {
                    if self.truth.state().kill(&id) {
                        self.truth.state().broke.insert(id, now);
                    }
                }
                self.truth.state().dead_places.insert(place.clone());
            }
            Happening::GiveBack(place) => {
                self.truth.state().dead_places.remove(place);
                for id in self.truth.at(place).into_iter().filter(|id| self.truth.is_theirs(id)) {
                    self.truth.state().start(&id, now);
                }
            }
            Happening::Silence(unit) => self.silence(unit, true),
            Happening::Hear(unit) => self.silence(unit, false),
            Happening::DiskFull => self.memory.refuse(true),
            Happening::DiskFree => self.memory.refuse(false),
            Happening::KillController => self.kill_controller().await,
            Happening::StartController => self.start_controller().await?,
            Happening::Drill(_) | Happening::Halt | Happening::Resume | Happening::Approve => {
                return self.ask(happening).await;
            }
        }
        Ok(None)
    }

    fn silence(&self, unit: &Unit, silent: bool) {
        let mut state = self.truth.state();
        match unit {
            Unit::Hand => state.hand_unreachable = silent,
            Unit::Controller => state.controller_blind = silent,
            Unit::Gateway(id) => {
                if let Some(gateway) = state.gateways.get_mut(id) {
                    gateway.unreachable = silent;
                }
            }
        }
    }

    /// What people ask of the controller.
    async fn ask(&self, happening: &Happening) -> Result<Option<String>, SimError> {
        let Some(controller) = &self.controller else {
            return Ok(Some("there is no controller".to_owned()));
        };
        let handle = &controller.handle;
        let by = Actor::Automaton;
        let answer = match happening {
            Happening::Drill(drill) => {
                let consent = Consent { kinds: [Restart, ShiftTraffic, Scale, Promote].into() };
                handle.drill(drill.clone(), by, consent).await.map(|_| ())
            }
            Happening::Halt => handle.halt(by, "simulated".to_owned()).await.map(|_| ()),
            Happening::Resume => handle.resume(by).await.map(|_| ()),
            Happening::Approve => {
                let book = handle.journal().book();
                let waiting = book.open_plans().filter(|record| record.state == PlanState::Waiting);
                let mut answer = Ok(());
                for plan in waiting.map(|record| record.plan.id) {
                    answer = answer.and(handle.approve(plan, by.clone()).await);
                }
                answer
            }
            _ => Ok(()),
        };
        match answer {
            Ok(()) => Ok(None),
            Err(CommandError::Stopping) => Err(SimError::EngineEnded("it does not answer".to_owned())),
            Err(CommandError::Refused(reasons)) => {
                let mut codes: Vec<&str> = reasons.iter().map(|reason| reason.code.as_str()).collect();
                codes.dedup();
                Ok(Some(codes.join(", ")))
            }
            Err(refused) => Ok(Some(refused.to_string())),
        }
    }

    /// Lets simulated time go by until so long after the beginning. An engine that ended meanwhile is an error.
    pub(crate) async fn pass_until(&mut self, since_beginning: Duration) -> Result<(), SimError> {
        let left = BEGINNING.plus(since_beginning).since(self.clock.now());
        tokio::time::sleep(left).await;
        if let Some(controller) = &self.controller {
            self.laws.see(controller.handle.world());
        }
        self.laws.follow();
        match &mut self.controller {
            Some(controller) if controller.engine.is_finished() => {
                let ended = match (&mut controller.engine).await {
                    Ok(Ok(())) => "it was told to".to_owned(),
                    Ok(Err(error)) => error.to_string(),
                    Err(error) => error.to_string(),
                };
                Err(SimError::EngineEnded(ended))
            }
            _ => Ok(()),
        }
    }

    /// The simulated time.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// What was written after this entry.
    pub(crate) fn entries_after(&self, after: Seq) -> Vec<Entry> {
        self.memory.after(after)
    }

    /// What was broken so far.
    pub(crate) fn violations(&self) -> Vec<Violation> {
        self.laws.violations()
    }

    /// The ledger's fold.
    pub(crate) fn book(&self) -> Book {
        self.laws.book()
    }

    /// Whether a controller lives.
    pub(crate) fn has_controller(&self) -> bool {
        self.controller.is_some()
    }
}

/// Evidence that every kind of action works on every service.
fn proofs(estate: &Estate) -> Vec<Event> {
    let kinds = || [Restart, ShiftTraffic, Scale];
    let shown = estate.services.keys().flat_map(|service| kinds().map(|kind| (service.clone(), kind)));
    (1..)
        .zip(shown)
        .map(|(id, (service, kind))| Event::EvidenceFiled {
            evidence: Evidence {
                id: EvidenceId(id),
                shows: Proof::Action { service, kind, worked: true },
                from: Fact { name: "made".to_owned(), value: "elsewhere".to_owned() },
                drill: None,
                incident: None,
                slice: Slice::default(),
                at: BEGINNING,
                max_age: PROVEN_FOR,
                reasons: vec![],
            },
        })
        .collect()
}

/// Watches the laws of one controller's time, and does what is wrong on purpose.
struct Watcher {
    laws: Arc<Laws>,
    handle: Handle,
    hand: SimulatedHand,
    fence: Fence,
}

impl Watcher {
    async fn watch(self, defect: Option<Defect>) {
        let mut worlds = self.handle.worlds();
        let mut settle = tokio::time::interval(SETTLE_EVERY);
        loop {
            tokio::select! {
                biased;
                changed = worlds.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    self.laws.follow();
                    self.laws.see(worlds.borrow_and_update().clone());
                }
                _ = settle.tick() => {
                    self.laws.stages_settle(&self.handle.journal().book(), &self.handle.world(), defect);
                    match defect {
                        Some(Defect::WishfulClearing) => self.clear_what_nobody_knows().await,
                        Some(Defect::UnwrittenOrder) => self.order_what_is_not_written().await,
                        Some(Defect::HeavyHand | Defect::Fidget) | None => {}
                    }
                }
            }
        }
    }

    /// Takes what nobody knows for well.
    async fn clear_what_nobody_knows(&self) {
        let world = self.handle.world();
        let unknown = move |key: &FindingKey| matches!(&key.about, Subject::Instance(instance) if *world.health(instance) == Health::Unknown);
        let clear = move |book: &Book| {
            let keys = book.findings.keys().filter(|key| unknown(key));
            keys.map(|key| Event::FindingCleared { key: key.clone(), reasons: vec![] }).collect()
        };
        let _ = self.handle.journal().transact(Box::new(clear)).await;
    }

    async fn order_what_is_not_written(&self) {
        let order = Order {
            plan: PlanId(999),
            step: StepNo(1),
            undo: false,
            journalled: Seq(1),
            fence: self.fence.clone(),
            action: Action::Start(vec![]),
            deadline: self.handle.now(),
        };
        let _ = self.hand.perform(&order).await;
    }
}

struct SimulatedHalter(Truth);

#[async_trait]
impl Halter for SimulatedHalter {
    async fn halt(&self, halted: bool, _: &str) -> HaltReport {
        let mut report = HaltReport::default();
        let mut state = self.0.state();
        let unreached = |name: String| (name, "out of reach".to_owned());
        if state.hand_unreachable {
            report.unreached.push(unreached("hand".to_owned()));
        } else {
            state.hand_halted = halted;
            report.reached.push("hand".to_owned());
        }
        for (id, gateway) in &mut state.gateways {
            if gateway.unreachable {
                report.unreached.push(unreached(format!("gateway {id}")));
            } else {
                gateway.halted = halted;
                report.reached.push(format!("gateway {id}"));
            }
        }
        report
    }
}
