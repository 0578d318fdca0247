//! Which instances serve, and which of them count as healthy capacity.

use std::collections::BTreeSet;

use dinghai_estate::{Estate, Instance, InstanceId, Service, ServiceId};
use dinghai_record::{Book, Health, World};

/// Whether a gateway sends requests to the service.
pub(crate) fn is_routed(estate: &Estate, service: &ServiceId) -> bool {
    estate.gateways.values().flat_map(|gateway| &gateway.routes).any(|route| route.to == *service)
}

/// Whether requests reach the instance when it is healthy: it has a share, or it is not behind a gateway at all and
/// is declared to serve or was started by us.
pub(crate) fn is_in_use(estate: &Estate, book: &Book, service: &ServiceId, instance: &Instance) -> bool {
    if is_routed(estate, service) {
        book.share(&instance.id, instance.spare) > 0
    } else {
        !instance.spare || book.started.contains(&instance.id)
    }
}

/// Whether the instance is known to be dead: two vantage points agree that it is down. Everything else counts as
/// healthy when it is about to be taken away, the unknown too.
pub(crate) fn is_dead(world: &World, instance: &InstanceId) -> bool {
    world
        .instances
        .get(instance)
        .is_some_and(|sighting| sighting.agreed && matches!(sighting.health, Health::Down(_)))
}

/// The instances of a service that are in use and known to be up.
pub(crate) fn serving(
    estate: &Estate,
    book: &Book,
    world: &World,
    id: &ServiceId,
    service: &Service,
) -> BTreeSet<InstanceId> {
    service
        .instances
        .iter()
        .filter(|instance| is_in_use(estate, book, id, instance))
        .filter(|instance| *world.health(&instance.id) == Health::Up)
        .map(|instance| instance.id.clone())
        .collect()
}

/// A count as the estate's minimums are written.
pub(crate) fn count(set: &BTreeSet<InstanceId>) -> u32 {
    u32::try_from(set.len()).unwrap_or(u32::MAX)
}
