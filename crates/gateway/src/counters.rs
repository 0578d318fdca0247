//! What a route counts: totals, a latency histogram, and what passed in each of the last seconds.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use dinghai_clock::Timestamp;
use dinghai_estate::ServiceId;
use dinghai_record::Second;
use dinghai_wire::{LATENCY_BOUNDS_US, RouteCounters};

use crate::defaults::SECONDS;

/// How a request ended for the client. One that the client itself gave up is not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// Answered, with less than 500.
    Served,
    /// Answered with 5xx, by an instance or by us.
    Failed,
    /// Its response had begun and broke off.
    Cut,
}

/// One request as it is counted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counted {
    pub(crate) ended: Ended,
    pub(crate) at: Timestamp,
    pub(crate) took: Duration,
    pub(crate) idempotent: bool,
    /// It was answered after being repeated on another instance.
    pub(crate) repeated: bool,
}

/// The counters of one route.
#[derive(Default)]
pub(crate) struct Counters {
    requests: AtomicU64,
    failed: AtomicU64,
    failed_unsafe: AtomicU64,
    cut: AtomicU64,
    rescued: AtomicU64,
    retry_refused: AtomicU64,
    took_us: AtomicU64,
    latency: [AtomicU64; LATENCY_BOUNDS_US.len() + 1],
    seconds: Mutex<VecDeque<Second>>,
}

impl Counters {
    /// Counts a request that has ended.
    pub(crate) fn count(&self, request: Counted) {
        let failed = request.ended != Ended::Served;
        let rescued = request.repeated && !failed;
        self.requests.fetch_add(1, Relaxed);
        if failed {
            self.failed.fetch_add(1, Relaxed);
            if !request.idempotent {
                self.failed_unsafe.fetch_add(1, Relaxed);
            }
        }
        if request.ended == Ended::Cut {
            self.cut.fetch_add(1, Relaxed);
        }
        if rescued {
            self.rescued.fetch_add(1, Relaxed);
        }
        let took_us = u64::try_from(request.took.as_micros()).unwrap_or(u64::MAX);
        self.took_us.fetch_add(took_us, Relaxed);
        let bucket = LATENCY_BOUNDS_US.partition_point(|bound| *bound < took_us);
        if let Some(bucket) = self.latency.get(bucket) {
            bucket.fetch_add(1, Relaxed);
        }
        self.log(request.at, failed, rescued);
    }

    /// Counts a retry that the budget did not grant.
    pub(crate) fn retry_refused(&self) {
        self.retry_refused.fetch_add(1, Relaxed);
    }

    fn log(&self, at: Timestamp, failed: bool, rescued: bool) {
        let at_s = at.as_micros().div_euclid(1_000_000);
        let mut seconds = self.seconds.lock().unwrap_or_else(PoisonError::into_inner);
        if seconds.back().is_none_or(|last| last.at_s < at_s) {
            if seconds.len() > SECONDS {
                seconds.pop_front();
            }
            seconds.push_back(Second { at_s, ..Second::default() });
        }
        // Two threads that end requests around the turn of a second may arrive in either order.
        let Some(second) = seconds.iter_mut().rev().find(|second| second.at_s <= at_s) else { return };
        second.requests += 1;
        second.rescued += u64::from(rescued);
        if failed {
            second.failed += 1;
            second.last_failure = second.last_failure.max(Some(at));
        }
    }

    /// The totals.
    pub(crate) fn totals(&self, service: &ServiceId) -> RouteCounters {
        RouteCounters {
            service: Some(service.clone()),
            requests: self.requests.load(Relaxed),
            failed: self.failed.load(Relaxed),
            failed_unsafe: self.failed_unsafe.load(Relaxed),
            cut: self.cut.load(Relaxed),
            rescued: self.rescued.load(Relaxed),
            retry_refused: self.retry_refused.load(Relaxed),
            latency: self.latency.iter().map(|bucket| bucket.load(Relaxed)).collect(),
        }
    }

    /// The sum of all latencies, in microseconds.
    pub(crate) fn took_us(&self) -> u64 {
        self.took_us.load(Relaxed)
    }

    /// The last whole seconds before `now`, oldest first, since `started` at the earliest. A second in which nothing
    /// passed is told with zeros, because we were there to see it.
    pub(crate) fn seconds(&self, started: Timestamp, now: Timestamp) -> Vec<Second> {
        let second = |at: Timestamp| at.as_micros().div_euclid(1_000_000);
        let span = i64::try_from(SECONDS).unwrap_or(i64::MAX);
        // The second of the start was not seen whole; the current one has not ended.
        let first = (second(started) + 1).max(second(now) - span);
        let log = self.seconds.lock().unwrap_or_else(PoisonError::into_inner);
        (first..second(now))
            .map(|at_s| {
                let seen = log.iter().rev().find(|second| second.at_s == at_s);
                seen.cloned().unwrap_or(Second { at_s, ..Second::default() })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_micros(ms * 1000)
    }

    fn request(ended: Ended, ms: i64) -> Counted {
        Counted { ended, at: at(ms), took: Duration::from_millis(3), idempotent: false, repeated: false }
    }

    #[test]
    fn failures_and_latency_are_counted_once() {
        let counters = Counters::default();
        counters.count(request(Ended::Served, 1));
        counters.count(request(Ended::Failed, 2));
        counters.count(request(Ended::Cut, 3));
        counters.count(Counted { repeated: true, ..request(Ended::Served, 4) });
        let totals = counters.totals(&ServiceId::from("order"));
        assert_eq!((totals.requests, totals.failed, totals.failed_unsafe), (4, 2, 2));
        assert_eq!((totals.cut, totals.rescued), (1, 1));
        assert_eq!(totals.latency.iter().sum::<u64>(), 4);
        assert_eq!(totals.latency[3], 4, "3 ms lies between 2.5 and 5 ms");
    }

    #[test]
    fn whole_seconds_are_told_and_quiet_ones_with_zeros() {
        let counters = Counters::default();
        counters.count(request(Ended::Served, 1_500));
        counters.count(request(Ended::Failed, 3_250));
        counters.count(request(Ended::Served, 4_100));
        let told = counters.seconds(at(500), at(4_200));
        let brief: Vec<_> = told.iter().map(|second| (second.at_s, second.requests, second.failed)).collect();
        assert_eq!(brief, [(1, 1, 0), (2, 0, 0), (3, 1, 1)]);
        assert_eq!(told[2].last_failure, Some(at(3_250)));
    }

    #[test]
    fn no_more_than_the_last_seconds_are_kept() {
        let counters = Counters::default();
        for s in 0..1000 {
            counters.count(request(Ended::Served, s * 1000));
        }
        let told = counters.seconds(at(-1000), at(1_000_000));
        assert_eq!(told.len(), SECONDS);
        assert!(told.iter().all(|second| second.requests == 1));
    }
}
