//! The verdict: what does not hold, then what does.

use std::collections::{BTreeMap, BTreeSet};

use dinghai_estate::{PlaceId, ServiceId};
use dinghai_risk::{Finding, Judged, State};

use super::told::{Joint, Told};

/// Names in one sentence.
const NAMED: usize = 4;

/// What is to be said of one inventory, or of all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The worst state that counts; none when nothing does.
    pub state: Option<State>,
    /// The sentence, with its full stop.
    pub sentence: String,
    /// How many findings there are, and what core services stand through.
    pub beside: String,
}

/// The verdict over everything: that of the worst inventory.
pub fn verdict(told: &Told<'_>) -> Verdict {
    let reports = &told.judgement.reports;
    // The first among equals: `max_by_key` would take the last.
    let worst = reports.iter().rev().max_by_key(|judged| judged.worst());
    let Some(worst) = worst else {
        let sentence = told.say("check-nothing-read", &[]);
        return Verdict { state: Some(State::Unknown), sentence, beside: String::new() };
    };
    let mut of = verdict_of(told, worst);
    if reports.len() > 1 {
        let mut counts: BTreeMap<State, usize> = BTreeMap::new();
        reports.iter().flat_map(Judged::counts).for_each(|(state, n)| *counts.entry(state).or_default() += n);
        let known = reports.iter().map(|judged| standing(judged).0).sum();
        let accepted = reports.iter().map(|judged| standing(judged).1).sum();
        let inventories = told.say("check-inventories", &[("n", told.n(reports.len()))]);
        of.beside = format!("{inventories} {}", counted(told, &counts, known, accepted));
    }
    of
}

/// The verdict over one inventory.
pub fn verdict_of(told: &Told<'_>, judged: &Judged) -> Verdict {
    let state = judged.worst();
    let name = || ("name", judged.report.inventory.name.clone());
    let unknown = judged.counts().get(&State::Unknown).copied().unwrap_or_default();
    let sentence = match state {
        None => told.say("check-holds", &[name()]),
        Some(State::Unknown) => told.say("check-cannot-tell", &[name(), ("n", told.n(unknown))]),
        Some(state) => worst(told, judged, state),
    };
    let (known, accepted) = standing(judged);
    let beside = [counted(told, &judged.counts(), known, accepted), core(told, judged)];
    let beside: Vec<String> = beside.into_iter().filter(|part| !part.is_empty()).collect();
    Verdict { state, sentence, beside: beside.join(" ") }
}

/// What the worst findings come to: the places that are not outlived, then the slowest recovery.
fn worst(told: &Told<'_>, judged: &Judged, state: State) -> String {
    let of_state = || judged.counting().map(|(finding, _)| finding).filter(|finding| finding.state == state);
    let name = judged.report.inventory.name.clone();
    let mut said = Vec::new();
    let places: BTreeSet<Vec<&str>> =
        of_state().filter(|finding| !finding.lost.is_empty() && finding.bound.is_none()).map(lost).collect();
    if let Some(fewest) = places.iter().map(Vec::len).min() {
        let places = places.iter().filter(|places| places.len() == fewest).map(|places| match places.len() {
            1 => places.concat(),
            _ => {
                let together = told.listed(places, NAMED, Joint::And);
                told.say("check-together", &[("places", together)])
            }
        });
        let places = told.listed(places, NAMED, Joint::Or);
        let key = if state == State::Broken { "check-not-outlive" } else { "check-weak-outlive" };
        said.push(told.say(key, &[("name", name.clone()), ("places", places)]));
    }
    let slowest = of_state().filter_map(|finding| finding.bound.as_ref()).max_by_key(|bound| bound.total());
    if let Some(bound) = slowest {
        let values = [("service", bound.service.to_string()), ("time", told.span(bound.total()))];
        said.push(told.say("check-recovery", &values));
    }
    if said.is_empty()
        && let Some(first) = of_state().next()
    {
        said.push(told.say("check-other", &[("name", name), ("title", first.title.clone())]));
    }
    let between = if told.language() == crate::Language::Zh { "" } else { " " };
    said.join(between)
}

fn lost(finding: &Finding) -> Vec<&str> {
    finding.lost.iter().map(|lost| lost.place.as_str()).collect()
}

/// How many findings are known from before, and how many accepted.
fn standing(judged: &Judged) -> (usize, usize) {
    let of = |known: bool| {
        judged.marks.iter().filter(move |mark| match mark.standing {
            dinghai_risk::Standing::Counts => false,
            dinghai_risk::Standing::Known => known,
            dinghai_risk::Standing::Accepted(_) => !known,
        })
    };
    (of(true).count(), of(false).count())
}

fn counted(told: &Told<'_>, counts: &BTreeMap<State, usize>, known: usize, accepted: usize) -> String {
    let of = |state| counts.get(&state).copied().unwrap_or_default();
    let parts = [
        ("check-count-broken", of(State::Broken)),
        ("check-count-weak", of(State::Weak)),
        ("check-count-unknown", of(State::Unknown)),
        ("check-count-known", known),
        ("check-count-accepted", accepted),
    ];
    let parts = parts.into_iter().filter(|(_, n)| *n > 0);
    let parts: Vec<String> = parts.map(|(key, n)| told.say(key, &[("n", told.n(n))])).collect();
    let (comma, stop) = match told.language() {
        crate::Language::En => (", ", "."),
        crate::Language::Zh => ("，", "。"),
    };
    match parts.is_empty() {
        true => String::new(),
        false => parts.join(comma) + stop,
    }
}

/// The places that all core services stand through, and those of which nobody can tell.
fn core(told: &Told<'_>, judged: &Judged) -> String {
    let core = &judged.report.core;
    if core.is_empty() {
        return told.say("check-no-core", &[]);
    }
    let services = || told.listed(core.iter().map(|core| &core.service), 3, Joint::And);
    let mut held: BTreeSet<&PlaceId> = core.iter().flat_map(|core| &core.holds).collect();
    held.retain(|place| core.iter().all(|core| core.holds.contains(place)));
    let mut said = Vec::new();
    if !held.is_empty() {
        let places = told.listed(&held, NAMED, Joint::Or);
        said.push(told.say("check-keeps", &[("places", places), ("services", services())]));
    }
    let unsure: BTreeSet<&PlaceId> = core.iter().flat_map(|core| &core.unknown).collect();
    if !unsure.is_empty() {
        let of: Vec<&ServiceId> =
            core.iter().filter(|core| !core.unknown.is_empty()).map(|core| &core.service).collect();
        let values = [
            ("services", told.listed(of, 3, Joint::And)),
            ("places", told.listed(&unsure, NAMED, Joint::Or)),
        ];
        said.push(told.say("check-core-unsure", &values));
    }
    said.join(" ")
}
