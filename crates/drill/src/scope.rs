//! What a drill touches.
//!
//! Trouble at a place or service in scope is expected while the drill runs and is put down to it; trouble anywhere
//! else is not, and stops it. In scope are the places around what is struck and those inside a struck place; the
//! services struck, those that share the place, and all that cannot do without one of these.

use std::collections::BTreeSet;

use dinghai_estate::{Drill, DrillFault, Estate, Instance, InstanceId, NeedKind, PlaceId, ServiceId};
use dinghai_record::{Fault, ProcessState, Reason, World};

/// The fault as the hand will be told, or why it cannot be made.
pub(crate) fn fault(estate: &Estate, world: &World, drill: &Drill) -> Result<Fault, Vec<Reason>> {
    let ours = |id: &InstanceId| match estate.instance(id) {
        Some((_, instance)) if instance.run.is_some() => Ok(()),
        _ => Err(vec![Reason::new("drill-instance-not-ours").with("instance", id)]),
    };
    match &drill.fault {
        DrillFault::KillInstance(id) => ours(id).map(|()| Fault::KillInstance(id.clone())),
        DrillFault::HangInstance(id) => ours(id).map(|()| Fault::HangInstance(id.clone())),
        DrillFault::KillPlace(place) => {
            let instances: Vec<InstanceId> = estate
                .instances_in(place)
                .map(|(_, instance)| instance)
                .filter(|instance| instance.run.is_some() && (!instance.spare || runs(world, instance)))
                .map(|instance| instance.id.clone())
                .collect();
            if instances.is_empty() {
                return Err(vec![Reason::new("drill-nothing-to-break").with("place", place)]);
            }
            Ok(Fault::KillPlace { place: place.clone(), instances })
        }
    }
}

fn runs(world: &World, instance: &Instance) -> bool {
    let seen = world.instances.get(&instance.id);
    matches!(seen.and_then(|seen| seen.process.as_ref()), Some(ProcessState::Running { .. }))
}

/// The places in scope.
pub(crate) fn places(estate: &Estate, fault: &Fault) -> BTreeSet<PlaceId> {
    let mut places: BTreeSet<PlaceId> = fault
        .instances()
        .iter()
        .filter_map(|id| estate.instance(id))
        .flat_map(|(_, instance)| estate.places_around(instance))
        .collect();
    if let Fault::KillPlace { place, .. } = fault {
        places.insert(place.clone());
        places.extend(estate.instances_in(place).flat_map(|(_, instance)| instance.at.iter().cloned()));
    }
    places
}

/// The services in scope.
pub(crate) fn services(estate: &Estate, fault: &Fault) -> BTreeSet<ServiceId> {
    let struck: BTreeSet<&PlaceId> = match fault {
        Fault::KillPlace { place, .. } => BTreeSet::from([place]),
        Fault::KillInstance(id) | Fault::HangInstance(id) => {
            estate.instance(id).into_iter().flat_map(|(_, instance)| &instance.at).collect()
        }
    };
    let mut services: BTreeSet<ServiceId> = struck
        .into_iter()
        .flat_map(|place| estate.instances_in(place))
        .map(|(service, _)| service.clone())
        .collect();
    loop {
        let more: BTreeSet<ServiceId> = estate
            .services
            .iter()
            .filter(|(id, service)| {
                let needs = |need: &dinghai_estate::Need| {
                    need.kind == NeedKind::Hard && services.contains(&need.service)
                };
                !services.contains(*id) && service.needs.iter().any(needs)
            })
            .map(|(id, _)| id.clone())
            .collect();
        if more.is_empty() {
            return services;
        }
        services.extend(more);
    }
}

/// The instances of these services that are to be up when all is well, or the spares.
pub(crate) fn instances<'a>(
    estate: &'a Estate,
    services: &'a BTreeSet<ServiceId>,
    spare: bool,
) -> impl Iterator<Item = &'a Instance> {
    estate
        .instances()
        .filter(move |(service, instance)| instance.spare == spare && services.contains(*service))
        .map(|(_, instance)| instance)
}
