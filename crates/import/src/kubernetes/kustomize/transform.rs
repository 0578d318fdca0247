//! What a kustomization does to all of its objects: namespace, names, labels, numbers of replicas, images.

use std::collections::BTreeMap;

use super::Item;
use crate::value::{Key, Node, Value};

/// Kinds that are in no namespace.
const CLUSTER_WIDE: [&str; 18] = [
    "Namespace",
    "Node",
    "PersistentVolume",
    "StorageClass",
    "ClusterRole",
    "ClusterRoleBinding",
    "CustomResourceDefinition",
    "PriorityClass",
    "IngressClass",
    "GatewayClass",
    "ClusterIssuer",
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
    "APIService",
    "RuntimeClass",
    "CSIDriver",
    "VolumeSnapshotClass",
    "PodSecurityPolicy",
];

/// Puts a value at the end of several keys, making the maps on the way.
pub(super) fn put(node: &mut Node, path: &[&str], value: Node) {
    let Some((first, rest)) = path.split_first() else {
        *node = value;
        return;
    };
    if !matches!(node.value, Value::Map(_)) {
        node.value = Value::Map(Vec::new());
    }
    let empty = value.with(Value::Null);
    let Value::Map(entries) = &mut node.value else { return };
    let index = match entries.iter().position(|(key, _)| key.text == *first) {
        Some(index) => index,
        None => {
            entries.push((Key { text: (*first).to_owned(), line: value.line, column: value.column }, empty));
            entries.len() - 1
        }
    };
    if let Some((key, inner)) = entries.get_mut(index) {
        if rest.is_empty() {
            key.line = value.line;
            key.column = value.column;
        }
        put(inner, rest, value);
    }
}

pub(super) fn namespace(items: &mut [Item], namespace: &Node) {
    for item in items.iter_mut().filter(|item| !CLUSTER_WIDE.contains(&item.kind().as_str())) {
        put(&mut item.node, &["metadata", "namespace"], namespace.clone());
    }
}

/// Renames everything, and whatever refers to it by a field that Kustomize knows.
pub(super) fn rename(items: &mut [Item], prefix: &str, suffix: &str) {
    let mut renamed: BTreeMap<(String, String), String> = BTreeMap::new();
    for item in items.iter_mut() {
        let kind = item.kind();
        if matches!(kind.as_str(), "Namespace" | "CustomResourceDefinition" | "APIService") {
            continue;
        }
        let Some(name) = item.node.at(&["metadata", "name"]).cloned() else { continue };
        let Some(before) = name.text() else { continue };
        let after = format!("{prefix}{before}{suffix}");
        put(&mut item.node, &["metadata", "name"], name.with(Value::Text(after.clone())));
        item.former.push(before.clone());
        renamed.insert((kind, before), after);
    }
    for item in items.iter_mut() {
        refer(&mut item.node, "", "", &renamed);
    }
}

/// Follows the fields that name another object.
fn refer(node: &mut Node, key: &str, outer: &str, renamed: &BTreeMap<(String, String), String>) {
    let kind = match (outer, key) {
        ("configMapRef" | "configMapKeyRef" | "configMap", "name") => Some("ConfigMap"),
        ("secretRef" | "secretKeyRef", "name") | ("secret", "secretName" | "name") => Some("Secret"),
        ("persistentVolumeClaim", "claimName") => Some("PersistentVolumeClaim"),
        ("service" | "backendRefs" | "services", "name") | (_, "serviceName") => Some("Service"),
        _ => None,
    };
    if let (Some(kind), Some(name)) = (kind, node.text())
        && let Some(after) = renamed.get(&(kind.to_owned(), name))
    {
        node.value = Value::Text(after.clone());
        return;
    }
    if key == "scaleTargetRef" {
        let of = node.get("kind").and_then(Node::text).unwrap_or_else(|| "Deployment".to_owned());
        let name = node.get("name").cloned();
        if let Some((name, text)) = name.and_then(|name| Some((name.clone(), name.text()?)))
            && let Some(after) = renamed.get(&(of, text))
        {
            put(node, &["name"], name.with(Value::Text(after.clone())));
        }
        return;
    }
    match &mut node.value {
        Value::Map(entries) => {
            for (name, inner) in entries {
                refer(inner, &name.text.clone(), key, renamed);
            }
        }
        Value::List(items) => {
            for item in items {
                refer(item, key, key, renamed);
            }
        }
        _ => {}
    }
}

