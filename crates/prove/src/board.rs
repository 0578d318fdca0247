//! The promise board: what is promised, and whether that is proven today.
//!
//! A promise is measured at several things: `failover.zone` at each zone that a drill kills. Of each such thing the
//! latest evidence counts. The promise is
//!
//! - **broken** while one of these lives and missed the target,
//! - **kept** while at least one lives and none missed the target,
//! - **expired** when there was evidence and none lives: too old, or a fact under it changed,
//! - **unproven** when there never was any.
//!
//! Measures are held against the target as it is today, not as it was when they were taken.

use std::collections::BTreeMap;
use std::time::Duration;

use dinghai_clock::{Timestamp, format_span};
use dinghai_estate::{DrillId, Estate, KnownPromise, Origin, Promise, PromiseId, PromiseTarget, ProvenBy};
use dinghai_record::{
    Book, DrillRecord, DrillRunId, DrillState, Evidence, EvidenceId, Fact, Fault, FiledEvidence, IncidentId,
    Proof, Reason, Verdict,
};
use serde::{Deserialize, Serialize};

use crate::promise::{margin, meets};
use crate::told;

/// Every promise with its state.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PromiseBoard {
    /// In the order of their ids.
    pub rows: Vec<PromiseRow>,
    /// How many are kept.
    pub kept: usize,
    /// How many are broken.
    pub broken: usize,
    /// How many were never measured.
    pub unproven: usize,
    /// How many have lost their proof.
    pub expired: usize,
}

/// One promise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PromiseRow {
    /// The promise.
    pub promise: PromiseId,
    /// Its target.
    pub target: PromiseTarget,
    /// Its state.
    pub state: PromiseState,
    /// What was measured last: milliseconds for a time, a share 0–1 for a share.
    pub measured: Option<f64>,
    /// Room to the target as a share of it; negative when it was missed.
    pub margin: Option<f64>,
    /// The evidence behind the state.
    pub proof: Option<LastProof>,
    /// The drills that prove it.
    pub drills: Vec<DueDrill>,
    /// Where it is declared.
    pub origin: Origin,
    /// Why it has this state, and how to prove it.
    pub reasons: Vec<Reason>,
}

/// Whether a promise is proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PromiseState {
    /// Measured, and the target was met.
    Kept,
    /// Measured, and the target was missed.
    Broken,
    /// Never measured.
    Unproven,
    /// Measured once; the proof is too old or a fact under it changed.
    Expired,
}

/// The evidence behind a promise's state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LastProof {
    /// Its number.
    pub evidence: EvidenceId,
    /// The drill in which it was measured.
    pub drill: Option<(DrillRunId, DrillId)>,
    /// The incident in which it was measured.
    pub incident: Option<IncidentId>,
    /// What it was measured at: `kill-place hz-a`.
    pub measured_at: String,
    /// Where.
    pub from: Fact,
    /// When.
    pub at: Timestamp,
    /// Until when it counts, if no fact under it changes.
    pub good_until: Timestamp,
    /// What voided it.
    pub voided: Option<VoidedBy>,
}

/// A changed fact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VoidedBy {
    /// Its name.
    pub fact: String,
    /// Its value when the evidence was filed.
    pub then: String,
    /// Its value now; none when there is no such fact any more.
    pub now: Option<String>,
    /// When the change was seen.
    pub at: Timestamp,
}

/// A drill that proves a promise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DueDrill {
    /// The drill.
    pub drill: DrillId,
    /// When it last ended.
    pub last: Option<Timestamp>,
    /// When it is due: at once when it never ran. None when it states no interval.
    pub due: Option<Timestamp>,
}

/// The board at `now`.
pub fn board(estate: &Estate, book: &Book, now: Timestamp) -> PromiseBoard {
    let rows: Vec<PromiseRow> =
        estate.promises.iter().map(|(id, promise)| row(estate, book, id, promise, now)).collect();
    let count = |state| rows.iter().filter(|row| row.state == state).count();
    PromiseBoard {
        kept: count(PromiseState::Kept),
        broken: count(PromiseState::Broken),
        unproven: count(PromiseState::Unproven),
        expired: count(PromiseState::Expired),
        rows,
    }
}

fn row(estate: &Estate, book: &Book, id: &PromiseId, promise: &Promise, now: Timestamp) -> PromiseRow {
    let latest = latest(book, id);
    let living = |filed: &&FiledEvidence| filed.lives(now) && now.since(filed.evidence.at) <= promise.max_age;
    let newest = |of: &mut dyn Iterator<Item = &'_ FiledEvidence>| -> Option<EvidenceId> {
        of.max_by_key(|filed| (filed.evidence.at, filed.evidence.id)).map(|filed| filed.evidence.id)
    };
    let met = |filed: &FiledEvidence| measured(&filed.evidence).and_then(|it| meets(&promise.target, it));
    let all = || latest.values().copied();
    let broken = newest(&mut all().filter(living).filter(|filed| met(filed) == Some(false)));
    let kept = newest(&mut all().filter(living).filter(|filed| met(filed) == Some(true)));
    let spent = newest(&mut all().filter(|filed| !living(filed)));
    let (state, shown) = match (broken, kept, spent) {
        (Some(id), ..) => (PromiseState::Broken, Some(id)),
        (None, Some(id), _) => (PromiseState::Kept, Some(id)),
        (None, None, Some(id)) => (PromiseState::Expired, Some(id)),
        (None, None, None) => (PromiseState::Unproven, None),
    };
    let filed = shown.and_then(|id| book.evidence.get(&id));
    let value = filed.and_then(|filed| measured(&filed.evidence)).filter(|value| value.is_finite());
    let proof = filed.map(|filed| last_proof(book, filed, promise));
    let drills = drills(estate, book, id, now);
    let reasons = reasons(state, id, promise, value, proof.as_ref(), &drills, now);
    PromiseRow {
        promise: id.clone(),
        target: promise.target.clone(),
        state,
        measured: value,
        margin: value.and_then(|value| margin(&promise.target, value)),
        proof,
        drills,
        origin: promise.origin.clone(),
        reasons,
    }
}

