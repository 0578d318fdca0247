//! The fold of the ledger that the stages share.
//!
//! A book can be thrown away and rebuilt from the ledger at any time; [`Book::apply`] is the only way to change one.

mod timeline;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use dinghai_clock::Timestamp;
use dinghai_estate::{InstanceId, PlaceId, ServiceId};
use serde::{Deserialize, Serialize};

use crate::{
    Action, Actor, DrillRecord, DrillRunId, DrillState, Entry, Event, Evidence, EvidenceId, Finding,
    FindingKey, Hash, IllegalTransition, IncidentId, IncidentRecord, IncidentState, Measures, PlanId,
    PlanPurpose, PlanRecord, PlanState, Reservation, Seq, StepNo, StepOutcome, StepRecord, StepState,
};

/// How many ejections a book remembers. When more are reported, the earliest are forgotten, so that what is measured
/// by them comes out later than it was and never earlier.
const EJECTIONS_KEPT: usize = 4096;

/// Everything the stages know of the past.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Book {
    /// The last entry that was applied.
    pub head: Seq,
    /// When it was written.
    pub as_of: Timestamp,
    /// Its hash.
    pub hash: Hash,
    /// The lease of the controller that wrote last.
    pub lease: u64,
    /// How many distinct estates were in force; the digest of the one that is.
    pub estate: (u64, Hash),
    /// Findings that stand.
    #[serde(with = "crate::pairs")]
    pub findings: BTreeMap<FindingKey, OpenFinding>,
    /// Incidents.
    pub incidents: BTreeMap<IncidentId, IncidentRecord>,
    /// Plans.
    pub plans: BTreeMap<PlanId, PlanRecord>,
    /// Runs of drills.
    pub drills: BTreeMap<DrillRunId, DrillRecord>,
    /// Places and services that a run of a drill touches.
    pub drill_scope: BTreeMap<DrillRunId, (BTreeSet<PlaceId>, BTreeSet<ServiceId>)>,
    /// Evidence.
    pub evidence: BTreeMap<EvidenceId, FiledEvidence>,
    /// Shares of declared weight that were set, in percent; see [`Book::share`].
    pub weights: BTreeMap<InstanceId, u8>,
    /// What plans that are over had reserved of the action budget, and when they ended.
    #[serde(default)]
    pub spent: BTreeMap<PlanId, (Reservation, Timestamp)>,
    /// Instances that a plan of ours has started at least once.
    pub started: BTreeSet<InstanceId>,
    /// The last ejections that gateways reported, in order of report, with the gateway's own time.
    #[serde(default)]
    pub ejections: VecDeque<(Timestamp, InstanceId)>,
    /// Who halted us, when, and why, while we are halted.
    pub halted: Option<(Actor, Timestamp, String)>,
}

/// A finding that stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OpenFinding {
    /// As it was last recorded.
    pub finding: Finding,
    /// The entry that raised it.
    pub raised: Seq,
    /// The incident it belongs to.
    pub incident: Option<IncidentId>,
}

/// An evidence and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FiledEvidence {
    /// As it was filed.
    pub evidence: Evidence,
    /// The entry that filed it.
    pub filed: Seq,
    /// The fact that voided it, its value then and now, and when that was seen.
    pub voided: Option<(String, String, Option<String>, Timestamp)>,
}

impl FiledEvidence {
    /// Whether it still counts at `now`.
    pub fn lives(&self, now: Timestamp) -> bool {
        self.voided.is_none() && now.since(self.evidence.at) <= self.evidence.max_age
    }
}

impl Book {
    /// The share of its declared weight that an instance has, in percent. Spares have none until a plan gives it.
    pub fn share(&self, instance: &InstanceId, spare: bool) -> u8 {
        self.weights.get(instance).copied().unwrap_or(if spare { 0 } else { 100 })
    }

    /// The number for the next incident.
    pub fn next_incident(&self) -> IncidentId {
        self.incidents.keys().next_back().copied().unwrap_or_default().next()
    }

    /// The number for the next plan.
    pub fn next_plan(&self) -> PlanId {
        self.plans.keys().next_back().copied().unwrap_or_default().next()
    }

    /// The number for the next run of a drill.
    pub fn next_drill(&self) -> DrillRunId {
        self.drills.keys().next_back().copied().unwrap_or_default().next()
    }

