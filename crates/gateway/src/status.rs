//! What the gateway says of itself.

use std::collections::BTreeMap;
use std::sync::PoisonError;

use dinghai_wire::GatewayStatus;

use crate::core::Core;
use crate::standing::Standing;

/// The state now, and the reflexes after number `after`.
pub(crate) fn status(core: &Core, standing: &Standing, after: u64) -> GatewayStatus {
    let routing = core.routing.load_full();
    let now = core.clock.now();
    let instances = routing
        .services
        .values()
        .flat_map(|service| &service.members)
        .map(|member| (member.instance.id.clone(), member.instance.view(member.share)))
        .collect();
    let routes: BTreeMap<_, _> = routing
        .routes()
        .map(|route| (route.spec.id.clone(), route.counters.totals(&route.spec.to)))
        .collect();
    let seconds = routing
        .routes()
        .map(|route| (route.spec.id.clone(), route.counters.seconds(core.started, now)))
        .collect();
    GatewayStatus {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        gateway: core.id.clone(),
        pid: std::process::id(),
        started: core.started,
        now,
        generation: routing.generation(),
        fence: standing.fence.clone(),
        halted: standing.halted,
        listening: core.listening.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        instances,
        routes,
        seconds,
        reflexes: core.reflexes.after(after),
    }
}
