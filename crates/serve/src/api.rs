//! The JSON API under `/api/v1`, for programs with a session and for the command line at the machine.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::{Path, Query, State as Shared};
use axum::http::HeaderMap;
use dinghai_access::{Action, Resource};
use dinghai_estate::{ActionKind, DrillId};
use dinghai_record::{Consent, IncidentId, PlanId, Seq};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::answer::Refusal;
use crate::door::Guest;
use crate::paging;
use crate::state::State;

/// The most that one answer holds.
const MOST: usize = 1000;

type Answer = Result<Json<Value>, Refusal>;

fn value(of: impl serde::Serialize) -> Answer {
    serde_json::to_value(of)
        .map(Json)
        .map_err(|error| Refusal::Unreadable(format!("the answer cannot be written as JSON: {error}")))
}

#[derive(Deserialize)]
pub(crate) struct Slice {
    after: Option<u64>,
    limit: Option<usize>,
    kind: Option<String>,
}

impl Slice {
    fn limit(&self) -> usize {
        self.limit.unwrap_or(100).clamp(1, MOST)
    }
}

pub(crate) async fn estate(guest: Guest, Shared(state): Shared<State>) -> Answer {
    guest.pass(Action::Read, &Resource::Estate)?;
    value(&*state.handle.estate())
}

pub(crate) async fn world(guest: Guest, Shared(state): Shared<State>) -> Answer {
    guest.pass(Action::Read, &Resource::Estate)?;
    value(&*state.handle.world())
}

pub(crate) async fn incidents(
    guest: Guest,
    Shared(state): Shared<State>,
    Query(slice): Query<Slice>,
) -> Answer {
    guest.pass(Action::Read, &Resource::Estate)?;
    let book = state.handle.journal().book();
    let after = slice.after.unwrap_or(0);
    let items: Vec<_> =
        book.incidents.values().filter(|each| each.id.0 > after).take(slice.limit()).collect();
    value(json!({ "incidents": items, "next": items.last().map(|last| last.id.0), "head": book.head }))
}

pub(crate) async fn incident(guest: Guest, Shared(state): Shared<State>, Path(id): Path<u64>) -> Answer {
    guest.pass(Action::Read, &Resource::Incident(IncidentId(id)))?;
    value(state.handle.journal().book().incidents.get(&IncidentId(id)).ok_or(Refusal::NotFound)?)
}

pub(crate) async fn plans(guest: Guest, Shared(state): Shared<State>, Query(slice): Query<Slice>) -> Answer {
    guest.pass(Action::Read, &Resource::Estate)?;
    let book = state.handle.journal().book();
    let after = slice.after.unwrap_or(0);
    let items: Vec<_> =
        book.plans.values().filter(|each| each.plan.id.0 > after).take(slice.limit()).collect();
    value(json!({ "plans": items, "next": items.last().map(|last| last.plan.id.0), "head": book.head }))
}

pub(crate) async fn plan(guest: Guest, Shared(state): Shared<State>, Path(id): Path<u64>) -> Answer {
    guest.pass(Action::Read, &Resource::Plan(PlanId(id)))?;
    value(state.handle.journal().book().plans.get(&PlanId(id)).ok_or(Refusal::NotFound)?)
}

/// The token of a program's session comes in a header.
fn ours(guest: &Guest, headers: &HeaderMap, action: Action, resource: &Resource) -> Result<(), Refusal> {
    guest.sent_by_our_page(headers.get("x-csrf-token").and_then(|token| token.to_str().ok()))?;
    guest.pass(action, resource)
}

pub(crate) async fn approve(
    guest: Guest,
    headers: HeaderMap,
    Shared(state): Shared<State>,
    Path(id): Path<u64>,
) -> Answer {
    ours(&guest, &headers, Action::Approve, &Resource::Plan(PlanId(id)))?;
    state.handle.approve(PlanId(id), guest.actor()).await?;
    value(json!({ "plan": id, "approved": true }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Because {
    reason: String,
}

pub(crate) async fn decline(
    guest: Guest,
    headers: HeaderMap,
    Shared(state): Shared<State>,
    Path(id): Path<u64>,
    Json(because): Json<Because>,
) -> Answer {
    ours(&guest, &headers, Action::Decline, &Resource::Plan(PlanId(id)))?;
    state.handle.decline(PlanId(id), guest.actor(), because.reason).await?;
    value(json!({ "plan": id, "declined": true }))
}

pub(crate) async fn drills(guest: Guest, Shared(state): Shared<State>, Query(slice): Query<Slice>) -> Answer {
    guest.pass(Action::Read, &Resource::Estate)?;
    let book = state.handle.journal().book();
    let after = slice.after.unwrap_or(0);
    let runs: Vec<_> = book.drills.values().filter(|each| each.run.0 > after).take(slice.limit()).collect();
    value(
        json!({ "drills": state.handle.estate().drills, "runs": runs, "next": runs.last().map(|last| last.run.0) }),
    )
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Consenting {
    /// Kinds of action that automatons may do during the drill where `auto` is not yet earned.
    #[serde(default)]
    consent: BTreeSet<ActionKind>,
}

pub(crate) async fn drill(
    guest: Guest,
    headers: HeaderMap,
    Shared(state): Shared<State>,
    Path(id): Path<String>,
    body: Option<Json<Consenting>>,
) -> Answer {
    ours(&guest, &headers, Action::RunDrill, &Resource::Drill(DrillId::new(id.as_str())))?;
    let Json(asked) = body.unwrap_or_default();
    let run = state.handle.drill(DrillId::new(id), guest.actor(), Consent { kinds: asked.consent }).await?;
    value(json!({ "run": run }))
}

pub(crate) async fn promises(guest: Guest, Shared(state): Shared<State>) -> Answer {
    guest.pass(Action::Read, &Resource::Estate)?;
    let book = state.handle.journal().book();
    value(dinghai_prove::board(&state.handle.estate(), &book, state.handle.now()))
}

pub(crate) async fn ledger(guest: Guest, Shared(state): Shared<State>, Query(slice): Query<Slice>) -> Answer {
    guest.pass(Action::Read, &Resource::Ledger)?;
    let read = state.handle.journal().read(Seq(slice.after.unwrap_or(0)), slice.limit()).await?;
    let next = read.last().map(|last| last.seq);
    let entries: Vec<_> = read
        .into_iter()
        .filter(|entry| slice.kind.as_deref().is_none_or(|kind| entry.event.kind() == kind))
        .collect();
    value(json!({ "entries": entries, "next": next, "head": state.handle.journal().book().head }))
}

pub(crate) async fn entry(guest: Guest, Shared(state): Shared<State>, Path(seq): Path<u64>) -> Answer {
    guest.pass(Action::Read, &Resource::Ledger)?;
    value(paging::one(&state.handle, Seq(seq)).await?.ok_or(Refusal::NotFound)?)
}

pub(crate) async fn halt(
    guest: Guest,
    headers: HeaderMap,
    Shared(state): Shared<State>,
    Json(because): Json<Because>,
) -> Answer {
    ours(&guest, &headers, Action::Halt, &Resource::Estate)?;
    value(state.handle.halt(guest.actor(), because.reason).await?)
}

pub(crate) async fn resume(guest: Guest, headers: HeaderMap, Shared(state): Shared<State>) -> Answer {
    ours(&guest, &headers, Action::Resume, &Resource::Estate)?;
    value(state.handle.resume(guest.actor()).await?)
}
