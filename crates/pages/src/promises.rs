//! The promise board: target, state, margin, last proof, what voided it, and the drill that proves it again.

use std::time::Duration;

use dinghai_estate::PromiseTarget;
use dinghai_prove::{PromiseBoard, PromiseRow, PromiseState, board};
use maud::{Markup, html};

use crate::frame::{Tab, page, section};
use crate::shape::{Tone, named, shape, status, toned};
use crate::{Scene, format};

const ORDER: [PromiseState; 4] =
    [PromiseState::Broken, PromiseState::Expired, PromiseState::Unproven, PromiseState::Kept];

/// Tone, shape and the catalogue's keys of a state: its word and what it means.
const fn face(state: PromiseState) -> (Tone, &'static str, &'static str, &'static str) {
    match state {
        PromiseState::Kept => (Tone::Holds, "kept", "kept", "kept-means"),
        PromiseState::Broken => (Tone::Fails, "down", "broken", "broken-means"),
        PromiseState::Unproven => (Tone::Plain, "unproven", "unproven", "unproven-means"),
        PromiseState::Expired => (Tone::Weak, "expired", "expired", "expired-means"),
    }
}

const fn tally(board: &PromiseBoard, state: PromiseState) -> usize {
    match state {
        PromiseState::Kept => board.kept,
        PromiseState::Broken => board.broken,
        PromiseState::Unproven => board.unproven,
        PromiseState::Expired => board.expired,
    }
}

fn value(scene: &Scene<'_>, target: &PromiseTarget, measured: f64) -> String {
    match target {
        PromiseTarget::Within(_) => scene.span(Duration::from_secs_f64((measured / 1000.0).max(0.0))),
        PromiseTarget::AtLeast(_) => scene.percent(measured),
    }
}

fn target(scene: &Scene<'_>, target: &PromiseTarget) -> String {
    match target {
        PromiseTarget::Within(within) => format!("≤ {}", scene.span(*within)),
        PromiseTarget::AtLeast(share) => format!("≥ {}", scene.percent(*share)),
    }
}

/// What a promise is about, where it is one that this program knows.
fn meaning(scene: &Scene<'_>, row: &PromiseRow) -> String {
    match row.promise.as_str() {
        "detect.zone" => scene.say("promise-detect-zone", &[]),
        "eject.hang" => scene.say("promise-eject-hang", &[]),
        "failover.instance" => scene.say("promise-failover-instance", &[]),
        "failover.zone" => scene.say("promise-failover-zone", &[]),
        "halt.all" => scene.say("promise-halt-all", &[]),
        "restart.instance" => scene.say("promise-restart-instance", &[]),
        "restart.zone" => scene.say("promise-restart-zone", &[]),
        _ => String::new(),
    }
}

/// The section of the start page.
pub(crate) fn summary(scene: &Scene<'_>) -> Markup {
    let board = board(scene.estate, scene.book, scene.now);
    let aside =
        html! { a href="/promises" { (scene.say("promises-all", &[("n", scene.n(board.rows.len()))])) } };
    let mut rows: Vec<&PromiseRow> = board.rows.iter().collect();
    rows.sort_by_key(|row| ORDER.iter().position(|state| *state == row.state));
    let body = html! {
        @if board.rows.is_empty() { p.note { (scene.say("promises-none", &[])) } }
        @else {
            dl.tally { @for state in [PromiseState::Kept, PromiseState::Broken, PromiseState::Unproven, PromiseState::Expired] {
                @let (tone, name, word, _) = face(state);
                div { dt { (named(tone, name, &scene.say(word, &[]))) } dd { (scene.n(tally(&board, state))) } }
            } }
            ul.lines { @for row in rows.iter().take(5) {
                @let (tone, name, ..) = face(row.state);
                li {
                    span { (toned(tone, name)) " " b { (row.promise) } " " (target(scene, &row.target)) }
                    span { (short(scene, row)) }
                }
            } }
        }
    };
    section("promises", 3, &scene.say("promises", &[]), &aside, &body)
}

fn short(scene: &Scene<'_>, row: &PromiseRow) -> String {
    match (row.measured, &row.proof) {
        (Some(measured), Some(proof)) => scene.say(
            "measured-ago",
            &[("value", value(scene, &row.target, measured)), ("age", scene.age(proof.at))],
        ),
        _ => scene.say("never-run", &[]),
    }
}

/// The board.
pub fn promises(scene: &Scene<'_>) -> Markup {
    let board = board(scene.estate, scene.book, scene.now);
    let all = board.rows.len();
    let (tone, name) = match () {
        () if all == 0 => (Tone::Unknown, "unk"),
        () if board.broken > 0 => (Tone::Fails, "down"),
        () if board.kept == all => (Tone::Holds, "kept"),
        () => (Tone::Weak, "weak"),
    };
    let sentence = match all {
        0 => scene.say("promises-none", &[]),
        _ => scene.say(
            "promises-sentence",
            &[("kept", scene.n(board.kept)), ("all", scene.n(all)), ("n", scene.n(board.broken))],
        ),
    };
    let columns = [
        ("promise", ""),
        ("state", ""),
        ("target", "num"),
        ("measured", "num"),
        ("margin", ""),
        ("last-proof-title", ""),
        ("age-expiry", ""),
        ("voided-by", ""),
        ("source", "src-c"),
        ("prove-again", "num"),
    ];
    let main = html! {
        div.verdict #verdict data-live { (toned(tone, name)) h1 { (sentence) } p { (scene.say("promises-explained", &[])) } }
        nav.pb-tools aria-label=(scene.say("filter", &[])) {
            a.chip href="#board" aria-current="true" { (scene.say("promises-all", &[("n", scene.n(all))])) }
            @for state in ORDER {
                @let (tone, name, word, _) = face(state);
                @if tally(&board, state) > 0 {
                    a.chip href={ "#state-" (word) } { span.(tone.class()) { (shape(name)) } (scene.say(word, &[])) " " (scene.n(tally(&board, state))) }
                }
            }
            span.quiet { small { (scene.say("margin-means", &[])) } }
        }
        table.pb #board data-live {
            caption.vh { (scene.say("promises", &[])) }
            thead { tr { @for (key, class) in columns { th.(class) { (scene.say(key, &[])) } } } }
            tbody { @for state in ORDER { @if tally(&board, state) > 0 {
                (group(scene, &board, state))
                @for row in board.rows.iter().filter(|row| row.state == state) { (line(scene, row)) }
            } } }
        }
    };
    page(scene, Tab::Promises, &sentence, &main)
}

