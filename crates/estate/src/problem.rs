//! What is wrong with a file, told so that it can be mended.
//!
//! A decoder never stops at the first problem: it notes it here and goes on, so that one run shows them all.

use serde::Serialize;

use crate::Origin;

/// How much a problem or lint weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Weak or doubtful; the estate can be used.
    Warning,
    /// Wrong.
    Error,
}

/// One mistake in a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The kind of mistake, such as `unknown-key`.
    pub code: &'static str,
    /// How much it weighs; an estate with an error is not used at all.
    pub severity: Severity,
    /// Where it stands.
    pub origin: Origin,
    /// How many characters from there belong to it; at least 1.
    pub length: u32,
    /// What is wrong: lowercase, no full stop, input in backticks.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// Other places that belong to it: where, how many characters, and what stands there.
    pub also: Vec<(Origin, u32, String)>,
}

/// A stretch of a file's text, small enough to be kept with every value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Spot {
    /// Number of the file in [`Problems::files`].
    pub(crate) file: u32,
    /// From 1; 0 when it was not read from a file.
    pub(crate) line: u32,
    /// From 1, in characters.
    pub(crate) column: u32,
    /// In characters, on one line; at least 1.
    pub(crate) length: u32,
}

/// After so many suggestions no more are looked for, so that a huge broken file is still told quickly.
const SUGGESTIONS: u32 = 200;

/// The problems found so far, and the names of the files they are in.
#[derive(Debug)]
pub(crate) struct Problems {
    pub(crate) files: Vec<String>,
    pub(crate) list: Vec<Problem>,
    suggestions_left: u32,
}

impl Problems {
    pub(crate) fn new() -> Self {
        Self { files: Vec::new(), list: Vec::new(), suggestions_left: SUGGESTIONS }
    }

    /// Gives a file its number.
    pub(crate) fn file(&mut self, name: &str) -> u32 {
        self.files.push(name.to_owned());
        u32::try_from(self.files.len() - 1).unwrap_or(u32::MAX)
    }

    pub(crate) fn origin(&self, spot: Spot) -> Origin {
        let file = self.files.get(spot.file as usize).cloned().unwrap_or_default();
        Origin { file, line: spot.line, column: spot.column }
    }

    /// Notes an error; help and further places can be put into what is returned.
    pub(crate) fn add(&mut self, code: &'static str, at: Spot, message: impl Into<String>) -> &mut Problem {
        let problem = Problem {
            code,
            severity: Severity::Error,
            origin: self.origin(at),
            length: at.length.max(1),
            message: message.into(),
            help: None,
            also: Vec::new(),
        };
        self.list.push_mut(problem)
    }

    /// Notes an error with help.
    pub(crate) fn add_with_help(
        &mut self,
        code: &'static str,
        at: Spot,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.add(code, at, message).help = Some(help.into());
    }

    /// Notes that something is there twice, and names both places.
    pub(crate) fn twice(&mut self, what: &str, name: &str, first: Spot, again: Spot) {
        let also = (self.origin(first), first.length.max(1), format!("`{name}` stands here first"));
        let problem = self.add("duplicate", again, format!("{what} `{name}` is declared twice"));
        problem.help = Some("keep one of the two, or give one of them another name".to_owned());
        problem.also.push(also);
    }

    /// The known word that is most like `word`, when one is like it at all.
    pub(crate) fn nearest<'k>(
        &mut self,
        word: &str,
        known: impl IntoIterator<Item = &'k str>,
    ) -> Option<&'k str> {
        self.suggestions_left = self.suggestions_left.checked_sub(1)?;
        let word = word.to_lowercase().replace('_', "-");
        known
            .into_iter()
            .map(|candidate| {
                let near = strsim::jaro_winkler(&word, candidate);
                (candidate, near, strsim::damerau_levenshtein(&word, candidate))
            })
            .filter(|(candidate, near, steps)| {
                let letters = word.chars().count().max(candidate.chars().count());
                *steps <= letters.div_ceil(3) || *near > 0.9
            })
            .min_by(|(_, a_near, a_steps), (_, b_near, b_steps)| {
                a_steps.cmp(b_steps).then(b_near.total_cmp(a_near))
            })
            .map(|(candidate, ..)| candidate)
    }
}
