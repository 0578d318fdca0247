//! A rule with its help.

use dinghai_estate::{Rule, Severity};
use serde_json::{Value, json};

pub(super) fn described(rule: &Rule) -> Value {
    let short = rule.why.split_inclusive(". ").next().unwrap_or_default().trim();
    let text = format!("{}\n\nFor example:\n\n{}\n\n{}", rule.why, rule.example, rule.fix);
    let markdown = format!("{}\n\nFor example:\n\n```yaml\n{}\n```\n\n{}", rule.why, rule.example, rule.fix);
    let level = match rule.severity {
        Severity::Warning => "warning",
        Severity::Error => "error",
    };
    json!({
        "id": rule.id,
        "shortDescription": { "text": short },
        "fullDescription": { "text": rule.why },
        "help": { "text": text, "markdown": markdown },
        "defaultConfiguration": { "level": level },
    })
}
