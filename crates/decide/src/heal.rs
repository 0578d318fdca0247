//! The plan that heals one incident, if there is one.
//!
//! Dead instances are held out of rotation, started again where they ran, warmed, and put back; what is not ours to start
//! is waited for. When a place is lost, spares elsewhere are started in their stead first; for single instances
//! spares are started only where the rest would be below the minimum. Spares go back to standing by at the end. What the
//! estate turns off is left out of the plan. A place that a drill holds lost is waited for before anything is started
//! there.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use dinghai_estate::{ActionKind, Autonomy, Estate, Instance, InstanceId, PlaceId, Restart, ServiceId};
use dinghai_record::{
    DrillState, Fault, Finding, FindingKind, IncidentRecord, Reason, Step, Subject, Taking,
};

use crate::autonomy::kind_name;
use crate::capacity::{is_in_use, is_routed};
use crate::steps::Steps;
use crate::{Inputs, spares};

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
        spares::short_of(inputs, &standing, busy, &mut reasons)
    } else {
        spares::stand_ins(inputs, &trouble.all, &trouble.places, busy, &mut reasons)
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

pub(crate) const fn takes_away(finding: &Finding) -> bool {
    matches!(finding.key.kind, FindingKind::PlaceLost | FindingKind::InstanceDown | FindingKind::InstanceHung)
}

/// Whether a plan may start it; the hand itself starts those that say so.
fn is_ours(instance: &Instance) -> bool {
    instance.run.as_ref().is_some_and(|run| run.restart == Restart::Plan)
}

pub(crate) fn allows(estate: &Estate, service: &ServiceId, kind: ActionKind) -> bool {
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
            // A spare that stands by is missed by nobody.
            if instance.spare && !is_in_use(estate, inputs.book, service, instance) {
                continue;
            }
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
    // What an earlier plan left without a share is held already.
    let has_share = |id: &&InstanceId| estate.instance(id).is_some_and(|(_, instance)| before(instance) > 0);
    let to_hold: BTreeSet<InstanceId> = trouble.held.iter().filter(has_share).cloned().collect();
    let hold = |steps: &mut Steps<'_>| {
        steps.weigh(shares(&to_hold, &|_| 0), shares(&to_hold, &before));
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
        steps.drain(&weighed_spares);
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
