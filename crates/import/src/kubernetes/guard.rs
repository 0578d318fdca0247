//! What protects a workload: disruption budgets, autoscalers, probes, requests, copies of its data.

use dinghai_estate::{
    Enough, Feature, FoundService, Origin, Presence, Role, Scaling, Source, Unknown, UnknownKind,
};

use super::object::{Object, Objects};
use super::select::selects;
use super::workload::{Manner, Workload, scaler};
use crate::fragment::Fragment;
use crate::roles::{Image, keeps_state};
use crate::value::Node;

/// Adds what is known of the protections of a workload.
pub(super) fn features(
    fragment: &mut Fragment,
    objects: &Objects,
    workload: &Workload<'_>,
    service: &mut FoundService,
) {
    let origin = workload.object.origin();
    let absent = || Presence::Absent(Source::derived(origin.clone()));
    if workload.manner != Manner::Operated {
        let probe = ["readinessProbe", "livenessProbe"].iter().find_map(|key| {
            let container = workload.containers().iter().find(|container| container.get(key).is_some())?;
            Some(Presence::Present(Source::declared(container.origin_of(key))))
        });
        // Where a probe or a request would stand.
        let container = workload.containers().first().map_or_else(|| origin.clone(), Node::origin);
        let lacks = || Presence::Absent(Source::derived(container.clone()));
        service.features.insert(Feature::Probe, probe.unwrap_or_else(lacks));
        service.features.insert(Feature::Requests, requests(objects, workload).unwrap_or_else(lacks));
    }
    if !matches!(workload.manner, Manner::PerNode | Manner::Bare) {
        let budget = budget(fragment, objects, workload);
        let missing = match workload.manner {
            Manner::Operated => Presence::Unknown(Unknown {
                why: "its operator may keep a disruption budget of its own".to_owned(),
                kind: UnknownKind::Hidden,
                origin: origin.clone(),
            }),
            _ => absent(),
        };
        service.features.insert(Feature::DisruptionBudget, budget.unwrap_or(missing));
    }
    match scaler(workload.object, objects) {
        Some(scaler) => {
            let source = Source::declared(scaler.origin());
            let number = |keys: [&str; 2]| keys.iter().find_map(|key| scaler.spec(&[key])?.count());
            let least = number(["minReplicas", "minReplicaCount"]).or(workload.count);
            service.scaling = Some(Scaling {
                least,
                most: number(["maxReplicas", "maxReplicaCount"]),
                source: source.clone(),
            });
            service.features.insert(Feature::Scaling, Presence::Present(source));
        }
        None if workload.manner == Manner::Replaced && workload.object.group != "serving.knative.dev" => {
            let counted = Source::derived(workload.counted.origin.clone());
            service.features.insert(Feature::Scaling, Presence::Absent(counted));
        }
        None => {}
    }
    state(objects, workload, service);
}

/// What those who keep state have.
fn state(objects: &Objects, workload: &Workload<'_>, service: &mut FoundService) {
    let origin = workload.object.origin();
    let templates = workload.object.spec(&["volumeClaimTemplates"]).is_some_and(Node::says_something);
    let claims = !super::ground::claims(&workload.pod).is_empty();
    let keeps = keeps_state(workload.role) && workload.role != Role::Cache;
    if templates || claims || keeps {
        let copy = copied(objects, workload).unwrap_or_else(|| {
            let why = match templates || claims || workload.manner == Manner::Operated {
                true => "no file says whether its volume is copied elsewhere",
                false => "it keeps its data in the pod, and no file says whether that is copied elsewhere",
            };
            Presence::Unknown(Unknown {
                why: why.to_owned(),
                kind: UnknownKind::Outside,
                origin: origin.clone(),
            })
        });
        service.features.insert(Feature::CrossZoneCopy, copy);
    }
    if keeps_state(workload.role) || workload.role == Role::Control {
        let clustered = match (workload.count, workload.manner) {
            (Some(1), _) => Presence::Absent(Source::derived(workload.counted.origin.clone())),
            (Some(_), Manner::Operated) => {
                Presence::Present(Source::derived(workload.counted.origin.clone()))
            }
            _ => Presence::Unknown(Unknown {
                why: "no file says whether its pods copy to each other".to_owned(),
                kind: UnknownKind::Hidden,
                origin: origin.clone(),
            }),
        };
        service.features.insert(Feature::Clustered, clustered);
    }
    let votes = workload.images().next().is_some_and(|(image, _)| {
        let image = Image::read(image).repository;
        ["etcd", "zookeeper", "consul"].iter().any(|name| image.rsplit('/').next() == Some(name))
    }) || matches!(workload.object.kind.as_str(), "ZookeeperCluster" | "EtcdCluster");
    if let (true, Some(count @ 3..)) = (votes, workload.count) {
        let majority = count / 2 + 1;
        service.enough = Some(Enough {
            count: majority,
            why: format!("{count} members need a majority of {majority}"),
            source: Source::derived(workload.counted.origin.clone()),
        });
    }
}

