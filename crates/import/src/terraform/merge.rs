//! The same resource from `.tf` files, plan and state as one.
//!
//! What is known beats what is not, and what is secret beats everything. Where two know it, the plan is right before the `.tf`
//! files, since it was made with the values that count, and the state comes last: it is how things were. The line shown is the
//! one in the `.tf` file, since that is what a person would change.

use std::collections::{BTreeMap, BTreeSet};

use crate::terraform::Resource;
use crate::terraform::address::steps;
use crate::terraform::hcl::is_code;
use crate::terraform::secret::{SENSITIVE, remember};
use crate::value::{Node, Value};

/// What was read from each kind of file.
pub(crate) struct Sources {
    pub(crate) code: Vec<Resource>,
    pub(crate) plan: Option<Vec<Resource>>,
    pub(crate) state: Option<Vec<Resource>>,
}

/// One list, by address.
pub(crate) fn resources(sources: Sources, secrets: &mut BTreeSet<String>) -> Vec<Resource> {
    let declared: BTreeSet<String> =
        sources.code.iter().filter(|one| one.repeats.is_none()).map(bare).collect();
    let mut open: BTreeMap<String, Resource> = BTreeMap::new();
    let mut all: BTreeMap<String, Resource> = BTreeMap::new();
    for found in sources.code {
        match found.repeats {
            Some(_) => open.insert(bare(&found), found),
            None => all.insert(found.address.clone(), found),
        };
    }
    let mut listed = BTreeSet::new();
    let planned = sources.plan.is_some();
    for found in sources.plan.unwrap_or_default() {
        let name = bare(&found);
        let known = all.remove(&found.address).or_else(|| open.get(&name).cloned());
        listed.insert(name);
        let found = match known {
            Some(known) => together(found, known, secrets),
            None => found,
        };
        all.insert(found.address.clone(), found);
    }
    for found in sources.state.unwrap_or_default() {
        let name = bare(&found);
        match all.remove(&found.address) {
            Some(known) => {
                let found = together(known, found, secrets);
                all.insert(found.address.clone(), found);
            }
            // It is on its way out: neither the plan nor the files have it any more.
            None if declared.contains(&name) || (planned && !found.data) => {}
            None => {
                let found = match open.get(&name) {
                    Some(known) => together(known.clone(), found, secrets),
                    None => found,
                };
                listed.insert(name);
                all.insert(found.address.clone(), found);
            }
        }
    }
    // Of an unknown number, unless a plan or state counts them.
    all.extend(
        open.into_iter()
            .filter(|(name, _)| !listed.contains(name))
            .map(|(_, one)| (one.address.clone(), one)),
    );
    all.into_values().collect()
}

/// Its address without any index.
fn bare(resource: &Resource) -> String {
    steps(&resource.address).iter().map(|step| step.name).collect::<Vec<_>>().join(".")
}

/// Two tellings of one resource; the first is preferred.
fn together(first: Resource, second: Resource, secrets: &mut BTreeSet<String>) -> Resource {
    let (address, origin) = match (first.repeats.is_some(), is_code(&first.origin.file)) {
        (true, _) => (second.address, first.origin),
        (false, true) => (first.address, first.origin),
        (false, false) if is_code(&second.origin.file) => (first.address, second.origin),
        (false, false) => (first.address, first.origin),
    };
    let body = both(first.body, second.body, secrets);
    Resource { address, data: first.data, kind: first.kind, body, repeats: None, origin }
}

fn both(first: Node, second: Node, secrets: &mut BTreeSet<String>) -> Node {
    let at = if is_code(&second.file) && !is_code(&first.file) {
        second.but(Value::Null)
    } else {
        first.but(Value::Null)
    };
    if is_secret(&first) || is_secret(&second) {
        remember(&first, secrets);
        remember(&second, secrets);
        return at.but(Value::Unknown(SENSITIVE.to_owned()));
    }
    let agree = agrees(&first, &second);
    match (first.value, second.value) {
        (Value::Map(first), Value::Map(mut second)) => {
            let mut entries = Vec::new();
            for (key, node) in first {
                match second.iter().position(|(other, _)| other.text == key.text) {
                    Some(index) => {
                        let (other, with) = second.remove(index);
                        let key = if is_code(&with.file) && !is_code(&node.file) { other } else { key };
                        entries.push((key, both(node, with, secrets)));
                    }
                    None => entries.push((key, node)),
                }
            }
            entries.extend(second);
            at.but(Value::Map(entries))
        }
        (Value::List(first), Value::List(second)) if first.len() == second.len() && agree => {
            let items = first.into_iter().zip(second).map(|(first, second)| both(first, second, secrets));
            at.but(Value::List(items.collect()))
        }
        (first, second) => {
            let value = if rank(&second) > rank(&first) { second } else { first };
            at.but(value)
        }
    }
}

fn is_secret(node: &Node) -> bool {
    matches!(&node.value, Value::Unknown(why) if why == SENSITIVE)
}

/// How much a value tells.
fn rank(value: &Value) -> u8 {
    match value {
        Value::Unknown(_) => 0,
        Value::Null => 1,
        // One of several instances.
        Value::Reference(_, attribute) if attribute.is_empty() => 2,
        Value::Reference(..) => 3,
        Value::Joined(_) => 4,
        Value::List(items) => items.iter().map(|item| rank(&item.value)).min().unwrap_or(6),
        Value::Map(_) | Value::Bool(_) | Value::Number(_) | Value::Text(_) => 6,
    }
}

/// Whether two can be tellings of one: nothing that both know differs. The items of a set may stand in another order.
fn agrees(first: &Node, second: &Node) -> bool {
    match (&first.value, &second.value) {
        (Value::Map(entries), Value::Map(_)) => {
            entries.iter().all(|(key, node)| second.get(&key.text).is_none_or(|other| agrees(node, other)))
        }
        (Value::List(first), Value::List(second)) => {
            first.len() == second.len()
                && first.iter().zip(second).all(|(first, second)| agrees(first, second))
        }
        (
            Value::Bool(_) | Value::Number(_) | Value::Text(_),
            Value::Bool(_) | Value::Number(_) | Value::Text(_),
        ) => first.text() == second.text(),
        _ => true,
    }
}
