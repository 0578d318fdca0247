//! The list of incidents, open ones first.

use dinghai_record::{IncidentRecord, IncidentState};
use maud::{Markup, html};

use crate::Scene;
use crate::frame::{Tab, grade_tag, page, section};
use crate::incident::{state, title, users};
use crate::shape::{Tone, toned};

/// Every incident, open ones first, newest first. `limit` closed ones are shown.
pub fn incidents(scene: &Scene<'_>, limit: usize) -> Markup {
    let (open, over): (Vec<&IncidentRecord>, Vec<_>) =
        scene.book.incidents.values().rev().partition(|record| record.state == IncidentState::Open);
    let sentence = match open.len() {
        0 => scene.say("incidents-none-open", &[]),
        n => scene.say("incidents-open", &[("n", scene.n(n))]),
    };
    let (tone, name) = if open.is_empty() { (Tone::Holds, "kept") } else { (Tone::Weak, "weak") };
    let main = html! {
        div.verdict #verdict data-live { (toned(tone, name)) h1 { (sentence) }
            p { (scene.say("incidents-all", &[("n", scene.n(scene.book.incidents.len()))])) } }
        div #lists data-live {
            @if !open.is_empty() { (list(scene, "open", "incidents-open-title", &open)) }
            @if !over.is_empty() {
                (list(scene, "over", "incidents-over-title", over.get(..limit).unwrap_or(&over)))
                @if over.len() > limit { p.note { (scene.say("incidents-more", &[("n", scene.n(over.len() - limit))])) } }
            }
        }
    };
    page(scene, Tab::Incidents, &sentence, &main)
}

fn list(scene: &Scene<'_>, id: &str, heading: &str, records: &[&IncidentRecord]) -> Markup {
    let body = html! {
        table.listing {
            thead { tr {
                th { (scene.say("grade", &[])) } th { (scene.say("incident", &[])) } th { (scene.say("state", &[])) }
                th { (scene.say("since", &[])) } th { (scene.say("users", &[])) } th { (scene.say("plans", &[])) }
            } }
            tbody { @for record in records { tr {
                td { (grade_tag(record.grade)) @if record.worst < record.grade { small.quiet { " " (scene.say("worst", &[("grade", record.worst.to_string())])) } } }
                th scope="row" {
                    a href={ "/incidents/" (record.id.0) } { (title(scene, record)) }
                    small.quiet { " " (record.id) @if let Some(run) = record.drill { ", " (scene.say("by-drill", &[("run", run.to_string())])) } }
                }
                td { (state(scene, record)) }
                td { (scene.moment(record.since)) }
                td.two-lines { (users(scene, record)) }
                td { @for plan in &record.plans { a href={ "/plans/" (plan.0) } { (scene.say("plan-n", &[("n", plan.0.to_string())])) } " " } }
            } } }
        }
    };
    section(id, 1, &scene.say(heading, &[]), &html! {}, &body)
}
