//! The pages of `check`, as the binary prints them.

#![expect(clippy::unwrap_used, reason = "a page that is not there fails its test")]

use std::path::PathBuf;
use std::process::{Command, Output};

/// Runs the binary in the folder of the fixtures, so that pages name files as a user would.
fn dinghai(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_dinghai"))
        .args(arguments)
        .env("LC_ALL", "C")
        .env("LANG", "C")
        .current_dir(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/check"))
        .output()
        .unwrap()
}

fn page(arguments: &[&str]) -> (String, Option<i32>) {
    let output = dinghai(arguments);
    (String::from_utf8(output.stdout).unwrap(), output.status.code())
}

#[test]
fn mistakes_are_shown_with_their_lines() {
    let (page, code) = page(&["check", "mistakes.yaml"]);
    assert_eq!(code, Some(3));
    insta::assert_snapshot!(page);
}

#[test]
fn weaknesses_are_shown_with_a_counterexample() {
    let (page, code) = page(&["check", "weak.yaml"]);
    assert_eq!(code, Some(2));
    insta::assert_snapshot!(page);
}

#[test]
fn what_stops_core_services_is_shown_worst_first() {
    let (page, code) = page(&["check", "breaks.yaml", "--all"]);
    assert_eq!(code, Some(0));
    insta::assert_snapshot!(page);
}

#[test]
fn no_more_than_two_places_together_are_shown_unless_asked_for() {
    let (short, _) = page(&["check", "breaks.yaml"]);
    assert!(short.contains("lose region hz and checkout stops"), "{short}");
    assert!(!short.contains("node n1 and node n2"), "{short}");
}

#[test]
fn cut_sets_stand_in_json_with_their_counterexamples() {
    let json: serde_json::Value = serde_json::from_str(&page(&["check", "breaks.yaml", "--json"]).0).unwrap();
    let inventory = &json["inventories"][0];
    let checkout = &inventory["core"][0];
    assert_eq!((&checkout["service"], &checkout["truncated"]), (&"checkout".into(), &false.into()));
    let region = &inventory["accepted"][0];
    assert_eq!(region["lost"][0]["place"], "hz");
    assert!(region["sentence"].as_str().unwrap().contains("breaks.yaml:14, :15"), "{region}");
}

#[test]
fn the_worst_finding_decides_how_it_ends() {
    assert_eq!(page(&["check", "sound.yaml"]).1, Some(0));
    assert_eq!(page(&["check", "warned.yaml"]).1, Some(1));
    assert_eq!(page(&["check", "warned.yaml", "--deny", "warnings"]).1, Some(1));
    assert_eq!(page(&["check", "warned.yaml", "--fail-on", "broken"]).1, Some(0));
    assert_eq!(page(&["check", "weak.yaml", "--fail-on", "broken"]).1, Some(2));
    assert_eq!(page(&["check", "weak.yaml", "--fail-on", "never"]).1, Some(0));
    assert_eq!(page(&["check", "nowhere.yaml", "--fail-on", "never"]).1, Some(3));
}

#[test]
fn the_same_stands_in_json() {
    let (text, code) = page(&["check", "weak.yaml", "--json"]);
    assert_eq!(code, Some(2));
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    let finding = &json["inventories"][0]["findings"][0];
    assert_eq!((&finding["rule"], &finding["state"]), (&"survive".into(), &"broken".into()));
    assert_eq!(finding["because"][0]["line"], 6);
    assert_eq!(
        (&json["version"], &json["exit"], &json["counts"]["broken"]),
        (&1.into(), &2.into(), &1.into())
    );
}

#[test]
fn mistakes_stand_in_every_form() {
    for format in ["json", "sarif", "markdown", "html"] {
        let (text, code) = page(&["check", "mistakes.yaml", "--format", format]);
        assert_eq!(code, Some(3));
        assert!(text.contains("mistakes.yaml"), "{format}: {text}");
    }
}

#[test]
fn a_baseline_leaves_only_what_is_new() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("baseline.json");
    let file = file.to_str().unwrap();
    let (_, code) = page(&["check", "weak.yaml", "--write-baseline", file]);
    assert_eq!(code, Some(0));
    let (text, code) = page(&["check", "weak.yaml", "--baseline", file]);
    assert_eq!(code, Some(0));
    assert!(text.contains("1 known from the baseline"), "{text}");
    assert_eq!(page(&["check", "weak.yaml", "--baseline", "nowhere.json"]).1, Some(3));
    assert_eq!(page(&["check", "weak.yaml", "--baseline", "weak.yaml"]).1, Some(3));
}

#[test]
fn what_is_accepted_does_not_count_until_its_day_has_passed() {
    let (text, code) = page(&["check", "accepted.yaml", "--today", "2027-03-01"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("1 accepted"), "{text}");
    let (text, code) = page(&["check", "accepted.yaml", "--today", "2027-03-02", "--all"]);
    assert_eq!(code, Some(2), "{text}");
    insta::assert_snapshot!(text);
}

#[test]
fn a_report_is_written_to_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.html");
    let (text, code) =
        page(&["check", "weak.yaml", "--format", "html", "--lang", "zh", "--output", file.to_str().unwrap()]);
    assert_eq!((text.as_str(), code), ("", Some(2)));
    let report = std::fs::read_to_string(&file).unwrap();
    assert!(report.starts_with("<!DOCTYPE html><html lang=\"zh\">"));
}

#[test]
fn secrets_in_an_estate_are_not_shown() {
    for format in ["terminal", "json", "sarif", "markdown", "html"] {
        for file in ["planted.yaml", "planted-mistake.yaml"] {
            let (text, _) = page(&["check", file, "--format", format, "--all"]);
            assert!(!text.contains("planted-hunter2"), "{file} as {format}: {text}");
        }
    }
}

#[test]
fn every_rule_is_explained() {
    let of_estates = dinghai_estate::rules().iter().chain([&dinghai_risk::ACCEPTANCE_EXPIRED]);
    for id in dinghai_risk::rules().iter().map(|rule| rule.id).chain(of_estates.map(|rule| rule.id)) {
        let (page, code) = page(&["explain", id]);
        assert!(page.starts_with(id) && code == Some(0), "{page}");
    }
    assert_eq!(page(&["explain", "no-such-rule"]).1, Some(1));
}

#[test]
fn the_schema_is_json() {
    let schema: serde_json::Value = serde_json::from_str(&page(&["schema"]).0).unwrap();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
}
