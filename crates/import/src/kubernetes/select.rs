//! Labels, and who selects them.

use std::collections::BTreeMap;

use crate::value::Node;

/// Labels by name.
pub(super) type Labels = BTreeMap<String, String>;

/// The labels of a map.
pub(super) fn labels(node: Option<&Node>) -> Labels {
    let entries = node.into_iter().flat_map(Node::entries);
    entries.filter_map(|(key, value)| Some((key.text.clone(), value.text()?))).collect()
}

/// Whether a plain map of labels (`selector` of a Service, `nodeSelector`) selects them. An empty one selects nothing.
pub(super) fn map_selects(selector: &Node, labels: &Labels) -> bool {
    selector.entries().next().is_some()
        && selector.entries().all(|(key, value)| labels.get(&key.text) == value.text().as_ref())
}

/// Whether a `labelSelector` selects them: `matchLabels` and `matchExpressions`, all of them. One that says nothing selects all.
pub(super) fn selects(selector: &Node, labels: &Labels) -> bool {
    let plain = selector.get("matchLabels").into_iter().flat_map(Node::entries);
    let mut plain = plain.map(|(key, value)| labels.get(&key.text) == value.text().as_ref());
    let mut expressions = selector.get("matchExpressions").map(Node::items).unwrap_or_default().iter();
    plain.all(|holds| holds) && expressions.all(|expression| holds(expression, labels))
}

/// Whether one expression holds.
pub(super) fn holds(expression: &Node, labels: &Labels) -> bool {
    let Some(key) = expression.get("key").and_then(Node::text) else { return false };
    let values = expression.get("values").map(Node::texts).unwrap_or_default();
    let own = labels.get(&key);
    match expression.get("operator").and_then(Node::str).unwrap_or_default() {
        "In" => own.is_some_and(|own| values.contains(own)),
        "NotIn" => !own.is_some_and(|own| values.contains(own)),
        "Exists" => own.is_some(),
        "DoesNotExist" => own.is_none(),
        "Gt" | "Lt" => true,
        _ => false,
    }
}
