//! `${VAR:-default}` in Compose files, and the `.env` file beside them.
//!
//! Compose puts the shell's variables into the file before it reads it. The shell is not here: a variable that neither has a
//! default nor stands in `.env` is unknown, also where Compose would put nothing in its place.

use std::collections::BTreeMap;

use crate::connection::UNKNOWN;
use crate::value::{Node, Value};

/// Variables by name.
pub(super) type Variables = BTreeMap<String, String>;

/// Bytes that variables put into one document, at most: a small file may use a long one often.
const MOST: usize = 16 * 1024 * 1024;
/// Defaults inside defaults, at most.
const DEEPEST: usize = 8;

/// Reads `NAME=value` lines.
pub(super) fn of_env_file(text: &str) -> Variables {
    let pairs = text.lines().filter_map(|line| {
        let line = line.trim();
        let line = line.strip_prefix("export ").unwrap_or(line);
        let (name, value) = line.split_once('=').filter(|_| !line.starts_with('#'))?;
        Some((name.trim().to_owned(), value.trim().trim_matches(['"', '\'']).to_owned()))
    });
    pairs.collect()
}

/// Braces of one text whose end is looked for in vain, at most: each takes a look at all the rest of the text.
const UNCLOSED: usize = 16;

/// The same document with every variable put in.
pub(super) fn put_in(node: Node, variables: &Variables) -> Node {
    let mut left = MOST;
    inside(node, variables, &mut left)
}

fn inside(node: Node, variables: &Variables, left: &mut usize) -> Node {
    let value = match node.value {
        Value::Text(text) if text.contains('$') => {
            let mut missing = None;
            let whole = fill(&text, variables, &mut missing, left, 0);
            match missing {
                Some(name) if whole.chars().all(|sign| sign == UNKNOWN) => {
                    Value::Unknown(format!("`{name}` has no default"))
                }
                _ => Value::Text(whole),
            }
        }
        Value::List(items) => {
            Value::List(items.into_iter().map(|item| inside(item, variables, left)).collect())
        }
        Value::Map(entries) => {
            Value::Map(entries.into_iter().map(|(key, node)| (key, inside(node, variables, left))).collect())
        }
        other => other,
    };
    Node { value, ..node }
}

fn fill(
    text: &str,
    variables: &Variables,
    missing: &mut Option<String>,
    left: &mut usize,
    depth: usize,
) -> String {
    let mut whole = String::with_capacity(text.len());
    let mut rest = text;
    let mut unclosed = 0;
    while let Some((before, after)) = rest.split_once('$') {
        whole.push_str(before);
        if let Some(after) = after.strip_prefix('$') {
            whole.push('$');
            rest = after;
            continue;
        }
        let braced = after.strip_prefix('{').filter(|_| unclosed < UNCLOSED);
        let (inside, behind) = match braced.and_then(closing) {
            Some(parts) => parts,
            None => {
                unclosed += usize::from(braced.is_some());
                let end = after
                    .find(|sign: char| !sign.is_ascii_alphanumeric() && sign != '_')
                    .unwrap_or(after.len());
                after.split_at(end)
            }
        };
        rest = behind;
        if inside.is_empty() {
            whole.push('$');
            continue;
        }
        let end =
            inside.find(|sign: char| !sign.is_ascii_alphanumeric() && sign != '_').unwrap_or(inside.len());
        let (name, operator) = inside.split_at(end);
        let known = variables.get(name).filter(|value| !value.is_empty() || !operator.starts_with(':'));
        let (operator, default) = match operator.trim_start_matches(':').split_at_checked(1) {
            Some((operator, default)) => (operator, default),
            None => ("", ""),
        };
        match (known, operator) {
            (Some(_), "+") => whole.push_str(default),
            (Some(value), _) if value.len() <= *left => {
                *left -= value.len();
                whole.push_str(value);
            }
            (None, "-") if depth < DEEPEST => {
                whole.push_str(&fill(default, variables, missing, left, depth + 1))
            }
            (None, "+") => {}
            _ => {
                missing.get_or_insert_with(|| name.to_owned());
                whole.push(UNKNOWN);
            }
        }
    }
    whole.push_str(rest);
    whole
}

/// What stands before the brace that closes, and what behind it.
fn closing(text: &str) -> Option<(&str, &str)> {
    let mut open = 0_usize;
    for (index, sign) in text.char_indices() {
        match sign {
            '{' => open += 1,
            '}' if open == 0 => return Some((text.get(..index)?, text.get(index + 1..)?)),
            '}' => open -= 1,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(text: &str) -> String {
        let variables = of_env_file("# none\nHOST=db\nEMPTY=\nexport TAG=\"1.2\"\n");
        let mut left = MOST;
        fill(text, &variables, &mut None, &mut left, 0)
    }

    #[test]
    fn a_variable_is_its_value_or_its_default_and_else_unknown() {
        assert_eq!(filled("$HOST:${PORT:-5432}"), "db:5432");
        assert_eq!(filled("${EMPTY:-x}${EMPTY-y}"), "x");
        assert_eq!(filled("${A:-${B:-c}}"), "c");
        assert_eq!(filled("db-${ENVIRONMENT}"), format!("db-{UNKNOWN}"));
        assert_eq!(filled("${X:?must be set}"), UNKNOWN.to_string());
        assert_eq!(filled("${TAG:+v}${X:+w}"), "v");
    }

    #[test]
    fn two_dollar_signs_are_one() {
        assert_eq!(filled("$$(cat /x) 5$"), "$(cat /x) 5$");
    }

    #[test]
    fn braces_that_never_close_are_left_as_they_are() {
        let text = "${".repeat(100_000);
        let mut missing = None;
        let mut left = text.len();
        assert_eq!(fill(&text, &Variables::new(), &mut missing, &mut left, 0), text);
    }
}
