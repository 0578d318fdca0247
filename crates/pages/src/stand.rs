//! How the estate stands now: what each instance, service and place is, from world and book.
//!
//! A spare counts only once it is in play: a plan gave it weight, or it answers. A spare that a waiting plan would
//! start is drawn as asking; any other idle spare is not drawn and never counts as lost.

use std::collections::{BTreeMap, BTreeSet};

use dinghai_clock::Timestamp;
use dinghai_estate::{Instance, InstanceId, NeedKind, PlaceId, PlaceKind, Service, ServiceId, Tier};
use dinghai_record::{Action, FindingKind, Health, PlanState, Subject};

use crate::Scene;
use crate::shape::Tone;

/// What is drawn for an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    Up,
    SpareUp,
    Down,
    Unknown,
    Asks,
    Idle,
}

impl Mark {
    pub(crate) const fn healthy(self) -> bool {
        matches!(self, Self::Up | Self::SpareUp)
    }

    pub(crate) const fn shape(self) -> (Tone, &'static str) {
        match self {
            Self::Up => (Tone::Holds, "up"),
            Self::SpareUp => (Tone::Holds, "spare"),
            Self::Down => (Tone::Fails, "down"),
            Self::Unknown => (Tone::Unknown, "unk"),
            Self::Asks => (Tone::Weak, "held"),
            Self::Idle => (Tone::Plain, "unproven"),
        }
    }
}

pub(crate) struct InstanceStand<'a> {
    pub(crate) instance: &'a Instance,
    pub(crate) column: Option<PlaceId>,
    pub(crate) around: BTreeSet<PlaceId>,
    pub(crate) mark: Mark,
}

pub(crate) struct ServiceStand<'a> {
    pub(crate) id: &'a ServiceId,
    pub(crate) service: &'a Service,
    pub(crate) instances: Vec<InstanceStand<'a>>,
}

impl ServiceStand<'_> {
    pub(crate) fn count(&self, wanted: impl Fn(Mark) -> bool) -> usize {
        self.instances.iter().filter(|each| wanted(each.mark)).count()
    }

    pub(crate) fn healthy(&self) -> usize {
        self.count(Mark::healthy)
    }

    pub(crate) fn unknown(&self) -> usize {
        self.count(|mark| mark == Mark::Unknown)
    }

    pub(crate) fn minimum(&self) -> usize {
        self.service.minimum as usize
    }

    /// Healthy instances outside a place.
    pub(crate) fn healthy_without(&self, place: &PlaceId) -> usize {
        self.instances.iter().filter(|each| each.mark.healthy() && !each.around.contains(place)).count()
    }

    pub(crate) fn is_core(&self) -> bool {
        self.service.tier == Tier::Core
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PlaceState {
    Up,
    Part { down: usize, of: usize },
    Lost(Option<Timestamp>),
    Unknown,
    Empty,
}

pub(crate) struct PlaceStand {
    pub(crate) id: PlaceId,
    pub(crate) state: PlaceState,
}

/// What the loss of one more place would do to core services.
pub(crate) struct NextLoss {
    pub(crate) place: PlaceId,
    /// Those with no healthy instance left.
    pub(crate) stops: Vec<ServiceId>,
    /// Those left with some, fewer than their minimum.
    pub(crate) short: Vec<(ServiceId, usize, usize)>,
}

pub(crate) struct Stand<'a> {
    pub(crate) services: Vec<ServiceStand<'a>>,
    pub(crate) places: Vec<PlaceStand>,
}

impl<'a> Stand<'a> {
    pub(crate) fn of(scene: &Scene<'a>) -> Self {
        let asking = asked_for(scene);
        let column_kind = column_kind(scene);
        let mut services: Vec<ServiceStand<'a>> = scene
            .estate
            .services
            .iter()
            .map(|(id, service)| ServiceStand {
                id,
                service,
                instances: service
                    .instances
                    .iter()
                    .map(|instance| {
                        let around = scene.estate.places_around(instance);
                        let column = around
                            .iter()
                            .find(|place| scene.estate.places.get(*place).map(|p| p.kind) == column_kind)
                            .cloned();
                        InstanceStand { instance, column, around, mark: mark(scene, instance, &asking) }
                    })
                    .collect(),
            })
            .collect();
        let order = reading_order(scene);
        services.sort_by_key(|each| order.get(each.id).copied().unwrap_or(usize::MAX));
        let mut stand = Self { services, places: Vec::new() };
        let columns: BTreeSet<PlaceId> =
            stand.services.iter().flat_map(|s| &s.instances).filter_map(|i| i.column.clone()).collect();
        stand.places =
            columns.into_iter().map(|id| PlaceStand { state: stand.place_state(scene, &id), id }).collect();
        stand
    }

    pub(crate) fn count(&self, wanted: impl Fn(Mark) -> bool + Copy) -> usize {
        self.services.iter().map(|service| service.count(wanted)).sum()
    }

