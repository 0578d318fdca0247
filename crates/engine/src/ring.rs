//! The ring: observe, detect, decide, act, prove, one way round.
//!
//! The loop runs on signal (observations, commands, growth of the ledger) and on a timer, re-reads its state each time
//! round and repeats safely: the same input twice changes nothing. It is the only writer of findings, incidents,
//! proposals, drills and evidence; executors write what becomes of plans. Each stage sees the book with what the stage
//! before it wrote.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use dinghai_act::{BookedStore, Executor, Tools};
use dinghai_clock::{Clock, Timestamp};
use dinghai_detect::Senses;
use dinghai_estate::Estate;
use dinghai_ports::{Actuator, Journal, Store, StoreError};
use dinghai_record::{
    Book, Event, Fence, Hash, Observation, PlanId, PlanState, Seen, Seq, Subject, Vantage, World,
};
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};
use tracing::{error, info, warn};

use crate::commands::obey;
use crate::gate::BudgetGate;
use crate::handle::{Command, Handle};
use crate::proof::{Facts, prove};
use crate::sight::WorldSight;
use crate::units::Halter;

/// How often the loop goes round with nothing new.
const ROUND: Duration = Duration::from_millis(100);

/// The shortest time between two rounds, so that a burst of observations is taken in together.
const BREATH: Duration = Duration::from_millis(20);

/// How many of the last entries are searched for the reflexes that gateways still tell.
const REFLEXES_AMONG: u16 = 4096;

/// Observations that may wait for the loop.
pub const OBSERVATIONS: usize = 4096;

/// What an engine is made of.
pub struct Parts {
    /// The estate in force.
    pub estate: Arc<Estate>,
    /// The ledger.
    pub store: Arc<dyn Store>,
    /// Under which lease we act.
    pub fence: Fence,
    /// What changes the world.
    pub actuator: Arc<dyn Actuator>,
    /// What halts our units.
    pub halter: Arc<dyn Halter>,
    /// What is observed.
    pub observations: mpsc::Receiver<Observation>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Our version.
    pub version: String,
}

/// An engine that runs.
pub struct Running {
    /// What console and command line hold of it.
    pub handle: Handle,
    /// Ends with an error when the ledger is lost to another controller, and with nothing when it is told to stop.
    pub task: JoinHandle<Result<(), StoreError>>,
}

pub(crate) struct Ring {
    pub(crate) estate: Arc<Estate>,
    pub(crate) journal: Arc<dyn Journal>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) halter: Arc<dyn Halter>,
    pub(crate) facts: Facts,
    world: watch::Sender<Arc<World>>,
    news: Arc<Notify>,
    tools: Tools,
    senses: Senses,
    reflexes: Vec<Event>,
    /// Reflexes that were written before this controller started: a gateway tells its newest ones to every new one.
    reflexes_before: Vec<Event>,
    /// They end with the ring.
    executors: JoinSet<PlanId>,
    executed: BTreeSet<PlanId>,
    refused: Option<String>,
}

/// Rebuilds the book, takes over, and goes round until the sender of observations is dropped.
pub async fn start(parts: Parts) -> Result<Running, StoreError> {
    let Parts { estate, store, fence, actuator, halter, mut observations, clock, version } = parts;
    let journal: Arc<dyn Journal> = Arc::new(BookedStore::open(store).await?);
    take_over(&*journal, &estate, &fence, &version).await?;
    let (world, seen) = watch::channel(Arc::new(World { at: clock.now(), ..World::default() }));
    let (_, estates) = watch::channel(estate.clone());
    let (commands, mut inbox) = mpsc::channel::<Command>(16);
    let handle = Handle::new(estates, seen.clone(), journal.clone(), commands, clock.clone());
    let gate = BudgetGate { estate: estate.clone(), world: seen.clone(), clock: clock.clone() };
    let news = Arc::new(Notify::new());
    let tools = Tools {
        journal: journal.clone(),
        actuator,
        sight: Arc::new(WorldSight { world: seen, news: news.clone() }),
        gate: Arc::new(gate),
        clock: clock.clone(),
        fence,
    };
    let reflexes_before = reflexes_before(&*journal).await?;
    let mut ring = Ring {
        senses: Senses::new(&estate),
        facts: Facts::new(&estate, &version),
        estate,
        journal,
        clock,
        halter,
        world,
        news,
        tools,
        reflexes: vec![],
        reflexes_before,
        executors: JoinSet::new(),
        executed: BTreeSet::new(),
        refused: None,
    };
    let task = tokio::spawn(async move {
        let mut timer = tokio::time::interval(ROUND);
        timer.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let seen = ring.journal.book().head;
            // In order, so that the same input does the same each time; each branch ends in a round, so none starves.
            tokio::select! {
                biased;
                Some(command) = inbox.recv() => obey(&ring, command).await,
                observation = observations.recv() => {
                    let Some(observation) = observation else { return Ok(()) };
                    ring.take_in(observation);
                    let breath = tokio::time::sleep(BREATH);
                    tokio::pin!(breath);
                    loop {
                        tokio::select! {
                            biased;
                            () = &mut breath => break,
                            more = observations.recv() => match more {
                                Some(more) => ring.take_in(more),
                                None => return Ok(()),
                            },
                        }
                    }
                }
                () = ring.journal.grown(seen) => {}
                _ = timer.tick() => {}
            }
            match ring.go_round().await {
                Ok(()) => ring.note_refusal(None),
                Err(StoreError::Refusing(why)) => ring.note_refusal(Some(why)),
                Err(StoreError::Illegal(defect)) => {
                    error!(%defect, "a stage wrote what the book does not admit")
                }
                Err(fatal) => return Err(fatal),
            }
        }
    });
    Ok(Running { handle, task })
}

