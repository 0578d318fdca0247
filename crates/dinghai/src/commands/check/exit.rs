//! How the command ends.

use std::process::ExitCode;

use dinghai_risk::State;

/// From which state on the command fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum FailOn {
    /// Only what is broken.
    Broken,
    /// What is weak, too.
    Weak,
    /// What cannot be told from the files, too.
    Unknown,
    /// Nothing that is found.
    Never,
}

/// The input could not be used.
pub(crate) const UNUSABLE: u8 = 3;

/// 2 when the worst finding is broken, 1 when it is less, 0 when it does not fail this check.
pub(crate) fn code(worst: Option<State>, fail_on: FailOn) -> u8 {
    let fails = match fail_on {
        FailOn::Broken => worst >= Some(State::Broken),
        FailOn::Weak => worst >= Some(State::Weak),
        FailOn::Unknown => worst >= Some(State::Unknown),
        FailOn::Never => false,
    };
    match (fails, worst) {
        (true, Some(State::Broken)) => 2,
        (true, _) => 1,
        (false, _) => 0,
    }
}

/// How a verb ends that answers by its code: an input that cannot be used is told, and is no answer.
pub(crate) fn or_unusable(answer: anyhow::Result<ExitCode>) -> ExitCode {
    answer.unwrap_or_else(|error| {
        eprintln!("dinghai: {error:#}");
        ExitCode::from(UNUSABLE)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_finding_decides() {
        let codes = |fail_on| {
            [None, Some(State::Unknown), Some(State::Weak), Some(State::Broken)]
                .map(|worst| code(worst, fail_on))
        };
        assert_eq!(codes(FailOn::Weak), [0, 0, 1, 2]);
        assert_eq!(codes(FailOn::Broken), [0, 0, 0, 2]);
        assert_eq!(codes(FailOn::Unknown), [0, 1, 1, 2]);
        assert_eq!(codes(FailOn::Never), [0, 0, 0, 0]);
    }
}
