//! The control socket: what the controller tells and asks, and what a person does in an emergency.
//!
//! Changes are made one at a time: decided on a copy, stored, then put in force. One that cannot be stored is refused,
//! so that what is in force is always what a restart would serve.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use dinghai_clock::Timestamp;
use dinghai_estate::InstanceId;
use dinghai_record::{Action, Fence, Looked, Order, Performed, Reason};
use dinghai_wire::{Fenced, HaltRequest, HaltState, Refusal, Table};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::sync::Mutex;
use tracing::{info, warn};

use crate::core::Core;
use crate::listeners::Listeners;
use crate::metrics;
use crate::probes::Probes;
use crate::routing::Routing;
use crate::standing::Standing;
use crate::status::status;

/// The longest that a status may be waited for.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// How often requests under way are counted while they are waited for.
const LOOK: Duration = Duration::from_millis(20);

/// An order is answered this long before its deadline, so that the answer still counts.
const ANSWER_IN_TIME: Duration = Duration::from_secs(1);

/// The part of a gateway that is told what to do.
pub(crate) struct Control {
    core: Arc<Core>,
    path: PathBuf,
    told: Mutex<Told>,
}

struct Told {
    standing: Standing,
    listeners: Listeners,
    probes: Probes,
}

impl Control {
    /// Puts the standing in force that was found on disk.
    pub(crate) async fn begin(core: Arc<Core>, path: PathBuf, standing: Standing) -> Arc<Self> {
        let listeners = Listeners::new(Arc::clone(&core));
        let probes = Probes::new(Arc::clone(&core));
        let told = Mutex::new(Told { standing, listeners, probes });
        let control = Arc::new(Self { core, path, told });
        control.told.lock().await.put_in_force(&control.core);
        control
    }

    /// The routes of the socket.
    pub(crate) fn router(self: &Arc<Self>) -> Router {
        Router::new()
            .route("/table", put(table))
            .route("/orders", post(orders))
            .route("/orders/look", post(look))
            .route("/halt", post(halt))
            .route("/resume", post(resume))
            .route("/status", get(ask_status))
            .route("/metrics", get(ask_metrics))
            .layer(axum::extract::DefaultBodyLimit::max(64 << 20))
            .with_state(Arc::clone(self))
    }

    /// Stops accepting and lets the requests under way end.
    pub(crate) async fn drain(&self) {
        let listeners = {
            let mut told = self.told.lock().await;
            std::mem::replace(&mut told.listeners, Listeners::new(Arc::clone(&self.core)))
        };
        listeners.drain().await;
    }

    /// Waits until nothing is under way to these instances, or the time is nearly over.
    async fn drained(&self, instances: &[InstanceId], deadline: Timestamp) -> Performed {
        let begun = self.under_way(instances);
        let give_up = deadline.minus(ANSWER_IN_TIME);
        while self.under_way(instances) > 0 && self.core.clock.now() < give_up {
            tokio::time::sleep(LOOK).await;
        }
        let left = self.under_way(instances);
        let told = |code: &str, n: u32| Reason::new(code).with("gateway", &self.core.id).with("n", n);
        let notes = match (begun, left) {
            (0, _) => vec![],
            (_, 0) => vec![told("requests-drained", begun)],
            (_, left) => vec![told("requests-not-drained", left)],
        };
        Performed { changed: begun > 0, notes }
    }

    /// Requests under way to these instances.
    fn under_way(&self, instances: &[InstanceId]) -> u32 {
        let routing = self.core.routing.load_full();
        let members = routing.services.values().flat_map(|service| &service.members);
        members
            .filter(|each| instances.contains(&each.instance.id))
            .map(|each| each.instance.in_flight())
            .sum()
    }

    /// Changes the standing; what `change` did is stored before it is in force. A fence that was seen is remembered
    /// even when what came with it is refused.
    async fn change<R>(
        &self,
        fence: Option<&Fence>,
        change: impl FnOnce(&mut Standing) -> Result<R, Refusal>,
    ) -> Result<R, Refusal> {
        let mut told = self.told.lock().await;
        let mut obeyed = told.standing.clone();
        if let Some(fence) = fence {
            obeyed.obey(fence)?;
            self.core.hear();
        }
        let mut changed = obeyed.clone();
        let answer = change(&mut changed);
        let next = if answer.is_ok() { changed } else { obeyed };
        if next != told.standing {
            self.store(next.clone()).await?;
            told.standing = next;
            told.put_in_force(&self.core);
        }
        answer
    }

