//! Where the pods of a workload stand, as far as files say.
//!
//! Files name zones and nodes only sometimes. What they do not name is handled so:
//!
//! - **One pod** certainly stands on *some* node and is lost with it: it gets a node of its own, `node of cart-1`.
//! - **Kept apart by a rule**, without names: the pods stand in places that are distinct and have no name. They get `zone-1`,
//!   `zone-2`, … or `node-1`, `node-2`, …, *shared by all workloads of the root*: the loss of one zone takes a share of
//!   everything, which is the worst that can be. A cluster is taken to have as many zones as its `Node` objects, its rules
//!   (`minDomains`) or required anti-affinity say, else [`ZONES`]; that assumption is said in `unseen`.
//! - **Not kept apart**: all may stand on one node in one zone. Which, nobody can tell: unknown, and never safe.

use std::collections::{BTreeMap, BTreeSet};

use dinghai_estate::{
    FoundInstance, InstanceId, Origin, PlaceId, PlaceKind, Presence, Source, Unknown, UnknownKind,
};

use super::apart::{Rule, crowded, rules, together};
use super::ground::{Allowed, Ground, allowed, claims, kind_of_label, of_claim};
use super::object::Objects;
use super::workload::{Manner, Workload};
use crate::fragment::Fragment;
use crate::value::Node;

/// Zones that a cluster is taken to have when rules spread over zones and no file says how many there are: what vendors'
/// regional clusters have.
const ZONES: u32 = 3;
/// Pods of one workload that are told apart, at most.
const MOST: u32 = 500;

/// The pods of a workload, and whether they are kept apart.
pub(super) fn place(
    fragment: &mut Fragment,
    objects: &Objects,
    ground: &Ground<'_>,
    workload: &Workload<'_>,
) -> (Vec<FoundInstance>, Option<Presence>) {
    let eligible = ground.eligible(&workload.pod);
    if workload.manner == Manner::PerNode {
        return on_every_node(ground, workload);
    }
    let count = workload.count.unwrap_or(1).min(MOST);
    let rules = rules(&workload.pod, &workload.labels);
    let mut instances: Vec<FoundInstance> = (0..count)
        .map(|number| {
            FoundInstance::new(InstanceId::new(workload.pod_name(number)), workload.counted.clone())
        })
        .collect();
    let mut placing = Placing { fragment, workload, instances: &mut instances, rules: &rules };
    for kind in [PlaceKind::Region, PlaceKind::Zone, PlaceKind::Rack, PlaceKind::Node] {
        let mut general = allowed(&workload.pod, kind);
        if !eligible.is_empty() {
            general = match (of_nodes(&eligible, kind, workload), general) {
                (Some(nodes), general) => Some(nodes.and(general)),
                (None, general) => general,
            };
        }
        placing.kind(kind, general, objects);
    }
    let spread = kept_apart(workload, &rules, count);
    (instances, spread)
}

