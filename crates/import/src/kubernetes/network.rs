//! Services: by which names pods are reached, and where users come in.
//!
//! A Service that selects pods which no file here declares is somebody else's: it becomes an external service, since whoever
//! reaches for it certainly needs something. The backends of an Ingress or route are entries; where exactly one workload here takes
//! the requests of Ingresses in, they need it.

use std::collections::BTreeSet;

use dinghai_estate::{
    FoundService, Handling, NeedKind, PublicEntry, Role, ServiceId, Source, Unknown, UnknownKind,
};

use super::object::{Object, Objects};
use super::select::map_selects;
use super::workload::Workload;
use crate::fragment::{Fragment, Want};
use crate::roles::Image;
use crate::value::Node;

/// The name under which a Service is known to all of the fragment.
pub(super) fn full_name(service: &Object) -> String {
    match &service.namespace {
        Some(namespace) => format!("{}.{namespace}.svc", service.name),
        None => service.name.clone(),
    }
}

/// Registers the names of all Services, and makes entries of those that the outside reaches.
pub(super) fn services(fragment: &mut Fragment, objects: &Objects, workloads: &[Workload<'_>]) {
    for service in objects.of_kind("Service").filter(|service| service.group.is_empty()) {
        let ids = behind(service, workloads);
        let handling = match (ids.is_empty(), service.spec(&["selector"]).is_some_and(Node::says_something)) {
            (true, true) => Handling::Unknown,
            _ => Handling::Reasoned,
        };
        fragment.count("Service", handling);
        let ids = match handling {
            Handling::Unknown => [elsewhere(fragment, service)].into(),
            _ => ids,
        };
        for id in &ids {
            known(fragment, id, service);
        }
        if let Some((by, source)) = from_outside(service) {
            enter(fragment, &ids, &by, &source);
        }
    }
    for workload in workloads {
        for name in &workload.names {
            register(fragment, &workload.id, name, workload.object.namespace.as_deref(), &[]);
        }
        if let Some(ip) = workload.object.body.at(&["status", "podIP"]).and_then(Node::str) {
            fragment.known_as(&workload.id, ip);
        }
    }
}

/// The services whose pods a Service selects.
fn behind(service: &Object, workloads: &[Workload<'_>]) -> BTreeSet<ServiceId> {
    let Some(selector) = service.spec(&["selector"]) else { return BTreeSet::new() };
    let selected = workloads.iter().filter(|workload| {
        service.beside(workload.object.namespace.as_deref()) && map_selects(selector, &workload.labels)
    });
    selected.map(|workload| workload.id.clone()).collect()
}

fn elsewhere(fragment: &mut Fragment, service: &Object) -> ServiceId {
    let taken = fragment.inventory.services.contains_key(&ServiceId::new(&service.name));
    let id = match (taken, &service.namespace) {
        (false, _) => ServiceId::new(&service.name),
        (true, Some(namespace)) => ServiceId::new(format!("{namespace}/{}", service.name)),
        (true, None) => ServiceId::new(format!("Service {}", service.name)),
    };
    let origin = service.body.origin_at(&["spec", "selector"]);
    fragment.unseen(
        origin.clone(),
        format!("Service `{}` selects pods that no file here declares", service.name),
    );
    fragment.service(&id, || {
        let mut found =
            FoundService::new(Role::External, service.title(), Source::declared(service.origin()));
        let why = "its pods are declared elsewhere".to_owned();
        found.open = Some(Unknown { why, kind: UnknownKind::Outside, origin });
        found
    });
    id
}

fn known(fragment: &mut Fragment, id: &ServiceId, service: &Object) {
    let ports: Vec<String> = service
        .spec(&["ports"])
        .map(Node::items)
        .unwrap_or_default()
        .iter()
        .filter_map(|port| port.get("port")?.text())
        .collect();
    register(fragment, id, &service.name, service.namespace.as_deref(), &ports);
    let addresses =
        ["clusterIP", "loadBalancerIP", "externalIPs"].iter().filter_map(|key| service.spec(&[key]));
    for address in addresses.flat_map(Node::texts).filter(|address| address != "None" && !address.is_empty())
    {
        fragment.known_as(id, &address);
    }
}

fn register(fragment: &mut Fragment, id: &ServiceId, name: &str, namespace: Option<&str>, ports: &[String]) {
    let mut names = vec![name.to_owned()];
    if let Some(namespace) = namespace {
        let short = format!("{name}.{namespace}");
        names.extend([format!("{short}.svc"), format!("{short}.svc.cluster.local"), short]);
    }
    for name in names {
        for port in ports {
            fragment.known_as(id, &format!("{name}:{port}"));
        }
        fragment.known_as(id, &name);
    }
}

/// How the outside reaches a Service by itself.
fn from_outside(service: &Object) -> Option<(String, Source)> {
    let kind = service.spec(&["type"]);
    let source = |key: &str| Source::declared(service.body.origin_at(&["spec", key]));
    match kind.and_then(Node::str) {
        Some("LoadBalancer") => {
            let word = if is_internal(service) { INTERNAL } else { "" };
            Some((format!("{word}LoadBalancer {}", service.name), source("type")))
        }
        Some("NodePort") => Some((format!("NodePort {}", service.name), source("type"))),
        _ => {
            let addresses = service.spec(&["externalIPs"]).is_some_and(Node::says_something);
            addresses
                .then(|| (format!("external address of Service {}", service.name), source("externalIPs")))
        }
    }
}

/// Whether only the vendor's own network reaches its load balancer.
fn is_internal(service: &Object) -> bool {
    const MARKS: [(&str, &[&str]); 6] = [
        ("service.beta.kubernetes.io/aws-load-balancer-internal", &["true", "0.0.0.0/0"]),
        ("service.beta.kubernetes.io/aws-load-balancer-scheme", &["internal"]),
        ("service.beta.kubernetes.io/azure-load-balancer-internal", &["true"]),
        ("networking.gke.io/load-balancer-type", &["Internal", "internal"]),
        ("service.beta.kubernetes.io/alibaba-cloud-loadbalancer-address-type", &["intranet"]),
        ("service.beta.kubernetes.io/alicloud-loadbalancer-address-type", &["intranet"]),
    ];
    MARKS.iter().any(|(mark, values)| {
        service.annotation(mark).and_then(Node::text).is_some_and(|value| values.contains(&value.as_str()))
    })
}

/// In front of the name of an entry that only one's own networks reach.
const INTERNAL: &str = "internal ";

/// Whether a route is for one's own networks only: its class, its scheme or all of its hosts say so.
fn is_internal_route(object: &Object) -> bool {
    const ENDS: [&str; 6] = [".internal", ".local", ".lan", ".corp", ".intranet", ".svc"];
    let said = |text: Option<&str>| {
        text.is_some_and(|text| ["internal", "intranet", "private"].iter().any(|word| text.contains(word)))
    };
    let marks = ["kubernetes.io/ingress.class", "alb.ingress.kubernetes.io/scheme"];
    let class = object.spec(&["ingressClassName"]).and_then(Node::str);
    let hosts = hosts(object);
    said(class)
        || marks.iter().any(|mark| said(object.annotation(mark).and_then(Node::str)))
        || (!hosts.is_empty() && hosts.iter().all(|host| ENDS.iter().any(|end| host.ends_with(end))))
}

/// Drops what only one's own networks reach, where users have a way in of their own.
pub(super) fn prefer_public(fragment: &mut Fragment) {
    let entries = &mut fragment.inventory.entries;
    if entries.iter().any(|entry| !entry.by.starts_with(INTERNAL)) {
        entries.retain(|entry| !entry.by.starts_with(INTERNAL));
    }
}

fn enter(fragment: &mut Fragment, ids: &BTreeSet<ServiceId>, by: &str, source: &Source) {
    for id in ids {
        let entry = PublicEntry { service: id.clone(), by: by.to_owned(), source: source.clone() };
        if !fragment.inventory.entries.contains(&entry) {
            fragment.inventory.entries.push(entry);
        }
    }
}

/// Entries out of Ingresses, routes of the Gateway API, of Istio, OpenShift, Traefik and Contour.
pub(super) fn routes(fragment: &mut Fragment, objects: &Objects, workloads: &[Workload<'_>]) {
    let controllers: BTreeSet<&ServiceId> = workloads
        .iter()
        .filter(|workload| workload.images().any(|(image, _)| Image::read(image).is_ingress_controller()))
        .map(|workload| &workload.id)
        .collect();
    let mut controllers = controllers.into_iter();
    let controller = controllers.next().filter(|_| controllers.next().is_none()).cloned();
    for object in objects.all() {
        let Some(backends) = backends(object) else { continue };
        fragment.count(&object.kind, Handling::Reasoned);
        let word = if is_internal_route(object) { INTERNAL } else { "" };
        let by = format!("{word}{} {}", object.kind, object.name);
        let mut hosted = BTreeSet::new();
        for (name, at) in backends {
            let ids = answering(fragment, objects, name, object.namespace.as_deref());
            if ids.is_empty() {
                fragment.unseen(
                    at.origin(),
                    format!("{by} leads to Service `{name}`, which no file here declares"),
                );
            }
            enter(fragment, &ids, &by, &Source::declared(at.origin()));
            if let (Some(controller), "Ingress" | "IngressRoute") = (&controller, object.kind.as_str()) {
                for id in &ids {
                    let source = Source::inferred(object.origin());
                    let name = format!("controller of {by}");
                    fragment.known_as(controller, &name);
                    fragment.wants(Want {
                        from: id.clone(),
                        name,
                        kind: NeedKind::Hard,
                        how: by.clone(),
                        source,
                        outside: false,
                    });
                }
            }
            hosted.extend(ids);
        }
        // A host name stands for a service only when it leads to no other.
        let mut hosted = hosted.into_iter();
        if let (Some(id), None) = (hosted.next(), hosted.next()) {
            for host in hosts(object) {
                fragment.known_as(&id, &host);
            }
        }
    }
}

/// The services that answer to a Service's name in a namespace.
pub(super) fn answering(
    fragment: &Fragment,
    objects: &Objects,
    name: &str,
    namespace: Option<&str>,
) -> BTreeSet<ServiceId> {
    let full = objects.named("Service", name, namespace).map_or_else(|| name.to_owned(), full_name);
    fragment.names.get(&full.to_lowercase()).cloned().unwrap_or_default()
}

/// The Services behind an object that lets users in, each with where it is named; none for other kinds.
fn backends(object: &Object) -> Option<Vec<(&str, &Node)>> {
    let mut found = Vec::new();
    let spec = object.body.get("spec");
    let named = |node: &'_ Node| node.str().is_some();
    match (object.group.as_str(), object.kind.as_str()) {
        (_, "Ingress") if object.group != "config.openshift.io" => {
            let paths = each(spec, &["rules", "*", "http", "paths", "*", "backend"]);
            let defaults = ["defaultBackend", "backend"].iter().filter_map(|key| spec?.get(key));
            for backend in paths.into_iter().chain(defaults) {
                found.extend(backend.at(&["service", "name"]).or_else(|| backend.get("serviceName")));
            }
        }
        ("gateway.networking.k8s.io", "HTTPRoute" | "TLSRoute" | "TCPRoute" | "GRPCRoute" | "UDPRoute") => {
            for backend in each(spec, &["rules", "*", "backendRefs", "*"]) {
                let kind = backend.get("kind").and_then(Node::str).unwrap_or("Service");
                if kind == "Service" && backend.get("weight").and_then(Node::count) != Some(0) {
                    found.extend(backend.get("name"));
                }
            }
        }
        ("networking.istio.io", "VirtualService") => {
            let gateways = spec?.get("gateways").map(Node::texts).unwrap_or_default();
            if gateways.iter().any(|gateway| gateway != "mesh") {
                for protocol in ["http", "tcp", "tls"] {
                    found.extend(each(spec, &[protocol, "*", "route", "*", "destination", "host"]));
                }
            }
        }
        ("route.openshift.io", "Route") => {
            found.extend(each(spec, &["to", "name"]));
            found.extend(each(spec, &["alternateBackends", "*", "name"]));
        }
        ("traefik.io" | "traefik.containo.us", "IngressRoute" | "IngressRouteTCP")
        | ("projectcontour.io", "HTTPProxy") => {
            for service in each(spec, &["routes", "*", "services", "*"]) {
                if service.get("kind").and_then(Node::str).is_none_or(|kind| kind == "Service") {
                    found.extend(service.get("name"));
                }
            }
        }
        _ => return None,
    }
    found.retain(|node| named(node));
    Some(found.into_iter().filter_map(|node| Some((node.str()?.split('.').next()?, node))).collect())
}

/// All nodes at the end of a path, where `*` stands for every item of a list.
fn each<'a>(node: Option<&'a Node>, path: &[&str]) -> Vec<&'a Node> {
    path.iter().fold(node.into_iter().collect(), |nodes, key| match *key {
        "*" => nodes.into_iter().flat_map(Node::items).collect(),
        key => nodes.into_iter().filter_map(|node| node.get(key)).collect(),
    })
}

/// The host names that an object answers to.
fn hosts(object: &Object) -> Vec<String> {
    let spec = object.body.get("spec");
    let lists = [
        each(spec, &["rules", "*", "host"]),
        each(spec, &["hostnames", "*"]),
        each(spec, &["hosts", "*"]),
        each(spec, &["host"]),
    ];
    lists
        .into_iter()
        .flatten()
        .filter_map(Node::text)
        .filter(|host| host.contains('.') && !host.contains('*'))
        .collect()
}
