//! The pages that are only looked at.

use axum::extract::{Path, Query, State as Shared};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use dinghai_access::{Action, Resource};
use dinghai_pages::{LedgerPage, Markup, Scene};
use dinghai_record::{DrillRunId, Entry, Event, IncidentId, IncidentRecord, PlanId, Seq};
use serde::Deserialize;

use crate::answer::Refusal;
use crate::door::Guest;
use crate::paging;
use crate::state::State;

/// Rows of what is over that a list shows.
const OVER: usize = 50;

fn here(uri: &Uri) -> String {
    uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string)
}

/// Lets a reader in and writes their page. `write` says what is missing when it is.
async fn show(
    state: State,
    headers: HeaderMap,
    uri: Uri,
    guest: Result<Guest, Refusal>,
    resource: Resource,
    write: impl AsyncFnOnce(&State, &Scene<'_>) -> Result<Markup, Refusal>,
) -> Response {
    let guest = match guest {
        Ok(guest) => guest,
        Err(refusal) => return refusal.page(&state, &headers, None),
    };
    let written = match guest.pass(Action::Read, &resource) {
        Ok(()) => {
            let present = state.present(&headers, Some(&guest), &here(&uri));
            write(&state, &present.scene()).await
        }
        Err(refusal) => Err(refusal),
    };
    match written {
        Ok(page) => Html(page.into_string()).into_response(),
        Err(refusal) => refusal.page(&state, &headers, Some(&guest)),
    }
}

type In = (Shared<State>, HeaderMap, Uri);

pub(crate) async fn overview((Shared(state), headers, uri): In, guest: Result<Guest, Refusal>) -> Response {
    show(state, headers, uri, guest, Resource::Estate, async |_, scene| Ok(dinghai_pages::overview(scene)))
        .await
}

pub(crate) async fn incidents((Shared(state), headers, uri): In, guest: Result<Guest, Refusal>) -> Response {
    show(state, headers, uri, guest, Resource::Estate, async |_, scene| {
        Ok(dinghai_pages::incidents(scene, OVER))
    })
    .await
}

/// A number in an address. What is no number is no thing of ours.
fn number(text: &str) -> Result<u64, Refusal> {
    text.parse().map_err(|_| Refusal::NotFound)
}

pub(crate) async fn room(
    (Shared(state), headers, uri): In,
    Path(id): Path<String>,
    guest: Result<Guest, Refusal>,
) -> Response {
    show(state, headers, uri, guest, Resource::Estate, async |state, scene| {
        let (incident, entries) = incident(state, scene, &id).await?;
        Ok(dinghai_pages::room(scene, incident, &entries))
    })
    .await
}

/// An incident with the entries that tell of it.
async fn incident<'a>(
    state: &State,
    scene: &Scene<'a>,
    id: &str,
) -> Result<(&'a IncidentRecord, Vec<Entry>), Refusal> {
    let incident = scene.book.incidents.get(&IncidentId(number(id)?)).ok_or(Refusal::NotFound)?;
    Ok((incident, paging::around(&state.handle, incident).await?))
}

pub(crate) async fn review(
    (Shared(state), headers, uri): In,
    Path(id): Path<String>,
    guest: Result<Guest, Refusal>,
) -> Response {
    show(state, headers, uri, guest, Resource::Estate, async |state, scene| {
        let (incident, entries) = incident(state, scene, &id).await?;
        dinghai_pages::review(scene, incident, &entries).ok_or(Refusal::NotFound)
    })
    .await
}

/// The review's draft as a file.
pub(crate) async fn review_markdown(
    (Shared(state), headers, uri): In,
    Path(id): Path<String>,
    guest: Result<Guest, Refusal>,
) -> Response {
    let written = async {
        let guest = guest?;
        guest.pass(Action::Read, &Resource::Estate)?;
        let present = state.present(&headers, Some(&guest), &here(&uri));
        let scene = present.scene();
        let (incident, entries) = incident(&state, &scene, &id).await?;
        let text = dinghai_pages::review_markdown(&scene, incident, &entries).ok_or(Refusal::NotFound)?;
        let name = format!("attachment; filename=\"review-{}.md\"", incident.id);
        let kind = "text/markdown; charset=utf-8".to_owned();
        Ok(([(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, name)], text).into_response())
    };
    written.await.unwrap_or_else(|refusal: Refusal| refusal.page(&state, &headers, None))
}

pub(crate) async fn plans((Shared(state), headers, uri): In, guest: Result<Guest, Refusal>) -> Response {
    show(state, headers, uri, guest, Resource::Estate, async |_, scene| Ok(dinghai_pages::plans(scene, OVER)))
        .await
}

pub(crate) async fn plan(
    (Shared(state), headers, uri): In,
    Path(id): Path<String>,
    guest: Result<Guest, Refusal>,
) -> Response {
    show(state, headers, uri, guest, Resource::Estate, async |_, scene| {
        let record = scene.book.plans.get(&PlanId(number(&id)?)).ok_or(Refusal::NotFound)?;
        Ok(dinghai_pages::plan(scene, record))
    })
    .await
}

