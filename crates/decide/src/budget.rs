//! The one action budget: how much healthy capacity all plans together may take.
//!
//! A plan says which instances it makes unable to serve. Those that two vantage points agree are down are free; all
//! others count as healthy, the unknown too. Per service at most `per-service` of them may be taken within the window,
//! out of at most `places` zones, and what is left may not fall below the service's minimum. Counted are the
//! reservations of plans that run and of those that ended within the window; an instance taken twice counts once.
//! Spares that a plan of ours started do not count when they go back to standing by, but the minimum holds for them
//! too.
//!
//! Before each step the same is asked again of the world as it is then. Mending our own faults is never refused, and
//! neither is anything that takes nothing away, except by a halt.

use std::collections::{BTreeMap, BTreeSet};

use dinghai_clock::{Timestamp, format_span};
use dinghai_estate::{Estate, InstanceId, PlaceId, PlaceKind, ServiceId};
use dinghai_record::{
    Action, Book, Grade, IncidentRecord, Plan, PlanId, PlanPurpose, Reason, Reservation, Step, World,
};

use crate::capacity::{count, is_dead, is_in_use, serving};
use crate::lint::{disabled, lint};

/// Why a plan or step may not act.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// Whether it may be asked again: the reason can pass by itself.
    pub retry: bool,
    /// Why.
    pub reasons: Vec<Reason>,
}

type ByService = BTreeMap<ServiceId, BTreeSet<InstanceId>>;

/// Whether the plan may start, and what it then holds of the budget.
pub fn admit(
    estate: &Estate,
    book: &Book,
    world: &World,
    plan: &Plan,
    now: Timestamp,
) -> Result<Reservation, Refusal> {
    let faults = lint(estate, plan);
    if !faults.is_empty() {
        return Err(Refusal { retry: false, reasons: faults });
    }
    halted(book)?;
    spared_for_incidents(book, plan)?;
    let mut healthy = ByService::new();
    for (service, instances) in &plan.takes.instances {
        let declared = estate.services.get(service);
        let counts = |id: &&InstanceId| {
            let used = declared
                .and_then(|declared| declared.instances.iter().find(|instance| instance.id == **id))
                .is_some_and(|instance| is_in_use(estate, book, service, instance));
            used && !is_dead(world, id)
        };
        let taken: BTreeSet<InstanceId> = instances.iter().filter(counts).cloned().collect();
        if !taken.is_empty() {
            healthy.insert(service.clone(), taken);
        }
    }
    within_budget(estate, book, &healthy, plan.id, now)?;
    minimum_holds(estate, book, world, &healthy, plan.id)?;
    let places = places(estate, &healthy);
    Ok(Reservation { healthy, places, at: now })
}

/// Whether the step of a running plan may be done now.
pub fn recheck(
    estate: &Estate,
    book: &Book,
    world: &World,
    plan: &Plan,
    step: &Step,
    now: Timestamp,
) -> Result<(), Refusal> {
    if matches!(step.action, Action::Mend(_)) {
        return Ok(());
    }
    halted(book)?;
    let mut taken = ByService::new();
    let mut counted = book
        .plans
        .get(&plan.id)
        .and_then(|record| record.reservation.as_ref())
        .map(|held| held.healthy.clone())
        .unwrap_or_default();
    for id in disabled(&step.action) {
        let Some((service, instance)) = estate.instance(id) else { continue };
        if !is_in_use(estate, book, service, instance) || is_dead(world, id) {
            continue;
        }
        taken.entry(service.clone()).or_default().insert(id.clone());
        if !instance.spare {
            counted.entry(service.clone()).or_default().insert(id.clone());
        }
    }
    if taken.is_empty() {
        return Ok(());
    }
    within_budget(estate, book, &counted, plan.id, now)?;
    minimum_holds(estate, book, world, &taken, plan.id)
}

fn halted(book: &Book) -> Result<(), Refusal> {
    match &book.halted {
        None => Ok(()),
        Some((_, since, _)) => {
            Err(Refusal { retry: true, reasons: vec![Reason::new("halted").with("since", since)] })
        }
    }
}

/// What drills may not spend: everything, while an incident of P0 to P2 is open that is not theirs. One that only waits
/// out its quiet time after a drill that is over takes nothing any more.
fn spared_for_incidents(book: &Book, plan: &Plan) -> Result<(), Refusal> {
    let PlanPurpose::Drill(run) = plan.purpose else {
        return Ok(());
    };
    let is_aftermath = |incident: &IncidentRecord| {
        let over =
            incident.drill.and_then(|run| book.drills.get(&run)).is_some_and(|drill| !drill.state.is_open());
        over && incident.standing.is_empty()
    };
    let reasons: Vec<Reason> = book
        .open_incidents()
        .filter(|incident| {
            incident.grade <= Grade::P2 && incident.drill != Some(run) && !is_aftermath(incident)
        })
        .map(|incident| {
            Reason::new("budget-kept-for-incident")
                .with("incident", incident.id)
                .with("grade", incident.grade)
        })
        .collect();
    if reasons.is_empty() { Ok(()) } else { Err(Refusal { retry: true, reasons }) }
}