    /// The number for the next evidence.
    pub fn next_evidence(&self) -> EvidenceId {
        self.evidence.keys().next_back().copied().unwrap_or_default().next()
    }

    /// Incidents that are open, oldest first.
    pub fn open_incidents(&self) -> impl Iterator<Item = &IncidentRecord> {
        self.incidents.values().filter(|record| record.state == IncidentState::Open)
    }

    /// Plans that may still act, oldest first.
    pub fn open_plans(&self) -> impl Iterator<Item = &PlanRecord> {
        self.plans.values().filter(|record| record.state.is_open())
    }

    /// The drill that runs, when one does; there is never more than one.
    pub fn open_drill(&self) -> Option<&DrillRecord> {
        self.drills.values().rev().find(|record| record.state.is_open())
    }

    /// Takes in one entry. On an illegal transition nothing is changed but the head, so that a reader of a ledger
    /// that a newer program wrote can go on; the caller reports it.
    pub fn apply(&mut self, entry: &Entry) -> Result<(), IllegalTransition> {
        self.head = entry.seq;
        self.as_of = entry.at;
        self.hash = entry.hash;
        self.lease = entry.lease;
        self.take(entry)?;
        self.note_in_incident(entry);
        Ok(())
    }

    fn take(&mut self, entry: &Entry) -> Result<(), IllegalTransition> {
        let (at, seq, event) = (entry.at, entry.seq, &entry.event);
        match event {
            Event::ControllerStarted { .. } => self.doubt_started_steps(event)?,
            Event::EstateAdopted { generation, digest, .. } => self.estate = (*generation, *digest),
            Event::FindingRaised { finding } | Event::FindingChanged { finding } => {
                let standing = self.findings.entry(finding.key.clone()).or_insert_with(|| OpenFinding {
                    finding: finding.clone(),
                    raised: seq,
                    incident: None,
                });
                standing.finding = finding.clone();
            }
            Event::FindingCleared { key, .. } => {
                self.findings.remove(key);
                for record in self.incidents.values_mut().filter(|record| record.standing.contains(key)) {
                    record.standing.remove(key);
                    if record.standing.is_empty() {
                        record.quiet_since = Some(at);
                    }
                }
            }
            Event::IncidentOpened { incident, grade, about, drill, since, findings, services, reasons } => {
                self.incidents.insert(
                    *incident,
                    IncidentRecord {
                        id: *incident,
                        state: IncidentState::Open,
                        grade: *grade,
                        worst: *grade,
                        about: about.clone(),
                        drill: *drill,
                        since: *since,
                        opened: (at, seq),
                        closed: None,
                        quiet_since: None,
                        standing: BTreeSet::new(),
                        findings: BTreeMap::new(),
                        services: services.clone(),
                        plans: Vec::new(),
                        reasons: reasons.clone(),
                        measures: None,
                        entries: Vec::new(),
                    },
                );
                self.join(*incident, findings, at);
                if let Some(run) = drill.and_then(|run| self.drills.get_mut(&run)) {
                    run.incidents.insert(*incident);
                }
            }
            Event::IncidentJoined { incident, about, findings, services, .. } => {
                self.incident(*incident, event, |record| {
                    record.about = about.clone();
                    record.services.extend(services.iter().cloned());
                })?;
                self.join(*incident, findings, at);
            }
            Event::IncidentRegraded { incident, grade, reasons } => {
                self.incident(*incident, event, |record| {
                    record.grade = *grade;
                    record.worst = record.worst.min(*grade);
                    record.reasons = reasons.clone();
                })?
            }
            Event::IncidentMerged { incident, into, .. } => {
                let mut moved = BTreeSet::new();
                self.incident(*incident, event, |record| {
                    record.closed = Some(at);
                    moved = std::mem::take(&mut record.standing);
                })?;
                self.join(*into, &moved, at);
            }
            Event::IncidentMeasured { incident, measures } => {
                self.incident(*incident, event, |record| record.measures = Some(measures.clone()))?;
            }
            Event::IncidentClosed { incident, .. } => {
                self.incident(*incident, event, |record| record.closed = Some(at))?;
            }
            Event::PlanProposed { plan } => {
                if let PlanPurpose::Heal(incident) = plan.purpose
                    && let Some(record) = self.incidents.get_mut(&incident)
                {
                    record.plans.push(plan.id);
                }
                if let PlanPurpose::Drill(run) = plan.purpose
                    && let Some(record) = self.drills.get_mut(&run)
                {
                    record.plan = Some(plan.id);
                }
                let fresh =
                    StepRecord { state: StepState::NotStarted, started: None, ended: None, attempts: 0 };
                let record = PlanRecord {
                    steps: vec![fresh; plan.steps.len()],
                    plan: plan.clone(),
                    state: PlanState::Proposed,
                    proposed: (at, seq),
                    verdict: None,
                    by: None,
                    reservation: None,
                    started: None,
                    turned_back: Vec::new(),
                    ended: None,
                };
                self.plans.insert(plan.id, record);
            }
            Event::PlanDecided { plan, approval, reasons } => {
                self.plan(*plan, event, |record| record.verdict = Some((*approval, reasons.clone())))?;
            }
            Event::PlanApproved { plan, by } | Event::PlanDeclined { plan, by, .. } => {
                self.plan(*plan, event, |record| record.by = Some(by.clone()))?;
            }
            Event::PlanRefused { plan, reasons } => self.plan(*plan, event, |record| {
                record.verdict = Some((crate::Approval::Refuse, reasons.clone()));
            })?,
            Event::PlanStarted { plan, reservation } => self.plan(*plan, event, |record| {
                record.reservation = Some(reservation.clone());
                record.started = Some(at);
            })?,
            Event::PlanUndoing { plan, reasons } => {
                self.plan(*plan, event, |record| record.turned_back = reasons.clone())?;
            }
            Event::PlanEnded { plan, .. } => {
                let mut held = None;
                self.plan(*plan, event, |record| {
                    held = record.reservation.take();
                    record.ended = Some(at);
                })?;
                self.spent.extend(held.map(|held| (*plan, (held, at))));
            }
            Event::StepStarted { plan, step, attempt } => self.step(*plan, *step, event, |record| {
                record.started = Some((at, seq));
                record.attempts = *attempt;
            })?,
            Event::StepEnded { plan, step, outcome, .. } => {
                self.step(*plan, *step, event, |record| record.ended = Some(at))?;
                let action = self.action(*plan, *step);
                self.take_effect(action, outcome);
            }
            Event::UndoStarted { plan, step } => self.step(*plan, *step, event, |_| ())?,
            Event::UndoEnded { plan, step, outcome } => {
                self.step(*plan, *step, event, |record| record.ended = Some(at))?;
                let undo = self.undo(*plan, *step);
                self.take_effect(undo, outcome);
            }
            Event::DrillStarted { run, drill, fault, by, consent, places, services } => {
                self.drill_scope.insert(*run, (places.clone(), services.clone()));
                self.drills.insert(
                    *run,
                    DrillRecord {
                        run: *run,
                        drill: drill.clone(),
                        fault: fault.clone(),
                        by: by.clone(),
                        consent: consent.clone(),
                        state: DrillState::Steady,
                        started: (at, seq),
                        broken: None,
                        mended: None,
                        ended: None,
                        plan: None,
                        incidents: BTreeSet::new(),
                        measures: Measures::default(),
                        reasons: Vec::new(),
                    },
                );
            }
            Event::DrillBroke { run, happened } => {
                self.drill(*run, event, |record| record.broken = Some(*happened))?;
            }
            Event::DrillMended { run, happened } => {
                self.drill(*run, event, |record| record.mended = Some(*happened))?;
            }
            Event::DrillEnded { run, measures, reasons, .. } => self.drill(*run, event, |record| {
                record.measures = measures.clone();
                record.reasons = reasons.clone();
                record.ended = Some(at);
            })?,
            Event::EvidenceFiled { evidence } => {
                self.evidence.insert(
                    evidence.id,
                    FiledEvidence { evidence: evidence.clone(), filed: seq, voided: None },
                );
            }
            Event::EvidenceVoided { evidence, fact, then, now } => {
                if let Some(filed) = self.evidence.get_mut(evidence) {
                    filed.voided.get_or_insert((fact.clone(), then.clone(), now.clone(), at));
                }
            }
            Event::Halted { by, reason } => self.halted = Some((by.clone(), at, reason.clone())),
            Event::Resumed { .. } => self.halted = None,
            Event::ReflexReported { instance, happened, ejected: Some(_), .. } => {
                self.ejections.push_back((*happened, instance.clone()));
                while self.ejections.len() > EJECTIONS_KEPT {
                    self.ejections.pop_front();
                }
            }
            Event::ReflexReported { ejected: None, .. } | Event::SignedIn { .. } | Event::Other(_) => {}
        }
        Ok(())
    }

