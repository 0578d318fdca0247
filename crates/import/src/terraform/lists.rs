//! Lists of zones that only the vendor knows, as data sources give them.

use std::collections::{BTreeMap, BTreeSet};

use super::index::{Index, argument};
use super::zones::Cloud;
use crate::value::{Node, Value};

/// What a list of zones looks like, so that two equal ones count as one.
pub(super) fn list_shape(index: &Index<'_>, address: &str) -> Option<(Cloud, String)> {
    let resource = index.at(address).into_iter().next()?;
    let cloud = Cloud::of_kind(&resource.kind)?;
    let is_list = resource.data && resource.kind.ends_with("zones") && !resource.kind.contains("dns_");
    let said: BTreeSet<String> =
        resource.body.entries().map(|(key, node)| format!("{}={:?}", key.text, plain(node))).collect();
    let said: Vec<String> = said.into_iter().collect();
    is_list.then(|| (cloud, format!("{} {}", resource.kind, said.join(","))))
}

/// A value without its line.
fn plain(node: &Node) -> String {
    match &node.value {
        Value::List(items) => items.iter().map(plain).collect::<Vec<_>>().join(","),
        Value::Map(_) => node.entries().map(|(key, node)| format!("{}={}", key.text, plain(node))).collect(),
        Value::Reference(address, attribute) => format!("{address}.{attribute}"),
        _ => node.text().unwrap_or_default(),
    }
}

pub(super) fn most_used_list(index: &Index<'_>, cloud: Cloud) -> Option<String> {
    fn walk(node: &Node, index: &Index<'_>, cloud: Cloud, used: &mut BTreeMap<String, usize>) {
        match &node.value {
            Value::Reference(address, _) => {
                if let Some((_, shape)) = list_shape(index, address).filter(|(of, _)| *of == cloud) {
                    *used.entry(shape).or_default() += 1;
                }
            }
            Value::List(items) => items.iter().for_each(|item| walk(item, index, cloud, used)),
            Value::Map(_) => node.entries().for_each(|(_, item)| walk(item, index, cloud, used)),
            _ => {}
        }
    }
    let mut used = BTreeMap::new();
    index.all().for_each(|resource| walk(&resource.body, index, cloud, &mut used));
    let most = used.values().max().copied()?;
    used.into_iter().find(|(_, times)| *times == most).map(|(shape, _)| shape)
}

/// What stands at an attribute such as `names[0]`, `zones.0.id` or `element(names, 1)`.
pub(super) fn inside<'n>(body: &'n Node, attribute: &str) -> Option<&'n Node> {
    let element = attribute.strip_prefix("element(").and_then(|rest| rest.strip_suffix(')'));
    if let Some((list, index)) = element.and_then(|inside| inside.split_once(", ")) {
        let items = argument(body, list)?.items();
        return items.get(index.parse::<usize>().ok()?.checked_rem(items.len())?);
    }
    let steps =
        attribute.split(['.', '[']).map(|step| step.trim_end_matches(']')).filter(|step| !step.is_empty());
    steps
        .into_iter()
        .try_fold(body, |node, step| match step.parse::<usize>() {
            Ok(index) => node.items().get(index),
            Err(_) => argument(node, step),
        })
        .filter(|node| !matches!(node.value, Value::Map(_)))
}
