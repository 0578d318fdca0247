//! What happened, as text that can be compared: a line for each ledger entry, then how everything stands at the end.

use std::collections::BTreeSet;
use std::fmt::{Display, Write as _};

use dinghai_clock::Timestamp;
use dinghai_record::{
    Action, Approval, Book, Condition, Entry, Event, Finding, IncidentState, Measures, Plan, PlanEnd, PlanId,
    PlanPurpose, PlanState, Proof, Reason, StepNo, StepOutcome,
};

use crate::clock::BEGINNING;
use crate::laws::Violation;
use crate::truth::{Process, Truth};

/// A story in the making.
#[derive(Default)]
pub(crate) struct Story {
    text: String,
    /// The ledger as far as it is told.
    pub(crate) book: Book,
}

impl Story {
    /// Tells an entry.
    pub(crate) fn entry(&mut self, entry: &Entry) {
        // What an entry says of a plan is told from the plan as it is once the entry is taken in.
        let _ = self.book.apply(entry);
        let words = words(&self.book, &entry.event);
        let _ = writeln!(self.text, "{} {:<18} {words}", at(entry.at), entry.event.kind());
    }

    /// Tells what happens to the world, and why it was refused when it was.
    pub(crate) fn happening(&mut self, now: Timestamp, happening: &dyn Display, refused: Option<&str>) {
        let refused = refused.map(|why| format!(" -- refused: {why}")).unwrap_or_default();
        let _ = writeln!(self.text, "{} > {happening}{refused}", at(now));
    }

    /// Tells how everything stands, and ends.
    pub(crate) fn end(mut self, truth: &Truth, violations: &[Violation]) -> String {
        let _ = writeln!(self.text, "--");
        let mut section = |name: &str, lines: Vec<String>| {
            for line in lines {
                let _ = writeln!(self.text, "{name:<10} {line}");
            }
        };
        section("incident", incidents(&self.book));
        section("plan", plans(&self.book));
        let drills = self.book.drills.values();
        section(
            "drill",
            drills.map(|each| format!("{} {} {:?}", each.run, each.drill, each.state)).collect(),
        );
        section("finding", self.book.findings.values().map(|open| finding(&open.finding)).collect());
        section(
            "halted",
            self.book.halted.iter().map(|(_, since, _)| format!("since{}", at(*since))).collect(),
        );
        section("instance", instances(&self.book, truth));
        section(
            "violation",
            violations.iter().map(|each| format!("{} {}: {}", at(each.at), each.law, each.what)).collect(),
        );
        self.text
    }
}

fn at(at: Timestamp) -> String {
    let ms = at.since(BEGINNING).as_millis();
    format!("{:>3}.{:03}", ms / 1000, ms % 1000)
}

fn incidents(book: &Book) -> Vec<String> {
    let told = |record: &dinghai_record::IncidentRecord| {
        let state = match record.state {
            IncidentState::Open => "open".to_owned(),
            IncidentState::Closed => "closed".to_owned(),
            IncidentState::Merged(into) => format!("merged into {into}"),
        };
        let measures = record.measures.as_ref().map(|measures| format!(": {}", felt(measures)));
        format!(
            "{} {} (worst {}) {}{}",
            record.id,
            state,
            record.worst,
            record.about,
            measures.unwrap_or_default()
        )
    };
    book.incidents.values().map(told).collect()
}

fn plans(book: &Book) -> Vec<String> {
    let told = |record: &dinghai_record::PlanRecord| {
        format!("{} {} {}", record.plan.id, record.plan.title.code, plan_state(record.state))
    };
    book.plans.values().map(told).collect()
}

/// How far a plan has come, in a word.
pub(crate) const fn plan_state(state: PlanState) -> &'static str {
    match state {
        PlanState::Proposed => "proposed",
        PlanState::Waiting => "waiting",
        PlanState::Approved => "approved",
        PlanState::Shadowed => "shadowed",
        PlanState::Refused => "refused",
        PlanState::Declined => "declined",
        PlanState::Running => "running",
        PlanState::Undoing => "undoing",
        PlanState::Ended(end) => plan_end(end),
    }
}

const fn plan_end(end: PlanEnd) -> &'static str {
    match end {
        PlanEnd::Done => "done",
        PlanEnd::Undone => "undone",
        PlanEnd::Failed => "failed",
        PlanEnd::Withdrawn => "withdrawn",
    }
}

