//! Strategic merge: a patch that looks like the object and holds only what changes.
//!
//! Maps are merged, `null` takes out, `$patch: delete` and `$patch: replace` do what they say. Lists of Kubernetes' own kinds are
//! merged by the key that tells their items apart; all other lists are replaced.

use crate::value::{Node, Value};

/// The keys that tell items of a list apart, by the list's name.
const KEYS: [(&str, &[&str]); 13] = [
    ("containers", &["name"]),
    ("initContainers", &["name"]),
    ("ephemeralContainers", &["name"]),
    ("env", &["name"]),
    ("volumes", &["name"]),
    ("imagePullSecrets", &["name"]),
    ("ports", &["containerPort", "port"]),
    ("volumeMounts", &["mountPath"]),
    ("volumeDevices", &["devicePath"]),
    ("hostAliases", &["ip"]),
    ("topologySpreadConstraints", &["topologyKey"]),
    ("secrets", &["name"]),
    ("taints", &["key"]),
];

/// The object with the patch laid over it; none when the patch deletes it.
pub(super) fn merge(object: Node, patch: &Node, own_kind: bool) -> Option<Node> {
    over(object, patch, "", own_kind)
}

fn order(node: &Node) -> Option<&str> {
    node.get("$patch").and_then(Node::str)
}

fn over(base: Node, patch: &Node, key: &str, own_kind: bool) -> Option<Node> {
    match order(patch) {
        Some("delete") => return None,
        Some("replace") => return Some(plain(patch.clone())),
        _ => {}
    }
    let Node { value, file, line, column } = base;
    let (value, stays) = match (value, &patch.value) {
        (_, Value::Null) => return None,
        (Value::Map(mut entries), Value::Map(changes)) => {
            for (name, change) in changes.iter().filter(|(name, _)| !name.text.starts_with('$')) {
                match entries.iter().position(|(known, _)| known.text == name.text) {
                    Some(index) => {
                        let (known, before) = entries.remove(index);
                        if before.value == change.value {
                            // Said again, only to find the object: the first line is the one that tells.
                            entries.insert(index, (known, before));
                            continue;
                        }
                        // Where only a value changes, its key is the patch's too: that line said it last.
                        let scalar = !matches!(change.value, Value::Map(_));
                        let shown = if scalar { name.clone() } else { known };
                        if let Some(after) = over(before, change, &name.text, own_kind) {
                            entries.insert(index, (shown, after));
                        }
                    }
                    None if change.value == Value::Null || order(change) == Some("delete") => {}
                    None => entries.push((name.clone(), plain(change.clone()))),
                }
            }
            (Value::Map(entries), true)
        }
        (Value::List(items), Value::List(changes)) => match merge_key(key, changes, own_kind) {
            Some(by) => match list(items, changes, by, own_kind) {
                Some(items) => (Value::List(items), true),
                None => return Some(plain(patch.clone())),
            },
            None => return Some(plain(patch.clone())),
        },
        _ => (Value::Null, false),
    };
    Some(if stays { Node { value, file, line, column } } else { plain(patch.clone()) })
}

fn merge_key(list: &str, changes: &[Node], own_kind: bool) -> Option<&'static str> {
    let keys = KEYS.iter().find(|(name, _)| *name == list && own_kind)?.1;
    keys.iter().copied().find(|key| changes.iter().any(|item| item.get(key).is_some()))
}

/// The merged items; none when the patch replaces the list.
fn list(items: Vec<Node>, changes: &[Node], by: &str, own_kind: bool) -> Option<Vec<Node>> {
    let mut items: Vec<Option<Node>> = items.into_iter().map(Some).collect();
    for change in changes {
        let name = change.get(by).and_then(Node::text);
        if name.is_none() && order(change) == Some("replace") {
            return None;
        }
        let known = items
            .iter()
            .position(|item| item.as_ref().is_some_and(|item| item.get(by).and_then(Node::text) == name));
        match known.and_then(|index| items.get_mut(index)) {
            Some(slot) => *slot = slot.take().and_then(|before| over(before, change, "", own_kind)),
            None if order(change) == Some("delete") => {}
            None => items.push(Some(plain(change.clone()))),
        }
    }
    Some(items.into_iter().flatten().collect())
}

/// Without what is only for the merge.
fn plain(node: Node) -> Node {
    let value = match node.value {
        Value::Map(entries) => Value::Map(
            entries
                .into_iter()
                .filter(|(key, node)| !key.text.starts_with('$') && node.value != Value::Null)
                .map(|(key, node)| (key, plain(node)))
                .collect(),
        ),
        Value::List(items) => Value::List(
            items
                .into_iter()
                .filter(|item| item.entries().next().is_none() || order(item).is_none())
                .map(plain)
                .collect(),
        ),
        other => other,
    };
    Node { value, ..node }
}
