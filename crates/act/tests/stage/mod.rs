//! A hand, an eye and a gate that do what a test says, and a store in memory.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use dinghai_act::{BookedStore, Executor, Tools};
use dinghai_clock::{Clock, Timestamp};
use dinghai_ports::{ActError, Actuator, Admission, Gate, Journal, Sight, Store, StoreError, StoreState};
use dinghai_record::{
    Action, Approval, Book, Condition, Entry, Event, Fence, Hash, Holds, Looked, Order, Performed, Plan,
    PlanEnd, PlanId, PlanPurpose, PlanState, Reason, Reservation, SCHEMA, Seq, Step, StepClass, StepNo,
    Taking, WriterId,
};

/// Tokio's clock, which stands still until everybody waits.
struct PausedClock(tokio::time::Instant);

impl Clock for PausedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(1_000_000).plus(self.0.elapsed())
    }
}

#[derive(Default)]
struct Memory {
    entries: Mutex<Vec<Entry>>,
    clock: Option<Arc<PausedClock>>,
}

#[async_trait]
impl Store for Memory {
    async fn append(&self, events: Vec<Event>) -> Result<Vec<Entry>, StoreError> {
        let at = self.clock.as_ref().map(|clock| clock.now()).unwrap_or_default();
        let mut entries = self.entries.lock().unwrap();
        let first = entries.len();
        for event in events {
            let seq = Seq(entries.len() as u64 + 1);
            let (writer, prev) = (WriterId("test".into()), Hash::default());
            entries.push(Entry {
                writer,
                seq,
                at,
                lease: 1,
                schema: SCHEMA,
                event,
                prev,
                hash: Hash::default(),
            });
        }
        Ok(entries[first..].to_vec())
    }

    async fn read(&self, after: Seq, limit: usize) -> Result<Vec<Entry>, StoreError> {
        Ok(self.entries.lock().unwrap().iter().skip(after.0 as usize).take(limit).cloned().collect())
    }

    fn state(&self) -> StoreState {
        StoreState::Writable
    }
}

#[derive(Default)]
struct Hand {
    told: Mutex<Vec<String>>,
    early: Mutex<Vec<String>>,
    answers: Mutex<HashMap<String, Result<Performed, ActError>>>,
    finds: Mutex<HashMap<String, Result<Looked, ActError>>>,
    memory: Arc<Memory>,
}

#[async_trait]
impl Actuator for Hand {
    async fn perform(&self, order: &Order) -> Result<Performed, ActError> {
        let key = order.key();
        self.told.lock().unwrap().push(format!("perform {key} {}", order.action.as_str()));
        let journalled = self.memory.entries.lock().unwrap().iter().any(|entry| match &entry.event {
            Event::StepStarted { plan, step, .. } => {
                !order.undo && *plan == order.plan && *step == order.step
            }
            Event::UndoStarted { plan, step } => order.undo && *plan == order.plan && *step == order.step,
            _ => false,
        });
        if !journalled {
            self.early.lock().unwrap().push(key.clone());
        }
        self.answers.lock().unwrap().get(&key).cloned().unwrap_or(Ok(done()))
    }

    async fn look(&self, order: &Order) -> Result<Looked, ActError> {
        let key = order.key();
        self.told.lock().unwrap().push(format!("look {key}"));
        self.finds.lock().unwrap().get(&key).cloned().unwrap_or(Err(ActError::NoAnswer("nobody".into())))
    }
}

struct Eye(Mutex<Holds>);

#[async_trait]
impl Sight for Eye {
    async fn holds(&self, _: &Condition, _: Timestamp) -> Holds {
        self.0.lock().unwrap().clone()
    }

    async fn changed(&self) {
        std::future::pending().await
    }
}

#[derive(Default)]
struct Door {
    admits: Mutex<Option<Admission<Reservation>>>,
    /// Stops are not let through.
    holds: Mutex<bool>,
}

impl Gate for Door {
    fn admit(&self, _: &Book, _: &Plan) -> Admission<Reservation> {
        self.admits.lock().unwrap().clone().unwrap_or_else(|| {
            Admission::Granted(Reservation {
                healthy: Default::default(),
                places: Default::default(),
                at: Timestamp::default(),
            })
        })
    }

    fn recheck(&self, _: &Book, _: &Plan, step: &Step) -> Admission<()> {
        if *self.holds.lock().unwrap() && matches!(step.action, Action::Stop(_)) {
            return Admission::NotNow(vec![Reason::new("budget-minimum")]);
        }
        Admission::Granted(())
    }
}

