//! Whom pods reach for: addresses in their environment, arguments, configuration and in what they wait for before they start.
//!
//! Values come from the container itself, from `ConfigMap`s and from `Secret`s (of those, as of all, only host and port are looked
//! at). A name is resolved in the pod's own namespace, as the cluster would: `db`, `db.shop`, `db.shop.svc.cluster.local` and the
//! name of one pod of a StatefulSet all are the Service `db`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dinghai_estate::{NeedKind, Origin, Source};

use super::network::full_name;
use super::object::{Object, Objects};
use super::workload::Workload;
use crate::connection::{Endpoint, UNKNOWN, endpoints, in_arguments, in_text, need_kind, says_host};
use crate::fragment::{Fragment, Want};
use crate::value::{Node, Value};

/// Adds what a workload reaches for.
pub(super) fn wants(fragment: &mut Fragment, objects: &Objects, workload: &Workload<'_>) {
    let mut reach = Reach { fragment, objects, workload };
    for list in ["containers", "initContainers"] {
        for container in workload.pod.get(list).map(Node::items).unwrap_or_default() {
            reach.container(container);
        }
    }
    for volume in workload.pod.get("volumes").map(Node::items).unwrap_or_default() {
        reach.volume(volume);
    }
}

struct Reach<'a, 'b> {
    fragment: &'a mut Fragment,
    objects: &'a Objects,
    workload: &'a Workload<'b>,
}

impl<'a> Reach<'a, '_> {
    fn container(&mut self, container: &Node) {
        let mut variables: Vec<(String, String)> = Vec::new();
        for source in container.get("envFrom").map(Node::items).unwrap_or_default() {
            let prefix = source.get("prefix").and_then(Node::text).unwrap_or_default();
            for (kind, key) in [("ConfigMap", "configMapRef"), ("Secret", "secretRef")] {
                let Some(name) = source.at(&[key, "name"]) else { continue };
                let Some(object) = self.named(kind, name) else {
                    self.elsewhere("its environment", kind, name);
                    continue;
                };
                for (key, value, origin) in data(object) {
                    let key = format!("{prefix}{key}");
                    self.value(&key, &value, &format!("env {key} of {kind} {}", object.name), &origin);
                    variables.push((key, value));
                }
            }
        }
        for entry in container.get("env").map(Node::items).unwrap_or_default() {
            let Some(key) = entry.get("name").and_then(Node::text) else { continue };
            let Some((value, origin)) = self.of_entry(entry) else {
                if says_host(&key) {
                    for (kind, reference) in [("ConfigMap", "configMapKeyRef"), ("Secret", "secretKeyRef")] {
                        if let Some(name) = entry.at(&["valueFrom", reference, "name"]) {
                            self.elsewhere(&format!("`{key}`"), kind, name);
                        }
                    }
                }
                continue;
            };
            let value = filled(&value, &variables);
            self.value(&key, &value, &format!("env {key}"), &origin);
            variables.push((key, value));
        }
        for key in ["command", "args"] {
            let Some(words) = container.get(key) else { continue };
            let words: Vec<String> = words.texts().iter().map(|word| filled(word, &variables)).collect();
            let origin = container.origin_of(key);
            for endpoint in in_arguments(&words) {
                self.want("", endpoint, key, &origin, false);
            }
        }
    }

    /// Says that something comes from an object that is not here.
    fn elsewhere(&mut self, what: &str, kind: &str, name: &Node) {
        if self.named(kind, name).is_none() {
            let name_of = name.str().unwrap_or_default();
            let id = &self.workload.id;
            let what = format!(
                "`{id}` takes {what} from {kind} `{name_of}`, which no file here declares: whom it reaches by that is unknown"
            );
            self.fragment.unseen(name.origin(), what);
        }
    }

    /// The value of one environment variable and where it is said.
    fn of_entry(&self, entry: &Node) -> Option<(String, Origin)> {
        if let Some(value) = entry.get("value") {
            return Some((value.text()?, value.origin()));
        }
        let from = entry.get("valueFrom")?;
        for (kind, reference) in [("ConfigMap", "configMapKeyRef"), ("Secret", "secretKeyRef")] {
            let Some(reference) = from.get(reference) else { continue };
            let object = self.named(kind, reference.get("name")?)?;
            let wanted = reference.get("key")?.text()?;
            let found = data(object).into_iter().find(|(key, _, _)| *key == wanted);
            return found.map(|(_, value, origin)| (value, origin));
        }
        None
    }

    fn named(&self, kind: &str, name: &Node) -> Option<&'a Object> {
        self.objects.named(kind, name.str()?, self.workload.object.namespace.as_deref())
    }

    /// The files that a volume brings in.
    fn volume(&mut self, volume: &Node) {
        let projected = volume.at(&["projected", "sources"]).map(Node::items).unwrap_or_default();
        for source in std::iter::once(volume).chain(projected) {
            for (kind, key, name) in [
                ("ConfigMap", "configMap", "name"),
                ("Secret", "secret", "secretName"),
                ("Secret", "secret", "name"),
            ] {
                let Some(object) = source.at(&[key, name]).and_then(|name| self.named(kind, name)) else {
                    continue;
                };
                let title = format!("{kind} {}", object.name);
                for (file, text, origin) in data(object) {
                    for endpoint in in_text(&text) {
                        self.want("", endpoint, &format!("{file} of {title}"), &origin, false);
                    }
                }
            }
        }
    }

    fn value(&mut self, key: &str, value: &str, how: &str, origin: &Origin) {
        for endpoint in endpoints(key, value) {
            self.want(key, endpoint, how, origin, true);
        }
    }

    fn want(&mut self, key: &str, endpoint: Endpoint, how: &str, origin: &Origin, told: bool) {
        let kind = need_kind(key, &endpoint.host);
        let source = Source::inferred(origin.clone());
        let from = self.workload.id.clone();
        let (name, outside) = match self.resolve(&endpoint) {
            Some(resolved) => resolved,
            None => {
                // Only where the key says that a host stands there: a value is not shown on a guess.
                let bare = !endpoint.host.contains('.') && endpoint.port.is_some() && says_host(key);
                if told && bare && kind == NeedKind::Hard && !self.fragment.names.contains_key(&endpoint.host)
                {
                    let what = format!(
                        "`{from}` reaches for `{}` ({how}), which no file here declares",
                        endpoint.host
                    );
                    self.fragment.unseen(origin.clone(), what);
                }
                (endpoint.name(), endpoint.outside)
            }
        };
        self.fragment.wants(Want { from, name, kind, how: how.to_owned(), source, outside });
    }

    /// The Service that a host is in this cluster, as a name that all of the fragment knows.
    fn resolve(&self, endpoint: &Endpoint) -> Option<(String, bool)> {
        let host = ["", ".cluster.local", ".svc.cluster.local", ".svc"]
            .iter()
            .rev()
            .find_map(|end| endpoint.host.strip_suffix(end).filter(|_| !end.is_empty()))
            .unwrap_or(&endpoint.host);
        let host = host.strip_suffix(".svc").unwrap_or(host);
        let parts: Vec<&str> = host.split('.').collect();
        let own = self.workload.object.namespace.as_deref();
        let service = |name: &str, namespace: Option<&str>| {
            self.objects.named("Service", name, namespace).filter(|service| service.group.is_empty())
        };
        let service = match parts.as_slice() {
            [name] => service(name, own),
            [name, namespace] => service(name, Some(*namespace)).or_else(|| service(namespace, own)),
            [_, name, namespace] => service(name, Some(*namespace)),
            _ => None,
        }?;
        if let Some(elsewhere) = service.spec(&["externalName"]).and_then(Node::str) {
            return Some((elsewhere.to_lowercase(), true));
        }
        if !service.spec(&["selector"]).is_some_and(Node::says_something) {
            let address = self
                .objects
                .named("Endpoints", &service.name, service.namespace.as_deref())
                .and_then(|endpoints| {
                    let first = endpoints.body.get("subsets")?.items().first()?;
                    first.get("addresses")?.items().first()?.get("ip")?.text()
                });
            if let Some(address) = address {
                return Some((Endpoint { host: address, port: endpoint.port, outside: true }.name(), true));
            }
        }
        Some((full_name(service), false))
    }
}