    pub(crate) fn core(&self) -> impl Iterator<Item = &ServiceStand<'a>> {
        self.services.iter().filter(|service| service.is_core())
    }

    pub(crate) fn lost_places(&self) -> Vec<&PlaceId> {
        self.places
            .iter()
            .filter(|place| matches!(place.state, PlaceState::Lost(_)))
            .map(|place| &place.id)
            .collect()
    }

    /// For each place that is not lost, what losing it too would do.
    pub(crate) fn next_losses(&self) -> Vec<NextLoss> {
        self.places
            .iter()
            .filter(|place| !matches!(place.state, PlaceState::Lost(_) | PlaceState::Empty))
            .map(|place| {
                let mut loss = NextLoss { place: place.id.clone(), stops: Vec::new(), short: Vec::new() };
                for service in self.core() {
                    let left = service.healthy_without(&place.id);
                    if left == service.healthy() {
                        continue;
                    }
                    if left == 0 {
                        loss.stops.push(service.id.clone());
                    } else if left < service.minimum() {
                        loss.short.push((service.id.clone(), left, service.minimum()));
                    }
                }
                loss
            })
            .collect()
    }

    fn place_state(&self, scene: &Scene<'_>, id: &PlaceId) -> PlaceState {
        let found =
            scene.book.findings.iter().find(|(key, _)| {
                key.kind == FindingKind::PlaceLost && key.about == Subject::Place(id.clone())
            });
        if let Some((_, standing)) = found {
            return PlaceState::Lost(Some(standing.finding.since));
        }
        let marks: Vec<Mark> = self
            .services
            .iter()
            .flat_map(|service| &service.instances)
            .filter(|each| each.around.contains(id))
            .map(|each| each.mark)
            .filter(|mark| !matches!(mark, Mark::Idle | Mark::Asks))
            .collect();
        let down = marks.iter().filter(|mark| **mark == Mark::Down).count();
        let unknown = marks.iter().filter(|mark| **mark == Mark::Unknown).count();
        match (marks.len(), down, unknown) {
            (0, _, _) => PlaceState::Empty,
            (of, down, _) if down == of => PlaceState::Lost(None),
            (of, down, _) if down > 0 => PlaceState::Part { down, of },
            (_, _, unknown) if unknown > 0 => PlaceState::Unknown,
            _ => PlaceState::Up,
        }
    }
}

fn asked_for(scene: &Scene<'_>) -> BTreeSet<InstanceId> {
    scene
        .book
        .open_plans()
        .filter(|record| record.state == PlanState::Waiting)
        .flat_map(|record| &record.plan.steps)
        .filter_map(|step| match &step.action {
            Action::Start(instances) => Some(instances.clone()),
            _ => None,
        })
        .flatten()
        .collect()
}

fn mark(scene: &Scene<'_>, instance: &Instance, asking: &BTreeSet<InstanceId>) -> Mark {
    let health = scene.world.health(&instance.id);
    let in_play = !instance.spare || scene.book.share(&instance.id, true) > 0;
    match health {
        Health::Up if instance.spare => Mark::SpareUp,
        Health::Up => Mark::Up,
        _ if asking.contains(&instance.id) && !in_play => Mark::Asks,
        _ if !in_play => Mark::Idle,
        Health::Down(_) => Mark::Down,
        Health::Unknown => Mark::Unknown,
    }
}

/// The kind of place that columns are made of: zones where there are any, else the narrowest kind that is declared.
fn column_kind(scene: &Scene<'_>) -> Option<PlaceKind> {
    let held: BTreeSet<PlaceKind> = scene
        .estate
        .instances()
        .flat_map(|(_, instance)| scene.estate.places_around(instance))
        .filter_map(|place| scene.estate.places.get(&place).map(|place| place.kind))
        .collect();
    if held.contains(&PlaceKind::Zone) { Some(PlaceKind::Zone) } else { held.first().copied() }
}

/// Services as a request meets them: those that routes lead to, in order, then what they need.
fn reading_order(scene: &Scene<'_>) -> BTreeMap<ServiceId, usize> {
    let mut order = BTreeMap::new();
    let routes = scene.estate.gateways.values().flat_map(|gateway| &gateway.routes).map(|route| &route.to);
    let mut left: Vec<&ServiceId> = routes.chain(scene.estate.services.keys()).collect();
    left.reverse();
    while let Some(id) = left.pop() {
        let place = order.len();
        if let std::collections::btree_map::Entry::Vacant(vacant) = order.entry(id.clone()) {
            vacant.insert(place);
            let needs = scene.estate.services.get(id).map_or(&[][..], |service| &service.needs);
            left.extend(
                needs.iter().rev().filter(|need| need.kind == NeedKind::Hard).map(|need| &need.service),
            );
        }
    }
    order
}
