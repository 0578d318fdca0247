//! Whether one instance is in rotation.
//!
//! | state | left by |
//! |---|---|
//! | `Passing` | enough failures in a row → `Ejected` |
//! | `Ejected` | an answer that counts → `Probing`; a failure renews its time |
//! | `Probing` | `rise` answers in a row → `Passing`; a failure → `Ejected` |
//!
//! Failures are of two kinds, because they end differently. An instance is *silent* when nothing answers: the
//! connection is refused or breaks, or nothing comes in time. Probes and traffic count together here, and any answer
//! ends it. It is *wrong* when it answers requests badly (5xx) though it may well answer its probes; only good answers
//! to requests end that. So an instance that was ejected for silence returns as soon as it answers `rise` probes, and
//! one that was ejected for wrong answers stays out for `eject_for` first: its probes may have passed all along.
//!
//! Without probes of our own, traffic has to find out: after `eject_for`, [`Ejection::admits_trial`] lets one request
//! at a time through.

use std::time::Duration;

use dinghai_clock::Timestamp;

/// How much it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EjectionPolicy {
    /// Failed connections of requests in a row that eject.
    pub connects: u32,
    /// Silent failures in a row, of requests and probes together, that eject.
    pub fall: u32,
    /// Wrong answers to requests in a row that eject.
    pub wrong: u32,
    /// Answers in a row that readmit.
    pub rise: u32,
    /// How long wrong answers, or a want of probes, keep it out; each failure renews it.
    pub eject_for: Duration,
    /// Whether probes of our own tell when it is back.
    pub probed: bool,
}

impl Default for EjectionPolicy {
    fn default() -> Self {
        Self { connects: 2, fall: 3, wrong: 3, rise: 2, eject_for: Duration::from_secs(30), probed: true }
    }
}

/// What was seen of the instance. What we could not ask is not seen, and not told here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Saw {
    /// A probe was answered.
    ProbeAnswered,
    /// A probe failed.
    ProbeFailed,
    /// A request was answered well.
    Served,
    /// A request was answered with 5xx, or not in time though the instance was alive.
    ServedWrong,
    /// A request could not connect, or its connection broke before an answer.
    Unconnected,
    /// A request heard nothing, and neither did anybody else.
    Silent,
}

/// Whether it is in rotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EjectionState {
    /// In rotation.
    Passing,
    /// Out of rotation; not before `until` where only time or requests can tell.
    Ejected {
        /// When traffic may try it again, or its probes count again.
        until: Timestamp,
    },
    /// Out of rotation, and has answered so many times in a row since.
    Probing {
        /// So many times.
        answers: u32,
    },
}

/// What changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It went out of rotation.
    Ejected,
    /// It came back.
    Readmitted,
}

/// One instance's state.
#[derive(Clone, Debug)]
pub struct Ejection {
    policy: EjectionPolicy,
    state: EjectionState,
    connects: u32,
    silent: u32,
    wrong: u32,
}

impl Ejection {
    /// In rotation, with nothing counted.
    pub const fn new(policy: EjectionPolicy) -> Self {
        Self { policy, state: EjectionState::Passing, connects: 0, silent: 0, wrong: 0 }
    }

    /// Where it stands.
    pub const fn state(&self) -> EjectionState {
        self.state
    }

    /// Whether it takes requests.
    pub const fn is_passing(&self) -> bool {
        matches!(self.state, EjectionState::Passing)
    }

    /// Whether it is in rotation with nothing held against it: a good answer would change nothing.
    pub const fn is_clean(&self) -> bool {
        self.is_passing() && self.connects == 0 && self.silent == 0 && self.wrong == 0
    }

    /// Whether one request may find out if it is back. Never, while probes of our own tell.
    pub fn admits_trial(&self, now: Timestamp) -> bool {
        !self.policy.probed
            && match self.state {
                EjectionState::Passing => false,
                EjectionState::Ejected { until } => now >= until,
                EjectionState::Probing { .. } => true,
            }
    }

    /// Another measure from here on; what was counted stays.
    pub const fn adopt(&mut self, policy: EjectionPolicy) {
        self.policy = policy;
    }