fn group(scene: &Scene<'_>, board: &PromiseBoard, state: PromiseState) -> Markup {
    let (tone, name, word, means) = face(state);
    html! {
        tr.grp id={ "state-" (word) } { th colspan="10" scope="rowgroup" {
            (status(tone, name, &scene.say(word, &[]))) " " b { (scene.n(tally(board, state))) } " "
            span.quiet { small { (scene.say(means, &[])) } }
        } }
    }
}

fn line(scene: &Scene<'_>, row: &PromiseRow) -> Markup {
    let (tone, name, word, _) = face(row.state);
    let label = |key: &str| scene.say(key, &[]);
    html! {
        tr {
            th scope="row" { (row.promise) small { (meaning(scene, row)) } }
            td.nw data-l=(label("state")) { (status(tone, name, &scene.say(word, &[]))) }
            td.num data-l=(label("target")) { (target(scene, &row.target)) }
            td.num data-l=(label("measured")) { b { @match row.measured { Some(it) => (value(scene, &row.target, it)), None => (label("never-run")) } } }
            td.margin data-l=(label("margin")) { (margin(scene, row)) }
            @match &row.proof {
                Some(proof) => {
                    td data-l=(label("last-proof-title")) {
                        @match (&proof.drill, proof.incident) {
                            (Some((run, _)), _) => a href={ "/drills/runs/" (run.0) } { (run) },
                            (None, Some(id)) => a href={ "/incidents/" (id.0) } { (id) },
                            (None, None) => (proof.evidence),
                        }
                        small { (proof.measured_at) ", " (scene.moment(proof.at)) }
                    }
                    td data-l=(label("age-expiry")) { (format::age(scene.language(), scene.now.since(proof.at))) small { (expiry(scene, row, proof)) } }
                    td.void data-l=(label("voided-by")) { @match &proof.voided {
                        Some(void) => { b { (void.fact) " " (void.then) " → " (void.now.clone().unwrap_or_else(|| label("gone"))) } small { (scene.moment(void.at)) } },
                        None if row.state == PromiseState::Expired => span.quiet { (label("nothing-changed")) },
                        None => span.quiet { (label("nothing")) },
                    } }
                }
                None => {
                    td data-l=(label("last-proof-title")) { (label("none")) }
                    td data-l=(label("age-expiry")) { span.unk { (label("unknown")) } }
                    td.void data-l=(label("voided-by")) { span.quiet { (label("no-proof-yet")) } }
                }
            }
            td.src-c data-l=(label("source")) { small { @if row.origin.line == 0 { (row.origin.file) } @else { (row.origin) } } }
            td.prove {
                @if row.drills.is_empty() { small { (label("no-drill-proves-it")) } }
                @for due in row.drills.iter().take(2) {
                    a.btn.small href={ "/drills#drill-" (due.drill) } { (scene.say("drill-link", &[("drill", due.drill.to_string())])) }
                }
            }
        }
    }
}

fn expiry(scene: &Scene<'_>, row: &PromiseRow, proof: &dinghai_prove::LastProof) -> String {
    match row.state {
        PromiseState::Expired if proof.voided.is_some() => scene.say("voided", &[]),
        PromiseState::Expired => scene.say("expired-ago", &[("age", scene.age(proof.good_until))]),
        _ => scene.say("good-until", &[("until", scene.format.day(proof.good_until, scene.now))]),
    }
}

/// The centre line is the target; right is room, left is the miss.
fn margin(scene: &Scene<'_>, row: &PromiseRow) -> Markup {
    let Some(margin) = row.margin else {
        let told = scene.say("unknown", &[]);
        return html! {
            svg.fig viewBox="0 0 120 22" role="img" aria-label=(told) { rect x="1" y="8.5" width="118" height="7" fill="url(#hm)" {} }
            small { (told) }
        };
    };
    let width = (margin.abs().min(1.0) * 58.0).max(1.5);
    let class = match row.state {
        PromiseState::Expired => "f-och",
        _ if margin < 0.0 => "f-cin",
        _ => "f-jade",
    };
    let key = if margin < 0.0 { "over-target" } else { "room-left" };
    let told = scene.say(key, &[("share", scene.percent(margin.abs()))]);
    html! {
        svg.fig viewBox="0 0 120 22" role="img" aria-label=(told) {
            path.g-rule d="M0 12H120" {}
            rect.(class) x=(if margin < 0.0 { 60.0 - width } else { 60.0 }) y="8.5" width=(width) height="7" {}
            path.g-ink d="M60 4V20" {}
        }
        small { (told) }
    }
}
