//! The forms: what people do in the console. Each passes the door with its deed and its token before it acts.

use std::collections::BTreeSet;

use axum::extract::{Form, Path, State as Shared};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use dinghai_access::{Action, Resource};
use dinghai_estate::{ActionKind, DrillId};
use dinghai_pages::{Language, Notice, Theme};
use dinghai_record::{Consent, DrillRunId, PlanId};
use serde::Deserialize;

use crate::answer::Refusal;
use crate::door::{Guest, SESSION, cookie, origin_is_ours};
use crate::state::{State, language};
use crate::{Role, link};

/// Checks token and permission, does it, and shows where it leads or why it was refused.
async fn act(
    state: State,
    headers: HeaderMap,
    guest: Result<Guest, Refusal>,
    (action, resource): (Action, Resource),
    csrf: Option<String>,
    doing: impl AsyncFnOnce(&State, &Guest) -> Result<Response, Refusal>,
) -> Response {
    let guest = match guest {
        Ok(guest) => guest,
        Err(refusal) => return refusal.page(&state, &headers, None),
    };
    let passed = guest.sent_by_our_page(csrf.as_deref()).and_then(|()| guest.pass(action, &resource));
    let done = match passed {
        Ok(()) => doing(&state, &guest).await,
        Err(refusal) => Err(refusal),
    };
    done.unwrap_or_else(|refusal| refusal.page(&state, &headers, Some(&guest)))
}

type In = (Shared<State>, HeaderMap);

#[derive(Deserialize)]
pub(crate) struct Verdict {
    csrf: Option<String>,
    digest: Option<String>,
    why: Option<String>,
    r#do: String,
}

