//! The `configuration` part of a plan: what an attribute that is not known yet will be taken from.
//!
//! It tells only which names an expression mentions, not what it does with them. So an attribute whose expression mentions one
//! resource becomes a reference to it, several resources and nothing else a list of references, and everything else stays
//! unknown. Module inputs and outputs are followed. Where an expression picks one of several instances by `count.index` or
//! `each.key`, the reference has no index and no attribute: it is one of them.

use std::collections::BTreeMap;

use crate::terraform::address::{Step, inside, split_module, steps, without_index};
use crate::value::{Node, Value};

/// Module inputs and outputs followed in a row, at most.
const LONGEST: usize = 32;
/// Names looked up for one attribute, at most.
const MOST: usize = 1_000;

/// What one module's configuration says; found by the names of the module calls that lead to it.
pub(crate) struct Configuration<'n> {
    modules: BTreeMap<Vec<String>, Module<'n>>,
}

struct Module<'n> {
    node: &'n Node,
    resources: BTreeMap<&'n str, &'n Node>,
}

/// What the names of an expression lead to.
#[derive(Default)]
struct Found {
    references: Vec<(String, String)>,
    /// Something is picked by `count.index` or `each.key`.
    picked: bool,
    other: Option<String>,
    looked: usize,
}

impl<'n> Configuration<'n> {
    pub(crate) fn of(plan: &'n Node) -> Self {
        let mut modules = BTreeMap::new();
        let root = plan.at(&["configuration", "root_module"]);
        let mut open: Vec<(Vec<String>, &Node)> = root.map(|node| (Vec::new(), node)).into_iter().collect();
        while let Some((names, node)) = open.pop() {
            for (name, call) in node.get("module_calls").into_iter().flat_map(Node::entries) {
                if let Some(module) = call.get("module") {
                    let mut names = names.clone();
                    names.push(name.text.clone());
                    open.push((names, module));
                }
            }
            let resources = node.get("resources").map(Node::items).unwrap_or_default();
            let resources =
                resources.iter().filter_map(|item| Some((item.get("address")?.str()?, item))).collect();
            modules.insert(names, Module { node, resources });
        }
        Self { modules }
    }

    /// What the configuration says about a resource.
    pub(crate) fn resource(&self, address: &str) -> Option<&'n Node> {
        let (module, rest) = split_module(address);
        self.module(module)?.resources.get(without_index(rest)).copied()
    }

    fn module(&self, path: &str) -> Option<&Module<'n>> {
        self.modules.get(&names(path))
    }

    /// What an attribute will be, whose expression in the module at `path` is `expression`.
    pub(crate) fn value(&self, path: &str, expression: Option<&Node>) -> Value {
        let mut found = Found::default();
        if let Some(expression) = expression {
            self.expression(path, expression, &mut found, 0);
        }
        found.value()
    }

    /// As [`Configuration::value`], for a list of so many items.
    pub(crate) fn values(&self, path: &str, expression: Option<&Node>, count: usize) -> Option<Vec<Value>> {
        match self.value(path, expression) {
            Value::List(items) if items.len() == count => {
                Some(items.into_iter().map(|item| item.value).collect())
            }
            one @ Value::Reference(..) if count == 1 => Some(vec![one]),
            _ => None,
        }
    }

    fn expression(&self, path: &str, expression: &Node, found: &mut Found, depth: usize) {
        let mut longer: Option<&str> = None;
        for name in expression.get("references").map(Node::items).unwrap_or_default() {
            let Some(name) = name.str() else { continue };
            // Terraform lists `a.b.id` and after it `a.b`.
            if longer.is_some_and(|longer| is_prefix(name, longer)) {
                continue;
            }
            longer = Some(name);
            self.name(path, name, found, depth);
        }
    }

    fn name(&self, path: &str, name: &str, found: &mut Found, depth: usize) {
        found.looked += 1;
        if depth > LONGEST || found.looked > MOST {
            found.other.get_or_insert_with(|| "it is taken from too far away".to_owned());
            return;
        }
        let parts = steps(name);
        match parts.as_slice() {
            [Step { name: "count" | "each", .. }, ..] => found.picked = true,
            [Step { name: "var", .. }, input, ..] => match self.input(path, input.name) {
                Some((outer, expression)) => self.expression(&outer, expression, found, depth + 1),
                None => found.other(name),
            },
            [Step { name: "module", .. }, call, output, ..] => {
                let inner = inside(path, &format!("module.{}", call.whole));
                let module = self.module(&inner);
                match module.and_then(|module| module.node.at(&["outputs", output.name, "expression"])) {
                    Some(expression) => self.expression(&inner, expression, found, depth + 1),
                    None => found.other(name),
                }
            }
            [Step { name: "local" | "path" | "terraform" | "self" | "module", .. }, ..] => found.other(name),
            [Step { name: "data", .. }, kind, named, rest @ ..] => {
                found.reference(path, &format!("data.{}.{}", kind.name, named.whole), rest);
            }
            [kind, named, rest @ ..] => {
                found.reference(path, &format!("{}.{}", kind.name, named.whole), rest)
            }
            _ => found.other(name),
        }
    }

    /// The expression by which the caller of the module at `path` gives an input, and the caller's path.
    fn input(&self, path: &str, name: &str) -> Option<(String, &'n Node)> {
        let all = steps(path);
        let (call, outer) = all.split_last().and_then(|(call, rest)| Some((call, rest.split_last()?.1)))?;
        let outer = outer.iter().map(|step| step.whole).collect::<Vec<_>>().join(".");
        let module = self.module(&outer)?;
        let expression = module.node.at(&["module_calls", call.name, "expressions", name])?;
        Some((outer, expression))
    }
}

impl Found {
    fn other(&mut self, name: &str) {
        self.other.get_or_insert_with(|| format!("it is taken from `{name}`, which the plan does not tell"));
    }

    fn reference(&mut self, path: &str, address: &str, rest: &[Step<'_>]) {
        let attribute = rest.iter().map(|step| step.whole).collect::<Vec<_>>().join(".");
        let reference = (inside(path, address), attribute);
        if !self.references.contains(&reference) {
            self.references.push(reference);
        }
    }

    fn value(mut self) -> Value {
        let unknown = || Value::Unknown("only known after apply".to_owned());
        match (self.references.len(), self.other) {
            (1, None) => self.references.pop().map_or_else(unknown, |(to, what)| Value::Reference(to, what)),
            (2.., None) if !self.picked => {
                let items = self.references.into_iter().map(|(to, what)| Node {
                    value: Value::Reference(to, what),
                    file: "".into(),
                    line: 0,
                    column: 0,
                });
                Value::List(items.collect())
            }
            (0, Some(why)) => Value::Unknown(why),
            _ => unknown(),
        }
    }
}

/// The names of the module calls in a module's path.
fn names(path: &str) -> Vec<String> {
    steps(path).chunks(2).filter_map(|pair| pair.get(1).map(|step| step.name.to_owned())).collect()
}

fn is_prefix(shorter: &str, longer: &str) -> bool {
    longer.strip_prefix(shorter).is_some_and(|rest| rest.starts_with(['.', '[']) || rest.is_empty())
}
