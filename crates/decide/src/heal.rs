//! The plan that heals one incident, if there is one.
//!
//! Dead instances are held out of rotation, started again where they ran, warmed, and put back; what is not ours to start
//! is waited for. When a place is lost, spares elsewhere are started in their stead first; for single instances
//! spares are started only where the rest would be below the minimum. Spares go back to standing by at the end. What the
//! estate turns off is left out of the plan. A place that a drill holds lost is waited for before anything is started
//! there.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use dinghai_estate::{
    ActionKind, Autonomy, Estate, Instance, InstanceId, PlaceId, Restart, Service, ServiceId,
};
use dinghai_record::{
    DrillState, Fault, Finding, FindingKind, Health, IncidentRecord, Reason, Step, Subject, Taking,
};

use crate::Inputs;
use crate::autonomy::kind_name;
use crate::capacity::{count, is_in_use, is_routed, serving};
use crate::steps::Steps;

/// A single dead instance is acted on when it has been dead for so long: a lost place shows itself within this, and the
/// gateways have taken the dead out of rotation long before.
const RIPE: Duration = Duration::from_secs(2);

/// A plan without a number.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Draft {
    pub(crate) title: Reason,
    pub(crate) steps: Vec<Step>,
    pub(crate) takes: Taking,
    pub(crate) reasons: Vec<Reason>,
}

/// What is wrong, sorted by what can be done about it.
#[derive(Default)]
struct Trouble {
    places: BTreeSet<PlaceId>,
    all: BTreeMap<ServiceId, BTreeSet<InstanceId>>,
    ours: BTreeSet<InstanceId>,
    theirs: BTreeSet<InstanceId>,
    held: BTreeSet<InstanceId>,
}

/// The plan for an incident, leaving alone what plans that run already act on. None when nothing can or need be done.
pub(crate) fn heal(
    inputs: &Inputs<'_>,
    incident: &IncidentRecord,
    busy: &BTreeSet<InstanceId>,
) -> Option<Draft> {
    let standing: Vec<&Finding> =
        incident.standing.iter().filter_map(|key| Some(&inputs.book.findings.get(key)?.finding)).collect();
    let trouble = trouble(inputs, &standing, busy);
    let mut reasons = Vec::new();
    let spares = if trouble.all.is_empty() {
        short_of(inputs, &standing, busy, &mut reasons)
    } else {
        stand_ins(inputs, &trouble, busy, &mut reasons)
    };
    let steps = steps(inputs, &trouble, &spares);
    if !steps.iter().any(|step| step.action.kind().is_some()) {
        return None;
    }
    let list = |ids: &BTreeSet<InstanceId>| ids.iter().map(InstanceId::as_str).collect::<Vec<_>>().join(", ");
    let instances: BTreeSet<InstanceId> = trouble.all.values().flatten().cloned().collect();
    let title = if !trouble.places.is_empty() {
        let places = trouble.places.iter().map(PlaceId::as_str).collect::<Vec<_>>().join(", ");
        Reason::new("heal-place").with("place", places).with("instances", instances.len())
    } else if !instances.is_empty() {
        Reason::new("heal-instances").with("instances", list(&instances))
    } else {
        Reason::new("add-capacity").with("instances", list(&spares))
    };
    let mut because: Vec<Reason> =
        standing.iter().map(|finding| Reason::new("plan-because").with("finding", &finding.key)).collect();
    because.append(&mut reasons);
    because.extend(hopeless(inputs.estate, &standing));
    Some(Draft { title, steps, takes: Taking { instances: trouble.all }, reasons: because })
}

/// Why nobody of us can heal some of what these findings are about.
pub(crate) fn hopeless(estate: &Estate, standing: &[&Finding]) -> Vec<Reason> {
    let mut reasons = BTreeSet::new();
    for id in standing.iter().filter(|finding| takes_away(finding)).flat_map(|finding| &finding.instances) {
        let Some((service, instance)) = estate.instance(id) else { continue };
        if !is_ours(instance) {
            reasons.insert(Reason::new("not-ours-to-start").with("instance", id));
        }
        for kind in [ActionKind::Restart, ActionKind::ShiftTraffic, ActionKind::Scale] {
            if !allows(estate, service, kind) {
                reasons.insert(
                    Reason::new("autonomy-off").with("service", service).with("kind", kind_name(kind)),
                );
            }
        }
    }
    reasons.into_iter().collect()
}

const fn takes_away(finding: &Finding) -> bool {
    matches!(finding.key.kind, FindingKind::PlaceLost | FindingKind::InstanceDown | FindingKind::InstanceHung)
}

