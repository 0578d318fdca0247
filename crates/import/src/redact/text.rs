//! Whole files without their secrets, line by line: what spans lines is seen only here.
//!
//! A key block (`-----BEGIN`) runs to its end; what stands deeper under a secret key (`password: |`, a list of tokens) is secret too;
//! so is the `value` beside a `name: DB_PASSWORD`, the `default` of a Terraform variable with such a name, and the data of a
//! Kubernetes Secret.

use std::collections::BTreeSet;
use std::ops::Range;

use super::keys::{holds_named, is_secret, names_another};
use super::known::Known;
use super::pairs::{Pair, is_literal, pairs};
use super::{hide, mask, of_line};

/// Lines between a name and its value.
const NEAR: usize = 3;

/// Every line of a file without its secrets; as many lines as the file has.
pub fn redact_text(text: &str, secrets: &BTreeSet<String>) -> Vec<String> {
    each_line(text, secrets, hide)
}

/// The file with a dot for each sign of a secret: lines and columns stay what they are.
pub fn mask_text(text: &str, secrets: &BTreeSet<String>) -> String {
    let end = if text.ends_with('\n') { "\n" } else { "" };
    each_line(text, secrets, mask).join("\n") + end
}

fn each_line(
    text: &str,
    secrets: &BTreeSet<String>,
    hide: fn(&str, Vec<Range<usize>>) -> String,
) -> Vec<String> {
    let known = Known::of(secrets);
    let lines: Vec<&str> = text.lines().collect();
    let over_lines = over_lines(&lines);
    let one = |(line, mut spans): (&&str, Vec<Range<usize>>)| {
        of_line(line, &mut spans);
        known.spans(line, &mut spans);
        hide(line, spans)
    };
    lines.iter().zip(over_lines).map(one).collect()
}

/// The values in a file that are secret by their key, to be hidden elsewhere too.
pub fn secrets_in(text: &str) -> BTreeSet<String> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = BTreeSet::new();
    for (line, spans) in lines.iter().zip(over_lines(&lines)) {
        let mut spans = spans;
        spans.extend(super::pairs::secret_values(line).into_iter().map(|(span, _)| span));
        let mut shapes = Vec::new();
        super::shapes::spans(line, &mut shapes);
        for span in shapes {
            let value = line.get(span).unwrap_or_default();
            // Of `user:password` only the password is one.
            let password = value.split_once(':').map_or(value, |(_, password)| password);
            found.insert(password.to_owned());
        }
        for span in spans {
            let value = line.get(span).unwrap_or_default().trim();
            let bare = value.trim_end_matches([',', ';', '}', ']']).trim().trim_matches(['"', '\'', '`']);
            let first = bare.split([' ', '\t', ',', ';', '&']).next().unwrap_or_default();
            found.extend([value, bare, first].into_iter().filter(|text| text.len() > 1).map(str::to_owned));
        }
    }
    found
}

/// What is open while the lines are read.
#[derive(Default)]
struct Open {
    /// Inside of a key block.
    armour: bool,
    /// Under a secret key with this indentation.
    under: Option<usize>,
    /// After an argument such as `--password` whose value is the next one.
    argument: bool,
    /// In the data of a Kubernetes Secret that began with this indentation.
    data: Option<usize>,
    /// In a Terraform variable with a secret name.
    variable: bool,
    /// In a heredoc of a secret key, until this word stands alone.
    heredoc: Option<String>,
    /// Lines for which `value` belongs to a secret name.
    named: usize,
}

/// What lines give away by what stands around them.
fn over_lines(lines: &[&str]) -> Vec<Vec<Range<usize>>> {
    let mut found: Vec<Vec<Range<usize>>> = vec![Vec::new(); lines.len()];
    let mut open = Open::default();
    let mut of_secret = secret_documents(lines);
    of_secret.reverse();
    for (number, line) in lines.iter().enumerate() {
        let indent = line.len() - line.trim_start().len();
        let trimmed = line.trim();
        let in_secret = of_secret.last().is_some_and(|range| range.contains(&number));
        if of_secret.last().is_some_and(|range| range.end <= number + 1) {
            of_secret.pop();
        }
        let whole = indent..indent + trimmed.len();
        let pairs = pairs(line);
        let begins = trimmed.contains("-----BEGIN");
        let ends = trimmed.contains("-----END");
        if open.armour || begins {
            if open.armour && !begins {
                mark(&mut found, number, whole.clone());
            }
            open.armour = !ends;
            continue;
        }
        if let Some(end) = &open.heredoc {
            match trimmed == end {
                true => open.heredoc = None,
                false => mark(&mut found, number, whole),
            }
            continue;
        }
        if trimmed.is_empty() {
            continue;
        }
        // A list at the key's own depth is still the key's.
        if open.under.is_some_and(|under| indent > under || indent == under && trimmed.starts_with("- ")) {
            deeper(line, &pairs, &whole, |span| mark(&mut found, number, span));
        } else {
            open.under = None;
        }
        if std::mem::take(&mut open.argument) {
            mark(&mut found, number, whole.clone());
        }
        let argument = trimmed.trim_start_matches("- ").trim_matches(['"', '\'', ',', ' ']);
        open.argument = argument.starts_with('-') && !argument.contains(['=', ' ']) && is_secret(argument);
        if let Some(data) = open.data {
            match indent > data {
                true => {
                    let values = pairs.first().filter(|pair| !pair.value(line).trim().is_empty());
                    let span = values.map_or_else(|| whole.clone(), |pair| pair.value.clone());
                    mark(&mut found, number, span);
                }
                false => open.data = None,
            }
        }
        if in_secret && open.data.is_none() && matches!(bare_key(trimmed), Some("data" | "stringData")) {
            open.data = Some(indent);
        }
        named(lines, number, &pairs, &mut open, &mut found);
        if open.under.is_none()
            && let Some(key) = bare_key(trimmed)
            && is_secret(key)
        {
            let heredoc =
                trimmed.split_once("<<").map(|(_, end)| end.trim_start_matches('-').trim().to_owned());
            open.heredoc = heredoc.filter(|end| !end.is_empty());
            open.under = Some(indent);
        }
    }
    found
}

