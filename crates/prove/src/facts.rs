//! The facts that a verdict may rest on, by name.
//!
//! `order.probe`, `order.tls`, `gateway public.routes`, `hand.version`: short values stand as they are, long ones as a digest that
//! does not depend on the order of declaration. What cannot be read now is [`UNKNOWN`]: an evidence that is filed with
//! it is voided once it can be read, and an evidence that was filed with a value is not voided by our not seeing it.

use std::collections::{BTreeMap, BTreeSet};

use dinghai_clock::format_span;
use dinghai_estate::{
    Check, Estate, Gateway, GatewayId, NeedKind, ProbeSpec, ProxyVersion, Service, ServiceId,
};
use dinghai_record::{Hash, Slice};
use serde::Serialize;

/// The value of a fact that cannot be read.
pub(crate) const UNKNOWN: &str = "unknown";

/// What runs of ourselves; a unit that is not heard has no version.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Running {
    /// The controller's version.
    pub controller: String,
    /// The hand's version, when it is heard.
    pub hand: Option<String>,
    /// The versions of the gateways that are heard.
    pub gateways: BTreeMap<GatewayId, String>,
}

/// Every fact as it is now.
pub fn facts(estate: &Estate, running: &Running) -> Slice {
    let version = |version: Option<&String>| version.map_or_else(|| UNKNOWN.to_owned(), Clone::clone);
    let mut facts = BTreeMap::from([
        ("controller.version".to_owned(), running.controller.clone()),
        ("hand.version".to_owned(), version(running.hand.as_ref())),
    ]);
    for (id, service) in &estate.services {
        facts.extend(of_service(id, service));
    }
    for (id, gateway) in &estate.gateways {
        facts.extend(of_gateway(id, gateway));
        facts.insert(format!("gateway {id}.version"), version(running.gateways.get(id)));
    }
    Slice(facts)
}

/// Those of `facts` that a verdict on these services rests on: their own, those of the gateways that lead to them, and
/// the hand's; the controller's too where it took part.
pub(crate) fn slice(
    estate: &Estate,
    facts: &Slice,
    services: &BTreeSet<ServiceId>,
    with_controller: bool,
) -> Slice {
    let mut names = vec!["hand.version".to_owned()];
    if with_controller {
        names.push("controller.version".to_owned());
    }
    for (id, service) in estate.services.iter().filter(|(id, _)| services.contains(*id)) {
        names.extend(of_service(id, service).into_keys());
    }
    for (id, gateway) in &estate.gateways {
        let passages = gateway.entrances.values().filter_map(|entrance| entrance.tcp.as_ref());
        let mut leads_to =
            gateway.routes.iter().map(|route| &route.to).chain(passages.map(|passage| &passage.to));
        if leads_to.any(|service| services.contains(service)) {
            names.extend(of_gateway(id, gateway).into_keys());
            names.push(format!("gateway {id}.version"));
        }
    }
    let value = |name: String| facts.0.get(&name).cloned().map(|value| (name, value));
    Slice(names.into_iter().filter_map(value).collect())
}

fn of_service(id: &ServiceId, service: &Service) -> BTreeMap<String, String> {
    let mut instances: Vec<_> = service.instances.iter().map(|i| (&i.id, &i.at, i.spare)).collect();
    instances.sort();
    let mut runs: Vec<_> = service.instances.iter().map(|i| (&i.id, &i.run)).collect();
    runs.sort_by_key(|(id, _)| *id);
    let mut needs: Vec<String> = service
        .needs
        .iter()
        .map(|need| match need.kind {
            NeedKind::Hard => format!("{} hard", need.service),
            NeedKind::Soft { .. } => format!("{} soft", need.service),
        })
        .collect();
    needs.sort();
    BTreeMap::from([
        (format!("{id}.instances"), format!("{} {}", instances.len(), digest(&instances))),
        (format!("{id}.run"), digest(&runs)),
        (format!("{id}.minimum"), service.minimum.to_string()),
        (format!("{id}.needs"), if needs.is_empty() { "none".to_owned() } else { needs.join(", ") }),
        (format!("{id}.probe"), service.probe.as_ref().map_or_else(|| "none".to_owned(), probe)),
        (format!("{id}.tls"), service.tls.as_ref().map_or_else(|| "none".to_owned(), digest)),
        (format!("{id}.proxy-protocol"), proxy_protocol(service.proxy_protocol).to_owned()),
    ])
}

const fn proxy_protocol(version: Option<ProxyVersion>) -> &'static str {
    match version {
        None => "none",
        Some(ProxyVersion::V1) => "v1",
        Some(ProxyVersion::V2) => "v2",
    }
}

fn probe(probe: &ProbeSpec) -> String {
    let check = match &probe.check {
        Check::Http(path) => format!("http {path}"),
        Check::Tcp => "tcp".to_owned(),
        Check::Process => "process".to_owned(),
    };
    let (every, timeout) = (format_span(probe.every), format_span(probe.timeout));
    format!("{check}, every {every}, timeout {timeout}, fall {}, rise {}", probe.fall, probe.rise)
}

fn of_gateway(id: &GatewayId, gateway: &Gateway) -> BTreeMap<String, String> {
    let Gateway { routes, redirects, entrances, .. } = gateway.bare();
    BTreeMap::from([
        (format!("gateway {id}.routes"), format!("{} {}", routes.len(), digest(&routes))),
        (format!("gateway {id}.redirects"), format!("{} {}", redirects.len(), digest(&redirects))),
        (format!("gateway {id}.entrances"), format!("{} {}", entrances.len(), digest(&entrances))),
        (format!("gateway {id}.panic"), gateway.panic_below.to_string()),
    ])
}

/// The first 16 hexadecimal digits of the digest of a value's JSON: enough to see that it changed.
fn digest(value: &impl Serialize) -> String {
    let json = serde_json::to_vec(value).unwrap_or_default();
    Hash::of(&json).to_string().chars().take(16).collect()
}
