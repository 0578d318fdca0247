//! Everything that is asked of one inventory, in one report.

use dinghai_estate::{Estate, FailureDomains, Inventory, lint};

use crate::capacity::capacity_after_loss;
use crate::features::missing_protections;
use crate::independence::recovery_paths;
use crate::losses::losses;
use crate::weakness::told_once;
use crate::{Finding, Report, core_services};

/// Looks at what files say: what stops core services, what is weak, and what nobody can tell.
///
/// The same inventory gives the same report, in whatever order its files were read.
pub fn look(inventory: Inventory) -> Report {
    let core = core_services(&inventory);
    let losses = losses(&inventory, &core);
    let mut findings = losses.findings;
    findings.extend(recovery_paths(&inventory));
    findings.extend(missing_protections(&inventory));
    findings.extend(capacity_after_loss(&inventory));
    findings.sort_by(worst_first);
    Report { findings, core: losses.core, accepted: losses.accepted, bounds: Vec::new(), inventory }
}

/// Looks at an estate, and at what the files say that it imports: what the estate declares is laid over what they say.
pub fn look_at_estate(estate: &Estate, imported: Option<Inventory>) -> Report {
    let with_imports = imported.is_some();
    let mut inventory = Inventory::of(estate);
    if let Some(imported) = imported {
        inventory.add(imported);
    }
    let mut report = look(inventory);
    let lints = lint(estate, &FailureDomains::of(estate));
    report.findings = told_once(&lints, std::mem::take(&mut report.findings), with_imports);
    report.findings.sort_by(worst_first);
    report
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
