//! Functions over lists and maps.

use super::super::operator::same;
use super::super::world::{invalid, why, why_deep};
use super::{refuse, unique};
use crate::value::{Key, Node, Value};

/// Items that one call may make.
const MOST: u32 = 10_000;

/// The first argument that is neither null nor empty.
pub(super) fn coalesce(arguments: &[Node]) -> Value {
    for argument in arguments {
        match &argument.value {
            Value::Null => {}
            Value::Text(text) if text.is_empty() => {}
            Value::List(items) if items.is_empty() => {}
            // A reference may turn out to be null, but hardly anybody means that.
            other => {
                return why(argument)
                    .filter(|_| !matches!(other, Value::Reference(..)))
                    .map_or_else(|| other.clone(), Value::Unknown);
            }
        }
    }
    invalid("nothing to choose from")
}

pub(super) fn call(name: &str, arguments: &[Node], at: &Node) -> Option<Value> {
    let list = |node: &Node| match &node.value {
        Value::List(items) => Some(items.clone()),
        _ => None,
    };
    let value = match (name, arguments) {
        ("length", [one]) => match &one.value {
            Value::List(items) => Value::Number(items.len() as f64),
            Value::Map(entries) => Value::Number(entries.len() as f64),
            Value::Text(text) => Value::Number(text.chars().count() as f64),
            _ => refuse(name),
        },
        ("element", [all, index]) => match (all.items(), index.count()) {
            ([], _) | (_, None) => refuse(name),
            (items, Some(index)) => items
                .get(index as usize % items.len())
                .map_or_else(|| refuse(name), |item| item.value.clone()),
        },
        ("concat", all) => {
            let mut made = Vec::new();
            for one in all {
                match list(one) {
                    Some(items) => made.extend(items),
                    None if one.value == Value::Null => {}
                    None => return Some(refuse(name)),
                }
            }
            Value::List(made)
        }
        ("merge", all) => merge(all),
        ("keys", [one]) => match sorted(one) {
            Some(entries) => Value::List(
                entries.iter().map(|(key, node)| node.but(Value::Text(key.text.clone()))).collect(),
            ),
            None => refuse(name),
        },
        ("values", [one]) => match sorted(one) {
            Some(entries) => Value::List(entries.into_iter().map(|(_, node)| node).collect()),
            None => refuse(name),
        },
        ("flatten", [one]) => {
            let mut made = Vec::new();
            match flatten(one, &mut made) {
                Ok(()) => Value::List(made),
                Err(why) => Value::Unknown(why),
            }
        }
        ("tolist", [one]) => list(one).map_or_else(|| refuse(name), Value::List),
        ("tomap", [one]) if matches!(one.value, Value::Map(_)) => one.value.clone(),
        ("toset", [one]) => match (list(one), why_deep(one)) {
            (Some(items), None) => Value::List(unique(items, true)),
            // Two unknown items may turn out to be one.
            (Some(items), Some(why)) if items.len() > 1 && !all_different(&items) => Value::Unknown(why),
            (Some(items), Some(_)) => Value::List(items),
            (None, _) => refuse(name),
        },
        ("distinct", [one]) => match (list(one), why_deep(one)) {
            (Some(items), None) => Value::List(unique(items, false)),
            (Some(items), Some(_)) if all_different(&items) => Value::List(items),
            (Some(_), Some(why)) => Value::Unknown(why),
            (None, _) => refuse(name),
        },
        ("contains", [all, wanted]) => {
            let each: Vec<Option<bool>> = all.items().iter().map(|item| same(item, wanted)).collect();
            match (each.contains(&Some(true)), each.contains(&None)) {
                (true, _) => Value::Bool(true),
                (false, false) => Value::Bool(false),
                (false, true) => Value::Unknown(why_deep(all).unwrap_or_default()),
            }
        }
        ("lookup", [map, key, rest @ ..]) => match (key.text().and_then(|key| map.get(&key)), rest) {
            (Some(node), _) => node.value.clone(),
            (None, [default, ..]) => default.value.clone(),
            (None, []) => refuse(name),
        },
        ("range", all) => range(all, at),
        ("slice", [all, from, to]) => match (from.count(), to.count()) {
            (Some(from), Some(to)) => all
                .items()
                .get(from as usize..to as usize)
                .map_or_else(|| refuse(name), |items| Value::List(items.to_vec())),
            _ => refuse(name),
        },
        ("index", [all, wanted]) => {
            match all.items().iter().position(|item| same(item, wanted) == Some(true)) {
                Some(index) => Value::Number(index as f64),
                None => why_deep(all).map_or_else(|| refuse(name), Value::Unknown),
            }
        }
        ("zipmap", [keys, values]) => {
            let mut entries = Vec::new();
            for (key, value) in keys.items().iter().zip(values.items()) {
                let Some(text) = key.text() else {
                    return Some(why(key).map_or_else(|| refuse(name), Value::Unknown));
                };
                entries.push((Key { text, line: key.line, column: key.column }, value.clone()));
            }
            Value::Map(entries)
        }
        ("sort", [all]) => match (list(all), why_deep(all)) {
            (_, Some(why)) => Value::Unknown(why),
            (Some(mut items), None) => {
                items.sort_by_key(Node::text);
                Value::List(items)
            }
            (None, None) => refuse(name),
        },
        ("reverse", [all]) => list(all).map_or_else(
            || refuse(name),
            |mut items| {
                items.reverse();
                Value::List(items)
            },
        ),
        ("compact", [all]) => match (list(all), all.items().iter().find_map(why)) {
            (_, Some(why)) => Value::Unknown(why),
            (Some(mut items), None) => {
                items.retain(|item| item.value != Value::Null && item.str() != Some(""));
                Value::List(items)
            }
            (None, None) => refuse(name),
        },
        ("one", [all]) => match all.items() {
            [] => Value::Null,
            [one] => one.value.clone(),
            _ => refuse(name),
        },
        ("chunklist", [all, size]) => match size.count().filter(|size| *size > 0) {
            Some(size) => Value::List(
                all.items().chunks(size as usize).map(|chunk| at.but(Value::List(chunk.to_vec()))).collect(),
            ),
            None => refuse(name),
        },
        ("alltrue", [all]) => truths(all, false),
        ("anytrue", [all]) => truths(all, true),
        _ => return None,
    };
    Some(value)
}

