//! What `check` prints: each problem and weakness with the lines that are meant.

use std::collections::BTreeMap;
use std::fmt;
use std::io::IsTerminal;

use dinghai_estate::{Decoded, Lint, Origin, Problem, Severity};
use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode, SourceSpan,
};

/// Columns of a page.
const WIDTH: usize = 100;
/// Places of one weakness that are underlined.
const SHOWN: usize = 5;

/// Every problem of the files; empty when there is none.
pub(crate) fn problems_page(decoded: &Decoded) -> anyhow::Result<String> {
    render(decoded.problems.iter().map(|problem| of_problem(problem, &decoded.sources)))
}

/// Every weakness of the estate; empty when there is none.
pub(super) fn findings_page(decoded: &Decoded, found: &[Lint]) -> anyhow::Result<String> {
    render(found.iter().map(|lint| of_lint(lint, &decoded.sources)))
}

/// One line about it all.
pub(super) fn summary(decoded: &Decoded, found: &[Lint]) -> String {
    let Some(estate) = &decoded.estate else {
        let count = counted(decoded.problems.len(), "mistake");
        return format!("{count}: the estate cannot be used, and what is weak in it was not looked for");
    };
    let instances = counted(estate.instances().count(), "instance");
    let services = counted(estate.services.len(), "service");
    let places = counted(estate.places.len(), "place");
    let what = format!("`{}`: {services}, {instances}, {places}", estate.name);
    let count = |severity| found.iter().filter(|lint| lint.severity == severity).count();
    match (count(Severity::Error), count(Severity::Warning)) {
        (0, 0) => format!("{what}; nothing weak was found"),
        (errors, warnings) => format!(
            "{what}; {}, {} (`dinghai explain RULE` says why each matters)",
            counted(errors, "error"),
            counted(warnings, "warning")
        ),
    }
}

/// The same for programs.
pub(super) fn json(
    decoded: &Decoded,
    found: &[Lint],
    cuts: Option<&serde_json::Value>,
) -> anyhow::Result<String> {
    let count = |severity| {
        let problems = decoded.problems.iter().filter(|problem| problem.severity == severity).count();
        problems + found.iter().filter(|lint| lint.severity == severity).count()
    };
    Ok(serde_json::to_string_pretty(&serde_json::json!({
        "estate": decoded.estate.as_ref().map(|estate| &estate.name),
        "files": decoded.sources.keys().collect::<Vec<_>>(),
        "problems": decoded.problems,
        "findings": found,
        "cuts": cuts,
        "errors": count(Severity::Error),
        "warnings": count(Severity::Warning),
    }))?)
}

fn counted(count: usize, noun: &str) -> String {
    match count {
        1 => format!("1 {noun}"),
        _ => format!("{count} {noun}s"),
    }
}

/// A problem or weakness with its lines, as the renderer wants it.
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

fn of_lint(lint: &Lint, sources: &BTreeMap<String, String>) -> Shown {
    let first = lint.origins.first();
    let text = first.and_then(|first| Some((first, sources.get(&first.file).filter(|_| first.line > 0)?)));
    let mut labels = Vec::new();
    let counterexample = lint.counterexample.iter().map(|event| format!("counterexample: {event}"));
    let mut help: Vec<String> = counterexample.collect();
    help.push(lint.help.clone());
    match (text, first) {
        (Some((first, text)), _) => {
            let same_file = lint.origins.iter().filter(|origin| origin.file == first.file);
            for origin in same_file.take(SHOWN) {
                let span = span(text, origin, word(text, origin));
                labels.push(match labels.is_empty() {
                    true => LabeledSpan::new_primary_with_span(None, span),
                    false => LabeledSpan::new_with_span(None, span),
                });
            }
            let elsewhere: Vec<String> = lint
                .origins
                .iter()
                .filter(|origin| origin.file != first.file)
                .take(SHOWN)
                .map(Origin::to_string)
                .collect();
            if !elsewhere.is_empty() {
                help.push(format!("see also {}", elsewhere.join(", ")));
            }
        }
        (None, Some(first)) => help.push(format!("stated by the {}", first.file)),
        (None, None) => {}
    }
    Shown {
        code: lint.rule,
        severity: lint.severity,
        message: lint.message.clone(),
        help: Some(help.join("\n")),
        source: text.map(|(first, text)| NamedSource::new(&first.file, text.clone())),
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

/// How many characters at an origin belong together: a word, or a map in braces.
fn word(text: &str, origin: &Origin) -> u32 {
    let (_, line) = line(text, origin);
    let column = origin.column.saturating_sub(1) as usize;
    let mut open = 0u32;
    let mut length = 0;
    for sign in line.chars().skip(column) {
        match sign {
            '{' => open += 1,
            '}' if open <= 1 => return length + open,
            '}' => open -= 1,
            ':' | ',' | ' ' | ']' if open == 0 => break,
            _ => {}
        }
        length += 1;
    }
    length.max(1)
}

/// With colours on a terminal, unless `NO_COLOR` says otherwise (<https://no-color.org>).
fn render(shown: impl Iterator<Item = Shown>) -> anyhow::Result<String> {
    let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let theme = match !plain && std::io::stdout().is_terminal() {
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