/// The data of a ConfigMap or Secret, each with where it stands.
fn data(object: &Object) -> Vec<(String, String, Origin)> {
    let encoded = object.kind == "Secret";
    let mut found = Vec::new();
    for (key, value) in object.body.get("data").into_iter().flat_map(Node::entries) {
        let Value::Text(text) = &value.value else { continue };
        let text = match encoded {
            true => {
                let plain: String = text.split_whitespace().collect();
                match STANDARD.decode(plain).ok().and_then(|bytes| String::from_utf8(bytes).ok()) {
                    Some(text) => text,
                    None => continue,
                }
            }
            false => text.clone(),
        };
        found.push((key.text.clone(), text, key.origin(value)));
    }
    for (key, value) in object.body.get("stringData").into_iter().flat_map(Node::entries) {
        found.extend(value.text().map(|text| (key.text.clone(), text, key.origin(value))));
    }
    found
}

/// Values longer than this are not put into others.
const LONGEST: usize = 4096;

/// With `$(NAME)` put in; one that nobody knows stays unknown.
fn filled(text: &str, variables: &[(String, String)]) -> String {
    let mut whole = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("$(") {
        whole.push_str(before);
        let Some((name, behind)) = after.split_once(')') else {
            whole.push_str("$(");
            rest = after;
            continue;
        };
        match variables.iter().rev().find(|(known, _)| known == name) {
            Some((_, value)) if whole.len() + value.len() < LONGEST => whole.push_str(value),
            _ => whole.push(UNKNOWN),
        }
        rest = behind;
    }
    whole.push_str(rest);
    whole
}
