//! Why a service stops when places are lost, as values and as one sentence.

use std::collections::{BTreeSet, VecDeque};
use std::fmt;

use dinghai_estate::{FoundInstance, InstanceId, Inventory, NeedKind, Origin, PlaceId, PlaceKind, ServiceId};
use serde::Serialize;

use crate::cuts::Stands;
use crate::domains::{Containment, PlaceNumber};
use crate::own::too_few;

/// One way in which a service stops. Shown, it is one sentence that names files and lines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Counterexample {
    /// The service that stops.
    pub service: ServiceId,
    /// The places that are lost, by name.
    pub lost: Vec<Lost>,
    /// The chain of hard needs from the service to the one that loses its instances; empty when that is itself.
    pub through: Vec<Through>,
    /// The instances that go with the places, by name.
    pub gone: Vec<Gone>,
    /// How many instances the last service of the chain runs, spares not counted.
    pub running: usize,
    /// How many it has to have.
    pub needed: usize,
}

/// A place that is lost.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Lost {
    /// Which.
    pub place: PlaceId,
    /// Its kind.
    pub kind: PlaceKind,
}

impl fmt::Display for Lost {
    /// `zone hz-a`; a place that is called after what stands there, such as `host of shop`, says by itself what it is.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place.as_str().contains(" of ") {
            true => write!(f, "the {}", self.place),
            false => write!(f, "{} {}", self.kind, self.place),
        }
    }
}

/// One hard need in a chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Through {
    /// What is needed.
    pub service: ServiceId,
    /// Where the need is declared.
    pub origin: Origin,
}

/// An instance that goes with a lost place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Gone {
    /// Which.
    pub instance: InstanceId,
    /// Where it is declared.
    pub origin: Origin,
}

/// Every service of the closure that loses too many of its own instances, by the shortest chain of hard needs; nearest first, by
/// name among equals. A service whose instances are not all known is taken to stand.
pub(crate) fn find(
    inventory: &Inventory,
    containment: &Containment<'_>,
    stands: Stands,
    service: &ServiceId,
    places: &[PlaceId],
) -> Vec<Counterexample> {
    let lost: Vec<PlaceNumber> = places.iter().filter_map(|place| containment.number(place)).collect();
    let mut found = Vec::new();
    let mut seen = BTreeSet::from([service]);
    let mut open: VecDeque<(&ServiceId, Vec<Through>)> = VecDeque::from([(service, Vec::new())]);
    while let Some((id, through)) = open.pop_front() {
        let Some(at) = inventory.services.get(id) else { continue };
        let standing = containment.running(at);
        let needed = stands.needed(at);
        if at.open.is_none() && too_few(&standing, needed, &lost) {
            let gone =
                at.running().zip(&standing).filter(|(_, at)| at.iter().any(|place| lost.contains(place)));
            let mut gone: Vec<&FoundInstance> = gone.map(|(instance, _)| instance).collect();
            gone.sort_by_key(|instance| &instance.id);
            let named = |instance: &FoundInstance| Gone {
                instance: instance.id.clone(),
                origin: instance.source.origin.clone(),
            };
            let kind = |place: &PlaceId| {
                Some(Lost { place: place.clone(), kind: inventory.places.get(place)?.kind })
            };
            found.push(Counterexample {
                service: service.clone(),
                lost: places.iter().filter_map(kind).collect(),
                through: through.clone(),
                gone: gone.into_iter().map(named).collect(),
                running: standing.len(),
                needed,
            });
        }
        let mut hard: Vec<_> = at.needs.iter().filter(|need| need.kind == NeedKind::Hard).collect();
        hard.sort_by_key(|need| &need.service);
        for need in hard {
            if seen.insert(&need.service) {
                let step = Through { service: need.service.clone(), origin: need.source.origin.clone() };
                open.push_back((&need.service, through.iter().cloned().chain([step]).collect()));
            }
        }
    }
    found
}

impl Counterexample {
    /// The service whose own instances are gone: the last of the chain.
    pub fn stops_at(&self) -> &ServiceId {
        self.through.last().map_or(&self.service, |need| &need.service)
    }

    /// Where the instances that go are declared, each line once, in the order of the files.
    pub fn origins(&self) -> Vec<&Origin> {
        let mut origins: Vec<&Origin> = self.gone.iter().map(|gone| &gone.origin).collect();
        origins.sort_unstable();
        origins.dedup_by_key(|origin| (&origin.file, origin.line));
        origins
    }
}

impl fmt::Display for Counterexample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (service, at) = (&self.service, self.stops_at());
        match self.lost.is_empty() {
            true => write!(f, "with nothing lost {service} does not stand: ")?,
            false => {
                let lost: Vec<String> = self.lost.iter().map(Lost::to_string).collect();
                write!(f, "lose {} and {service} stops: ", lost.join(" and "))?;
            }
        }
        if let [between @ .., _] = self.through.as_slice()
            && !between.is_empty()
        {
            let names: Vec<&str> = self.through.iter().map(|need| need.service.as_str()).collect();
            write!(f, "it needs {}, and ", names.join(", which needs "))?;
        }
        if self.gone.is_empty() {
            return write!(f, "{at} runs {} and needs {}", self.running, self.needed);
        }
        match (self.gone.len(), self.running) {
            (1, 1) => write!(f, "the only {at} instance is there")?,
            (2, 2) => write!(f, "both {at} instances are there")?,
            (gone, running) if gone == running => write!(f, "all {gone} {at} instances are there")?,
            (gone, running) => write!(f, "{gone} of the {running} {at} instances are there")?,
        }
        let left = self.running.saturating_sub(self.gone.len());
        if left > 0 {
            write!(f, ", which leaves {left} of the {} that it needs", self.needed)?;
        }
        let mut file = None;
        for origin in self.origins() {
            match file {
                Some(named) if named == &origin.file => write!(f, ", :{}", origin.line)?,
                Some(_) => write!(f, ", {origin}")?,
                None => write!(f, ": {origin}")?,
            }
            file = Some(&origin.file);
        }
        Ok(())
    }
}