/// Whether all containers say what they need. A limit counts as a request where none is stated, and a LimitRange puts one in.
fn requests(objects: &Objects, workload: &Workload<'_>) -> Option<Presence> {
    let stated = |container: &Node, what: &str| {
        ["requests", "limits"]
            .iter()
            .any(|key| container.at(&["resources", key, what]).is_some_and(Node::says_something))
    };
    let containers = workload.containers();
    let all = containers.iter().all(|container| stated(container, "cpu") && stated(container, "memory"));
    if let (true, Some(first)) = (all, containers.first()) {
        return Some(Presence::Present(Source::declared(first.origin_of("resources"))));
    }
    let range = objects.of_kind("LimitRange").find(|range| {
        let limits = range.spec(&["limits"]).map(Node::items).unwrap_or_default();
        range.beside(workload.object.namespace.as_deref())
            && limits.iter().any(|limit| limit.get("defaultRequest").is_some())
    });
    range.map(|range| Presence::Present(Source::derived(range.origin())))
}

/// The disruption budget that selects its pods.
fn budget(fragment: &mut Fragment, objects: &Objects, workload: &Workload<'_>) -> Option<Presence> {
    let budget = objects.of_kind("PodDisruptionBudget").find(|budget| {
        budget.beside(workload.object.namespace.as_deref())
            && budget.spec(&["selector"]).is_some_and(|selector| selects(selector, &workload.labels))
    })?;
    let source = Source::declared(budget.origin());
    let count = workload.count?;
    let share = |key: &str| budget.spec(&[key]).and_then(|node| amount(node, count));
    let leaves = match (share("minAvailable"), share("maxUnavailable")) {
        (Some((least, origin)), _) => Some((count.saturating_sub(least), origin)),
        (None, Some((most, origin))) => Some((most.min(count), origin)),
        (None, None) => None,
    };
    Some(match leaves {
        Some((0, origin)) if count > 0 => {
            let what = format!(
                "PodDisruptionBudget `{}` never lets a pod of `{}` be moved: draining its node waits until somebody deletes it",
                budget.name, workload.id
            );
            fragment.unseen(origin, what);
            Presence::Present(source)
        }
        Some((all, origin)) if all >= count => Presence::Absent(Source::declared(origin)),
        _ => Presence::Present(source),
    })
}

/// A number or a share of `count`, rounded up as Kubernetes does.
fn amount(node: &Node, count: u32) -> Option<(u32, Origin)> {
    let text = node.text()?;
    let number = match text.strip_suffix('%') {
        Some(share) => {
            let share: u32 = share.trim().parse().ok().filter(|share| *share <= 100)?;
            count.checked_mul(share)?.div_ceil(100)
        }
        None => node.count()?,
    };
    Some((number, node.origin()))
}

/// Who copies its data elsewhere.
fn copied(objects: &Objects, workload: &Workload<'_>) -> Option<Presence> {
    let object = workload.object;
    let backup =
        ["backup", "backups"].iter().find_map(|key| object.spec(&[key]).filter(|node| node.says_something()));
    if let Some(backup) = backup.filter(|_| workload.manner == Manner::Operated) {
        return Some(Presence::Present(Source::declared(backup.origin())));
    }
    let schedules = objects.all().iter().filter(|schedule| {
        let namespace = object.namespace.as_deref();
        match (schedule.group.as_str(), schedule.kind.as_str()) {
            ("velero.io", "Schedule") => {
                let included =
                    schedule.spec(&["template", "includedNamespaces"]).map(Node::texts).unwrap_or_default();
                included.is_empty()
                    || included
                        .iter()
                        .any(|name| name == "*" || namespace.is_none_or(|namespace| namespace == name))
            }
            ("snapscheduler.backube", "SnapshotSchedule") => schedule.beside(namespace),
            ("postgresql.cnpg.io", "ScheduledBackup") => {
                schedule.spec(&["cluster", "name"]).and_then(Node::str) == Some(object.name.as_str())
            }
            _ => false,
        }
    });
    schedules.map(Object::origin).map(|origin| Presence::Present(Source::declared(origin))).next()
}
