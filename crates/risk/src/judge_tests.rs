use std::collections::BTreeSet;

use dinghai_estate::{Inventory, Origin, PlaceKind};

use super::*;
use crate::Lost;

fn finding(rule: &'static str, about: &str, lost: &str, state: State) -> Finding {
    Finding {
        rule,
        state,
        title: format!("losing {lost} stops {about}"),
        sentence: String::new(),
        about: vec![about.into()],
        lost: vec![Lost { place: lost.into(), kind: PlaceKind::Zone }],
        because: vec![Because {
            origin: Origin { file: "a.tf".into(), line: 4, column: 1 },
            note: String::new(),
        }],
        certainty: Certainty::Declared,
        bound: None,
        fix: None,
    }
}

fn report(findings: Vec<Finding>) -> Report {
    let inventory = Inventory { name: "prod".into(), ..Inventory::default() };
    Report { inventory, findings, core: vec![], accepted: vec![], bounds: vec![] }
}

fn acceptance(until: &str) -> Acceptance {
    Acceptance {
        rule: "survive".into(),
        about: ["payment".into()].into(),
        lost: ["hz-b".into()].into(),
        reason: "one zone until spring".into(),
        until: until.parse().unwrap(),
        origin: Origin { file: "dinghai.yaml".into(), line: 9, column: 5 },
    }
}

fn today() -> Day {
    "2026-11-25".parse().unwrap()
}

#[test]
fn a_fingerprint_does_not_know_lines_or_words() {
    let one = finding("survive", "payment", "hz-b", State::Broken);
    let mut moved = one.clone();
    moved.because[0].origin.line = 90;
    moved.title = "said otherwise".into();
    let other = finding("survive", "payment", "hz-c", State::Broken);
    let [a, b, c] =
        [&one, &moved, &other].map(|each| fingerprints(&report(vec![each.clone()]), "")[0].clone());
    assert_eq!(a, b);
    assert_ne!(a, c);
    let twice = fingerprints(&report(vec![one.clone(), one]), "");
    assert_ne!(twice[0], twice[1]);
}

#[test]
fn an_acceptance_holds_to_its_last_day() {
    let found = || vec![report(vec![finding("survive", "payment", "hz-b", State::Broken)])];
    let none = BTreeSet::new();
    let held = judge(found(), &[acceptance("2026-11-25")], &none, today(), "");
    assert_eq!((held.worst(), held.reports[0].counting().count()), (None, 0));
    assert!(matches!(held.reports[0].marks[0].standing, Standing::Accepted(_)));
    let ended = judge(found(), &[acceptance("2026-11-24")], &none, today(), "");
    let rules: Vec<&str> = ended.reports[0].counting().map(|(finding, _)| finding.rule).collect();
    assert_eq!((rules, ended.worst()), (vec!["survive", "acceptance-expired"], Some(State::Broken)));
}

#[test]
fn an_acceptance_of_something_else_changes_nothing_and_is_noted() {
    let found = vec![report(vec![finding("survive", "payment", "hz-c", State::Weak)])];
    let judged = judge(found, &[acceptance("2027-03-01")], &BTreeSet::new(), today(), "");
    assert_eq!((judged.worst(), judged.unmatched.len()), (Some(State::Weak), 1));
}

#[test]
fn what_is_in_the_baseline_does_not_count() {
    let found = vec![report(vec![
        finding("survive", "payment", "hz-b", State::Broken),
        finding("survive", "cart", "hz-b", State::Weak),
    ])];
    let known = [fingerprints(&found[0], "")[0].clone()].into();
    let judged = judge(found, &[], &known, today(), "");
    assert_eq!(judged.worst(), Some(State::Weak));
    assert_eq!(judged.reports[0].marks[0].standing, Standing::Known);
}

#[test]
fn where_it_was_looked_at_from_changes_no_fingerprint() {
    let named = |name: &str| {
        let mut report = report(vec![finding("survive", "payment", "hz-b", State::Broken)]);
        report.inventory.name = name.to_owned();
        report
    };
    let far = fingerprints(&named("/srv/infra/prod"), "/srv/infra");
    assert_eq!(fingerprints(&named("infra/prod"), "infra/"), far);
    assert_eq!(fingerprints(&named("prod"), "."), far);
    assert_ne!(fingerprints(&named("infra/dev"), "infra"), far);
}
