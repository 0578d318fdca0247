//! Who runs pods: Deployments and their kin, bare pods, and what operators are asked to run.

use std::collections::{BTreeMap, BTreeSet};

use dinghai_estate::{Role, ServiceId, Source, Unknown, UnknownKind};

use super::object::{Object, Objects};
use super::operators;
use super::select::{Labels, labels, map_selects};
use crate::roles::{Image, keeps_state};
use crate::value::{Node, Value};

/// How the pods of a workload are run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// Any number, replaced elsewhere when a node is lost.
    Replaced,
    /// Numbered, each with its own volume; one on a lost node is not replaced until the node is known to be gone.
    Numbered,
    /// One on each node.
    PerNode,
    /// One pod that nobody replaces.
    Bare,
    /// An operator runs them in its own way.
    Operated,
}

/// One object that runs pods.
#[derive(Debug)]
pub(super) struct Workload<'a> {
    pub(super) object: &'a Object,
    pub(super) id: ServiceId,
    pub(super) manner: Manner,
    /// The specification of its pods.
    pub(super) pod: Node,
    pub(super) labels: Labels,
    /// How many pods.
    pub(super) count: Option<u32>,
    pub(super) counted: Source,
    pub(super) open: Option<Unknown>,
    pub(super) role: Role,
    /// Further names by which its pods are reached, where an operator makes the Service.
    pub(super) names: Vec<String>,
}

impl Workload<'_> {
    /// All containers that run as long as the pod does.
    pub(super) fn containers(&self) -> &[Node] {
        self.pod.get("containers").map(Node::items).unwrap_or_default()
    }

    /// The images of its containers as written, each with where.
    pub(super) fn images(&self) -> impl Iterator<Item = (&str, &Node)> {
        self.containers().iter().filter_map(|container| Some((container.get("image")?.str()?, container)))
    }

    /// The name of its `number`th pod, from 0.
    pub(super) fn pod_name(&self, number: u32) -> String {
        match self.manner {
            Manner::Bare => self.object.name.clone(),
            Manner::Numbered => format!("{}-{number}", self.object.name),
            _ => format!("{}-{}", self.object.name, number + 1),
        }
    }

    fn repository(&self) -> Option<String> {
        self.images().next().map(|(image, _)| Image::read(image).repository)
    }
}

/// All workloads, with the names of the services that they are.
pub(super) fn workloads(objects: &Objects) -> Vec<Workload<'_>> {
    let mut found: Vec<Workload<'_>> =
        objects.all().iter().filter_map(|object| of(object, objects)).collect();
    name_all(&mut found);
    join(objects, &mut found);
    found
}

/// Whether a kind is one of those that run pods for good.
pub(super) fn manner(object: &Object) -> Option<Manner> {
    Some(match (object.group.as_str(), object.kind.as_str()) {
        ("apps" | "extensions", "Deployment" | "ReplicaSet") => Manner::Replaced,
        ("", "ReplicationController") | ("argoproj.io", "Rollout") => Manner::Replaced,
        ("apps.openshift.io", "DeploymentConfig") | ("apps.kruise.io", "CloneSet") => Manner::Replaced,
        ("serving.knative.dev", "Service") => Manner::Replaced,
        ("apps" | "apps.kruise.io", "StatefulSet") => Manner::Numbered,
        ("apps" | "extensions" | "apps.kruise.io", "DaemonSet") => Manner::PerNode,
        ("", "Pod") => Manner::Bare,
        _ => return None,
    })
}

fn of<'a>(object: &'a Object, objects: &Objects) -> Option<Workload<'a>> {
    let Some(manner) = manner(object) else { return operators::workload(object, objects) };
    if object.annotation("helm.sh/hook").is_some() {
        return None;
    }
    let (pod, marks) = match manner {
        Manner::Bare => (object.body.get("spec")?.clone(), object.body.at(&["metadata", "labels"])),
        _ => (object.spec(&["template", "spec"])?.clone(), object.spec(&["template", "metadata", "labels"])),
    };
    let mut workload = Workload {
        object,
        id: ServiceId::new(&object.name),
        manner,
        labels: labels(marks),
        pod,
        count: Some(1),
        counted: Source::declared(object.origin()),
        open: None,
        role: Role::Workload,
        names: Vec::new(),
    };
    workload.role = role(&workload);
    count(&mut workload, objects);
    Some(workload)
}

/// By the first image with a well-known name: sidecars stand behind the main container.
fn role(workload: &Workload<'_>) -> Role {
    let mut images = workload.images().map(|(image, _)| Image::read(image));
    let Some(first) = images.next() else { return Role::Workload };
    if first.is_ingress_controller() {
        return Role::Balancer;
    }
    match first.role() {
        // A web server in a pod of its own serves files as often as it spreads requests.
        Role::Balancer if !first.repository.contains("haproxy") && !first.repository.contains("envoy") => {
            match workload.pod.get("volumes").is_some_and(Node::says_something) {
                true => Role::Balancer,
                false => Role::Workload,
            }
        }
        role => role,
    }
}

