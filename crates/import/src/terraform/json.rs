//! JSON as nodes that know their line, for plans and states of up to a hundred megabytes.
//!
//! Read token by token onto a stack of its own, so that no nesting overflows anything. Whoever knows the format says what not
//! to keep ([`read`]'s `skip`): half of a plan is what was there before.

use std::sync::Arc;

use dinghai_estate::Origin;
use jsonc_parser::tokens::Token;
use jsonc_parser::{Scanner, ScannerOptions};

use crate::value::{Key, Node, Value};

/// Lists and maps inside each other, at most.
const DEEPEST: usize = 200;

/// What may come next.
#[derive(Clone, Copy, PartialEq)]
enum Expect {
    Value,
    ValueOrEnd,
    Key,
    KeyOrEnd,
    Colon,
    CommaOrEnd,
    Nothing,
}

enum Inside {
    List(Vec<Node>),
    Map(Vec<(Key, Node)>, Option<Key>),
    SkippedList,
    SkippedMap,
}

struct Open {
    line: u32,
    column: u32,
    inside: Inside,
}

/// Counts lines and characters up to where the scanner is.
struct Position<'t> {
    text: &'t str,
    byte: usize,
    line: u32,
    column: u32,
}

struct Builder<'a> {
    file: Arc<str>,
    skip: &'a dyn Fn(usize, &str) -> bool,
    open: Vec<Open>,
    /// The value of the key just read is not to be kept.
    skipping: bool,
    expect: Expect,
    root: Option<Node>,
}

/// Reads one file's text.
///
/// `skip` is asked for every key, with the number of lists and maps around it, whether to leave its value out.
///
/// # Errors
///
/// The spot from which on it is not JSON, and why.
pub(crate) fn read(
    path: &str,
    text: &str,
    skip: &dyn Fn(usize, &str) -> bool,
) -> Result<Node, (Origin, String)> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut scanner = Scanner::new(
        text,
        &ScannerOptions {
            allow_single_quoted_strings: false,
            allow_hexadecimal_numbers: false,
            allow_unary_plus_numbers: false,
            allow_bare_decimal_point_numbers: false,
            allow_non_finite_numbers: false,
            allow_extended_string_escapes: false,
        },
    );
    let mut position = Position { text, byte: 0, line: 1, column: 1 };
    let mut builder = Builder {
        file: path.into(),
        skip,
        open: Vec::new(),
        skipping: false,
        expect: Expect::Value,
        root: None,
    };
    loop {
        let token = scanner.scan();
        position.advance(match &token {
            Ok(Some(_)) => scanner.token_start(),
            Ok(None) => text.len(),
            Err(error) => error.range().start,
        });
        let taken = match token {
            Ok(Some(token)) => builder.take(token, &position),
            Ok(None) => break,
            Err(_) => Err("it is not JSON from here on".to_owned()),
        };
        taken.map_err(|why| (position.origin(path), why))?;
    }
    match builder.root {
        Some(node) if builder.expect == Expect::Nothing => Ok(node),
        _ => Err((position.origin(path), "the JSON breaks off here".to_owned())),
    }
}

impl Position<'_> {
    fn advance(&mut self, to: usize) {
        let passed = self.text.get(self.byte..to).unwrap_or_default();
        for byte in passed.bytes() {
            if byte == b'\n' {
                self.line = self.line.saturating_add(1);
                self.column = 1;
            } else if byte & 0xC0 != 0x80 {
                // The first byte of a character, whatever its length.
                self.column = self.column.saturating_add(1);
            }
        }
        self.byte = to.max(self.byte);
    }

    fn origin(&self, path: &str) -> Origin {
        Origin { file: path.to_owned(), line: self.line, column: self.column }
    }
}

