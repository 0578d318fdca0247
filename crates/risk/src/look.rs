//! Everything that is asked of one inventory, in one report.

use std::collections::{BTreeMap, BTreeSet};

use dinghai_estate::{
    Estate, FailureDomains, FoundService, Inventory, Origin, Role, ServiceId, Source, Unknown, UnknownKind,
    lint,
};

use crate::capacity::capacity_after_loss;
use crate::features::missing_protections;
use crate::independence::recovery_paths;
use crate::losses::losses;
use crate::mend::Text;
use crate::recovery::{Promised, bounds, promised, recovery_findings};
use crate::weakness::told_once;
use crate::{Finding, Report, State, core_services};

/// The text of files by path: what a change to one of their lines starts from.
pub type Sources = BTreeMap<String, String>;

/// Looks at what files say: what stops core services, what is weak, and what nobody can tell.
///
/// The same inventory gives the same report, in whatever order its files were read.
pub fn look(inventory: Inventory, sources: &Sources) -> Report {
    look_for(inventory, &[], sources)
}

/// Looks at an estate, and at what the files say that it imports: what the estate declares is laid over what they say.
pub fn look_at_estate(estate: &Estate, imported: Option<Inventory>, sources: &Sources) -> Report {
    let with_imports = imported.is_some();
    let mut inventory = Inventory::of(estate);
    if let Some(imported) = imported {
        inventory.add(imported);
    }
    declare_the_needed(&mut inventory);
    // A profile's targets are goals to choose from; what breaks a promise is what the user wrote down.
    let stated: Vec<Promised> =
        promised(estate).into_iter().filter(|promised| promised.origin.line > 0).collect();
    let mut report = look_for(inventory, &stated, sources);
    let lints = lint(estate, &FailureDomains::of(estate));
    report.findings = told_once(&lints, std::mem::take(&mut report.findings), with_imports);
    report.findings.sort_by(worst_first);
    report
}

/// A need on a service that neither the estate nor any imported file declares: it lies outside, and is not forgotten.
fn declare_the_needed(inventory: &mut Inventory) {
    let needs = inventory.services.values().flat_map(|service| &service.needs);
    let missing: Vec<(ServiceId, Source)> = needs
        .filter(|need| !inventory.services.contains_key(&need.service))
        .map(|need| (need.service.clone(), need.source.clone()))
        .collect();
    for (id, source) in missing {
        let mut service = FoundService::new(Role::External, id.as_str(), source.clone());
        service.open = Some(Unknown {
            why: "no file declares it".to_owned(),
            kind: UnknownKind::Outside,
            origin: source.origin,
        });
        inventory.services.entry(id).or_insert(service);
    }
}

fn look_for(inventory: Inventory, promises: &[Promised], sources: &Sources) -> Report {
    let text = Text::of(sources);
    let line = |origin: &Origin| text.line(origin).map(str::to_owned);
    let core = core_services(&inventory);
    let losses = losses(&inventory, &core);
    let mut findings = losses.findings;
    findings.extend(recovery_paths(&inventory));
    let bounds = bounds(&inventory, promises);
    findings.extend(recovery_findings(&inventory, &bounds, &line));
    findings.extend(missing_protections(&inventory));
    findings.extend(capacity_after_loss(&inventory));
    let mut findings = without_echoes(findings);
    findings.sort_by(worst_first);
    Report { findings, core: losses.core, accepted: losses.accepted, bounds, inventory }
}

/// What is only another side of everything standing at one place: no replica, no autoscaler and no budget helps there.
const ECHOES: [&str; 6] = [
    "cache-not-clustered",
    "no-disruption-budget",
    "no-release-protection",
    "no-requests",
    "no-scaling",
    "spread-unknown",
];

/// One cause is one finding: where one place holds everything, what follows from that is not told again.
fn without_echoes(findings: Vec<Finding>) -> Vec<Finding> {
    let held: Vec<BTreeSet<ServiceId>> = findings
        .iter()
        .filter(|finding| {
            finding.rule == "single-point" && finding.state == State::Broken && finding.lost.len() == 1
        })
        .filter(|finding| finding.about.len() > 2)
        .map(|finding| finding.about.iter().cloned().collect())
        .collect();
    let is_echo = |finding: &Finding| {
        ECHOES.contains(&finding.rule)
            && held.iter().any(|held| finding.about.iter().all(|service| held.contains(service)))
    };
    findings.into_iter().filter(|finding| !is_echo(finding)).collect()
}

/// Broken before weak before unknown; then by rule, and by what it is about.
fn worst_first(a: &Finding, b: &Finding) -> std::cmp::Ordering {
    let weight = |finding: &Finding| (std::cmp::Reverse(finding.state), order(finding.rule));
    weight(a).cmp(&weight(b)).then_with(|| (a.rule, &a.about, &a.title).cmp(&(b.rule, &b.about, &b.title)))
}

/// What stops at once comes before what takes long, and that before what is missing.
fn order(rule: &str) -> u8 {
    match rule {
        "single-point" | "survive" => 0,
        "quorum-in-one-place" | "below-minimum" | "minimum-after-loss" => 1,
        "recovery-path" | "recovery-bound" => 2,
        "spread-unknown" | "capacity-after-loss" | "weaker-need" => 3,
        _ => 4,
    }
}
