//! An estate as an inventory: everything in it is declared by its own files.

use std::collections::BTreeMap;

use super::{
    FoundInstance, FoundNeed, FoundPlace, FoundService, Intent, Inventory, Presence, Role, Source, Unknown,
    UnknownKind,
};
use crate::{Estate, Service};

impl Inventory {
    /// What an estate declares.
    pub fn of(estate: &Estate) -> Self {
        let places = estate.places.iter().map(|(id, place)| {
            let source = Source::declared(place.origin.clone());
            let within = place.within.iter().map(|outer| (outer.clone(), source.clone())).collect();
            (id.clone(), FoundPlace { kind: place.kind, vendor: place.vendor.clone(), within, source })
        });
        Self {
            name: estate.name.clone(),
            formats: ["estate"].into(),
            places: places.collect(),
            services: estate.services.iter().map(|(id, service)| (id.clone(), of_service(service))).collect(),
            ..Self::default()
        }
    }
}

fn of_service(service: &Service) -> FoundService {
    let declared = || Source::declared(service.origin.clone());
    let mut found = FoundService::new(Role::Workload, "service of the estate", declared());
    found.instances = service
        .instances
        .iter()
        .map(|instance| {
            let source = Source::declared(instance.origin.clone());
            let at = instance.at.iter().map(|place| (place.clone(), source.clone())).collect();
            FoundInstance {
                id: instance.id.clone(),
                at,
                unknown: BTreeMap::new(),
                spare: instance.spare,
                source,
            }
        })
        .collect();
    if found.instances.is_empty() {
        found.open = Some(Unknown {
            why: "no instance is declared".to_owned(),
            kind: UnknownKind::Outside,
            origin: service.origin.clone(),
        });
    }
    found.needs = service
        .needs
        .iter()
        .map(|need| FoundNeed {
            service: need.service.clone(),
            kind: need.kind.clone(),
            how: "needs".to_owned(),
            source: Source::declared(need.origin.clone()),
        })
        .collect();
    if service.probe.is_some() {
        found.features.insert(super::Feature::Probe, Presence::Present(declared()));
    }
    found.intent = Intent {
        tier: Some((service.tier, service.origin.clone())),
        survive: Some((service.survive, service.origin.clone())),
        minimum: Some((service.minimum, service.origin.clone())),
        capacity: service.capacity.clone(),
    };
    found
}
