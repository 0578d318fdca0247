//! One inventory of several: what the estate declares, over what files say.

use super::{FoundService, Inventory};

impl Inventory {
    /// Adds what another inventory knows. Where both speak of the same thing, what stands here first is kept: instances,
    /// intent and count are not mixed, while needs, places and features of both are kept.
    pub fn add(&mut self, other: Self) {
        self.formats.extend(other.formats);
        for (id, place) in other.places {
            match self.places.entry(id) {
                std::collections::btree_map::Entry::Vacant(free) => {
                    free.insert(place);
                }
                std::collections::btree_map::Entry::Occupied(mut known) => {
                    let known = known.get_mut();
                    known.vendor = known.vendor.take().or(place.vendor);
                    for (outer, source) in place.within {
                        known.within.entry(outer).or_insert(source);
                    }
                }
            }
        }
        for (id, service) in other.services {
            match self.services.entry(id) {
                std::collections::btree_map::Entry::Vacant(free) => {
                    free.insert(service);
                }
                std::collections::btree_map::Entry::Occupied(mut known) => known.get_mut().add(service),
            }
        }
        self.entries.extend(other.entries);
        self.mechanisms.extend(other.mechanisms);
        self.steps.extend(other.steps);
        for (kind, count) in other.coverage.kinds {
            let sum = self.coverage.kinds.entry(kind).or_default();
            sum.placed += count.placed;
            sum.reasoned += count.reasoned;
            sum.unknown += count.unknown;
            sum.ignored += count.ignored;
        }
        self.unseen.extend(other.unseen);
    }
}

impl FoundService {
    fn add(&mut self, other: Self) {
        let tells_instances = |service: &Self| !service.instances.is_empty();
        if !tells_instances(self) && (tells_instances(&other) || other.open.is_some()) {
            self.instances = other.instances;
            self.open = other.open;
            self.resource = other.resource;
            self.role = other.role;
        }
        self.enough = self.enough.take().or(other.enough);
        self.scaling = self.scaling.take().or(other.scaling);
        for need in other.needs {
            if !self.needs.iter().any(|known| known.service == need.service) {
                self.needs.push(need);
            }
        }
        for (feature, presence) in other.features {
            self.features.entry(feature).or_insert(presence);
        }
        let (mine, theirs) = (&mut self.intent, other.intent);
        mine.tier = mine.tier.take().or(theirs.tier);
        mine.survive = mine.survive.take().or(theirs.survive);
        mine.minimum = mine.minimum.take().or(theirs.minimum);
        mine.capacity = mine.capacity.take().or(theirs.capacity);
    }
}
