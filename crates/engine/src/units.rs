//! Our own units: each gateway has the route table that estate and book ask for, the hand has its charge.
//!
//! A loop per unit compares what the unit was last told, and what it says of itself, with what it should have, and
//! tells it again where they differ. A unit that was started anew, or that was away, is brought up to date the same way.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use dinghai_estate::{Estate, GatewayId};
use dinghai_ports::Journal;
use dinghai_record::{Action, Book, Fence, StepState, Vantage, World};
use dinghai_wire::{Charge, Fenced, Table, UnixClient};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::{debug, info};

use crate::handle::{HaltReport, Handle};
use crate::table::{charge, table};

/// How often a unit is compared with what it should have.
const EVERY: Duration = Duration::from_millis(200);

/// How long a unit may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// The sockets of our units in one data folder.
#[derive(Clone, Debug)]
pub struct Sockets {
    run: PathBuf,
}

impl Sockets {
    /// The sockets under this data folder.
    pub fn under(data: &Path) -> Self {
        Self { run: data.join("run") }
    }

    /// The folder they stand in.
    pub fn folder(&self) -> &Path {
        &self.run
    }

    /// The hand's.
    pub fn hand(&self) -> PathBuf {
        self.run.join("hand.sock")
    }

    /// A gateway's.
    pub fn gateway(&self, id: &GatewayId) -> PathBuf {
        self.run.join(format!("gateway-{id}.sock"))
    }

    /// The controller's.
    pub fn controller(&self) -> PathBuf {
        self.run.join("controller.sock")
    }
}

/// Stops and restarts the automatons of our units.
#[async_trait]
pub trait Halter: Send + Sync {
    /// Tells every unit to stop or to go on, at once, and says which obeyed.
    async fn halt(&self, halted: bool, reason: &str) -> HaltReport;
}

/// Keeps every unit of the handle's estate as it should be; `folder` is where the estate stands. The loops end when the
/// set is dropped.
pub fn keep_units(handle: &Handle, fence: &Fence, sockets: &Sockets, folder: &Path) -> JoinSet<()> {
    let mut loops = JoinSet::new();
    let upkeep = Upkeep {
        estate: handle.estate(),
        journal: handle.journal().clone(),
        world: handle.worlds(),
        fence: fence.clone(),
    };
    for id in upkeep.estate.gateways.keys() {
        let client = UnixClient::new(sockets.gateway(id));
        loops.spawn(upkeep.clone().keep_gateway(id.clone(), client));
    }
    let charge = charge(&upkeep.estate, folder);
    loops.spawn(upkeep.keep_hand(charge, UnixClient::new(sockets.hand())));
    loops
}

/// What the loops over our units work with.
#[derive(Clone)]
struct Upkeep {
    estate: Arc<Estate>,
    journal: Arc<dyn Journal>,
    world: watch::Receiver<Arc<World>>,
    fence: Fence,
}

impl Upkeep {
    /// Keeps one gateway's route table as it should be.
    async fn keep_gateway(self, id: GatewayId, client: UnixClient) {
        let Some(gateway) = self.estate.gateways.get(&id) else { return };
        let mut told: Option<Table> = None;
        let mut pause = tokio::time::interval(EVERY);
        loop {
            pause.tick().await;
            let world = self.world.borrow().clone();
            let Some(unit) = world.units.get(&Vantage::Gateway(id.clone())) else { continue };
            let book = self.journal.book();
            let generation = told.as_ref().map_or(0, |told| told.generation);
            let wanted = table(&self.estate, &book, &id, gateway, generation);
            let forgot = unit.generation.unwrap_or(0) < generation;
            if (told.as_ref() == Some(&wanted) && !forgot) || shares_are_being_changed(&book) {
                continue;
            }
            let wanted = Table { generation: book.head.0, ..wanted };
            let body = Fenced { fence: self.fence.clone(), body: wanted.clone() };
            match client.send::<_, serde_json::Value>("PUT", "/table", &body, PATIENCE).await {
                Ok(_) => {
                    info!(gateway = %id, generation = wanted.generation, "route table given");
                    told = Some(wanted);
                }
                Err(error) => debug!(gateway = %id, %error, "route table not given"),
            }
        }
    }

    /// Keeps the hand's charge as it should be.
    async fn keep_hand(self, wanted: Charge, client: UnixClient) {
        let mut told: Option<u32> = None;
        let mut pause = tokio::time::interval(EVERY);
        loop {
            pause.tick().await;
            let pid = self.world.borrow().units.get(&Vantage::Hand).map(|unit| unit.pid);
            if pid.is_none() || told == pid {
                continue;
            }
            let body = Fenced { fence: self.fence.clone(), body: wanted.clone() };
            match client.send::<_, serde_json::Value>("PUT", "/charge", &body, PATIENCE).await {
                Ok(_) => {
                    info!("charge given to the hand");
                    told = pid;
                }
                Err(error) => debug!(%error, "charge not given"),
            }
        }
    }
}

/// Whether a step that changes shares is under way. What the book says of them may be behind the gateways then.
fn shares_are_being_changed(book: &Book) -> bool {
    book.open_plans().any(|record| {
        record.plan.steps.iter().zip(&record.steps).any(|(step, at)| {
            let open = matches!(
                at.state,
                StepState::Started | StepState::Unknown | StepState::Undoing | StepState::UndoUnknown
            );
            open && matches!(step.action, Action::Weigh(_))
        })
    })
}
