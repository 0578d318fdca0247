//! Which of many cut sets are minimal together.
//!
//! A cut set *contains* another when the other comes out of it by leaving places out and by taking narrower places for
//! some of those that stay. Losing a region loses its zones, so where {zone} cuts, {region} is implied and not reported; but {region}
//! stays beside {zone a, zone b}, for it is one event and they are two.

use crate::domains::{Containment, PlaceNumber};
use crate::own::Places;

/// Keeps the minimal among cut sets, one estate's services after another. It reuses one table for all of them.
pub(crate) struct Sieve<'c, 'e> {
    containment: &'c Containment<'e>,
    /// By place the cut sets whose first place is that place or lies in it.
    beneath: Vec<Vec<usize>>,
}

impl<'c, 'e> Sieve<'c, 'e> {
    pub(crate) fn over(containment: &'c Containment<'e>) -> Self {
        Self { containment, beneath: vec![Vec::new(); containment.places()] }
    }

    /// The cut sets that contain no other; ascending.
    pub(crate) fn minimal<'p>(&mut self, mut cuts: Vec<&'p Places>) -> Vec<&'p Places> {
        cuts.sort_unstable();
        cuts.dedup();
        if cuts.first().is_some_and(|cut| cut.is_empty()) {
            cuts.truncate(1);
            return cuts;
        }
        let above = |cut: &Places| cut.first().map_or(&[][..], |first| self.containment.around(*first));
        for (n, cut) in cuts.iter().enumerate() {
            for place in above(cut) {
                self.beneath.get_mut(*place as usize).into_iter().for_each(|list| list.push(n));
            }
        }
        let minimal = cuts
            .iter()
            .enumerate()
            .filter(|(n, cut)| {
                let near = cut.iter().filter_map(|place| self.beneath.get(*place as usize)).flatten();
                !near
                    .filter(|other| *other != n)
                    .any(|other| cuts.get(*other).is_some_and(|other| contains(cut, other, self.containment)))
            })
            .map(|(_, cut)| *cut)
            .collect();
        for cut in &cuts {
            for place in cut.first().map_or(&[][..], |first| self.containment.around(*first)) {
                self.beneath.get_mut(*place as usize).into_iter().for_each(Vec::clear);
            }
        }
        minimal
    }
}

/// Whether each inner place can be given an outer place of its own that it lies in.
fn contains(outer: &[PlaceNumber], inner: &[PlaceNumber], containment: &Containment<'_>) -> bool {
    let Some((place, rest)) = inner.split_first() else { return true };
    inner.len() <= outer.len()
        && outer.iter().enumerate().filter(|(_, around)| containment.lies_in(*place, **around)).any(
            |(n, _)| {
                let mut others = outer.to_vec();
                others.swap_remove(n);
                contains(&others, rest, containment)
            },
        )
}
