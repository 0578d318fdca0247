//! Values that are known to be secret, wherever they appear.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;

use super::{HIDDEN, hide};

/// Shorter ones are hidden only where they stand as a word by themselves.
const SHORT: usize = 4;
/// Words that everybody writes. Somebody who takes one of them as a password has no secret, and hiding it would tear
/// holes into every report.
const COMMON: &[&str] = &[
    "true",
    "false",
    "null",
    "none",
    "yes",
    "no",
    "on",
    "off",
    "password",
    "secret",
    "token",
    "root",
    "admin",
    "test",
    "postgres",
    "mysql",
    "redis",
    "default",
    "user",
    "guest",
    "changeme",
    "example",
    "value",
    "name",
    "http",
    "https",
    "prod",
    "production",
];

pub(super) fn is_common(secret: &str) -> bool {
    COMMON.contains(&secret.to_ascii_lowercase().as_str())
}

/// The known secrets by how they begin.
pub(super) struct Known<'s> {
    by_beginning: HashMap<&'s [u8], Vec<&'s str>>,
    short: Vec<&'s str>,
}

impl<'s> Known<'s> {
    pub(super) fn of(secrets: &'s BTreeSet<String>) -> Self {
        let mut known = Self { by_beginning: HashMap::new(), short: Vec::new() };
        for secret in secrets.iter().map(String::as_str) {
            let secret = secret.trim();
            match secret.as_bytes().get(..SHORT) {
                _ if is_common(secret) => {}
                Some(beginning) => known.by_beginning.entry(beginning).or_default().push(secret),
                None if secret.len() > 1 => known.short.push(secret),
                None => {}
            }
        }
        known
    }

    pub(super) fn spans(&self, text: &str, found: &mut Vec<Range<usize>>) {
        if !self.by_beginning.is_empty() {
            for (at, beginning) in text.as_bytes().windows(SHORT).enumerate() {
                let begun = self.by_beginning.get(beginning).into_iter().flatten();
                let longest = begun.filter(|secret| {
                    text.as_bytes().get(at..).is_some_and(|rest| rest.starts_with(secret.as_bytes()))
                });
                found.extend(longest.max_by_key(|secret| secret.len()).map(|secret| at..at + secret.len()));
            }
        }
        for secret in &self.short {
            let alone = |at: usize| {
                let word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
                let before = text.get(..at).is_some_and(|before| before.ends_with(word));
                let after = text.get(at + secret.len()..).is_some_and(|after| after.starts_with(word));
                !before && !after
            };
            found.extend(
                text.match_indices(*secret).filter(|(at, _)| alone(*at)).map(|(at, _)| at..at + secret.len()),
            );
        }
    }
}

/// A whole text without these secrets: the last line of defence before something leaves the program.
///
/// It knows nothing of lines and keys, and hides a secret also as JSON and HTML write it.
pub fn scrub(text: &str, secrets: &BTreeSet<String>) -> String {
    let mut all = secrets.clone();
    for secret in secrets {
        all.insert(secret.replace('\\', "\\\\").replace('"', "\\\""));
        all.insert(
            secret.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;"),
        );
    }
    // What stands for secrets may hold one itself, such as the secret `redacted`.
    let mut spans = Vec::new();
    Known::of(&all).spans(text, &mut spans);
    let hidden: Vec<usize> = text.match_indices(HIDDEN).map(|(at, _)| at).collect();
    spans.retain(|span| !hidden.iter().any(|at| *at <= span.start && span.end <= at + HIDDEN.len()));
    hide(text, spans)
}
