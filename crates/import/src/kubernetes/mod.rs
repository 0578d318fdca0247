//! Kubernetes: what runs in a cluster, where its pods may stand, and who reaches whom.
//!
//! | objects | become |
//! |---|---|
//! | Deployment, StatefulSet, DaemonSet, Pod and kin ([`workload`]), objects of operators ([`operators`]) | services with instances |
//! | `nodeSelector`, affinity, spread, volumes, `Node`s ([`placement`], [`apart`], [`ground`]) | where these stand |
//! | Service, Ingress, routes ([`network`]) | names, entries |
//! | environment, arguments, ConfigMaps ([`reach`]) | needs |
//! | probes, restarts, lost nodes ([`recovery`]) | mechanisms with their timers |
//! | PodDisruptionBudget, autoscalers, requests, backups ([`guard`]) | protections |
//!
//! Kustomize is rendered first ([`kustomize`]); Helm charts are programs, and are not run: `unseen` says which command to run.

mod apart;
mod ground;
mod guard;
mod helm;
pub(crate) mod kustomize;
mod network;
mod object;
mod operators;
mod placement;
mod reach;
mod recovery;
mod select;
mod workload;

use std::collections::{BTreeMap, BTreeSet};

use dinghai_estate::{Act, Feature, FoundService, Handling, Presence, RecoveryStep, ServiceId, Source};

use self::ground::Ground;
use self::object::{Object, Objects};
use self::workload::{Manner, Workload};
use crate::SourceFile;
use crate::fragment::Fragment;
use crate::roles::Image;
use crate::yaml;

pub(crate) use helm::chart;

/// Reads the manifests of one root.
pub(crate) fn read(name: &str, files: &[&SourceFile]) -> Fragment {
    let mut fragment = Fragment::new(name, "kubernetes");
    let mut objects = Vec::new();
    for file in files {
        if kustomize::is_kustomization(&file.path) {
            continue;
        }
        if helm::is_template(file) {
            fragment.unseen_file(&file.path, helm::advice(&file.path));
            continue;
        }
        let documents = yaml::read(&file.path, &file.text);
        if let Some((origin, why)) = documents.broken {
            fragment.unseen(origin, why);
        }
        let mut rest = Vec::new();
        for document in documents.documents {
            object::objects(document, &mut objects, &mut rest);
        }
        if let Some(first) = rest.first() {
            fragment.unseen(first.origin(), "no Kubernetes object: `apiVersion` and `kind` are missing");
        }
    }
    understand(&mut fragment, objects);
    fragment
}

/// Reads what one `kustomization.yaml` renders to, given all files of the tree.
pub(crate) fn read_overlay(name: &str, files: &[&SourceFile], path: &str) -> Fragment {
    let mut fragment = Fragment::new(name, "kustomize");
    let rendered = kustomize::render(files, path);
    for unseen in rendered.unseen {
        fragment.unseen(unseen.origin, unseen.what);
    }
    let mut objects = Vec::new();
    for document in rendered.objects {
        object::objects(document, &mut objects, &mut Vec::new());
    }
    understand(&mut fragment, objects);
    fragment
}

/// Turns objects into facts.
fn understand(fragment: &mut Fragment, objects: Vec<Object>) {
    let objects = Objects::new(distinct(fragment, objects));
    let ground = Ground::read(fragment, &objects);
    let workloads = workload::workloads(&objects);
    for workload in &workloads {
        service(fragment, &objects, &ground, workload);
    }
    joined(fragment, &workloads);
    network::services(fragment, &objects, &workloads);
    network::routes(fragment, &objects, &workloads);
    network::prefer_public(fragment);
    for workload in workloads.iter().filter(|workload| workload.count != Some(0)) {
        reach::wants(fragment, &objects, workload);
    }
    steps(fragment, &workloads);
    cover(fragment, &objects, &workloads);
}

/// One object of each kind and name: of several the last one counts, as when they are applied one after another.
fn distinct(fragment: &mut Fragment, objects: Vec<Object>) -> Vec<Object> {
    let mut sorted = objects;
    sorted.sort_by(|one, other| {
        (&one.body.file, one.body.line, &one.name).cmp(&(&other.body.file, other.body.line, &other.name))
    });
    let mut last: BTreeMap<(String, String, Option<String>, String), Object> = BTreeMap::new();
    for object in sorted {
        let key = (object.group.clone(), object.kind.clone(), object.namespace.clone(), object.name.clone());
        if object.name.is_empty() {
            last.insert((key.0, key.1, key.2, format!("{}:{}", object.body.file, object.body.line)), object);
            continue;
        }
        let title = object.title();
        if let Some(before) = last.insert(key, object) {
            fragment
                .unseen(before.origin(), format!("{title} is declared once more, and the later one counts"));
        }
    }
    last.into_values().collect()
}

