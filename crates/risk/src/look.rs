//! Everything that is asked of one inventory, in one report.

use dinghai_estate::Inventory;

use crate::losses::losses;
use crate::{Finding, Report, core_services};

/// Looks at an inventory: what stops its core services, and what is weak or unknown.
///
/// The same inventory gives the same report, in whatever order its files were read.
pub fn look(inventory: Inventory) -> Report {
    let core = core_services(&inventory);
    let losses = losses(&inventory, &core);
    let mut findings = losses.findings;
    findings.sort_by(worst_first);
    Report { findings, core: losses.core, accepted: losses.accepted, bounds: Vec::new(), inventory }
}

/// Broken before weak before unknown; then by rule, and by what it is about.
fn worst_first(a: &Finding, b: &Finding) -> std::cmp::Ordering {
    let weight = |finding: &Finding| (std::cmp::Reverse(finding.state), finding.about.is_empty());
    weight(a).cmp(&weight(b)).then_with(|| (a.rule, &a.about, &a.title).cmp(&(b.rule, &b.about, &b.title)))
}
