//! When the next probe starts.
//!
//! Turn n is due at the start plus n pauses, moved by up to a tenth of the pause either way, so that the probes of many
//! instances do not march in step. The turns hang on the start and not on each other, so nothing drifts. The caller
//! asks for a turn only when its last probe has ended: a probe never overlaps itself. Turns that were missed
//! meanwhile fall together into one that is due at once.

use std::time::Duration;

use dinghai_clock::Rng;
use tokio::time::{Instant, sleep_until};

/// A jittered schedule.
#[derive(Debug)]
pub struct Schedule {
    start: Instant,
    every: Duration,
    next: u32,
    rng: Rng,
}

impl Schedule {
    /// A schedule whose first turn is due within a tenth of the pause; the same seed gives the same jitter.
    pub fn new(every: Duration, seed: u64) -> Self {
        let every = every.max(Duration::from_millis(1));
        Self { start: Instant::now(), every, next: 0, rng: Rng::seeded(seed) }
    }

    /// Waits for the next turn.
    pub async fn turn(&mut self) {
        let due = self.due();
        sleep_until(due).await;
    }

    fn due(&mut self) -> Instant {
        let passed = Instant::now().saturating_duration_since(self.start);
        let missed = passed.as_nanos() / self.every.as_nanos();
        let turn = self.next.max(u32::try_from(missed).unwrap_or(u32::MAX));
        self.next = turn.saturating_add(1);
        let tenth = self.every / 10;
        let later = tenth.mul_f64(self.rng.unit() * if turn == 0 { 1.0 } else { 2.0 });
        let on_time = self.start + self.every.saturating_mul(turn) + later;
        if turn == 0 { on_time } else { on_time.checked_sub(tenth).unwrap_or(on_time) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERY: Duration = Duration::from_millis(200);

    #[tokio::test(start_paused = true)]
    async fn turns_are_jittered_by_a_tenth_and_do_not_drift() {
        let start = Instant::now();
        let mut schedule = Schedule::new(EVERY, 7);
        let mut seen = std::collections::BTreeSet::new();
        for n in 0..1000u32 {
            schedule.turn().await;
            let off = start.elapsed().as_secs_f64() - (EVERY * n).as_secs_f64();
            assert!((-0.0211..=0.0211).contains(&off), "turn {n} is off by {off} s");
            seen.insert((off * 1000.0).round() as i64);
        }
        assert!(seen.len() > 20, "jitter is spread: {seen:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn missed_turns_fall_together_into_one_that_is_due_at_once() {
        let start = Instant::now();
        let mut schedule = Schedule::new(EVERY, 7);
        schedule.turn().await;
        tokio::time::advance(Duration::from_millis(1070)).await;
        schedule.turn().await;
        let overdue = start.elapsed();
        assert!(overdue < Duration::from_millis(1095), "{overdue:?}");
        schedule.turn().await;
        assert!(start.elapsed() >= Duration::from_millis(1179), "back on the grid: {:?}", start.elapsed());
    }
}