/// Whether a plan may start it; the hand itself starts those that say so.
fn is_ours(instance: &Instance) -> bool {
    instance.run.as_ref().is_some_and(|run| run.restart == Restart::Plan)
}

fn allows(estate: &Estate, service: &ServiceId, kind: ActionKind) -> bool {
    estate.services.get(service).is_some_and(|declared| declared.granted(kind) != Autonomy::Off)
}

fn trouble(inputs: &Inputs<'_>, standing: &[&Finding], busy: &BTreeSet<InstanceId>) -> Trouble {
    let estate = inputs.estate;
    let mut trouble = Trouble::default();
    for finding in standing.iter().filter(|finding| takes_away(finding)) {
        let place = match &finding.key.about {
            Subject::Place(place) => Some(place),
            _ if inputs.now.since(finding.since) < RIPE => continue,
            _ => None,
        };
        let found = finding.instances.iter().filter(|id| !busy.contains(*id));
        for (service, instance) in found.filter_map(|id| estate.instance(id)) {
            let id = &instance.id;
            trouble.places.extend(place.cloned());
            trouble.all.entry(service.clone()).or_default().insert(id.clone());
            if is_ours(instance) && allows(estate, service, ActionKind::Restart) {
                trouble.ours.insert(id.clone());
            } else {
                trouble.theirs.insert(id.clone());
            }
            if is_routed(estate, service) && allows(estate, service, ActionKind::ShiftTraffic) {
                trouble.held.insert(id.clone());
            }
        }
    }
    trouble
}

/// Spares for what is in trouble.
fn stand_ins(
    inputs: &Inputs<'_>,
    trouble: &Trouble,
    busy: &BTreeSet<InstanceId>,
    reasons: &mut Vec<Reason>,
) -> BTreeSet<InstanceId> {
    let Inputs { estate, book, world, .. } = *inputs;
    let mut chosen = BTreeSet::new();
    for (id, dead) in &trouble.all {
        let Some(service) = estate.services.get(id) else { continue };
        let left: BTreeSet<_> = serving(estate, book, world, id, service).difference(dead).cloned().collect();
        let short = service.minimum.saturating_sub(count(&left));
        let wanted = if trouble.places.is_empty() { short } else { count(dead).max(short) };
        chosen.extend(choose(inputs, id, service, wanted, &trouble.places, busy, reasons));
    }
    chosen
}

/// Spares for services that are short of instances although none of theirs is known to be dead.
fn short_of(
    inputs: &Inputs<'_>,
    standing: &[&Finding],
    busy: &BTreeSet<InstanceId>,
    reasons: &mut Vec<Reason>,
) -> BTreeSet<InstanceId> {
    let mut chosen = BTreeSet::new();
    for finding in standing {
        let short = matches!(finding.key.kind, FindingKind::BelowMinimum | FindingKind::RedundancyGone);
        let Subject::Service(id) = &finding.key.about else { continue };
        let Some(service) = inputs.estate.services.get(id) else { continue };
        let acted_on =
            |instance: &Instance| busy.contains(&instance.id) || unripe(inputs, standing, instance);
        if short && !service.instances.iter().any(acted_on) {
            chosen.extend(choose(inputs, id, service, 1, &BTreeSet::new(), busy, reasons));
        }
    }
    chosen
}

/// Whether a dead instance waits to be acted on.
fn unripe(inputs: &Inputs<'_>, standing: &[&Finding], instance: &Instance) -> bool {
    let known_dead = matches!(inputs.world.health(&instance.id), Health::Down(_));
    let found =
        standing.iter().any(|finding| takes_away(finding) && finding.instances.contains(&instance.id));
    !instance.spare && (known_dead || found)
}

/// At most so many spares that stand by, spread over as many places as there are, never at a lost one.
fn choose(
    inputs: &Inputs<'_>,
    id: &ServiceId,
    service: &Service,
    wanted: u32,
    lost: &BTreeSet<PlaceId>,
    busy: &BTreeSet<InstanceId>,
    reasons: &mut Vec<Reason>,
) -> BTreeSet<InstanceId> {
    let Inputs { estate, book, world, .. } = *inputs;
    let held = world.lost_places.clone().unwrap_or_default();
    let found_lost: BTreeSet<&PlaceId> = book
        .findings
        .keys()
        .filter(|key| key.kind == FindingKind::PlaceLost)
        .filter_map(|key| match &key.about {
            Subject::Place(place) => Some(place),
            _ => None,
        })
        .collect();
    let stands_by = |instance: &&Instance| {
        let around = estate.places_around(instance);
        let at_a_loss = around
            .iter()
            .any(|place| lost.contains(place) || held.contains(place) || found_lost.contains(place));
        instance.spare
            && instance.run.is_some()
            && !is_in_use(estate, book, id, instance)
            && !busy.contains(&instance.id)
            && !at_a_loss
    };
    if wanted == 0 || !allows(estate, id, ActionKind::Scale) {
        return BTreeSet::new();
    }
    let mut free: Vec<&Instance> = service.instances.iter().filter(stands_by).collect();
    let mut used: BTreeMap<&BTreeSet<PlaceId>, u32> = BTreeMap::new();
    let mut chosen = BTreeSet::new();
    while count(&chosen) < wanted {
        let Some(best) = free
            .iter()
            .enumerate()
            .min_by_key(|(order, instance)| (used.get(&instance.at).copied().unwrap_or(0), *order))
            .map(|(order, _)| order)
        else {
            break;
        };
        let spare = free.remove(best);
        *used.entry(&spare.at).or_default() += 1;
        chosen.insert(spare.id.clone());
    }
    if count(&chosen) < wanted {
        let missing = wanted - count(&chosen);
        reasons.push(Reason::new("too-few-spares").with("service", id).with("missing", missing));
    }
    chosen
}

