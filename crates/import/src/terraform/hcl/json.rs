//! `.tf.json` and `.tfvars.json`: the same blocks, written as JSON.
//!
//! Texts are templates. Which nested values are blocks only a provider's schema tells, so what is nested in a resource stays an
//! argument; a list of maps looks the same either way.

use std::sync::Arc;

use super::lower::Lower;
use super::template;
use super::term::{At, Block, Body, Kind, Term};
use super::text::Parsed;
use crate::terraform::json;
use crate::value::{Key, Node, Value};

/// Reads one file's text.
pub(crate) fn parse(path: &str, text: &str) -> Parsed {
    match json::read(path, text, &|_, _| false) {
        Ok(root) if path.ends_with(".tfvars.json") => {
            let attributes = root.entries().map(|(key, node)| (key.clone(), term(node, false))).collect();
            Parsed { body: Body { attributes, blocks: Vec::new() }, broken: Vec::new() }
        }
        Ok(root) => {
            let mut blocks = Vec::new();
            for (key, node) in root.entries() {
                let labels = match key.text.as_str() {
                    "resource" | "data" => 2,
                    "variable" | "output" | "module" | "provider" => 1,
                    "locals" => 0,
                    _ => continue,
                };
                collect(&key.text, labels, &mut Vec::new(), node, &mut blocks);
            }
            Parsed { body: Body { attributes: Vec::new(), blocks }, broken: Vec::new() }
        }
        Err(broken) => Parsed { body: Body::default(), broken: vec![broken] },
    }
}

/// The blocks under a key, once so many labels are read.
fn collect(kind: &str, missing: usize, labels: &mut Vec<String>, node: &Node, blocks: &mut Vec<Block>) {
    if let Value::List(items) = &node.value {
        items.iter().for_each(|item| collect(kind, missing, labels, item, blocks));
    } else if missing > 0 {
        for (key, node) in node.entries() {
            labels.push(key.text.clone());
            collect(kind, missing - 1, labels, node, blocks);
            labels.pop();
        }
    } else {
        let attributes = node.entries().filter(|(key, _)| key.text != "//");
        // The type of a variable is an expression in quotes.
        let attributes =
            attributes.map(|(key, node)| (key.clone(), term(node, key.text != "type"))).collect();
        blocks.push(Block {
            kind: kind.to_owned(),
            labels: labels.clone(),
            body: Body { attributes, blocks: Vec::new() },
            file: Arc::clone(&node.file),
            at: At { line: node.line, column: node.column },
        });
    }
}

fn term(node: &Node, templates: bool) -> Term {
    let at = At { line: node.line, column: node.column };
    let kind = match &node.value {
        Value::Text(text) if templates && (text.contains("${") || text.contains("%{")) => inside(node, text),
        Value::List(items) => Kind::List(items.iter().map(|item| term(item, templates)).collect()),
        Value::Map(entries) => {
            let entries = entries.iter().filter(|(key, _)| key.text != "//");
            Kind::Map(
                entries.map(|(name, node)| (key(name, node, templates), term(node, templates))).collect(),
            )
        }
        other => Kind::Literal(other.clone()),
    };
    Term { at, kind }
}

fn key(name: &Key, node: &Node, templates: bool) -> Term {
    let text = Value::Text(name.text.clone());
    let mut key = term(&Node { value: text, ..node.clone() }, templates);
    key.at = At { line: name.line, column: name.column };
    key
}

fn inside(node: &Node, text: &str) -> Kind {
    let Ok(parsed) = hcl_edit::parser::parse_template(text) else {
        return Kind::Literal(Value::Unknown("its `${…}` cannot be read".to_owned()));
    };
    let near = At { line: node.line, column: node.column };
    let mut lower = Lower { file: Arc::clone(&node.file), lines: None, base: 0, near };
    template::kind(&mut lower, &parsed)
}
