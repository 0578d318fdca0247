//! What a cluster's pods stand on, as far as files say: nodes, zones, and volumes that are tied to one.

use std::collections::{BTreeMap, BTreeSet};

use dinghai_estate::{Origin, PlaceId, PlaceKind, Source};

use super::object::{Object, Objects};
use super::select::{Labels, holds, labels};
use crate::fragment::Fragment;
use crate::value::Node;

/// Values of a label that a pod may stand under, and the line that says so.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Allowed {
    pub(super) values: BTreeSet<String>,
    pub(super) source: Source,
}

impl Allowed {
    /// Both restrictions together. One value is surer than many, so the line of the narrower one is kept.
    pub(super) fn and(self, other: Option<Self>) -> Self {
        let Some(other) = other else { return self };
        let values: BTreeSet<String> = self.values.intersection(&other.values).cloned().collect();
        let source = if other.values.len() < self.values.len() { other.source } else { self.source };
        Self { values, source }
    }

    /// The one value that is left.
    pub(super) fn only(&self) -> Option<&str> {
        let mut values = self.values.iter();
        values.next().filter(|_| values.next().is_none()).map(String::as_str)
    }
}

/// What kind of place a node's label names. Vendors have labels of their own that end alike.
pub(super) fn kind_of_label(label: &str) -> Option<PlaceKind> {
    match label {
        "kubernetes.io/hostname" | "metadata.name" => Some(PlaceKind::Node),
        _ => match label.rsplit_once('/').map_or(label, |(_, last)| last) {
            "zone" => Some(PlaceKind::Zone),
            "region" => Some(PlaceKind::Region),
            "rack" => Some(PlaceKind::Rack),
            _ => None,
        },
    }
}

/// A node that a file declares.
#[derive(Debug)]
pub(super) struct KnownNode<'a> {
    object: &'a Object,
    pub(super) labels: Labels,
}

/// The nodes of a cluster; empty when no file lists them, which is usual.
#[derive(Debug, Default)]
pub(super) struct Ground<'a> {
    pub(super) nodes: Vec<KnownNode<'a>>,
}

impl<'a> Ground<'a> {
    /// Reads `Node` objects, and makes places of them.
    pub(super) fn read(fragment: &mut Fragment, objects: &'a Objects) -> Self {
        let mut nodes = Vec::new();
        for object in objects.of_kind("Node").filter(|object| object.group.is_empty()) {
            let mut own = labels(object.body.at(&["metadata", "labels"]));
            own.entry("kubernetes.io/hostname".to_owned()).or_insert_with(|| object.name.clone());
            let marks = object.body.at(&["metadata", "labels"]);
            let id = PlaceId::new(&object.name);
            fragment.place(&id, PlaceKind::Node, &Source::declared(object.origin()));
            let mut inner = id;
            for kind in [PlaceKind::Rack, PlaceKind::Zone, PlaceKind::Region] {
                let label = marks
                    .into_iter()
                    .flat_map(Node::entries)
                    .find(|(key, _)| kind_of_label(&key.text) == Some(kind));
                let Some((_, value)) = label else { continue };
                let Some(name) = value.text() else { continue };
                let outer = PlaceId::new(name);
                let source = Source::declared(value.origin());
                fragment.place(&outer, kind, &source);
                if outer != inner {
                    fragment.place(&inner, kind, &source).within.entry(outer.clone()).or_insert(source);
                }
                inner = outer;
            }
            nodes.push(KnownNode { object, labels: own });
        }
        Self { nodes }
    }

    /// The nodes on which a pod may stand.
    pub(super) fn eligible(&self, pod: &Node) -> Vec<&KnownNode<'a>> {
        let tolerations = pod.get("tolerations").map(Node::items).unwrap_or_default();
        self.nodes
            .iter()
            .filter(|node| wanted(pod, &node.labels) && tolerated(node.object, tolerations))
            .collect()
    }
}

/// Whether `nodeSelector` and required node affinity admit a node with these labels.
fn wanted(pod: &Node, labels: &Labels) -> bool {
    let selected = pod.get("nodeSelector").into_iter().flat_map(Node::entries);
    let mut selected = selected.map(|(key, value)| labels.get(&key.text) == value.text().as_ref());
    let terms = terms(pod);
    let admitted = |term: &Node| {
        let expressions = term.get("matchExpressions").map(Node::items).unwrap_or_default();
        expressions.iter().all(|expression| holds(expression, labels))
    };
    selected.all(|holds| holds) && (terms.is_empty() || terms.iter().any(admitted))
}

fn tolerated(node: &Object, tolerations: &[Node]) -> bool {
    let taints = node.spec(&["taints"]).map(Node::items).unwrap_or_default();
    let text = |node: &Node, key: &str| node.get(key).and_then(Node::text);
    taints.iter().filter(|taint| text(taint, "effect").as_deref() != Some("PreferNoSchedule")).all(|taint| {
        tolerations.iter().any(|toleration| {
            let all = text(toleration, "operator").as_deref() == Some("Exists");
            let key = text(toleration, "key");
            (key.is_none() && all)
                || (key == text(taint, "key") && (all || text(toleration, "value") == text(taint, "value")))
        })
    })
}

