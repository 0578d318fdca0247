//! The worst case of each service that something recovers, along the way that users come in.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use dinghai_estate::{
    FoundService, Inventory, Mechanism, MechanismKind, PlaceId, RecoveryStep, ServiceId, Source,
};

use super::detect::{Notices, found_again, notices};
use super::way::Ways;
use super::{Failure, Promised};
use crate::{Bound, Term};

/// The composed worst cases: of each service those for an instance that dies and one that hangs, and one for each lost place that takes
/// another time; longest first. A loss that leaves too little of a service is not in them: nothing recovers from it.
pub fn bounds(inventory: &Inventory, promises: &[Promised]) -> Vec<Bound> {
    let ways = Ways::of(inventory);
    let around = Around::of(inventory);
    let mut all = Vec::new();
    for service in recovered(inventory) {
        let way = ways.up(service);
        let promised = |failure: Failure| {
            let applies = promises.iter().filter(|promise| {
                promise.service.as_ref().is_none_or(|service| way.contains(&service))
                    && promise.failure.is_none_or(|promised| promised == failure)
            });
            applies
                .min_by_key(|promise| promise.within)
                .map(|promise| (promise.within, promise.origin.clone()))
        };
        let mut mine: Vec<Bound> = Vec::new();
        let mut add = |failure: Failure, lost: Option<PlaceId>, terms: Vec<Term>| {
            if !mine.iter().any(|known| known.terms == terms)
                && terms.iter().any(|term| !term.value.is_zero())
            {
                mine.push(Bound {
                    service: service.clone(),
                    lost,
                    terms,
                    promised: promised(failure),
                    fixed: None,
                });
            }
        };
        for failure in [Failure::Refuses, Failure::Hangs] {
            if let Some(terms) = composed(inventory, &way, failure) {
                add(failure, None, terms);
            }
        }
        let Some(found) = inventory.services.get(service) else { continue };
        let Some(vanished) = composed(inventory, &way, Failure::Vanishes) else { continue };
        let asked = store_asked(inventory, &around, service);
        for place in survived(found, &around) {
            let mut terms = vanished.clone();
            if let Some((term, members_at)) = &asked
                && members_at.contains(place)
            {
                let at = terms
                    .iter()
                    .position(|term| term.name == "election and promotion")
                    .unwrap_or(terms.len());
                terms.insert(at, term.clone());
            }
            add(Failure::Vanishes, Some(place.clone()), terms);
        }
        if found.instances.iter().all(|instance| instance.at.is_empty()) {
            add(Failure::Vanishes, None, vanished);
        }
        all.append(&mut mine);
    }
    all.sort_by(|a, b| (b.total(), &a.service, &a.lost).cmp(&(a.total(), &b.service, &b.lost)));
    all
}

/// The longest that users of a service wait after such a failure of one of its instances; none when nothing notices it.
pub fn worst(inventory: &Inventory, service: &ServiceId, failure: Failure) -> Option<Vec<Term>> {
    composed(inventory, &Ways::of(inventory).up(service), failure)
}

/// The services that something recovers.
fn recovered(inventory: &Inventory) -> BTreeSet<&ServiceId> {
    inventory.mechanisms.iter().map(|mechanism| &mechanism.service).collect()
}

pub(super) fn of_service<'i>(
    inventory: &'i Inventory,
    service: &'i ServiceId,
) -> impl Iterator<Item = &'i Mechanism> {
    inventory.mechanisms.iter().filter(move |mechanism| mechanism.service == *service)
}

