//! The draft of an incident's review: what the ledger knows of it, for people to finish.

use dinghai_prove::{Review, RowKind};
use dinghai_record::{Entry, IncidentRecord, Reason};
use maud::{Markup, html};

use crate::frame::{Tab, grade_head, page, section};
use crate::timeline::because;
use crate::{Scene, format};

fn draft(scene: &Scene<'_>, incident: &IncidentRecord, entries: &[Entry]) -> Option<Review> {
    dinghai_prove::review(scene.estate, scene.book, entries, incident.id, scene.now)
}

/// The draft as Markdown, to be taken along and finished. `entries` as for [`crate::room`].
pub fn review_markdown(scene: &Scene<'_>, incident: &IncidentRecord, entries: &[Entry]) -> Option<String> {
    Some(draft(scene, incident, entries)?.markdown(&|reason| scene.because(reason)))
}

/// The draft as a page. `entries` as for [`crate::room`]. None when there is no such incident.
pub fn review(scene: &Scene<'_>, incident: &IncidentRecord, entries: &[Entry]) -> Option<Markup> {
    let review = draft(scene, incident, entries)?;
    let title = scene.because(&review.title);
    let due = match (review.due, review.overdue) {
        (None, _) => Reason::new("review-due-open"),
        (Some(due), false) => Reason::new("review-due").with("due", due),
        (Some(due), true) => Reason::new("review-overdue").with("due", due),
    };
    let impact: Vec<Reason> = review.impact.iter().cloned().chain(review.loss.told()).collect();
    let room = format!("/incidents/{}", incident.id.0);
    let main = html! {
        div.inc-head #verdict data-live {
            (grade_head(review.grade))
            div.ttl { h1 { (title) } }
            p.say { (scene.because(&due)) }
        }
        p.pager {
            a.btn.main href={ (room) "/review.md" } download={ "review-" (incident.id) ".md" } { (scene.say("review-download", &[])) }
            a.btn href=(room) { (scene.say("review-room", &[])) }
        }
        div.review {
            (part(scene, "happened", 1, &review.happened))
            (part(scene, "impact", 2, &impact))
            (part(scene, "worked", 4, &review.worked))
            (part(scene, "did-not", 5, &review.did_not))
            (part(scene, "causes", 6, &review.causes))
            (part(scene, "follow-ups", 7, &review.follow_ups))
            (rows(scene, &review))
        }
    };
    Some(page(scene, Tab::Incidents, &title, &main))
}

fn heading(scene: &Scene<'_>, part: &str) -> String {
    scene.because(&Reason::new(&format!("review-heading-{part}")))
}

fn part(scene: &Scene<'_>, name: &str, order: u8, reasons: &[Reason]) -> Markup {
    let body = html! {
        @if reasons.is_empty() { p.note { (scene.because(&Reason::new("review-nothing"))) } }
        (because(scene, reasons))
    };
    section(name, order, &heading(scene, name), &html! {}, &body)
}

/// The timeline in short: the room tells it whole.
fn rows(scene: &Scene<'_>, review: &Review) -> Markup {
    let body = html! {
        table.listing { tbody { @for row in review.timeline.iter().filter(|row| row.kind != RowKind::Now) { tr {
            td.nw { (scene.format.clock_ms(row.at)) }
            td.nw.quiet { "+ " (format::age(scene.language(), row.since_start)) }
            td.wide { (scene.because(&row.title)) }
        } } } }
    };
    section("timeline", 8, &scene.say("ledger-of", &[]), &html! {}, &body)
}