/// How many pods: what its autoscaler never goes below, else `replicas`, else the one that Kubernetes runs by default.
fn count(workload: &mut Workload<'_>, objects: &Objects) {
    let object = workload.object;
    match workload.manner {
        Manner::Bare => return,
        Manner::PerNode => {
            workload.count = None;
            workload.counted = Source::derived(object.origin());
            workload.open = Some(Unknown {
                why: "one pod runs on each node, and no file lists the nodes".to_owned(),
                kind: UnknownKind::Outside,
                origin: object.origin(),
            });
            return;
        }
        _ => {}
    }
    let (stated, default, key): (Option<&Node>, u32, &str) =
        match (object.group.as_str(), scaler(object, objects)) {
            ("serving.knative.dev", _) => {
                let marks = object.spec(&["template", "metadata", "annotations"]);
                let least = ["autoscaling.knative.dev/min-scale", "autoscaling.knative.dev/minScale"];
                (least.iter().find_map(|name| marks?.get(name)), 0, "min-scale")
            }
            (_, Some(scaler)) => match scaler.kind.as_str() {
                "ScaledObject" => (scaler.spec(&["minReplicaCount"]), 0, "minReplicaCount"),
                _ => (scaler.spec(&["minReplicas"]), 1, "minReplicas"),
            },
            _ => (object.spec(&["replicas"]), 1, "replicas"),
        };
    let stated = stated.filter(|stated| stated.value != Value::Null);
    match stated {
        None => {
            workload.count = Some(default);
            workload.counted = Source::derived(object.origin());
        }
        Some(stated) => {
            workload.count = stated.count();
            workload.counted = Source::declared(stated.origin());
            if workload.count.is_none() {
                workload.open = Some(Unknown {
                    why: stated.unknown().map_or_else(|| format!("`{key}` is no number"), str::to_owned),
                    kind: UnknownKind::Unresolved,
                    origin: stated.origin(),
                });
            }
        }
    }
}

/// The autoscaler that has a workload in its charge.
pub(super) fn scaler<'a>(object: &Object, objects: &'a Objects) -> Option<&'a Object> {
    let of = |kind: &'static str| objects.of_kind(kind);
    of("HorizontalPodAutoscaler").chain(of("ScaledObject")).find(|scaler| {
        let target = scaler.spec(&["scaleTargetRef"]);
        let text = |key: &str| target.and_then(|target| target.get(key)).and_then(Node::str);
        let kind = text("kind").unwrap_or("Deployment");
        text("name") == Some(object.name.as_str())
            && kind == object.kind
            && scaler.beside(object.namespace.as_deref())
    })
}

/// Names that two workloads share get their namespace in front, or their kind.
fn name_all(found: &mut [Workload<'_>]) {
    let mut uses: BTreeMap<&str, usize> = BTreeMap::new();
    for workload in found.iter() {
        *uses.entry(workload.object.name.as_str()).or_default() += 1;
    }
    let shared: BTreeSet<String> =
        uses.into_iter().filter(|(_, uses)| *uses > 1).map(|(name, _)| name.to_owned()).collect();
    let mut taken = BTreeSet::new();
    for workload in found.iter_mut() {
        let object = workload.object;
        if shared.contains(&object.name) {
            let full = format!("{}/{}", object.namespace.as_deref().unwrap_or("default"), object.name);
            let full = if taken.contains(&full) { format!("{full} ({})", object.kind) } else { full };
            workload.id = ServiceId::new(&full);
            taken.insert(full);
        }
    }
}

/// One service out of several workloads that stand behind one Service and run the same image: a Deployment for each zone, a canary
/// beside the stable one. Where state is kept the copies differ, and are left apart.
fn join(objects: &Objects, found: &mut [Workload<'_>]) {
    let names: BTreeSet<String> = found.iter().map(|workload| workload.object.name.clone()).collect();
    for service in objects.of_kind("Service").filter(|service| service.group.is_empty()) {
        let Some(selector) = service.spec(&["selector"]) else { continue };
        let behind: Vec<usize> = found
            .iter()
            .enumerate()
            .filter(|(_, workload)| {
                service.beside(workload.object.namespace.as_deref())
                    && map_selects(selector, &workload.labels)
            })
            .map(|(index, _)| index)
            .collect();
        let members: Vec<&Workload<'_>> = behind.iter().filter_map(|index| found.get(*index)).collect();
        let Some(first) = members.first().filter(|_| members.len() > 1) else { continue };
        let alike = members
            .iter()
            .all(|member| member.repository() == first.repository() && !keeps_state(member.role));
        if !alike || first.repository().is_none() {
            continue;
        }
        let own = members.iter().any(|member| member.object.name == service.name);
        let id = match own || !names.contains(&service.name) {
            true => ServiceId::new(&service.name),
            false => first.id.clone(),
        };
        for index in behind {
            if let Some(member) = found.get_mut(index) {
                member.id = id.clone();
            }
        }
    }
}
