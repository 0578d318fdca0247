//! What gateways and hand are told, from estate and book. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use dinghai_estate::{Estate, Gateway, GatewayId, Instance, PlaceId, Run, ServiceId};
use dinghai_record::Book;
use dinghai_wire::{Charge, Charged, Member, ServiceTable, Table, TableRoute};

/// The route table of one gateway, with the shares that the book says, under this generation.
pub fn table(estate: &Estate, book: &Book, id: &GatewayId, gateway: &Gateway, generation: u64) -> Table {
    let routes: Vec<TableRoute> = gateway
        .routes
        .iter()
        .map(|route| TableRoute {
            id: route.id.clone(),
            listener: route.listener.clone(),
            host: route.host.clone(),
            path: route.path.clone(),
            to: route.to.clone(),
            priority: route.priority,
            balance: route.balance,
            when_cut_off: route.when_cut_off.clone(),
            timeout_ms: u64::try_from(route.timeout.as_millis()).unwrap_or(u64::MAX),
        })
        .collect();
    let targets: BTreeSet<&ServiceId> = routes.iter().map(|route| &route.to).collect();
    let services = estate
        .services
        .iter()
        .filter(|(id, _)| targets.contains(id))
        .map(|(id, service)| {
            let member = |instance: &Instance| Member {
                address: instance.address.clone(),
                share: book.share(&instance.id, instance.spare),
                places: all_places(estate, instance),
            };
            let members = service.instances.iter().map(|each| (each.id.clone(), member(each))).collect();
            (id.clone(), ServiceTable { probe: service.probe.clone(), members })
        })
        .collect();
    Table {
        generation,
        gateway: id.clone(),
        listeners: gateway.listeners.clone(),
        routes,
        services,
        trusted_proxies: gateway.trusted_proxies.clone(),
        panic_below: gateway.panic_below,
    }
}

/// Everything of the estate that is ours to start, stop and break. Processes run in `folder`, the estate's own, where
/// they do not say another.
pub fn charge(estate: &Estate, folder: &Path) -> Charge {
    let instances: BTreeMap<_, _> = estate
        .services
        .values()
        .flat_map(|service| service.instances.iter().map(move |instance| (service, instance)))
        .filter_map(|(service, instance)| {
            let run = instance.run.clone()?;
            let directory = match &run.directory {
                Some(own) => folder.join(own),
                None => folder.to_owned(),
            };
            let charged = Charged {
                run: Run { directory: Some(directory), ..run },
                places: all_places(estate, instance),
                address: instance.address.clone(),
                probe: service.probe.clone(),
            };
            Some((instance.id.clone(), charged))
        })
        .collect();
    Charge { instances, programs: vec![] }
}

fn all_places(estate: &Estate, instance: &Instance) -> Vec<PlaceId> {
    estate.places_around(instance).into_iter().collect()
}
