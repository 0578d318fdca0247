//! The draft of an incident's review, for people to finish within 48 hours of its end.
//!
//! It holds what the ledger knows and says what it does not. It looks for what failed, never for whom to blame; a root
//! cause is given only where a drill is known to have been it.

use std::fmt::Write;
use std::time::Duration;

use dinghai_clock::{Timestamp, format_span};
use dinghai_estate::Estate;
use dinghai_record::{
    Book, Entry, Grade, IncidentId, IncidentRecord, Measures, PlanEnd, PlanRecord, PlanState, Proof, Reason,
};
use serde::{Deserialize, Serialize};

use crate::timeline::{RowKind, TimelineRow, timeline};
use crate::{Loss, impact, loss, told};

/// A review is due this long after the incident has ended.
const DUE_AFTER: Duration = Duration::from_secs(48 * 3600);

/// The draft of a review.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Review {
    /// The incident.
    pub incident: IncidentId,
    /// What it was, in one line.
    pub title: Reason,
    /// The worst grade it had.
    pub grade: Grade,
    /// When it began.
    pub began: Timestamp,
    /// When it was closed.
    pub closed: Option<Timestamp>,
    /// When the review is due; none while the incident is open.
    pub due: Option<Timestamp>,
    /// Whether that is past.
    pub overdue: bool,
    /// What happened.
    pub happened: Vec<Reason>,
    /// What users felt, as measured.
    pub impact: Vec<Reason>,
    /// What it cost.
    pub loss: Loss,
    /// How it went.
    pub timeline: Vec<TimelineRow>,
    /// What worked.
    pub worked: Vec<Reason>,
    /// What did not.
    pub did_not: Vec<Reason>,
    /// What may have caused it.
    pub causes: Vec<Reason>,
    /// What is to be done.
    pub follow_ups: Vec<Reason>,
}

/// The draft for an incident at `now`; `entries` as for [`timeline`]. None when there is no such incident.
pub fn review(
    estate: &Estate,
    book: &Book,
    entries: &[Entry],
    incident: IncidentId,
    now: Timestamp,
) -> Option<Review> {
    let record = book.incidents.get(&incident)?;
    let measures = record.measures.clone().unwrap_or_default();
    let plans: Vec<&PlanRecord> = record.plans.iter().filter_map(|plan| book.plans.get(plan)).collect();
    let due = record.closed.map(|closed| closed.plus(DUE_AFTER));
    let title = Reason::new("review-title").with("incident", incident).with("about", &record.about);
    let (worked, did_not) = judged(book, record, &plans);
    Some(Review {
        incident,
        title: title.with("grade", record.worst),
        grade: record.worst,
        began: impact::begin(estate, book, record),
        closed: record.closed,
        due,
        overdue: due.is_some_and(|due| now > due),
        happened: record.reasons.clone(),
        impact: felt(&measures),
        loss: loss(estate, &measures),
        timeline: timeline(estate, book, entries, incident, now),
        follow_ups: follow_ups(record, &plans, &did_not),
        worked,
        did_not,
        causes: causes(book, record),
    })
}

fn felt(measures: &Measures) -> Vec<Reason> {
    let mut felt = Vec::new();
    match (measures.requests, measures.failed) {
        (Some(requests), Some(failed)) => {
            felt.push(Reason::new("review-failed").with("failed", failed).with("requests", requests));
        }
        _ => felt.push(Reason::new("review-failed-unknown")),
    }
    if let Some(rescued) = measures.rescued.filter(|rescued| *rescued > 0) {
        felt.push(Reason::new("review-rescued").with("rescued", rescued));
    }
    let spans = [
        ("review-failing", measures.failing_ms.filter(|_| measures.failed != Some(0))),
        ("review-ejected", measures.ejected_ms),
        ("review-opened", measures.incident_ms),
        ("review-acted", measures.acted_ms),
    ];
    let known = spans.into_iter().filter_map(|(code, millis)| {
        Some(Reason::new(code).with("after", format_span(Duration::from_millis(millis?))))
    });
    felt.extend(known);
    felt
}