/// Those that are not as they were declared to be.
fn instances(book: &Book, truth: &Truth) -> Vec<String> {
    let state = truth.state();
    let told = |(_, instance): (_, &dinghai_estate::Instance)| {
        let (is, usual) = match state.processes.get(&instance.id) {
            Some(Process::Running(_)) => ("running", !instance.spare),
            Some(Process::Hung) => ("hung", false),
            Some(Process::Killed) => ("killed", false),
            Some(Process::Stopped) | None => ("stopped", instance.spare),
        };
        let share = book.share(&instance.id, instance.spare);
        let usual = usual && share == if instance.spare { 0 } else { 100 };
        (!usual).then(|| format!("{} {is}, share {share}", instance.id))
    };
    truth.estate.instances().filter_map(told).collect()
}

fn words(book: &Book, event: &Event) -> String {
    match event {
        Event::ControllerStarted { lease, .. } => format!("lease {lease}"),
        Event::EstateAdopted { name, generation, .. } => format!("{name}, generation {generation}"),
        Event::ReflexReported { gateway, instance, ejected: Some(cause), .. } => {
            format!("gateway {gateway} ejects {instance}: {cause}")
        }
        Event::ReflexReported { gateway, instance, .. } => format!("gateway {gateway} takes {instance} back"),
        Event::FindingRaised { finding: raised } | Event::FindingChanged { finding: raised } => {
            finding(raised)
        }
        Event::FindingCleared { key, reasons } => format!("{key}{}", codes(reasons)),
        Event::IncidentOpened { incident, grade, about, drill, findings, reasons, .. } => {
            let drill = drill.map(|run| format!(" by {run}")).unwrap_or_default();
            format!("{incident} {grade} {about}{drill}: {}{}", list(findings), codes(reasons))
        }
        Event::IncidentJoined { incident, about, findings, .. } => {
            format!("{incident} {about}: {}", list(findings))
        }
        Event::IncidentRegraded { incident, grade, reasons } => {
            format!("{incident} {grade}{}", codes(reasons))
        }
        Event::IncidentMerged { incident, into, .. } => format!("{incident} into {into}"),
        Event::IncidentMeasured { incident, measures } => format!("{incident} {}", felt(measures)),
        Event::IncidentClosed { incident, reasons } => format!("{incident}{}", codes(reasons)),
        Event::PlanProposed { plan } => proposed(plan),
        Event::PlanDecided { plan, approval, reasons } => {
            format!("{plan} {}{}", decided(*approval), codes(reasons))
        }
        Event::PlanApproved { plan, .. } => plan.to_string(),
        Event::PlanDeclined { plan, reason, .. } => format!("{plan}: {reason}"),
        Event::PlanRefused { plan, reasons } | Event::PlanUndoing { plan, reasons } => {
            format!("{plan}{}", codes(reasons))
        }
        Event::PlanStarted { plan, reservation } => match reservation.healthy.is_empty() {
            true => plan.to_string(),
            false => format!("{plan} takes {}", list(reservation.healthy.values().flatten())),
        },
        Event::PlanEnded { plan, end, reasons } => format!("{plan} {}{}", plan_end(*end), codes(reasons)),
        Event::StepStarted { plan, step, attempt } => {
            let again = if *attempt > 1 { format!(", attempt {attempt}") } else { String::new() };
            format!("{plan}.{} {}{again}", step.0, step_action(book, *plan, *step, false))
        }
        Event::StepEnded { plan, step, outcome: ended, observed } => {
            let observed = if *observed { " (observed)" } else { "" };
            format!("{plan}.{} {}{observed}", step.0, outcome(ended))
        }
        Event::UndoStarted { plan, step } => {
            format!("{plan}.{} {}", step.0, step_action(book, *plan, *step, true))
        }
        Event::UndoEnded { plan, step, outcome: ended } => format!("{plan}.{} {}", step.0, outcome(ended)),
        Event::DrillStarted { run, drill, fault, .. } => format!("{run} {drill}: {fault}"),
        Event::DrillBroke { run, .. } | Event::DrillMended { run, .. } => run.to_string(),
        Event::DrillEnded { run, verdict, measures, reasons } => {
            format!("{run} {verdict:?}: {}{}", felt(measures), codes(reasons))
        }
        Event::EvidenceFiled { evidence } => format!("{} {}", evidence.id, shown(&evidence.shows)),
        Event::EvidenceVoided { evidence, fact, .. } => format!("{evidence} by {fact}"),
        Event::Halted { reason, .. } => reason.clone(),
        Event::Resumed { .. } | Event::SignedIn { .. } | Event::Other(_) => String::new(),
    }
    .trim_end()
    .to_owned()
}