    /// Takes in what was seen.
    pub fn on(&mut self, now: Timestamp, saw: Saw) -> Option<Turn> {
        self.count(saw);
        let answered = matches!(saw, Saw::ProbeAnswered | Saw::Served);
        let out = EjectionState::Ejected { until: now.plus(self.policy.eject_for) };
        match self.state {
            EjectionState::Passing if self.exhausted() => {
                self.state = out;
                Some(Turn::Ejected)
            }
            EjectionState::Passing => None,
            // A request that was under way before the ejection proves nothing; where probes tell, only they do.
            EjectionState::Ejected { .. } | EjectionState::Probing { .. }
                if self.policy.probed && saw == Saw::Served =>
            {
                None
            }
            EjectionState::Ejected { until } if answered => {
                let waits = self.wrong >= self.policy.wrong || !self.policy.probed;
                if waits && now < until { None } else { self.rise(1) }
            }
            EjectionState::Probing { answers } if answered => self.rise(answers.saturating_add(1)),
            EjectionState::Ejected { .. } | EjectionState::Probing { .. } => {
                self.state = out;
                None
            }
        }
    }

    fn count(&mut self, saw: Saw) {
        match saw {
            Saw::ProbeAnswered => self.heard(),
            Saw::Served => {
                self.heard();
                self.wrong = 0;
            }
            Saw::ServedWrong => {
                self.heard();
                self.wrong = self.wrong.saturating_add(1);
            }
            Saw::Unconnected => {
                self.connects = self.connects.saturating_add(1);
                self.silent = self.silent.saturating_add(1);
            }
            Saw::ProbeFailed | Saw::Silent => self.silent = self.silent.saturating_add(1),
        }
    }

    const fn heard(&mut self) {
        self.connects = 0;
        self.silent = 0;
    }

    const fn exhausted(&self) -> bool {
        self.connects >= self.policy.connects
            || self.silent >= self.policy.fall
            || self.wrong >= self.policy.wrong
    }

