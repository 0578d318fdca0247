//! Losses that stop a core service and were accepted: wider than what it has to survive, or several places at once.

use std::collections::BTreeMap;

use super::{Question, survive};
use crate::{Accepted, Counterexample, Lost};

/// Fewest places first, narrow kinds before wide ones: those happen more often.
pub(super) fn accepted(question: &Question<'_>) -> Vec<Accepted> {
    let mut found: BTreeMap<_, Vec<Counterexample>> = BTreeMap::new();
    for service in question.cuts.services() {
        let survive = survive(question.inventory, service);
        for cut in question.cuts.of(service).iter().filter(|cut| cut.order() > 0) {
            let Some(why) = question.cuts.why(service, cut) else { continue };
            if cut.order() == 1 && why.lost.iter().all(|lost| lost.kind <= survive) {
                continue;
            }
            let widest = why.lost.iter().map(|lost| lost.kind).max();
            found.entry((cut.order(), widest, why.lost.clone())).or_default().push(why);
        }
    }
    found.into_iter().filter_map(|((_, _, lost), whys)| told(lost, whys)).collect()
}

fn told(lost: Vec<Lost>, mut whys: Vec<Counterexample>) -> Option<Accepted> {
    whys.sort_by_key(|why| (why.through.len(), why.service.clone()));
    let nearest = whys.first()?;
    let others: std::collections::BTreeSet<_> =
        whys.iter().map(|why| &why.service).filter(|id| **id != nearest.service).collect();
    let with = match others.is_empty() {
        true => String::new(),
        false => format!("; with it {}", super::single::listed(&others)),
    };
    let sentence = format!("{nearest}{with}");
    Some(Accepted { lost, services: whys.into_iter().map(|why| why.service).collect(), sentence })
}
