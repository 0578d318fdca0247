//! A `.tf` file as blocks. What is broken costs only the block it is in.

use std::sync::Arc;

use dinghai_estate::Origin;

use super::lines::Lines;
use super::lower::Lower;
use super::term::{At, Body};

/// Larger files are not what people write.
const LARGEST: usize = 8 << 20;

/// Broken blocks of one file that are told; a file with more of them is something else.
const MOST_BROKEN: usize = 50;

/// A file's blocks, and what could not be read.
pub(crate) struct Parsed {
    pub(crate) body: Body,
    pub(crate) broken: Vec<(Origin, String)>,
}

/// Reads one file's text.
pub(crate) fn parse(path: &str, text: &str) -> Parsed {
    let mut parsed = Parsed { body: Body::default(), broken: Vec::new() };
    if text.len() > LARGEST {
        let origin = Origin { file: path.to_owned(), line: 0, column: 0 };
        parsed
            .broken
            .push((origin, format!("it is larger than {} MB, which is not read as HCL", LARGEST >> 20)));
        return parsed;
    }
    let lines = Lines::of(text);
    let file: Arc<str> = path.into();
    let whole = piece(&file, &lines, text, 0);
    match whole {
        Ok(body) => parsed.body = body,
        Err(error) => {
            let pieces = pieces(text);
            // What stands before and after the broken block is fine by itself.
            if pieces.len() < 2 {
                parsed.broken.push(error);
                return parsed;
            }
            for (start, text) in pieces {
                if parsed.broken.len() == MOST_BROKEN {
                    let At { line, column } = lines.at(start);
                    let origin = Origin { file: path.to_owned(), line, column };
                    parsed
                        .broken
                        .push((origin, "too much of this file is broken: the rest is not read".to_owned()));
                    break;
                }
                match piece(&file, &lines, text, start) {
                    Ok(Body { attributes, blocks }) => {
                        parsed.body.attributes.extend(attributes);
                        parsed.body.blocks.extend(blocks);
                    }
                    Err(error) => parsed.broken.push(error),
                }
            }
        }
    }
    parsed
}

fn piece(file: &Arc<str>, lines: &Lines<'_>, text: &str, base: usize) -> Result<Body, (Origin, String)> {
    // The parser's own message would show the line, with whatever secret is in it.
    let body = hcl_edit::parser::parse_body(text).map_err(|error| {
        let At { line, column } = lines.at(base + error.location().offset());
        let why = error.message().lines().next().unwrap_or_default().to_owned();
        let why = match why.contains("nesting depth") || why.contains("binary operation") {
            true => "it is nested too deep to be read".to_owned(),
            false => "it is not HCL here, so the block around it was left out".to_owned(),
        };
        (Origin { file: file.to_string(), line, column }, why)
    })?;
    let mut lower =
        Lower { file: Arc::clone(file), lines: Some(lines), base, near: At { line: 1, column: 1 } };
    Ok(lower.body(&body))
}

/// The text cut before each line that begins a block at its very left, each with its first byte.
fn pieces(text: &str) -> Vec<(usize, &str)> {
    let mut cuts = vec![0];
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let word = line.split([' ', '\t', '"', '{', '=']).next().unwrap_or_default();
        let begins =
            !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if at > 0 && begins && line.contains(['{', '=']) {
            cuts.push(at);
        }
        at += line.len();
    }
    cuts.push(text.len());
    cuts.windows(2).filter_map(|cut| Some((*cut.first()?, text.get(*cut.first()?..*cut.last()?)?))).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::terraform::hcl::stack;

    #[test]
    fn a_broken_block_costs_only_itself() {
        let text = "a \"x\" {\n  b = 1\n}\nc {\n  d = = 2\n}\ne {\n  f = 3\n}\n";
        let parsed = parse("m.tf", text);
        let kinds: Vec<_> =
            parsed.body.blocks.iter().map(|block| (block.kind.as_str(), block.at.line)).collect();
        assert_eq!(kinds, [("a", 1), ("e", 7)]);
        assert_eq!(parsed.broken.len(), 1);
        assert_eq!(parsed.broken[0].0.line, 5);
    }

    #[test]
    fn deep_nesting_is_refused_and_does_not_overflow() {
        for (open, shut) in [
            ("(", ")"),
            ("[", "]"),
            ("{a=", "}"),
            ("!", ""),
            ("-", ""),
            ("\"${", "}\""),
            ("f(", ")"),
            ("a[", "]"),
            ("1+", ""),
            ("x?", ":1"),
            ("[for a in ", ": a]"),
            ("\"%{if ", "}%{endif}\""),
        ] {
            for depth in [63, 100, 3_000] {
                let text = format!("x = {}1{}\n", open.repeat(depth), shut.repeat(depth));
                assert!(stack::with(|| parse("m.tf", &text)).is_some());
            }
        }
        assert!(stack::with(|| parse("m.tf", &"a {\n".repeat(5_000))).is_some());
    }

    proptest! {
        #[test]
        fn garbage_never_panics(text in r#"[a-c{}\[\]()"$%~=.,:?!<\n *0-9é/#-]{0,80}"#) {
            let _ = parse("m.tf", &text);
        }
    }
}