fn merge(all: &[Node]) -> Value {
    let mut made: Vec<(Key, Node)> = Vec::new();
    let mut index = std::collections::HashMap::new();
    for one in all {
        match &one.value {
            Value::Null => {}
            Value::Map(entries) => {
                for (key, node) in entries {
                    match index.get(&key.text).and_then(|at: &usize| made.get_mut(*at)) {
                        Some(known) => *known = (key.clone(), node.clone()),
                        None => {
                            index.insert(key.text.clone(), made.len());
                            made.push((key.clone(), node.clone()));
                        }
                    }
                }
            }
            _ => return refuse("merge"),
        }
    }
    Value::Map(made)
}

fn sorted(map: &Node) -> Option<Vec<(Key, Node)>> {
    let Value::Map(entries) = &map.value else { return None };
    let mut entries = entries.clone();
    entries.sort_by(|(a, _), (b, _)| a.text.cmp(&b.text));
    Some(entries)
}

/// Everything in lists inside lists; an unknown item may be a list of any length.
fn flatten(node: &Node, made: &mut Vec<Node>) -> Result<(), String> {
    match &node.value {
        Value::List(items) => items.iter().try_for_each(|item| flatten(item, made)),
        Value::Unknown(why) => Err(why.clone()),
        _ => {
            made.push(node.clone());
            Ok(())
        }
    }
}

/// Whether no two can turn out to be one: what is known differs, and references go to different things.
fn all_different(items: &[Node]) -> bool {
    let mut seen = std::collections::BTreeSet::new();
    let mut references = 0;
    for item in items {
        match &item.value {
            Value::Reference(address, attribute) => {
                references += 1;
                if !matches!(attribute.as_str(), "id" | "arn")
                    || !seen.insert(format!("→{address}.{attribute}"))
                {
                    return false;
                }
            }
            _ => match item.text() {
                Some(text) if seen.insert(text.clone()) => {}
                _ => return false,
            },
        }
    }
    references == 0 || references == items.len()
}

fn truths(all: &Node, any: bool) -> Value {
    let each: Vec<Option<bool>> = all.items().iter().map(Node::truth).collect();
    match (each.contains(&Some(any)), each.contains(&None)) {
        (true, _) => Value::Bool(any),
        (false, false) => Value::Bool(!any),
        (false, true) => Value::Unknown(why_deep(all).unwrap_or_default()),
    }
}

fn range(all: &[Node], at: &Node) -> Value {
    let numbers: Option<Vec<f64>> = all.iter().map(Node::number).collect();
    let (from, to, step) = match numbers.as_deref() {
        Some([to]) => (0.0, *to, if *to < 0.0 { -1.0 } else { 1.0 }),
        Some([from, to]) => (*from, *to, if to < from { -1.0 } else { 1.0 }),
        Some([from, to, step]) => (*from, *to, *step),
        _ => return refuse("range"),
    };
    let mut made = Vec::new();
    let mut next = from;
    while (step > 0.0 && next < to) || (step < 0.0 && next > to) {
        if made.len() >= MOST as usize {
            return Value::Unknown("a range of too many numbers".to_owned());
        }
        made.push(at.but(Value::Number(next)));
        next += step;
    }
    Value::List(made)
}
