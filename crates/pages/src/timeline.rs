//! The ledger of an incident: time, spine, entry; oldest first.
//!
//! A plan stands once, where it was proposed, with its steps as they are now; the entries of its steps are told there.
//! Reflexes of one gateway that follow each other are told together.

use dinghai_record::{Approval, Entry, Event, IncidentRecord, PlanState, Reason, StepOutcome};
use maud::{Markup, html};

use crate::event_line::event_line;
use crate::frame::section;
use crate::plan::{progress, steps};
use crate::shape::shape;
use crate::{Scene, format};

/// One row: an entry, and how many like it follow and are told with it.
struct Row<'a> {
    entry: &'a Entry,
    last: &'a Entry,
    more: usize,
}

fn rows(entries: &[Entry]) -> Vec<Row<'_>> {
    let mut rows: Vec<Row<'_>> = Vec::new();
    let last_measured = entries.iter().rposition(|e| matches!(e.event, Event::IncidentMeasured { .. }));
    for (n, entry) in entries.iter().enumerate() {
        let told_elsewhere = match &entry.event {
            Event::StepStarted { .. } | Event::PlanStarted { .. } | Event::FindingChanged { .. } => true,
            Event::StepEnded { outcome, .. } | Event::UndoEnded { outcome, .. } => {
                matches!(outcome, StepOutcome::Done(_))
            }
            Event::UndoStarted { .. } => true,
            Event::IncidentMeasured { .. } => Some(n) != last_measured,
            _ => false,
        };
        if told_elsewhere {
            continue;
        }
        match rows.last_mut() {
            Some(row) if alike(&row.last.event, &entry.event) => {
                row.last = entry;
                row.more += 1;
            }
            _ => rows.push(Row { entry, last: entry, more: 0 }),
        }
    }
    rows
}

fn alike(before: &Event, after: &Event) -> bool {
    match (before, after) {
        (
            Event::ReflexReported { gateway: a, ejected: x, .. },
            Event::ReflexReported { gateway: b, ejected: y, .. },
        ) => a == b && x.is_some() == y.is_some(),
        (Event::FindingCleared { key: a, .. }, Event::FindingCleared { key: b, .. }) => a.kind == b.kind,
        _ => false,
    }
}

pub(crate) fn timeline(scene: &Scene<'_>, incident: &IncidentRecord, entries: &[Entry]) -> Markup {
    let aside = html! { p { (scene.say("ledger-of-aside", &[
        ("head", scene.book.hash.short()), ("age", scene.age(scene.book.as_of)),
    ])) } };
    let rows = rows(entries);
    let body = html! {
        @if entries.len() < incident.entries.len() {
            p.note { (scene.say("entries-left-out", &[("n", scene.n(incident.entries.len() - entries.len()))])) }
        }
        ol.ledger { @for row in &rows { (one(scene, incident, row)) } }
    };
    section("timeline", 2, &scene.say("ledger-of", &[]), &aside, &body)
}

