//! A declared estate in the words of a report: its weaknesses as findings, and what stops its core services.

use dinghai_estate::{
    Certainty, Decoded, Estate, FailureDomains, Inventory, Lint, PlaceId, Severity, Tier, lint,
};
use dinghai_risk::{Because, CoreService, Finding, Fix, Report, State};

use super::breaks;

/// What is found in an estate.
pub(crate) fn report(estate: &Estate) -> Report {
    let cuts = breaks::of(estate);
    let core =
        estate.services.iter().filter(|(_, service)| service.tier == Tier::Core).map(|(id, service)| {
            let alone = |cut: &dinghai_risk::CutSet| match cut.places() {
                [place] => Some(place.clone()),
                _ => None,
            };
            let minimal: Vec<PlaceId> = cuts.of(id).iter().filter_map(alone).collect();
            let domains = FailureDomains::of(estate);
            let stops = |place: &PlaceId| minimal.iter().any(|cut| domains.containing(cut).contains(place));
            let (stops, holds) = estate.places.keys().cloned().partition(stops);
            CoreService {
                service: id.clone(),
                why: "`tier: core`".to_owned(),
                origin: service.origin.clone(),
                holds,
                stops,
                unknown: Vec::new(),
                truncated: cuts.truncated(id),
            }
        });
    let mut findings = findings(estate, &lint(estate, &FailureDomains::of(estate)));
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.state));
    Report {
        inventory: Inventory::of(estate),
        findings,
        core: core.collect(),
        accepted: breaks::accepted(estate, &cuts),
        bounds: Vec::new(),
    }
}

/// Weaknesses of a declared estate as findings.
pub(crate) fn findings(estate: &Estate, lints: &[Lint]) -> Vec<Finding> {
    lints.iter().map(|lint| finding(estate, lint)).collect()
}

fn finding(estate: &Estate, lint: &Lint) -> Finding {
    let about = estate.services.keys().filter(|service| service.as_str() == lint.about).cloned().collect();
    let because = lint.origins.iter().map(|origin| Because { origin: origin.clone(), note: String::new() });
    Finding {
        rule: lint.rule,
        state: match lint.severity {
            Severity::Error => State::Broken,
            Severity::Warning => State::Weak,
        },
        title: lint.message.clone(),
        sentence: lint.counterexample.clone().unwrap_or_default(),
        about,
        lost: Vec::new(),
        because: because.collect(),
        certainty: Certainty::Declared,
        bound: None,
        fix: Some(Fix { sentence: lint.help.clone(), edits: Vec::new(), checked: None }),
    }
}

/// Mistakes in an estate's files as a report, for forms that have no page of their own for them.
pub(crate) fn mistakes(decoded: &Decoded) -> Option<Report> {
    let findings: Vec<Finding> = decoded
        .problems
        .iter()
        .map(|problem| {
            let also = problem.also.iter().map(|(origin, _, note)| (origin.clone(), note.clone()));
            let because = std::iter::once((problem.origin.clone(), String::new())).chain(also);
            Finding {
                rule: problem.code,
                state: match problem.severity {
                    Severity::Error => State::Broken,
                    Severity::Warning => State::Weak,
                },
                title: problem.message.clone(),
                sentence: String::new(),
                about: Vec::new(),
                lost: Vec::new(),
                because: because.map(|(origin, note)| Because { origin, note }).collect(),
                certainty: Certainty::Declared,
                bound: None,
                fix: problem.help.clone().map(|sentence| Fix { sentence, edits: Vec::new(), checked: None }),
            }
        })
        .collect();
    let first = decoded.problems.first()?;
    let inventory =
        Inventory { name: first.origin.file.clone(), formats: ["estate"].into(), ..Inventory::default() };
    Some(Report { inventory, findings, core: Vec::new(), accepted: Vec::new(), bounds: Vec::new() })
}
