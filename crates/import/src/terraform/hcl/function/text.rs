//! Functions over texts.

use super::super::world::{why, why_deep};
use super::refuse;
use crate::terraform::json;
use crate::value::{Node, Value};
use crate::yaml;

/// Longer texts are not made.
const LONGEST: usize = 1 << 20;

pub(super) fn call(name: &str, arguments: &[Node], at: &Node) -> Option<Value> {
    let texts: Vec<String> = arguments.iter().map_while(Node::text).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let text = |made: String| {
        if made.len() > LONGEST { Value::Unknown("too long a text".to_owned()) } else { Value::Text(made) }
    };
    let value = match (name, texts.as_slice()) {
        ("lower", [one]) => text(one.to_lowercase()),
        ("upper", [one]) => text(one.to_uppercase()),
        ("title", [one]) => text(title(one)),
        ("trimspace", [one]) => text(one.trim().to_owned()),
        ("chomp", [one]) => text(one.trim_end_matches(['\n', '\r']).to_owned()),
        ("strrev", [one]) => text(one.chars().rev().collect()),
        ("trim", [one, set]) => text(one.trim_matches(|found| set.contains(found)).to_owned()),
        ("trimprefix", [one, start]) => text(one.strip_prefix(start).unwrap_or(one).to_owned()),
        ("trimsuffix", [one, end]) => text(one.strip_suffix(end).unwrap_or(one).to_owned()),
        ("startswith", [one, start]) => Value::Bool(one.starts_with(start)),
        ("endswith", [one, end]) => Value::Bool(one.ends_with(end)),
        ("strcontains", [one, part]) => Value::Bool(one.contains(part)),
        ("split", [by, one]) => {
            let parts: Vec<String> = match by.is_empty() {
                true => one.chars().map(String::from).collect(),
                false => one.split(by).map(str::to_owned).collect(),
            };
            Value::List(parts.into_iter().map(|part| at.but(Value::Text(part))).collect())
        }
        ("replace", [_, what, _]) if what.len() > 1 && what.starts_with('/') && what.ends_with('/') => {
            Value::Unknown("`replace` by a pattern is not known here".to_owned())
        }
        ("replace", [one, what, by]) => {
            let grown = one.len().saturating_add(one.len().saturating_add(1).saturating_mul(by.len()));
            if grown > LONGEST * 4 {
                Value::Unknown("too long a text".to_owned())
            } else {
                text(one.replace(what, by))
            }
        }
        ("substr", [one, from, length]) => substr(one, from.parse().ok(), length.parse().ok()),
        ("join", [by, ..]) => join(by, arguments.get(1..).unwrap_or_default()),
        ("format", [pattern, ..]) => format(pattern, arguments.get(1..).unwrap_or_default()),
        ("formatlist", [pattern, ..]) => formatlist(pattern, arguments.get(1..).unwrap_or_default(), at),
        ("jsondecode", [one]) => match json::read(&at.file, one, &|_, _| false) {
            Ok(node) => node.value,
            Err(_) => refuse(name),
        },
        ("yamldecode", [one]) => match yaml::read(&at.file, one).documents.into_iter().next() {
            Some(node) => node.value,
            None => refuse(name),
        },
        // What was encoded stands there as itself.
        ("jsondecode" | "yamldecode", []) => {
            arguments.first().map_or_else(|| refuse(name), |one| one.value.clone())
        }
        _ => return None,
    };
    Some(value)
}

fn title(one: &str) -> String {
    let mut begins = true;
    let capital = |found: char| {
        let made = if begins { found.to_uppercase().collect() } else { found.to_string() };
        begins = found.is_whitespace();
        made
    };
    one.chars().map(capital).collect()
}

fn substr(one: &str, from: Option<i64>, length: Option<i64>) -> Value {
    let (Some(from), Some(length)) = (from, length) else { return refuse("substr") };
    let count = i64::try_from(one.chars().count()).unwrap_or(i64::MAX);
    let from = if from < 0 { count.saturating_add(from).max(0) } else { from };
    let length = if length < 0 { count } else { length };
    let whole = |number: i64| usize::try_from(number).unwrap_or(0);
    Value::Text(one.chars().skip(whole(from)).take(whole(length)).collect())
}

