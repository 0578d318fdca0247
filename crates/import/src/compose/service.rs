//! One Compose service: its copies, what it needs, what protects it.

use std::time::Duration;

use dinghai_estate::{
    Act, Feature, FoundInstance, FoundService, Handling, InstanceId, Mechanism, MechanismKind, NeedKind,
    Origin, PlaceKind, Presence, RecoveryStep, Role, ServiceId, Source, Timer, Unknown, UnknownKind,
};

use super::{Ground, project, swarm, variables};
use crate::connection::{Endpoint, endpoints, in_arguments, need_kind, says_host};
use crate::fragment::{Fragment, Want};
use crate::roles::{Image, keeps_state};
use crate::span::duration;
use crate::value::{Key, Node, Value};

/// Copies that one service can have here, at most: more say nothing that these do not.
const MOST: u32 = 500;

/// How many copies a service has, where it says so.
pub(super) fn copies(node: &Node) -> Option<&Node> {
    node.at(&["deploy", "replicas"]).or_else(|| node.get("scale"))
}

/// Takes in one service.
pub(super) fn read(fragment: &mut Fragment, ground: &Ground<'_>, key: &Key, node: &Node) {
    let id = ServiceId::new(&key.text);
    let line = key.origin(node);
    let declared = Source::declared(line.clone());
    let image = node.get("image").and_then(Node::str).map(Image::read);
    let mut service =
        FoundService::new(role(image.as_ref(), node), format!("Compose service {id}"), declared.clone());
    let known = place(fragment, ground, &key.text, node, &line, &mut service);
    features(&mut service, node, &line, ground.host.is_none());
    fragment.count("compose service", if known { Handling::Placed } else { Handling::Unknown });
    restart(fragment, &id, node, &line, ground.host.is_none());
    fragment.service(&id, || service);
    names(fragment, &id, node);
    needs(fragment, ground, &id, node);
}

/// By its image; a web server counts as a balancer only where it stands in front of something.
fn role(image: Option<&Image>, node: &Node) -> Role {
    match image.map_or(Role::Workload, Image::role) {
        Role::Balancer if !fronts(node) => Role::Workload,
        role => role,
    }
}

fn fronts(node: &Node) -> bool {
    let says = |key: &str| node.get(key).is_some_and(Node::says_something);
    let socket =
        node.get("volumes").into_iter().flat_map(Node::texts).any(|volume| volume.contains("docker.sock"));
    says("depends_on") || says("links") || socket || (says("ports") && says("configs"))
}

/// Its instances and where they stand. Whether all of that is known.
fn place(
    fragment: &mut Fragment,
    ground: &Ground<'_>,
    name: &str,
    node: &Node,
    line: &Origin,
    service: &mut FoundService,
) -> bool {
    let global =
        node.at(&["deploy", "mode"]).and_then(Node::str).is_some_and(|mode| mode.starts_with("global"));
    let stated = copies(node);
    let count = match stated {
        Some(stated) => stated.count(),
        None => Some(1),
    };
    if let (Some(stated), None) = (stated, count) {
        let why = stated.unknown().unwrap_or("the number of copies is no number").to_owned();
        service.open = Some(Unknown { why, kind: UnknownKind::Unresolved, origin: stated.origin() });
    }
    if global {
        service.open = Some(Unknown {
            why: "one task runs on each node, and no file lists the nodes".to_owned(),
            kind: UnknownKind::Outside,
            origin: node.origin_at(&["deploy", "mode"]),
        });
    }
    let source = match stated.filter(|_| !global) {
        Some(stated) => Source::declared(stated.origin()),
        None => Source::declared(line.clone()),
    };
    let mut instances: Vec<FoundInstance> = (1..=count.unwrap_or(1).min(MOST))
        .map(|number| FoundInstance::new(InstanceId::new(format!("{name}-{number}")), source.clone()))
        .collect();
    match &ground.host {
        Some(host) => {
            let at = Source::derived(line.clone());
            let zone = Unknown {
                why: "no file says in which zone the host stands".to_owned(),
                kind: UnknownKind::Unresolved,
                origin: line.clone(),
            };
            for instance in &mut instances {
                instance.at.insert(host.clone(), at.clone());
                instance.unknown.insert(PlaceKind::Zone, zone.clone());
            }
            if instances.len() > 1 {
                service.features.insert(Feature::Spread, Presence::Absent(Source::derived(line.clone())));
            }
        }
        None if global => instances.clear(),
        None => {
            let spread = swarm::place(fragment, name, node, &mut instances);
            swarm::note(&mut service.features, spread);
        }
    }
    service.instances = instances;
    let placed = |instance: &FoundInstance| !instance.unknown.contains_key(&PlaceKind::Node);
    service.open.is_none() && service.instances.iter().all(placed)
}

