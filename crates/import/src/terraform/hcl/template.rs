//! Texts with `${…}` and `%{…}` in them, as parts. `~` at a marker takes away the white space beside it.

use hcl_edit::template::{Directive, Element, Strip, Template};

use super::lower::Lower;
use super::term::{Kind, Part};
use crate::value::Value;

/// A text as an expression; what is nothing but one `${…}` is just what is inside.
pub(crate) fn kind(lower: &mut Lower<'_>, template: &Template) -> Kind {
    let mut parts = parts(lower, template, false, false);
    match parts.as_slice() {
        [] => Kind::Literal(Value::Text(String::new())),
        [Part::Text(text)] => Kind::Literal(Value::Text(text.clone())),
        [Part::Value(_)] => match parts.pop() {
            Some(Part::Value(term)) => term.kind,
            _ => Kind::Template(parts),
        },
        _ => Kind::Template(parts),
    }
}

/// `trim_start` and `trim_end`: whether the markers around this text take white space away at its ends.
fn parts(lower: &mut Lower<'_>, template: &Template, trim_start: bool, trim_end: bool) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    let mut trim = trim_start;
    for element in template {
        let (before, after) = match element {
            Element::Literal(_) => (false, false),
            Element::Interpolation(inner) => (start(inner.strip), end(inner.strip)),
            Element::Directive(inner) => match &**inner {
                Directive::If(all) => (start(all.if_expr.strip), end(all.endif_expr.strip)),
                Directive::For(all) => (start(all.for_expr.strip), end(all.endfor_expr.strip)),
            },
        };
        if before {
            trim_last(&mut parts);
        }
        match element {
            Element::Literal(text) => {
                let text = text.replace("$${", "${").replace("%%{", "%{");
                let text = if trim { after_space(&text).to_owned() } else { text };
                if !text.is_empty() {
                    parts.push(Part::Text(text));
                }
            }
            Element::Interpolation(inner) => parts.push(Part::Value(lower.term(&inner.expr))),
            Element::Directive(inner) => parts.push(directive(lower, inner)),
        }
        trim = after;
    }
    if trim_end {
        trim_last(&mut parts);
    }
    parts
}

fn directive(lower: &mut Lower<'_>, directive: &Directive) -> Part {
    match directive {
        Directive::If(all) => {
            let condition = lower.term(&all.if_expr.cond_expr);
            let (last, strip) = (all.endif_expr.strip, all.if_expr.strip);
            let middle = all.else_expr.as_ref().map_or(last, |other| other.strip);
            let then = parts(lower, &all.if_expr.template, end(strip), start(middle));
            let other = all.else_expr.as_ref();
            let other = other.map(|other| parts(lower, &other.template, end(other.strip), start(last)));
            Part::If(condition, then, other.unwrap_or_default())
        }
        Directive::For(all) => Part::For {
            key: all.for_expr.key_var.as_ref().map(|name| name.as_str().to_owned()),
            value: all.for_expr.value_var.as_str().to_owned(),
            collection: lower.term(&all.for_expr.collection_expr),
            parts: parts(
                lower,
                &all.for_expr.template,
                end(all.for_expr.strip),
                start(all.endfor_expr.strip),
            ),
        },
    }
}

fn trim_last(parts: &mut Vec<Part>) {
    if let Some(Part::Text(text)) = parts.last_mut() {
        let end = before_space(text);
        text.truncate(end);
        if text.is_empty() {
            parts.pop();
        }
    }
}

/// White space is taken away as far as the line goes.
fn after_space(text: &str) -> &str {
    let rest = text.trim_start_matches(|found: char| found.is_whitespace() && found != '\n');
    rest.strip_prefix('\n').unwrap_or(rest)
}

/// The end of the text without the white space of its last line.
fn before_space(text: &str) -> usize {
    let line = text.strip_suffix('\n').unwrap_or(text);
    line.trim_end_matches(|found: char| found.is_whitespace() && found != '\n').len()
}

fn start(strip: Strip) -> bool {
    matches!(strip, Strip::Start | Strip::Both)
}

fn end(strip: Strip) -> bool {
    matches!(strip, Strip::End | Strip::Both)
}