fn steps(inputs: &Inputs<'_>, trouble: &Trouble, spares: &BTreeSet<InstanceId>) -> Vec<Step> {
    let Inputs { estate, book, .. } = *inputs;
    let mut steps = Steps::new(estate);
    let shares = |ids: &BTreeSet<InstanceId>, share: &dyn Fn(&Instance) -> u8| -> BTreeMap<InstanceId, u8> {
        ids.iter()
            .filter_map(|id| estate.instance(id))
            .map(|(_, instance)| (instance.id.clone(), share(instance)))
            .collect()
    };
    let before = |instance: &Instance| book.share(&instance.id, instance.spare);
    let served = |instance: &Instance| match before(instance) {
        0 => 100,
        share => share,
    };
    let weighed = |ids: &BTreeSet<InstanceId>| -> BTreeSet<InstanceId> {
        let may = |id: &&InstanceId| {
            estate.instance(id).is_some_and(|(service, _)| {
                is_routed(estate, service) && allows(estate, service, ActionKind::ShiftTraffic)
            })
        };
        ids.iter().filter(may).cloned().collect()
    };
    let hold = |steps: &mut Steps<'_>| {
        steps.weigh(shares(&trouble.held, &|_| 0), shares(&trouble.held, &before));
    };
    let weighed_spares = weighed(spares);
    let raise = |steps: &mut Steps<'_>| {
        steps.start(spares);
        steps.weigh(shares(&weighed_spares, &|_| 100), shares(&weighed_spares, &|_| 0));
    };
    // A lost place is surely dead and is held first; a single instance may still serve somebody until the spare does.
    if trouble.places.is_empty() {
        raise(&mut steps);
        hold(&mut steps);
    } else {
        hold(&mut steps);
        raise(&mut steps);
    }
    if !trouble.ours.is_empty() {
        for place in awaited(inputs, trouble) {
            steps.await_release(&place);
        }
        steps.restart(&trouble.ours);
        steps.warm(&trouble.ours);
        let ours: BTreeSet<_> = trouble.held.intersection(&trouble.ours).cloned().collect();
        steps.weigh(shares(&ours, &served), shares(&ours, &|_| 0));
    }
    steps.await_answers(&trouble.theirs);
    let theirs: BTreeSet<_> = trouble.held.intersection(&trouble.theirs).cloned().collect();
    steps.weigh(shares(&theirs, &served), shares(&theirs, &|_| 0));
    // Spares that replace nothing in particular stay: nobody can say when they are no longer needed.
    if !trouble.all.is_empty() {
        steps.weigh(shares(&weighed_spares, &|_| 0), shares(&weighed_spares, &|_| 100));
        steps.stop(spares);
    }
    steps.done()
}

/// The places that have to take starts again before ours can be started: those that are lost, and those that a drill
/// holds lost.
fn awaited(inputs: &Inputs<'_>, trouble: &Trouble) -> BTreeSet<PlaceId> {
    let Inputs { estate, book, world, .. } = *inputs;
    let around: BTreeSet<PlaceId> = trouble
        .ours
        .iter()
        .filter_map(|id| estate.instance(id))
        .flat_map(|(_, instance)| estate.places_around(instance))
        .collect();
    let mut awaited: BTreeSet<PlaceId> = trouble.places.intersection(&around).cloned().collect();
    awaited.extend(world.lost_places.iter().flatten().filter(|place| around.contains(place)).cloned());
    if let Some(drill) = book.open_drill()
        && drill.state == DrillState::Broken
        && let Fault::KillPlace { place, .. } = &drill.fault
        && around.contains(place)
    {
        awaited.insert(place.clone());
    }
    awaited
}