fn features(service: &mut FoundService, node: &Node, line: &Origin, swarm: bool) {
    let check = node.get("healthcheck");
    let off = check.is_some_and(|check| {
        check.get("disable").and_then(Node::truth) == Some(true)
            || check
                .get("test")
                .map(Node::texts)
                .unwrap_or_default()
                .first()
                .is_some_and(|test| test == "NONE")
    });
    let probe = match check {
        Some(_) if off => Presence::Absent(Source::declared(node.origin_of("healthcheck"))),
        Some(_) => Presence::Present(Source::declared(node.origin_of("healthcheck"))),
        None => Presence::Unknown(Unknown {
            why: "no healthcheck is stated, and the image may or may not bring one".to_owned(),
            kind: UnknownKind::Hidden,
            origin: line.clone(),
        }),
    };
    service.features.insert(Feature::Probe, probe);
    let reserved = node
        .at(&["deploy", "resources", "reservations"])
        .map(|_| node.origin_at(&["deploy", "resources", "reservations"]));
    let reserved =
        reserved.or_else(|| node.get("mem_reservation").map(|_| node.origin_of("mem_reservation")));
    let requests = match reserved {
        Some(origin) => Presence::Present(Source::declared(origin)),
        None => Presence::Absent(Source::derived(line.clone())),
    };
    service.features.insert(Feature::Requests, requests);
    if keeps_state(service.role) && service.role != Role::Cache {
        let volume = node.get("volumes").filter(|volumes| volumes.says_something());
        let why = match volume {
            Some(_) => "no file says whether its volume is copied elsewhere",
            None => "it keeps its data in the container, and no file says whether that is copied elsewhere",
        };
        let origin = volume.map_or_else(|| line.clone(), |_| node.origin_of("volumes"));
        let unknown = Unknown { why: why.to_owned(), kind: UnknownKind::Outside, origin };
        service.features.insert(Feature::CrossZoneCopy, Presence::Unknown(unknown));
    }
    if keeps_state(service.role) && !swarm {
        service.features.insert(Feature::Clustered, Presence::Absent(Source::derived(line.clone())));
    }
}

/// What starts it again. Docker waits 100 ms, then twice as long each time, up to a minute; a Swarm task 5 s unless told.
fn restart(fragment: &mut Fragment, id: &ServiceId, node: &Node, line: &Origin, swarm: bool) {
    let (backoff, source) = if swarm {
        let policy = node.at(&["deploy", "restart_policy"]);
        if policy.and_then(|policy| policy.get("condition")).and_then(Node::str) == Some("none") {
            return;
        }
        match policy
            .and_then(|policy| policy.get("delay"))
            .and_then(|delay| Some((duration(&delay.text()?)?, delay)))
        {
            Some((value, delay)) => {
                let source = Source::declared(delay.origin());
                let says = format!("delay: {}", delay.text().unwrap_or_default());
                (Timer { value, says, source: source.clone() }, source)
            }
            None => {
                let source = Source::derived(policy.map_or_else(|| line.clone(), Node::origin));
                (
                    Timer {
                        value: Duration::from_secs(5),
                        says: "default delay 5s".to_owned(),
                        source: source.clone(),
                    },
                    source,
                )
            }
        }
    } else {
        let Some(policy) = node
            .get("restart")
            .and_then(Node::str)
            .filter(|policy| *policy != "no" && !policy.starts_with("false"))
        else {
            return;
        };
        let origin = node.origin_of("restart");
        let says = format!("restart: {policy}, default pause up to 1m");
        let backoff = Timer { value: Duration::from_secs(60), says, source: Source::derived(origin.clone()) };
        (backoff, Source::declared(origin))
    };
    let boot = boot(node, line);
    let kind = MechanismKind::Restart { backoff, boot };
    fragment.inventory.mechanisms.push(Mechanism { service: id.clone(), by: None, kind, source });
}