/// The labels of the nodes on which it may stand, when all of them have one.
fn of_nodes(
    eligible: &[&super::ground::KnownNode<'_>],
    kind: PlaceKind,
    workload: &Workload<'_>,
) -> Option<Allowed> {
    let mut values = BTreeSet::new();
    for node in eligible {
        let (_, value) = node.labels.iter().find(|(label, _)| kind_of_label(label) == Some(kind))?;
        values.insert(value.clone());
    }
    Some(Allowed { values, source: Source::derived(workload.object.origin()) })
}

fn on_every_node(ground: &Ground<'_>, workload: &Workload<'_>) -> (Vec<FoundInstance>, Option<Presence>) {
    let source = Source::derived(workload.object.origin());
    let instances = ground.eligible(&workload.pod).into_iter().filter_map(|node| {
        let name = node.labels.get("kubernetes.io/hostname")?;
        let id = InstanceId::new(format!("{}@{name}", workload.object.name));
        Some(FoundInstance::new(id, source.clone()).at(PlaceId::new(name), source.clone()))
    });
    (instances.collect(), Some(Presence::Present(source.clone())))
}

struct Placing<'a, 'b> {
    fragment: &'a mut Fragment,
    workload: &'a Workload<'b>,
    instances: &'a mut Vec<FoundInstance>,
    rules: &'a [Rule],
}

impl Placing<'_, '_> {
    fn kind(&mut self, kind: PlaceKind, general: Option<Allowed>, objects: &Objects) {
        let mut free = Vec::new();
        for index in 0..self.instances.len() {
            let tied = self.tied(index, kind, objects);
            let own = match (general.clone(), tied) {
                (Some(general), tied) => Some(general.and(tied)),
                (None, tied) => tied,
            };
            match own.as_ref().and_then(|own| Some((own.only()?.to_owned(), own.source.clone()))) {
                Some((name, source)) => self.stand(index, kind, &name, &source),
                None => free.push(index),
            }
        }
        if free.is_empty() {
            return;
        }
        let rule = self
            .rules
            .iter()
            .filter(|rule| rule.kind == kind && rule.hard)
            .min_by_key(|rule| rule.skew.unwrap_or(0));
        let lonely = self.instances.len() == 1;
        match (rule.cloned(), together(&self.workload.pod, &self.workload.labels)) {
            (Some(rule), _) if !lonely => self.spread(kind, general.as_ref(), &rule, &free),
            (_, Some((with, origin))) if with == kind && !lonely => {
                let name = format!("{kind} of {}", self.workload.id);
                for index in free {
                    self.stand(index, kind, &name, &Source::derived(origin.clone()));
                }
            }
            _ if kind == PlaceKind::Node => self.nodes(&free, objects),
            _ if kind == PlaceKind::Zone => self.leave_open(kind, general.as_ref(), &free),
            _ => {}
        }
    }

    /// Where its volumes tie a pod to.
    fn tied(&self, index: usize, kind: PlaceKind, objects: &Objects) -> Option<Allowed> {
        let object = self.workload.object;
        let namespace = object.namespace.as_deref();
        let templates = object.spec(&["volumeClaimTemplates"]).map(Node::items).unwrap_or_default();
        let of_templates = templates.iter().filter_map(|template| {
            let name = template.at(&["metadata", "name"]).and_then(Node::str)?;
            of_claim(objects, &format!("{name}-{}-{index}", object.name), namespace, Some(template), kind)
        });
        let named = claims(&self.workload.pod);
        let of_names = named.keys().filter_map(|claim| of_claim(objects, claim, namespace, None, kind));
        of_templates.chain(of_names).reduce(|one, other| one.and(Some(other)))
    }

    fn stand(&mut self, index: usize, kind: PlaceKind, name: &str, source: &Source) {
        let place = PlaceId::new(name);
        self.fragment.place(&place, kind, source);
        if let Some(instance) = self.instances.get_mut(index) {
            instance.at.insert(place, source.clone());
        }
    }

    /// Pods that a rule keeps apart.
    fn spread(&mut self, kind: PlaceKind, general: Option<&Allowed>, rule: &Rule, free: &[usize]) {
        let pods = free.len() as u32;
        let names: Vec<String> =
            general.map(|general| general.values.iter().cloned().collect()).unwrap_or_default();
        let known = u32::try_from(names.len()).unwrap_or(u32::MAX);
        let source = Source::derived(rule.origin.clone());
        let at: Vec<u32> = match rule.skew {
            None => (0..pods).collect(),
            Some(skew) => {
                let places = match (known, rule.least, kind) {
                    (0, Some(least), _) => least.max(1),
                    (0, None, PlaceKind::Node) => pods,
                    (0, None, _) => {
                        let what = "pods are spread over zones, and no file says how many the cluster has: 3 are assumed, with one \
                                    zone all of them stand in it";
                        self.fragment.unseen(rule.origin.clone(), what);
                        ZONES
                    }
                    (known, _, _) => known,
                };
                crowded(pods, places, skew)
            }
        };
        let mut homeless = Vec::new();
        for (index, place) in free.iter().zip(at) {
            match names.get(place as usize) {
                Some(name) => self.stand(*index, kind, name, &source),
                None if names.is_empty() => {
                    self.stand(*index, kind, &format!("{kind}-{}", place + 1), &source)
                }
                None => homeless.push(*index),
            }
        }
        if !homeless.is_empty() {
            let what = format!(
                "`{}` asks for {pods} pods, at most one in each {kind}, and there are {known}: the others never start",
                self.workload.id
            );
            self.fragment.unseen(rule.origin.clone(), what);
            for index in homeless.into_iter().rev() {
                self.instances.remove(index);
            }
        }
    }

    /// Pods that no rule keeps on different nodes.
    fn nodes(&mut self, free: &[usize], objects: &Objects) {
        let origin = self.workload.object.origin();
        if let [index] = free {
            let name = self.instances.get(*index).map(|instance| format!("node of {}", instance.id));
            if let Some(name) = name {
                self.stand(*index, PlaceKind::Node, &name, &Source::derived(origin));
            }
            return;
        }
        // A volume that one node at a time can write keeps all its pods on that node.
        if let Some((claim, at)) = self.single_writer(objects) {
            for index in free {
                self.stand(
                    *index,
                    PlaceKind::Node,
                    &format!("node with volume {claim}"),
                    &Source::derived(at.clone()),
                );
            }
            return;
        }
        // In different zones they are on different nodes; those in one zone may share one.
        let mut zones: BTreeMap<usize, (PlaceId, Source)> = BTreeMap::new();
        for index in free {
            let zone = self.instances.get(*index).and_then(|instance| {
                let mut at = instance.at.iter();
                at.find(|(place, _)| {
                    self.fragment
                        .inventory
                        .places
                        .get(*place)
                        .is_some_and(|place| place.kind == PlaceKind::Zone)
                })
            });
            if let Some((zone, source)) = zone {
                zones.insert(*index, (zone.clone(), Source::derived(source.origin.clone())));
            }
        }
        let distinct: BTreeSet<&PlaceId> = zones.values().map(|(zone, _)| zone).collect();
        if distinct.len() > 1 && zones.len() == free.len() {
            for (index, (zone, source)) in &zones {
                let name = format!("node in {zone}");
                self.stand(*index, PlaceKind::Node, &name, source);
                let node = self.fragment.place(&PlaceId::new(name), PlaceKind::Node, source);
                node.within.entry(zone.clone()).or_insert_with(|| source.clone());
            }
            return;
        }
        self.leave_open(PlaceKind::Node, None, free);
    }

    fn single_writer(&self, objects: &Objects) -> Option<(String, Origin)> {
        let namespace = self.workload.object.namespace.as_deref();
        claims(&self.workload.pod).into_iter().find_map(|(claim, at)| {
            let object = objects.named("PersistentVolumeClaim", &claim, namespace)?;
            let modes = object.spec(&["accessModes"])?.texts();
            modes
                .iter()
                .all(|mode| mode.starts_with("ReadWriteOnce"))
                .then(|| (claim, at.origin()))
                .filter(|_| !modes.is_empty())
        })
    }

    fn leave_open(&mut self, kind: PlaceKind, general: Option<&Allowed>, free: &[usize]) {
        let count = self.instances.len();
        let soft = self.rules.iter().find(|rule| rule.kind == kind && !rule.hard);
        let (why, origin) = match (general, soft) {
            (_, Some(soft)) if count > 1 => {
                (format!("its {count} pods are apart only as long as there is room"), soft.origin.clone())
            }
            (Some(general), _) => {
                let names: Vec<&str> = general.values.iter().map(String::as_str).collect();
                (format!("it may be any of {}", names.join(", ")), general.source.origin.clone())
            }
            (None, _) if count > 1 => {
                (format!("nothing keeps its {count} pods apart"), self.workload.object.origin())
            }
            (None, _) => ("the scheduler is free to choose".to_owned(), self.workload.object.origin()),
        };
        for index in free {
            if let Some(instance) = self.instances.get_mut(*index) {
                let unknown =
                    Unknown { why: why.clone(), kind: UnknownKind::Unconstrained, origin: origin.clone() };
                instance.unknown.insert(kind, unknown);
            }
        }
    }
}

/// Whether several pods are kept apart.
fn kept_apart(workload: &Workload<'_>, rules: &[Rule], count: u32) -> Option<Presence> {
    if count < 2 {
        return None;
    }
    let hard = rules.iter().filter(|rule| rule.hard).max_by_key(|rule| rule.kind);
    Some(match (hard, rules.first()) {
        (Some(rule), _) => Presence::Present(Source::declared(rule.origin.clone())),
        (None, Some(soft)) => Presence::Unknown(Unknown {
            why: "its pods are only preferred to be apart".to_owned(),
            kind: UnknownKind::Unconstrained,
            origin: soft.origin.clone(),
        }),
        (None, None) => Presence::Absent(Source::derived(workload.object.origin())),
    })
}
