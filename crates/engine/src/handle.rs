//! What console and command line hold of a running engine.

use std::sync::Arc;

use dinghai_clock::{Clock, Timestamp};
use dinghai_estate::{DrillId, Estate};
use dinghai_ports::{Journal, StoreError};
use dinghai_record::{Actor, Consent, DrillRunId, PlanId, Reason, World};
use tokio::sync::{mpsc, oneshot, watch};

/// A running engine: what it knows, and what people may ask of it.
#[derive(Clone)]
pub struct Handle {
    estate: watch::Receiver<Arc<Estate>>,
    world: watch::Receiver<Arc<World>>,
    journal: Arc<dyn Journal>,
    commands: mpsc::Sender<Command>,
    clock: Arc<dyn Clock>,
}

/// Something that a person asks for. Permission has been checked at the door.
#[derive(Debug)]
pub enum Command {
    /// Let a waiting plan run.
    Approve(PlanId, Actor, oneshot::Sender<Result<(), CommandError>>),
    /// Do not let a waiting plan run; with the reason.
    Decline(PlanId, Actor, String, oneshot::Sender<Result<(), CommandError>>),
    /// Run a drill.
    Drill(DrillId, Actor, Consent, oneshot::Sender<Result<DrillRunId, CommandError>>),
    /// Stop every automaton.
    Halt(Actor, String, oneshot::Sender<Result<HaltReport, CommandError>>),
    /// Let them go on.
    Resume(Actor, oneshot::Sender<Result<HaltReport, CommandError>>),
}

/// Which units obeyed, by name (`hand`, `gateway public`).
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct HaltReport {
    /// Those that did.
    pub reached: Vec<String>,
    /// Those that did not answer, and why; they stop when their lease ends.
    pub unreached: Vec<(String, String)>,
}

/// Why what a person asked for was not done.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// There is no such plan or drill.
    #[error("there is no {0}")]
    Unheard(String),
    /// It is not in a state that admits this.
    #[error("refused: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Refused(Vec<Reason>),
    /// It could not be written down.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The engine is going down.
    #[error("the engine is stopping")]
    Stopping,
}

impl Handle {
    /// A handle on these parts of an engine.
    pub fn new(
        estate: watch::Receiver<Arc<Estate>>,
        world: watch::Receiver<Arc<World>>,
        journal: Arc<dyn Journal>,
        commands: mpsc::Sender<Command>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { estate, world, journal, commands, clock }
    }

    /// The estate in force.
    pub fn estate(&self) -> Arc<Estate> {
        self.estate.borrow().clone()
    }

    /// The world as last seen.
    pub fn world(&self) -> Arc<World> {
        self.world.borrow().clone()
    }

    /// Follows the world as it is seen anew.
    pub fn worlds(&self) -> watch::Receiver<Arc<World>> {
        self.world.clone()
    }

    /// The ledger and its fold.
    pub fn journal(&self) -> &Arc<dyn Journal> {
        &self.journal
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Lets a waiting plan run.
    pub async fn approve(&self, plan: PlanId, by: Actor) -> Result<(), CommandError> {
        self.ask(|reply| Command::Approve(plan, by, reply)).await
    }

    /// Declines a waiting plan.
    pub async fn decline(&self, plan: PlanId, by: Actor, reason: String) -> Result<(), CommandError> {
        self.ask(|reply| Command::Decline(plan, by, reason, reply)).await
    }

    /// Begins a drill and returns the number of its run.
    pub async fn drill(
        &self,
        drill: DrillId,
        by: Actor,
        consent: Consent,
    ) -> Result<DrillRunId, CommandError> {
        self.ask(|reply| Command::Drill(drill, by, consent, reply)).await
    }

    /// Stops every automaton.
    pub async fn halt(&self, by: Actor, reason: String) -> Result<HaltReport, CommandError> {
        self.ask(|reply| Command::Halt(by, reason, reply)).await
    }

    /// Lets automatons go on.
    pub async fn resume(&self, by: Actor) -> Result<HaltReport, CommandError> {
        self.ask(|reply| Command::Resume(by, reply)).await
    }

    async fn ask<T>(
        &self,
        command: impl FnOnce(oneshot::Sender<Result<T, CommandError>>) -> Command,
    ) -> Result<T, CommandError> {
        let (reply, answer) = oneshot::channel();
        self.commands.send(command(reply)).await.map_err(|_| CommandError::Stopping)?;
        answer.await.map_err(|_| CommandError::Stopping)?
    }
}
