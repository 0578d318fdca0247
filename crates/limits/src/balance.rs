//! Which instance takes a request.

/// A candidate: an instance that may take the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    /// Requests under way to it.
    pub in_flight: u32,
    /// Its weight, more than 0.
    pub weight: u32,
}

/// Whether so few are healthy that ejecting the others would only move their load onto these: spread over all.
/// `below` is a share, 0–1; no instances at all is no panic.
pub fn in_panic(healthy: usize, all: usize, below: f64) -> bool {
    #[expect(clippy::cast_precision_loss, reason = "counts of instances are far below 2^53")]
    let share = healthy as f64 / all as f64;
    all > 0 && share < below
}

/// The candidate with the fewest requests for its weight, counting the one to come; ties fall to `draw`, a random
/// number. None without candidates.
pub fn least_request(candidates: impl Iterator<Item = Load>, draw: u64) -> Option<usize> {
    let mut best: Option<(Load, usize)> = None;
    let mut ties = 0;
    for (at, load) in candidates.enumerate() {
        let cost = |of: Load, times: Load| {
            u64::from(of.in_flight).saturating_add(1).saturating_mul(u64::from(times.weight))
        };
        let order = best.map(|(held, _)| cost(load, held).cmp(&cost(held, load)));
        match order {
            None | Some(std::cmp::Ordering::Less) => {
                best = Some((load, at));
                ties = 1;
            }
            Some(std::cmp::Ordering::Equal) => {
                // One pass over an unknown number of ties: the n-th replaces the held one with probability 1/n.
                ties += 1;
                if draw.rotate_left(u32::try_from(at % 64).unwrap_or(0)) % ties == 0 {
                    best = Some((load, at));
                }
            }
            Some(std::cmp::Ordering::Greater) => {}
        }
    }
    best.map(|(_, at)| at)
}

/// Takes turns by weight, smoothly: weights 2 and 1 give a, b, a and not a, a, b. Each turn every candidate gains its
/// weight, the richest is chosen and pays what all have gained (the smooth weighted round-robin known from nginx).
#[derive(Clone, Debug, Default)]
pub struct RoundRobin {
    credit: Vec<i64>,
}

impl RoundRobin {
    /// The next of `candidates`: pairs of a stable slot and a weight more than 0. Returns the slot.
    pub fn next(&mut self, candidates: impl Iterator<Item = (usize, u32)> + Clone) -> Option<usize> {
        let size = candidates.clone().map(|(slot, _)| slot + 1).max()?;
        if self.credit.len() < size {
            self.credit.resize(size, 0);
        }
        let mut gained = 0;
        let mut richest: Option<(usize, i64)> = None;
        for (slot, weight) in candidates {
            let Some(credit) = self.credit.get_mut(slot) else { continue };
            *credit += i64::from(weight);
            gained += i64::from(weight);
            if richest.is_none_or(|(_, most)| *credit > most) {
                richest = Some((slot, *credit));
            }
        }
        let (slot, _) = richest?;
        if let Some(credit) = self.credit.get_mut(slot) {
            *credit -= gained;
        }
        Some(slot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn fewest_requests_for_its_weight_is_chosen() {
        let loads = [
            Load { in_flight: 3, weight: 100 },
            Load { in_flight: 1, weight: 100 },
            Load { in_flight: 0, weight: 10 },
        ];
        assert_eq!(least_request(loads.into_iter(), 0), Some(1));
        assert_eq!(least_request(std::iter::empty(), 0), None);
    }

    #[test]
    fn ties_are_spread() {
        let mut rng = dinghai_clock::Rng::seeded(1);
        let mut taken = [0u32; 3];
        for _ in 0..3000 {
            let loads = [Load { in_flight: 0, weight: 100 }; 3];
            taken[least_request(loads.into_iter(), rng.bits()).unwrap()] += 1;
        }
        assert!(taken.iter().all(|n| (800..1200).contains(n)), "{taken:?}");
    }

    #[test]
    fn turns_are_smooth() {
        let mut turns = RoundRobin::default();
        let order: Vec<_> = (0..6).filter_map(|_| turns.next([(0, 2), (1, 1)].into_iter())).collect();
        assert_eq!(order, [0, 1, 0, 0, 1, 0]);
    }

    #[test]
    fn panic_begins_below_the_threshold() {
        assert!(!in_panic(1, 2, 0.5));
        assert!(in_panic(1, 3, 0.5));
        assert!(!in_panic(0, 3, 0.0));
        assert!(!in_panic(0, 0, 0.5));
    }

    proptest! {
        #[test]
        fn a_whole_round_gives_each_its_weight(weights in prop::collection::vec(1u32..20, 1..8)) {
            let mut turns = RoundRobin::default();
            let mut taken = vec![0u32; weights.len()];
            for _ in 0..weights.iter().sum() {
                taken[turns.next(weights.iter().copied().enumerate()).unwrap()] += 1;
            }
            prop_assert_eq!(taken, weights);
        }
    }
}