fn finding(finding: &Finding) -> String {
    let agreed = if finding.agreed { ", agreed" } else { "" };
    let severity = format!("{:?}", finding.severity).to_lowercase();
    let instances = match finding.instances.len() {
        0 | 1 => String::new(),
        count => format!(", {count} instances"),
    };
    format!("{} ({severity}{agreed}{instances})", finding.key)
}

fn proposed(plan: &Plan) -> String {
    let purpose = match plan.purpose {
        PlanPurpose::BringUp => "bring-up".to_owned(),
        PlanPurpose::Heal(incident) => format!("heal {incident}"),
        PlanPurpose::Drill(run) => format!("drill {run}"),
    };
    let steps = list(plan.steps.iter().map(|step| step.action.as_str()));
    let parent = plan.parent.map(|parent| format!(" after {parent}")).unwrap_or_default();
    format!("{} {purpose}{parent}: {} ({steps})", plan.id, plan.title.code)
}

const fn decided(approval: Approval) -> &'static str {
    match approval {
        Approval::Run => "run",
        Approval::Ask => "ask",
        Approval::Shadow => "shadow",
        Approval::Refuse => "refuse",
    }
}

fn step_action(book: &Book, plan: PlanId, step: StepNo, undo: bool) -> String {
    let step = book.plans.get(&plan).and_then(|record| record.plan.step(step));
    match step {
        None => String::new(),
        Some(step) if undo => match &step.class {
            dinghai_record::StepClass::Reversible(undo) | dinghai_record::StepClass::Compensable(undo) => {
                action(undo)
            }
            _ => String::new(),
        },
        Some(step) => action(&step.action),
    }
}

fn action(action: &Action) -> String {
    let what = match action {
        Action::Weigh(shares) => list(shares.iter().map(|(id, share)| format!("{id}={share}"))),
        Action::Drain(ids) | Action::Start(ids) | Action::Stop(ids) | Action::Restart(ids) => list(ids),
        Action::Warm { instances, .. } => list(instances),
        Action::Await(Condition::Answering { instances, .. }) => format!("answers of {}", list(instances)),
        Action::Await(Condition::PlaceReleased(place)) => format!("release of {place}"),
        Action::Break(order) => order.fault.to_string(),
        Action::Mend(fault) => fault.to_string(),
        Action::Await(_) | Action::Hold { .. } | Action::Exec { .. } | Action::Http { .. } => String::new(),
    };
    format!("{} {what}", action.as_str())
}

fn outcome(outcome: &StepOutcome) -> String {
    match outcome {
        StepOutcome::Done(performed) if performed.changed => "done".to_owned(),
        StepOutcome::Done(_) => "done, nothing changed".to_owned(),
        StepOutcome::Failed(reasons) => format!("failed{}", codes(reasons)),
    }
}

fn felt(measures: &Measures) -> String {
    let count = |name: &str, count: Option<u64>| count.map(|count| format!("{name} {count}"));
    let ms = |name: &str, ms: Option<u64>| ms.map(|ms| format!("{name} {ms}ms"));
    let told = [
        count("requests", measures.requests),
        count("failed", measures.failed),
        count("rescued", measures.rescued),
        ms("failing", measures.failing_ms),
        ms("ejected", measures.ejected_ms),
        ms("incident", measures.incident_ms),
        ms("acted", measures.acted_ms),
        ms("healed", measures.healed_ms),
    ];
    let told: Vec<String> = told.into_iter().flatten().collect();
    if told.is_empty() { "nothing measured".to_owned() } else { told.join(", ") }
}

fn shown(proof: &Proof) -> String {
    match proof {
        Proof::Promise { promise, measured, kept } => {
            format!("{promise} {measured} {}", if *kept { "kept" } else { "broken" })
        }
        Proof::Action { service, kind, worked } => {
            format!("{kind:?} of {service} {}", if *worked { "worked" } else { "did not work" })
        }
    }
}

/// The codes of reasons, each once.
fn codes(reasons: &[Reason]) -> String {
    let codes: BTreeSet<&str> = reasons.iter().map(|reason| reason.code.as_str()).collect();
    if codes.is_empty() { String::new() } else { format!(" [{}]", list(codes)) }
}

fn list<T: Display>(items: impl IntoIterator<Item = T>) -> String {
    items.into_iter().map(|item| item.to_string()).collect::<Vec<_>>().join(", ")
}
