//! What happened in an incident, in the order in which it happened.
//!
//! Made from ledger entries. A gateway acts first and reports afterwards, so its reflexes stand at the gateway's own
//! time, before the incident that they led to. What comes in a burst (all ejections at one place within a second) is
//! one row. What only repeats what other rows say (measurements, changes of a finding's wording) is left out.

use std::collections::BTreeSet;
use std::time::Duration;

use dinghai_clock::Timestamp;
use dinghai_estate::Estate;
use dinghai_record::{
    Approval, Book, Cause, Entry, Event, IncidentId, IncidentRecord, IncidentState, PlanEnd, PlanId, Proof,
    Reason, Seq, StepNo, StepOutcome, StepState,
};
use serde::{Deserialize, Serialize};

use crate::{impact, told};

/// What comes within this of the first of its kind is one row.
const BURST: Duration = Duration::from_secs(1);

/// How long before the incident's beginning a controller's start, a halt or a reflex still belongs to it.
const BEFORE: Duration = Duration::from_secs(10);

/// One row of a timeline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TimelineRow {
    /// When it happened, by the clock of the one who did it.
    pub at: Timestamp,
    /// How long after the incident's beginning; zero when before.
    #[serde(with = "dinghai_clock::serde_span")]
    pub since_start: Duration,
    /// The entries that say so; none for the row about now.
    pub seqs: Vec<Seq>,
    /// What it is.
    pub kind: RowKind,
    /// In one line.
    pub title: Reason,
    /// More, and why.
    pub details: Vec<Reason>,
    /// The steps of a plan, as they stand now.
    pub steps: Vec<StepRow>,
}

/// What a row tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RowKind {
    /// A gateway acted by itself.
    Reflex,
    /// Something was seen, or happened to us.
    Observation,
    /// Something is wrong, or no longer is.
    Finding,
    /// We decided.
    Decision,
    /// A plan was made, began or ended.
    Plan,
    /// A step began, failed or was taken back.
    Step,
    /// A step was seen to have worked.
    Verification,
    /// Evidence was filed.
    Evidence,
    /// A person decided or acted.
    Person,
    /// How it stands.
    Now,
}

/// A step of a plan on the timeline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepRow {
    /// Its number.
    pub no: StepNo,
    /// The name of its action.
    pub action: String,
    /// How far it has come.
    pub state: StepState,
    /// When it was started.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
}

/// The rows of an incident at `now`, oldest first; none when there is no such incident.
///
/// `entries` are those of the incident ([`IncidentRecord::entries`]) and the ones around them, from some seconds before
/// it was opened on, in chain order: reflexes, restarts of the controller and the drill's own entries are picked out.
pub fn timeline(
    estate: &Estate,
    book: &Book,
    entries: &[Entry],
    incident: IncidentId,
    now: Timestamp,
) -> Vec<TimelineRow> {
    let Some(record) = book.incidents.get(&incident) else { return Vec::new() };
    let scope = Scope::of(estate, book, record, now);
    let mut rows: Vec<TimelineRow> =
        entries.iter().filter(|entry| scope.holds(entry)).filter_map(|entry| scope.row(entry)).collect();
    rows.sort_by_key(|row| (row.at, row.seqs.first().copied()));
    let mut rows = merged(rows);
    rows.extend(scope.now(now));
    for row in &mut rows {
        row.since_start = row.at.since(scope.begin);
    }
    rows
}

/// What of the ledger belongs to one incident.
struct Scope<'a> {
    estate: &'a Estate,
    book: &'a Book,
    record: &'a IncidentRecord,
    instances: BTreeSet<dinghai_estate::InstanceId>,
    own: BTreeSet<Seq>,
    begin: Timestamp,
    end: Timestamp,
}

impl<'a> Scope<'a> {
    fn of(estate: &'a Estate, book: &'a Book, record: &'a IncidentRecord, now: Timestamp) -> Self {
        Self {
            estate,
            book,
            record,
            instances: impact::instances(estate, record),
            own: record.entries.iter().copied().collect(),
            begin: impact::begin(estate, book, record),
            end: record.closed.unwrap_or(now),
        }
    }

