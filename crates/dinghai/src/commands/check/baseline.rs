//! Findings of an earlier run, by their fingerprints, so that only new ones count.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, bail};
use dinghai_risk::{Judgement, Standing};
use serde::{Deserialize, Serialize};

/// The shape of the file.
const VERSION: u32 = 1;

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Baseline {
    version: u32,
    /// By fingerprint.
    findings: BTreeMap<String, Known>,
}

/// What a person who reads the file wants to know. Only the fingerprint is compared.
#[derive(Deserialize, Serialize)]
struct Known {
    inventory: String,
    rule: String,
    title: String,
}

/// The fingerprints in a baseline.
pub(crate) fn read(path: &Path) -> anyhow::Result<BTreeSet<String>> {
    let text = std::fs::read_to_string(path).with_context(|| {
        format!("cannot read the baseline `{}`; `--write-baseline` writes one", path.display())
    })?;
    let baseline: Baseline = serde_json::from_str(&text)
        .with_context(|| format!("`{}` is not a baseline; `--write-baseline` writes one", path.display()))?;
    if baseline.version != VERSION {
        bail!(
            "`{}` is a baseline of version {}, and this program reads version {VERSION}; write it anew",
            path.display(),
            baseline.version
        );
    }
    Ok(baseline.findings.into_keys().collect())
}

/// A baseline of everything that was found and is not accepted.
pub(crate) fn text(judgement: &Judgement) -> anyhow::Result<String> {
    let mut findings = BTreeMap::new();
    for judged in &judgement.reports {
        for (finding, mark) in judged.each() {
            if !matches!(mark.standing, Standing::Accepted(_)) {
                let known = Known {
                    inventory: judged.report.inventory.name.clone(),
                    rule: finding.rule.to_owned(),
                    title: finding.title.clone(),
                };
                findings.insert(mark.fingerprint.clone(), known);
            }
        }
    }
    Ok(serde_json::to_string_pretty(&Baseline { version: VERSION, findings })? + "\n")
}
