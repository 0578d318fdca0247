//! Resources as text, for golden tests.

use std::fmt::Write;

use crate::terraform::Resource;
use crate::terraform::read::Read;
use crate::value::{Node, Value};

/// Everything that was read, as a person would check it.
pub(crate) fn told(read: &Read) -> String {
    let mut out = String::new();
    let mut resources: Vec<&Resource> = read.resources.iter().collect();
    resources.sort_by(|a, b| a.address.cmp(&b.address));
    for resource in resources {
        let Resource { address, origin, repeats, .. } = resource;
        let _ = writeln!(out, "{address} at {}:{}", origin.file, origin.line);
        if let Some(why) = repeats {
            let _ = writeln!(out, "  repeats: {why}");
        }
        for (key, node) in resource.body.entries() {
            let _ = writeln!(out, "  {} = {}  ({}:{})", key.text, value(node), node.file, node.line);
        }
    }
    for (name, region) in &read.regions {
        let _ = writeln!(out, "region of {name}: {}", value(region));
    }
    for unseen in &read.unseen {
        let _ = writeln!(out, "unseen {}:{}: {}", unseen.origin.file, unseen.origin.line, unseen.what);
    }
    for (address, unseen) in &read.absent {
        let _ =
            writeln!(out, "absent {address} {}:{}: {}", unseen.origin.file, unseen.origin.line, unseen.what);
    }
    let _ = writeln!(out, "secrets: {:?}", read.secrets);
    out
}

/// A value on one line.
pub(crate) fn value(node: &Node) -> String {
    let all = |items: &[Node], by: &str| items.iter().map(value).collect::<Vec<_>>().join(by);
    match &node.value {
        Value::Unknown(why) => format!("?({why})"),
        Value::Null => "null".to_owned(),
        Value::Bool(truth) => truth.to_string(),
        Value::Number(number) => number.to_string(),
        Value::Text(text) => format!("{text:?}"),
        Value::List(items) => format!("[{}]", all(items, ", ")),
        Value::Map(entries) => {
            let entries = entries.iter().map(|(key, node)| format!("{}: {}", key.text, value(node)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
        Value::Reference(address, attribute) => format!("→{address}|{attribute}"),
        Value::Joined(parts) => format!("<{}>", all(parts, " ")),
    }
}