    async fn store(&self, standing: Standing) -> Result<(), Refusal> {
        let path = self.path.clone();
        let storing = tokio::task::spawn_blocking(move || standing.store(&path)).await;
        storing.unwrap_or_else(|error| Err(std::io::Error::other(error))).map_err(|error| {
            warn!(path = %self.path.display(), %error, "cannot store what was told; it is refused");
            Refusal::Failed(Reason::new("gateway-cannot-write").with("why", error))
        })
    }
}

impl Told {
    fn put_in_force(&mut self, core: &Arc<Core>) {
        let Some(table) = &self.standing.table else { return };
        let before = core.routing.load_full();
        if before.table.as_deref() == Some(table) {
            return;
        }
        let routing = Arc::new(Routing::of(table.clone(), &before, core.clock.now(), core.bell.len()));
        info!(generation = table.generation, "route table in force");
        core.routing.store(Arc::clone(&routing));
        self.listeners.follow(table);
        self.probes.follow(&routing);
    }
}

type Answer<T> = Result<Json<T>, Refused>;

/// A refusal with the status that goes with it.
struct Refused(Refusal);

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let status = http::StatusCode::from_u16(self.0.status());
        (status.unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR), Json(self.0)).into_response()
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self(refusal)
    }
}

fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, Refusal> {
    serde_json::from_slice(body)
        .map_err(|error| Refusal::Refused(Reason::new("not-understood").with("why", error)))
}

async fn table(State(control): State<Arc<Control>>, body: Bytes) -> Answer<()> {
    let Fenced { fence, body: table } = read::<Fenced<Table>>(&body)?;
    control.change(Some(&fence), |standing| standing.adopt(&control.core.id, table)).await?;
    Ok(Json(()))
}

async fn orders(State(control): State<Arc<Control>>, body: Bytes) -> Answer<Performed> {
    let order: Order = read(&body)?;
    let now = control.core.clock.now();
    let performed = match &order.action {
        Action::Drain(instances) => {
            control.change(Some(&order.fence), |standing| standing.admit(&order, now)).await?;
            control.drained(instances, order.deadline).await
        }
        _ => control.change(Some(&order.fence), |standing| standing.weigh(&order, now)).await?,
    };
    info!(order = order.key(), changed = performed.changed, "order done");
    Ok(Json(performed))
}

async fn look(State(control): State<Arc<Control>>, body: Bytes) -> Answer<Looked> {
    let order: Order = read(&body)?;
    if let Action::Drain(instances) = &order.action {
        control.change(Some(&order.fence), |_| Ok(())).await?;
        let drained = control.under_way(instances) == 0;
        return Ok(Json(if drained { Looked::Done(Performed::nothing()) } else { Looked::NotDone }));
    }
    Ok(Json(control.change(Some(&order.fence), |standing| standing.look(&order)).await?))
}

/// Holds from here on, even when the disk refuses; the answer then says that a restart would forget it.
async fn halt(State(control): State<Arc<Control>>, body: Bytes) -> Answer<HaltState> {
    warn!(reason = reason(&body), "halted");
    let mut told = control.told.lock().await;
    told.standing.halted = true;
    control.store(told.standing.clone()).await.map_err(|refusal| match refusal {
        Refusal::Failed(reason) => {
            Refusal::Failed(Reason { code: "gateway-halt-not-durable".to_owned(), ..reason })
        }
        other => other,
    })?;
    Ok(Json(HaltState { halted: true }))
}

async fn resume(State(control): State<Arc<Control>>, body: Bytes) -> Answer<HaltState> {
    info!(reason = reason(&body), "resumed");
    control
        .change(None, |standing| {
            standing.halted = false;
            Ok(())
        })
        .await?;
    Ok(Json(HaltState { halted: false }))
}

/// An emergency does not fail for want of a reason.
fn reason(body: &Bytes) -> String {
    read::<HaltRequest>(body).map_or_else(|_| String::new(), |request| request.reason)
}

#[derive(Deserialize)]
struct StatusQuery {
    #[serde(default)]
    after: u64,
    #[serde(default)]
    wait_ms: u64,
}

async fn ask_status(State(control): State<Arc<Control>>, Query(query): Query<StatusQuery>) -> Response {
    control.core.hear();
    let patience = Duration::from_millis(query.wait_ms).min(LONGEST_WAIT);
    control.core.reflexes.wait(query.after, patience).await;
    let standing = control.told.lock().await.standing.clone();
    Json(status(&control.core, &standing, query.after)).into_response()
}

async fn ask_metrics(State(control): State<Arc<Control>>) -> Response {
    let halted = control.told.lock().await.standing.halted;
    let page = metrics::render(&control.core, halted);
    ([(http::header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], page).into_response()
}
