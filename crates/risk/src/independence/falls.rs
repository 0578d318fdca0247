//! Whether what a step needs goes with a lost place, and by which chain.

use std::collections::{BTreeMap, VecDeque};

use dinghai_estate::{
    FoundInstance, FoundNeed, FoundService, Inventory, NeedKind, Origin, ServiceId, Source,
};

use super::steps::Needed;
use crate::domains::PlaceNumber;
use crate::whereabouts::{Goes, Whereabouts};

/// What becomes of something that a step needs.
#[derive(Clone, Debug)]
pub(super) enum Fate<'i> {
    /// It stands.
    Stands,
    /// It goes with the place.
    Falls(Vec<Fall<'i>>),
    /// Nobody can tell, with the reasons.
    Unknown(Vec<Doubt<'i>>),
}

/// How one service goes with a place.
#[derive(Clone, Debug)]
pub(super) struct Fall<'i> {
    /// The service that the step needs; none when it is a place.
    pub(super) service: Option<&'i ServiceId>,
    /// The hard needs from it to the one that loses its instances.
    pub(super) through: Vec<&'i FoundNeed>,
    /// The instances that go.
    pub(super) gone: Vec<&'i FoundInstance>,
    pub(super) running: usize,
    pub(super) enough: usize,
}

/// Why nobody can tell about one service.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Doubt<'i> {
    /// Why, for people.
    pub(super) why: String,
    /// The service or place of which it is so.
    pub(super) of: &'i str,
    /// The line that leaves it open.
    pub(super) origin: &'i Origin,
}

impl<'i> Fall<'i> {
    /// The service whose own instances are gone.
    pub(super) fn ends_at(&self) -> Option<&'i ServiceId> {
        self.through.last().map(|need| &need.service).or(self.service)
    }

    /// The lines that it rests on.
    pub(super) fn sources(&self) -> impl Iterator<Item = &'i Source> {
        let through = self.through.iter().map(|need| &need.source);
        let gone = self.gone.iter().flat_map(|instance| instance.at.values().chain([&instance.source]));
        through.chain(gone)
    }
}

/// What becomes of it when the place is lost.
pub(super) fn fate<'i>(
    inventory: &'i Inventory,
    whereabouts: &Whereabouts<'i>,
    needed: &Needed<'i>,
    lost: PlaceNumber,
) -> Fate<'i> {
    match needed {
        Needed::Outside => Fate::Unknown(Vec::new()),
        Needed::Place(place) => match whereabouts.place_goes(place, lost) {
            Goes::Certainly => {
                let fall =
                    Fall { service: None, through: Vec::new(), gone: Vec::new(), running: 0, enough: 0 };
                Fate::Falls(vec![fall])
            }
            Goes::Not => Fate::Stands,
            Goes::Perhaps(why) => match inventory.places.get(*place) {
                Some(known) => {
                    Fate::Unknown(vec![Doubt { why, of: place.as_str(), origin: &known.source.origin }])
                }
                None => Fate::Stands,
            },
        },
        Needed::Services(any) => {
            let (mut falls, mut doubts) = (Vec::new(), Vec::new());
            for service in any {
                match of_service(inventory, whereabouts, service, lost) {
                    Fate::Stands => return Fate::Stands,
                    Fate::Falls(fall) => falls.extend(fall),
                    Fate::Unknown(doubt) => doubts.extend(doubt),
                }
            }
            match doubts.is_empty() {
                true => Fate::Falls(falls),
                false => Fate::Unknown(doubts),
            }
        }
    }
}

/// By the shortest chain of hard needs; the first by name among equals.
fn of_service<'i>(
    inventory: &'i Inventory,
    whereabouts: &Whereabouts<'i>,
    service: &'i ServiceId,
    lost: PlaceNumber,
) -> Fate<'i> {
    let mut reached: BTreeMap<&ServiceId, Vec<&'i FoundNeed>> = [(service, Vec::new())].into();
    let mut open = VecDeque::from([service]);
    let mut doubts = Vec::new();
    while let Some(id) = open.pop_front() {
        let Some((id, at)) = inventory.services.get_key_value(id) else { continue };
        let through = reached.get(id).cloned().unwrap_or_default();
        match own(whereabouts, id, at, lost) {
            Own::Falls { gone, running, enough } => {
                return Fate::Falls(vec![Fall { service: Some(service), through, gone, running, enough }]);
            }
            Own::Doubt(doubt) => doubts.push(doubt),
            Own::Stands => {}
        }
        let mut hard: Vec<&FoundNeed> = at.needs.iter().filter(|need| need.kind == NeedKind::Hard).collect();
        hard.sort_by_key(|need| &need.service);
        for need in hard {
            if !reached.contains_key(&need.service) {
                reached.insert(&need.service, through.iter().copied().chain([need]).collect());
                open.push_back(&need.service);
            }
        }
    }
    match doubts.is_empty() {
        true => Fate::Stands,
        false => Fate::Unknown(doubts),
    }
}

enum Own<'i> {
    Stands,
    Falls { gone: Vec<&'i FoundInstance>, running: usize, enough: usize },
    Doubt(Doubt<'i>),
}

fn own<'i>(
    whereabouts: &Whereabouts<'i>,
    id: &'i ServiceId,
    service: &'i FoundService,
    lost: PlaceNumber,
) -> Own<'i> {
    let enough = service.enough.as_ref().map_or(1, |enough| enough.count as usize).max(1);
    let mut left = whereabouts.left(service, lost);
    left.gone.sort_by_key(|instance| &instance.id);
    left.perhaps.sort_by_key(|(instance, _)| &instance.id);
    if left.at_least() >= enough {
        return Own::Stands;
    }
    let doubt = |why: String, origin| Own::Doubt(Doubt { why, of: id.as_str(), origin });
    if let Some(open) = &service.open {
        return doubt(open.why.clone(), &open.origin);
    }
    if left.running == 0 {
        return doubt("no instance of it is known".to_owned(), &service.source.origin);
    }
    match left.perhaps.first() {
        Some((instance, why)) if left.at_most() >= enough => {
            let kind = whereabouts.kind(lost);
            let origin =
                instance.unknown.get(&kind).map_or(&instance.source.origin, |unknown| &unknown.origin);
            doubt(why.clone(), origin)
        }
        // Fewer than enough run with nothing lost: the loss of this place changes nothing about that.
        _ if left.gone.is_empty() => Own::Stands,
        _ => Own::Falls { gone: left.gone, running: left.running, enough },
    }
}
