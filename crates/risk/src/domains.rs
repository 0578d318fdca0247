//! Places by number, with all that contain them: what the search works on.

use std::collections::HashMap;

use dinghai_estate::{Estate, FailureDomains, PlaceId, Service};

/// A place's position among the estate's places, which are in the order of their names.
pub(crate) type PlaceNumber = u32;

/// Which place lies in which.
#[derive(Clone, Debug)]
pub(crate) struct Containment<'e> {
    numbers: HashMap<&'e PlaceId, PlaceNumber>,
    names: Vec<&'e PlaceId>,
    /// All that contain the place of that number, itself included; ascending.
    containing: Vec<Vec<PlaceNumber>>,
}

impl<'e> Containment<'e> {
    pub(crate) fn of(estate: &'e Estate, domains: &FailureDomains) -> Self {
        let names: Vec<&PlaceId> = estate.places.keys().collect();
        let numbers: HashMap<&PlaceId, PlaceNumber> = names.iter().copied().zip(0..).collect();
        let around = |place: &PlaceId| {
            let places = domains.containing(place);
            places.iter().filter_map(|outer| numbers.get(outer).copied()).collect()
        };
        let containing = names.iter().map(|place| around(place)).collect();
        Self { numbers, names, containing }
    }

    pub(crate) fn places(&self) -> usize {
        self.names.len()
    }

    pub(crate) fn name(&self, place: PlaceNumber) -> Option<&'e PlaceId> {
        self.names.get(place as usize).copied()
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

    /// For each running instance of the service the places with which it is lost.
    pub(crate) fn running(&self, service: &Service) -> Vec<Vec<PlaceNumber>> {
        let running = service.instances.iter().filter(|instance| !instance.spare);
        running
            .map(|instance| {
                let at = instance.at.iter().filter_map(|place| self.number(place));
                let mut places: Vec<PlaceNumber> =
                    at.flat_map(|place| self.around(place).iter().copied()).collect();
                places.sort_unstable();
                places.dedup();
                places
            })
            .collect()
    }
}
