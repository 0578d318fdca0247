//! The lints of an estate's files as findings, so that both are told in one way.

use dinghai_estate::{Certainty, Lint, Severity};

use crate::{Because, Finding, Fix, Lost, State};

/// Rules of the estate's own lint that the look at an inventory answers more exactly, since it sees imported instances as well.
const ANSWERED: [&str; 5] = ["minimum-after-loss", "no-probe", "place-unknown", "survive", "weaker-need"];
/// Rules of the look at an inventory that the estate's own lint answers in the words of its file.
const OWN: [&str; 4] = ["below-minimum", "quorum-in-one-place", "single-point", "spread-unknown"];

/// A lint as a finding.
pub(crate) fn weakness(lint: &Lint) -> Finding {
    let because = lint.origins.iter().map(|origin| Because { origin: origin.clone(), note: String::new() });
    Finding {
        rule: lint.rule,
        state: match lint.severity {
            Severity::Error => State::Broken,
            Severity::Warning => State::Weak,
        },
        title: lint.message.clone(),
        sentence: lint.counterexample.clone().unwrap_or_default(),
        about: vec![lint.about.as_str().into()],
        lost: lint.lost.iter().map(|(place, kind)| Lost { place: place.clone(), kind: *kind }).collect(),
        because: because.collect(),
        certainty: Certainty::Declared,
        bound: None,
        fix: Some(Fix { sentence: lint.help.clone(), edits: Vec::new(), checked: None }),
    }
}

/// The findings of both, each thing told once: with imported files the look at the inventory knows more, and without them the lint
/// speaks of the very keys that the user wrote.
pub(crate) fn told_once(lints: &[Lint], found: Vec<Finding>, with_imports: bool) -> Vec<Finding> {
    let lints = lints.iter().filter(|lint| !with_imports || !ANSWERED.contains(&lint.rule)).map(weakness);
    let found = found.into_iter().filter(|finding| with_imports || !OWN.contains(&finding.rule));
    lints.chain(found).collect()
}
