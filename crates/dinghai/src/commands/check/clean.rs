//! Nothing is told before it passed here: sentences, lines and names without secrets, and without signs that do something to a
//! terminal or turn a line around.

use std::collections::{BTreeMap, BTreeSet};

use dinghai_estate::Problem;
use dinghai_import::redact::{redact, redact_text, redact_words, secrets_in};
use dinghai_risk::{Because, Bound, Finding, Fix, Judgement, Report};

/// Values that must not be seen.
pub(crate) struct Secrets(BTreeSet<String>);

impl Secrets {
    /// Those that are known, and those that the texts give away. What is also the name of something that is reported is kept: a
    /// password that is its service's name is hidden on its own line, and is no secret elsewhere.
    pub(crate) fn of(
        known: &BTreeSet<String>,
        sources: &BTreeMap<String, String>,
        reports: &[Report],
    ) -> Self {
        let mut secrets: BTreeSet<String> = sources.values().flat_map(|text| secrets_in(text)).collect();
        secrets.extend(known.iter().cloned());
        let mut names: BTreeSet<&str> = BTreeSet::new();
        for report in reports {
            let inventory = &report.inventory;
            names.insert(&inventory.name);
            names.extend(inventory.places.keys().map(|id| id.as_str()));
            names.extend(inventory.services.keys().map(|id| id.as_str()));
            let instances = inventory.services.values().flat_map(|service| &service.instances);
            names.extend(instances.map(|instance| instance.id.as_str()));
            names.extend(report.findings.iter().map(|finding| finding.rule));
        }
        // Nor is what a folder is called: it is seen by whoever sees the report's paths.
        let in_path = |secret: &str| sources.keys().any(|path| path.contains(secret));
        secrets.retain(|secret| !names.contains(secret.as_str()) && !in_path(secret));
        Self(secrets)
    }

    pub(crate) fn values(&self) -> &BTreeSet<String> {
        &self.0
    }

    /// A mistake in an estate's files: its message may quote what stands there.
    pub(crate) fn problem(&self, problem: &Problem) -> Problem {
        let mut problem = problem.clone();
        self.words(&mut problem.message);
        problem
            .help
            .iter_mut()
            .chain(problem.also.iter_mut().map(|(_, _, note)| note))
            .for_each(|text| self.words(text));
        problem
    }

    /// A sentence.
    fn words(&self, sentence: &mut String) {
        *sentence = harmless(&redact_words(sentence, &self.0));
    }

    /// The lines of the files that are named by what is told.
    pub(crate) fn lines(
        &self,
        sources: &BTreeMap<String, String>,
        named: &BTreeSet<String>,
    ) -> BTreeMap<String, Vec<String>> {
        let named = named.iter().filter_map(|file| Some((file, sources.get(file)?)));
        let lines = |text: &str| redact_text(text, &self.0).iter().map(|line| harmless(line)).collect();
        named.map(|(file, text)| (harmless(file), lines(text))).collect()
    }

    /// What was found, clean.
    pub(crate) fn clean(&self, mut judgement: Judgement) -> Judgement {
        for judged in &mut judgement.reports {
            self.report(&mut judged.report);
            for mark in &mut judged.marks {
                if let dinghai_risk::Standing::Accepted(acceptance) = &mut mark.standing {
                    self.words(&mut acceptance.reason);
                }
            }
        }
        for acceptance in &mut judgement.unmatched {
            self.words(&mut acceptance.reason);
            self.words(&mut acceptance.rule);
        }
        judgement
    }

    fn report(&self, report: &mut Report) {
        self.words(&mut report.inventory.name);
        report.inventory.unseen.iter_mut().for_each(|unseen| {
            self.words(&mut unseen.what);
            unseen.origin.file = harmless(&unseen.origin.file);
        });
        report.findings.iter_mut().for_each(|finding| self.finding(finding));
        report.core.iter_mut().for_each(|core| self.words(&mut core.why));
        report.accepted.iter_mut().for_each(|accepted| self.words(&mut accepted.sentence));
        report.bounds.iter_mut().for_each(|bound| self.bound(bound));
    }

    fn finding(&self, finding: &mut Finding) {
        self.words(&mut finding.title);
        self.words(&mut finding.sentence);
        for Because { origin, note } in &mut finding.because {
            self.words(note);
            origin.file = harmless(&origin.file);
        }
        if let Some(bound) = &mut finding.bound {
            self.bound(bound);
        }
        if let Some(fix) = &mut finding.fix {
            self.fix(fix);
        }
    }

    fn fix(&self, fix: &mut Fix) {
        self.words(&mut fix.sentence);
        if let Some(checked) = &mut fix.checked {
            self.words(checked);
        }
        for edit in &mut fix.edits {
            let lines = edit.add.iter().map(|line| harmless(&redact(line, &self.0)));
            edit.add = lines.collect();
        }
    }

    fn bound(&self, bound: &mut Bound) {
        for term in bound.terms.iter_mut().chain(bound.fixed.iter_mut().flatten()) {
            self.words(&mut term.name);
            self.words(&mut term.says);
        }
    }
}

/// The files that are named by what is told in lines.
pub(crate) fn named(judgement: &Judgement) -> BTreeSet<String> {
    let findings = judgement.reports.iter().flat_map(|judged| &judged.report.findings);
    findings
        .flat_map(|finding| {
            let because = finding.because.iter().map(|because| &because.origin.file);
            let edits = finding.fix.iter().flat_map(|fix| &fix.edits).map(|edit| &edit.file);
            because.chain(edits).cloned().collect::<Vec<_>>()
        })
        .collect()
}

/// Without signs that control a terminal, and without those that change the direction in which a line is read.
fn harmless(text: &str) -> String {
    let control = |sign: char| {
        (sign.is_control() && sign != '\t' && sign != '\n')
            || matches!(sign, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().map(|sign| if control(sign) { '\u{fffd}' } else { sign }).collect()
}
