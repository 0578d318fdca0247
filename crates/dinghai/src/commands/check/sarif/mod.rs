//! What was found, as SARIF 2.1.0 (OASIS Standard, 27 March 2020), for code scanning.

mod result;
mod rule;

use dinghai_estate::{Origin, Rule};
use dinghai_pages::check::Told;
use serde_json::{Value, json};

use super::json::and;

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// The log. `rules` are all that a finding may name; only those that do are in it.
pub(crate) fn sarif(told: &Told<'_>, rules: &[Rule], compared: bool) -> Value {
    let reports = &told.judgement.reports;
    let named = reports.iter().flat_map(|judged| &judged.report.findings).map(|finding| finding.rule);
    let mut ids: Vec<&str> = named.collect();
    ids.sort_unstable();
    ids.dedup();
    let described: Vec<Value> = ids
        .iter()
        .map(|id| match rules.iter().find(|rule| rule.id == *id) {
            Some(known) => rule::described(known),
            None => json!({ "id": id }),
        })
        .collect();
    let results: Vec<Value> = reports
        .iter()
        .flat_map(|judged| {
            judged.each().map(|(finding, mark)| {
                let index = ids.iter().position(|id| *id == finding.rule).unwrap_or_default();
                result::result(&judged.report, finding, mark, index, compared)
            })
        })
        .collect();
    let unseen = reports.iter().flat_map(|judged| &judged.report.inventory.unseen);
    let notes: Vec<Value> = unseen
        .map(|unseen| {
            json!({ "level": "note", "message": { "text": unseen.what }, "locations": [location(&unseen.origin)] })
        })
        .collect();
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "dinghai",
                "semanticVersion": told.run.version,
                "version": told.run.version,
                "rules": described,
            } },
            "automationDetails": { "id": "dinghai/check/" },
            "columnKind": "unicodeCodePoints",
            "invocations": [{
                "commandLine": told.run.command,
                "executionSuccessful": told.run.exit != super::exit::UNUSABLE,
                "exitCode": told.run.exit,
                "startTimeUtc": told.run.now,
                "toolExecutionNotifications": notes,
            }],
            "originalUriBaseIds": { "%SRCROOT%": { "description": { "text": "the folder in which the command was run" } } },
            "results": results,
        }],
    })
}

/// Where something stands.
fn location(origin: &Origin) -> Value {
    let region = (origin.line > 0).then(|| {
        let column = (origin.column > 0).then(|| Value::from(origin.column));
        and(json!({ "startLine": origin.line }), "startColumn", column)
    });
    let physical = and(json!({ "artifactLocation": artifact(&origin.file) }), "region", region);
    json!({ "physicalLocation": physical })
}

/// A file as a URI reference (RFC 3986): relative to where the command was run, unless the path is absolute.
fn artifact(file: &str) -> Value {
    let file = file.strip_prefix("./").unwrap_or(file);
    let kept = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/!$&'()*+,;=@".contains(&byte);
    let escaped: String = file
        .bytes()
        .map(|byte| if kept(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect();
    match file.starts_with('/') {
        true => json!({ "uri": format!("file://{escaped}") }),
        false => json!({ "uri": escaped, "uriBaseId": "%SRCROOT%" }),
    }
}
