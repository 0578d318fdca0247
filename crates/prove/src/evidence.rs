//! Filing evidence, and voiding it when a fact under it changes.
//!
//! A measure that is missing files nothing: the promise stays unproven, or keeps the proof it has. A drill that was
//! stopped can show that a promise is broken and never that it is kept, for it was cut short. A drill that was given up
//! before everything was healed shows that healing takes at least that long.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use dinghai_clock::Timestamp;
use dinghai_estate::{ActionKind, Estate, InstanceId, PromiseId, PromiseTarget, ServiceId};
use dinghai_record::{
    Action, Book, DrillRunId, DrillState, Event, Evidence, EvidenceId, Fact, Fault, IncidentId,
    IncidentRecord, IncidentState, PlanId, Proof, Reason, Slice, StepOutcome, StepState, Verdict,
};

use crate::facts::{UNKNOWN, slice};
use crate::promise::{Measure, meets, of_drill, of_incident, proven_by};
use crate::told::target;

/// How long it counts that an action worked.
const ACTION_MAX_AGE: Duration = Duration::from_secs(30 * 86_400);

/// Evidence is bound to the facts at the time of filing, so what ended longer ago than this is not filed any more: the
/// facts may have changed since.
const FILED_WITHIN: Duration = Duration::from_secs(300);

/// The evidence that an ended run of a drill gives; none when it was filed already or the drill did not begin.
/// `facts` are those of [`crate::facts`] now.
pub fn evidence(estate: &Estate, book: &Book, facts: &Slice, run: DrillRunId) -> Vec<Event> {
    let Some(record) = book.drills.get(&run) else { return Vec::new() };
    let (DrillState::Ended(verdict), Some(at)) = (record.state, record.ended) else { return Vec::new() };
    let filed = book.evidence.values().any(|filed| filed.evidence.drill == Some(run));
    if filed || verdict == Verdict::Refused || book.as_of.since(at) > FILED_WITHIN {
        return Vec::new();
    }
    let incident = record.incidents.first().copied();
    let mut filing =
        Filing { estate, facts, next: book.next_evidence(), at, drill: Some(run), events: vec![] };
    for ((service, kind), (worked, plan)) in actions(estate, book, &record.incidents) {
        filing.action(service, kind, worked, plan.0, plan.1);
    }
    let Some(by) = of_drill(estate, record) else { return filing.events };
    let struck: BTreeSet<ServiceId> = match &record.fault {
        Fault::KillPlace { instances, .. } => services_of(estate, instances),
        Fault::KillInstance(id) | Fault::HangInstance(id) => services_of(estate, std::slice::from_ref(id)),
    };
    let at_least = record.mended.filter(|_| verdict == Verdict::Failed).map(|mended| at.since(mended));
    for (promise, measure) in proven_by(estate, by) {
        let measured = measure.of(&record.measures);
        match (measured, at_least) {
            (Some(measured), _) => {
                let only_broken = verdict == Verdict::Stopped;
                filing.promise(promise, measure, measured, only_broken, incident, &struck);
            }
            (None, Some(span)) if measure == Measure::Healed => {
                let millis = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
                filing.promise(promise, measure, millis, true, incident, &struck);
            }
            (None, _) => {}
        }
    }
    filing.events
}

/// The evidence that a real incident gives once it is closed; none for an incident of a drill, or when it was filed.
pub fn evidence_from_incident(
    estate: &Estate,
    book: &Book,
    facts: &Slice,
    incident: IncidentId,
) -> Vec<Event> {
    let Some(record) = book.incidents.get(&incident) else { return Vec::new() };
    let filed = book.evidence.values().any(|filed| filed.evidence.incident == Some(incident));
    let (false, None, IncidentState::Closed, Some(at)) = (filed, record.drill, record.state, record.closed)
    else {
        return Vec::new();
    };
    if book.as_of.since(at) > FILED_WITHIN {
        return Vec::new();
    }
    let mut filing = Filing { estate, facts, next: book.next_evidence(), at, drill: None, events: vec![] };
    for ((service, kind), (worked, plan)) in actions(estate, book, &BTreeSet::from([incident])) {
        filing.action(service, kind, worked, plan.0, plan.1);
    }
    let measures = record.measures.clone().unwrap_or_default();
    for (promise, measure) in of_incident(estate, record).map(|by| proven_by(estate, by)).unwrap_or_default()
    {
        if let Some(measured) = measure.of(&measures) {
            filing.promise(promise, measure, measured, false, Some(incident), &struck_by(record, estate));
        }
    }
    filing.events
}

/// The evidence that a halt gives: how long it took until every unit had obeyed, and whether one did not answer.
pub fn evidence_from_halt(
    estate: &Estate,
    book: &Book,
    facts: &Slice,
    took: Duration,
    unreached: usize,
    now: Timestamp,
) -> Vec<Event> {
    let promise = PromiseId::from("halt.all");
    let Some(declared) = estate.promises.get(&promise) else { return Vec::new() };
    let measured = took.as_secs_f64() * 1000.0;
    let Some(met) = meets(&declared.target, measured) else { return Vec::new() };
    let kept = met && unreached == 0;
    let all = estate.services.keys().cloned().collect();
    let seen = Reason::new(if kept { "halt-obeyed" } else { "halt-not-obeyed" })
        .with(
            "took",
            dinghai_clock::format_span(Duration::from_millis(took.as_millis().try_into().unwrap_or(0))),
        )
        .with("unreached", unreached);
    let next = book.next_evidence();
    let mut filing = Filing { estate, facts, next, at: now, drill: None, events: vec![] };
    let units = slice(estate, facts, &all, false).0.into_iter();
    let units = Slice(units.filter(|(name, _)| name.ends_with(".version")).collect());
    filing.file(Proof::Promise { promise, measured, kept }, None, units, declared.max_age, vec![seen]);
    filing.events
}