    fn holds(&self, entry: &Entry) -> bool {
        let during = |at| at >= self.begin.minus(BEFORE) && at <= self.end;
        match &entry.event {
            Event::ReflexReported { instance, happened, .. } => {
                self.instances.contains(instance) && during(*happened)
            }
            Event::FindingRaised { finding } => {
                // The same may have stood shortly before, in an incident of its own.
                self.record.findings.contains_key(&finding.key) && during(entry.at) && entry.at >= self.begin
            }
            Event::DrillStarted { run, .. }
            | Event::DrillBroke { run, .. }
            | Event::DrillMended { run, .. }
            | Event::DrillEnded { run, .. } => self.record.drill == Some(*run),
            Event::ControllerStarted { .. } | Event::Halted { .. } | Event::Resumed { .. } => {
                during(entry.at)
            }
            _ => self.own.contains(&entry.seq),
        }
    }

    #[expect(clippy::too_many_lines, reason = "one exhaustive match: each kind of event and its row")]
    fn row(&self, entry: &Entry) -> Option<TimelineRow> {
        let mut at = entry.at;
        let (kind, title, details) = match &entry.event {
            Event::ReflexReported { gateway, instance, happened, ejected } => {
                at = *happened;
                let code = if ejected.is_some() { "timeline-ejected" } else { "timeline-readmitted" };
                let title = Reason::new(code).with("gateway", gateway).with("place", self.place(instance));
                (RowKind::Reflex, title, vec![reflex(instance, ejected.as_ref())])
            }
            Event::FindingRaised { finding } => {
                let title = Reason::new("timeline-finding").with("finding", &finding.key);
                (RowKind::Finding, title, finding.reasons.clone())
            }
            Event::FindingCleared { key, reasons } => {
                (RowKind::Finding, Reason::new("timeline-cleared").with("finding", key), reasons.clone())
            }
            Event::IncidentOpened { incident, grade, about, reasons, .. } => {
                let title = Reason::new("timeline-opened").with("incident", incident);
                (RowKind::Decision, title.with("grade", grade).with("about", about), reasons.clone())
            }
            Event::IncidentJoined { findings, reasons, .. } => {
                let title = Reason::new("timeline-joined").with("count", findings.len());
                (RowKind::Decision, title, reasons.clone())
            }
            Event::IncidentRegraded { grade, reasons, .. } => {
                (RowKind::Decision, Reason::new("timeline-regraded").with("grade", grade), reasons.clone())
            }
            Event::IncidentMerged { into, reasons, .. } => {
                (RowKind::Decision, Reason::new("timeline-merged").with("into", into), reasons.clone())
            }
            Event::IncidentClosed { reasons, .. } => {
                (RowKind::Decision, Reason::new("timeline-closed"), reasons.clone())
            }
            Event::PlanProposed { plan } => {
                let mut row = row_of(entry, at, RowKind::Plan, plan.title.clone(), plan.reasons.clone());
                row.steps = self.steps(plan.id);
                return Some(row);
            }
            Event::PlanDecided { plan, approval, reasons } => {
                let code = match approval {
                    Approval::Run => "timeline-plan-may-run",
                    Approval::Ask => "timeline-plan-asks",
                    Approval::Shadow => "timeline-plan-shadowed",
                    Approval::Refuse => "timeline-plan-refused",
                };
                (RowKind::Decision, Reason::new(code).with("plan", plan), reasons.clone())
            }
            Event::PlanRefused { plan, reasons } => {
                (RowKind::Decision, Reason::new("timeline-plan-refused").with("plan", plan), reasons.clone())
            }
            Event::PlanApproved { plan, .. } => {
                (RowKind::Person, Reason::new("timeline-plan-approved").with("plan", plan), vec![])
            }
            Event::PlanDeclined { plan, .. } => {
                (RowKind::Person, Reason::new("timeline-plan-declined").with("plan", plan), vec![])
            }
            Event::PlanStarted { plan, .. } => {
                (RowKind::Plan, Reason::new("timeline-plan-started").with("plan", plan), vec![])
            }
            Event::PlanUndoing { plan, reasons } => {
                (RowKind::Plan, Reason::new("timeline-plan-turned-back").with("plan", plan), reasons.clone())
            }
            Event::PlanEnded { plan, end, reasons } => {
                let code = match end {
                    PlanEnd::Done => "timeline-plan-done",
                    PlanEnd::Undone => "timeline-plan-undone",
                    PlanEnd::Failed => "timeline-plan-failed",
                    PlanEnd::Withdrawn => "timeline-plan-withdrawn",
                };
                (RowKind::Plan, Reason::new(code).with("plan", plan), reasons.clone())
            }
            Event::StepStarted { plan, step, .. } => {
                (RowKind::Step, self.step("timeline-step-started", *plan, *step), vec![])
            }
            Event::StepEnded { plan, step, outcome, observed } => {
                let looked = observed.then(|| Reason::new("timeline-step-observed"));
                match outcome {
                    StepOutcome::Done(performed) => {
                        let details = looked.into_iter().chain(performed.notes.clone()).collect();
                        let title = self.step("timeline-step-done", *plan, *step);
                        let kind = if self.is_verified(*plan, *step) {
                            RowKind::Verification
                        } else {
                            RowKind::Step
                        };
                        (kind, title, details)
                    }
                    StepOutcome::Failed(why) => {
                        let details = looked.into_iter().chain(why.clone()).collect();
                        (RowKind::Step, self.step("timeline-step-failed", *plan, *step), details)
                    }
                }
            }
            Event::UndoStarted { plan, step } => {
                (RowKind::Step, self.step("timeline-undo-started", *plan, *step), vec![])
            }
            Event::UndoEnded { plan, step, outcome: StepOutcome::Done(_) } => {
                (RowKind::Step, self.step("timeline-undone", *plan, *step), vec![])
            }
            Event::UndoEnded { plan, step, outcome: StepOutcome::Failed(why) } => {
                (RowKind::Step, self.step("timeline-undo-failed", *plan, *step), why.clone())
            }
            Event::DrillStarted { run, drill, .. } => {
                let title = Reason::new("timeline-drill-started").with("run", run).with("drill", drill);
                (RowKind::Person, title, vec![])
            }
            Event::DrillBroke { happened, .. } => {
                at = *happened;
                (RowKind::Observation, Reason::new("timeline-drill-broke"), vec![])
            }
            Event::DrillMended { happened, .. } => {
                at = *happened;
                (RowKind::Observation, Reason::new("timeline-drill-mended"), vec![])
            }
            Event::DrillEnded { run, reasons, .. } => {
                (RowKind::Decision, Reason::new("timeline-drill-ended").with("run", run), reasons.clone())
            }
            Event::EvidenceFiled { evidence } => {
                let title = match &evidence.shows {
                    Proof::Promise { promise, kept: true, .. } => {
                        Reason::new("timeline-promise-kept").with("promise", promise)
                    }
                    Proof::Promise { promise, kept: false, .. } => {
                        Reason::new("timeline-promise-broken").with("promise", promise)
                    }
                    Proof::Action { service, worked: true, .. } => {
                        Reason::new("timeline-action-proven").with("service", service)
                    }
                    Proof::Action { service, worked: false, .. } => {
                        Reason::new("timeline-action-failed").with("service", service)
                    }
                };
                (RowKind::Evidence, title.with("evidence", evidence.id), evidence.reasons.clone())
            }
            Event::Halted { .. } => (RowKind::Person, Reason::new("timeline-halted"), vec![]),
            Event::Resumed { .. } => (RowKind::Person, Reason::new("timeline-resumed"), vec![]),
            Event::ControllerStarted { lease, .. } => (
                RowKind::Observation,
                Reason::new("timeline-controller-started").with("lease", lease),
                vec![],
            ),
            Event::FindingChanged { .. }
            | Event::IncidentMeasured { .. }
            | Event::EstateAdopted { .. }
            | Event::EvidenceVoided { .. }
            | Event::SignedIn { .. }
            | Event::Other(_) => return None,
        };
        Some(row_of(entry, at, kind, title, details))
    }

