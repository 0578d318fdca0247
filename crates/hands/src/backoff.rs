//! How long to wait before a process that ended by itself is started again.
//!
//! At once the first time; then twice as long each time, from 0.5 s to 30 s, drawn from the upper half so that
//! processes that fell together do not come back together. A process that stayed up for 60 s begins anew.

use std::time::Duration;

use dinghai_clock::Rng;

const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(30);
const STEADY: Duration = Duration::from_secs(60);

/// The pause, and how many quick ends there were in a row with this one. `quick` is how many there were before.
pub(crate) fn next(quick: u32, up_for: Duration, rng: &mut Rng) -> (Duration, u32) {
    let quick = if up_for >= STEADY { 0 } else { quick };
    let pause = match quick {
        0 => Duration::ZERO,
        n => {
            let full = FIRST.saturating_mul(1 << (n - 1).min(6)).min(LONGEST);
            full.mul_f64(0.5 + rng.unit() / 2.0)
        }
    };
    (pause, quick.saturating_add(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{any, prop_assert, proptest};

    #[test]
    fn the_first_restart_is_at_once_and_the_pauses_grow_to_thirty_seconds() {
        let mut rng = Rng::seeded(1);
        let mut quick = 0;
        let mut pauses = Vec::new();
        for _ in 0..12 {
            let (pause, after) = next(quick, Duration::from_secs(1), &mut rng);
            pauses.push(pause);
            quick = after;
        }
        assert_eq!(pauses[0], Duration::ZERO);
        for (n, full) in [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000].into_iter().enumerate() {
            let full = Duration::from_millis(full);
            assert!(pauses[n + 1] >= full / 2 && pauses[n + 1] <= full, "{n}: {:?}", pauses[n + 1]);
        }
    }

    #[test]
    fn a_process_that_stayed_up_begins_anew() {
        assert_eq!(next(9, Duration::from_secs(60), &mut Rng::seeded(1)), (Duration::ZERO, 1));
    }

    proptest! {
        #[test]
        fn no_pause_is_longer_than_thirty_seconds(quick in any::<u32>(), up_ms in 0u64..200_000, seed in any::<u64>()) {
            let (pause, after) = next(quick, Duration::from_millis(up_ms), &mut Rng::seeded(seed));
            prop_assert!(pause <= LONGEST);
            prop_assert!(after >= 1);
        }
    }
}