fn one(scene: &Scene<'_>, incident: &IncidentRecord, row: &Row<'_>) -> Markup {
    let (class, name, key) = face(&row.entry.event);
    let at = match &row.entry.event {
        Event::ReflexReported { happened, .. } => *happened,
        _ => row.entry.at,
    };
    let plan = match &row.entry.event {
        Event::PlanProposed { plan } => scene.book.plans.get(&plan.id),
        _ => None,
    };
    let open = plan.is_some_and(|record| record.state.is_open());
    html! {
        li.open[open] {
            p.when { time { (scene.format.clock_ms(at)) } " " small { (offset(scene, incident, at)) } }
            span.node.(class) { (shape(name)) }
            div.ent {
                h3 {
                    span.kind { (scene.say(key, &[])) }
                    (event_line(scene.language(), &row.entry.event))
                    a.no href={ "/ledger/" (row.entry.seq.0) } {
                        (number(scene, row.entry)) @if row.more > 0 { " … " (number(scene, row.last)) }
                    }
                }
                div.body {
                    @if row.more > 0 { p { (scene.say("and-more-like-it", &[("n", scene.n(row.more))])) } }
                    (because(scene, reasons(&row.entry.event)))
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

fn number(scene: &Scene<'_>, entry: &Entry) -> String {
    format!("#{}", scene.count(entry.seq.0))
}

fn offset(scene: &Scene<'_>, incident: &IncidentRecord, at: dinghai_clock::Timestamp) -> String {
    if at <= incident.since {
        scene.say("beginning", &[])
    } else {
        format!("+ {}", format::age(scene.language(), at.since(incident.since)))
    }
}

/// Reasons as a list.
pub(crate) fn because(scene: &Scene<'_>, reasons: &[Reason]) -> Markup {
    html! {
        @if !reasons.is_empty() { ul.why { @for reason in reasons { li { (scene.because(reason)) } } } }
    }
}

/// The reasons that an event carries.
pub(crate) fn reasons(event: &Event) -> &[Reason] {
    match event {
        Event::FindingRaised { finding } | Event::FindingChanged { finding } => &finding.reasons,
        Event::PlanProposed { plan } => &plan.reasons,
        Event::EvidenceFiled { evidence } => &evidence.reasons,
        Event::FindingCleared { reasons, .. }
        | Event::IncidentOpened { reasons, .. }
        | Event::IncidentJoined { reasons, .. }
        | Event::IncidentRegraded { reasons, .. }
        | Event::IncidentMerged { reasons, .. }
        | Event::IncidentClosed { reasons, .. }
        | Event::PlanDecided { reasons, .. }
        | Event::PlanRefused { reasons, .. }
        | Event::PlanUndoing { reasons, .. }
        | Event::PlanEnded { reasons, .. }
        | Event::DrillEnded { reasons, .. } => reasons,
        Event::StepEnded { outcome: StepOutcome::Failed(reasons), .. }
        | Event::UndoEnded { outcome: StepOutcome::Failed(reasons), .. } => reasons,
        _ => &[],
    }
}

/// Colour, shape and word of an entry.
pub(crate) fn face(event: &Event) -> (&'static str, &'static str, &'static str) {
    match event {
        Event::ReflexReported { .. } => ("k-b", "bolt", "face-reflex"),
        Event::FindingRaised { .. } | Event::FindingChanged { .. } => ("fails", "find", "face-finding"),
        Event::FindingCleared { .. } => ("holds", "kept", "face-cleared"),
        Event::IncidentOpened { .. }
        | Event::IncidentJoined { .. }
        | Event::IncidentRegraded { .. }
        | Event::IncidentMerged { .. } => ("k-i", "fork", "face-decision"),
        Event::IncidentMeasured { .. } => ("k-b", "eye", "face-measure"),
        Event::IncidentClosed { .. } => ("holds", "kept", "face-closed"),
        Event::PlanProposed { .. } => ("k-i", "list", "face-plan"),
        Event::PlanDecided { approval: Approval::Ask, .. } => ("weak", "seal", "face-decision"),
        Event::PlanDecided { .. } | Event::PlanRefused { .. } => ("k-i", "fork", "face-decision"),
        Event::PlanApproved { .. } | Event::PlanDeclined { .. } => ("k-i", "seal", "face-person"),
        Event::PlanStarted { .. } => ("k-b", "live", "face-plan"),
        Event::PlanUndoing { .. } | Event::UndoStarted { .. } | Event::UndoEnded { .. } => {
            ("weak", "undo", "face-undo")
        }
        Event::PlanEnded { .. } => ("k-i", "list", "face-plan"),
        Event::StepStarted { .. } => ("k-b", "live", "face-step"),
        Event::StepEnded { outcome: StepOutcome::Done(_), .. } => ("holds", "kept", "face-step"),
        Event::StepEnded { .. } => ("fails", "down", "face-step"),
        Event::DrillStarted { .. }
        | Event::DrillBroke { .. }
        | Event::DrillMended { .. }
        | Event::DrillEnded { .. } => ("k-b", "bolt", "face-drill"),
        Event::EvidenceFiled { .. } => ("holds", "kept", "face-evidence"),
        Event::EvidenceVoided { .. } => ("weak", "expired", "face-evidence"),
        Event::Halted { .. } | Event::Resumed { .. } => ("k-i", "halt", "face-halt"),
        Event::SignedIn { .. } => ("plain", "todo", "face-person"),
        Event::ControllerStarted { .. } | Event::EstateAdopted { .. } => ("plain", "todo", "face-controller"),
        Event::Other(_) => ("unk", "unk", "face-other"),
    }
}