pub(crate) struct Stage {
    clock: Arc<PausedClock>,
    hand: Arc<Hand>,
    eye: Arc<Eye>,
    door: Arc<Door>,
    journal: Arc<BookedStore>,
}

pub(crate) fn done() -> Performed {
    Performed { changed: true, notes: vec![] }
}

/// A step that starts an instance and is undone by stopping it.
pub(crate) fn start_step(no: u64, instance: &str) -> Step {
    Step {
        no: StepNo(no),
        action: Action::Start(vec![instance.into()]),
        class: StepClass::Reversible(Box::new(Action::Stop(vec![instance.into()]))),
        verify: None,
        within: Duration::from_secs(20),
    }
}

impl Stage {
    /// An approved plan of these steps.
    pub(crate) async fn new(steps: Vec<Step>) -> Self {
        let clock = Arc::new(PausedClock(tokio::time::Instant::now()));
        let memory = Arc::new(Memory { clock: Some(clock.clone()), ..Memory::default() });
        let hand = Arc::new(Hand { memory: memory.clone(), ..Hand::default() });
        let journal = Arc::new(BookedStore::open(memory).await.unwrap());
        let stage =
            Self { clock, hand, eye: Arc::new(Eye(Mutex::new(Holds::Yes))), door: Arc::default(), journal };
        let plan = Plan {
            id: PlanId(1),
            parent: None,
            purpose: PlanPurpose::BringUp,
            title: Reason::new("test"),
            steps,
            takes: Taking::default(),
            needs: Default::default(),
            reasons: vec![],
            seen: Seq(0),
        };
        stage.write(Event::PlanProposed { plan }).await;
        stage.write(Event::PlanDecided { plan: PlanId(1), approval: Approval::Run, reasons: vec![] }).await;
        stage
    }

    /// The same, left by a controller that died after it had journalled step 1.
    pub(crate) async fn crashed_in_step_one(steps: Vec<Step>) -> Self {
        let stage = Self::new(steps).await;
        let reservation =
            Reservation { healthy: Default::default(), places: Default::default(), at: Timestamp::default() };
        stage.write(Event::PlanStarted { plan: PlanId(1), reservation }).await;
        stage.write(Event::StepStarted { plan: PlanId(1), step: StepNo(1), attempt: 1 }).await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        stage.write(Event::ControllerStarted { version: "2".into(), lease: 2 }).await;
        stage
    }

    pub(crate) async fn run(&self) {
        let tools = Tools {
            journal: self.journal.clone(),
            actuator: self.hand.clone(),
            sight: self.eye.clone(),
            gate: self.door.clone(),
            clock: self.clock.clone(),
            fence: self.fences().0,
        };
        Executor::new(tools, PlanId(1)).run().await.unwrap();
    }

    /// Ours and a newer one.
    pub(crate) fn fences(&self) -> (Fence, Fence) {
        let fence = |lease| Fence { incarnation: "test".into(), lease };
        (fence(1), fence(2))
    }

    pub(crate) fn plan(&self) -> PlanId {
        PlanId(1)
    }

    pub(crate) async fn write(&self, event: Event) {
        self.journal.transact(Box::new(move |_| vec![event])).await.unwrap();
    }

    pub(crate) fn answer(&self, key: &str, answer: Result<Performed, ActError>) {
        self.hand.answers.lock().unwrap().insert(key.into(), answer);
    }

    pub(crate) fn find(&self, key: &str, finds: Result<Looked, ActError>) {
        self.hand.finds.lock().unwrap().insert(key.into(), finds);
    }

    pub(crate) fn see(&self, holds: Holds) {
        *self.eye.0.lock().unwrap() = holds;
    }

    pub(crate) fn admit(&self, admission: Admission<Reservation>) {
        *self.door.admits.lock().unwrap() = Some(admission);
    }

    /// From now on nothing may be stopped, or everything again.
    pub(crate) fn hold_stops(&self, holds: bool) {
        *self.door.holds.lock().unwrap() = holds;
    }

    pub(crate) fn told(&self) -> Vec<String> {
        self.hand.told.lock().unwrap().clone()
    }

    pub(crate) fn orders_before_their_entry(&self) -> Vec<String> {
        self.hand.early.lock().unwrap().clone()
    }

    /// The kinds of the entries after the plan was approved.
    pub(crate) async fn kinds(&self) -> Vec<&'static str> {
        self.journal.read(Seq(2), 100).await.unwrap().iter().map(|entry| entry.event.kind()).collect()
    }

    pub(crate) fn end(&self) -> Option<PlanEnd> {
        match self.journal.book().plans[&PlanId(1)].state {
            PlanState::Ended(end) => Some(end),
            _ => None,
        }
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.clock.0.elapsed()
    }
}
