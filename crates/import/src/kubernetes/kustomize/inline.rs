//! YAML inside YAML: a patch written as a block of text in a `kustomization.yaml`, with its lines as they stand in that file.

use crate::value::{Key, Node, Value};
use crate::yaml;

/// The documents of a text that stands in a file, as nodes that point at its lines there.
pub(super) fn documents(node: &Node, file_text: &str) -> Vec<Node> {
    let Some(text) = node.str() else { return Vec::new() };
    let (line, column) = begin(node, file_text);
    let documents = yaml::read(&node.file, text).documents;
    documents.into_iter().map(|document| moved(document, line, column)).collect()
}

/// How many lines and columns before the text its file has.
fn begin(node: &Node, file_text: &str) -> (u32, u32) {
    let at = |line: u32| file_text.lines().nth(line.saturating_sub(1) as usize).unwrap_or_default();
    // A block begins on the line after its `|`; the parser may point at either.
    let head = at(node.line).trim_end();
    let is_head =
        head.trim_end_matches(['-', '+', '1', '2', '3', '4', '5', '6', '7', '8', '9']).ends_with(['|', '>']);
    let first = if is_head { node.line + 1 } else { node.line };
    let is_block = is_head || at(first.saturating_sub(1)).contains(['|', '>']);
    let indent = at(first).chars().take_while(|sign| *sign == ' ').count();
    let column = if is_block { u32::try_from(indent).unwrap_or(0) } else { node.column };
    (first.saturating_sub(1), column)
}

fn moved(node: Node, line: u32, column: u32) -> Node {
    let value = match node.value {
        Value::List(items) => Value::List(items.into_iter().map(|item| moved(item, line, column)).collect()),
        Value::Map(entries) => {
            let entries = entries.into_iter().map(|(key, node)| {
                let key = Key {
                    line: key.line.saturating_add(line),
                    column: key.column.saturating_add(column),
                    ..key
                };
                (key, moved(node, line, column))
            });
            Value::Map(entries.collect())
        }
        other => other,
    };
    Node {
        value,
        line: node.line.saturating_add(line),
        column: node.column.saturating_add(column),
        file: node.file,
    }
}