/// The evidence that no longer stands on its facts. A fact that cannot be read now voids nothing.
pub fn voided(book: &Book, facts: &Slice, now: Timestamp) -> Vec<Event> {
    let readable = |name: &String| facts.0.get(name).is_none_or(|value| value != UNKNOWN);
    let living = book.evidence.values().filter(|filed| filed.lives(now));
    living
        .filter_map(|filed| {
            let rests_on = filed.evidence.slice.0.iter().filter(|(name, _)| readable(name));
            let rests_on = Slice(rests_on.map(|(name, value)| (name.clone(), value.clone())).collect());
            let (fact, then, now) = rests_on.broken_by(facts)?;
            Some(Event::EvidenceVoided {
                evidence: filed.evidence.id,
                fact: fact.to_owned(),
                then: then.to_owned(),
                now: now.map(str::to_owned),
            })
        })
        .collect()
}

struct Filing<'a> {
    estate: &'a Estate,
    facts: &'a Slice,
    next: EvidenceId,
    at: Timestamp,
    drill: Option<DrillRunId>,
    events: Vec<Event>,
}

impl Filing<'_> {
    fn action(
        &mut self,
        service: ServiceId,
        kind: ActionKind,
        worked: bool,
        plan: PlanId,
        incident: IncidentId,
    ) {
        let rests_on = slice(self.estate, self.facts, &BTreeSet::from([service.clone()]), true);
        let seen = Reason::new(if worked { "action-worked" } else { "action-failed" }).with("plan", plan);
        let proof = Proof::Action { service, kind, worked };
        self.file(proof, Some(incident), rests_on, ACTION_MAX_AGE, vec![seen]);
    }

    /// Files a measured promise; with `only_broken`, only when it missed its target.
    fn promise(
        &mut self,
        promise: PromiseId,
        measure: Measure,
        measured: u64,
        only_broken: bool,
        incident: Option<IncidentId>,
        services: &BTreeSet<ServiceId>,
    ) {
        let Some(declared) = self.estate.promises.get(&promise) else { return };
        let (PromiseTarget::Within(_), Some(kept)) =
            (&declared.target, meets(&declared.target, as_f64(measured)))
        else {
            return;
        };
        if only_broken && kept {
            return;
        }
        let code = if kept { "promise-was-kept" } else { "promise-was-broken" };
        let seen = Reason::new(code)
            .with("measured", dinghai_clock::format_span(Duration::from_millis(measured)))
            .with("target", target(&declared.target));
        let rests_on = slice(self.estate, self.facts, services, measure != Measure::Failing);
        let proof = Proof::Promise { promise, measured: as_f64(measured), kept };
        self.file(proof, incident, rests_on, declared.max_age, vec![seen]);
    }

    fn file(
        &mut self,
        shows: Proof,
        incident: Option<IncidentId>,
        slice: Slice,
        max_age: Duration,
        reasons: Vec<Reason>,
    ) {
        let id = self.next;
        self.next = id.next();
        let from = Fact { name: "estate".to_owned(), value: self.estate.name.clone() };
        let (drill, at) = (self.drill, self.at);
        let evidence = Evidence { id, shows, from, drill, incident, slice, at, max_age, reasons };
        self.events.push(Event::EvidenceFiled { evidence });
    }
}

type Actions = BTreeMap<(ServiceId, ActionKind), (bool, (PlanId, IncidentId))>;

/// The kinds of action that plans of these incidents took on each service and whether they worked: done and verified,
/// none failed. A step without a check shows nothing.
fn actions(estate: &Estate, book: &Book, incidents: &BTreeSet<IncidentId>) -> Actions {
    let mut actions = Actions::new();
    for incident in incidents.iter().filter_map(|id| book.incidents.get(id)) {
        for record in incident.plans.iter().filter_map(|plan| book.plans.get(plan)) {
            for (step, at) in record.plan.steps.iter().zip(&record.steps) {
                let worked = match &at.state {
                    StepState::Ended(StepOutcome::Done(_)) if step.verify.is_some() => true,
                    StepState::Ended(StepOutcome::Failed(_)) => false,
                    _ => continue,
                };
                let Some(kind) = step.action.kind() else { continue };
                for service in services_of(estate, &acted_on(&step.action)) {
                    let shown =
                        actions.entry((service, kind)).or_insert((worked, (record.plan.id, incident.id)));
                    if shown.0 && !worked {
                        *shown = (false, (record.plan.id, incident.id));
                    }
                }
            }
        }
    }
    actions
}

fn acted_on(action: &Action) -> Vec<InstanceId> {
    match action {
        Action::Weigh(shares) => shares.keys().cloned().collect(),
        Action::Start(instances) | Action::Stop(instances) | Action::Restart(instances) => instances.clone(),
        _ => Vec::new(),
    }
}

fn services_of(estate: &Estate, instances: &[InstanceId]) -> BTreeSet<ServiceId> {
    instances.iter().filter_map(|id| estate.instance(id)).map(|(service, _)| service.clone()).collect()
}

/// The services whose instances an incident is about.
fn struck_by(record: &IncidentRecord, estate: &Estate) -> BTreeSet<ServiceId> {
    let ids: Vec<InstanceId> = crate::impact::instances(estate, record).into_iter().collect();
    services_of(estate, &ids)
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds are far below 2^53")]
const fn as_f64(millis: u64) -> f64 {
    millis as f64
}
