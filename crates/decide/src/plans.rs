//! Plans: proposed when an incident needs one, decided at once, replaced when the facts change, withdrawn when they are
//! gone.
//!
//! An incident has one open plan at most; only while that one waits for something may a second one act on what the
//! first does not touch. A plan that has not begun is compared with the plan that would be made now: when they differ
//! it is withdrawn and the new one names it as its parent. What was recorded, refused or declined once is not
//! proposed again. A plan that did not help is followed by another only after a while, longer each time, and after three
//! only by asking.

use std::collections::BTreeSet;
use std::time::Duration;

use dinghai_clock::Timestamp;
use dinghai_estate::{Autonomy, InstanceId};
use dinghai_record::{
    Action, Approval, Book, Event, IncidentId, IncidentRecord, IncidentState, Plan, PlanEnd, PlanId,
    PlanPurpose, PlanRecord, PlanState, Reason, StepOutcome, StepState,
};

use crate::bring_up::bring_up;
use crate::heal::{Draft, heal};
use crate::steps::{acted_on, needs};
use crate::{Inputs, autonomy, lint};

/// The pause after a plan that did not help; it doubles with each.
const PAUSE: Duration = Duration::from_secs(15);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(600);
/// After so many plans that did not help, a person is asked.
const TRIES: usize = 3;

/// What is to be written down about plans now.
pub(crate) fn follow(inputs: &Inputs<'_>) -> Vec<Event> {
    let book = inputs.book;
    let mut events = Vec::new();
    let mut next = book.next_plan();
    for record in book.open_plans().filter(|record| !has_begun(record)) {
        if let PlanPurpose::Heal(incident) = record.plan.purpose
            && book.incidents.get(&incident).is_none_or(|record| record.state != IncidentState::Open)
        {
            events.push(withdraw(record, Reason::new("incident-over").with("incident", incident)));
        }
    }
    let raising = || book.plans.values().filter(|record| record.plan.purpose == PlanPurpose::BringUp);
    let failed: Vec<&PlanRecord> = raising().filter(|record| has_failed(record)).collect();
    let draft = if raising().any(|record| record.state.is_open()) { None } else { bring_up(inputs) };
    if let Some(draft) = draft.filter(|_| rested(&failed, inputs.now)) {
        let parent = raising().next_back().map(|record| record.plan.id);
        let decided = (Approval::Run, vec![Reason::new("operator-runs-it")]);
        propose(inputs, &mut next, PlanPurpose::BringUp, parent, draft, |_| decided, &mut events);
    }
    for incident in book.open_incidents() {
        follow_incident(inputs, incident, &mut next, &mut events);
    }
    events
}

fn follow_incident(
    inputs: &Inputs<'_>,
    incident: &IncidentRecord,
    next: &mut PlanId,
    events: &mut Vec<Event>,
) {
    let book = inputs.book;
    let mine: Vec<&PlanRecord> = book
        .plans
        .values()
        .filter(|record| match record.plan.purpose {
            PlanPurpose::Heal(healed) => survivor(book, healed) == incident.id,
            PlanPurpose::BringUp | PlanPurpose::Drill(_) => false,
        })
        .collect();
    let begun: Vec<&&PlanRecord> =
        mine.iter().filter(|record| record.state.is_open() && has_begun(record)).collect();
    let busy: BTreeSet<InstanceId> = begun
        .iter()
        .flat_map(|record| &record.plan.steps)
        .flat_map(|step| acted_on(&step.action))
        .cloned()
        .collect();
    let draft = if begun.iter().all(|record| awaits(record)) { heal(inputs, incident, &busy) } else { None };
    // Plans of incidents that became part of this one were withdrawn above.
    let own = PlanPurpose::Heal(incident.id);
    let pending =
        mine.iter().find(|record| record.state.is_open() && !has_begun(record) && record.plan.purpose == own);
    let tries = mine.iter().filter(|record| did_not_help(record)).count();
    let decide = |plan: &Plan| approve(inputs, incident, plan, tries);
    match (pending, draft) {
        (None, None) => {}
        (Some(record), None) => events.push(withdraw(record, Reason::new("no-longer-needed"))),
        (Some(record), Some(draft)) => {
            let same = is_same(&record.plan, &draft);
            let (now, _) = decide(&record.plan);
            let by_a_person = record.by.is_some();
            let decided = record.verdict.as_ref().map(|(approval, _)| *approval);
            if !same || (!by_a_person && decided != Some(now)) {
                events.push(withdraw(record, Reason::new("plan-replaced").with("plan", *next)));
                let parent = Some(record.plan.id);
                propose(inputs, next, own, parent, draft, decide, events);
            }
        }
        (None, Some(draft)) => {
            let judged = |record: &&&PlanRecord| {
                matches!(record.state, PlanState::Shadowed | PlanState::Refused | PlanState::Declined)
            };
            let known = mine.iter().filter(judged).any(|record| is_same(&record.plan, &draft));
            if !known && rested(&mine, inputs.now) {
                let parent = mine.last().map(|record| record.plan.id);
                propose(inputs, next, own, parent, draft, decide, events);
            }
        }
    }
}

