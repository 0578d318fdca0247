//! Copies that a vendor spreads: scaling groups, container services, node groups, nodes of a cluster.

use std::collections::BTreeSet;

use dinghai_estate::{Origin, PlaceId, Source, Unknown, UnknownKind};

use super::ground::{At, Spot};
use super::survey::{Member, Survey};
use crate::value::Node;

/// How copies get their zones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spreading {
    /// In turn over all the zones.
    Even,
    /// All of them in the first zone that has room.
    First,
    /// As the vendor likes.
    Free,
}

impl<'a> Survey<'a> {
    /// Adds as many copies as `count` says, over the zones that `spots` names.
    pub(super) fn copies(&mut self, member: &Member<'a>, count: Count, spots: &[Spot], spreading: Spreading) {
        let origin = count.origin.clone();
        let zones: BTreeSet<&PlaceId> = spots
            .iter()
            .filter_map(|spot| match &spot.at {
                At::Zone(place, _) => Some(place),
                _ => None,
            })
            .collect();
        let all_known = spots.iter().all(|spot| !matches!(spot.at, At::Unknown(_)));
        let number = match count.number {
            Ok(0) => {
                let why = "it keeps no copy until somebody scales it out".to_owned();
                self.open(member, Unknown { why, kind: UnknownKind::Unconstrained, origin });
                return;
            }
            Ok(number) => number.min(MOST),
            Err(why) => {
                self.open(member, Unknown { why, kind: UnknownKind::Unresolved, origin: origin.clone() });
                // However many there are: all of them are in the one zone.
                if zones.len() != 1 || !all_known {
                    return;
                }
                1
            }
        };
        for copy in 0..number as usize {
            let spot = match (spreading, spots.len()) {
                (_, 0) => self.somewhere(
                    &member.resource.origin,
                    "no zone or subnet is stated",
                    UnknownKind::Unconstrained,
                ),
                (Spreading::Even, len) => {
                    spots.get(copy % len).cloned().unwrap_or_else(|| self.regional(member))
                }
                (Spreading::First, _) => spots.first().cloned().unwrap_or_else(|| self.regional(member)),
                (Spreading::Free, _) if zones.len() == 1 && all_known => {
                    spots.first().cloned().unwrap_or_else(|| self.regional(member))
                }
                (Spreading::Free, _) => {
                    let why = "the vendor picks one of its zones and may pick one for all";
                    self.somewhere(&member.resource.origin, why, UnknownKind::Unconstrained)
                }
            };
            let spot = match spot.at {
                At::Zone(place, source) => {
                    Spot { at: At::Zone(place, Source::derived(source.origin)), ..spot }
                }
                at => Spot { at, ..spot },
            };
            self.stand(member, &spot, Source::derived(origin.clone()), false);
        }
    }
}

/// More copies than this say no more than this many.
const MOST: u32 = 200;

/// How many there are, and the line that says so.
#[derive(Clone, Debug)]
pub(super) struct Count {
    pub(super) number: Result<u32, String>,
    pub(super) origin: Origin,
}

impl Count {
    /// So many.
    pub(super) fn of(number: u32, origin: &Origin) -> Self {
        Self { number: Ok(number), origin: origin.clone() }
    }

    /// What the first of these nodes says that is there.
    pub(super) fn stated<'n>(nodes: impl IntoIterator<Item = Option<&'n Node>>, otherwise: Self) -> Self {
        let Some(node) = nodes.into_iter().flatten().next() else { return otherwise };
        let number = node
            .count()
            .ok_or_else(|| node.unknown().unwrap_or("how many is known only when it is applied").to_owned());
        Self { number, origin: node.origin() }
    }
}

impl Survey<'_> {
    /// The one zone of a set of subnets; when they have several, the vendor picks, and nobody can tell.
    pub(super) fn only_zone(&mut self, cloud: super::zones::Cloud, nodes: &[&Node], origin: &Origin) -> Spot {
        let mut spots = Vec::new();
        for node in nodes {
            spots.extend(self.spots(cloud, node));
        }
        let zones: BTreeSet<PlaceId> = spots
            .iter()
            .filter_map(|spot| match &spot.at {
                At::Zone(place, _) => Some(place.clone()),
                _ => None,
            })
            .collect();
        let known = spots.iter().all(|spot| matches!(spot.at, At::Zone(..)));
        match spots.into_iter().next() {
            Some(spot) if zones.len() == 1 && known => spot,
            Some(_) if known => {
                let why = "it stands in one of the zones of its subnets, and the vendor picks which";
                self.somewhere(origin, why, UnknownKind::Hidden)
            }
            Some(Spot { at: At::Unknown(unknown), .. }) => Spot { at: At::Unknown(unknown), subnet: None },
            _ => self.somewhere(origin, "no zone is stated, and the vendor picks one", UnknownKind::Hidden),
        }
    }
}
