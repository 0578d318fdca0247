//! What is weak in an estate that is written correctly: each finding with a counterexample where there is one.

mod needs;
mod proof;
mod rules;
mod survival;

use serde::Serialize;

use crate::{Estate, FailureDomains, Origin, PlaceId, PlaceKind, Severity};

pub use rules::{Rule, rules};

/// One weakness.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Lint {
    /// The rule, an id of [`rules`].
    pub rule: &'static str,
    /// How much it weighs.
    pub severity: Severity,
    /// The service, promise or drill that is weak.
    pub about: String,
    /// Where it stands, the most telling place first; line 0 for what no file says.
    pub origins: Vec<Origin>,
    /// The place by whose loss it shows, when that is a single one.
    pub lost: Option<(PlaceId, PlaceKind)>,
    /// What is weak: lowercase, no full stop, names in backticks.
    pub message: String,
    /// What to do about it.
    pub help: String,
    /// An event that shows the weakness, where one does.
    pub counterexample: Option<String>,
}

/// Every weakness of an estate, by file and line. `domains` are those of the same estate.
pub fn lint(estate: &Estate, domains: &FailureDomains) -> Vec<Lint> {
    let mut found = Vec::new();
    let mut first = 0;
    for (id, service) in &estate.services {
        let standing = survival::Standing { domains, first };
        first += service.instances.len();
        survival::check(id, service, estate, standing, &mut found);
        needs::check(id, service, estate, &mut found);
    }
    needs::check_cycles(estate, &mut found);
    proof::check(estate, domains, &mut found);
    found.sort_by(|a, b| a.origins.first().cmp(&b.origins.first()).then(a.rule.cmp(b.rule)));
    found
}

/// Names for a sentence: `` `a`, `b` and 3 more ``.
fn listed<T: std::fmt::Display>(names: &[T]) -> String {
    const SHOWN: usize = 4;
    let quoted: Vec<String> = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect();
    match (names.len().saturating_sub(SHOWN), quoted.split_last()) {
        (0, Some((last, []))) => last.clone(),
        (0, Some((last, before))) => format!("{} and {last}", before.join(", ")),
        (more, _) => format!("{} and {more} more", quoted.join(", ")),
    }
}

/// `1 instance`, `2 instances`.
fn counted(count: usize, noun: &str) -> String {
    match count {
        1 => format!("1 {noun}"),
        _ => format!("{count} {noun}s"),
    }
}
