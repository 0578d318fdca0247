//! One line for each kind of ledger entry, for timeline, ledger and command line.

use dinghai_estate::{KnownPromise, PromiseTarget};
use dinghai_record::{Approval, Consent, Event, PlanEnd, Proof, StepOutcome, Verdict};

use crate::catalogue::{event_sentence, text};
use crate::format::{count, decimal, percent, span};
use crate::phrase::{actor, fault, finding, subject};
use crate::{Language, reason};

/// What happened, in one line. A kind that the catalogue does not know is named by itself.
pub fn event_line(language: Language, event: &Event) -> String {
    let values = values(language, event);
    match event_sentence(event.kind()) {
        Some(sentence) => sentence.fill(language, &values).replace("**", ""),
        None => event.kind().to_owned(),
    }
}

/// What was decided of a plan.
pub(crate) fn approval(language: Language, approval: Approval) -> String {
    let key = match approval {
        Approval::Run => "approval-run",
        Approval::Ask => "approval-ask",
        Approval::Shadow => "approval-shadow",
        Approval::Refuse => "approval-refuse",
    };
    text(language, key, &[])
}

/// How a plan ended.
pub(crate) fn plan_end(language: Language, end: PlanEnd) -> String {
    let key = match end {
        PlanEnd::Done => "end-done",
        PlanEnd::Undone => "end-undone",
        PlanEnd::Failed => "end-failed",
        PlanEnd::Withdrawn => "end-withdrawn",
    };
    text(language, key, &[])
}

/// What a drill showed.
pub(crate) fn verdict(language: Language, verdict: Verdict) -> String {
    let key = match verdict {
        Verdict::Passed => "drill-passed",
        Verdict::Failed => "drill-failed",
        Verdict::Stopped => "drill-stopped",
        Verdict::Refused => "drill-refused",
        Verdict::Unknown => "unknown",
    };
    text(language, key, &[])
}

/// What an evidence shows.
pub(crate) fn proof(language: Language, proof: &Proof) -> String {
    match proof {
        Proof::Promise { promise, measured, kept } => {
            let key = if *kept { "proof-kept" } else { "proof-broken" };
            let measured = match KnownPromise::of(promise.as_str()).map(|known| &known.standard) {
                Some(PromiseTarget::Within(_)) => {
                    span(language, std::time::Duration::from_secs_f64((measured / 1000.0).max(0.0)))
                }
                Some(PromiseTarget::AtLeast(_)) => percent(language, *measured),
                None => decimal(language, *measured, 3),
            };
            text(language, key, &[("promise", promise.to_string()), ("measured", measured)])
        }
        Proof::Action { service, kind, worked } => {
            let key = if *worked { "proof-worked" } else { "proof-did-not-work" };
            let kind = match kind {
                dinghai_estate::ActionKind::Restart => "kind-restart",
                dinghai_estate::ActionKind::ShiftTraffic => "kind-shift-traffic",
                dinghai_estate::ActionKind::Scale => "kind-scale",
                dinghai_estate::ActionKind::Promote => "kind-promote",
            };
            text(language, key, &[("service", service.to_string()), ("kind", text(language, kind, &[]))])
        }
    }
}

fn outcome(language: Language, outcome: &StepOutcome) -> String {
    match outcome {
        StepOutcome::Done(done) if done.changed => text(language, "step-done", &[]),
        StepOutcome::Done(_) => text(language, "step-was-so", &[]),
        StepOutcome::Failed(reasons) => match reasons.first() {
            Some(first) => text(language, "step-failed-why", &[("why", reason(language, first))]),
            None => text(language, "step-failed", &[]),
        },
    }
}