/// The open incident that an incident became part of.
fn survivor(book: &Book, incident: IncidentId) -> IncidentId {
    let mut last = incident;
    // An incident merges into an older one, so this ends.
    while let Some(IncidentState::Merged(into)) = book.incidents.get(&last).map(|record| record.state) {
        if into == last {
            break;
        }
        last = into;
    }
    last
}

const fn has_begun(record: &PlanRecord) -> bool {
    matches!(record.state, PlanState::Running | PlanState::Undoing)
}

/// Whether the plan goes on only when something outside it happens.
fn awaits(record: &PlanRecord) -> bool {
    let current = record
        .plan
        .steps
        .iter()
        .zip(&record.steps)
        .find(|(_, at)| !matches!(at.state, StepState::Ended(StepOutcome::Done(_))));
    record.state == PlanState::Running
        && current.is_some_and(|(step, _)| matches!(step.action, Action::Await(_)))
}

const fn has_failed(record: &PlanRecord) -> bool {
    matches!(record.state, PlanState::Ended(PlanEnd::Undone | PlanEnd::Failed))
}

/// Whether it ended without ending the trouble: done is not enough while a finding stands.
const fn did_not_help(record: &PlanRecord) -> bool {
    matches!(record.state, PlanState::Ended(PlanEnd::Done)) || has_failed(record)
}

/// Whether enough time has passed since the last plan that did not help.
fn rested(plans: &[&PlanRecord], now: Timestamp) -> bool {
    let ended: Vec<Timestamp> =
        plans.iter().filter(|record| did_not_help(record)).filter_map(|record| record.ended).collect();
    let doublings = u32::try_from(ended.len().saturating_sub(1)).unwrap_or(u32::MAX).min(10);
    let pause = (PAUSE * 2u32.pow(doublings)).min(LONGEST_PAUSE);
    ended.into_iter().max().is_none_or(|last| now.since(last) >= pause)
}

fn is_same(plan: &Plan, draft: &Draft) -> bool {
    plan.title == draft.title && plan.steps == draft.steps && plan.takes == draft.takes
}

fn withdraw(record: &PlanRecord, reason: Reason) -> Event {
    Event::PlanEnded { plan: record.plan.id, end: PlanEnd::Withdrawn, reasons: vec![reason] }
}

fn propose(
    inputs: &Inputs<'_>,
    next: &mut PlanId,
    purpose: PlanPurpose,
    parent: Option<PlanId>,
    draft: Draft,
    decide: impl FnOnce(&Plan) -> (Approval, Vec<Reason>),
    events: &mut Vec<Event>,
) {
    let needs = match purpose {
        PlanPurpose::BringUp => std::collections::BTreeMap::new(),
        PlanPurpose::Heal(_) | PlanPurpose::Drill(_) => needs(inputs.estate, &draft.steps),
    };
    let plan = Plan {
        id: *next,
        parent,
        purpose,
        title: draft.title,
        needs,
        steps: draft.steps,
        takes: draft.takes,
        reasons: draft.reasons,
        seen: inputs.book.head,
    };
    *next = next.next();
    let faults = lint(inputs.estate, &plan);
    let (approval, reasons) = if faults.is_empty() { decide(&plan) } else { (Approval::Refuse, faults) };
    let decided = Event::PlanDecided { plan: plan.id, approval, reasons };
    events.extend([Event::PlanProposed { plan }, decided]);
}

/// As much as the weakest of all that the plan needs allows, and why.
fn approve(
    inputs: &Inputs<'_>,
    incident: &IncidentRecord,
    plan: &Plan,
    tries: usize,
) -> (Approval, Vec<Reason>) {
    let Inputs { estate, book, now, .. } = *inputs;
    // What is off is not in the plan; were it, nothing would be done.
    let approval = |autonomy| match autonomy {
        Autonomy::Off => (0, Approval::Refuse),
        Autonomy::Shadow => (1, Approval::Shadow),
        Autonomy::Ask => (2, Approval::Ask),
        Autonomy::Auto => (3, Approval::Run),
    };
    let mut weakest = approval(Autonomy::Auto);
    let mut reasons = Vec::new();
    for (service, kinds) in &plan.needs {
        for kind in kinds {
            let (allowed, why) = autonomy(estate, book, service, *kind, incident, now);
            let allowed = approval(allowed);
            if allowed.0 < weakest.0 {
                reasons.clear();
                weakest = allowed;
            }
            if allowed.0 == weakest.0 {
                reasons.extend(why);
            }
        }
    }
    if weakest.1 == Approval::Run && tries >= TRIES {
        return (Approval::Ask, vec![Reason::new("did-not-help-before").with("times", tries)]);
    }
    (weakest.1, reasons)
}
