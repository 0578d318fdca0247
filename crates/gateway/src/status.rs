//! What the gateway says of itself.

use std::collections::BTreeMap;
use std::sync::PoisonError;
use std::sync::atomic::Ordering::Relaxed;

use dinghai_estate::RouteId;
use dinghai_tls::Facts;
use dinghai_wire::{CertificateView, GatewayStatus};

use crate::core::Core;
use crate::routing::Routing;
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
        certificates: certificates(core, &routing),
        broken_certificates: broken_certificates(core, &routing),
        instances,
        routes,
        redirected: redirected(&routing),
        seconds,
        reflexes: core.reflexes.after(after),
    }
}

/// The certificates that are shown.
pub(crate) fn certificates(core: &Core, routing: &Routing) -> Vec<CertificateView> {
    let view = |of: &str, facts: Facts| CertificateView {
        of: of.to_owned(),
        path: facts.path.display().to_string(),
        names: facts.names,
        until: facts.until,
    };
    let mut all = vec![];
    for (id, terms) in core.entrances.lock().unwrap_or_else(PoisonError::into_inner).iter() {
        let facts = terms.tls.iter().flat_map(|tls| tls.facts());
        all.extend(facts.map(|facts| view(&format!("listener {id}"), facts)));
    }
    for (id, service) in &routing.services {
        let facts = service.outward.iter().flat_map(|outward| outward.kept().facts());
        all.extend(facts.map(|facts| view(&format!("service {id}"), facts)));
    }
    all
}

/// What of their files cannot be used now, by who needs it.
pub(crate) fn broken_certificates(core: &Core, routing: &Routing) -> BTreeMap<String, String> {
    let entrances = core.entrances.lock().unwrap_or_else(PoisonError::into_inner);
    let listeners = entrances.iter().filter_map(|(id, terms)| {
        Some((format!("listener {id}"), terms.tls.as_ref()?.broken()?.to_string()))
    });
    let services = routing.services.iter().filter_map(|(id, service)| {
        Some((format!("service {id}"), service.outward.as_ref()?.kept().broken()?.to_string()))
    });
    listeners.chain(services).collect()
}

/// How many requests each redirect sent elsewhere.
fn redirected(routing: &Routing) -> BTreeMap<RouteId, u64> {
    let redirects = routing.redirects();
    redirects.map(|redirect| (redirect.spec.id.clone(), redirect.sent.load(Relaxed))).collect()
}
