//! The cut sets of one service by its own instances, needs left aside.
//!
//! To leave fewer than `enough` instances, at least one of any `enough` that are still there has to go. So the search takes the
//! first `enough` instances left, tries each place with which one of them is lost, and goes on until too few are left or
//! the cut would have too many places (the idea of MOCUS: Fussell and Vesely, 1972). A place is left out of the search when a
//! narrower one loses the very same instances, since the narrower one is what is reported.

use std::collections::BTreeSet;

use crate::domains::{Containment, PlaceNumber};

/// Places that are lost together; ascending.
pub(crate) type Places = Vec<PlaceNumber>;

/// What stops one service by its own instances.
#[derive(Clone, Debug, Default)]
pub(crate) struct Own {
    /// Minimal cut sets; ascending.
    pub(crate) cuts: Vec<Places>,
    /// Whether the search had to end with instances left that more places could have taken.
    pub(crate) truncated: bool,
}

struct Search<'s> {
    standing: &'s [Vec<PlaceNumber>],
    enough: usize,
    order: usize,
    cuts: BTreeSet<Places>,
    truncated: bool,
}

/// The minimal cut sets of at most `order` places for a service that stands on `enough` of these instances, each given by the
/// places with which it is lost.
pub(crate) fn own(
    standing: &[Vec<PlaceNumber>],
    enough: usize,
    order: usize,
    containment: &Containment<'_>,
) -> Own {
    let mut standing = without_wider(standing, containment);
    // Where the search has to end depends on which instance it begins with: never on the order of declaration.
    standing.sort_unstable();
    let mut search = Search { standing: &standing, enough, order, cuts: BTreeSet::new(), truncated: false };
    search.go(&mut Vec::new());
    let places: BTreeSet<PlaceNumber> = standing.iter().flatten().copied().collect();
    let minimal = |cut: &Places| {
        (0..cut.len()).all(|out| {
            let mut rest = cut.clone();
            let place = rest.remove(out);
            let stops = |cut: &[PlaceNumber]| too_few(&standing, enough, cut);
            let narrower =
                places.iter().filter(|inner| **inner != place && containment.lies_in(**inner, place));
            !stops(&rest)
                && narrower.into_iter().all(|inner| {
                    rest.push(*inner);
                    let still = stops(&rest);
                    rest.pop();
                    !still
                })
        })
    };
    let cuts = std::mem::take(&mut search.cuts).into_iter().filter(minimal).collect();
    Own { cuts, truncated: search.truncated }
}

/// Whether fewer than `enough` instances are left once the places are lost.
pub(crate) fn too_few(standing: &[Vec<PlaceNumber>], enough: usize, lost: &[PlaceNumber]) -> bool {
    left(standing, lost).nth(enough.saturating_sub(1)).is_none()
}

fn left<'s>(
    standing: &'s [Vec<PlaceNumber>],
    lost: &'s [PlaceNumber],
) -> impl Iterator<Item = &'s Vec<PlaceNumber>> {
    standing.iter().filter(|places| !places.iter().any(|place| lost.contains(place)))
}

impl Search<'_> {
    fn go(&mut self, lost: &mut Places) {
        if too_few(self.standing, self.enough, lost) {
            let mut cut = lost.clone();
            cut.sort_unstable();
            self.cuts.insert(cut);
            return;
        }
        let next: BTreeSet<PlaceNumber> =
            left(self.standing, lost).take(self.enough).flatten().copied().collect();
        if lost.len() == self.order {
            self.truncated |= !next.is_empty();
            return;
        }
        for place in next {
            lost.push(place);
            self.go(lost);
            lost.pop();
        }
    }
}

/// The same without each place that loses no more than a narrower one.
fn without_wider(standing: &[Vec<PlaceNumber>], containment: &Containment<'_>) -> Vec<Vec<PlaceNumber>> {
    let mut lost: Vec<(PlaceNumber, usize)> = Vec::new();
    let mut all: Vec<PlaceNumber> = standing.iter().flatten().copied().collect();
    all.sort_unstable();
    for same in all.chunk_by(|a, b| a == b) {
        lost.extend(same.first().map(|place| (*place, same.len())));
    }
    let count = |place: PlaceNumber| {
        let at = lost.binary_search_by_key(&place, |(place, _)| *place).ok()?;
        lost.get(at).map(|(_, count)| *count)
    };
    // What lies in a place loses some of what the place loses: the same number is the same instances.
    let mut wider: Vec<PlaceNumber> = Vec::new();
    for (inner, loses) in &lost {
        let around = containment.around(*inner).iter().copied();
        wider.extend(around.filter(|outer| outer != inner && count(*outer) == Some(*loses)));
    }
    wider.sort_unstable();
    let kept: Vec<PlaceNumber> =
        lost.iter().map(|(place, _)| *place).filter(|place| wider.binary_search(place).is_err()).collect();
    let keep = |places: &Vec<PlaceNumber>| {
        places.iter().copied().filter(|place| kept.binary_search(place).is_ok()).collect()
    };
    standing.iter().map(keep).collect()
}
