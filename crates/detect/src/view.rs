//! What one vantage point says of one instance.
//!
//! The controller's probes are raw: so many failures in a row make an instance down, so many answers make it up, as
//! its probe says. What a gateway tells is judged already and taken at its word at once. Between the first contrary
//! answer and the verdict a view *wavers*: it keeps its last verdict, but that no longer contradicts others.
//! A view that was not heard for too long is unknown, and begins anew when it is heard again.

use std::collections::VecDeque;
use std::time::Duration;

use dinghai_clock::Timestamp;
use dinghai_estate::ProbeSpec;
use dinghai_record::{Cause, Health};

/// How long falls from up to down are remembered; [`FLAPS`] of them in this time are flapping.
pub(crate) const FLAP_WINDOW: Duration = Duration::from_secs(60);
/// So many falls in [`FLAP_WINDOW`] are flapping. Two are had by an instance that falls, is mended, and is lost again
/// with its place.
pub(crate) const FLAPS: usize = 3;
/// So many last answers are judged for slowness.
pub(crate) const SLOW_OF: usize = 10;
/// Gateways and the hand report at least every second; three missed reports make them unknown.
pub(crate) const REPORT_STALE: Duration = Duration::from_secs(3);

/// How raw answers become a verdict.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rules {
    fall: u32,
    rise: u32,
    slow: Option<Duration>,
    stale: Duration,
}

impl Rules {
    /// For the controller's probes: stale after three periods and a timeout, and never under a second.
    pub(crate) fn probed(probe: Option<&ProbeSpec>) -> Self {
        let Some(probe) = probe else {
            return Self::judged();
        };
        Self {
            fall: probe.fall.max(1),
            rise: probe.rise.max(1),
            slow: probe.slow,
            stale: (probe.every * 3 + probe.timeout).max(Duration::from_secs(1)),
        }
    }

    /// For reports that are verdicts already.
    pub(crate) const fn judged() -> Self {
        Self { fall: 1, rise: 1, slow: None, stale: REPORT_STALE }
    }
}

/// What one vantage point says of one instance.
#[derive(Clone, Debug)]
pub(crate) struct View {
    rules: Rules,
    health: Health,
    /// Since when it says so: the first answer of the run that made it so.
    since: Timestamp,
    heard: Option<Timestamp>,
    /// The run of like answers that goes on: whether they are answers, how many, since when.
    run: (bool, u32, Timestamp),
    falls: VecDeque<Timestamp>,
    /// The last definite verdict, so that a change through unknown still counts.
    was_up: Option<bool>,
    slow: VecDeque<bool>,
    pub(crate) took_us: Option<u64>,
    pub(crate) answered: Option<Timestamp>,
    ejected: Option<(Timestamp, bool)>,
}

impl View {
    pub(crate) fn new(rules: Rules) -> Self {
        Self {
            rules,
            health: Health::Unknown,
            since: Timestamp::EPOCH,
            heard: None,
            run: (false, 0, Timestamp::EPOCH),
            falls: VecDeque::new(),
            was_up: None,
            slow: VecDeque::new(),
            took_us: None,
            answered: None,
            ejected: None,
        }
    }

    pub(crate) fn adopt(&mut self, rules: Rules) {
        self.rules = rules;
    }

    /// Takes in an answer or its absence. What was taken in before, or is older than that, changes nothing.
    pub(crate) fn take(&mut self, at: Timestamp, seen: Result<u64, Cause>) {
        if self.heard.is_some_and(|heard| at <= heard && self.rules.fall > 1 || at < heard) {
            return;
        }
        if self.heard.is_some_and(|heard| at.since(heard) > self.rules.stale) {
            self.health = Health::Unknown;
            self.run.1 = 0;
        }
        self.heard = Some(at);
        let answers = seen.is_ok();
        self.run = match self.run {
            (was, count, since) if was == answers && count > 0 => (was, count.saturating_add(1), since),
            _ => (answers, 1, at),
        };
        match seen {
            Ok(took_us) => {
                self.answered = Some(at);
                self.took_us = Some(took_us);
                self.note_pace(took_us);
                if self.run.1 >= self.rules.rise && self.health != Health::Up {
                    self.turn(Health::Up, at);
                }
            }
            Err(cause) if self.run.1 >= self.rules.fall => match self.health {
                Health::Down(_) => self.health = Health::Down(cause),
                Health::Up | Health::Unknown => self.turn(Health::Down(cause), at),
            },
            Err(_) => {}
        }
    }

    /// Takes in that a gateway took it out of rotation, or put it back. Back in rotation is not yet up: it has to
    /// answer first.
    pub(crate) fn rotate(&mut self, at: Timestamp, ejected: Option<Cause>) {
        if self.ejected.is_some_and(|(when, _)| at < when) {
            return;
        }
        let told_before = self.ejected == Some((at, ejected.is_some()));
        self.ejected = Some((at, ejected.is_some()));
        match ejected {
            Some(cause) => self.take(at, Err(cause)),
            None if !told_before && self.heard.is_none_or(|heard| at >= heard) => {
                if matches!(self.health, Health::Down(_)) {
                    self.health = Health::Unknown;
                    self.run.1 = 0;
                }
            }
            None => {}
        }
    }

