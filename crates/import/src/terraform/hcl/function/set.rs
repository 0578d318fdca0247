//! Functions over sets. A set is a list without doubles, in order.

use std::collections::BTreeSet;

use super::super::world::why_deep;
use super::refuse;
use crate::value::{Node, Value};

/// The items without doubles; `ordered` sorts them as Terraform orders a set of texts.
pub(crate) fn unique(items: Vec<Node>, ordered: bool) -> Vec<Node> {
    let mut seen = BTreeSet::new();
    let mut made: Vec<Node> = items.into_iter().filter(|item| seen.insert(mark(item))).collect();
    if ordered {
        made.sort_by_key(Node::text);
    }
    made
}

/// The same for the same values, wherever they stand. What is not known is unlike everything.
fn mark(node: &Node) -> String {
    match &node.value {
        Value::List(items) => format!("[{}]", items.iter().map(mark).collect::<Vec<_>>().join(",")),
        Value::Map(entries) => {
            let mut entries: Vec<_> =
                entries.iter().map(|(key, node)| format!("{:?}:{}", key.text, mark(node))).collect();
            entries.sort();
            format!("{{{}}}", entries.join(","))
        }
        Value::Unknown(_) | Value::Joined(_) => format!("?{}:{}:{}", node.file, node.line, node.column),
        Value::Reference(address, attribute) => format!("→{address} {attribute}"),
        Value::Null => "null".to_owned(),
        _ => format!("{:?}", node.text()),
    }
}

pub(super) fn call(name: &str, arguments: &[Node], at: &Node) -> Option<Value> {
    let known = || arguments.iter().find_map(why_deep);
    let lists = || arguments.iter().map(Node::items);
    let value = match (name, arguments) {
        ("setunion" | "setintersection" | "setsubtract", _) if known().is_some() => {
            Value::Unknown(known().unwrap_or_default())
        }
        ("setunion", _) => Value::List(unique(lists().flatten().cloned().collect(), true)),
        ("setintersection", [first, rest @ ..]) => {
            let rest: Vec<BTreeSet<String>> =
                rest.iter().map(|one| one.items().iter().map(mark).collect()).collect();
            let items = first.items().iter().filter(|item| rest.iter().all(|one| one.contains(&mark(item))));
            Value::List(unique(items.cloned().collect(), true))
        }
        ("setsubtract", [first, second]) => {
            let gone: BTreeSet<String> = second.items().iter().map(mark).collect();
            let items = first.items().iter().filter(|item| !gone.contains(&mark(item)));
            Value::List(unique(items.cloned().collect(), true))
        }
        ("setproduct", _) => product(arguments, at),
        _ => return None,
    };
    Some(value)
}

fn product(arguments: &[Node], at: &Node) -> Value {
    const MOST: usize = 10_000;
    let count = arguments.iter().try_fold(1_usize, |count, one| count.checked_mul(one.items().len()));
    if count.is_none_or(|count| count > MOST || arguments.len() > 16) {
        return Value::Unknown("a product of too many".to_owned());
    }
    if arguments.iter().any(|one| !matches!(one.value, Value::List(_))) {
        return refuse("setproduct");
    }
    let mut made: Vec<Vec<Node>> = vec![Vec::new()];
    for one in arguments {
        let with = |row: &Vec<Node>, item: &Node| row.iter().chain([item]).cloned().collect();
        made = made.iter().flat_map(|row| one.items().iter().map(move |item| with(row, item))).collect();
    }
    Value::List(made.into_iter().map(|row| at.but(Value::List(row))).collect())
}