fn service(fragment: &mut Fragment, objects: &Objects, ground: &Ground<'_>, workload: &Workload<'_>) {
    let object = workload.object;
    if workload.count == Some(0) {
        let what = format!("{} runs no pods and was left out", object.title());
        fragment.unseen(workload.counted.origin.clone(), what);
        fragment.count(&object.kind, Handling::Ignored);
        return;
    }
    let (instances, spread) = placement::place(fragment, objects, ground, workload);
    let mut found = FoundService::new(workload.role, object.title(), Source::declared(object.origin()));
    found.open = match workload.manner {
        // With all nodes in files, one pod on each is all of them.
        Manner::PerNode if !instances.is_empty() => None,
        _ => workload.open.clone(),
    };
    let known = found.open.is_none() && instances.iter().all(|instance| instance.unknown.is_empty());
    fragment.count(&object.kind, if known { Handling::Placed } else { Handling::Unknown });
    found.instances = instances;
    if let Some(spread) = spread {
        found.features.insert(Feature::Spread, spread);
    }
    guard::features(fragment, objects, workload, &mut found);
    match fragment.inventory.services.get_mut(&workload.id) {
        None => {
            fragment.inventory.services.insert(workload.id.clone(), found);
        }
        Some(before) => together(before, found),
    }
    recovery::mechanisms(fragment, objects, workload);
}

/// Another workload of the same service.
fn together(service: &mut FoundService, other: FoundService) {
    service.resource = format!("{} and {}", service.resource, other.resource);
    service.instances.extend(other.instances);
    service.open = service.open.take().or(other.open);
    for (feature, presence) in other.features {
        let weight = |presence: &Presence| match presence {
            Presence::Absent(_) => 0,
            Presence::Unknown(_) => 1,
            Presence::Present(_) => 2,
        };
        let known = service.features.entry(feature).or_insert_with(|| presence.clone());
        if weight(&presence) < weight(known) {
            *known = presence;
        }
    }
}

