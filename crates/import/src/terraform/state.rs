//! State files (`terraform.tfstate`, format 4) and what `terraform show -json` makes of a state.

use crate::terraform::address;
use crate::terraform::read::Read;
use crate::terraform::secret::{hide, hide_marked, hide_named, remember};
use crate::terraform::{Resource, json};
use crate::value::{Node, Value};

/// Reads the resources of a state.
pub(crate) fn read(path: &str, text: &str) -> Read {
    let mut read = Read::default();
    // `private` is what a provider keeps for itself.
    let mut root =
        match json::read(path, text, &|depth, key| depth == 5 && matches!(key, "private" | "identity")) {
            Ok(root) => root,
            Err((origin, why)) => {
                read.unseen(origin, why);
                return read;
            }
        };
    if let Some(values) = root.get("values") {
        shown(values, false, &mut read);
    } else if root.get("version").and_then(Node::count) == Some(4) {
        outputs(&root, &mut read);
        if let Some(Value::List(resources)) = taken(&mut root, "resources") {
            resources.into_iter().for_each(|resource| instances(resource, &mut read));
        }
    } else {
        read.unseen(
            root.origin(),
            "this state is not of format 4; run `terraform show -json` on it and check what that prints",
        );
    }
    read.hide_known_secrets();
    read
}

/// Takes in `values` of a shown state, or `planned_values` of a plan: the root module and all inside it.
pub(crate) fn shown(values: &Node, data_only: bool, read: &mut Read) {
    outputs(values, read);
    let mut modules: Vec<&Node> = values.get("root_module").into_iter().collect();
    while let Some(module) = modules.pop() {
        modules.extend(module.get("child_modules").map(Node::items).unwrap_or_default());
        for resource in module.get("resources").map(Node::items).unwrap_or_default() {
            if let Some(resource) = one_shown(resource, read).filter(|found| found.data || !data_only) {
                read.resources.push(resource);
            }
        }
    }
}

fn one_shown(resource: &Node, read: &mut Read) -> Option<Resource> {
    let text = |key| resource.get(key).and_then(Node::str);
    let (address, kind) = (text("address")?, text("type")?);
    if resource.get("deposed_key").is_some() {
        return None;
    }
    let mut body = resource.get("values").cloned().unwrap_or_else(|| empty(resource));
    if let Some(marks) = resource.get("sensitive_values") {
        hide_marked(&mut body, marks, &mut read.secrets);
    }
    hide_named(&mut body, &mut read.secrets);
    Some(Resource {
        address: address.to_owned(),
        data: text("mode") == Some("data"),
        kind: kind.to_owned(),
        body,
        repeats: None,
        origin: resource.origin(),
    })
}

/// The instances of one resource of a state file.
fn instances(mut resource: Node, read: &mut Read) {
    let all = taken(&mut resource, "instances");
    let text = |key| resource.get(key).and_then(Node::str);
    let (Some(kind), Some(name)) = (text("type"), text("name")) else { return };
    let data = text("mode") == Some("data");
    let rest = if data { format!("data.{kind}.{name}") } else { format!("{kind}.{name}") };
    let base = address::inside(text("module").unwrap_or_default(), &rest);
    let Some(Value::List(all)) = all else { return };
    for mut instance in all {
        // A deposed instance is one that waits to be removed.
        if instance.get("deposed").and_then(Node::str).is_some_and(|key| !key.is_empty()) {
            continue;
        }
        let index = match instance.get("index_key").map(|key| &key.value) {
            Some(Value::Number(number)) => format!("[{number}]"),
            Some(Value::Text(key)) => address::key_index(key),
            _ => String::new(),
        };
        let mut body = empty(&instance);
        if let Some(value) = taken(&mut instance, "attributes") {
            body.value = value;
        }
        for path in instance.get("sensitive_attributes").map(Node::items).unwrap_or_default() {
            hide_at(&mut body, path.items(), read);
        }
        hide_named(&mut body, &mut read.secrets);
        let address = format!("{base}{index}");
        let origin = instance.origin();
        read.resources.push(Resource { address, data, kind: kind.to_owned(), body, repeats: None, origin });
    }
}

/// Takes the value of a key out of a map: a state is too large to hold twice.
fn taken(node: &mut Node, key: &str) -> Option<Value> {
    let Value::Map(entries) = &mut node.value else { return None };
    let (_, found) = entries.iter_mut().find(|(name, _)| name.text == key)?;
    Some(std::mem::replace(&mut found.value, Value::Null))
}

/// Hides what a path of `sensitive_attributes` leads to; all of what it cannot be followed into.
fn hide_at(node: &mut Node, path: &[Node], read: &mut Read) {
    let Some((step, rest)) = path.split_first() else {
        hide(node, &mut read.secrets);
        return;
    };
    // `{"type": "get_attr", "value": "x"}` or `{"type": "index", "value": {"value": 0, "type": "number"}}`.
    let value = step.get("value").map(|value| value.get("value").unwrap_or(value));
    let (name, index) = (value.and_then(Node::text), value.and_then(Node::count));
    match &mut node.value {
        Value::Map(entries) => {
            let at = |name: Option<&str>| entries.iter().position(|(key, _)| Some(key.text.as_str()) == name);
            // What may be of any type stands there as `{"value": …, "type": …}`.
            let (found, path) = match at(name.as_deref()) {
                Some(found) => (Some(found), rest),
                None => (at(Some("value")).filter(|_| at(Some("type")).is_some()), path),
            };
            match found.and_then(|found| entries.get_mut(found)) {
                Some((_, inner)) => hide_at(inner, path, read),
                None => hide(node, &mut read.secrets),
            }
        }
        // What is in a set has no index.
        Value::List(items) => match index.and_then(|index| items.get_mut(index as usize)) {
            Some(inner) => hide_at(inner, rest, read),
            None => hide(node, &mut read.secrets),
        },
        _ => hide(node, &mut read.secrets),
    }
}

fn outputs(values: &Node, read: &mut Read) {
    for (_, output) in values.get("outputs").into_iter().flat_map(Node::entries) {
        let secret = output.get("sensitive").and_then(Node::truth) == Some(true);
        if let Some(value) = output.get("value").filter(|_| secret) {
            remember(value, &mut read.secrets);
        }
    }
}

fn empty(node: &Node) -> Node {
    Node { value: Value::Map(Vec::new()), ..node.clone() }
}