/// Values beside a name that is secret, before and after it.
fn named(
    lines: &[&str],
    number: usize,
    pairs: &[Pair<'_>],
    open: &mut Open,
    found: &mut [Vec<Range<usize>>],
) {
    let line = lines.get(number).copied().unwrap_or_default();
    let trimmed = line.trim();
    if let Some(name) = trimmed.strip_prefix("variable ") {
        open.variable = is_secret(name.trim().trim_end_matches('{').trim().trim_matches('"'));
    } else if line.starts_with('}') {
        open.variable = false;
    }
    let secret_name = pairs
        .iter()
        .any(|pair| names_another(pair.key) && is_secret(pair.value(line).trim_end_matches(',').trim()));
    let another_name = pairs.iter().any(|pair| names_another(pair.key));
    if another_name && !secret_name {
        open.named = 0;
    }
    for pair in pairs.iter().filter(|pair| holds_named(pair.key) && is_literal(pair.value(line))) {
        if open.variable || open.named > 0 {
            mark(found, number, pair.value.clone());
        }
    }
    open.named = open.named.saturating_sub(1);
    if secret_name {
        open.named = NEAR;
        // The value may stand before its name, in the same pair of braces.
        for before in (number.saturating_sub(NEAR)..number).rev() {
            let line = lines.get(before).copied().unwrap_or_default();
            let pairs = super::pairs::pairs(line);
            if pairs.iter().any(|pair| names_another(pair.key))
                || line.trim_start().starts_with(['}', '-']) && pairs.is_empty()
            {
                break;
            }
            for pair in pairs.iter().filter(|pair| holds_named(pair.key) && is_literal(pair.value(line))) {
                mark(found, before, pair.value.clone());
            }
        }
    }
}

/// A line that stands deeper than a secret key: references to secrets stay readable.
fn deeper(line: &str, pairs: &[Pair<'_>], whole: &Range<usize>, mut mark: impl FnMut(Range<usize>)) {
    const REFERS: &[&str] = &[
        "valueFrom",
        "secretKeyRef",
        "configMapKeyRef",
        "name",
        "key",
        "optional",
        "file",
        "external",
        "type",
        "description",
        "sensitive",
        "source",
        "version",
        "nullable",
        "fieldRef",
        "fieldPath",
    ];
    match pairs.first().filter(|pair| {
        line.get(whole.start..pair.at)
            .is_some_and(|before| before.trim_matches(['-', ' ', '"', '\'', '{']).is_empty())
    }) {
        Some(pair) if REFERS.contains(&pair.key) => {}
        Some(pair) => {
            if is_literal(pair.value(line)) {
                mark(pair.value.clone());
            }
        }
        None => {
            let text = line.get(whole.clone()).unwrap_or_default();
            let opens = text.ends_with([':', '{', '['])
                || text.trim_matches(['}', ']', ')', ',', '{', '[']).is_empty();
            if !opens {
                mark(whole.clone());
            }
        }
    }
}

/// The key of a line that has nothing behind it, or only what opens a block.
fn bare_key(trimmed: &str) -> Option<&str> {
    let line = trimmed.strip_prefix("- ").unwrap_or(trimmed).trim();
    let opens = ["", "|", "|-", "|+", ">", ">-", ">+", "{", "["];
    let (key, rest) = line.split_once([':', '=']).or_else(|| Some((line.strip_suffix('{')?, "{")))?;
    let key = key.trim().trim_matches(['"', '\'']);
    let plain = !key.is_empty() && !key.contains(char::is_whitespace);
    (plain && (opens.contains(&rest.trim()) || rest.trim().starts_with("<<"))).then_some(key)
}

/// The lines of each document that speaks of a Kubernetes Secret, in order.
fn secret_documents(lines: &[&str]) -> Vec<Range<usize>> {
    let mut documents = Vec::new();
    let (mut from, mut secret) = (0, false);
    for (number, line) in lines.iter().enumerate() {
        if line.trim_end() == "---" {
            if secret {
                documents.push(from..number);
            }
            (from, secret) = (number, false);
        }
        let kind = line.trim().trim_start_matches("- ").trim_start_matches('"').strip_prefix("kind");
        secret |= kind.is_some_and(|rest| {
            let value = rest.trim_start_matches(['"', ':', ' ', '=']).trim_end_matches([',', ' ']);
            matches!(value.trim_matches(['"', '\'']), "Secret" | "SealedSecret")
        });
    }
    if secret {
        documents.push(from..lines.len());
    }
    documents
}

fn mark(found: &mut [Vec<Range<usize>>], number: usize, span: Range<usize>) {
    if let Some(spans) = found.get_mut(number) {
        spans.push(span);
    }
}