pub(crate) async fn decide(
    (Shared(state), headers): In,
    Path(id): Path<String>,
    guest: Result<Guest, Refusal>,
    Form(form): Form<Verdict>,
) -> Response {
    let speaks = language(&headers);
    let Ok(id) = id.parse().map(PlanId) else {
        return Refusal::NotFound.page(&state, &headers, guest.as_ref().ok());
    };
    let action = if form.r#do == "approve" { Action::Approve } else { Action::Decline };
    act(state, headers, guest, (action, Resource::Plan(id)), form.csrf, async |state, guest| {
        let book = state.handle.journal().book();
        let record = book.plans.get(&id).ok_or(Refusal::NotFound)?;
        if form.digest != Some(record.plan.digest().to_string()) {
            return Err(Refusal::Unreadable(dinghai_pages::text(speaks, "plan-changed", &[])));
        }
        match (form.r#do.as_str(), form.why.as_deref().map(str::trim).filter(|why| !why.is_empty())) {
            ("approve", _) => state.handle.approve(id, guest.actor()).await?,
            ("decline", Some(why)) => state.handle.decline(id, guest.actor(), why.to_owned()).await?,
            ("decline", None) => {
                return Err(Refusal::Unreadable(dinghai_pages::text(speaks, "decline-needs-reason", &[])));
            }
            _ => return Err(Refusal::NotFound),
        }
        Ok(Redirect::to(&format!("/plans/{}", id.0)).into_response())
    })
    .await
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Run {
    csrf: Option<String>,
    restart: Option<String>,
    shift_traffic: Option<String>,
    scale: Option<String>,
}

impl Run {
    fn consent(&self) -> Consent {
        let given = [
            (&self.restart, ActionKind::Restart),
            (&self.shift_traffic, ActionKind::ShiftTraffic),
            (&self.scale, ActionKind::Scale),
        ];
        let kinds: BTreeSet<ActionKind> = given
            .into_iter()
            .filter(|(field, _)| field.as_deref() == Some("yes"))
            .map(|(_, kind)| kind)
            .collect();
        Consent { kinds }
    }
}

pub(crate) async fn drill(
    (Shared(state), headers): In,
    Path(id): Path<String>,
    guest: Result<Guest, Refusal>,
    Form(form): Form<Run>,
) -> Response {
    let consent = form.consent();
    let id = DrillId::new(id);
    act(
        state,
        headers,
        guest,
        (Action::RunDrill, Resource::Drill(id.clone())),
        form.csrf,
        async |state, guest| {
            if !state.handle.estate().drills.contains_key(&id) {
                return Err(Refusal::NotFound);
            }
            let DrillRunId(run) = state.handle.drill(id, guest.actor(), consent).await?;
            Ok(Redirect::to(&format!("/drills/runs/{run}")).into_response())
        },
    )
    .await
}

#[derive(Deserialize)]
pub(crate) struct Why {
    csrf: Option<String>,
    why: Option<String>,
}

fn told(
    state: &State,
    headers: &HeaderMap,
    guest: &Guest,
    key: &str,
    report: &dinghai_engine::HaltReport,
) -> Response {
    let language = language(headers);
    let say = |key, values: &[(&str, String)]| dinghai_pages::text(language, key, values);
    let mut lines = vec![say(key, &[("units", report.reached.join(", "))])];
    for (unit, why) in &report.unreached {
        lines.push(say("unit-unreached", &[("unit", unit.clone()), ("why", why.clone())]));
    }
    let present = state.present(headers, Some(guest), "/halt");
    Html(dinghai_pages::notice(&present.scene(), &Notice::Done(lines)).into_string()).into_response()
}

pub(crate) async fn halt(
    (Shared(state), headers): In,
    guest: Result<Guest, Refusal>,
    Form(form): Form<Why>,
) -> Response {
    let spoken = headers.clone();
    act(state, headers, guest, (Action::Halt, Resource::Estate), form.csrf, async |state, guest| {
        let why = form.why.as_deref().map(str::trim).filter(|why| !why.is_empty()).ok_or_else(|| {
            Refusal::Unreadable(dinghai_pages::text(language(&spoken), "halt-needs-reason", &[]))
        })?;
        let report = state.handle.halt(guest.actor(), why.to_owned()).await?;
        Ok(told(state, &spoken, guest, "halt-reached", &report))
    })
    .await
}

pub(crate) async fn resume(
    (Shared(state), headers): In,
    guest: Result<Guest, Refusal>,
    Form(form): Form<Why>,
) -> Response {
    let spoken = headers.clone();
    act(state, headers, guest, (Action::Resume, Resource::Estate), form.csrf, async |state, guest| {
        let report = state.handle.resume(guest.actor()).await?;
        Ok(told(state, &spoken, guest, "resume-reached", &report))
    })
    .await
}

#[derive(Deserialize)]
pub(crate) struct Choice {
    csrf: Option<String>,
    to: String,
    back: Option<String>,
}

/// A path of ours, so that no form leads a reader elsewhere.
fn ours(back: Option<&str>) -> &str {
    back.filter(|path| path.starts_with('/') && !path.starts_with("//") && !path.contains(['\\', '\r', '\n']))
        .unwrap_or("/")
}

fn with_cookie(mut answer: Response, cookie: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(cookie) {
        answer.headers_mut().append(header::SET_COOKIE, value);
    }
    answer
}

fn choice(name: &str, value: &str, back: Option<&str>) -> Response {
    let cookie = format!("{name}={value}; Path=/; Max-Age=31536000; SameSite=Strict; HttpOnly");
    with_cookie(Redirect::to(ours(back)).into_response(), &cookie)
}

/// Theme and language change nothing but the reader's own cookie, so they are open on the sign-in page too.
fn chooser(
    state: &State,
    headers: &HeaderMap,
    guest: &Result<Guest, Refusal>,
    csrf: Option<&str>,
) -> Option<Response> {
    let refused = match guest {
        Ok(guest) => guest.sent_by_our_page(csrf).is_err(),
        Err(_) => !origin_is_ours(headers),
    };
    refused.then(|| Refusal::StaleForm.page(state, headers, guest.as_ref().ok()))
}

pub(crate) async fn theme(
    (Shared(state), headers): In,
    guest: Result<Guest, Refusal>,
    Form(form): Form<Choice>,
) -> Response {
    chooser(&state, &headers, &guest, form.csrf.as_deref()).unwrap_or_else(|| {
        choice("theme", Theme::of(&form.to).unwrap_or_default().as_str(), form.back.as_deref())
    })
}

pub(crate) async fn language_choice(
    (Shared(state), headers): In,
    guest: Result<Guest, Refusal>,
    Form(form): Form<Choice>,
) -> Response {
    chooser(&state, &headers, &guest, form.csrf.as_deref()).unwrap_or_else(|| {
        choice("language", Language::of(&form.to).unwrap_or_default().tag(), form.back.as_deref())
    })
}

#[derive(Deserialize)]
pub(crate) struct SignIn {
    token: String,
    name: String,
}

/// Uses a link up and begins a session.
pub(crate) async fn sign_in((Shared(state), headers): In, Form(form): Form<SignIn>) -> Response {
    if !origin_is_ours(&headers) {
        return Refusal::StaleForm.page(&state, &headers, None);
    }
    let name: String = form.name.trim().chars().filter(|c| !c.is_control()).take(80).collect();
    if name.is_empty() {
        return Redirect::to(&format!("/sign-in?token={}", form.token)).into_response();
    }
    let now = state.handle.now();
    let Some(role) = link::redeem(&state.data_dir, &form.token, now) else {
        let present = state.present(&headers, None, "/sign-in");
        let page = dinghai_pages::sign_in(&present.scene(), None, true);
        return (StatusCode::FORBIDDEN, Html(page.into_string())).into_response();
    };
    match begin(&state, &name, role, now).await {
        Ok(token) => {
            let cookie = format!("{SESSION}={token}; Path=/; HttpOnly; SameSite=Strict");
            with_cookie(Redirect::to("/").into_response(), &cookie)
        }
        Err(refusal) => refusal.page(&state, &headers, None),
    }
}

/// The ledger tells who signed in before they may do anything.
async fn begin(
    state: &State,
    name: &str,
    role: Role,
    now: dinghai_clock::Timestamp,
) -> Result<String, Refusal> {
    let (token, session) = state.sessions.begin(name, role, now)?;
    let by = dinghai_record::Actor::Person(session.personal());
    let event = dinghai_record::Event::SignedIn { by, role: role.as_str().to_owned() };
    let written = state.handle.journal().transact(Box::new(move |_| vec![event])).await;
    if let Err(error) = written {
        state.sessions.end(&token)?;
        return Err(error.into());
    }
    Ok(token)
}

pub(crate) async fn sign_out(
    (Shared(state), headers): In,
    guest: Result<Guest, Refusal>,
    Form(form): Form<Why>,
) -> Response {
    let token = cookie(&headers, SESSION).map(str::to_owned);
    act(state, headers, guest, (Action::Read, Resource::Estate), form.csrf, async |state, _| {
        if let Some(token) = token {
            state.sessions.end(&token)?;
        }
        let gone = format!("{SESSION}=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict");
        Ok(with_cookie(Redirect::to("/sign-in").into_response(), &gone))
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_leads_nowhere_but_home() {
        assert_eq!(ours(Some("/plans/2?x=1")), "/plans/2?x=1");
        for foreign in ["//evil.example", "https://evil.example", "/\\evil", "evil"] {
            assert_eq!(ours(Some(foreign)), "/");
        }
    }
}