    /// A new controller cannot know whether a step that its predecessor had journalled happened.
    fn doubt_started_steps(&mut self, event: &Event) -> Result<(), IllegalTransition> {
        for record in self.plans.values_mut().filter(|record| record.state.is_open()) {
            for (step, state) in record.plan.steps.iter().zip(record.steps.iter_mut()) {
                state.state = state.state.next(step.no, event)?;
            }
        }
        Ok(())
    }

    fn join(&mut self, incident: IncidentId, findings: &BTreeSet<FindingKey>, at: Timestamp) {
        for key in findings {
            if let Some(standing) = self.findings.get_mut(key) {
                standing.incident = Some(incident);
            }
        }
        if let Some(record) = self.incidents.get_mut(&incident) {
            for key in findings {
                record.findings.entry(key.clone()).or_insert(at);
                if self.findings.contains_key(key) {
                    record.standing.insert(key.clone());
                    record.quiet_since = None;
                }
            }
        }
    }

    fn incident(
        &mut self,
        id: IncidentId,
        event: &Event,
        change: impl FnOnce(&mut IncidentRecord),
    ) -> Result<(), IllegalTransition> {
        let record = self.incidents.get_mut(&id).ok_or_else(|| unheard_of(&id, event))?;
        record.state = record.state.next(id, event)?;
        change(record);
        Ok(())
    }