/// The latest evidence of each thing that the promise was measured at.
fn latest<'a>(book: &'a Book, promise: &PromiseId) -> BTreeMap<String, &'a FiledEvidence> {
    let mut latest: BTreeMap<String, &FiledEvidence> = BTreeMap::new();
    for filed in book.evidence.values() {
        if !matches!(&filed.evidence.shows, Proof::Promise { promise: of, .. } if of == promise) {
            continue;
        }
        let key = |filed: &FiledEvidence| (filed.evidence.at, filed.evidence.id);
        let place = latest.entry(measured_at(book, &filed.evidence)).or_insert(filed);
        if key(filed) > key(place) {
            *place = filed;
        }
    }
    latest
}

/// What an evidence was measured at: the place or instance that was struck, by a drill or in earnest.
fn measured_at(book: &Book, evidence: &Evidence) -> String {
    if let Some(record) = evidence.drill.and_then(|run| book.drills.get(&run)) {
        return match &record.fault {
            Fault::KillPlace { place, .. } => place.to_string(),
            Fault::KillInstance(id) | Fault::HangInstance(id) => id.to_string(),
        };
    }
    match evidence.incident.and_then(|id| book.incidents.get(&id)) {
        Some(record) => record.about.to_string(),
        None => evidence.from.value.clone(),
    }
}

const fn measured(evidence: &Evidence) -> Option<f64> {
    match &evidence.shows {
        Proof::Promise { measured, .. } => Some(*measured),
        Proof::Action { .. } => None,
    }
}

fn last_proof(book: &Book, filed: &FiledEvidence, promise: &Promise) -> LastProof {
    let evidence = &filed.evidence;
    let drill = evidence.drill.and_then(|run| Some((run, book.drills.get(&run)?.drill.clone())));
    let voided = filed.voided.clone().map(|(fact, then, now, at)| VoidedBy { fact, then, now, at });
    LastProof {
        evidence: evidence.id,
        drill,
        incident: evidence.incident,
        measured_at: measured_at(book, evidence),
        from: evidence.from.clone(),
        at: evidence.at,
        good_until: evidence.at.plus(evidence.max_age.min(promise.max_age)),
        voided,
    }
}

fn drills(estate: &Estate, book: &Book, promise: &PromiseId, now: Timestamp) -> Vec<DueDrill> {
    let Some(known) = KnownPromise::of(promise.as_str()) else { return Vec::new() };
    let proving = estate.drills.iter().filter(|(_, drill)| known.is_proven_by(drill, estate));
    proving
        .map(|(id, drill)| {
            let last = book
                .drills
                .values()
                .filter(|run| run.drill == *id && ran(run))
                .filter_map(|run| run.ended)
                .max();
            let next = |every: Duration| last.map_or(now, |last| last.plus(every));
            DueDrill { drill: id.clone(), last, due: drill.every.map(next) }
        })
        .collect()
}

/// Whether a run broke something: one that did not begin does not put off the next.
fn ran(run: &DrillRecord) -> bool {
    run.state != DrillState::Ended(Verdict::Refused)
}

fn reasons(
    state: PromiseState,
    id: &PromiseId,
    promise: &Promise,
    value: Option<f64>,
    proof: Option<&LastProof>,
    drills: &[DueDrill],
    now: Timestamp,
) -> Vec<Reason> {
    let shown = |code: &str| {
        let at = proof.map_or_else(String::new, |proof| proof.measured_at.clone());
        let value = value.map_or_else(String::new, |value| told::measured(&promise.target, value));
        Reason::new(code).with("at", at).with("measured", value).with("target", told::target(&promise.target))
    };
    let mut reasons = vec![match (state, proof.and_then(|proof| proof.voided.as_ref()), proof) {
        (PromiseState::Kept, ..) => shown("promise-kept"),
        (PromiseState::Broken, ..) => shown("promise-broken"),
        (PromiseState::Expired, Some(voided), _) => Reason::new("promise-voided")
            .with("fact", &voided.fact)
            .with("then", &voided.then)
            .with("now", voided.now.as_deref().unwrap_or("none")),
        (PromiseState::Expired, None, Some(proof)) => Reason::new("promise-too-old")
            .with("age", told::span(proof.at, now))
            .with("max-age", format_span(promise.max_age)),
        (PromiseState::Expired | PromiseState::Unproven, ..) => Reason::new("promise-never-measured"),
    }];
    if state != PromiseState::Kept {
        reasons.extend(drills.iter().map(|due| Reason::new("promise-drill").with("drill", &due.drill)));
        if drills.is_empty() {
            let by_halt =
                KnownPromise::of(id.as_str()).is_some_and(|known| known.proven_by == ProvenBy::Halt);
            reasons.push(Reason::new(if by_halt { "promise-by-halt" } else { "promise-no-drill" }));
        }
    }
    reasons
}
