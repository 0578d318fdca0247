//! An entry in one line of English.

use std::collections::BTreeSet;

use dinghai_record::{Actor, Event, Personal, Reason, StepOutcome};

/// A number and its noun.
pub(super) fn count(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// What the event says, by its ids.
pub(super) fn summary(event: &Event) -> String {
    match event {
        Event::ControllerStarted { version, lease } => format!("dinghai {version} takes lease {lease}"),
        Event::EstateAdopted { name, generation, digest } => {
            format!("estate {name}, generation {generation}, {}", digest.short())
        }
        Event::ReflexReported { gateway, instance, ejected, .. } => match ejected {
            Some(cause) => format!("{gateway} ejects {instance} ({cause})"),
            None => format!("{gateway} takes {instance} back"),
        },
        Event::FindingRaised { finding } => format!("{}{}", finding.key, because(&finding.reasons)),
        Event::FindingChanged { finding } => {
            format!("{} is now otherwise{}", finding.key, because(&finding.reasons))
        }
        Event::FindingCleared { key, reasons } => format!("{key} no longer stands{}", because(reasons)),
        Event::IncidentOpened { incident, grade, about, services, .. } => {
            format!("{incident} {grade} about {about}, touches {}", list(services))
        }
        Event::IncidentJoined { incident, findings, .. } => {
            format!("{} joined to {incident}", count(findings.len() as u64, "finding", "findings"))
        }
        Event::IncidentRegraded { incident, grade, reasons } => {
            format!("{incident} is {grade} now{}", because(reasons))
        }
        Event::IncidentMerged { incident, into, .. } => format!("{incident} is part of {into}"),
        Event::IncidentMeasured { incident, measures } => {
            let known =
                |number: Option<u64>| number.map_or("unknown".to_owned(), |number| number.to_string());
            format!("{incident}: {} of {} requests failed", known(measures.failed), known(measures.requests))
        }
        Event::IncidentClosed { incident, reasons } => format!("{incident} is over{}", because(reasons)),
        Event::PlanProposed { plan } => {
            format!("{} of {}: {}", plan.id, count(plan.steps.len() as u64, "step", "steps"), plan.title)
        }
        Event::PlanDecided { plan, approval, reasons } => {
            format!("{plan}: {}{}", word(approval), because(reasons))
        }
        Event::PlanApproved { plan, by } => format!("{plan} approved by {}", who(by)),
        Event::PlanDeclined { plan, by, reason } => format!("{plan} declined by {}: {reason}", who(by)),
        Event::PlanRefused { plan, reasons } => format!("{plan} may not run{}", because(reasons)),
        Event::PlanStarted { plan, .. } => format!("{plan} runs"),
        Event::PlanUndoing { plan, reasons } => format!("{plan} is taken back{}", because(reasons)),
        Event::PlanEnded { plan, end, reasons } => format!("{plan} ends: {}{}", word(end), because(reasons)),
        Event::StepStarted { plan, step, attempt } => match attempt {
            1 => format!("{plan}, {step} begins"),
            _ => format!("{plan}, {step} begins, attempt {attempt}"),
        },
        Event::StepEnded { plan, step, outcome, observed } => {
            let seen = if *observed { ", seen afterwards" } else { "" };
            format!("{plan}, {step} {}{seen}", ended(outcome))
        }
        Event::UndoStarted { plan, step } => format!("{plan}, undo of {step} begins"),
        Event::UndoEnded { plan, step, outcome } => format!("{plan}, undo of {step} {}", ended(outcome)),
        Event::DrillStarted { run, drill, fault, by, .. } => {
            format!("{run} of drill {drill} ({fault}), run by {}", who(by))
        }
        Event::DrillBroke { run, .. } => format!("{run}: the fault is in"),
        Event::DrillMended { run, .. } => format!("{run}: the fault is undone"),
        Event::DrillEnded { run, verdict, reasons, .. } => {
            format!("{run} ends: {}{}", word(verdict), because(reasons))
        }
        Event::EvidenceFiled { evidence } => format!("{} filed: {}", evidence.id, word(&evidence.shows)),
        Event::EvidenceVoided { evidence, fact, then, now } => {
            format!("{evidence} is void: {fact} was {then} and is {}", now.as_deref().unwrap_or("gone"))
        }
        Event::Halted { by, reason } => format!("halted by {}: {reason}", who(by)),
        Event::Resumed { by } => format!("resumed by {}", who(by)),
        Event::SignedIn { by, role } => format!("{} signs in as {role}", who(by)),
        Event::Other(value) => match value.get("kind").and_then(|kind| kind.as_str()) {
            Some(kind) => format!("`{kind}`, which this dinghai does not know"),
            None => "of a kind that this dinghai does not know".to_owned(),
        },
    }
}

fn ended(outcome: &StepOutcome) -> String {
    match outcome {
        StepOutcome::Done(done) if done.changed => "done".to_owned(),
        StepOutcome::Done(_) => "done: it was so already".to_owned(),
        StepOutcome::Failed(reasons) => format!("failed{}", because(reasons)),
    }
}

fn who(actor: &Actor) -> String {
    let name = |person: &Personal| match person {
        Personal::Known { value, .. } => value.clone(),
        Personal::Erased { .. } => "somebody who was erased".to_owned(),
    };
    match actor {
        Actor::Automaton => "dinghai".to_owned(),
        Actor::Drill(run) => run.to_string(),
        Actor::Operator(person) => format!("{} at the machine", name(person)),
        Actor::Person(person) => name(person),
    }
}

/// The name of a value as JSON has it: the first one when it holds more.
fn word(value: &impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(text)) => text,
        Ok(serde_json::Value::Object(object)) => object.keys().next().cloned().unwrap_or_default(),
        _ => String::new(),
    }
}

fn because(reasons: &[Reason]) -> String {
    match reasons {
        [] => String::new(),
        [first, ..] => format!(": {first}"),
    }
}

fn list<T: std::fmt::Display>(names: &BTreeSet<T>) -> String {
    if names.is_empty() {
        return "no service".to_owned();
    }
    names.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
