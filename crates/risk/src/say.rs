//! Names and lines as a sentence lists them.

use std::collections::BTreeSet;

use dinghai_estate::Origin;

/// How many names or lines a sentence carries before it says how many more there are.
const MOST: usize = 6;

/// `web`, `web and cart`, `web, cart and 5 more`.
pub(crate) fn names<T: AsRef<str>>(all: &[T]) -> String {
    let (shown, more) = shown(all);
    let mut names: Vec<String> = shown.iter().map(|name| name.as_ref().to_owned()).collect();
    if more > 0 {
        names.push(format!("{more} more"));
    }
    match names.as_slice() {
        [rest @ .., last] if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => names.concat(),
    }
}

/// `rds.tf:41, :58, web.tf:3`, in the order of the files, each line once. Empty when no line is known.
pub(crate) fn lines<'a>(origins: impl IntoIterator<Item = &'a Origin>) -> String {
    let known = origins.into_iter().filter(|origin| origin.line > 0);
    let lines: Vec<(&str, u32)> = known
        .map(|origin| (origin.file.as_str(), origin.line))
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    let (shown, more) = shown(&lines);
    let mut parts = Vec::new();
    let mut last = None;
    for (file, line) in shown {
        parts.push(match last == Some(file) {
            true => format!(":{line}"),
            false => format!("{file}:{line}"),
        });
        last = Some(file);
    }
    if more > 0 {
        parts.push(format!("{more} more"));
    }
    parts.join(", ")
}

/// The sentence with its lines behind a colon, when there are any.
pub(crate) fn with_lines<'a>(sentence: String, origins: impl IntoIterator<Item = &'a Origin>) -> String {
    match lines(origins) {
        lines if lines.is_empty() => sentence,
        lines => format!("{sentence}: {lines}"),
    }
}

/// All of them where one more would be the only one left out.
fn shown<T>(all: &[T]) -> (&[T], usize) {
    match all.get(..MOST) {
        Some(first) if all.len() > MOST + 1 => (first, all.len() - MOST),
        _ => (all, 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_end_in_and_and_long_ones_say_how_many_more() {
        assert_eq!(names::<&str>(&[]), "");
        assert_eq!(names(&["web"]), "web");
        assert_eq!(names(&["web", "cart"]), "web and cart");
        assert_eq!(names(&["a", "b", "c", "d", "e", "f", "g"]), "a, b, c, d, e, f and g");
        assert_eq!(names(&["a", "b", "c", "d", "e", "f", "g", "h"]), "a, b, c, d, e, f and 2 more");
    }

    #[test]
    fn a_file_is_named_once_for_its_lines() {
        let line = |file: &str, line| Origin { file: file.to_owned(), line, column: 1 };
        let all =
            [line("web.tf", 3), line("rds.tf", 58), line("rds.tf", 41), line("rds.tf", 41), line("", 0)];
        assert_eq!(lines(&all), "rds.tf:41, :58, web.tf:3");
    }
}