pub(crate) async fn drills((Shared(state), headers, uri): In, guest: Result<Guest, Refusal>) -> Response {
    show(state, headers, uri, guest, Resource::Estate, async |_, scene| {
        Ok(dinghai_pages::drills(scene, OVER))
    })
    .await
}

pub(crate) async fn run(
    (Shared(state), headers, uri): In,
    Path(id): Path<String>,
    guest: Result<Guest, Refusal>,
) -> Response {
    show(state, headers, uri, guest, Resource::Estate, async |state, scene| {
        let run = DrillRunId(number(&id)?);
        let record = scene.book.drills.get(&run).ok_or(Refusal::NotFound)?;
        let after = Seq(record.started.1.0.saturating_sub(1));
        let entries = state.handle.journal().read(after, 2_000).await?;
        let of_run = |event: &Event| match event {
            Event::DrillStarted { run: r, .. }
            | Event::DrillBroke { run: r, .. }
            | Event::DrillMended { run: r, .. }
            | Event::DrillEnded { run: r, .. } => *r == run,
            Event::EvidenceFiled { evidence } => evidence.drill == Some(run),
            Event::StepStarted { plan, .. } | Event::StepEnded { plan, .. } => record.plan == Some(*plan),
            Event::IncidentOpened { drill, .. } => *drill == Some(run),
            _ => false,
        };
        let entries: Vec<_> = entries.into_iter().filter(|entry| of_run(&entry.event)).collect();
        Ok(dinghai_pages::run(scene, record, &entries))
    })
    .await
}

pub(crate) async fn promises((Shared(state), headers, uri): In, guest: Result<Guest, Refusal>) -> Response {
    show(state, headers, uri, guest, Resource::Estate, async |_, scene| Ok(dinghai_pages::promises(scene)))
        .await
}

#[derive(Deserialize)]
pub(crate) struct Leaf {
    before: Option<String>,
    kind: Option<String>,
}

pub(crate) async fn ledger(
    (Shared(state), headers, uri): In,
    Query(leaf): Query<Leaf>,
    guest: Result<Guest, Refusal>,
) -> Response {
    show(state, headers, uri, guest, Resource::Ledger, async |state, scene| {
        let top = scene.book.head.next();
        let before = match &leaf.before {
            Some(text) => Seq(number(text)?).min(top),
            None => top,
        };
        let page = paging::back(&state.handle, before, leaf.kind.as_deref()).await?;
        let newer = (before < top).then_some(Seq((before.0 + paging::PAGE as u64).min(top.0)));
        Ok(dinghai_pages::ledger(
            scene,
            &LedgerPage { entries: page.entries, kind: leaf.kind.clone(), newer, older: page.older },
        ))
    })
    .await
}

pub(crate) async fn entry(
    (Shared(state), headers, uri): In,
    Path(seq): Path<String>,
    guest: Result<Guest, Refusal>,
) -> Response {
    show(state, headers, uri, guest, Resource::Ledger, async |state, scene| {
        let entry = paging::one(&state.handle, Seq(number(&seq)?)).await?.ok_or(Refusal::NotFound)?;
        Ok(dinghai_pages::entry(scene, &entry))
    })
    .await
}

pub(crate) async fn halt((Shared(state), headers, uri): In, guest: Result<Guest, Refusal>) -> Response {
    show(state, headers, uri, guest, Resource::Estate, async |_, scene| Ok(dinghai_pages::halt(scene))).await
}

#[derive(Deserialize)]
pub(crate) struct WithToken {
    token: Option<String>,
}

/// Where a link leads. It is not used up until its button is pressed.
pub(crate) async fn sign_in(
    (Shared(state), headers, _): In,
    Query(query): Query<WithToken>,
    guest: Result<Guest, Refusal>,
) -> Response {
    if guest.is_ok() && query.token.is_none() {
        return Redirect::to("/").into_response();
    }
    let present = state.present(&headers, None, "/sign-in");
    Html(dinghai_pages::sign_in(&present.scene(), query.token.as_deref(), false).into_string())
        .into_response()
}

pub(crate) async fn not_found((Shared(state), headers, uri): In, guest: Result<Guest, Refusal>) -> Response {
    if uri.path().starts_with("/api/") {
        return Refusal::NotFound.into_response();
    }
    Refusal::NotFound.page(&state, &headers, guest.ok().as_ref())
}

fn asset(kind: &'static str, body: &'static str) -> Response {
    (StatusCode::OK, [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "public, max-age=300")], body)
        .into_response()
}

pub(crate) async fn style() -> Response {
    asset("text/css; charset=utf-8", dinghai_pages::STYLE)
}

pub(crate) async fn mark() -> Response {
    asset("image/svg+xml", dinghai_pages::MARK)
}

pub(crate) async fn script() -> Response {
    asset("text/javascript; charset=utf-8", dinghai_pages::SCRIPT)
}