/// Writes that this controller leads, and the estate when it is another one than before.
async fn take_over(
    journal: &dyn Journal,
    estate: &Estate,
    fence: &Fence,
    version: &str,
) -> Result<(), StoreError> {
    let (lease, version) = (fence.lease, version.to_owned());
    let (name, digest) = (estate.name.clone(), Hash(estate.digest()));
    journal
        .transact(Box::new(move |book| {
            let mut events = vec![Event::ControllerStarted { version, lease }];
            if book.estate.1 != digest {
                events.push(Event::EstateAdopted { name, generation: book.estate.0 + 1, digest });
            }
            events
        }))
        .await?;
    Ok(())
}

/// The reflexes among the last entries.
async fn reflexes_before(journal: &dyn Journal) -> Result<Vec<Event>, StoreError> {
    let from = Seq(journal.book().head.0.saturating_sub(REFLEXES_AMONG.into()));
    let entries = journal.read(from, REFLEXES_AMONG.into()).await?;
    let reflex = |event: &Event| matches!(event, Event::ReflexReported { .. });
    Ok(entries.into_iter().map(|entry| entry.event).filter(reflex).collect())
}

impl Ring {
    /// The world as last published.
    pub(crate) fn world(&self) -> Arc<World> {
        self.world.borrow().clone()
    }

    fn take_in(&mut self, observation: Observation) {
        if let Observation {
            at,
            vantage: Vantage::Gateway(gateway),
            about: Subject::Instance(instance),
            seen,
        } = &observation
        {
            let ejected = match seen {
                Seen::Ejected(cause) => Some(Some(cause.clone())),
                Seen::Readmitted => Some(None),
                _ => None,
            };
            if let Some(ejected) = ejected {
                let (gateway, instance) = (gateway.clone(), instance.clone());
                let reflex = Event::ReflexReported { gateway, instance, happened: *at, ejected };
                if !self.reflexes_before.contains(&reflex) {
                    self.reflexes.push(reflex);
                }
            }
        }
        self.senses.observe(&observation);
    }

    async fn go_round(&mut self) -> Result<(), StoreError> {
        let now = self.clock.now();
        let world = Arc::new(self.senses.world(now));
        self.world.send_replace(world.clone());
        self.news.notify_waiters();
        self.start_executors();
        self.record_reflexes().await?;
        self.diagnose(&world, now).await?;
        self.stage(world.clone(), move |estate, book, world| {
            dinghai_decide::decide(&dinghai_decide::Inputs { estate, book, world, now })
        })
        .await?;
        self.stage(world.clone(), move |estate, book, world| {
            dinghai_drill::proceed(&dinghai_drill::Inputs { estate, book, world, now })
        })
        .await?;
        let facts = self.facts.now(&self.estate, &world);
        self.stage(world, move |estate, book, world| prove(estate, book, world, &facts, now)).await?;
        self.start_executors();
        Ok(())
    }

    async fn record_reflexes(&mut self) -> Result<(), StoreError> {
        let reflexes = self.reflexes.clone();
        self.journal.transact(Box::new(move |_| reflexes)).await?;
        self.reflexes.clear();
        Ok(())
    }

    async fn diagnose(&self, world: &World, now: Timestamp) -> Result<(), StoreError> {
        let book = self.journal.book();
        let inputs = dinghai_detect::Inputs {
            estate: &self.estate,
            senses: &self.senses,
            world,
            standing: &book.findings,
            now,
        };
        let events = dinghai_detect::diagnose(&inputs);
        // Only this loop writes findings, so what was diagnosed on this book still fits the newest one.
        self.journal.transact(Box::new(move |_| events)).await?;
        Ok(())
    }

    async fn stage(
        &self,
        world: Arc<World>,
        stage: impl FnOnce(&Estate, &Book, &World) -> Vec<Event> + Send + 'static,
    ) -> Result<(), StoreError> {
        let estate = self.estate.clone();
        self.journal.transact(Box::new(move |book| stage(&estate, book, &world))).await?;
        Ok(())
    }

    /// An executor for each plan that may act and has none.
    fn start_executors(&mut self) {
        while let Some(ended) = self.executors.try_join_next() {
            match ended {
                Ok(plan) => {
                    self.executed.remove(&plan);
                }
                Err(defect) => {
                    error!(%defect, "an executor broke; its plan stands still until the next start")
                }
            }
        }
        let book = self.journal.book();
        for record in book.open_plans() {
            let plan = record.plan.id;
            let acts = matches!(record.state, PlanState::Approved | PlanState::Running | PlanState::Undoing);
            if acts && self.executed.insert(plan) {
                let executor = Executor::new(self.tools.clone(), plan);
                self.executors.spawn(async move {
                    if let Err(error) = executor.run().await {
                        warn!(%plan, %error, "the plan stands still");
                    }
                    plan
                });
            }
        }
    }

    /// Says once that the ledger refuses, and once that it goes on.
    fn note_refusal(&mut self, why: Option<String>) {
        match (&self.refused, &why) {
            (None, Some(why)) => {
                error!(%why, "the ledger takes no entries; nothing is decided until it does")
            }
            (Some(_), None) => info!("the ledger takes entries again"),
            _ => {}
        }
        self.refused = why;
    }
}
