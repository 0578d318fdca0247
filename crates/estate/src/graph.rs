//! Failure domains as a graph: what contains what, and what is lost with what.
//!
//! Places nest and overlap, so containment is a directed graph without cycles (the decoder refuses cycles). It is
//! indexed once; questions are then answered without walking the estate. A kind of place that is not declared for an
//! instance, such as the rack that a vendor hides, is unknown: it is never assumed to be independent of anything.

use std::collections::{BTreeSet, HashMap};

use crate::{Estate, InstanceId, PlaceId, PlaceKind, ServiceId};

/// Containment of places, and the instances in them.
#[derive(Clone, Debug)]
pub struct FailureDomains {
    places: HashMap<PlaceId, usize>,
    nodes: Vec<PlaceNode>,
    /// In the estate's order.
    instances: Vec<Standing>,
    by_instance: HashMap<InstanceId, usize>,
}

#[derive(Clone, Debug)]
struct PlaceNode {
    id: PlaceId,
    kind: PlaceKind,
    /// All that contain it, itself included; ascending.
    containing: Vec<usize>,
    /// Instances in it, at any depth; ascending.
    instances: Vec<usize>,
}

#[derive(Clone, Debug)]
struct Standing {
    id: InstanceId,
    service: ServiceId,
    spare: bool,
    /// All places that contain it; ascending.
    places: Vec<usize>,
}

/// What is known of an instance's place of some kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlaceOfKind {
    /// It stands in these; never empty.
    Known(BTreeSet<PlaceId>),
    /// No such place is declared for it: it may share one with anything.
    Unknown,
}

impl FailureDomains {
    /// Indexes an estate.
    pub fn of(estate: &Estate) -> Self {
        let places: HashMap<PlaceId, usize> =
            estate.places.keys().enumerate().map(|(n, id)| (id.clone(), n)).collect();
        let within: Vec<Vec<usize>> = estate
            .places
            .values()
            .map(|place| place.within.iter().filter_map(|outer| places.get(outer).copied()).collect())
            .collect();
        let mut nodes: Vec<PlaceNode> = estate
            .places
            .iter()
            .enumerate()
            .map(|(n, (id, place))| PlaceNode {
                id: id.clone(),
                kind: place.kind,
                containing: reach([n], &within),
                instances: Vec::new(),
            })
            .collect();
        let mut instances = Vec::new();
        let mut by_instance = HashMap::new();
        for (service, instance) in estate.instances() {
            let number = instances.len();
            let mut stands: Vec<usize> = Vec::new();
            for place in instance.at.iter().filter_map(|place| places.get(place)) {
                stands.extend(nodes.get(*place).into_iter().flat_map(|node| &node.containing));
            }
            stands.sort_unstable();
            stands.dedup();
            for place in &stands {
                nodes.get_mut(*place).into_iter().for_each(|node| node.instances.push(number));
            }
            by_instance.insert(instance.id.clone(), number);
            instances.push(Standing {
                id: instance.id.clone(),
                service: service.clone(),
                spare: instance.spare,
                places: stands,
            });
        }
        Self { places, nodes, instances, by_instance }
    }

    /// All places that contain the place, itself included; empty when there is no such place.
    pub fn containing(&self, place: &PlaceId) -> BTreeSet<PlaceId> {
        self.named(self.node(place).map_or(&[][..], |node| &node.containing))
    }

    /// All places that contain the instance, at any depth; empty when there is no such instance.
    pub fn places_of(&self, instance: &InstanceId) -> BTreeSet<PlaceId> {
        self.named(self.standing(instance).map_or(&[][..], |standing| &standing.places))
    }

    /// The instance's place of this kind, or several where places overlap.
    pub fn place_of_kind(&self, instance: &InstanceId, kind: PlaceKind) -> PlaceOfKind {
        let places = self.standing(instance).map_or(&[][..], |standing| &standing.places);
        let known: BTreeSet<PlaceId> =
            self.nodes_at(places).filter(|node| node.kind == kind).map(|node| node.id.clone()).collect();
        match known.is_empty() {
            true => PlaceOfKind::Unknown,
            false => PlaceOfKind::Known(known),
        }
    }

    /// All places of this kind.
    pub fn of_kind(&self, kind: PlaceKind) -> impl Iterator<Item = &PlaceId> {
        self.nodes.iter().filter(move |node| node.kind == kind).map(|node| &node.id)
    }

    /// The kind of a place; none when there is no such place.
    pub fn kind(&self, place: &PlaceId) -> Option<PlaceKind> {
        self.node(place).map(|node| node.kind)
    }

    /// Every instance that is lost with the place, spares included.
    pub fn lost_with(&self, place: &PlaceId) -> BTreeSet<InstanceId> {
        self.standing_in(place).map(|standing| standing.id.clone()).collect()
    }

    /// Every service that loses an instance with the place, spares not counted.
    pub fn services_hit(&self, place: &PlaceId) -> BTreeSet<ServiceId> {
        self.standing_in(place)
            .filter(|standing| !standing.spare)
            .map(|standing| standing.service.clone())
            .collect()
    }

    /// Numbers of the places that contain the instance of that number, counted over the estate in its order; for
    /// [`Self::by_number`].
    pub(crate) fn numbers(&self, instance: usize) -> &[usize] {
        self.instances.get(instance).map_or(&[], |standing| &standing.places)
    }

    pub(crate) fn by_number(&self, number: usize) -> Option<(&PlaceId, PlaceKind)> {
        self.nodes.get(number).map(|node| (&node.id, node.kind))
    }

    fn node(&self, place: &PlaceId) -> Option<&PlaceNode> {
        self.nodes.get(*self.places.get(place)?)
    }

    fn standing(&self, instance: &InstanceId) -> Option<&Standing> {
        self.instances.get(*self.by_instance.get(instance)?)
    }

    fn standing_in(&self, place: &PlaceId) -> impl Iterator<Item = &Standing> {
        let numbers = self.node(place).map_or(&[][..], |node| &node.instances);
        numbers.iter().filter_map(|number| self.instances.get(*number))
    }

    fn nodes_at<'a>(&'a self, numbers: &'a [usize]) -> impl Iterator<Item = &'a PlaceNode> {
        numbers.iter().filter_map(|number| self.nodes.get(*number))
    }

    fn named(&self, numbers: &[usize]) -> BTreeSet<PlaceId> {
        self.nodes_at(numbers).map(|node| node.id.clone()).collect()
    }
}

/// Everything that can be reached, the start included; ascending.
fn reach(start: impl IntoIterator<Item = usize>, edges: &[Vec<usize>]) -> Vec<usize> {
    let mut reached = BTreeSet::new();
    let mut open: Vec<usize> = start.into_iter().collect();
    while let Some(node) = open.pop() {
        if reached.insert(node) {
            open.extend(edges.get(node).into_iter().flatten());
        }
    }
    reached.into_iter().collect()
}
