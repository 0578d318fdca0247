//! The ledger of an incident: time, spine, entry; oldest first.
//!
//! What belongs to it, in which order, and what is told together, is `prove`'s to say; here it is drawn. A plan stands
//! once, where it was proposed, with its steps as they are now: so the rows of steps that only went well are left out.

use dinghai_prove::{RowKind, TimelineRow};
use dinghai_record::{Entry, Event, IncidentRecord, PlanRecord, PlanState, Reason, Seq};
use maud::{Markup, html};

use crate::event_line::event_line;
use crate::frame::section;
use crate::plan::{progress, steps};
use crate::shape::shape;
use crate::{Scene, format};

/// The section. `entries` are those of the incident and the ones around them, oldest first.
pub(crate) fn timeline(scene: &Scene<'_>, incident: &IncidentRecord, entries: &[Entry]) -> Markup {
    let aside = html! { p { (scene.say("ledger-of-aside", &[
        ("head", scene.book.hash.short()), ("age", scene.age(scene.book.as_of)),
    ])) } };
    let rows = dinghai_prove::timeline(scene.estate, scene.book, entries, incident.id, scene.now);
    let left_out = incident.entries.iter().filter(|seq| find(entries, **seq).is_none()).count();
    let body = html! {
        @if left_out > 0 { p.note { (scene.say("entries-left-out", &[("n", scene.n(left_out))])) } }
        ol.ledger { @for row in rows.iter().filter(|row| !told_by_the_plan(row)) { (one(scene, entries, row)) } }
    };
    section("timeline", 2, &scene.say("ledger-of", &[]), &aside, &body)
}

fn find(entries: &[Entry], seq: Seq) -> Option<&Entry> {
    let at = entries.binary_search_by_key(&seq, |entry| entry.seq).ok()?;
    entries.get(at)
}

/// Whether a row only says what the plan's own list of steps says. One whose outcome had to be looked up says more.
fn told_by_the_plan(row: &TimelineRow) -> bool {
    match row.title.code.as_str() {
        "timeline-plan-started" | "timeline-step-started" | "timeline-undo-started" | "timeline-undone" => {
            true
        }
        "timeline-step-done" => !row.details.iter().any(|detail| detail.code == "timeline-step-observed"),
        _ => false,
    }
}

fn one(scene: &Scene<'_>, entries: &[Entry], row: &TimelineRow) -> Markup {
    let (class, name, key) = face(row);
    let entry = row.seqs.first().and_then(|seq| find(entries, *seq));
    let plan = match entry.map(|entry| &entry.event) {
        Some(Event::PlanProposed { plan }) => scene.book.plans.get(&plan.id),
        _ => None,
    };
    let open = plan.is_some_and(|record| record.state.is_open());
    html! {
        li.open[open] {
            p.when { time { (scene.format.clock_ms(row.at)) } " " small { (offset(scene, row)) } }
            span.node.(class) { (shape(name)) }
            div.ent {
                h3 {
                    span.kind { (scene.say(key, &[])) }
                    (title(scene, row, entry, plan))
                    @if let Some(first) = row.seqs.first() {
                        a.no href={ "/ledger/" (first.0) } {
                            (number(scene, *first))
                            @if let Some(last) = row.seqs.last().filter(|last| *last != first) { " … " (number(scene, *last)) }
                        }
                    }
                }
                div.body {
                    (because(scene, &row.details))
                    @if let Some(record) = plan {
                        p { (progress(scene, record)) " " a href={ "/plans/" (record.plan.id.0) } { (scene.say("see-plan", &[])) } }
                        @if record.state == PlanState::Waiting { p { a href={ "#plan-" (record.plan.id.0) } { (scene.say("see-and-decide", &[])) } } }
                        (steps(scene, record))
                    }
                }
            }
        }
    }
}

/// A plan says its number, and what a person did says who it was.
fn title(scene: &Scene<'_>, row: &TimelineRow, entry: Option<&Entry>, plan: Option<&PlanRecord>) -> String {
    if let Some(record) = plan {
        return scene.say(
            "plan-n-title",
            &[("n", record.plan.id.0.to_string()), ("title", scene.because(&record.plan.title))],
        );
    }
    match entry {
        Some(entry) if row.kind == RowKind::Person => event_line(scene.language(), &entry.event),
        _ => scene.because(&row.title),
    }
}

fn number(scene: &Scene<'_>, seq: Seq) -> String {
    format!("#{}", scene.count(seq.0))
}

fn offset(scene: &Scene<'_>, row: &TimelineRow) -> String {
    match (row.kind, row.since_start.is_zero()) {
        (RowKind::Now, _) => scene.say("now", &[]),
        (_, true) => scene.say("beginning", &[]),
        (_, false) => format!("+ {}", format::age(scene.language(), row.since_start)),
    }
}

/// Reasons as a list.
pub(crate) fn because(scene: &Scene<'_>, reasons: &[Reason]) -> Markup {
    html! {
        @if !reasons.is_empty() { ul.why { @for reason in reasons { li { (scene.because(reason)) } } } }
    }
}

/// Colour, shape and word of a row.
fn face(row: &TimelineRow) -> (&'static str, &'static str, &'static str) {
    match (row.kind, row.title.code.as_str()) {
        (_, "timeline-cleared") => ("holds", "kept", "face-cleared"),
        (_, "timeline-closed") => ("holds", "kept", "face-closed"),
        (_, "timeline-plan-asks") => ("weak", "seal", "face-decision"),
        (_, "timeline-controller-started") => ("plain", "todo", "face-controller"),
        (
            _,
            "timeline-drill-started"
            | "timeline-drill-broke"
            | "timeline-drill-mended"
            | "timeline-drill-ended",
        ) => ("k-b", "bolt", "face-drill"),
        (_, "timeline-halted" | "timeline-resumed") => ("k-i", "halt", "face-halt"),
        (_, "timeline-step-failed" | "timeline-undo-failed") => ("fails", "down", "face-step"),
        (_, "timeline-promise-broken" | "timeline-action-failed") => ("fails", "down", "face-evidence"),
        (RowKind::Reflex, _) => ("k-b", "bolt", "face-reflex"),
        (RowKind::Observation, _) => ("k-b", "eye", "face-observation"),
        (RowKind::Finding, _) => ("fails", "find", "face-finding"),
        (RowKind::Decision, _) => ("k-i", "fork", "face-decision"),
        (RowKind::Plan, _) => ("k-i", "list", "face-plan"),
        (RowKind::Step, _) => ("k-b", "live", "face-step"),
        (RowKind::Verification, _) => ("holds", "kept", "face-step"),
        (RowKind::Evidence, _) => ("holds", "kept", "face-evidence"),
        (RowKind::Person, _) => ("k-i", "seal", "face-person"),
        (RowKind::Now, _) => ("k-b", "live", "face-now"),
    }
}
