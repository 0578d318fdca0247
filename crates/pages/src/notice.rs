//! Pages that ask or tell one thing: signing in, halting, and what went wrong.

use dinghai_record::PlanState;
use maud::{Markup, html};

use crate::Scene;
use crate::frame::{Tab, bare, page, token};
use crate::shape::{Tone, shape, toned};

/// What a page tells when there is nothing else to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// There is no such page or thing.
    NotFound,
    /// The reader's role does not admit it; why not.
    Forbidden(String),
    /// The form was not ours, or too old.
    StaleForm,
    /// What was asked was refused; why.
    Refused(Vec<String>),
    /// It can not be done now; why.
    Unavailable(String),
    /// It was done; what.
    Done(Vec<String>),
}

/// A page that tells one thing, with the way back.
pub fn notice(scene: &Scene<'_>, notice: &Notice) -> Markup {
    let (tone, name, sentence, lines) = match notice {
        Notice::NotFound => (
            Tone::Unknown,
            "unk",
            scene.say("notice-not-found", &[]),
            vec![scene.say("notice-not-found-help", &[])],
        ),
        Notice::Forbidden(why) => (Tone::Weak, "wait", scene.say("notice-forbidden", &[]), vec![why.clone()]),
        Notice::StaleForm => (
            Tone::Weak,
            "expired",
            scene.say("notice-stale-form", &[]),
            vec![scene.say("notice-stale-form-help", &[])],
        ),
        Notice::Refused(why) => (Tone::Weak, "wait", scene.say("notice-refused", &[]), why.clone()),
        Notice::Unavailable(why) => {
            (Tone::Fails, "down", scene.say("notice-unavailable", &[]), vec![why.clone()])
        }
        Notice::Done(what) => (Tone::Holds, "kept", scene.say("notice-done", &[]), what.clone()),
    };
    let main = html! {
        div.verdict { (toned(tone, name)) h1 { (sentence) } @if let [only] = lines.as_slice() { p { (only) } } }
        @if lines.len() > 1 { ul.why.notice { @for line in &lines { li { (line) } } } }
        p { a.btn href="/" { (scene.say("to-overview", &[])) } }
    };
    match scene.visitor {
        Some(_) => page(scene, Tab::None, &sentence, &main),
        None => bare(scene, &sentence, &main),
    }
}

/// Signing in with a one-time link. With a `token` the page has the button that uses it up; so a program that only
/// fetches the link, such as a chat's preview, does not.
pub fn sign_in(scene: &Scene<'_>, token: Option<&str>, refused: bool) -> Markup {
    let sentence = scene.say("sign-in-title", &[]);
    let main = html! {
        div.verdict { (toned(Tone::Plain, "seal")) h1 { (sentence) } p {
            @if refused { span.fails { (scene.say("sign-in-refused", &[])) } " " }
            @if token.is_some() { (scene.say("sign-in-ready", &[])) } @else { (scene.rich("sign-in-help", &[])) }
        } }
        @if let Some(token) = token {
            form.signin method="post" action="/sign-in" {
                input type="hidden" name="token" value=(token);
                label for="name" { (scene.say("sign-in-name", &[])) }
                input.field #name name="name" autocomplete="name" maxlength="80" required;
                button.btn.main { (scene.say("sign-in", &[])) }
            }
        }
    };
    bare(scene, &sentence, &main)
}

/// What halting stops, before it is confirmed; or how to go on when halted.
pub fn halt(scene: &Scene<'_>) -> Markup {
    let running: Vec<_> = scene
        .book
        .open_plans()
        .filter(|r| matches!(r.state, PlanState::Running | PlanState::Undoing))
        .collect();
    let main = html! {
        @if let Some((by, at, reason)) = &scene.book.halted {
            div.verdict { (toned(Tone::Weak, "halt")) h1 { (scene.say("halted-title", &[])) } p {
                (scene.rich("halted-since", &[("who", crate::actor(scene.language(), by)), ("since", scene.moment(*at)), ("reason", reason.clone())]))
            } }
            form.signin method="post" action="/resume" { (token(scene)) button.btn.main { (scene.say("resume", &[])) } }
        } @else {
            div.verdict { (toned(Tone::Plain, "halt")) h1 { (scene.say("halt-title", &[])) } p { (scene.say("halt-explained", &[])) } }
            ul.why {
                @for record in &running { li { (scene.say("halt-stops-plan", &[("n", record.plan.id.0.to_string()), ("title", scene.because(&record.plan.title))])) } }
                @if running.is_empty() { li { (scene.say("halt-no-plans", &[])) } }
                li { (scene.say("halt-goes-on", &[])) }
                li { (scene.say("halt-unreachable", &[])) }
            }
            form.signin method="post" action="/halt" {
                (token(scene))
                label for="why" { (scene.say("halt-reason", &[])) }
                input.field #why name="why" autocomplete="off" maxlength="500" required;
                button.btn.halt { (shape("halt")) (scene.say("halt", &[])) span.opt { (scene.say("halt-automatons", &[])) } }
            }
        }
    };
    page(scene, Tab::None, &scene.say("halt-title", &[]), &main)
}