    /// How it stands, while the incident is open.
    fn now(&self, now: Timestamp) -> Option<TimelineRow> {
        if self.record.state != IncidentState::Open {
            return None;
        }
        let title = match self.record.quiet_since {
            Some(since) => Reason::new("timeline-now-quiet").with("for", told::span(since, now)),
            None => Reason::new("timeline-now-stands").with("count", self.record.standing.len()),
        };
        let open = self.record.plans.iter().filter_map(|plan| self.book.plans.get(plan));
        let details = open.filter(|plan| plan.state.is_open()).map(|plan| {
            let done = plan
                .steps
                .iter()
                .filter(|step| matches!(step.state, StepState::Ended(StepOutcome::Done(_))))
                .count();
            let told = Reason::new("timeline-now-plan").with("plan", plan.plan.id);
            told.with("done", done).with("steps", plan.steps.len())
        });
        Some(TimelineRow {
            at: now,
            since_start: Duration::ZERO,
            seqs: Vec::new(),
            kind: RowKind::Now,
            title,
            details: details.collect(),
            steps: Vec::new(),
        })
    }

    fn place(&self, instance: &dinghai_estate::InstanceId) -> String {
        match self.estate.instance(instance) {
            Some((_, found)) => {
                found.at.iter().map(dinghai_estate::PlaceId::as_str).collect::<Vec<_>>().join(", ")
            }
            None => instance.to_string(),
        }
    }