/// How long it takes to come up: what its healthcheck grants, else an assumption that says so.
fn boot(node: &Node, line: &Origin) -> Timer {
    let period = node
        .at(&["healthcheck", "start_period"])
        .and_then(|period| Some((duration(&period.text()?)?, period)));
    match period {
        Some((value, period)) => Timer {
            value,
            says: format!("start_period: {}", period.text().unwrap_or_default()),
            source: Source::declared(period.origin()),
        },
        None => Timer {
            value: Duration::from_secs(30),
            says: "assumed 30s to come up".to_owned(),
            source: Source::inferred(line.clone()),
        },
    }
}

/// By which names others reach it.
fn names(fragment: &mut Fragment, id: &ServiceId, node: &Node) {
    fragment.known_as(id, id.as_str());
    for key in ["container_name", "hostname"] {
        if let Some(name) = node.get(key).and_then(Node::str) {
            fragment.known_as(id, name);
        }
    }
    for (_, network) in node.get("networks").into_iter().flat_map(Node::entries) {
        for alias in network.get("aliases").into_iter().flat_map(Node::texts) {
            fragment.known_as(id, &alias);
        }
        if let Some(address) = network.get("ipv4_address").and_then(Node::str) {
            fragment.known_as(id, address);
        }
    }
}

fn needs(fragment: &mut Fragment, ground: &Ground<'_>, id: &ServiceId, node: &Node) {
    let mut declare = |name: &str, soft: bool, how: &str, origin: Origin| {
        if !ground.jobs.contains(name) {
            let kind = if soft { NeedKind::Soft { fallback: None } } else { NeedKind::Hard };
            let source = Source::declared(origin);
            fragment.wants(Want {
                from: id.clone(),
                name: name.to_owned(),
                kind,
                how: how.to_owned(),
                source,
                outside: false,
            });
        }
    };
    for (key, need) in
        project::mapped(node.get("depends_on").cloned().unwrap_or_else(|| node.with(Value::Null))).entries()
    {
        let soft = need.get("required").and_then(Node::truth) == Some(false);
        declare(&key.text, soft, "depends_on", key.origin(need));
    }
    for key in ["links", "external_links", "volumes_from"] {
        for link in node.get(key).map(Node::items).unwrap_or_default() {
            let text = link.text().unwrap_or_default();
            let name = text.split(':').next().unwrap_or_default();
            declare(name, false, key, link.origin());
        }
    }
    if let Some(other) =
        node.get("network_mode").and_then(Node::str).and_then(|mode| mode.strip_prefix("service:"))
    {
        declare(other, false, "network_mode", node.origin_of("network_mode"));
    }
    let aliases = aliases(node);
    let environment =
        project::mapped(node.get("environment").cloned().unwrap_or_else(|| node.with(Value::Null)));
    for (key, value) in environment.entries() {
        if let Some(why) = value.unknown().filter(|_| says_host(&key.text)) {
            let what = format!("whom `{id}` reaches by `{}` is unknown: {why}", key.text);
            fragment.unseen(key.origin(value), what);
        }
        let Some(text) = value.text() else { continue };
        let how = format!("environment {}", key.text);
        reach(fragment, id, endpoints(&key.text, &text), &key.text, &how, &key.origin(value), &aliases);
    }
    for file in node.get("env_file").map(listed).unwrap_or_default() {
        let path = file.get("path").unwrap_or(&file).text().unwrap_or_default();
        let full = project::join(&ground.folder, &path);
        match ground.files.iter().find(|known| project::join("", &known.path) == full) {
            Some(known) => {
                for (key, value) in variables::of_env_file(&known.text) {
                    let how = format!("environment {key} of {path}");
                    reach(fragment, id, endpoints(&key, &value), &key, &how, &file.origin(), &aliases);
                }
            }
            None => fragment.unseen(file.origin(), format!("environment file `{path}` was not looked at")),
        }
    }
    for key in ["command", "entrypoint"] {
        let Some(command) = node.get(key) else { continue };
        let words = match &command.value {
            Value::List(_) => command.texts(),
            _ => command.text().unwrap_or_default().split_whitespace().map(str::to_owned).collect(),
        };
        reach(fragment, id, in_arguments(&words), "", key, &node.origin_of(key), &aliases);
    }
}

