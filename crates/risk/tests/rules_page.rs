//! The guide's page of rules is what the catalogue says. After a change of a rule write it anew with
//! `DINGHAI_WRITE_PAGES=1 cargo test -p dinghai-risk --test rules_page`.

use std::collections::BTreeSet;

use dinghai_risk::{rules, rules_page};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/guide/rules.md");

#[test]
fn the_guide_says_what_the_catalogue_says() {
    if std::env::var_os("DINGHAI_WRITE_PAGES").is_some() {
        std::fs::write(PAGE, rules_page()).unwrap();
    }
    let page = std::fs::read_to_string(PAGE).unwrap_or_default();
    assert!(page == rules_page(), "docs/guide/rules.md is not what the catalogue says; write it anew");
}

#[test]
fn rules_are_sorted_and_no_two_have_one_id() {
    let ids: Vec<&str> = rules().iter().map(|rule| rule.id).collect();
    assert!(ids.is_sorted());
    let of_estates = dinghai_estate::rules().iter().map(|rule| rule.id);
    let all: Vec<&str> = ids.into_iter().chain(of_estates).collect();
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
}