    fn plan(
        &mut self,
        id: PlanId,
        event: &Event,
        change: impl FnOnce(&mut PlanRecord),
    ) -> Result<(), IllegalTransition> {
        let record = self.plans.get_mut(&id).ok_or_else(|| unheard_of(&id, event))?;
        record.state = record.state.next(id, event)?;
        change(record);
        Ok(())
    }

    fn step(
        &mut self,
        plan: PlanId,
        step: StepNo,
        event: &Event,
        change: impl FnOnce(&mut StepRecord),
    ) -> Result<(), IllegalTransition> {
        let record = self.plans.get_mut(&plan).ok_or_else(|| unheard_of(&plan, event))?;
        let place = record.plan.steps.iter().position(|each| each.no == step);
        let record =
            place.and_then(|place| record.steps.get_mut(place)).ok_or_else(|| unheard_of(&step, event))?;
        record.state = record.state.next(step, event)?;
        change(record);
        Ok(())
    }

    fn drill(
        &mut self,
        run: DrillRunId,
        event: &Event,
        change: impl FnOnce(&mut DrillRecord),
    ) -> Result<(), IllegalTransition> {
        let record = self.drills.get_mut(&run).ok_or_else(|| unheard_of(&run, event))?;
        record.state = record.state.next(run, event)?;
        change(record);
        Ok(())
    }

    fn action(&self, plan: PlanId, step: StepNo) -> Option<Action> {
        Some(self.plans.get(&plan)?.plan.step(step)?.action.clone())
    }

    fn undo(&self, plan: PlanId, step: StepNo) -> Option<Action> {
        match &self.plans.get(&plan)?.plan.step(step)?.class {
            crate::StepClass::Reversible(undo) | crate::StepClass::Compensable(undo) => {
                Some((**undo).clone())
            }
            crate::StepClass::NoAct | crate::StepClass::Final(_) => None,
        }
    }

    /// What a done action means for what we know of weights and starts.
    fn take_effect(&mut self, action: Option<Action>, outcome: &StepOutcome) {
        if !matches!(outcome, StepOutcome::Done(_)) {
            return;
        }
        match action {
            Some(Action::Weigh(weights)) => self.weights.extend(weights),
            Some(Action::Start(instances) | Action::Restart(instances)) => self.started.extend(instances),
            _ => {}
        }
    }
}

fn unheard_of(what: &dyn std::fmt::Display, event: &Event) -> IllegalTransition {
    IllegalTransition { what: what.to_string(), state: "unheard of".to_owned(), event: event.kind() }
}