    fn step(&self, code: &str, plan: PlanId, step: StepNo) -> Reason {
        let declared = self.book.plans.get(&plan).and_then(|record| record.plan.step(step));
        let action = declared.map_or("unknown", |step| step.action.as_str());
        Reason::new(code).with("plan", plan).with("step", step).with("action", action)
    }

    fn is_verified(&self, plan: PlanId, step: StepNo) -> bool {
        let declared = self.book.plans.get(&plan).and_then(|record| record.plan.step(step));
        declared.is_some_and(|step| step.verify.is_some())
    }

    fn steps(&self, plan: PlanId) -> Vec<StepRow> {
        let Some(record) = self.book.plans.get(&plan) else { return Vec::new() };
        let each = record.plan.steps.iter().zip(&record.steps).map(|(step, at)| StepRow {
            no: step.no,
            action: step.action.as_str().to_owned(),
            state: at.state.clone(),
            started: at.started.map(|(at, _)| at),
            ended: at.ended,
        });
        each.collect()
    }
}

fn row_of(entry: &Entry, at: Timestamp, kind: RowKind, title: Reason, details: Vec<Reason>) -> TimelineRow {
    TimelineRow {
        at,
        since_start: Duration::ZERO,
        seqs: vec![entry.seq],
        kind,
        title,
        details,
        steps: Vec::new(),
    }
}

fn reflex(instance: &dinghai_estate::InstanceId, ejected: Option<&Cause>) -> Reason {
    match ejected {
        Some(cause) => {
            Reason::new("timeline-instance-ejected").with("instance", instance).with("cause", cause)
        }
        None => Reason::new("timeline-instance-readmitted").with("instance", instance),
    }
}

/// Joins reflexes with the same title that came within a burst of the first one.
fn merged(rows: Vec<TimelineRow>) -> Vec<TimelineRow> {
    let mut merged: Vec<TimelineRow> = Vec::new();
    for row in rows {
        let burst =
            merged.iter_mut().rev().take_while(|first| row.at.since(first.at) <= BURST).find(|first| {
                row.kind == RowKind::Reflex && first.kind == RowKind::Reflex && first.title == row.title
            });
        match burst {
            Some(first) => {
                first.seqs.extend(row.seqs);
                for detail in row.details {
                    if !first.details.contains(&detail) {
                        first.details.push(detail);
                    }
                }
            }
            None => merged.push(row),
        }
    }
    merged
}
