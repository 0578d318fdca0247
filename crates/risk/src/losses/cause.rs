//! Why services stop with one place, so that one cause is told once.

use std::collections::{BTreeMap, BTreeSet};

use dinghai_estate::{PlaceId, PlaceKind, ServiceId};

use super::{Question, survive};
use crate::{Counterexample, Lost};

/// From so many services on that each run a single instance at a place of its own, they are one cause.
const ALIKE: usize = 3;

/// A cause, worst first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cause {
    /// Everything that core services need stands at this one place.
    Everything(Lost),
    /// This service loses too many instances with any one of several places.
    Service(ServiceId),
    /// Services that have one instance each, at places of this kind that hold nothing else.
    Singles(PlaceKind),
}

/// What stops by a cause: at least one counterexample, the nearest to its cause first.
pub(super) type Stopped = BTreeMap<Cause, Vec<Counterexample>>;

/// The causes for which core services do not survive the loss of one place that they are to survive.
pub(super) fn causes(question: &Question<'_>) -> Stopped {
    let mut causes = Stopped::new();
    for (culprit, whys) in culprits(question) {
        let everything =
            whys.iter().flat_map(|why| &why.lost).find(|lost| holds_everything(question, &lost.place));
        let single = || whys.iter().all(|why| why.running == 1 && is_alone(question, &culprit, why));
        let cause = match (everything, whys.first().and_then(|why| why.lost.first())) {
            (Some(lost), _) => Cause::Everything(lost.clone()),
            (None, Some(lost)) if single() => Cause::Singles(lost.kind),
            (None, _) => Cause::Service(culprit),
        };
        causes.entry(cause).or_default().extend(whys);
    }
    split_few_singles(&mut causes);
    for whys in causes.values_mut() {
        whys.sort_by(|a, b| {
            let near = |why: &Counterexample| (why.through.len(), why.service.clone(), why.lost.clone());
            near(a).cmp(&near(b))
        });
    }
    causes
}

/// By service that loses too many of its own instances with one place, every core service that stops with it.
fn culprits(question: &Question<'_>) -> BTreeMap<ServiceId, Vec<Counterexample>> {
    let mut culprits: BTreeMap<ServiceId, Vec<Counterexample>> = BTreeMap::new();
    for service in question.cuts.services() {
        let survive = survive(question.inventory, service);
        for cut in question.cuts.of(service).iter().filter(|cut| cut.order() == 1) {
            let whys = question.cuts.stopped_by(service, cut.places()).into_iter();
            for why in whys.filter(|why| why.lost.iter().all(|lost| lost.kind <= survive)) {
                culprits.entry(why.stops_at().clone()).or_default().push(why);
            }
        }
    }
    culprits
}

/// A few services with one instance each are told one by one.
fn split_few_singles(causes: &mut Stopped) {
    let singles: Vec<Cause> =
        causes.keys().filter(|cause| matches!(cause, Cause::Singles(_))).cloned().collect();
    for cause in singles {
        let whys = causes.get(&cause).cloned().unwrap_or_default();
        let services: BTreeSet<&ServiceId> = whys.iter().map(Counterexample::stops_at).collect();
        if services.len() < ALIKE {
            causes.remove(&cause);
            for why in whys {
                causes.entry(Cause::Service(why.stops_at().clone())).or_default().push(why);
            }
        }
    }
}

/// Whether all that core services need stands at the place, so that it and not a service is the cause.
fn holds_everything(question: &Question<'_>, place: &PlaceId) -> bool {
    let needed: BTreeMap<&ServiceId, _> =
        question.closures.values().flatten().filter(|(_, service)| service.open.is_none()).copied().collect();
    needed.len() > 1
        && needed.into_values().all(|service| {
            service.running().count() > 0
                && service.running().all(|instance| question.stands_at(instance, place))
        })
}

/// Whether nothing but this service stands at the places that are lost.
fn is_alone(question: &Question<'_>, service: &ServiceId, why: &Counterexample) -> bool {
    let others = || question.inventory.services.iter().filter(|(id, _)| *id != service);
    why.lost.iter().all(|lost| {
        others()
            .flat_map(|(_, other)| &other.instances)
            .all(|instance| !question.stands_at(instance, &lost.place))
    })
}
