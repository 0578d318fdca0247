//! Which findings count: those that are neither known from before nor accepted.
//!
//! An acceptance names a rule, a reason and a last day. Until that day it takes its findings out of the count; they are still
//! told. After it they count again, and the acceptance itself is a weakness, so that nobody forgets that a risk was taken for
//! a time. One that matches nothing is noted: what it was for was mended, or its names are wrong.

use std::collections::{BTreeMap, BTreeSet};

use dinghai_clock::Day;
use dinghai_estate::{Acceptance, Certainty, PlaceId, Rule, ServiceId, Severity};
use serde::Serialize;

use crate::fingerprint::fingerprints;
use crate::{Because, Finding, Fix, Report, State};

/// The rule of acceptances whose day has passed.
pub static ACCEPTANCE_EXPIRED: Rule = Rule {
    id: "acceptance-expired",
    title: "an accepted finding counts again",
    severity: Severity::Warning,
    why: "A finding was accepted until a day, and that day has passed. What it tells was a risk taken for a time and not for good, so \
          it counts again.",
    example: "accept:\n  - { rule: survive, about: payment, reason: one zone until spring, until: 2026-03-01 }",
    fix: "Mend what was accepted and remove the entry, or say a new day and, if it is another, the reason.",
};

/// Findings of one inventory, and which of them count.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Judged {
    /// What was found; acceptances whose day has passed are among the findings.
    pub report: Report,
    /// For each finding what became of it, in their order.
    pub marks: Vec<Mark>,
}

/// What became of a finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mark {
    /// What makes it the same one in another run.
    pub fingerprint: String,
    /// Whether it counts.
    pub standing: Standing,
}

/// Whether a finding counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// It does.
    Counts,
    /// It stands in the baseline.
    Known,
    /// Somebody has accepted it, and that is still so.
    Accepted(Acceptance),
}

/// Reports as they are judged.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Judgement {
    /// One for each report, in their order.
    pub reports: Vec<Judged>,
    /// Acceptances that match nothing.
    pub unmatched: Vec<Acceptance>,
}

/// Judges reports of what lies at `root`, as it was typed. `known` are fingerprints of an earlier run; `today` decides which acceptances
/// still hold.
pub fn judge(
    mut reports: Vec<Report>,
    accepts: &[Acceptance],
    known: &BTreeSet<String>,
    today: Day,
    root: &str,
) -> Judgement {
    let mut unmatched = Vec::new();
    for acceptance in accepts {
        let home = reports
            .iter()
            .position(|report| report.findings.iter().any(|finding| matches(acceptance, finding)));
        if acceptance.until < today {
            if let Some(report) = reports.get_mut(home.unwrap_or(0)) {
                report.findings.push(expired(acceptance));
            }
        } else if home.is_none() {
            unmatched.push(acceptance.clone());
        }
    }
    let judged = reports.into_iter().map(|mut report| {
        report.findings.sort_by_key(|finding| std::cmp::Reverse(finding.state));
        let prints = fingerprints(&report, root);
        let marks = report.findings.iter().zip(prints).map(|(finding, fingerprint)| {
            let accepted = accepts.iter().find(|each| each.until >= today && matches(each, finding));
            let standing = match accepted {
                Some(acceptance) => Standing::Accepted(acceptance.clone()),
                None if known.contains(&fingerprint) => Standing::Known,
                None => Standing::Counts,
            };
            Mark { fingerprint, standing }
        });
        let marks = marks.collect();
        Judged { report, marks }
    });
    Judgement { reports: judged.collect(), unmatched }
}

fn matches(acceptance: &Acceptance, finding: &Finding) -> bool {
    let about = || acceptance.about.iter().all(|service| finding.about.contains(service));
    let lost = || {
        let places: BTreeSet<&PlaceId> = finding.lost.iter().map(|lost| &lost.place).collect();
        acceptance.lost.is_empty() || places == acceptance.lost.iter().collect()
    };
    acceptance.rule == finding.rule && finding.rule != ACCEPTANCE_EXPIRED.id && about() && lost()
}

fn expired(acceptance: &Acceptance) -> Finding {
    let services: Vec<&str> = acceptance.about.iter().map(ServiceId::as_str).collect();
    let of = match services.is_empty() {
        true => String::new(),
        false => format!(" of {}", services.join(", ")),
    };
    let (rule, until) = (&acceptance.rule, acceptance.until);
    Finding {
        rule: ACCEPTANCE_EXPIRED.id,
        state: State::Weak,
        title: format!("the acceptance of {rule}{of} ended on {until}"),
        sentence: format!(
            "{rule}{of} was accepted until {until}, because: {}; it counts again",
            acceptance.reason
        ),
        about: acceptance.about.iter().cloned().collect(),
        lost: Vec::new(),
        because: vec![Because { origin: acceptance.origin.clone(), note: format!("accepted until {until}") }],
        certainty: Certainty::Declared,
        bound: None,
        fix: Some(Fix {
            sentence: "mend what was accepted and remove the entry, or say a new day".to_owned(),
            edits: Vec::new(),
            checked: None,
        }),
    }
}

impl Judged {
    /// Every finding with what became of it.
    pub fn each(&self) -> impl Iterator<Item = (&Finding, &Mark)> {
        self.report.findings.iter().zip(&self.marks)
    }

    /// The findings that count.
    pub fn counting(&self) -> impl Iterator<Item = (&Finding, &Mark)> {
        self.each().filter(|(_, mark)| mark.standing == Standing::Counts)
    }

    /// The worst state of the findings that count; none when there are none.
    pub fn worst(&self) -> Option<State> {
        self.counting().map(|(finding, _)| finding.state).max()
    }

    /// How many findings count, by state.
    pub fn counts(&self) -> BTreeMap<State, usize> {
        let mut counts = BTreeMap::new();
        for (finding, _) in self.counting() {
            *counts.entry(finding.state).or_default() += 1;
        }
        counts
    }
}

impl Judgement {
    /// The worst state of all findings that count.
    pub fn worst(&self) -> Option<State> {
        self.reports.iter().filter_map(Judged::worst).max()
    }
}

impl State {
    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Weak => "weak",
            Self::Broken => "broken",
        }
    }
}

#[cfg(test)]
#[path = "judge_tests.rs"]
mod tests;
