//! The findings about the loss of one place: what was to be survived and is not, and what leaves too little.

use std::collections::{BTreeMap, BTreeSet};

use dinghai_estate::{Certainty, ServiceId};

use super::because::because;
use super::cause::{Cause, causes};
use super::{Question, survive};
use crate::{Because, Counterexample, Finding, Fix, Lost, Stands, State, cut_sets};

/// Services that are named in a row.
const NAMED: usize = 4;

/// The findings `single-point` and `quorum-in-one-place`.
pub(super) fn single_points(question: &Question<'_>) -> Vec<Finding> {
    causes(question).iter().filter_map(|(cause, whys)| finding(question, cause, whys)).collect()
}

/// The findings `below-minimum`: services that go on, with fewer instances than was stated.
pub(super) fn below_minimum(question: &Question<'_>, core: &BTreeSet<ServiceId>) -> Vec<Finding> {
    let cuts = cut_sets(question.inventory, core, 1, Stands::OnMinimum);
    let mut causes: BTreeMap<ServiceId, Vec<Counterexample>> = BTreeMap::new();
    for service in cuts.services() {
        let survive = survive(question.inventory, service);
        let already = question.cuts.of(service);
        for cut in cuts.of(service).iter().filter(|cut| !already.contains(cut)) {
            let whys = cuts.stopped_by(service, cut.places()).into_iter();
            for why in whys.filter(|why| why.lost.iter().all(|lost| lost.kind <= survive)) {
                causes.entry(why.stops_at().clone()).or_default().push(why);
            }
        }
    }
    let finding = |(service, mut whys): (ServiceId, Vec<Counterexample>)| {
        whys.sort_by_key(|why| (why.through.len(), why.lost.clone()));
        let nearest = whys.first()?.clone();
        let left = nearest.running.saturating_sub(nearest.gone.len());
        let (because, certainty) = because(question.inventory, &nearest);
        let lost = lost(&whys);
        Some(Finding {
            rule: "below-minimum",
            state: State::Broken,
            title: format!(
                "losing {} leaves {service} with {left} of {}",
                lost.first()?.place,
                nearest.needed
            ),
            sentence: nearest.to_string(),
            about: about(&service, &whys),
            lost,
            because,
            certainty,
            bound: None,
            fix: Some(words(format!("add an instance of {service} elsewhere, or lower its `minimum`"))),
        })
    };
    causes.into_iter().filter_map(finding).collect()
}

fn finding(question: &Question<'_>, cause: &Cause, whys: &[Counterexample]) -> Option<Finding> {
    let nearest = whys.first()?;
    let first_lost = nearest.lost.first()?;
    let weak: BTreeSet<&ServiceId> = whys.iter().map(Counterexample::stops_at).collect();
    let stopped: BTreeSet<&ServiceId> = whys.iter().map(|why| &why.service).collect();
    let lost = lost(whys);
    let (title, sentence, fix) = match cause {
        Cause::Everything(place) => (
            format!("losing {} stops {}", place.place, listed(&stopped)),
            format!(
                "lose {} {} and {}: all {} services that are needed stand there and nowhere else",
                place.kind,
                place.place,
                stop(&stopped),
                weak.len()
            ),
            format!("run a second copy of everything at another {}", place.kind),
        ),
        Cause::Singles(kind) => (
            format!("{} services behind {} run one instance each", weak.len(), nearest.service),
            format!(
                "lose the {kind} of any one of these and {}: {}",
                stop(&stopped),
                weak.iter().map(|id| id.as_str()).collect::<Vec<_>>().join(", ")
            ),
            format!("run at least two instances of each, kept at different {kind}s"),
        ),
        Cause::Service(service) => {
            let others: BTreeSet<&ServiceId> =
                stopped.iter().copied().filter(|id| **id != nearest.service).collect();
            let with = match others.is_empty() {
                true => String::new(),
                false => format!("; with it {}", listed(&others)),
            };
            let also: Vec<&str> =
                lost.iter().filter(|lost| *lost != first_lost).map(|lost| lost.place.as_str()).collect();
            let also = match also.is_empty() {
                true => String::new(),
                false => format!("; losing {} does the same", also.join(" or ")),
            };
            (
                format!("losing {} stops {}", first_lost.place, nearest.service),
                format!("{nearest}{with}{also}"),
                format!("put an instance of {service} at another {}", first_lost.kind),
            )
        }
    };
    let (because, certainty) = lines(question, cause, whys);
    Some(Finding {
        rule: match nearest.needed > 1 && nearest.gone.len() < nearest.running {
            true => "quorum-in-one-place",
            false => "single-point",
        },
        state: State::Broken,
        title,
        sentence,
        about: about(nearest.stops_at(), whys),
        lost,
        because,
        certainty,
        bound: None,
        fix: Some(words(fix)),
    })
}

/// All lines of the nearest counterexample; where many services are the cause, the first line of each.
fn lines(question: &Question<'_>, cause: &Cause, whys: &[Counterexample]) -> (Vec<Because>, Certainty) {
    let mut nearest: BTreeMap<&ServiceId, &Counterexample> = BTreeMap::new();
    for why in whys {
        nearest.entry(why.stops_at()).or_insert(why);
    }
    let (mut lines, mut least) = (Vec::new(), Certainty::Declared);
    for why in nearest.into_values() {
        let (because, certainty) = because(question.inventory, why);
        least = least.min(certainty);
        match cause {
            Cause::Service(_) => lines.extend(because),
            Cause::Everything(_) | Cause::Singles(_) => lines.extend(because.into_iter().next()),
        }
    }
    (lines, least)
}

/// The places, each once.
fn lost(whys: &[Counterexample]) -> Vec<Lost> {
    whys.iter().flat_map(|why| &why.lost).cloned().collect::<BTreeSet<_>>().into_iter().collect()
}

/// The service where it begins, then the others that stop or make stop, by name.
fn about(first: &ServiceId, whys: &[Counterexample]) -> Vec<ServiceId> {
    let others: BTreeSet<&ServiceId> = whys.iter().flat_map(|why| [why.stops_at(), &why.service]).collect();
    std::iter::once(first).chain(others.into_iter().filter(|id| *id != first)).cloned().collect()
}

fn words(sentence: String) -> Fix {
    Fix { sentence, edits: Vec::new(), checked: None }
}

/// `a stops`, `a and b stop`.
pub(super) fn stop(ids: &BTreeSet<&ServiceId>) -> String {
    let verb = if ids.len() == 1 { "stops" } else { "stop" };
    format!("{} {verb}", listed(ids))
}

/// `a, b and 3 more`.
pub(super) fn listed(ids: &BTreeSet<&ServiceId>) -> String {
    let names: Vec<&str> = ids.iter().map(|id| id.as_str()).collect();
    match (names.len().saturating_sub(NAMED), names.split_last()) {
        (0, Some((last, []))) => (*last).to_owned(),
        (0, Some((last, before))) => format!("{} and {last}", before.join(", ")),
        (more, _) => {
            format!("{} and {more} more", names.iter().take(NAMED).copied().collect::<Vec<_>>().join(", "))
        }
    }
}