fn join(by: &str, lists: &[Node]) -> Value {
    let mut made = String::new();
    for (at, item) in lists.iter().flat_map(Node::items).enumerate() {
        let Some(text) = item.text() else {
            return why(item).map_or_else(|| refuse("join"), Value::Unknown);
        };
        if made.len() + by.len() + text.len() > LONGEST {
            return Value::Unknown("too long a text".to_owned());
        }
        if at > 0 {
            made.push_str(by);
        }
        made.push_str(&text);
    }
    Value::Text(made)
}

fn formatlist(pattern: &str, arguments: &[Node], at: &Node) -> Value {
    let lists = arguments.iter().filter(|one| matches!(one.value, Value::List(_)));
    let Some(length) = lists.map(|one| one.items().len()).min() else {
        return Value::List(vec![at.but(format(pattern, arguments))]);
    };
    let row = |index: usize| -> Vec<Node> {
        arguments.iter().map(|one| one.items().get(index).unwrap_or(one).clone()).collect()
    };
    Value::List((0..length).map(|index| at.but(format(pattern, &row(index)))).collect())
}

/// `%s`, `%d`, `%v`, `%q` and `%f` with width, zeros and precision.
fn format(pattern: &str, arguments: &[Node]) -> Value {
    if let Some(why) = arguments.iter().find_map(why_deep) {
        return Value::Unknown(why);
    }
    let mut made = String::new();
    let mut arguments = arguments.iter();
    let mut rest = pattern.chars().peekable();
    while let Some(found) = rest.next() {
        if found != '%' {
            made.push(found);
            continue;
        }
        let mut flags = String::new();
        while let Some(flag) = rest.next_if(|next| matches!(next, '0'..='9' | '-' | '+' | ' ' | '.' | '#')) {
            flags.push(flag);
        }
        let verb = rest.next();
        if verb == Some('%') {
            made.push('%');
            continue;
        }
        let Some(argument) = arguments.next() else { return refuse("format") };
        let Some(text) = formatted(verb, &flags, argument) else {
            return Value::Unknown(format!(
                "`format` with `%{flags}{}` is not known here",
                verb.unwrap_or(' ')
            ));
        };
        made.push_str(&text);
        if made.len() > LONGEST {
            return Value::Unknown("too long a text".to_owned());
        }
    }
    Value::Text(made)
}

fn formatted(verb: Option<char>, flags: &str, argument: &Node) -> Option<String> {
    let left = flags.contains('-');
    let bare = flags.trim_start_matches(['-', '+', ' ', '#']);
    let zeros = bare.starts_with('0') && !left;
    let (width, precision) = bare.split_once('.').unwrap_or((bare, ""));
    let width: usize =
        if width.is_empty() { 0 } else { width.parse().ok().filter(|width| *width < 1_000)? };
    let precision: Option<usize> =
        if precision.is_empty() { None } else { precision.parse().ok().filter(|one| *one < 100) };
    let text = match verb? {
        's' | 'v' => argument.text()?,
        'q' => format!("{:?}", argument.text()?),
        'd' => format!("{}", argument.number().filter(|number| number.fract() == 0.0)?),
        'f' => format!("{:.*}", precision.unwrap_or(6), argument.number()?),
        'x' => format!("{:x}", argument.count()?),
        'X' => format!("{:X}", argument.count()?),
        'b' => format!("{:b}", argument.count()?),
        't' => argument.truth()?.to_string(),
        _ => return None,
    };
    let missing = width.saturating_sub(text.chars().count());
    Some(match (left, zeros) {
        (true, _) => text + &" ".repeat(missing),
        (false, true) => match text.strip_prefix('-') {
            Some(digits) => format!("-{}{digits}", "0".repeat(missing)),
            None => "0".repeat(missing) + &text,
        },
        (false, false) => " ".repeat(missing) + &text,
    })
}
