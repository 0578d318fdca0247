//! What may be shown of other people's files: everything but their secrets.
//!
//! Reports quote lines. A line may hold a password, so nothing is quoted that did not pass through here: the values of keys that
//! hold secrets, what looks like a secret by itself, and every value that is known to be one, are shown as [`HIDDEN`]. Where it is
//! doubtful the value is hidden: a line that is hard to read harms nobody. References to secrets (`var.db_password`,
//! `secretKeyRef`) say where a secret is kept and not what it is; they stay readable.

mod keys;
mod known;
mod pairs;
mod shapes;
mod text;

use std::collections::BTreeSet;
use std::ops::Range;

pub use known::scrub;
pub use text::{mask_text, redact_text, secrets_in};

/// What is shown instead of a secret.
pub const HIDDEN: &str = "«redacted»";

/// One line without its secrets; `secrets` are values that are known to be some.
///
/// A secret over several lines is only seen by [`redact_text`].
pub fn redact(line: &str, secrets: &BTreeSet<String>) -> String {
    let mut found = Vec::new();
    of_line(line, &mut found);
    known::Known::of(secrets).spans(line, &mut found);
    hide(line, found)
}

/// A sentence for people without its secrets. Words are words here: `the password of orders` has none.
pub fn redact_words(sentence: &str, secrets: &BTreeSet<String>) -> String {
    let mut found = Vec::new();
    shapes::spans(sentence, &mut found);
    let written = pairs::secret_values(sentence).into_iter().map(|(span, _)| span);
    found.extend(written.filter(|span| {
        sentence.get(..span.start).is_some_and(|before| before.trim_end_matches(['"', '\'']).ends_with('='))
    }));
    known::Known::of(secrets).spans(sentence, &mut found);
    hide(sentence, found)
}

/// What one line gives away by itself.
fn of_line(line: &str, found: &mut Vec<Range<usize>>) {
    found.extend(pairs::secret_values(line).into_iter().map(|(span, _)| span));
    shapes::spans(line, found);
}

/// The line with these spans hidden. Spans may overlap and touch.
fn hide(line: &str, spans: Vec<Range<usize>>) -> String {
    let mut out = String::with_capacity(line.len());
    let mut at = 0;
    for span in joined(spans) {
        out.push_str(line.get(at..span.start).unwrap_or_default());
        out.push_str(HIDDEN);
        at = span.end;
    }
    out.push_str(line.get(at..).unwrap_or_default());
    out
}

/// The line with a dot for each sign of these spans, so that columns stay what they are.
fn mask(line: &str, spans: Vec<Range<usize>>) -> String {
    let mut out = String::with_capacity(line.len());
    let mut at = 0;
    for span in joined(spans) {
        out.push_str(line.get(at..span.start).unwrap_or_default());
        out.extend(line.get(span.clone()).unwrap_or_default().chars().map(|_| '•'));
        at = span.end;
    }
    out.push_str(line.get(at..).unwrap_or_default());
    out
}

/// Spans in order, those that overlap or touch as one.
fn joined(mut spans: Vec<Range<usize>>) -> Vec<Range<usize>> {
    spans.retain(|span| span.start < span.end);
    spans.sort_unstable_by_key(|span| span.start);
    let mut joined: Vec<Range<usize>> = Vec::new();
    for span in spans {
        match joined.last_mut() {
            Some(last) if span.start <= last.end => last.end = last.end.max(span.end),
            _ => joined.push(span),
        }
    }
    joined
}

#[cfg(test)]
#[path = "../redact_tests.rs"]
mod tests;
