//! Whether an instance goes with a place that is lost: certainly, not, or nobody can tell.
//!
//! An instance goes with a place when it stands there or in something within it. It does not when it is known to stand in another
//! place of the same kind, or of a kind that contains the lost one: what is in zone b is on no node of zone a. Everything stands
//! in some zone and region, so that where neither is said it may be any. A rack, a power feed or a node is asked about only
//! where a file says that there is one, or where nothing at all is known.

use dinghai_estate::{FoundInstance, FoundService, Inventory, PlaceId, PlaceKind};

use crate::domains::{Containment, PlaceNumber};

/// Places and what is known of who stands there.
#[derive(Clone, Debug)]
pub(crate) struct Whereabouts<'i> {
    pub(crate) containment: Containment<'i>,
}

/// Whether something goes with a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Goes {
    /// It stands there.
    Certainly,
    /// It stands elsewhere.
    Not,
    /// Nobody can tell, and why.
    Perhaps(String),
}

/// What becomes of a service's running instances when a place is lost.
#[derive(Clone, Debug)]
pub(crate) struct Left<'i> {
    /// How many run.
    pub(crate) running: usize,
    /// Those that stand there.
    pub(crate) gone: Vec<&'i FoundInstance>,
    /// Those of which nobody can tell, with the reason.
    pub(crate) perhaps: Vec<(&'i FoundInstance, String)>,
}

impl Left<'_> {
    /// How many are certainly left.
    pub(crate) fn at_least(&self) -> usize {
        self.at_most().saturating_sub(self.perhaps.len())
    }

    /// How many may be left.
    pub(crate) fn at_most(&self) -> usize {
        self.running.saturating_sub(self.gone.len())
    }
}

impl<'i> Whereabouts<'i> {
    pub(crate) fn of(inventory: &'i Inventory) -> Self {
        Self { containment: Containment::of(inventory) }
    }

    pub(crate) fn kind(&self, place: PlaceNumber) -> PlaceKind {
        self.containment.kind(place).unwrap_or(PlaceKind::Node)
    }

    pub(crate) fn left(&self, service: &'i FoundService, lost: PlaceNumber) -> Left<'i> {
        let mut left = Left { running: 0, gone: Vec::new(), perhaps: Vec::new() };
        for instance in service.running() {
            left.running += 1;
            match self.instance_goes(instance, lost) {
                Goes::Certainly => left.gone.push(instance),
                Goes::Perhaps(why) => left.perhaps.push((instance, why)),
                Goes::Not => {}
            }
        }
        left
    }

    pub(crate) fn instance_goes(&self, instance: &FoundInstance, lost: PlaceNumber) -> Goes {
        let at = self.containment.of_instance(instance);
        let kind = self.kind(lost);
        if let Some(goes) = self.known(&at, lost) {
            return goes;
        }
        if let Some(unknown) = instance.unknown.get(&kind) {
            return Goes::Perhaps(unknown.why.clone());
        }
        match at.is_empty() || everything_has_one(kind) {
            true => Goes::Perhaps(format!("no file says in which {kind} it stands")),
            false => Goes::Not,
        }
    }

    /// The same of a place that is needed itself.
    pub(crate) fn place_goes(&self, place: &PlaceId, lost: PlaceNumber) -> Goes {
        let Some(number) = self.containment.number(place) else {
            return Goes::Perhaps("no file says where it is".to_owned());
        };
        let kind = self.kind(lost);
        match self.known(self.containment.around(number), lost) {
            Some(goes) => goes,
            None if everything_has_one(kind) && self.kind(number) < kind => {
                Goes::Perhaps(format!("no file says in which {kind} it is"))
            }
            None => Goes::Not,
        }
    }

    /// What the places around something say, when they say it.
    fn known(&self, at: &[PlaceNumber], lost: PlaceNumber) -> Option<Goes> {
        if at.binary_search(&lost).is_ok() {
            return Some(Goes::Certainly);
        }
        let elsewhere = self.containment.around(lost).iter().any(|outer| {
            let kind = self.kind(*outer);
            let mut of_kind = at.iter().filter(|place| self.kind(**place) == kind).peekable();
            of_kind.peek().is_some() && of_kind.all(|place| place != outer)
        });
        elsewhere.then_some(Goes::Not)
    }
}

/// Whether everything stands in some place of this kind, said or not.
fn everything_has_one(kind: PlaceKind) -> bool {
    matches!(kind, PlaceKind::Zone | PlaceKind::Region)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use dinghai_estate::{FoundPlace, InstanceId, Origin, Source, Unknown, UnknownKind};

    use super::*;

    fn source() -> Source {
        Source::declared(Origin { file: "a.tf".to_owned(), line: 1, column: 1 })
    }

    fn inventory() -> Inventory {
        let place = |id: &str, kind, within: &[&str]| {
            let within: BTreeMap<PlaceId, Source> =
                within.iter().map(|outer| (PlaceId::from(*outer), source())).collect();
            (PlaceId::from(id), FoundPlace { kind, vendor: None, within, source: source() })
        };
        let places = [
            place("r", PlaceKind::Region, &[]),
            place("a", PlaceKind::Zone, &["r"]),
            place("b", PlaceKind::Zone, &["r"]),
            place("n1", PlaceKind::Node, &["a"]),
            place("n2", PlaceKind::Node, &[]),
        ];
        Inventory { places: places.into(), ..Inventory::default() }
    }

    fn goes(at: &[&str], lost: &str) -> Goes {
        let inventory = inventory();
        let whereabouts = Whereabouts::of(&inventory);
        let mut instance = FoundInstance::new(InstanceId::from("web"), source());
        for place in at {
            instance = instance.at(PlaceId::from(*place), source());
        }
        whereabouts.instance_goes(&instance, whereabouts.containment.number(&lost.into()).unwrap())
    }

    #[test]
    fn what_is_known_decides() {
        assert_eq!(goes(&["n1"], "a"), Goes::Certainly);
        assert_eq!(goes(&["n1"], "r"), Goes::Certainly);
        assert_eq!(goes(&["n1"], "b"), Goes::Not);
        assert_eq!(goes(&["b"], "n1"), Goes::Not);
        assert_eq!(goes(&["n2"], "n1"), Goes::Not);
    }

    #[test]
    fn an_unknown_zone_is_perhaps_the_lost_one() {
        assert!(matches!(goes(&["n2"], "a"), Goes::Perhaps(_)));
        assert!(matches!(goes(&[], "a"), Goes::Perhaps(_)));
        assert!(matches!(goes(&[], "n1"), Goes::Perhaps(_)));
        assert!(matches!(goes(&["r"], "a"), Goes::Perhaps(_)));
    }

    #[test]
    fn a_node_is_asked_about_only_where_there_is_one() {
        assert_eq!(goes(&["a"], "n1"), Goes::Not);
        let inventory = inventory();
        let whereabouts = Whereabouts::of(&inventory);
        let mut pod = FoundInstance::new(InstanceId::from("web"), source()).at(PlaceId::from("a"), source());
        let why = Unknown {
            why: "the scheduler is free".to_owned(),
            kind: UnknownKind::Unconstrained,
            origin: source().origin,
        };
        pod.unknown.insert(PlaceKind::Node, why);
        let lost = whereabouts.containment.number(&PlaceId::from("n1")).unwrap();
        assert_eq!(whereabouts.instance_goes(&pod, lost), Goes::Perhaps("the scheduler is free".to_owned()));
    }
}