    fn turn(&mut self, health: Health, at: Timestamp) {
        let up = health == Health::Up;
        if self.was_up == Some(true) && !up {
            self.falls.push_back(at);
        }
        while self.falls.front().is_some_and(|fall| at.since(*fall) > FLAP_WINDOW) {
            self.falls.pop_front();
        }
        self.was_up = Some(up);
        self.health = health;
        self.since = self.run.2;
    }

    fn note_pace(&mut self, took_us: u64) {
        if let Some(limit) = self.rules.slow {
            self.slow.push_back(u128::from(took_us) > limit.as_micros());
            while self.slow.len() > SLOW_OF {
                self.slow.pop_front();
            }
        }
    }

    /// Whether it was heard lately enough to say anything.
    pub(crate) fn fresh(&self, now: Timestamp) -> bool {
        self.heard.is_some_and(|heard| now.since(heard) <= self.rules.stale)
    }

    /// What it says now.
    pub(crate) fn says(&self, now: Timestamp) -> Health {
        if self.fresh(now) { self.health.clone() } else { Health::Unknown }
    }

    /// Whether its last answers contradict its verdict without being enough to change it.
    pub(crate) fn wavers(&self) -> bool {
        self.run.1 > 0 && self.run.0 != (self.health == Health::Up)
    }

    pub(crate) fn since(&self) -> Timestamp {
        self.since
    }

    pub(crate) fn heard(&self) -> Option<Timestamp> {
        self.heard
    }

    /// Answers or failures in a row so far.
    pub(crate) fn in_a_row(&self) -> u32 {
        self.run.1
    }

    pub(crate) fn is_ejected(&self) -> bool {
        self.ejected.is_some_and(|(_, out)| out)
    }

    /// Changes between up and down within [`FLAP_WINDOW`].
    pub(crate) fn flaps(&self, now: Timestamp) -> usize {
        self.falls.iter().filter(|fall| now.since(**fall) <= FLAP_WINDOW).count()
    }

    /// How many of the last [`SLOW_OF`] answers were slow; none before there were so many.
    pub(crate) fn slow_answers(&self) -> Option<usize> {
        (self.slow.len() == SLOW_OF).then(|| self.slow.iter().filter(|slow| **slow).count())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_micros(ms * 1000)
    }

    fn view() -> View {
        View::new(Rules {
            fall: 3,
            rise: 2,
            slow: Some(Duration::from_millis(50)),
            stale: Duration::from_secs(1),
        })
    }

    #[test]
    fn three_failures_in_a_row_make_it_down_and_two_answers_up() {
        let mut view = view();
        for (ms, seen, says) in [
            (0, Ok(900), Health::Unknown),
            (200, Ok(900), Health::Up),
            (400, Err(Cause::Refused), Health::Up),
            (600, Err(Cause::Refused), Health::Up),
            (800, Err(Cause::Timeout), Health::Down(Cause::Timeout)),
            (1000, Ok(900), Health::Down(Cause::Timeout)),
            (1200, Ok(900), Health::Up),
        ] {
            view.take(at(ms), seen);
            assert_eq!(view.says(at(ms)), says, "at {ms} ms");
        }
        assert_eq!(view.since(), at(1000));
    }

    #[test]
    fn the_same_answer_twice_counts_once() {
        let mut view = view();
        for _ in 0..5 {
            view.take(at(0), Err(Cause::Refused));
        }
        assert_eq!(view.says(at(0)), Health::Unknown);
    }

    #[test]
    fn silence_makes_it_unknown_and_it_begins_anew() {
        let mut view = view();
        view.take(at(0), Ok(900));
        view.take(at(200), Ok(900));
        assert_eq!(view.says(at(1200)), Health::Up);
        assert_eq!(view.says(at(1201)), Health::Unknown);
        view.take(at(5000), Ok(900));
        assert_eq!(view.says(at(5000)), Health::Unknown);
        view.take(at(5200), Ok(900));
        assert_eq!(view.says(at(5200)), Health::Up);
    }

    #[test]
    fn back_in_rotation_is_not_yet_up() {
        let mut view = View::new(Rules::judged());
        view.rotate(at(0), Some(Cause::Refused));
        assert_eq!(view.says(at(0)), Health::Down(Cause::Refused));
        view.rotate(at(900), None);
        assert_eq!(view.says(at(900)), Health::Unknown);
        assert!(!view.is_ejected());
        view.rotate(at(500), Some(Cause::Refused));
        assert!(!view.is_ejected(), "an older report changes nothing");
    }
}