/// Services of several workloads are kept apart when these stand in different places by name.
fn joined(fragment: &mut Fragment, workloads: &[Workload<'_>]) {
    let mut members: BTreeMap<&ServiceId, usize> = BTreeMap::new();
    for workload in workloads {
        *members.entry(&workload.id).or_default() += 1;
    }
    for (id, _) in members.into_iter().filter(|(_, members)| *members > 1) {
        let Some(service) = fragment.inventory.services.get_mut(id) else { continue };
        let shared = service.instances.iter().map(|one| one.at.keys().cloned().collect::<BTreeSet<_>>());
        let shared =
            shared.reduce(|one, other| one.intersection(&other).cloned().collect()).unwrap_or_default();
        let all_known = service.instances.iter().all(|one| one.unknown.is_empty() && !one.at.is_empty());
        if all_known && shared.is_empty() && service.instances.len() > 1 {
            let source = Source::derived(service.source.origin.clone());
            service.features.insert(Feature::Spread, Presence::Present(source));
        }
    }
}

/// What recovery needs: registries that stand in the same files, and the control plane where it does.
fn steps(fragment: &mut Fragment, workloads: &[Workload<'_>]) {
    for workload in workloads {
        for (written, container) in workload.images() {
            let Some(registry) = Image::read(written).registry else { continue };
            let policy = container.get("imagePullPolicy").and_then(crate::value::Node::str);
            let host = registry.split(':').next().unwrap_or_default();
            let known = fragment.names.get(&registry).or_else(|| fragment.names.get(host));
            let Some(needs) =
                known.and_then(|known| known.first()).filter(|needs| **needs != workload.id).cloned()
            else {
                continue;
            };
            if policy == Some("Never") {
                continue;
            }
            let always = if policy == Some("Always") { ", imagePullPolicy Always" } else { "" };
            fragment.inventory.steps.push(RecoveryStep {
                act: Act::PullImage,
                service: Some(workload.id.clone()),
                needs: Some(needs),
                place: None,
                how: format!("image {written}{always}"),
                source: Source::declared(container.origin_of("image")),
            });
        }
    }
    let control = workloads.iter().find(|workload| {
        workload.object.kind == "KubeadmControlPlane"
            || workload.images().any(|(image, _)| image.contains("kube-apiserver"))
    });
    if let Some(control) = control {
        fragment.inventory.steps.push(RecoveryStep {
            act: Act::ScaleOut,
            service: None,
            needs: Some(control.id.clone()),
            place: None,
            how: "the Kubernetes control plane schedules its pods".to_owned(),
            source: Source::derived(control.object.origin()),
        });
    }
}

/// Counts what is no workload, Service or route: those have been counted where they were read.
fn cover(fragment: &mut Fragment, objects: &Objects, workloads: &[Workload<'_>]) {
    const REASONED: [&str; 25] = [
        "ConfigMap",
        "Secret",
        "PodDisruptionBudget",
        "HorizontalPodAutoscaler",
        "ScaledObject",
        "PersistentVolume",
        "PersistentVolumeClaim",
        "StorageClass",
        "Node",
        "Endpoints",
        "EndpointSlice",
        "NetworkPolicy",
        "LimitRange",
        "Job",
        "CronJob",
        "Gateway",
        "GatewayClass",
        "IngressClass",
        "Namespace",
        "KafkaNodePool",
        "Schedule",
        "ScheduledBackup",
        "SnapshotSchedule",
        "ClusterConfiguration",
        "ServiceEntry",
    ];
    const IGNORED: [&str; 33] = [
        "ServiceAccount",
        "Role",
        "RoleBinding",
        "ClusterRole",
        "ClusterRoleBinding",
        "CustomResourceDefinition",
        "PriorityClass",
        "ResourceQuota",
        "MutatingWebhookConfiguration",
        "ValidatingWebhookConfiguration",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
        "APIService",
        "PodSecurityPolicy",
        "ServiceMonitor",
        "PodMonitor",
        "PrometheusRule",
        "Certificate",
        "Issuer",
        "ClusterIssuer",
        "DestinationRule",
        "PeerAuthentication",
        "AuthorizationPolicy",
        "Sidecar",
        "VolumeSnapshotClass",
        "VolumeSnapshot",
        "Event",
        "Lease",
        "CSIDriver",
        "RuntimeClass",
        "SecurityContextConstraints",
        "VerticalPodAutoscaler",
        "ReferenceGrant",
    ];
    let running: BTreeSet<(&str, &str, Option<&str>)> =
        workloads.iter().map(|workload| key(workload.object)).collect();
    let mut strange: BTreeMap<(String, String), (Object, u32)> = BTreeMap::new();
    for object in objects.all() {
        let counted = running.contains(&key(object))
            || (object.kind == "Service" && object.group.is_empty())
            || fragment.inventory.coverage.kinds.contains_key(&object.kind) && is_route(&object.kind);
        if counted {
            continue;
        }
        let kind = object.kind.as_str();
        if REASONED.contains(&kind) {
            fragment.count(kind, Handling::Reasoned);
        } else if IGNORED.contains(&kind) {
            fragment.count(kind, Handling::Ignored);
        } else {
            fragment.count(kind, Handling::Ignored);
            let seen = strange
                .entry((object.group.clone(), object.kind.clone()))
                .or_insert_with(|| (object.clone(), 0));
            seen.1 += 1;
        }
    }
    for ((group, kind), (first, count)) in strange {
        let name = if group.is_empty() { kind } else { format!("{kind}.{group}") };
        let times = if count == 1 { String::new() } else { format!(" ({count} of them)") };
        fragment.unseen(first.origin(), format!("`{name}` is not a kind that is known here{times}"));
    }
}

fn is_route(kind: &str) -> bool {
    matches!(
        kind,
        "Ingress"
            | "HTTPRoute"
            | "TLSRoute"
            | "TCPRoute"
            | "GRPCRoute"
            | "UDPRoute"
            | "VirtualService"
            | "Route"
            | "IngressRoute"
            | "IngressRouteTCP"
            | "HTTPProxy"
    )
}

fn key(object: &Object) -> (&str, &str, Option<&str>) {
    (object.kind.as_str(), object.name.as_str(), object.namespace.as_deref())
}

#[cfg(test)]
mod tests;
