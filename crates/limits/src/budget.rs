//! How many requests may be repeated.
//!
//! Retries rescue requests when a few instances fail and bury the rest when all do, so they are an allowance of the
//! traffic itself: each request earns a fifth of a retry, and a small floor is earned by time so that quiet services
//! can retry at all (the form that Finagle's `RetryBudget` gave the idea). What is unspent does not pile up beyond a ceiling.
//!
//! An instance that dies takes every request with it that was under way to it, at once and through no fault of the
//! traffic. Those may be repeated once under an [`Allowance`] of exactly their number.

use std::time::Duration;

use dinghai_clock::Timestamp;

/// One retry in thousandths.
const RETRY: u64 = 1000;

/// What each request earns: 20 %.
const EARNED: u64 = RETRY / 5;

/// What each second earns.
const FLOOR_PER_SECOND: u64 = 10 * RETRY;

/// The most that is kept: ten seconds of the floor.
const CEILING: u64 = 10 * FLOOR_PER_SECOND;

/// The retries that a service may still make.
#[derive(Clone, Debug)]
pub struct RetryBudget {
    thousandths: u64,
    counted: Timestamp,
}

impl RetryBudget {
    /// A budget that holds one second's floor.
    pub const fn new(now: Timestamp) -> Self {
        Self { thousandths: FLOOR_PER_SECOND, counted: now }
    }

    /// So many requests came.
    pub const fn earn(&mut self, requests: u64) {
        let more = self.thousandths.saturating_add(EARNED.saturating_mul(requests));
        self.thousandths = if more > CEILING { CEILING } else { more };
    }

    /// Takes one retry, if there is one.
    pub fn spend(&mut self, now: Timestamp) -> bool {
        self.pass(now.since(self.counted));
        self.counted = self.counted.max(now);
        match self.thousandths.checked_sub(RETRY) {
            Some(left) => {
                self.thousandths = left;
                true
            }
            None => false,
        }
    }

    /// Whole retries at hand.
    pub const fn left(&self) -> u64 {
        self.thousandths / RETRY
    }

    fn pass(&mut self, span: Duration) {
        let micros = u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
        let earned = micros.saturating_mul(FLOOR_PER_SECOND / 1000) / 1000;
        self.thousandths = self.thousandths.saturating_add(earned).min(CEILING);
    }
}

/// The extra retries of requests that were under way to an instance when it was ejected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allowance {
    ejections: u64,
    left: u32,
}

impl Allowance {
    /// How often it was ejected so far; a request remembers this when it sets out.
    pub const fn mark(&self) -> u64 {
        self.ejections
    }

    /// The instance was ejected with so many requests under way to it.
    pub const fn eject(&mut self, in_flight: u32) {
        self.ejections = self.ejections.saturating_add(1);
        self.left = in_flight;
    }

    /// Takes one retry for a request that set out at `mark`, if the instance was ejected under it.
    pub const fn spend(&mut self, mark: u64) -> bool {
        let under_way = mark < self.ejections;
        if !under_way || self.left == 0 {
            return false;
        }
        self.left -= 1;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(ms: u64) -> Timestamp {
        Timestamp::EPOCH.plus(Duration::from_millis(ms))
    }

    #[test]
    fn an_ejection_pays_for_the_requests_that_it_caught_and_for_no_other() {
        let mut allowance = Allowance::default();
        let before = allowance.mark();
        assert!(!allowance.spend(before), "nothing was ejected yet");
        allowance.eject(2);
        assert!(!allowance.spend(allowance.mark()), "this one set out afterwards");
        assert!(allowance.spend(before) && allowance.spend(before));
        assert!(!allowance.spend(before), "there were two");
    }

    #[test]
    fn a_quiet_service_may_retry_ten_times_a_second() {
        let mut budget = RetryBudget::new(at(0));
        let spent = |budget: &mut RetryBudget, now| (0..1000).filter(|_| budget.spend(now)).count();
        assert_eq!(spent(&mut budget, at(0)), 10);
        assert_eq!(spent(&mut budget, at(1000)), 10);
        assert_eq!(spent(&mut budget, at(3_600_000)), 100, "it does not pile up");
    }

    proptest! {
        #[test]
        fn retries_never_exceed_a_fifth_of_the_requests_and_the_floor(
            steps in prop::collection::vec((0u64..50, 0u64..20, 0u32..40), 1..200),
        ) {
            let mut budget = RetryBudget::new(at(0));
            let (mut now, mut requests, mut retries) = (0u64, 0u64, 0u64);
            for (ms, came, wanted) in steps {
                now += ms;
                budget.earn(came);
                requests += came;
                retries += (0..wanted).filter(|_| budget.spend(at(now))).count() as u64;
            }
            prop_assert!(retries <= requests / 5 + now / 100 + 11, "{retries} of {requests} in {now} ms");
        }
    }
}
