//! What `terraform show -json` prints of a plan.
//!
//! `planned_values` has what is known, `resource_changes` which attributes are not known before apply, `configuration` where
//! they will come from, and `prior_state` the data sources that were looked up already.

use std::collections::{BTreeMap, BTreeSet};

use crate::terraform::address::split_module;
use crate::terraform::configuration::Configuration;
use crate::terraform::json;
use crate::terraform::read::Read;
use crate::terraform::secret::{hide_marked, remember};
use crate::terraform::state::shown;
use crate::value::{Key, Node, Value};

/// Parts of a plan that say nothing about what will be.
const ASIDE: [&str; 6] = [
    "output_changes",
    "relevant_attributes",
    "resource_drift",
    "checks",
    "deferred_changes",
    "action_invocations",
];

/// Reads the resources of a plan.
pub(crate) fn read(path: &str, text: &str) -> Read {
    let mut read = Read::default();
    let root = match json::read(path, text, &aside) {
        Ok(root) => root,
        Err((origin, why)) => {
            read.unseen(origin, why);
            return read;
        }
    };
    secret_variables(&root, &mut read);
    let configuration = Configuration::of(&root);
    if let Some(values) = root.get("planned_values") {
        shown(values, false, &mut read);
    }
    let planned: BTreeSet<String> = read.resources.iter().map(|found| found.address.clone()).collect();
    if let Some(values) = root.at(&["prior_state", "values"]) {
        shown(values, true, &mut read);
        let mut new = 0;
        read.resources.retain(|found| {
            new += 1;
            new <= planned.len() || !planned.contains(&found.address)
        });
    }
    fill(&root, &configuration, &mut read);
    providers(&root, &configuration, &mut read);
    read.hide_known_secrets();
    read
}

fn aside(depth: usize, key: &str) -> bool {
    match depth {
        1 => ASIDE.contains(&key),
        // Inside `resource_changes[…].change`.
        4 => matches!(key, "before" | "before_sensitive" | "after" | "before_identity" | "after_identity"),
        _ => false,
    }
}

/// Puts in what is not known yet, and takes out what is secret.
fn fill(root: &Node, configuration: &Configuration<'_>, read: &mut Read) {
    let changes = root.get("resource_changes").map(Node::items).unwrap_or_default();
    let changes = changes.iter().filter_map(|item| Some((item.get("address")?.str()?, item.get("change")?)));
    let changes: BTreeMap<&str, &Node> = changes.collect();
    for resource in &mut read.resources {
        let Some(change) = changes.get(resource.address.as_str()) else { continue };
        let (module, _) = split_module(&resource.address);
        let told = configuration.resource(&resource.address);
        let expressions = told.and_then(|told| told.get("expressions"));
        let filling = Filling { configuration, module };
        if let Some(unknown) = change.get("after_unknown") {
            filling.fill(&mut resource.body, unknown, expressions, true);
        }
        if let Some(marks) = change.get("after_sensitive") {
            hide_marked(&mut resource.body, marks, &mut read.secrets);
        }
    }
}

struct Filling<'a, 'n> {
    configuration: &'a Configuration<'n>,
    module: &'a str,
}

impl Filling<'_, '_> {
    /// `unknown` has the shape of `node`, with `true` at what is not known. `whole` is whether `expression` makes just this
    /// node, and not a map around it.
    fn fill(&self, node: &mut Node, unknown: &Node, expression: Option<&Node>, whole: bool) {
        match &unknown.value {
            Value::Bool(true) => *node = self.to_come(node, expression, whole),
            Value::Map(entries) => {
                let Value::Map(known) = &mut node.value else { return };
                let leaf = expression.filter(|all| is_leaf(all));
                let whole = whole && leaf.is_none();
                for (key, unknown) in entries {
                    let inner = leaf.or_else(|| expression?.get(&key.text));
                    match known.iter_mut().find(|(name, _)| name.text == key.text) {
                        Some((_, node)) => self.fill(node, unknown, inner, whole),
                        None if holds_true(unknown) => {
                            let at = inner.unwrap_or(unknown);
                            let mut node = Node { value: blank(unknown), ..at.clone() };
                            self.fill(&mut node, unknown, inner, whole);
                            known.push((
                                Key { text: key.text.clone(), line: at.line, column: at.column },
                                node,
                            ));
                        }
                        None => {}
                    }
                }
            }
            Value::List(marks) => {
                let Value::List(items) = &mut node.value else { return };
                let all_unknown = marks.iter().all(|mark| mark.value == Value::Bool(true));
                let each = expression.filter(|one| whole && is_leaf(one) && all_unknown);
                let each =
                    each.and_then(|one| self.configuration.values(self.module, Some(one), marks.len()));
                if let Some(values) = each {
                    let at = node.clone();
                    node.value =
                        Value::List(values.into_iter().map(|value| Node { value, ..at.clone() }).collect());
                    return;
                }
                for (index, mark) in marks.iter().enumerate() {
                    let inner = expression.and_then(|all| all.items().get(index));
                    if index == items.len() {
                        items.push(Node { value: blank(mark), ..mark.clone() });
                    }
                    if let Some(item) = items.get_mut(index) {
                        self.fill(item, mark, inner, whole);
                    }
                }
            }
            _ => {}
        }
    }

