//! What there is to tell, and how it is worded.

use std::collections::BTreeMap;
use std::time::Duration;

use dinghai_clock::Timestamp;
use dinghai_estate::Certainty;
use dinghai_risk::{Judgement, State};

use crate::shape::Tone;
use crate::{Format, Language, format, text};

/// Everything that a run of `check` has to tell. Nothing in it holds a secret.
pub struct Told<'a> {
    /// What was found, and which of it counts.
    pub judgement: &'a Judgement,
    /// The lines of the files, by the names that origins use.
    pub lines: &'a BTreeMap<String, Vec<String>>,
    /// How it was run.
    pub run: &'a Run,
    /// How values are written for the reader.
    pub format: &'a Format,
}

/// One run of `check`.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// The command as it was typed.
    pub command: String,
    /// The version of the program.
    pub version: String,
    /// When.
    pub now: Timestamp,
    /// How long it took; none where that is not to be told, so that two reports of the same are equal.
    pub took: Option<Duration>,
    /// How it ends.
    pub exit: u8,
    /// Files that were read.
    pub files: usize,
}

impl Told<'_> {
    /// The reader's language.
    pub fn language(&self) -> Language {
        self.format.language
    }

    /// A text of the catalogue.
    pub fn say(&self, key: &str, values: &[(&str, String)]) -> String {
        text(self.language(), key, values)
    }

    /// A count.
    pub fn n(&self, n: usize) -> String {
        format::count(self.language(), n as u64)
    }

    /// A duration.
    pub fn span(&self, span: Duration) -> String {
        format::span(self.language(), span)
    }

    /// The word of a state.
    pub fn state(&self, state: State) -> String {
        self.say(
            match state {
                State::Broken => "check-broken",
                State::Weak => "check-weak",
                State::Unknown => "check-unknown",
            },
            &[],
        )
    }

    /// How sure the facts are.
    pub fn certainty(&self, certainty: Certainty) -> String {
        self.say(
            match certainty {
                Certainty::Declared => "check-declared",
                Certainty::Derived => "check-derived",
                Certainty::Inferred => "check-inferred",
            },
            &[],
        )
    }

    /// Names in a sentence, at most `most` of them: `hz-a, hz-b or hz-c`.
    pub fn listed<T: ToString>(
        &self,
        names: impl IntoIterator<Item = T>,
        most: usize,
        last: Joint,
    ) -> String {
        let names: Vec<String> = names.into_iter().map(|name| name.to_string()).collect();
        let comma = match self.language() {
            Language::En => ", ",
            Language::Zh => "、",
        };
        if names.len() > most {
            let list = names.iter().take(most).cloned().collect::<Vec<_>>().join(comma);
            return self.say("check-and-more", &[("list", list), ("n", self.n(names.len() - most))]);
        }
        let joint = self.say(if last == Joint::Or { "check-or" } else { "check-and" }, &[]);
        match names.split_last() {
            Some((last, before)) if !before.is_empty() => format!("{}{joint}{last}", before.join(comma)),
            Some((last, _)) => last.clone(),
            None => String::new(),
        }
    }
}

/// What stands before the last of several names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Joint {
    /// All of them.
    And,
    /// Any of them.
    Or,
}

/// Colour and shape of a state; the word follows.
pub(super) fn look(state: State) -> (Tone, &'static str) {
    match state {
        State::Broken => (Tone::Fails, "down"),
        State::Weak => (Tone::Weak, "weak"),
        State::Unknown => (Tone::Unknown, "unk"),
    }
}
