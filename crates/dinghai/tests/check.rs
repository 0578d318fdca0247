//! The pages of `check`, as the binary prints them.

#![expect(clippy::unwrap_used, reason = "a page that is not there fails its test")]

use std::path::PathBuf;
use std::process::{Command, Output};

/// Runs the binary in the folder of the fixtures, so that pages name files as a user would.
fn dinghai(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_dinghai"))
        .args(arguments)
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
    assert_eq!(code, Some(2));
    insta::assert_snapshot!(page);
}

#[test]
fn weaknesses_are_shown_with_a_counterexample() {
    let (page, code) = page(&["check", "weak.yaml"]);
    assert_eq!(code, Some(1));
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
    let checkout = &json["cuts"]["services"][0];
    assert_eq!((&checkout["service"], &checkout["truncated"]), (&"checkout".into(), &false.into()));
    assert_eq!(checkout["cut_sets"][0]["places"], serde_json::json!(["hz"]));
    assert_eq!(checkout["cut_sets"][0]["counterexample"]["gone"][0]["origin"]["line"], 15);
}

#[test]
fn a_sound_estate_ends_with_zero_and_warnings_can_be_denied() {
    assert_eq!(page(&["check", "sound.yaml"]).1, Some(0));
    assert_eq!(page(&["check", "warned.yaml"]).1, Some(0));
    assert_eq!(page(&["check", "warned.yaml", "--deny", "warnings"]).1, Some(1));
    assert_eq!(page(&["check", "nowhere.yaml"]).1, Some(2));
}

#[test]
fn the_same_stands_in_json() {
    let (text, code) = page(&["check", "weak.yaml", "--json"]);
    assert_eq!(code, Some(1));
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json["findings"][0]["rule"], "survive");
    assert_eq!(json["findings"][0]["origins"][0]["line"], 6);
    assert_eq!((json["errors"].as_u64(), json["warnings"].as_u64()), (Some(1), Some(0)));
}

#[test]
fn every_rule_is_explained() {
    let of_estates = dinghai_estate::rules().iter().map(|rule| rule.id);
    for id in dinghai_risk::rules().iter().map(|rule| rule.id).chain(of_estates) {
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
