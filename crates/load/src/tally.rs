//! What became of the requests, as the shopper saw it.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use dinghai_clock::Timestamp;
use hdrhistogram::Histogram;
use http::Method;
use serde::Serialize;

/// Failures that are kept one by one; more are only counted.
const KEPT_FAILURES: usize = 10_000;

const HOUR_US: u64 = 3_600_000_000;

/// Counts up to a moment. Requests still under way are in none of the phases.
#[derive(Clone, Debug, Serialize)]
pub struct Snapshot {
    /// When it was taken.
    pub at: Timestamp,
    /// The phases in order; the last one goes on.
    pub phases: Vec<Phase>,
    /// Requests under way.
    pub in_flight: u64,
    /// Every failure, in the order of their ends, up to the first 10,000.
    pub failures: Vec<Failure>,
    /// Failures beyond those.
    pub failures_not_kept: u64,
}

/// Counts of a phase. A request belongs to the phase in which it was to start.
#[derive(Clone, Debug, Serialize)]
pub struct Phase {
    /// Its label.
    pub label: String,
    /// When it began.
    pub since: Timestamp,
    /// When the next one began.
    pub until: Option<Timestamp>,
    /// By method.
    pub methods: BTreeMap<String, Counts>,
    /// Latency of all its answered requests together.
    pub latency: Option<Latency>,
}

/// What became of requests. `sent` is the sum of `ok` and the failures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Requests that ended, one way or the other.
    pub sent: u64,
    /// Answered whole with a status below 400.
    pub ok: u64,
    /// Answered with 400 or above.
    pub status: u64,
    /// Nobody listened.
    pub refused: u64,
    /// Broken off.
    pub reset: u64,
    /// Not answered in time.
    pub timeout: u64,
    /// Of the failures, those whose response had begun.
    pub cut: u64,
    /// Of all, those sent again because a kept connection had been closed.
    pub reconnected: u64,
}

/// Time from the intended start to the last byte of the answer, in microseconds, to two digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Latency {
    /// Half of the answers came within this.
    pub p50_us: u64,
    /// 95 % of them.
    pub p95_us: u64,
    /// 99 % of them.
    pub p99_us: u64,
    /// All of them.
    pub max_us: u64,
}

/// A request that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// When it was to start.
    pub intended: Timestamp,
    /// When it had failed.
    pub ended: Timestamp,
    /// The phase in which it was to start.
    pub phase: String,
    /// Its method.
    pub method: String,
    /// Whether it is idempotent.
    pub idempotent: bool,
    /// Its path.
    pub path: String,
    /// How it failed.
    pub kind: FailureKind,
    /// Whether the response had begun.
    pub cut: bool,
}

/// How a request failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureKind {
    /// It was answered with this status, 400 or above.
    Status(u16),
    /// Nobody listened.
    Refused,
    /// The connection broke off.
    Reset,
    /// The answer was not whole in time.
    Timeout,
}

/// How a request ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ending {
    pub(crate) failed: Option<FailureKind>,
    pub(crate) cut: bool,
    pub(crate) reconnected: bool,
}

/// A request that is under way.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) phase: usize,
    pub(crate) intended: Timestamp,
    pub(crate) method: Method,
    pub(crate) path: String,
}

/// Where endings are counted.
#[derive(Debug)]
pub(crate) struct Tally(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    phases: Vec<Cell>,
    in_flight: u64,
    failures: Vec<Failure>,
    failures_not_kept: u64,
}

#[derive(Debug)]
struct Cell {
    label: String,
    since: Timestamp,
    methods: BTreeMap<String, Counts>,
    latency: Option<Histogram<u64>>,
}

impl Tally {
    pub(crate) fn new(label: String, now: Timestamp) -> Self {
        let tally = Self(Mutex::default());
        tally.mark(label, now);
        tally
    }

    pub(crate) fn mark(&self, label: String, now: Timestamp) {
        // Up to an hour; these bounds are admissible, so it is always there.
        let latency = Histogram::new_with_max(HOUR_US, 2).ok();
        self.state().phases.push(Cell { label, since: now, methods: BTreeMap::new(), latency });
    }

    pub(crate) fn begin(&self, intended: Timestamp, method: Method, path: String) -> Sent {
        let mut state = self.state();
        state.in_flight += 1;
        let phase = state.phases.len().saturating_sub(1);
        Sent { phase, intended, method, path }
    }

    pub(crate) fn end(&self, sent: Sent, ending: Ending, now: Timestamp) {
        let mut state = self.state();
        state.in_flight = state.in_flight.saturating_sub(1);
        let Some(cell) = state.phases.get_mut(sent.phase) else { return };
        cell.methods.entry(sent.method.to_string()).or_default().count(ending);
        let Some(kind) = ending.failed else {
            if let Some(latency) = &mut cell.latency {
                latency.saturating_record(micros(now.since(sent.intended)));
            }
            return;
        };
        let phase = cell.label.clone();
        if state.failures.len() >= KEPT_FAILURES {
            state.failures_not_kept += 1;
            return;
        }
        state.failures.push(Failure {
            intended: sent.intended,
            ended: now,
            phase,
            idempotent: sent.method.is_idempotent(),
            method: sent.method.to_string(),
            path: sent.path,
            kind,
            cut: ending.cut,
        });
    }