/// Puts labels on objects, and where told on their pods and into what selects these.
pub(super) fn label(items: &mut [Item], pairs: &Node, selectors: bool, templates: bool) {
    for item in items.iter_mut() {
        for (key, value) in pairs.entries() {
            let name = key.text.as_str();
            put(&mut item.node, &["metadata", "labels", name], value.clone());
            let has_template = item.node.at(&["spec", "template", "spec"]).is_some();
            if has_template && (selectors || templates) {
                put(&mut item.node, &["spec", "template", "metadata", "labels", name], value.clone());
            }
            if !selectors {
                continue;
            }
            match item.kind().as_str() {
                "Service" if item.node.at(&["spec", "selector"]).is_some() => {
                    put(&mut item.node, &["spec", "selector", name], value.clone());
                }
                "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" | "PodDisruptionBudget"
                    if item.node.at(&["spec", "selector"]).is_some() =>
                {
                    put(&mut item.node, &["spec", "selector", "matchLabels", name], value.clone());
                }
                _ => {}
            }
        }
    }
}

/// `replicas: [{name, count}]`. Whether something of that name was there.
pub(super) fn replicas(items: &mut [Item], entry: &Node) -> bool {
    let (Some(name), Some(count)) = (entry.get("name").and_then(Node::text), entry.get("count")) else {
        return false;
    };
    let mut found = false;
    for item in items.iter_mut() {
        let scaled = matches!(
            item.kind().as_str(),
            "Deployment" | "StatefulSet" | "ReplicaSet" | "ReplicationController"
        );
        if scaled && item.names().any(|own| own == name) {
            put(&mut item.node, &["spec", "replicas"], count.clone());
            found = true;
        }
    }
    found
}

/// `images: [{name, newName, newTag, digest}]`.
pub(super) fn image(items: &mut [Item], entry: &Node) {
    let text = |key: &str| entry.get(key).and_then(Node::text);
    let Some(name) = text("name") else { return };
    for item in items.iter_mut() {
        images_in(&mut item.node, &mut |image| {
            let written = image.text().unwrap_or_default();
            let base = written.split('@').next().unwrap_or_default();
            let (repository, tag) = match base.rsplit_once(':') {
                Some((repository, tag)) if !tag.contains('/') => (repository, Some(tag)),
                _ => (base, None),
            };
            if repository != name {
                return;
            }
            let repository = text("newName").unwrap_or_else(|| repository.to_owned());
            let tag = match (text("digest"), text("newTag"), tag) {
                (Some(digest), _, _) => format!("@{digest}"),
                (None, Some(tag), _) => format!(":{tag}"),
                (None, None, Some(tag)) => format!(":{tag}{}", text("tagSuffix").unwrap_or_default()),
                (None, None, None) => String::new(),
            };
            *image = entry.with(Value::Text(format!("{repository}{tag}")));
        });
    }
}

/// Every `image` of a container.
fn images_in(node: &mut Node, change: &mut impl FnMut(&mut Node)) {
    match &mut node.value {
        Value::Map(entries) => {
            for (key, inner) in entries {
                let containers = matches!(key.text.as_str(), "containers" | "initContainers");
                match (&mut inner.value, containers) {
                    (Value::List(items), true) => {
                        for item in items {
                            let Value::Map(fields) = &mut item.value else { continue };
                            for (field, value) in fields {
                                if field.text == "image" {
                                    let before = value.value.clone();
                                    change(value);
                                    if value.value != before {
                                        field.line = value.line;
                                        field.column = value.column;
                                    }
                                }
                            }
                        }
                    }
                    _ => images_in(inner, change),
                }
            }
        }
        Value::List(items) => items.iter_mut().for_each(|item| images_in(item, change)),
        _ => {}
    }
}
