//! Estates without a mistake that are weak, and beside each what `lint` finds.
//!
//! `X.txt` holds the findings of `X.yaml`: `severity rule about line:column`, then message, counterexample, help and the
//! other places.

use std::collections::BTreeSet;
use std::fmt::Write;

use dinghai_estate::{
    Estate, FailureDomains, InstanceId, Lint, PlaceId, PlaceKind, PlaceOfKind, decode, lint, rules,
};
use proptest::prelude::*;

use crate::disk::Disk;

fn estate(folder: &str, name: &str) -> Estate {
    let decoded = decode(name, &Disk::folder(folder));
    assert_eq!(decoded.problems, [], "{name}");
    decoded.estate.unwrap()
}

fn findings(estate: &Estate) -> Vec<Lint> {
    lint(estate, &FailureDomains::of(estate))
}

fn told(found: &[Lint]) -> String {
    let mut text = String::new();
    for lint in found {
        let mut places = lint.origins.iter().map(|origin| format!("{}:{}", origin.line, origin.column));
        let severity = format!("{:?}", lint.severity).to_lowercase();
        writeln!(text, "{severity} {} {} {}", lint.rule, lint.about, places.next().unwrap()).unwrap();
        writeln!(text, "  {}", lint.message).unwrap();
        if let Some(example) = &lint.counterexample {
            writeln!(text, "  counterexample: {example}").unwrap();
        }
        writeln!(text, "  help: {}", lint.help).unwrap();
        let also: Vec<String> = places.collect();
        if !also.is_empty() {
            writeln!(text, "  also {}", also.join(" ")).unwrap();
        }
    }
    text
}

#[test]
fn each_weakness_is_told_as_its_text_says() {
    let folder = Disk::folder("weak");
    let mut wrong = Vec::new();
    let mut met = BTreeSet::new();
    for name in folder.names("yaml") {
        let found = findings(&estate("weak", &name));
        met.extend(found.iter().map(|lint| lint.rule));
        let text = name.replace(".yaml", ".txt");
        if told(&found) != folder.text(&text) {
            wrong.push(format!("== {text}, got:\n{}", told(&found)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let known: BTreeSet<&str> = rules().iter().map(|rule| rule.id).collect();
    assert_eq!(met, known, "every rule is met by a file, and every finding has a rule");
}

#[test]
fn a_strong_estate_has_no_weakness() {
    let found = findings(&estate("whole", "dinghai.yaml"));
    assert_eq!(found, []);
}

#[test]
fn domains_nest_and_overlap() {
    let estate = estate("whole", "dinghai.yaml");
    let domains = FailureDomains::of(&estate);
    let names =
        |places: BTreeSet<PlaceId>| -> Vec<String> { places.iter().map(PlaceId::to_string).collect() };
    assert_eq!(
        names(domains.containing(&"node-1".into())),
        ["aliyun", "cn-hangzhou", "feed-1", "hz-a", "node-1"]
    );
    let lost = |place: &str| -> Vec<String> {
        domains.lost_with(&place.into()).iter().map(InstanceId::to_string).collect()
    };
    assert_eq!(lost("feed-1"), ["order@node-1"]);
    assert_eq!(lost("hz-a"), ["order@node-1", "payment@hz-a", "recommend@hz-a"]);
    assert_eq!(lost("aliyun").len(), 8);
    assert_eq!(lost("nowhere").len(), 0);
    let hits = domains.services_hit(&"hz-b".into());
    assert_eq!(hits.len(), 3);
    assert_eq!(domains.of_kind(PlaceKind::Zone).count(), 3);
}

#[test]
fn a_place_that_is_not_declared_is_unknown_and_not_independent() {
    let estate = estate("whole", "dinghai.yaml");
    let domains = FailureDomains::of(&estate);
    let order = InstanceId::new("order@hz-b");
    assert_eq!(domains.place_of_kind(&order, PlaceKind::Zone), PlaceOfKind::Known([("hz-b").into()].into()));
    assert_eq!(domains.place_of_kind(&order, PlaceKind::Rack), PlaceOfKind::Unknown);
    assert_eq!(domains.place_of_kind(&"nobody".into(), PlaceKind::Zone), PlaceOfKind::Unknown);
}

/// An estate of one core service, its instances at these of four zones, each zone on one of two feeds.
fn spread(zones: &[usize], feeds: [usize; 4], minimum: usize) -> Estate {
    let mut text =
        "estate: x\npromises: { profile: none }\nplaces:\n  f0: { kind: power }\n  f1: { kind: power }\n"
            .to_owned();
    for (zone, feed) in feeds.iter().enumerate() {
        writeln!(text, "  z{zone}: {{ kind: zone, within: f{} }}", feed % 2).unwrap();
    }
    writeln!(
        text,
        "services:\n  s:\n    tier: core\n    minimum: {minimum}\n    probe: {{ tcp: true }}\n    instances:"
    )
    .unwrap();
    for (n, zone) in zones.iter().enumerate() {
        writeln!(text, "      - {{ at: z{zone}, address: 10.0.0.1:{} }}", n + 1).unwrap();
    }
    struct Text(String);
    impl dinghai_estate::Files for Text {
        fn read(&self, _: &str) -> Result<String, String> {
            Ok(self.0.clone())
        }
    }
    let decoded = decode("x", &Text(text));
    assert_eq!(decoded.problems, []);
    decoded.estate.unwrap()
}

proptest! {
    /// Against the definition, told over: take each zone and each feed away and count.
    #[test]
    fn survival_is_what_is_left_after_each_loss(
        zones in prop::collection::vec(0usize..4, 1..6), feeds in [0usize..2, 0usize..2, 0usize..2, 0usize..2], minimum in 1usize..4
    ) {
        let left_after = |lost: &dyn Fn(usize) -> bool| zones.iter().filter(|zone| !lost(**zone)).count();
        let by_zone = (0..4).map(|gone| left_after(&|zone| zone == gone));
        let by_feed = (0..2).map(|gone| left_after(&|zone| feeds[zone] == gone));
        let fewest = by_zone.chain(by_feed).min().unwrap();
        let found = findings(&spread(&zones, feeds, minimum));
        let has = |rule: &str| found.iter().any(|lint| lint.rule == rule);
        if zones.len() >= minimum {
            prop_assert_eq!(has("survive"), fewest == 0);
            prop_assert!(!has("minimum-after-loss") || fewest < minimum);
            prop_assert_eq!(fewest < minimum, has("survive") || has("minimum-after-loss"));
        } else {
            prop_assert!(has("minimum-after-loss"));
        }
        prop_assert_eq!(found, findings(&spread(&zones, feeds, minimum)));
    }
}