/// What plans other than this one hold, and what those that ended within the window had held.
fn held_by_others(
    book: &Book,
    plan: PlanId,
    ended_after: Option<Timestamp>,
) -> impl Iterator<Item = &Reservation> {
    let open = book.open_plans().filter(move |record| record.plan.id != plan);
    let ended = book
        .spent
        .iter()
        .filter(move |(id, (_, ended))| **id != plan && ended_after.is_some_and(|after| *ended >= after));
    open.filter_map(|record| record.reservation.as_ref()).chain(ended.map(|(_, (held, _))| held))
}

fn within_budget(
    estate: &Estate,
    book: &Book,
    healthy: &ByService,
    plan: PlanId,
    now: Timestamp,
) -> Result<(), Refusal> {
    let budget = &estate.budget;
    let others: Vec<&Reservation> = held_by_others(book, plan, Some(now.minus(budget.window))).collect();
    let mut refusal = Refusal { retry: true, reasons: Vec::new() };
    for (service, taken) in healthy.iter().filter(|(_, taken)| !taken.is_empty()) {
        let mut all = taken.clone();
        all.extend(others.iter().filter_map(|held| held.healthy.get(service)).flatten().cloned());
        if count(&all) > budget.per_service {
            refusal.retry &= count(taken) <= budget.per_service;
            let reason = Reason::new("budget-service")
                .with("service", service)
                .with("taken", taken.len())
                .with("all", all.len())
                .with("limit", budget.per_service)
                .with("window", format_span(budget.window));
            refusal.reasons.push(reason);
        }
    }
    let own = places(estate, healthy);
    let mut all = own.clone();
    all.extend(others.iter().flat_map(|held| held.places.iter().cloned()));
    if !own.is_empty() && all.len() > usize::try_from(budget.places).unwrap_or(usize::MAX) {
        refusal.retry &= own.len() <= usize::try_from(budget.places).unwrap_or(usize::MAX);
        let list = all.iter().map(PlaceId::as_str).collect::<Vec<_>>().join(", ");
        let reason = Reason::new("budget-places")
            .with("places", list)
            .with("limit", budget.places)
            .with("window", format_span(budget.window));
        refusal.reasons.push(reason);
    }
    if refusal.reasons.is_empty() { Ok(()) } else { Err(refusal) }
}

/// Whether enough instances that are known to serve remain when these are taken, and what others hold as well.
fn minimum_holds(
    estate: &Estate,
    book: &Book,
    world: &World,
    taken: &ByService,
    plan: PlanId,
) -> Result<(), Refusal> {
    let mut refusal = Refusal { retry: true, reasons: Vec::new() };
    for (id, taken) in taken {
        let Some(service) = estate.services.get(id) else { continue };
        let mut left = serving(estate, book, world, id, service);
        left.retain(|instance| !taken.contains(instance));
        for held in held_by_others(book, plan, None) {
            left.retain(|instance| !held.healthy.get(id).is_some_and(|held| held.contains(instance)));
        }
        if count(&left) < service.minimum {
            let declared =
                service.instances.iter().filter(|each| !each.spare && !taken.contains(&each.id)).count();
            refusal.retry &= declared >= usize::try_from(service.minimum).unwrap_or(usize::MAX);
            let reason = Reason::new("budget-minimum")
                .with("service", id)
                .with("left", left.len())
                .with("minimum", service.minimum);
            refusal.reasons.push(reason);
        }
    }
    if refusal.reasons.is_empty() { Ok(()) } else { Err(refusal) }
}

/// The zones that these instances stand in; where none is declared, the places that directly hold them.
fn places(estate: &Estate, healthy: &ByService) -> BTreeSet<PlaceId> {
    let mut places = BTreeSet::new();
    for (_, instance) in healthy.values().flatten().filter_map(|id| estate.instance(id)) {
        let is_zone = |place: &PlaceId| {
            estate.places.get(place).is_some_and(|declared| declared.kind == PlaceKind::Zone)
        };
        let zones: Vec<PlaceId> = estate.places_around(instance).into_iter().filter(is_zone).collect();
        if zones.is_empty() {
            places.extend(instance.at.iter().cloned());
        } else {
            places.extend(zones);
        }
    }
    places
}