impl Builder<'_> {
    fn take(&mut self, token: Token<'_>, at: &Position<'_>) -> Result<(), String> {
        use Expect::{Colon, CommaOrEnd, Key as KeyNext, KeyOrEnd, Nothing, Value as ValueNext, ValueOrEnd};
        match (self.expect, token) {
            (_, Token::CommentLine(_) | Token::CommentBlock(_)) => Ok(()),
            (ValueNext | ValueOrEnd, Token::OpenBrace) => {
                self.begin(at, Inside::Map(Vec::new(), None), Inside::SkippedMap)?;
                self.expect = KeyOrEnd;
                Ok(())
            }
            (ValueNext | ValueOrEnd, Token::OpenBracket) => {
                self.begin(at, Inside::List(Vec::new()), Inside::SkippedList)?;
                self.expect = ValueOrEnd;
                Ok(())
            }
            (KeyOrEnd | CommaOrEnd, Token::CloseBrace) if self.in_map() => self.end(),
            (ValueOrEnd | CommaOrEnd, Token::CloseBracket) if !self.in_map() => self.end(),
            (KeyNext | KeyOrEnd, Token::String(text)) => {
                self.key(&text, at);
                self.expect = Colon;
                Ok(())
            }
            (Colon, Token::Colon) => {
                self.expect = ValueNext;
                Ok(())
            }
            (CommaOrEnd, Token::Comma) => {
                self.expect = if self.in_map() { KeyNext } else { ValueNext };
                Ok(())
            }
            (ValueNext | ValueOrEnd, token) => {
                let keep = self.keeps();
                let value = match token {
                    Token::String(text) if keep => Value::Text(text.into_owned()),
                    Token::Number(digits) => {
                        Value::Number(digits.parse().map_err(|_| "this is no number".to_owned())?)
                    }
                    Token::Boolean(truth) => Value::Bool(truth),
                    Token::Null | Token::String(_) => Value::Null,
                    _ => return Err("a value was expected here".to_owned()),
                };
                self.put(at.line, at.column, value);
                Ok(())
            }
            (Nothing, _) => Err("more than one JSON value".to_owned()),
            (KeyNext | KeyOrEnd, _) => Err("a key in quotes was expected here".to_owned()),
            (Colon, _) => Err("a `:` was expected here".to_owned()),
            (CommaOrEnd, _) => Err("a `,` was expected here".to_owned()),
        }
    }

    fn in_map(&self) -> bool {
        matches!(self.open.last(), Some(Open { inside: Inside::Map(..) | Inside::SkippedMap, .. }))
    }

    /// Whether the value that comes now is to be kept.
    fn keeps(&self) -> bool {
        let skipped =
            matches!(self.open.last(), Some(Open { inside: Inside::SkippedMap | Inside::SkippedList, .. }));
        !skipped && !self.skipping
    }

    fn begin(&mut self, at: &Position<'_>, kept: Inside, skipped: Inside) -> Result<(), String> {
        if self.open.len() >= DEEPEST {
            return Err(format!("lists and maps are nested more than {DEEPEST} deep"));
        }
        let inside = if self.keeps() { kept } else { skipped };
        self.open.push(Open { line: at.line, column: at.column, inside });
        self.skipping = false;
        Ok(())
    }

    fn end(&mut self) -> Result<(), String> {
        let Some(open) = self.open.pop() else { return Ok(()) };
        match open.inside {
            Inside::List(items) => self.put(open.line, open.column, Value::List(items)),
            Inside::Map(entries, _) => self.put(open.line, open.column, Value::Map(entries)),
            Inside::SkippedList | Inside::SkippedMap => {
                self.skipping = true;
                self.put(open.line, open.column, Value::Null);
            }
        }
        Ok(())
    }

    fn key(&mut self, text: &str, at: &Position<'_>) {
        let depth = self.open.len();
        if let Some(Open { inside: Inside::Map(_, key), .. }) = self.open.last_mut() {
            self.skipping = (self.skip)(depth, text);
            *key = Some(Key { text: text.to_owned(), line: at.line, column: at.column });
        }
    }

    fn put(&mut self, line: u32, column: u32, value: Value) {
        let keep = self.keeps();
        self.skipping = false;
        self.expect = if self.open.is_empty() { Expect::Nothing } else { Expect::CommaOrEnd };
        let node = Node { value, file: Arc::clone(&self.file), line, column };
        match self.open.last_mut().map(|open| &mut open.inside) {
            None => self.root = Some(node),
            Some(Inside::List(items)) if keep => items.push(node),
            Some(Inside::Map(entries, key)) => {
                if let Some(key) = key.take().filter(|_| keep) {
                    entries.push((key, node));
                }
            }
            Some(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all(text: &str) -> Result<Node, (Origin, String)> {
        read("a.json", text, &|_, _| false)
    }

    #[test]
    fn a_value_knows_its_line_and_column() {
        let node = all("{\n  \"é\": [1, {\"a\": \"x\\ny\"}],\n  \"b\": null }").unwrap();
        let a = &node.at(&["é"]).unwrap().items()[1].get("a").unwrap().clone();
        assert_eq!((a.line, a.column, a.str()), (2, 18, Some("x\ny")));
        assert_eq!(node.get("b").unwrap().line, 3);
    }

    #[test]
    fn what_is_skipped_is_not_kept_and_the_rest_is() {
        let text = r#"{"a": {"before": {"x": [1, {"before": 2}]}, "after": {"before": 3}}, "before": 4}"#;
        let node = read("a.json", text, &|depth, key| depth == 2 && key == "before").unwrap();
        assert!(node.at(&["a", "before"]).is_none());
        assert_eq!(node.at(&["a", "after", "before"]).unwrap().number(), Some(3.0));
        assert_eq!(node.get("before").unwrap().number(), Some(4.0));
    }

    #[test]
    fn a_broken_text_says_where() {
        for (text, line) in
            [("{\n\"a\": 1,\n}", 3), ("[1,\n2", 2), ("{\"a\"\n1}", 2), ("", 1), ("1 2", 1), ("[1\n}", 2)]
        {
            let (origin, _) = all(text).unwrap_err();
            assert_eq!(origin.line, line, "{text}");
        }
    }

    #[test]
    fn deep_nesting_is_refused() {
        for open in ["[", "{\"a\":"] {
            let (_, why) = all(&open.repeat(1_000_000)).unwrap_err();
            assert!(why.contains("200 deep"));
        }
    }

    proptest! {
        #[test]
        fn garbage_never_panics(text in r#"[\[\]{}:,"\\a-c0-9.é\n -]{0,60}"#) {
            let _ = all(&text);
        }
    }
}
