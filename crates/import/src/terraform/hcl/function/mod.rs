//! Terraform's functions, as far as their results matter to where things run. What is not here is unknown by name.

mod collection;
mod network;
mod number;
mod set;
mod text;

pub(crate) use set::unique;

use super::world::{invalid, why};
use crate::value::{Node, Value};

/// Functions whose results depend on the machine or on the moment.
const ELSEWHERE: [(&str, &str); 9] = [
    ("file", "it reads a file"),
    ("filebase64", "it reads a file"),
    ("fileexists", "it reads a file"),
    ("fileset", "it reads files"),
    ("templatefile", "it reads a file"),
    ("filemd5", "it reads a file"),
    ("timestamp", "it is the time of the run"),
    ("plantimestamp", "it is the time of the run"),
    ("uuid", "it is random"),
];

/// The result of a function; `at` is where it is called.
pub(crate) fn call(name: &str, arguments: &[Node], at: &Node) -> Value {
    if let ("templatefile", [_, told]) = (name, arguments) {
        return template(told, at);
    }
    if let Some((_, why)) = ELSEWHERE.iter().find(|(known, _)| *known == name) {
        return Value::Unknown((*why).to_owned());
    }
    // These can do with what is not known.
    let lenient = match (name, arguments) {
        ("nonsensitive" | "ephemeralasnull", [one]) => Some(one.value.clone()),
        // As the value itself: whoever reads it wants the lines inside, and what in it is not known yet.
        ("jsonencode" | "yamlencode" | "base64encode" | "base64gzip", [one]) => Some(one.value.clone()),
        ("element", [Node { value: Value::Reference(to, attribute), .. }, index])
            if !attribute.is_empty() =>
        {
            index.count().map(|index| Value::Reference(to.clone(), picked(attribute, index)))
        }
        ("slice", [Node { value: Value::Reference(to, attribute), .. }, from, to_index])
            if !attribute.is_empty() =>
        {
            from.count().zip(to_index.count()).filter(|(from, end)| end >= from && end - from <= 1_000).map(
                |(from, end)| {
                    let item = |index| at.but(Value::Reference(to.clone(), format!("{attribute}[{index}]")));
                    Value::List((from..end).map(item).collect())
                },
            )
        }
        ("coalesce" | "coalescelist", _) => Some(collection::coalesce(arguments)),
        ("tolist" | "toset" | "tomap" | "tostring" | "tonumber" | "distinct" | "sort" | "reverse", [one])
            if matches!(one.value, Value::Reference(..)) && name != "reverse" =>
        {
            Some(one.value.clone())
        }
        ("flatten" | "compact" | "concat", [one]) if matches!(one.value, Value::Reference(..)) => {
            Some(one.value.clone())
        }
        ("lower" | "upper" | "trimspace", [one]) if matches!(one.value, Value::Joined(..)) => None,
        _ => None,
    };
    if let Some(value) = lenient {
        return value;
    }
    if let Some(why) = arguments.iter().find_map(why) {
        return Value::Unknown(why);
    }
    collection::call(name, arguments, at)
        .or_else(|| set::call(name, arguments, at))
        .or_else(|| text::call(name, arguments, at))
        .or_else(|| number::call(name, arguments))
        .or_else(|| network::call(name, arguments, at))
        .unwrap_or_else(|| Value::Unknown(format!("function `{name}` is not known here")))
}

/// A template in another file: unknown, but what it is told of other resources is in it.
fn template(told: &Node, at: &Node) -> Value {
    fn references(node: &Node, found: &mut Vec<Node>) {
        match &node.value {
            Value::Reference(..) => found.push(node.clone()),
            Value::List(items) | Value::Joined(items) => {
                items.iter().for_each(|item| references(item, found))
            }
            Value::Map(entries) => entries.iter().for_each(|(_, item)| references(item, found)),
            _ => {}
        }
    }
    let mut parts = vec![at.but(Value::Unknown("it reads a file".to_owned()))];
    references(told, &mut parts);
    if parts.len() > 1 { Value::Joined(parts) } else { Value::Unknown("it reads a file".to_owned()) }
}

/// An item of a list that is not known yet. The first is sure; for others `element` begins again at the list's unknown end.
fn picked(attribute: &str, index: u32) -> String {
    if index == 0 { format!("{attribute}[0]") } else { format!("element({attribute}, {index})") }
}

/// What Terraform would refuse.
fn refuse(name: &str) -> Value {
    invalid(format!("`{name}` cannot take this"))
}
