//! Requests dealt to several sides by weight, so that a client may be kept on its side.
//!
//! The weights lie one after another on a line from 0 to their sum, and a request is a point on it. A point that is drawn deals
//! by chance; one that is made from what a client always sends keeps the client where it is, over restarts and at every gateway. While the
//! sum stays the same, moving weight from one side to its neighbour moves only the clients between.

/// Sides with their weights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sides {
    /// Where each side ends on the line.
    ends: Box<[u64]>,
}

impl Sides {
    /// From weights, in order. A side with weight 0 gets nothing.
    pub fn new(weights: impl IntoIterator<Item = u32>) -> Self {
        let sum = |sum: &mut u64, weight| {
            *sum += u64::from(weight);
            Some(*sum)
        };
        Self { ends: weights.into_iter().scan(0, sum).collect() }
    }

    /// The side that a point falls to; any number is one. None when no side has weight.
    pub fn side(&self, point: u64) -> Option<usize> {
        let sum = *self.ends.last().filter(|sum| **sum > 0)?;
        // The upper bits of a product are as even as the point and cost no division (Lemire, 2019, section 3).
        let at = u64::try_from((u128::from(point) * u128::from(sum)) >> 64).ok()?;
        Some(self.ends.partition_point(|end| *end <= at))
    }
}

/// The point of what a client always sends, such as its session: the same for the same bytes, everywhere and for ever. FNV-1a
/// (draft-eastlake-fnv, 64 bits), with the finish of MurmurHash3, because FNV leaves its upper bits uneven for short texts.
pub fn point_of(bytes: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
    let mut hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325, step);
    for factor in [0xff51_afd7_ed55_8ccd, 0xc4ce_b9fe_1a85_ec53] {
        hash = (hash ^ (hash >> 33)).wrapping_mul(factor);
    }
    hash ^ (hash >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn sessions_fall_to_sides_as_the_weights_say() {
        let sides_of = Sides::new([90, 0, 10]);
        let mut sides = [0; 3];
        for session in 0..100_000 {
            sides[sides_of.side(point_of(format!("session-{session}").as_bytes())).unwrap()] += 1;
        }
        assert_eq!(sides[1], 0);
        // Five standard deviations of a fair deal are 475.
        assert!((9_525..=10_475).contains(&sides[2]), "{sides:?}");
    }

    #[test]
    fn the_point_of_a_session_is_the_same_for_ever() {
        // FNV-1a of `a` is af63dc4c8601ec8c (draft-eastlake-fnv, appendix C), which the finish then spreads.
        assert_eq!(point_of(b"a"), 0x82a2_a958_a9be_ce5b);
        assert_ne!(point_of(b""), point_of(b"a"));
    }

    proptest! {
        #[test]
        fn a_side_without_weight_gets_nothing_and_every_point_has_a_side(
            weights in prop::collection::vec(0_u32..5, 0..6), point: u64,
        ) {
            match Sides::new(weights.clone()).side(point) {
                Some(side) => prop_assert!(weights[side] > 0),
                None => prop_assert_eq!(weights.iter().sum::<u32>(), 0),
            }
        }

        #[test]
        fn a_growing_canary_only_wins_clients(point: u64, share in 0_u32..=100, more in 0_u32..=100) {
            let canary = |share: u32| Sides::new([100 - share, share]).side(point) == Some(1);
            if canary(share.min(more)) {
                prop_assert!(canary(share.max(more)));
            }
        }
    }
}
