//! Colour, where it is wanted. Shape and word carry the meaning; colour comes third.

use std::io::IsTerminal;

use dinghai_risk::State;

/// When to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Colour {
    /// On a terminal, unless `NO_COLOR` says otherwise (<https://no-color.org>).
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl Colour {
    /// Whether colours are to be used on standard output.
    pub(crate) fn wanted(self) -> bool {
        let plain = || {
            let set = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
            set || std::env::var_os("TERM").is_some_and(|term| term == "dumb")
        };
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Auto => std::io::stdout().is_terminal() && !plain(),
        }
    }
}

/// Puts colours around words, or does not.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Paint(pub(crate) bool);

impl Paint {
    fn of(self, code: &str, words: &str) -> String {
        match self.0 && !words.is_empty() {
            true => format!("\x1b[{code}m{words}\x1b[0m"),
            false => words.to_owned(),
        }
    }

    pub(super) fn state(self, state: Option<State>, words: &str) -> String {
        let code = match state {
            Some(State::Broken) => "1;31",
            Some(State::Weak) => "1;33",
            Some(State::Unknown) => "1;35",
            None => "1;32",
        };
        self.of(code, words)
    }

    pub(super) fn bold(self, words: &str) -> String {
        self.of("1", words)
    }

    pub(super) fn quiet(self, words: &str) -> String {
        self.of("2", words)
    }

    pub(super) fn note(self, words: &str) -> String {
        self.of("33", words)
    }

    pub(super) fn gone(self, words: &str) -> String {
        self.of("31", words)
    }

    pub(super) fn come(self, words: &str) -> String {
        self.of("32", words)
    }
}

/// The shape of a state; a word follows it.
pub(super) fn shape(state: Option<State>) -> &'static str {
    match state {
        Some(State::Broken) => "✗",
        Some(State::Weak) => "▲",
        Some(State::Unknown) => "?",
        None => "✓",
    }
}