    pub(crate) fn snapshot(&self, now: Timestamp) -> Snapshot {
        let state = self.state();
        let ends = state.phases.iter().skip(1).map(|next| Some(next.since)).chain([None]);
        let phases = state.phases.iter().zip(ends).map(|(cell, until)| Phase {
            label: cell.label.clone(),
            since: cell.since,
            until,
            methods: cell.methods.clone(),
            latency: cell.latency.as_ref().and_then(Latency::of),
        });
        Snapshot {
            at: now,
            phases: phases.collect(),
            in_flight: state.in_flight,
            failures: state.failures.clone(),
            failures_not_kept: state.failures_not_kept,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Snapshot {
    /// All phases and methods together.
    pub fn total(&self) -> Counts {
        self.phases.iter().map(Phase::total).fold(Counts::default(), Counts::plus)
    }
}

impl Phase {
    /// All methods together.
    pub fn total(&self) -> Counts {
        self.methods.values().copied().fold(Counts::default(), Counts::plus)
    }
}

impl Counts {
    /// Requests that failed.
    pub const fn failed(&self) -> u64 {
        self.sent - self.ok
    }

    /// Both together.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            sent: self.sent + other.sent,
            ok: self.ok + other.ok,
            status: self.status + other.status,
            refused: self.refused + other.refused,
            reset: self.reset + other.reset,
            timeout: self.timeout + other.timeout,
            cut: self.cut + other.cut,
            reconnected: self.reconnected + other.reconnected,
        }
    }

    const fn count(&mut self, ending: Ending) {
        self.sent += 1;
        match ending.failed {
            None => self.ok += 1,
            Some(FailureKind::Status(_)) => self.status += 1,
            Some(FailureKind::Refused) => self.refused += 1,
            Some(FailureKind::Reset) => self.reset += 1,
            Some(FailureKind::Timeout) => self.timeout += 1,
        }
        self.cut += ending.cut as u64;
        self.reconnected += ending.reconnected as u64;
    }
}

impl Latency {
    fn of(histogram: &Histogram<u64>) -> Option<Self> {
        (!histogram.is_empty()).then(|| Self {
            p50_us: histogram.value_at_quantile(0.5),
            p95_us: histogram.value_at_quantile(0.95),
            p99_us: histogram.value_at_quantile(0.99),
            max_us: histogram.max(),
        })
    }
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: Ending = Ending { failed: None, cut: false, reconnected: false };

    fn at(micros: i64) -> Timestamp {
        Timestamp::from_micros(micros)
    }

    #[test]
    fn a_request_belongs_to_the_phase_in_which_it_was_to_start() {
        let tally = Tally::new("before".to_owned(), at(0));
        let early = tally.begin(at(10), Method::GET, "/".to_owned());
        tally.mark("after".to_owned(), at(20));
        let late = tally.begin(at(30), Method::POST, "/".to_owned());
        tally.end(late, Ending { failed: Some(FailureKind::Refused), ..WHOLE }, at(40));
        assert_eq!(tally.snapshot(at(41)).in_flight, 1);
        tally.end(early, WHOLE, at(50));

        let seen = tally.snapshot(at(60));
        assert_eq!(seen.in_flight, 0);
        assert_eq!(seen.phases[0].methods["GET"].ok, 1);
        assert_eq!((seen.phases[0].until, seen.phases[1].until), (Some(at(20)), None));
        assert_eq!(seen.phases[1].methods["POST"], Counts { sent: 1, refused: 1, ..Counts::default() });
        assert_eq!((seen.total().sent, seen.total().failed()), (2, 1));
        assert_eq!((seen.failures[0].phase.as_str(), seen.failures[0].idempotent), ("after", false));
    }

    #[test]
    fn latency_counts_from_the_intended_start_and_is_missing_without_answers() {
        let tally = Tally::new("only".to_owned(), at(0));
        assert_eq!(tally.snapshot(at(0)).phases[0].latency, None);
        let sent = tally.begin(at(1_000), Method::GET, "/".to_owned());
        tally.end(sent, WHOLE, at(101_000));
        let latency = tally.snapshot(at(0)).phases[0].latency.unwrap();
        assert!((99_000..=101_000).contains(&latency.p50_us), "{latency:?}");
    }

    #[test]
    fn failures_beyond_the_kept_ones_are_still_counted() {
        let tally = Tally::new("only".to_owned(), at(0));
        for _ in 0..KEPT_FAILURES + 3 {
            let sent = tally.begin(at(0), Method::GET, "/".to_owned());
            tally.end(sent, Ending { failed: Some(FailureKind::Reset), ..WHOLE }, at(1));
        }
        let seen = tally.snapshot(at(2));
        assert_eq!((seen.failures.len(), seen.failures_not_kept), (KEPT_FAILURES, 3));
        assert_eq!(seen.total().failed(), KEPT_FAILURES as u64 + 3);
    }
}
