//! Mistakes in an estate's files, each with the lines that are meant.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use dinghai_estate::{Certainty, Decoded, Inventory, Origin, Problem, Severity};
use dinghai_import::redact::mask_text;
use dinghai_risk::{Because, Finding, Fix, Report, State};
use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode, SourceSpan,
};

use super::clean::Secrets;
use super::terminal::Colour;

/// Columns of a page.
const WIDTH: usize = 100;

/// Every problem of the files; empty when there is none. With colours on a terminal, unless `NO_COLOR` says otherwise.
pub(crate) fn problems_page(decoded: &Decoded) -> anyhow::Result<String> {
    painted(decoded, &Secrets::of(&BTreeSet::new(), &decoded.sources, &[]), Colour::Auto.wanted())
}

/// The same with colours or without. Secrets in the lines become dots, so that what is underlined stays where it is.
pub(super) fn painted(decoded: &Decoded, secrets: &Secrets, colours: bool) -> anyhow::Result<String> {
    let sources = decoded.sources.iter();
    let sources = sources.map(|(file, text)| (file.clone(), mask_text(text, secrets.values()))).collect();
    render(decoded.problems.iter().map(|problem| of_problem(&secrets.problem(problem), &sources)), colours)
}

/// Mistakes in an estate's files as a report, for forms that have no page of their own for them.
pub(super) fn report(decoded: &Decoded) -> Option<Report> {
    let findings: Vec<Finding> = decoded
        .problems
        .iter()
        .map(|problem| {
            let also = problem.also.iter().map(|(origin, _, note)| (origin.clone(), note.clone()));
            let because = std::iter::once((problem.origin.clone(), String::new())).chain(also);
            Finding {
                rule: problem.code,
                state: match problem.severity {
                    Severity::Error => State::Broken,
                    Severity::Warning => State::Weak,
                },
                title: problem.message.clone(),
                sentence: String::new(),
                about: Vec::new(),
                lost: Vec::new(),
                because: because.map(|(origin, note)| Because { origin, note }).collect(),
                certainty: Certainty::Declared,
                bound: None,
                fix: problem.help.clone().map(|sentence| Fix { sentence, edits: Vec::new(), checked: None }),
            }
        })
        .collect();
    let first = decoded.problems.first()?;
    let inventory =
        Inventory { name: first.origin.file.clone(), formats: ["estate"].into(), ..Inventory::default() };
    Some(Report { inventory, findings, core: Vec::new(), accepted: Vec::new(), bounds: Vec::new() })
}

/// A problem with its lines, as the renderer wants it.
#[derive(Debug)]
struct Shown {
    code: &'static str,
    severity: Severity,
    message: String,
    help: Option<String>,
    source: Option<NamedSource<String>>,
    labels: Vec<LabeledSpan>,
}

fn of_problem(problem: &Problem, sources: &BTreeMap<String, String>) -> Shown {
    let text = sources.get(&problem.origin.file).filter(|_| problem.origin.line > 0);
    let mut help: Vec<String> = problem.help.iter().cloned().collect();
    let mut labels = Vec::new();
    if let Some(text) = text {
        labels.push(LabeledSpan::new_primary_with_span(
            Some("here".to_owned()),
            span(text, &problem.origin, problem.length),
        ));
        for (origin, length, note) in &problem.also {
            match origin.file == problem.origin.file {
                true => {
                    labels.push(LabeledSpan::new_with_span(Some(note.clone()), span(text, origin, *length)))
                }
                false => help.push(format!("{note}: {origin}")),
            }
        }
    }
    Shown {
        code: problem.code,
        severity: problem.severity,
        message: problem.message.clone(),
        help: (!help.is_empty()).then(|| help.join("\n")),
        source: text.map(|text| NamedSource::new(&problem.origin.file, text.clone())),
        labels,
    }
}

/// Bytes where an origin's line begins, and that line.
fn line<'t>(text: &'t str, origin: &Origin) -> (usize, &'t str) {
    let mut start = 0;
    for (number, line) in text.split_inclusive('\n').enumerate() {
        if number + 1 == origin.line as usize {
            return (start, line.trim_end_matches(['\n', '\r']));
        }
        start += line.len();
    }
    (text.len(), "")
}

/// Characters at an origin as bytes of the text.
fn span(text: &str, origin: &Origin, length: u32) -> SourceSpan {
    let (start, line) = line(text, origin);
    let byte = |column: usize| line.char_indices().nth(column).map_or(line.len(), |(byte, _)| byte);
    let column = origin.column.saturating_sub(1) as usize;
    let (from, to) = (byte(column), byte(column + length as usize));
    (start + from, to - from).into()
}

fn render(shown: impl Iterator<Item = Shown>, colours: bool) -> anyhow::Result<String> {
    let theme = match colours {
        true => GraphicalTheme::unicode(),
        false => GraphicalTheme::unicode_nocolor(),
    };
    let handler =
        GraphicalReportHandler::new_themed(theme).with_width(WIDTH).with_links(false).with_context_lines(1);
    let mut page = String::new();
    for shown in shown {
        handler.render_report(&mut page, &shown)?;
        page.push('\n');
    }
    Ok(page)
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Shown {}

impl Diagnostic for Shown {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.code))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.severity {
            Severity::Warning => miette::Severity::Warning,
            Severity::Error => miette::Severity::Error,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.as_ref().map(|source| source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        (!self.labels.is_empty())
            .then(|| Box::new(self.labels.iter().cloned()) as Box<dyn Iterator<Item = _>>)
    }
}