    fn rise(&mut self, answers: u32) -> Option<Turn> {
        if answers < self.policy.rise {
            self.state = EjectionState::Probing { answers };
            return None;
        }
        self.state = EjectionState::Passing;
        self.heard();
        self.wrong = 0;
        Some(Turn::Readmitted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_micros(ms * 1000)
    }

    fn after(policy: EjectionPolicy, seen: &[(i64, Saw)]) -> (Ejection, Vec<Option<Turn>>) {
        let mut ejection = Ejection::new(policy);
        let turns = seen.iter().map(|(ms, saw)| ejection.on(at(*ms), *saw)).collect();
        (ejection, turns)
    }

    #[test]
    fn a_dead_instance_is_ejected_after_two_refused_connections() {
        let (_, turns) = after(EjectionPolicy::default(), &[(0, Saw::Unconnected), (1, Saw::Unconnected)]);
        assert_eq!(turns, [None, Some(Turn::Ejected)]);
    }

    #[test]
    fn silence_seen_by_probes_and_by_requests_counts_together() {
        let seen = [(0, Saw::ProbeFailed), (1, Saw::Silent), (2, Saw::ProbeFailed)];
        assert_eq!(after(EjectionPolicy::default(), &seen).1, [None, None, Some(Turn::Ejected)]);
    }

    #[test]
    fn an_answer_between_failures_starts_the_count_anew() {
        let seen =
            [Saw::Silent, Saw::Silent, Saw::ProbeAnswered, Saw::Silent, Saw::Silent].map(|saw| (0, saw));
        assert!(after(EjectionPolicy::default(), &seen).0.is_passing());
    }

    #[test]
    fn probes_that_pass_do_not_excuse_wrong_answers() {
        let mut ejection = Ejection::new(EjectionPolicy::default());
        for _ in 0..2 {
            assert_eq!(ejection.on(at(0), Saw::ServedWrong), None);
            assert_eq!(ejection.on(at(0), Saw::ProbeAnswered), None);
        }
        assert_eq!(ejection.on(at(0), Saw::ServedWrong), Some(Turn::Ejected));
        // Nor do they bring it back before its time.
        for ms in 1..30_000 {
            assert_eq!(ejection.on(at(ms), Saw::ProbeAnswered), None);
        }
        assert_eq!(ejection.on(at(30_000), Saw::ProbeAnswered), None);
        assert_eq!(ejection.on(at(30_200), Saw::ProbeAnswered), Some(Turn::Readmitted));
    }

    #[test]
    fn a_silent_instance_returns_as_soon_as_it_answers_twice_in_a_row() {
        let seen = [
            (0, Saw::Unconnected),
            (1, Saw::Unconnected),
            (200, Saw::ProbeAnswered),
            (400, Saw::ProbeFailed),
            (600, Saw::ProbeAnswered),
            (800, Saw::ProbeAnswered),
        ];
        let turns = after(EjectionPolicy::default(), &seen).1;
        assert_eq!(turns, [None, Some(Turn::Ejected), None, None, None, Some(Turn::Readmitted)]);
    }

    #[test]
    fn an_answer_that_was_on_its_way_does_not_readmit_where_probes_tell() {
        let seen = [Saw::Unconnected, Saw::Unconnected, Saw::Served, Saw::Served, Saw::Served];
        let (ejection, _) = after(EjectionPolicy::default(), &seen.map(|saw| (0, saw)));
        assert!(!ejection.is_passing());
    }

    #[test]
    fn without_probes_trials_after_the_ejection_time_readmit() {
        let policy = EjectionPolicy { probed: false, ..EjectionPolicy::default() };
        let (mut ejection, _) = after(policy, &[(0, Saw::Unconnected), (0, Saw::Unconnected)]);
        assert!(!ejection.admits_trial(at(29_999)));
        assert!(ejection.admits_trial(at(30_000)));
        // A trial that fails renews the time.
        assert_eq!(ejection.on(at(30_000), Saw::Unconnected), None);
        assert!(!ejection.admits_trial(at(59_999)));
        assert_eq!(ejection.on(at(60_000), Saw::Served), None);
        assert!(ejection.admits_trial(at(60_001)));
        assert_eq!(ejection.on(at(60_001), Saw::Served), Some(Turn::Readmitted));
    }

    fn anything() -> impl Strategy<Value = Saw> {
        prop::sample::select(vec![
            Saw::ProbeAnswered,
            Saw::ProbeFailed,
            Saw::Served,
            Saw::ServedWrong,
            Saw::Unconnected,
            Saw::Silent,
        ])
    }

    proptest! {
        #[test]
        fn a_good_answer_changes_nothing_where_nothing_is_held_against_it(
            seen in prop::collection::vec(prop::sample::select(&SAW[..]), 0..12),
        ) {
            let seen: Vec<_> = seen.into_iter().map(|saw| (0, saw)).collect();
            let (mut ejection, _) = after(EjectionPolicy::default(), &seen);
            if ejection.is_clean() {
                for saw in [Saw::Served, Saw::ProbeAnswered] {
                    prop_assert_eq!(ejection.on(at(1), saw), None);
                    prop_assert!(ejection.is_clean());
                }
            }
        }
    }

    const SAW: [Saw; 6] =
        [Saw::ProbeAnswered, Saw::ProbeFailed, Saw::Served, Saw::ServedWrong, Saw::Unconnected, Saw::Silent];

    proptest! {
        #[test]
        fn turns_alternate_and_say_what_the_state_became(
            seen in prop::collection::vec((0i64..500, anything()), 0..300), probed: bool,
        ) {
            let mut ejection = Ejection::new(EjectionPolicy { probed, ..EjectionPolicy::default() });
            let mut now = 0;
            for (step, saw) in seen {
                now += step;
                let before = ejection.is_passing();
                let turn = ejection.on(at(now), saw);
                let expected = match (before, ejection.is_passing()) {
                    (true, false) => Some(Turn::Ejected),
                    (false, true) => Some(Turn::Readmitted),
                    _ => None,
                };
                prop_assert_eq!(turn, expected);
            }
        }

        #[test]
        fn whatever_happened_a_healthy_instance_recovers(
            seen in prop::collection::vec(anything(), 0..100),
        ) {
            let mut ejection = Ejection::new(EjectionPolicy::default());
            for saw in seen {
                ejection.on(at(0), saw);
            }
            for n in 0..2 {
                ejection.on(at(30_000 + n), Saw::ProbeAnswered);
            }
            prop_assert!(ejection.is_passing());
        }
    }
}