/// A list, or the one thing in its place.
fn listed(node: &Node) -> Vec<Node> {
    match &node.value {
        Value::List(items) => items.clone(),
        _ => vec![node.clone()],
    }
}

/// Names that only this service has for others: `links: [db:database]`, `extra_hosts: ["db:10.0.0.5"]`.
fn aliases(node: &Node) -> Vec<(String, String)> {
    let links = node.get("links").map(Node::texts).unwrap_or_default();
    let mut known: Vec<(String, String)> = links
        .iter()
        .filter_map(|link| link.split_once(':'))
        .map(|(name, alias)| (alias.to_lowercase(), name.to_owned()))
        .collect();
    let hosts = node.get("extra_hosts").map(listed).unwrap_or_default();
    for text in hosts.iter().filter_map(Node::text) {
        if let Some((name, address)) = text.split_once(['=', ':']) {
            known.push((name.to_lowercase(), address.to_owned()));
        }
    }
    let hosts = node.get("extra_hosts").into_iter().flat_map(Node::entries);
    known.extend(hosts.filter_map(|(key, value)| Some((key.text.to_lowercase(), value.text()?))));
    known
}

fn reach(
    fragment: &mut Fragment,
    id: &ServiceId,
    found: Vec<Endpoint>,
    key: &str,
    how: &str,
    origin: &Origin,
    aliases: &[(String, String)],
) {
    for mut endpoint in found {
        let kind = need_kind(key, &endpoint.host);
        if let Some((_, real)) = aliases.iter().find(|(alias, _)| *alias == endpoint.host) {
            endpoint.host = real.to_lowercase();
        }
        let source = Source::inferred(origin.clone());
        let (name, outside) = (endpoint.name(), endpoint.outside);
        fragment.wants(Want { from: id.clone(), name, kind, how: how.to_owned(), source, outside });
    }
}

/// Which services have to be there for others' images to be fetched.
pub(super) fn pulls(fragment: &mut Fragment, services: &[(&Key, &Node)]) {
    for (key, node) in services {
        let Some(written) = node.get("image").and_then(Node::str) else { continue };
        let Some(registry) = Image::read(written).registry else { continue };
        let host = registry.split(':').next().unwrap_or_default();
        let known = fragment.names.get(&registry).or_else(|| fragment.names.get(host));
        let Some(needs) =
            known.and_then(|known| known.first()).filter(|needs| needs.as_str() != key.text).cloned()
        else {
            continue;
        };
        fragment.inventory.steps.push(RecoveryStep {
            act: Act::PullImage,
            service: Some(ServiceId::new(&key.text)),
            needs: Some(needs),
            place: None,
            how: format!("image {}", written.replace(crate::connection::UNKNOWN, "?")),
            source: Source::declared(node.origin_of("image")),
        });
    }
}
