//! Licences, duplicates and sources of dependencies, by `deny.toml`.
//!
//! cargo-deny takes longer to build than all of the other stages together, so the part of its file that needs no network
//! is checked here; where it is installed it runs too, and adds known vulnerabilities when their list can be fetched.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail};
use cargo_metadata::{Metadata, Package};
use serde::Deserialize;
use spdx::{Expression, ParseMode};

use crate::tool;

/// The part of `deny.toml` that is read here; cargo-deny reads all of it.
#[derive(Deserialize)]
pub(super) struct Rules {
    pub(super) graph: Graph,
    licenses: Licenses,
    bans: Bans,
}

#[derive(Deserialize)]
pub(super) struct Graph {
    pub(super) targets: Vec<String>,
}

#[derive(Deserialize)]
struct Licenses {
    allow: BTreeSet<String>,
}

#[derive(Deserialize)]
struct Bans {
    skip: Vec<Skip>,
}

/// A second version that we live with.
#[derive(Deserialize)]
struct Skip {
    /// `name@version`.
    #[serde(rename = "crate")]
    what: String,
}

const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

pub(super) fn rules() -> Result<Rules> {
    let file = tool::root().join("deny.toml");
    let text = std::fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
    toml::from_str(&text).with_context(|| format!("{} is not well formed", file.display()))
}

pub(super) fn check(metadata: &Metadata) -> Result<()> {
    let rules = rules()?;
    let foreign: Vec<&Package> = metadata
        .packages
        .iter()
        .filter(|package| !metadata.workspace_members.contains(&package.id))
        .collect();
    let mut problems = Vec::new();
    for package in &foreign {
        problems.extend(rules.licenses.problem(&package.id.repr, package.license.as_deref()));
        if package.source.as_ref().is_none_or(|source| source.repr != CRATES_IO) {
            problems.push(format!("`{}` does not come from crates.io", package.id.repr));
        }
    }
    problems.extend(
        rules
            .bans
            .problems(foreign.iter().map(|package| (package.name.to_string(), package.version.to_string()))),
    );
    if !problems.is_empty() {
        bail!("{}", problems.join("\n"));
    }
    println!(
        "{} dependencies: licences, duplicates and sources are as `deny.toml` wants them",
        foreign.len()
    );
    advisories()
}

impl Licenses {
    fn problem(&self, package: &str, licence: Option<&str>) -> Option<String> {
        let Some(licence) = licence else {
            return Some(format!("`{package}` states no licence"));
        };
        let Ok(expression) = Expression::parse_mode(licence, ParseMode::LAX) else {
            return Some(format!("`{package}` states a licence that is not SPDX: `{licence}`"));
        };
        let admitted = expression.evaluate(|wanted| self.allow.contains(&wanted.to_string()));
        (!admitted).then(|| format!("`{package}` is under `{licence}`, which `deny.toml` does not admit"))
    }
}

impl Bans {
    fn problems(&self, packages: impl Iterator<Item = (String, String)>) -> Vec<String> {
        let mut versions: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (name, version) in packages {
            versions.entry(name).or_default().insert(version);
        }
        let skipped: BTreeSet<&str> = self.skip.iter().map(|skip| skip.what.as_str()).collect();
        let mut problems: Vec<String> = skipped
            .iter()
            .filter(|what| {
                !what.split_once('@').is_some_and(|(name, version)| {
                    versions.get(name).is_some_and(|all| all.len() > 1 && all.contains(version))
                })
            })
            .map(|what| format!("`{what}` is skipped in `deny.toml` but is no duplicate; strike it out"))
            .collect();
        for (name, all) in &versions {
            let left = all.iter().filter(|version| !skipped.contains(format!("{name}@{version}").as_str()));
            if left.count() > 1 {
                let all: Vec<&str> = all.iter().map(String::as_str).collect();
                problems.push(format!(
                    "`{name}` is there in versions {}; agree on one, or say in `deny.toml` why not",
                    all.join(", ")
                ));
            }
        }
        problems
    }
}

/// Known vulnerabilities, by cargo-deny where it is installed and its list can be fetched.
fn advisories() -> Result<()> {
    if !tool::answers("cargo", &["deny", "--version"])? {
        println!(
            "advisories: NOT CHECKED, cargo-deny is not installed (`cargo install --locked cargo-deny`)"
        );
        return Ok(());
    }
    tool::call("cargo", &["deny", "--locked", "check", "bans", "licenses", "sources"])?;
    if !tool::answers("cargo", &["deny", "fetch", "db"])? {
        println!("advisories: NOT CHECKED, the list of known vulnerabilities cannot be fetched");
        return Ok(());
    }
    tool::call("cargo", &["deny", "--locked", "check", "advisories"])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn licenses() -> Licenses {
        let allow = ["MIT", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "Unicode-3.0"];
        Licenses { allow: allow.map(str::to_owned).into() }
    }

    #[test]
    fn a_choice_needs_one_admitted_licence_and_a_sum_all_of_them() {
        let licenses = licenses();
        for fine in [
            "MIT",
            "MIT/Apache-2.0",
            "GPL-3.0-only OR MIT",
            "Apache-2.0 WITH LLVM-exception",
            "MIT AND Unicode-3.0",
        ] {
            assert_eq!(licenses.problem("x", Some(fine)), None, "{fine}");
        }
        for bad in ["GPL-3.0-only", "MIT AND GPL-3.0-only", "anything goes"] {
            assert!(licenses.problem("x", Some(bad)).is_some(), "{bad}");
        }
        assert_eq!(licenses.problem("x", None), Some("`x` states no licence".to_owned()));
    }

    fn duplicates(skip: &[&str]) -> Vec<String> {
        let skip = skip.iter().map(|what| Skip { what: (*what).to_owned() }).collect();
        let packages = [("syn", "1.0.0"), ("syn", "2.0.0"), ("log", "0.4.0")];
        Bans { skip }.problems(packages.into_iter().map(|(n, v)| (n.to_owned(), v.to_owned())))
    }

    #[test]
    fn a_second_version_is_refused_until_it_is_explained() {
        assert!(duplicates(&[])[0].starts_with("`syn` is there in versions 1.0.0, 2.0.0"));
        assert_eq!(duplicates(&["syn@1.0.0"]), Vec::<String>::new());
    }

    #[test]
    fn an_explanation_of_what_is_gone_is_refused() {
        let stale = duplicates(&["syn@1.0.0", "log@0.4.0"]);
        assert_eq!(stale, ["`log@0.4.0` is skipped in `deny.toml` but is no duplicate; strike it out"]);
    }
}