fn terms(pod: &Node) -> &[Node] {
    pod.at(&[
        "affinity",
        "nodeAffinity",
        "requiredDuringSchedulingIgnoredDuringExecution",
        "nodeSelectorTerms",
    ])
    .map(Node::items)
    .unwrap_or_default()
}

/// The places of a kind to which a pod's specification restricts it.
pub(super) fn allowed(pod: &Node, kind: PlaceKind) -> Option<Allowed> {
    let selected = pod.get("nodeSelector").into_iter().flat_map(Node::entries);
    let selected =
        selected.filter(|(key, _)| kind_of_label(&key.text) == Some(kind)).find_map(|(_, value)| {
            let source = Source::declared(value.origin());
            Some(Allowed { values: [value.text()?].into(), source })
        });
    let named = pod.get("nodeName").filter(|_| kind == PlaceKind::Node).and_then(|name| {
        Some(Allowed { values: [name.text()?].into(), source: Source::declared(name.origin()) })
    });
    let affinity = of_terms(terms(pod), kind);
    let both = match selected.or(named) {
        Some(selected) => Some(selected.and(affinity)),
        None => affinity,
    };
    both.filter(|allowed| !allowed.values.is_empty())
}

/// What node selector terms allow: any one of them may hold, so each has to restrict it.
fn of_terms(terms: &[Node], kind: PlaceKind) -> Option<Allowed> {
    let mut whole: Option<Allowed> = None;
    for term in terms {
        let both = ["matchExpressions", "matchFields"];
        let expressions = both.iter().flat_map(|key| term.get(key).map(Node::items).unwrap_or_default());
        let own = expressions
            .filter(|expression| {
                let text = |key: &str| expression.get(key).and_then(Node::str).unwrap_or_default();
                text("operator") == "In" && kind_of_label(text("key")) == Some(kind)
            })
            .filter_map(|expression| {
                let values = expression.get("values")?;
                Some(Allowed {
                    values: values.texts().into_iter().collect(),
                    source: Source::declared(values.origin()),
                })
            })
            .reduce(|one, other| one.and(Some(other)))?;
        match &mut whole {
            Some(whole) => whole.values.extend(own.values),
            None => whole = Some(own),
        }
    }
    whole
}

/// The places of a kind to which the volume behind a claim ties whoever mounts it.
pub(super) fn of_claim(
    objects: &Objects,
    claim: &str,
    namespace: Option<&str>,
    template: Option<&Node>,
    kind: PlaceKind,
) -> Option<Allowed> {
    let claimed = objects.named("PersistentVolumeClaim", claim, namespace);
    let by_name = claimed.and_then(|claim| claim.spec(&["volumeName"])).and_then(Node::str);
    let volume = match by_name {
        Some(name) => objects.named("PersistentVolume", name, None),
        None => objects.of_kind("PersistentVolume").find(|volume| {
            let reference = volume.spec(&["claimRef"]);
            let text = |key: &str| reference.and_then(|reference| reference.get(key)).and_then(Node::str);
            text("name") == Some(claim)
                && (text("namespace") == namespace || namespace.is_none() || text("namespace").is_none())
        }),
    };
    let of_volume = volume.and_then(|volume| {
        let terms = volume
            .spec(&["nodeAffinity", "required", "nodeSelectorTerms"])
            .map(Node::items)
            .unwrap_or_default();
        of_terms(terms, kind).or_else(|| {
            let marks = volume.body.at(&["metadata", "labels"]).into_iter().flat_map(Node::entries);
            marks.filter(|(key, _)| kind_of_label(&key.text) == Some(kind)).find_map(|(_, value)| {
                Some(Allowed { values: [value.text()?].into(), source: Source::declared(value.origin()) })
            })
        })
    });
    let spec = claimed
        .and_then(|claim| claim.body.get("spec"))
        .or_else(|| template.and_then(|template| template.get("spec")));
    let class = spec.and_then(|spec| spec.get("storageClassName")).and_then(Node::str);
    let of_class = class.and_then(|class| objects.named("StorageClass", class, None)).and_then(|class| {
        let topologies = class.body.get("allowedTopologies").map(Node::items).unwrap_or_default();
        let mut values = BTreeSet::new();
        let mut origin: Option<Origin> = None;
        for topology in topologies {
            let expressions = topology.get("matchLabelExpressions").map(Node::items).unwrap_or_default();
            for expression in expressions {
                if expression.get("key").and_then(Node::str).and_then(kind_of_label) == Some(kind) {
                    values.extend(expression.get("values").map(Node::texts).unwrap_or_default());
                    origin.get_or_insert_with(|| expression.origin_of("values"));
                }
            }
        }
        Some(Allowed { values, source: Source::derived(origin?) })
    });
    match (of_volume, of_class) {
        (Some(volume), class) => Some(volume.and(class)),
        (None, class) => class,
    }
}

/// The claims that a pod mounts by name.
pub(super) fn claims(pod: &Node) -> BTreeMap<String, &Node> {
    let volumes = pod.get("volumes").map(Node::items).unwrap_or_default();
    let claims = volumes.iter().filter_map(|volume| volume.at(&["persistentVolumeClaim", "claimName"]));
    claims.filter_map(|claim| Some((claim.text()?, claim))).collect()
}
