//! The losses that stop core services of a declared estate, worst first.
//!
//! The loss of one place that a service says it survives is a finding already, and is not said again. What is left is accepted
//! by what was declared, and is shown so that it is accepted knowingly: one wider place, then places together.

use std::collections::BTreeMap;

use dinghai_estate::{Estate, FailureDomains, PlaceKind, ServiceId};
use dinghai_risk::{Accepted, Counterexample, CutSet, Cuts, cut_sets};

/// Places that are taken away together.
const ORDER: usize = 3;
/// Services that are named when they stop with another.
const NAMED: usize = 3;

pub(super) fn of(estate: &Estate) -> Cuts<'_> {
    cut_sets(estate, &FailureDomains::of(estate), ORDER)
}

/// Every loss that is not a finding: fewest places first, narrow kinds before wide ones, one for each cause.
pub(super) fn accepted(estate: &Estate, cuts: &Cuts<'_>) -> Vec<Accepted> {
    let mut found: BTreeMap<_, Vec<Counterexample>> = BTreeMap::new();
    for service in cuts.services() {
        for cut in cuts.of(service).iter().filter(|cut| cut.order() > 0) {
            let Some(why) = cuts.why(service, cut).filter(|why| !is_finding(estate, why)) else { continue };
            let cause = (cut.order(), widest(&why), cut, why.stops_at().clone());
            found.entry(cause).or_default().push(why);
        }
    }
    found.into_values().filter_map(|stopped| of_cause(&stopped)).collect()
}

/// One cause: the service nearest to it, and those that stop with that one.
fn of_cause(stopped: &[Counterexample]) -> Option<Accepted> {
    let nearest = stopped.iter().min_by_key(|why| why.through.len())?;
    let others: Vec<&str> =
        stopped.iter().map(|why| why.service.as_str()).filter(|id| *id != nearest.service.as_str()).collect();
    let sentence = match others.len() {
        0 => nearest.to_string(),
        1..=NAMED => format!("{nearest}; with it {}", others.join(", ")),
        count => format!("{nearest}; with it {count} other core services"),
    };
    let services = stopped.iter().map(|why| why.service.clone()).collect();
    Some(Accepted { lost: nearest.lost.clone(), services, sentence })
}

/// The same for programs: every cut set of every core service.
pub(super) fn json(cuts: &Cuts<'_>) -> serde_json::Value {
    let cut_set = |service: &ServiceId, cut: &CutSet| {
        let why = cuts.why(service, cut);
        serde_json::json!({
            "places": cut,
            "sentence": why.as_ref().map(Counterexample::to_string),
            "counterexample": why,
        })
    };
    let of = |service: &ServiceId| {
        serde_json::json!({
            "service": service,
            "cut_sets": cuts.of(service).iter().map(|cut| cut_set(service, cut)).collect::<Vec<_>>(),
            "truncated": cuts.truncated(service),
        })
    };
    serde_json::json!({ "order": ORDER, "services": cuts.services().map(of).collect::<Vec<_>>() })
}

/// Whether `survive` names it: the service at the end of the chain says that it outlives the loss, or the one at the
/// beginning says more than what it needs does, which `weaker-need` tells.
fn is_finding(estate: &Estate, why: &Counterexample) -> bool {
    let survives = |id: &ServiceId| estate.services.get(id).map(|service| service.survive);
    let [lost] = why.lost.as_slice() else { return false };
    [&why.service, why.stops_at()].into_iter().filter_map(survives).any(|survive| lost.kind <= survive)
}

/// Narrow places fail more often than wide ones: they come first.
fn widest(why: &Counterexample) -> Option<PlaceKind> {
    why.lost.iter().map(|lost| lost.kind).max()
}
