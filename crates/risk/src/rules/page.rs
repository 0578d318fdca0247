//! The guide's page of rules.

use std::fmt::Write;

use dinghai_estate::Severity;

use super::{Rule, rules};
use crate::finding::State;

/// The page in Markdown: every rule over inventories and over estates, with why, example and fix. The guide holds what this
/// writes, and a test compares the two.
pub fn rules_page() -> String {
    let mut page = String::from(INTRODUCTION);
    page.push_str("\n## Over everything that is read\n\n");
    page.push_str("| rule | at worst | it finds that |\n|---|---|---|\n");
    for rule in rules() {
        line(&mut page, rule.id, state(rule.state), rule.title);
    }
    page.push_str("\n## Over `dinghai.yaml`\n\n");
    page.push_str("| rule | at worst | it finds that |\n|---|---|---|\n");
    for rule in dinghai_estate::rules() {
        line(&mut page, rule.id, severity(rule.severity), rule.title);
    }
    for Rule { id, why, example, fix, .. } in rules() {
        section(&mut page, id, why, example, fix);
    }
    for dinghai_estate::Rule { id, why, example, fix, .. } in dinghai_estate::rules() {
        section(&mut page, id, why, example, fix);
    }
    page
}

const INTRODUCTION: &str = "\
<!-- Written from the catalogue of rules; see `crates/risk/tests/rules_page.rs` for how to write it anew. -->

# Rules of `dinghai check`

`dinghai explain` lists them, `dinghai explain RULE` shows one. What a finding weighs:

| it says | which means |
|---|---|
| `broken`, `error` | what was promised does not hold |
| `weak`, `warning` | it holds, with nothing to spare or without a protection |
| `unknown` | nobody can tell from the files; that is not clean |
";

fn line(page: &mut String, id: &str, weighs: &str, title: &str) {
    let _infallible = writeln!(page, "| [`{id}`](#{id}) | {weighs} | {title} |");
}

fn section(page: &mut String, id: &str, why: &str, example: &str, fix: &str) {
    let _infallible = write!(page, "\n### {id}\n\n{why}\n\n```\n{example}\n```\n\n{fix}\n");
}

fn state(state: State) -> &'static str {
    match state {
        State::Unknown => "unknown",
        State::Weak => "weak",
        State::Broken => "broken",
    }
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}
