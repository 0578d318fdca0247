//! HAProxy's lines as words: quotes, escapes, comments and environment variables (manual, sections 2.2 to 2.5).

use std::time::Duration;

use dinghai_estate::Origin;

/// One word of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) text: String,
    /// Whether it holds an environment variable or a template's expression, so that nobody can tell its value.
    pub(super) open: bool,
}

/// A line with at least one word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) words: Vec<Word>,
    pub(super) origin: Origin,
}

impl Line {
    /// The word at a position; empty when there is none.
    pub(super) fn word(&self, at: usize) -> &str {
        self.words.get(at).map_or("", |word| &word.text)
    }

    /// All words from a position on, joined.
    pub(super) fn says(&self) -> String {
        self.words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ")
    }
}

/// The lines of a file that hold words.
pub(super) fn lines(path: &str, text: &str) -> impl Iterator<Item = Line> {
    text.lines().zip(1u32..).filter_map(move |(line, number)| {
        let words = words(line);
        let column = line.chars().take_while(|c| c.is_whitespace()).count() + 1;
        let column = u32::try_from(column).unwrap_or(u32::MAX);
        (!words.is_empty())
            .then(|| Line { words, origin: Origin { file: path.to_owned(), line: number, column } })
    })
}

fn words(line: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut word: Option<Word> = None;
    let mut quote = None;
    let mut chars = line.trim_start_matches('\u{feff}').chars().peekable();
    while let Some(c) = chars.next() {
        let open = || Word { text: String::new(), open: false };
        match (quote, c) {
            (None, '#') => break,
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (None, '"' | '\'') => {
                quote = Some(c);
                word.get_or_insert_with(open);
            }
            (Some(mark), c) if c == mark => quote = None,
            (None | Some('"'), '\\') => {
                let escaped = chars.next().unwrap_or('\\');
                word.get_or_insert_with(open).text.push(escaped);
            }
            (mark, c) => {
                let word = word.get_or_insert_with(open);
                // Variables count in double quotes only; people write them bare as well, and templates anywhere.
                let next = chars.peek().copied();
                let variable = c == '$'
                    && mark != Some('\'')
                    && next.is_some_and(|c| c == '{' || c.is_ascii_alphabetic());
                let template = c == '{' && matches!(next, Some('{' | '%'));
                word.open |= variable || template;
                word.text.push(c);
            }
        }
    }
    words.extend(word);
    words
}

/// A time: milliseconds unless a unit follows. None when it is not one.
pub(super) fn time(text: &str) -> Option<Duration> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits)?;
    let number: u64 = number.parse().ok()?;
    let micros = match unit {
        "us" => 1,
        "" | "ms" => 1_000,
        "s" => 1_000_000,
        "m" => 60_000_000,
        "h" => 3_600_000_000,
        "d" => 86_400_000_000,
        _ => return None,
    };
    Some(Duration::from_micros(number.checked_mul(micros)?))
}