    fn to_come(&self, node: &Node, expression: Option<&Node>, whole: bool) -> Node {
        let at = expression.unwrap_or(node);
        let mut value = self.configuration.value(self.module, expression);
        if let Value::List(items) = &mut value {
            for item in &mut *items {
                *item = Node { value: item.value.clone(), ..at.clone() };
            }
            if !whole {
                value = Value::Unknown("only known after apply".to_owned());
            }
        }
        Node { value, ..at.clone() }
    }
}

/// Whether it is an expression, and not the expressions of a nested block.
fn is_leaf(expression: &Node) -> bool {
    expression.get("references").is_some_and(|names| !names.items().is_empty())
        || expression.get("constant_value").is_some()
}

fn holds_true(unknown: &Node) -> bool {
    match &unknown.value {
        Value::Bool(truth) => *truth,
        Value::List(items) => items.iter().any(holds_true),
        Value::Map(entries) => entries.iter().any(|(_, node)| holds_true(node)),
        _ => false,
    }
}

/// An empty value of the shape of `unknown`.
fn blank(unknown: &Node) -> Value {
    match &unknown.value {
        Value::Map(_) => Value::Map(Vec::new()),
        Value::List(items) => {
            Value::List(items.iter().map(|item| Node { value: blank(item), ..item.clone() }).collect())
        }
        _ => Value::Null,
    }
}

/// Values of variables that are declared sensitive.
fn secret_variables(root: &Node, read: &mut Read) {
    let declared = root.at(&["configuration", "root_module", "variables"]);
    for (name, variable) in declared.into_iter().flat_map(Node::entries) {
        let value = root.at(&["variables", &name.text, "value"]);
        let secret = variable.get("sensitive").and_then(Node::truth) == Some(true);
        if let Some(value) = value.filter(|_| secret || super::secret::is_secret_name(&name.text)) {
            remember(value, &mut read.secrets);
        }
    }
}

fn providers(root: &Node, configuration: &Configuration<'_>, read: &mut Read) {
    let configured = root.at(&["configuration", "provider_config"]);
    for (name, provider) in configured.into_iter().flat_map(Node::entries) {
        let Some(region) = provider.at(&["expressions", "region"]) else { continue };
        let variable = region.get("references").map(Node::items).unwrap_or_default().iter();
        let variable = variable.filter_map(|name| name.str()?.strip_prefix("var.")).next();
        let known = region.get("constant_value");
        let known = known.or_else(|| root.at(&["variables", variable?, "value"]));
        let value = match known {
            Some(known) => known.value.clone(),
            None => Value::Unknown("the plan does not tell the provider's region".to_owned()),
        };
        read.regions.insert(name.text.clone(), Node { value, ..region.clone() });
    }
    for resource in &read.resources {
        let told = configuration.resource(&resource.address);
        if let Some(key) = told.and_then(|told| told.get("provider_config_key")?.str()) {
            read.providers.insert(resource.address.clone(), key.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::terraform::{sample::told, state};

    const PLAN: &str = include_str!("samples/plan/plan.json");

    #[test]
    fn what_a_plan_does_not_know_refers_to_what_it_comes_from() {
        insta::assert_snapshot!(told(&super::read("plan.json", PLAN)));
    }

    #[test]
    fn a_state_file_and_what_terraform_shows_of_it_say_the_same() {
        let file = state::read("s", include_str!("samples/plan/terraform.tfstate"));
        let shown = state::read("s", include_str!("samples/plan/state.json"));
        let addresses = |read: &crate::terraform::read::Read| {
            let mut all: Vec<_> = read.resources.iter().map(|one| one.address.clone()).collect();
            all.sort();
            all
        };
        assert_eq!(addresses(&file), addresses(&shown));
        assert!(file.secrets.contains("hunter2-very") && shown.secrets.contains("hunter2-very"));
        for text in [told(&file), told(&shown)] {
            assert_eq!(text.matches("hunter2").count(), 1, "only among the secrets:\n{text}");
        }
    }
}
