//! The same findings in the form that was asked for.

use std::collections::BTreeMap;

use dinghai_import::redact::scrub;
use dinghai_pages::Format as Values;
use dinghai_pages::check::{Run, Told};
use dinghai_risk::{Judgement, Report, judge};
use serde_json::Value;

use super::clean::{Secrets, named};
use super::rules::every_rule;
use super::terminal::{self, Show};
use super::{json, markdown, mistakes, sarif};
use crate::commands::gather::Gathered;

/// A form of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// For people at a terminal.
    Terminal,
    /// For programs.
    Json,
    /// For code scanning: SARIF 2.1.0.
    Sarif,
    /// For a comment on a pull request.
    Markdown,
    /// One page that needs nothing beside it.
    Html,
}

/// Everything that is to be told.
pub(crate) struct Telling<'a> {
    pub(crate) looked: &'a Gathered,
    /// As it was judged; it is cleaned here.
    pub(crate) judgement: Judgement,
    pub(crate) secrets: &'a Secrets,
    pub(crate) run: &'a Run,
    pub(crate) values: &'a Values,
    pub(crate) show: Show,
    /// Whether a baseline was compared with.
    pub(crate) compared: bool,
}

impl Telling<'_> {
    /// The whole text, in a form.
    pub(crate) fn text(self, format: Format) -> anyhow::Result<String> {
        let Self { looked, mut judgement, secrets, run, values, show, compared } = self;
        // On the terminal mistakes have a page of their own; JSON lists them apart.
        let in_report = !matches!(format, Format::Terminal | Format::Json);
        if in_report {
            let reports: Vec<Report> = looked.decoded.iter().filter_map(mistakes::report).collect();
            let today = dinghai_clock::Day::new(1970, 1, 1);
            let judged =
                today.map(|today| judge(reports, &[], &std::collections::BTreeSet::new(), today, ""));
            judgement.reports.splice(0..0, judged.into_iter().flat_map(|judged| judged.reports));
        }
        let judgement = secrets.clean(judgement);
        let lines: BTreeMap<String, Vec<String>> = secrets.lines(&looked.sources, &named(&judgement));
        let mut run = run.clone();
        run.command = dinghai_import::redact::redact(&run.command, secrets.values());
        let told = Told { judgement: &judgement, lines: &lines, run: &run, format: values };
        Ok(match format {
            Format::Terminal => {
                let mut page = String::new();
                for decoded in &looked.decoded {
                    page.push_str(&mistakes::painted(decoded, secrets, show.paint.0)?);
                    if decoded.estate.is_none() {
                        let n = told.n(decoded.problems.len());
                        page.push_str(&format!(
                            "{}

",
                            told.say("check-mistakes", &[("n", n)])
                        ));
                    }
                }
                page.push_str(&terminal::page(&told, &show));
                page.push_str(&terminal::summary(&told, &show));
                scrub(&page, secrets.values())
            }
            Format::Json => pretty(json::json(&told, looked, secrets), secrets)?,
            Format::Sarif => pretty(sarif::sarif(&told, &every_rule(), compared), secrets)?,
            Format::Markdown => scrub(&markdown::markdown(&told), secrets.values()),
            Format::Html => between_tags(&dinghai_pages::check::page(&told), secrets),
        })
    }
}

/// JSON in which no text holds a secret; keys are ours.
fn pretty(mut value: Value, secrets: &Secrets) -> anyhow::Result<String> {
    leaves(&mut value, secrets);
    Ok(serde_json::to_string_pretty(&value)? + "\n")
}

fn leaves(value: &mut Value, secrets: &Secrets) {
    match value {
        Value::String(text) => *text = scrub(text, secrets.values()),
        Value::Array(values) => values.iter_mut().for_each(|value| leaves(value, secrets)),
        Value::Object(fields) => fields.values_mut().for_each(|value| leaves(value, secrets)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// HTML in which no text between tags holds a secret; the tags are ours.
fn between_tags(page: &str, secrets: &Secrets) -> String {
    let (head, body) = page.split_once("</style>").unwrap_or(("", page));
    let mut out = String::with_capacity(page.len());
    if !head.is_empty() {
        out.push_str(head);
        out.push_str("</style>");
    }
    for part in body.split_inclusive('>') {
        let (text, tag) = part.split_at(part.find('<').unwrap_or(part.len()));
        out.push_str(&scrub(text, secrets.values()));
        out.push_str(tag);
    }
    out
}