fn values(language: Language, event: &Event) -> Vec<(&'static str, String)> {
    let number = |n: u64| count(language, n);
    match event {
        Event::ControllerStarted { version, lease } => {
            vec![("version", version.clone()), ("lease", number(*lease))]
        }
        Event::EstateAdopted { name, generation, .. } => {
            vec![("estate", name.clone()), ("generation", number(*generation))]
        }
        Event::ReflexReported { gateway, instance, ejected, .. } => {
            let did = match ejected {
                Some(cause) => text(
                    language,
                    "reflex-ejected",
                    &[("instance", instance.to_string()), ("cause", cause.to_string())],
                ),
                None => text(language, "reflex-readmitted", &[("instance", instance.to_string())]),
            };
            vec![("gateway", gateway.to_string()), ("did", did)]
        }
        Event::FindingRaised { finding: found } | Event::FindingChanged { finding: found } => {
            vec![("finding", finding(language, &found.key))]
        }
        Event::FindingCleared { key, .. } => vec![("finding", finding(language, key))],
        Event::IncidentOpened { incident, grade, about, .. } => vec![
            ("incident", incident.to_string()),
            ("grade", grade.to_string()),
            ("about", subject(language, about)),
        ],
        Event::IncidentJoined { incident, findings, .. } => {
            vec![("incident", incident.to_string()), ("n", number(findings.len() as u64))]
        }
        Event::IncidentRegraded { incident, grade, .. } => {
            vec![("incident", incident.to_string()), ("grade", grade.to_string())]
        }
        Event::IncidentMerged { incident, into, .. } => {
            vec![("incident", incident.to_string()), ("into", into.to_string())]
        }
        Event::IncidentMeasured { incident, measures } => {
            let unknown = || text(language, "unknown", &[]);
            vec![
                ("incident", incident.to_string()),
                ("failed", measures.failed.map_or_else(unknown, number)),
                ("requests", measures.requests.map_or_else(unknown, number)),
            ]
        }
        Event::IncidentClosed { incident, .. } => vec![("incident", incident.to_string())],
        Event::PlanProposed { plan } => {
            vec![("plan", plan.id.0.to_string()), ("title", reason(language, &plan.title))]
        }
        Event::PlanDecided { plan, approval: decided, .. } => {
            vec![("plan", plan.0.to_string()), ("approval", approval(language, *decided))]
        }
        Event::PlanApproved { plan, by } => vec![("plan", plan.0.to_string()), ("who", actor(language, by))],
        Event::PlanDeclined { plan, by, reason } => {
            vec![("plan", plan.0.to_string()), ("who", actor(language, by)), ("reason", reason.clone())]
        }
        Event::PlanRefused { plan, .. }
        | Event::PlanStarted { plan, .. }
        | Event::PlanUndoing { plan, .. } => {
            vec![("plan", plan.0.to_string())]
        }
        Event::PlanEnded { plan, end, .. } => {
            vec![("plan", plan.0.to_string()), ("end", plan_end(language, *end))]
        }
        Event::StepStarted { plan, step, attempt } => vec![
            ("plan", plan.0.to_string()),
            ("step", step.0.to_string()),
            ("attempt", number(u64::from(*attempt))),
        ],
        Event::StepEnded { plan, step, outcome: ended, .. }
        | Event::UndoEnded { plan, step, outcome: ended } => {
            vec![
                ("plan", plan.0.to_string()),
                ("step", step.0.to_string()),
                ("outcome", outcome(language, ended)),
            ]
        }
        Event::UndoStarted { plan, step } => {
            vec![("plan", plan.0.to_string()), ("step", step.0.to_string())]
        }
        Event::DrillStarted { run, drill, fault: broken, by, consent, .. } => vec![
            ("run", run.to_string()),
            ("drill", drill.to_string()),
            ("fault", fault(language, broken)),
            ("who", actor(language, by)),
            ("consent", consented(language, consent)),
        ],
        Event::DrillBroke { run, .. } | Event::DrillMended { run, .. } => vec![("run", run.to_string())],
        Event::DrillEnded { run, verdict: showed, .. } => {
            vec![("run", run.to_string()), ("verdict", verdict(language, *showed))]
        }
        Event::EvidenceFiled { evidence } => vec![
            ("evidence", evidence.id.to_string()),
            ("proof", proof(language, &evidence.shows)),
            ("age", span(language, evidence.max_age)),
        ],
        Event::EvidenceVoided { evidence, fact, then, now } => vec![
            ("evidence", evidence.to_string()),
            ("fact", fact.clone()),
            ("then", then.clone()),
            ("now", now.clone().unwrap_or_else(|| text(language, "gone", &[]))),
        ],
        Event::Halted { by, reason } => vec![("who", actor(language, by)), ("reason", reason.clone())],
        Event::Resumed { by } => vec![("who", actor(language, by))],
        Event::SignedIn { by, role } => vec![("who", actor(language, by)), ("role", role.clone())],
        Event::Other(_) => Vec::new(),
    }
}

/// The kinds of action that a person let automatons do during a drill.
pub(crate) fn consented(language: Language, consent: &Consent) -> String {
    let kinds: Vec<String> = consent
        .kinds
        .iter()
        .map(|kind| {
            let key = match kind {
                dinghai_estate::ActionKind::Restart => "kind-restart",
                dinghai_estate::ActionKind::ShiftTraffic => "kind-shift-traffic",
                dinghai_estate::ActionKind::Scale => "kind-scale",
                dinghai_estate::ActionKind::Promote => "kind-promote",
            };
            text(language, key, &[])
        })
        .collect();
    if kinds.is_empty() { text(language, "nothing", &[]) } else { kinds.join(", ") }
}
