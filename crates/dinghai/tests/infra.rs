//! The example infrastructures: what `check` says of each as a whole page, and that it says what was expected before.

#![expect(clippy::unwrap_used, reason = "what is not there fails its test")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

const EXAMPLES: [&str; 7] = [
    "alicloud-shop",
    "aws-web",
    "bare-metal-ha",
    "compose-one-host",
    "kubernetes-shop",
    "recovery-through-failed-zone",
    "sound",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// What the binary prints, in the root of the project.
fn dinghai(arguments: &[&str]) -> (String, Option<i32>) {
    let output = Command::new(env!("CARGO_BIN_EXE_dinghai"))
        .args(arguments)
        .env("LC_ALL", "C.UTF-8")
        .env_remove("COLUMNS")
        .current_dir(root())
        .output()
        .unwrap();
    (String::from_utf8(output.stdout).unwrap(), output.status.code())
}

fn check(example: &str) -> Value {
    let (text, _) = dinghai(&["check", &format!("examples/infra/{example}"), "--json"]);
    serde_json::from_str(&text).unwrap()
}

/// A row of the first tables of `expected.md`.
#[derive(Debug)]
struct Row {
    rule: String,
    state: String,
    about: BTreeSet<String>,
    /// Places by name; none where it is not told which.
    lost: Option<String>,
}

fn expected(example: &str) -> Vec<Row> {
    let page =
        std::fs::read_to_string(root().join("examples/infra").join(example).join("expected.md")).unwrap();
    page.lines()
        .filter_map(|line| {
            let cells: Vec<&str> = line.trim().trim_matches('|').split('|').map(str::trim).collect();
            let [rule, state @ ("broken" | "weak" | "unknown"), about, lost, _] = cells.as_slice() else {
                return None;
            };
            let about = about.split(',').map(str::trim).filter(|id| !id.is_empty() && *id != "…");
            Some(Row {
                rule: rule.trim_matches('`').to_owned(),
                state: (*state).to_owned(),
                about: about.map(str::to_owned).collect(),
                lost: (!lost.starts_with(['?', '–']) && !lost.contains(' ')).then(|| (*lost).to_owned()),
            })
        })
        .collect()
}

fn findings(report: &Value) -> Vec<&Value> {
    let inventories = report["inventories"].as_array().unwrap();
    inventories.iter().flat_map(|inventory| inventory["findings"].as_array().unwrap()).collect()
}

fn ids(finding: &Value, key: &str, name: Option<&str>) -> BTreeSet<String> {
    let text = |value: &Value| name.map_or(value, |name| &value[name]).as_str().unwrap().to_owned();
    finding[key].as_array().unwrap().iter().map(text).collect()
}

/// A finding is the row when rule, state and lost place are, and at least one service.
fn is(finding: &Value, row: &Row) -> bool {
    finding["rule"] == row.rule.as_str()
        && finding["state"] == row.state.as_str()
        && !ids(finding, "about", None).is_disjoint(&row.about)
        && row.lost.as_ref().is_none_or(|lost| {
            let places = ids(finding, "lost", Some("place"));
            places.is_empty() || places.iter().any(|place| place == lost || lies_in(place, lost))
        })
}

/// A NAT gateway is named for the key of the zone that it stands in.
fn lies_in(place: &str, zone: &str) -> bool {
    let key = place.split(['[', ']']).nth(1);
    key.is_some_and(|key| zone.ends_with(key))
}

#[test]
fn every_expected_finding_is_found() {
    for example in EXAMPLES {
        let report = check(example);
        for row in expected(example) {
            assert!(
                findings(&report).into_iter().any(|found| is(found, &row)),
                "{example}: {row:?} is missing"
            );
        }
    }
}

#[test]
fn nothing_is_called_broken_that_was_not_expected() {
    for example in EXAMPLES {
        let (report, rows) = (check(example), expected(example));
        let broken: Vec<&Value> =
            findings(&report).into_iter().filter(|found| found["state"] == "broken").collect();
        for found in broken {
            assert!(rows.iter().any(|row| is(found, row)), "{example}: {found:#}");
        }
    }
}

#[test]
fn a_sound_infrastructure_has_nothing_weak_and_lists_what_cannot_be_seen() {
    let report = check("sound");
    let worse = findings(&report).into_iter().filter(|found| found["state"] != "unknown").count();
    assert_eq!(worse, 0, "{report:#}");
    assert!(!report["inventories"][0]["unseen"].as_array().unwrap().is_empty());
    assert_eq!(report["exit"], 0);
}

#[test]
fn the_pages_read_as_they_should() {
    for example in EXAMPLES {
        let (page, _) =
            dinghai(&["check", &format!("examples/infra/{example}"), "--all", "--color", "never"]);
        insta::assert_snapshot!(example, page);
    }
}

#[test]
fn what_if_names_the_chain() {
    let (page, code) = dinghai(&["what-if", "examples/infra/alicloud-shop", "--lose", "cn-hangzhou-h"]);
    assert_eq!(code, Some(2));
    insta::assert_snapshot!(page);
    let (_, code) = dinghai(&["what-if", "examples/infra/alicloud-shop", "--lose", "cn-hangzhou-x"]);
    assert_eq!(code, Some(3));
}

#[test]
fn a_change_that_breaks_something_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let after = folder.path().join("sound");
    std::fs::create_dir(&after).unwrap();
    for file in std::fs::read_dir(root().join("examples/infra/sound")).unwrap() {
        let file = file.unwrap().path();
        let text = std::fs::read_to_string(&file).unwrap();
        // Every way out by one route table.
        let text = text
            .replace("aws_route_table.private[each.key].id", "aws_route_table.private[\"eu-central-1a\"].id");
        std::fs::write(after.join(file.file_name().unwrap()), text).unwrap();
    }
    let after = after.display().to_string();
    let (page, code) = dinghai(&["diff", "examples/infra/sound", &after]);
    assert_eq!(code, Some(2), "{page}");
    assert!(page.contains("eu-central-1a"), "{page}");
    let (page, code) = dinghai(&["diff", "examples/infra/sound", "examples/infra/sound"]);
    assert_eq!((page.trim(), code), ("this change makes nothing weaker or stronger", Some(0)));
}

#[test]
fn a_first_estate_is_written_and_accepted() {
    let folder = tempfile::tempdir().unwrap();
    for (example, arguments) in
        [("aws-web", [].as_slice()), ("compose-one-host", &[]), ("kubernetes-shop", &["--together"])]
    {
        let target = folder.path().join(example);
        copy(&root().join("examples/infra").join(example), &target);
        let target = target.display().to_string();
        let (text, code) = dinghai(&[&["init", target.as_str()], arguments].concat());
        assert_eq!(code, Some(0), "{text}");
        let (text, _) = dinghai(&["check", &target, "--json"]);
        let report: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(report["problems"].as_array().unwrap().len(), 0, "{report:#}");
        assert!(report["usable"].as_bool().unwrap());
        let (_, again) = dinghai(&["init", &target]);
        assert_eq!(again, Some(1), "a second one is refused");
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap().path();
        let target = to.join(entry.file_name().unwrap());
        match entry.is_dir() {
            true => copy(&entry, &target),
            false => drop(std::fs::copy(&entry, &target).unwrap()),
        }
    }
}
