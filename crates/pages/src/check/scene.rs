//! What a picture of failure domains shows: columns are places, rows are services, boxes are instances and their ways out.

use std::collections::{BTreeMap, BTreeSet};

use dinghai_estate::{FoundInstance, FoundService, Inventory, NeedKind, PlaceId, PlaceKind, ServiceId};
use dinghai_risk::Finding;

/// Services in one picture.
const SERVICES: usize = 4;
/// Columns in one picture.
const COLUMNS: usize = 6;
/// Boxes of one service at one place.
const BOXES: usize = 3;

/// A picture before it is drawn.
pub(super) struct Scene {
    /// Kind of the columns.
    pub(super) kind: PlaceKind,
    pub(super) columns: Vec<Column>,
    /// Columns that were left out.
    pub(super) more: usize,
    /// The place around all columns, where there is one.
    pub(super) around: Option<(PlaceKind, PlaceId)>,
    pub(super) rows: Vec<Row>,
    /// What is left of each service; none when not all of its instances are known.
    pub(super) left: Vec<(ServiceId, Option<Left>)>,
}

/// How many instances are left, of how many, and how many it takes.
#[derive(Clone, Copy)]
pub(super) struct Left {
    pub(super) left: usize,
    pub(super) running: usize,
    pub(super) needed: usize,
}

pub(super) struct Column {
    /// None where the files do not tell the place.
    pub(super) place: Option<PlaceId>,
    pub(super) lost: bool,
}

/// A service, or the ways out at the bottom.
pub(super) struct Row {
    /// None for the ways out.
    pub(super) service: Option<ServiceId>,
    /// Boxes by column.
    pub(super) cells: Vec<Cell>,
    /// Rows below that each box of this one needs hard.
    pub(super) needs: Vec<usize>,
}

#[derive(Default)]
pub(super) struct Cell {
    pub(super) boxes: Vec<Boxed>,
    pub(super) more: usize,
}

pub(super) struct Boxed {
    pub(super) name: String,
    pub(super) stands: Stands,
    /// The way out that it takes, by column and box of the last row.
    pub(super) way: Option<PlaceId>,
}

/// How a box stands once the places are lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stands {
    Works,
    Lost,
    /// It runs, and what it leaves by is lost.
    NoWay,
    /// It runs, and a service that it needs is gone.
    Starved(ServiceId),
    Spare,
}

/// The picture of a finding; none when it is about no loss, or no instance of it is known.
pub(super) fn scene(inventory: &Inventory, finding: &Finding) -> Option<Scene> {
    let first = finding.lost.first()?;
    let lost: BTreeSet<&PlaceId> = finding.lost.iter().map(|lost| &lost.place).collect();
    let world = World { inventory, lost };
    let services = world.ordered(&finding.about);
    let kind = match first.kind {
        PlaceKind::Network => PlaceKind::Zone,
        kind => kind,
    };
    let instances = || services.iter().flat_map(|(_, service)| &service.instances);
    instances().next()?;
    let (columns, more) = world.columns(kind, instances());
    let index = |place: Option<PlaceId>| columns.iter().position(|column| column.place == place);
    let mut drawn: Vec<(&ServiceId, Vec<Cell>)> = Vec::new();
    for (id, service) in &services {
        let mut cells: Vec<Cell> = columns.iter().map(|_| Cell::default()).collect();
        for instance in &service.instances {
            let Some(cell) = index(world.at(instance, kind)).and_then(|column| cells.get_mut(column)) else {
                continue;
            };
            if cell.boxes.len() >= BOXES {
                cell.more += 1;
                continue;
            }
            cell.boxes.push(Boxed {
                name: short(instance, world.at(instance, kind)),
                stands: world.stands(instance, id),
                way: world.way(instance).cloned(),
            });
        }
        if cells.iter().any(|cell| !cell.boxes.is_empty()) {
            drawn.push((*id, cells));
        }
    }
    let names: Vec<&ServiceId> = drawn.iter().map(|(id, _)| *id).collect();
    let row_of = |id: &ServiceId| names.iter().position(|other| *other == id);
    let mut rows: Vec<Row> = drawn
        .into_iter()
        .map(|(id, cells)| Row {
            service: Some(id.clone()),
            cells,
            needs: world.hard(id).into_iter().filter_map(row_of).collect(),
        })
        .collect();
    // Ways out are drawn where they matter: something runs on and has lost its own.
    let mut boxes = rows.iter().flat_map(|row| &row.cells).flat_map(|cell| &cell.boxes);
    if boxes.any(|each| each.stands == Stands::NoWay)
        && let Some(ways) = ways(&world, kind, &columns, instances())
    {
        rows.push(ways);
    }
    let left = services.iter().map(|(id, service)| ((*id).clone(), world.left(service))).collect();
    let around = world.around_all(&columns);
    Some(Scene { kind, columns, more, around, rows, left })
}

