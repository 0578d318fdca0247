//! Places by number, with all that contain them: what the search works on.

use std::collections::HashMap;

use dinghai_estate::{FoundInstance, FoundService, Inventory, PlaceId, PlaceKind};

/// A place's position among the inventory's places, which are in the order of their names.
pub(crate) type PlaceNumber = u32;

/// Which place lies in which.
#[derive(Clone, Debug)]
pub(crate) struct Containment<'i> {
    numbers: HashMap<&'i PlaceId, PlaceNumber>,
    names: Vec<&'i PlaceId>,
    kinds: Vec<PlaceKind>,
    /// All that contain the place of that number, itself included; ascending.
    containing: Vec<Vec<PlaceNumber>>,
}

impl<'i> Containment<'i> {
    pub(crate) fn of(inventory: &'i Inventory) -> Self {
        let names: Vec<&PlaceId> = inventory.places.keys().collect();
        let numbers: HashMap<&PlaceId, PlaceNumber> = names.iter().copied().zip(0..).collect();
        let within: Vec<Vec<PlaceNumber>> = inventory
            .places
            .values()
            .map(|place| place.within.keys().filter_map(|outer| numbers.get(outer).copied()).collect())
            .collect();
        let containing = (0..names.len() as PlaceNumber).map(|place| reach(place, &within)).collect();
        let kinds = inventory.places.values().map(|place| place.kind).collect();
        Self { numbers, names, kinds, containing }
    }

    pub(crate) fn places(&self) -> usize {
        self.names.len()
    }

    pub(crate) fn name(&self, place: PlaceNumber) -> Option<&'i PlaceId> {
        self.names.get(place as usize).copied()
    }

    pub(crate) fn kind(&self, place: PlaceNumber) -> Option<PlaceKind> {
        self.kinds.get(place as usize).copied()
    }

    pub(crate) fn number(&self, place: &PlaceId) -> Option<PlaceNumber> {
        self.numbers.get(place).copied()
    }

    /// All that contain the place, itself included; ascending.
    pub(crate) fn around(&self, place: PlaceNumber) -> &[PlaceNumber] {
        self.containing.get(place as usize).map_or(&[], Vec::as_slice)
    }

    /// Whether the place is the other or lies in it.
    pub(crate) fn lies_in(&self, place: PlaceNumber, outer: PlaceNumber) -> bool {
        self.around(place).binary_search(&outer).is_ok()
    }

    /// The places with which an instance is lost; ascending.
    pub(crate) fn of_instance(&self, instance: &FoundInstance) -> Vec<PlaceNumber> {
        let at = instance.at.keys().filter_map(|place| self.number(place));
        let mut places: Vec<PlaceNumber> = at.flat_map(|place| self.around(place).iter().copied()).collect();
        places.sort_unstable();
        places.dedup();
        places
    }

    /// For each running instance of the service the places with which it is lost.
    pub(crate) fn running(&self, service: &FoundService) -> Vec<Vec<PlaceNumber>> {
        service.running().map(|instance| self.of_instance(instance)).collect()
    }
}

/// Everything that can be reached, the start included; ascending. Circles end where they began.
fn reach(start: PlaceNumber, within: &[Vec<PlaceNumber>]) -> Vec<PlaceNumber> {
    let mut reached = vec![start];
    let mut next = 0;
    while let Some(place) = reached.get(next).copied() {
        next += 1;
        for outer in within.get(place as usize).into_iter().flatten() {
            if !reached.contains(outer) {
                reached.push(*outer);
            }
        }
    }
    reached.sort_unstable();
    reached
}
