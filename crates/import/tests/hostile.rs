//! Hostile files: nothing panics, the order changes nothing, and what is not broken is still read.
//!
//! A few hundred inputs of the same making as `cargo xtask fuzz import`, in which hours can be spent.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a corpus that cannot be read fails its tests"
)]

use std::path::Path;

use dinghai_import::{Joining, SourceFile, import};
use proptest::prelude::*;

#[path = "../examples/fuzz_import/corpus.rs"]
mod corpus;
#[path = "../examples/fuzz_import/mutate.rs"]
mod mutate;

fn sets() -> Vec<Vec<SourceFile>> {
    corpus::sets(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/infra")).unwrap()
}

/// Reads a spoilt example forwards and backwards.
fn is_the_same_in_any_order(seed: u64) {
    let sets = sets();
    let all: Vec<SourceFile> = sets.iter().flatten().cloned().collect();
    let mut mutator = mutate::Mutator::seeded(seed);
    let at = mutator.below(sets.len());
    let mut files = sets[at].clone();
    mutator.spoil(&mut files, &all, |_| true);
    for joining in [Joining::Apart, Joining::Together("all")] {
        let read = import(&files, joining);
        files.reverse();
        assert_eq!(import(&files, joining), read, "seed {seed}");
    }
}

#[test]
fn what_once_hung_on_the_order_does_not_any_more() {
    is_the_same_in_any_order(5_013_340_738_468_119_197);
}

#[test]
fn a_weight_that_cannot_be_turned_round_is_borne() {
    let text = "vrrp_script check { script /bin/check }\nvrrp_instance one {\n  priority 100\n  track_script { check weight -2147483648 }\n  \
                virtual_ipaddress { 10.0.0.100 }\n}\n";
    let files = ["lb-1", "lb-2"]
        .map(|machine| SourceFile { path: format!("{machine}/keepalived.conf"), text: text.to_owned() });
    let found = import(&files, Joining::Together("all"));
    assert!(found.estates[0].inventory.services.contains_key(&"vip-10.0.0.100".into()));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn hostile_files_are_borne_in_any_order(seed in any::<u64>()) {
        is_the_same_in_any_order(seed);
    }

    #[test]
    fn any_text_under_any_name_is_borne(
        name in "[a-z]{1,8}[.](tf|tf[.]json|tfvars|tfstate|json|yaml|yml|cfg|conf)",
        text in "\\PC{0,200}|[\\[\\]{}()\"'$%&*:|>#=,\\- \\n\\t0-9a-c]{0,400}",
    ) {
        import(&[SourceFile { path: name, text }], Joining::Apart);
    }
}

#[test]
fn a_broken_file_does_not_hide_the_others() {
    for files in sets() {
        let whole = import(&files, Joining::Together("all"));
        let broken = ["broken.yaml", "broken.json", "broken.tf"]
            .map(|path| SourceFile { path: path.to_owned(), text: "{ \"a\": [".to_owned() });
        let with = import(&[files, broken.to_vec()].concat(), Joining::Together("all"));
        for (whole, with) in whole.estates.iter().zip(&with.estates) {
            let missing: Vec<_> = whole
                .inventory
                .services
                .keys()
                .filter(|id| !with.inventory.services.contains_key(id))
                .collect();
            assert!(missing.is_empty(), "{missing:?}");
        }
    }
}

#[test]
fn deep_nesting_is_told_and_not_followed() {
    let deep = [
        ("deep.yaml", "[".repeat(100_000)),
        ("deep.json", "{\"a\":".repeat(100_000)),
        ("deep.tf", format!("locals {{\n  a = {}1\n}}\n", "(".repeat(100_000))),
        ("lists.tf", format!("locals {{\n  a = {}1\n}}\n", "[".repeat(100_000))),
        ("template.tf", format!("locals {{\n  a = \"{}\"\n}}\n", "${\"".repeat(50_000))),
        ("blocks.tf", "a {\n".repeat(100_000)),
        ("not.tf", format!("locals {{\n  a = {}true\n}}\n", "!".repeat(100_000))),
        ("if.tf", format!("locals {{\n  a = {}1\n}}\n", "true ? 1 : ".repeat(100_000))),
        ("haproxy.cfg", "backend a\n".repeat(100_000)),
        ("nginx.conf", "http {\n".repeat(100_000)),
        ("keepalived.conf", "vrrp_instance a {\n".repeat(100_000)),
    ];
    for (path, text) in deep {
        import(&[SourceFile { path: path.to_owned(), text }], Joining::Apart);
    }
}

#[test]
fn aliases_that_stand_for_aliases_stay_small() {
    let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let one = format!("*a{}", level - 1);
        text.push_str(&format!("a{level}: &a{level} [{}]\n", vec![one; 10].join(", ")));
    }
    import(&[SourceFile { path: "bomb.yaml".to_owned(), text }], Joining::Apart);
}