/// The row of ways out, when an instance has one.
fn ways<'i>(
    world: &World<'_>,
    kind: PlaceKind,
    columns: &[Column],
    instances: impl Iterator<Item = &'i FoundInstance>,
) -> Option<Row> {
    let ways: BTreeSet<&PlaceId> = instances.filter_map(|instance| world.way(instance)).collect();
    let mut cells: Vec<Cell> = columns.iter().map(|_| Cell::default()).collect();
    for way in &ways {
        let place = world.of_kind([*way].into_iter(), kind);
        let column = columns.iter().position(|column| column.place == place);
        let Some(cell) = column.and_then(|column| cells.get_mut(column)) else { continue };
        let stands = if world.is_lost(way) { Stands::Lost } else { Stands::Works };
        match cell.boxes.len() < BOXES {
            true => cell.boxes.push(Boxed { name: way.to_string(), stands, way: Some((*way).clone()) }),
            false => cell.more += 1,
        }
    }
    (!ways.is_empty()).then_some(Row { service: None, cells, needs: Vec::new() })
}

struct World<'a> {
    inventory: &'a Inventory,
    lost: BTreeSet<&'a PlaceId>,
}

impl<'a> World<'a> {
    /// The place and all that contain it.
    fn around<'p>(&self, places: impl Iterator<Item = &'p PlaceId>) -> BTreeSet<PlaceId> {
        let mut seen: BTreeSet<PlaceId> = BTreeSet::new();
        let mut open: Vec<PlaceId> = places.cloned().collect();
        while let Some(place) = open.pop() {
            let within = self.inventory.places.get(&place).map(|found| &found.within);
            open.extend(
                within.into_iter().flat_map(BTreeMap::keys).filter(|outer| !seen.contains(*outer)).cloned(),
            );
            seen.insert(place);
        }
        seen
    }

    fn kind(&self, place: &PlaceId) -> Option<PlaceKind> {
        self.inventory.places.get(place).map(|found| found.kind)
    }

    fn of_kind<'p>(&self, places: impl Iterator<Item = &'p PlaceId>, kind: PlaceKind) -> Option<PlaceId> {
        self.around(places).into_iter().find(|place| self.kind(place) == Some(kind))
    }

    fn is_lost(&self, place: &PlaceId) -> bool {
        self.around([place].into_iter()).iter().any(|place| self.lost.contains(place))
    }

    /// The way out that an instance takes: a network path.
    fn way<'i>(&self, instance: &'i FoundInstance) -> Option<&'i PlaceId> {
        instance.at.keys().find(|place| self.kind(place) == Some(PlaceKind::Network))
    }

    /// Where it stands itself, whatever it leaves by.
    fn stands_at<'i>(&self, instance: &'i FoundInstance) -> impl Iterator<Item = &'i PlaceId> {
        let network = |place: &PlaceId| self.kind(place) == Some(PlaceKind::Network);
        let places: Vec<&PlaceId> = instance.at.keys().filter(|place| !network(place)).collect();
        places.into_iter()
    }

    fn at(&self, instance: &FoundInstance, kind: PlaceKind) -> Option<PlaceId> {
        self.of_kind(self.stands_at(instance), kind)
    }

    fn gone(&self, instance: &FoundInstance) -> bool {
        instance.at.keys().any(|place| self.is_lost(place))
    }

    fn stands(&self, instance: &FoundInstance, of: &ServiceId) -> Stands {
        if self.stands_at(instance).any(|place| self.is_lost(place)) {
            return Stands::Lost;
        }
        if instance.spare {
            return Stands::Spare;
        }
        if self.gone(instance) {
            return Stands::NoWay;
        }
        self.starved(of).map_or(Stands::Works, Stands::Starved)
    }

    fn hard(&self, of: &ServiceId) -> Vec<&'a ServiceId> {
        let needs = self.inventory.services.get(of).map(|service| &service.needs);
        needs
            .into_iter()
            .flatten()
            .filter(|need| need.kind == NeedKind::Hard)
            .map(|need| &need.service)
            .collect()
    }

    /// The first service in the closure of hard needs that stops by itself.
    fn starved(&self, of: &ServiceId) -> Option<ServiceId> {
        let mut seen: BTreeSet<&ServiceId> = BTreeSet::new();
        let mut open: Vec<&ServiceId> = self.hard(of);
        while let Some(id) = open.pop() {
            if id == of || !seen.insert(id) {
                continue;
            }
            let service = self.inventory.services.get(id);
            if service.and_then(|service| self.left(service)).is_some_and(|of| of.left < of.needed) {
                return Some(id.clone());
            }
            open.extend(self.hard(id));
        }
        None
    }

    fn left(&self, service: &FoundService) -> Option<Left> {
        if service.open.is_some() {
            return None;
        }
        let running = service.running().count();
        let left = service.running().filter(|instance| !self.gone(instance)).count();
        let minimum = service.intent.minimum.as_ref().map(|(minimum, _)| *minimum);
        let needed = service.enough.as_ref().map(|enough| enough.count).max(minimum).unwrap_or(1).max(1);
        Some(Left { left, running, needed: needed as usize })
    }

    /// The services of a finding, those that need others above those.
    fn ordered(&self, about: &'a [ServiceId]) -> Vec<(&'a ServiceId, &'a FoundService)> {
        let known = about.iter().filter_map(|id| Some((id, self.inventory.services.get(id)?)));
        let mut services: Vec<(&ServiceId, &FoundService)> = known.collect();
        services.dedup_by_key(|(id, _)| *id);
        // Where it begins comes first in the finding and last in the picture, with what stops by it above.
        services.truncate(SERVICES);
        let reach = |of: &ServiceId| {
            let mut seen: BTreeSet<&ServiceId> = BTreeSet::new();
            let mut open = self.hard(of);
            while let Some(id) = open.pop() {
                if seen.insert(id) {
                    open.extend(self.hard(id));
                }
            }
            about.iter().filter(|id| seen.contains(id)).count()
        };
        services.sort_by_key(|(id, _)| std::cmp::Reverse(reach(id)));
        services
    }

    /// Columns: the lost places first when not all have room; and how many were left out.
    fn columns<'i>(
        &self,
        kind: PlaceKind,
        instances: impl Iterator<Item = &'i FoundInstance>,
    ) -> (Vec<Column>, usize) {
        let mut places: BTreeSet<Option<PlaceId>> = BTreeSet::new();
        for instance in instances {
            places.insert(self.at(instance, kind));
            places.extend(self.way(instance).and_then(|way| self.of_kind([way].into_iter(), kind)).map(Some));
        }
        places.extend(
            self.lost
                .iter()
                .filter(|place| self.kind(place) == Some(kind))
                .map(|place| Some((*place).clone())),
        );
        let mut columns: Vec<Column> = places
            .into_iter()
            .map(|place| Column { lost: place.as_ref().is_some_and(|place| self.is_lost(place)), place })
            .collect();
        let more = columns.len().saturating_sub(COLUMNS);
        columns.sort_by_key(|column| !column.lost);
        columns.truncate(COLUMNS);
        // By name again; what is not known stands last.
        columns.sort_by(|a, b| (a.place.is_none(), &a.place).cmp(&(b.place.is_none(), &b.place)));
        (columns, more)
    }

    fn around_all(&self, columns: &[Column]) -> Option<(PlaceKind, PlaceId)> {
        let mut places = columns.iter().filter_map(|column| column.place.as_ref());
        let within = |place: &PlaceId| -> BTreeSet<PlaceId> {
            self.inventory
                .places
                .get(place)
                .map(|found| found.within.keys().cloned().collect())
                .unwrap_or_default()
        };
        let mut shared = within(places.next()?);
        for place in places {
            let other = within(place);
            shared.retain(|outer| other.contains(outer));
        }
        let outer = shared.into_iter().next()?;
        Some((self.kind(&outer)?, outer))
    }
}

/// The instance's name without the place, which its column tells: `order@hz-a.2` at hz-a is `order.2`.
fn short(instance: &FoundInstance, place: Option<PlaceId>) -> String {
    let name = instance.id.as_str();
    let without = place.and_then(|place| {
        let (service, rest) = name.split_once('@')?;
        let number = rest.strip_prefix(place.as_str())?;
        let counted = number.is_empty() || number.starts_with('.');
        counted.then(|| format!("{service}{number}"))
    });
    without.unwrap_or_else(|| name.to_owned())
}
