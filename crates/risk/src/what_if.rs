//! What happens when these things are lost: the question asked the other way round.

use std::collections::{BTreeMap, BTreeSet};

use dinghai_estate::{
    FoundInstance, FoundService, InstanceId, Inventory, NeedKind, PlaceId, ServiceId, Unknown,
};
use serde::Serialize;

use crate::domains::Containment;
use crate::{Core, Stands};

/// Something that is supposed to be lost.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind", content = "name")]
pub enum Loss {
    /// A place, with all that it contains.
    Place(PlaceId),
    /// One instance.
    Instance(InstanceId),
    /// A service, with all its instances.
    Service(ServiceId),
}

/// What becomes of every service.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WhatIf {
    /// What is lost.
    pub lost: Vec<Loss>,
    /// By service, core ones first.
    pub services: Vec<Aftermath>,
}

/// What becomes of one service.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Aftermath {
    /// Which.
    pub service: ServiceId,
    /// Whether it is a core service.
    pub core: bool,
    /// How it stands afterwards.
    pub fate: Fate,
    /// Its running instances before.
    pub running: usize,
    /// Those that are certainly left.
    pub left: usize,
    /// How many it takes.
    pub needed: usize,
    /// The instances that go.
    pub gone: Vec<InstanceId>,
    /// The services without which it stops, when it is not for its own instances: the chain to the one where it begins.
    pub through: Vec<ServiceId>,
    /// Needs with a fallback that are gone.
    pub fallbacks: Vec<ServiceId>,
    /// Why nobody can tell, when the fate is unknown.
    pub doubts: Vec<Unknown>,
}

/// How a service stands after a loss; better ones first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// It loses nothing.
    Untouched,
    /// A need that has a fallback is gone.
    Degraded,
    /// It loses instances and has enough left.
    Weakened,
    /// Nobody can tell.
    Unknown,
    /// It stops.
    Stops,
}

/// Finds what a person means by a name: a place, an instance or a service; none when nothing is called that.
pub fn named(inventory: &Inventory, name: &str) -> Option<Loss> {
    let place = inventory.places.contains_key(&PlaceId::from(name)).then(|| Loss::Place(name.into()));
    let service =
        || inventory.services.contains_key(&ServiceId::from(name)).then(|| Loss::Service(name.into()));
    let mut instances = inventory.services.values().flat_map(|service| &service.instances);
    let mut instance =
        || instances.any(|instance| instance.id.as_str() == name).then(|| Loss::Instance(name.into()));
    place.or_else(&mut instance).or_else(service)
}

/// What becomes of every service when all of these are lost together.
pub fn what_if(inventory: &Inventory, core: &[Core], lost: &[Loss]) -> WhatIf {
    let containment = Containment::of(inventory);
    let places: BTreeSet<u32> = lost
        .iter()
        .filter_map(|loss| match loss {
            Loss::Place(place) => containment.number(place),
            Loss::Instance(_) | Loss::Service(_) => None,
        })
        .collect();
    let goes = |service: &ServiceId, instance: &FoundInstance| {
        lost.contains(&Loss::Instance(instance.id.clone()))
            || lost.contains(&Loss::Service(service.clone()))
            || containment.of_instance(instance).iter().any(|place| places.contains(place))
    };
    let kinds: BTreeSet<_> = places.iter().filter_map(|place| containment.kind(*place)).collect();
    let core: BTreeSet<&ServiceId> = core.iter().map(|core| &core.service).collect();
    let mut after: BTreeMap<&ServiceId, Aftermath> = BTreeMap::new();
    for (id, service) in &inventory.services {
        let (gone, stay): (Vec<&FoundInstance>, Vec<&FoundInstance>) =
            service.running().partition(|instance| goes(id, instance));
        let untold = |instance: &&FoundInstance| {
            kinds.iter().filter_map(|kind| instance.unknown.get(kind)).next().cloned()
        };
        let doubts: Vec<Unknown> = stay.iter().filter_map(untold).collect();
        let needed = Stands::OnEnough.needed(service);
        let fate =
            fate(service, lost.contains(&Loss::Service(id.clone())), &gone, &stay, doubts.len(), needed);
        after.insert(
            id,
            Aftermath {
                service: id.clone(),
                core: core.contains(id),
                fate,
                running: gone.len() + stay.len(),
                left: stay.len() - doubts.len(),
                needed,
                gone: gone.into_iter().map(|instance| instance.id.clone()).collect(),
                through: Vec::new(),
                fallbacks: Vec::new(),
                doubts: if fate == Fate::Unknown {
                    doubts.into_iter().chain(service.open.clone()).collect()
                } else {
                    Vec::new()
                },
            },
        );
    }
    spread(inventory, &mut after);
    let mut services: Vec<Aftermath> = after.into_values().collect();
    services.sort_by_key(|after| (!after.core, std::cmp::Reverse(after.fate), after.service.clone()));
    WhatIf { lost: lost.to_vec(), services }
}

/// By its own instances alone.
fn fate(
    service: &FoundService,
    lost: bool,
    gone: &[&FoundInstance],
    stay: &[&FoundInstance],
    doubtful: usize,
    needed: usize,
) -> Fate {
    match () {
        () if lost => Fate::Stops,
        () if service.open.is_some() => Fate::Unknown,
        () if stay.len() < needed => Fate::Stops,
        () if stay.len() - doubtful < needed => Fate::Unknown,
        () if gone.is_empty() => Fate::Untouched,
        () => Fate::Weakened,
    }
}

/// Along the needs: a hard need hands on that it stops or that nobody can tell, a soft one that it is gone.
fn spread(inventory: &Inventory, after: &mut BTreeMap<&ServiceId, Aftermath>) {
    loop {
        let mut changed = false;
        for (id, service) in &inventory.services {
            for need in &service.needs {
                let Some(needed) = after.get(&need.service) else { continue };
                let (fate, chain) = (needed.fate, needed.through.clone());
                let Some(own) = after.get_mut(id) else { continue };
                let worse = match (&need.kind, fate) {
                    (NeedKind::Hard, Fate::Stops | Fate::Unknown) => fate,
                    (NeedKind::Soft { .. }, Fate::Stops) => {
                        if !own.fallbacks.contains(&need.service) {
                            own.fallbacks.push(need.service.clone());
                        }
                        Fate::Degraded
                    }
                    _ => continue,
                };
                if worse > own.fate {
                    own.fate = worse;
                    if worse >= Fate::Unknown {
                        own.through = std::iter::once(need.service.clone()).chain(chain).collect();
                    }
                    changed = true;
                }
            }
        }
        if !changed {
            return;
        }
    }
}