/// The terms from the service at the beginning of the way to its end.
pub(super) fn composed(inventory: &Inventory, way: &[&ServiceId], failure: Failure) -> Option<Vec<Term>> {
    let (first, above) = way.split_first()?;
    // Several mechanisms for one failure work side by side; the first to be done mends it.
    let mut own: Vec<(&Mechanism, Vec<Term>)> = of_service(inventory, first)
        .filter_map(|mechanism| match notices(&mechanism.kind, failure) {
            Notices::After(terms) => Some((mechanism, terms)),
            Notices::Never(_) | Notices::Elsewhere => None,
        })
        .collect();
    own.sort_by_key(|(_, terms)| sum(terms));
    let (mechanism, mut terms) = own.into_iter().next()?;
    let fails_over =
        matches!(mechanism.kind, MechanismKind::Patroni { .. } | MechanismKind::ManagedFailover { .. });
    let mut found = false;
    for service in above {
        for mechanism in of_service(inventory, service) {
            match &mechanism.kind {
                MechanismKind::ActiveCheck { check, .. } if fails_over => {
                    found = true;
                    terms.push(found_again(check));
                }
                MechanismKind::Dns { ttl, .. } if fails_over => terms.push(Term {
                    name: "names live on".to_owned(),
                    value: ttl.value,
                    says: ttl.says.clone(),
                    source: ttl.source.clone(),
                }),
                _ => {}
            }
        }
    }
    // Who needs it by way of a balancer waits for that too, even where a shorter way is declared.
    if fails_over && !found {
        terms.extend(balanced(inventory, first).max_by_key(|term| term.value));
    }
    if fails_over {
        let clients = way.iter().flat_map(|service| of_service(inventory, service));
        terms.extend(clients.filter_map(|mechanism| match &mechanism.kind {
            MechanismKind::Client { timeout, backoff, .. } => Some(Term {
                name: "a client's last attempt runs out".to_owned(),
                value: timeout.value + backoff.as_ref().map_or(Duration::ZERO, |pause| pause.value),
                says: timeout.says.clone(),
                source: timeout.source.clone(),
            }),
            _ => None,
        }));
    }
    Some(terms)
}

/// Until each balancer that spreads requests over a service has found its new primary.
fn balanced<'i>(inventory: &'i Inventory, service: &'i ServiceId) -> impl Iterator<Item = Term> + 'i {
    let needs = |pool: &FoundService| pool.needs.iter().any(|need| need.service == *service);
    let pools = inventory.services.iter().filter(move |(_, pool)| needs(pool));
    let mechanisms = pools.flat_map(|(pool, _)| of_service(inventory, pool));
    mechanisms.filter_map(|mechanism| match &mechanism.kind {
        MechanismKind::ActiveCheck { check, .. } => Some(found_again(check)),
        _ => None,
    })
}

pub(super) fn sum(terms: &[Term]) -> Duration {
    terms.iter().map(|term| term.value).sum()
}

/// A member of the store that is lost together with the primary is asked in vain before another one is: how long that takes, and by
/// the loss of which places it happens.
fn store_asked<'i>(
    inventory: &'i Inventory,
    around: &Around<'i>,
    service: &ServiceId,
) -> Option<(Term, BTreeSet<&'i PlaceId>)> {
    let retry = of_service(inventory, service).find_map(|mechanism| match &mechanism.kind {
        MechanismKind::Patroni { retry_timeout, .. } => Some(retry_timeout),
        _ => None,
    })?;
    let uses = |step: &&RecoveryStep| step.service.as_ref() == Some(service);
    let store =
        inventory.steps.iter().filter(uses).find_map(|step| inventory.services.get(step.needs.as_ref()?))?;
    let term = Term {
        name: "a lost member of the store is asked first".to_owned(),
        value: retry.value,
        says: retry.says.clone(),
        source: Source::derived(retry.source.origin.clone()),
    };
    let members_at = store.instances.iter().flat_map(|instance| around.with(instance.at.keys())).collect();
    Some((term, members_at))
}

/// The places that take some of a service's running instances and leave enough of them.
fn survived<'i>(service: &'i FoundService, around: &Around<'i>) -> impl Iterator<Item = &'i PlaceId> {
    let mut lost: BTreeMap<&PlaceId, usize> = BTreeMap::new();
    for instance in service.running() {
        for place in around.with(instance.at.keys()) {
            *lost.entry(place).or_default() += 1;
        }
    }
    let enough = service.enough.as_ref().map_or(1, |enough| enough.count as usize);
    let all = service.running().count();
    lost.into_iter().filter(move |(_, count)| all - count >= enough).map(|(place, _)| place)
}

/// Places with all that contain them.
struct Around<'i>(BTreeMap<&'i PlaceId, BTreeSet<&'i PlaceId>>);

impl<'i> Around<'i> {
    fn of(inventory: &'i Inventory) -> Self {
        let around = inventory.places.keys().map(|place| {
            let mut found = BTreeSet::from([place]);
            let mut open = vec![place];
            while let Some(place) = open.pop() {
                let outer = inventory.places.get(place).into_iter().flat_map(|place| place.within.keys());
                open.extend(outer.filter(|outer| found.insert(outer)));
            }
            (place, found)
        });
        Self(around.collect())
    }

    fn with<'p>(&self, places: impl Iterator<Item = &'p PlaceId>) -> BTreeSet<&'i PlaceId> {
        places.filter_map(|place| self.0.get(place)).flatten().copied().collect()
    }
}
