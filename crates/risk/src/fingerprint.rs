//! What makes a finding the same one tomorrow.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use crate::{Finding, Report};

/// Signs of a fingerprint: 128 bits in hexadecimal.
const LENGTH: usize = 32;

/// The fingerprint of each finding of a report, in their order.
///
/// It is made of the inventory's name (a path as seen from `root`, which was looked at), the rule, the services and the places that are lost, and of nothing else: a line that is
/// added to a file above it changes nothing, and neither does the wording. Findings that share all of that are told apart
/// by counting them.
pub fn fingerprints(report: &Report, root: &str) -> Vec<String> {
    let name = name(report, root);
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    report
        .findings
        .iter()
        .map(|finding| {
            let key = key(name, finding);
            let count = seen.entry(key.clone()).or_default();
            *count += 1;
            let text = if *count == 1 { key } else { format!("{key}\n#{count}") };
            let digest = Sha256::digest(text.as_bytes());
            let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
            hex.chars().take(LENGTH).collect()
        })
        .collect()
}

/// The inventory's name: its own where an estate gives it one, else where it lies under what was looked at, however that was typed.
fn name<'r>(report: &'r Report, root: &str) -> &'r str {
    let name = report.inventory.name.as_str();
    let root = root.trim_end_matches('/');
    match report.inventory.formats.contains("estate") {
        true => name,
        false => name.strip_prefix(root).map_or(name, |rest| rest.trim_start_matches('/')),
    }
}

fn key(inventory: &str, finding: &Finding) -> String {
    let mut about: Vec<&str> = finding.about.iter().map(|service| service.as_str()).collect();
    about.sort_unstable();
    let mut lost: Vec<&str> = finding.lost.iter().map(|lost| lost.place.as_str()).collect();
    lost.sort_unstable();
    // Names have no line ends.
    format!("{inventory}\n{}\n{}\n{}", finding.rule, about.join(" "), lost.join(" "))
}
