//! A value as the type of its variable wants it: sets without doubles, and what is optional in an object filled in.

use super::function::unique;
use super::term::{Kind, Term};
use super::world::{Scope, World};
use crate::value::{Key, Node, Value};

/// Types inside each other, at most.
const DEEPEST: usize = 32;

pub(crate) fn convert<'f>(
    world: &mut World<'f>,
    scope: &Scope<'_>,
    node: Node,
    kind: &'f Term,
    depth: usize,
) -> Node {
    if depth > DEEPEST {
        return node;
    }
    match &kind.kind {
        Kind::Name(name) => primitive(node, name),
        Kind::Call(name, arguments, _) => match (name.as_str(), arguments.first()) {
            ("list" | "set" | "tuple", Some(item)) => {
                let set = name == "set";
                let Value::List(items) = node.value else { return node };
                let items =
                    items.into_iter().map(|node| convert(world, scope, node, item, depth + 1)).collect();
                let items = if set { unique(items, true) } else { items };
                Node { value: Value::List(items), ..node }
            }
            ("map", Some(item)) => {
                let Value::Map(entries) = node.value else { return node };
                let entries = entries.into_iter();
                let entries = entries.map(|(key, node)| (key, convert(world, scope, node, item, depth + 1)));
                Node { value: Value::Map(entries.collect()), ..node }
            }
            ("object", Some(Term { kind: Kind::Map(fields), .. })) => {
                object(world, scope, node, fields, depth)
            }
            ("optional", Some(inner)) => convert(world, scope, node, inner, depth + 1),
            _ => node,
        },
        _ => node,
    }
}

fn object<'f>(
    world: &mut World<'f>,
    scope: &Scope<'_>,
    node: Node,
    fields: &'f [(Term, Term)],
    depth: usize,
) -> Node {
    let Value::Map(_) = &node.value else { return node };
    let mut entries = Vec::new();
    for (name, kind) in fields {
        let Some(text) = name.text() else { continue };
        let default = match &kind.kind {
            Kind::Call(name, arguments, _) if name == "optional" => arguments.get(1),
            _ => None,
        };
        let given = node.entries().find(|(key, _)| key.text == text);
        let (key, value) = match (given, default) {
            (Some((key, value)), None) => (key.clone(), value.clone()),
            (Some((key, value)), Some(_)) if value.value != Value::Null => (key.clone(), value.clone()),
            (_, default) => {
                let key = Key { text: text.to_owned(), line: name.at.line, column: name.at.column };
                let value =
                    default.map_or_else(|| node.but(Value::Null), |default| world.eval(scope, default));
                (key, value)
            }
        };
        entries.push((key, convert(world, scope, value, kind, depth + 1)));
    }
    Node { value: Value::Map(entries), ..node }
}

fn primitive(node: Node, name: &str) -> Node {
    let value = match (name, &node.value) {
        ("string", Value::Number(_) | Value::Bool(_)) => node.text().map(Value::Text),
        ("number", Value::Text(_)) => node.number().map(Value::Number),
        ("bool", Value::Text(_)) => node.truth().map(Value::Bool),
        _ => None,
    };
    match value {
        Some(value) => node.but(value),
        None => node,
    }
}