/// What worked and what did not, by plans and promises.
fn judged(book: &Book, record: &IncidentRecord, plans: &[&PlanRecord]) -> (Vec<Reason>, Vec<Reason>) {
    let (mut worked, mut did_not) = (Vec::new(), Vec::new());
    for plan in plans {
        let told = |code| Reason::new(code).with("plan", plan.plan.id);
        match plan.state {
            PlanState::Ended(PlanEnd::Done) => worked.push(told("review-plan-done")),
            PlanState::Ended(PlanEnd::Undone) => did_not.push(told("review-plan-undone")),
            PlanState::Ended(PlanEnd::Failed) => did_not.push(told("review-plan-failed")),
            PlanState::Refused => did_not.push(told("review-plan-refused")),
            PlanState::Shadowed => did_not.push(told("review-plan-not-taken")),
            PlanState::Declined => did_not.push(told("review-plan-declined")),
            PlanState::Ended(PlanEnd::Withdrawn)
            | PlanState::Proposed
            | PlanState::Waiting
            | PlanState::Approved
            | PlanState::Running
            | PlanState::Undoing => {}
        }
    }
    for filed in book.evidence.values().filter(|filed| filed.evidence.incident == Some(record.id)) {
        if let Proof::Promise { promise, kept, .. } = &filed.evidence.shows {
            let code = if *kept { "review-promise-kept" } else { "review-promise-broken" };
            let into = if *kept { &mut worked } else { &mut did_not };
            into.push(Reason::new(code).with("promise", promise));
        }
    }
    if record.measures.as_ref().is_some_and(|measures| measures.failed == Some(0)) {
        worked.push(Reason::new("review-no-request-failed"));
    }
    (worked, did_not)
}

fn causes(book: &Book, record: &IncidentRecord) -> Vec<Reason> {
    match record.drill.and_then(|run| book.drills.get(&run)) {
        Some(drill) => {
            vec![Reason::new("review-cause-drill").with("drill", &drill.drill).with("run", drill.run)]
        }
        None => vec![Reason::new("review-cause-unknown")],
    }
}

/// What people have to look at: whatever did not work, findings that still stand, plans that wait or were not taken.
fn follow_ups(record: &IncidentRecord, plans: &[&PlanRecord], did_not: &[Reason]) -> Vec<Reason> {
    let mut todo: Vec<Reason> =
        record.standing.iter().map(|key| Reason::new("review-todo-standing").with("finding", key)).collect();
    todo.extend(plans.iter().filter_map(|plan| {
        let code = match plan.state {
            PlanState::Shadowed | PlanState::Waiting => "review-todo-autonomy",
            PlanState::Ended(PlanEnd::Failed | PlanEnd::Undone) => "review-todo-plan",
            _ => return None,
        };
        Some(Reason::new(code).with("plan", plan.plan.id))
    }));
    if did_not.iter().any(|reason| reason.code == "review-promise-broken") {
        todo.push(Reason::new("review-todo-drill"));
    }
    if record.drill.is_none() {
        todo.push(Reason::new("review-todo-cause"));
    }
    todo
}

impl Review {
    /// As Markdown; `text` renders a reason in the reader's language.
    pub fn markdown(&self, text: &dyn Fn(&Reason) -> String) -> String {
        let mut page = format!("# {}\n\n", text(&self.title));
        let clock = match (self.due, self.overdue) {
            (None, _) => Reason::new("review-due-open"),
            (Some(due), false) => Reason::new("review-due").with("due", due),
            (Some(due), true) => Reason::new("review-overdue").with("due", due),
        };
        let _ = write!(page, "{}\n\n", text(&clock));
        let list = |page: &mut String, heading: &str, reasons: &[Reason]| {
            let _ = write!(page, "## {}\n\n", text(&Reason::new(heading)));
            if reasons.is_empty() {
                let _ = writeln!(page, "- {}", text(&Reason::new("review-nothing")));
            }
            for reason in reasons {
                let _ = writeln!(page, "- {}", text(reason));
            }
            page.push('\n');
        };
        list(&mut page, "review-heading-happened", &self.happened);
        let impact: Vec<Reason> = self.impact.iter().cloned().chain(self.loss.told()).collect();
        list(&mut page, "review-heading-impact", &impact);
        let _ = write!(page, "## {}\n\n", text(&Reason::new("review-heading-timeline")));
        for row in self.timeline.iter().filter(|row| row.kind != RowKind::Now) {
            let after =
                format_span(Duration::from_millis(row.since_start.as_millis().try_into().unwrap_or(0)));
            let _ = writeln!(page, "- `{}` +{after} {}", told::clock(row.at), text(&row.title));
            for detail in &row.details {
                let _ = writeln!(page, "  - {}", text(detail));
            }
        }
        page.push('\n');
        list(&mut page, "review-heading-worked", &self.worked);
        list(&mut page, "review-heading-did-not", &self.did_not);
        list(&mut page, "review-heading-causes", &self.causes);
        list(&mut page, "review-heading-follow-ups", &self.follow_ups);
        page.truncate(page.trim_end().len());
        page.push('\n');
        page
    }
}
