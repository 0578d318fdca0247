//! What a name with its attributes and indices leads to: `var.zones[0]`, `module.net.subnet_ids`, `aws_instance.web[*].id`.
//!
//! A resource stands for a reference to itself without an attribute. An attribute that its block writes is that value; every
//! other one is a reference.

use super::term::{Block, Kind, Step, Term};
use super::world::{Expansion, Form, Repeat, Scope, Target, World, invalid, is_invalid, too_much, why};
use crate::terraform::address::{inside, key_index};
use crate::value::{Key, Node, Value};

impl<'f> World<'f> {
    pub(crate) fn traverse(&mut self, scope: &Scope<'_>, of: &'f Term, steps: &'f [Step]) -> Node {
        let Kind::Name(root) = &of.kind else {
            let node = self.eval(scope, of);
            return self.follow(scope, node, steps);
        };
        if let Some(node) = scope.bound(root) {
            let node = node.clone();
            return self.follow(scope, node, steps);
        }
        let here = scope.node(of, Value::Null);
        let unknown = |what: &str| here.but(Value::Unknown(what.to_owned()));
        let (node, rest) = match (root.as_str(), steps) {
            ("var", [Step::Attribute(name), rest @ ..]) => (self.input(scope.module, name, &here), rest),
            ("local", [Step::Attribute(name), rest @ ..]) => (self.local(scope.module, name, &here), rest),
            ("each" | "count", [Step::Attribute(name), rest @ ..]) => (
                scope.repeated(root, name).map_or_else(
                    || here.but(invalid(format!("`{root}` means nothing here"))),
                    |node| node.clone(),
                ),
                rest,
            ),
            ("path", _) => return unknown("it is a path on the machine that runs Terraform"),
            ("terraform", _) => return unknown("the workspace is only known when Terraform runs"),
            ("self", _) => return unknown("`self` is only known once it is made"),
            ("module", [Step::Attribute(name), rest @ ..]) => self.called(scope, name, rest, &here),
            ("data", [Step::Attribute(kind), Step::Attribute(name), rest @ ..]) => {
                self.declared(scope, &format!("data.{kind}.{name}"), rest, &here)
            }
            (kind, [Step::Attribute(name), rest @ ..]) => {
                self.declared(scope, &format!("{kind}.{name}"), rest, &here)
            }
            _ => return here.but(invalid(format!("nothing is called `{root}`"))),
        };
        self.follow(scope, node, rest)
    }

    /// A resource, and what of the steps is left.
    fn declared(
        &mut self,
        scope: &Scope<'_>,
        name: &str,
        rest: &'f [Step],
        here: &Node,
    ) -> (Node, &'f [Step]) {
        let block = self.folder(scope.module).and_then(|folder| folder.resources.get(name));
        let Some(block) = block else {
            return (here.but(invalid(format!("nothing declares `{name}`"))), &[]);
        };
        let base = inside(self.path(scope.module), name);
        let expansion = self.expand(scope.module, name, block);
        self.pick(scope, &base, &expansion, Some(block), rest, here)
    }

    /// A module call, and what of the steps is left.
    fn called(&mut self, scope: &Scope<'_>, name: &str, rest: &'f [Step], here: &Node) -> (Node, &'f [Step]) {
        let block = self.folder(scope.module).and_then(|folder| folder.calls.get(name));
        let Some(block) = block else {
            return (here.but(invalid(format!("nothing declares `module.{name}`"))), &[]);
        };
        let name = format!("module.{name}");
        let base = inside(self.path(scope.module), &name);
        let expansion = self.expand(scope.module, &name, block);
        for (index, repeat) in &expansion.items {
            let address = format!("{base}{index}");
            if let Some(id) = self.instance(scope.module, &address, block, repeat, expansion.why.as_ref()) {
                self.targets.insert(address, Target::Module(id));
            }
        }
        self.pick(scope, &base, &expansion, None, rest, here)
    }

    /// The instance that an index picks, or all of them.
    fn pick(
        &mut self,
        scope: &Scope<'_>,
        base: &str,
        expansion: &Expansion,
        block: Option<&'f Block>,
        rest: &'f [Step],
        here: &Node,
    ) -> (Node, &'f [Step]) {
        let module = scope.module;
        let one = |world: &mut Self, index: &str, repeat: &Repeat| {
            let address = format!("{base}{index}");
            if let Some(block) = block {
                let target = Target::Resource { module, block, repeat: repeat.clone() };
                world.targets.entry(address.clone()).or_insert(target);
            }
            here.but(Value::Reference(address, String::new()))
        };
        if expansion.why.is_some() {
            self.open.insert(base.to_owned());
        }
        match (expansion.form, rest) {
            (Form::List | Form::Map, [Step::Index(index), rest @ ..]) if expansion.why.is_none() => {
                let index = self.eval(scope, index);
                if why(&index).is_some() {
                    // One of them.
                    return (here.but(Value::Reference(base.to_owned(), String::new())), rest);
                }
                let item = match expansion.form {
                    Form::List => index.count().and_then(|at| expansion.items.get(at as usize)),
                    _ => {
                        let wanted = key_index(&index.text().unwrap_or_default());
                        expansion.items.iter().find(|(index, _)| *index == wanted)
                    }
                };
                match item {
                    Some((index, repeat)) => (one(self, index, repeat), rest),
                    None => (here.but(invalid(format!("`{base}` has no such instance"))), &[]),
                }
            }
            (Form::List | Form::Map, _) if expansion.why.is_none() => {
                if !self.work(expansion.items.len()) {
                    return (here.but(too_much()), &[]);
                }
                let items = expansion.items.iter().map(|(index, repeat)| (repeat, one(self, index, repeat)));
                let items: Vec<(&Repeat, Node)> = items.collect();
                let all = match expansion.form {
                    Form::Map => Value::Map(
                        items
                            .into_iter()
                            .filter_map(|(repeat, node)| {
                                let Repeat::Each { key, .. } = repeat else { return None };
                                Some((Key { text: key.text()?, line: here.line, column: here.column }, node))
                            })
                            .collect(),
                    ),
                    _ => Value::List(items.into_iter().map(|(_, node)| node).collect()),
                };
                (here.but(all), rest)
            }
            _ => match expansion.items.first() {
                Some((index, repeat)) => (one(self, index, repeat), rest),
                None => (here.but(invalid(format!("`{base}` has no instance"))), &[]),
            },
        }
    }

    /// What the steps after a value lead to.
    pub(crate) fn follow(&mut self, scope: &Scope<'_>, mut node: Node, steps: &'f [Step]) -> Node {
        // The resource that the value was taken from: what is not written there, the resource will know itself.
        let mut from: Option<(String, String)> = None;
        for (at, step) in steps.iter().enumerate() {
            let rest = steps.get(at + 1..).unwrap_or_default();
            let before = node.clone();
            node = match step {
                Step::Splat => return self.splat(scope, node, rest),
                Step::Attribute(name) => {
                    match &before.value {
                        Value::Reference(address, attribute) if attribute.is_empty() => {
                            from = Some((address.clone(), name.clone()));
                        }
                        _ => add(&mut from, &format!(".{name}")),
                    }
                    self.attribute(node, name)
                }
                Step::Index(index) => {
                    let index = self.eval(scope, index);
                    add(&mut from, &written(&index));
                    self.index(node, &index)
                }
            };
            if let Some((address, attribute)) = from.as_ref().filter(|_| is_invalid(&node)) {
                node = before.but(Value::Reference(address.clone(), attribute.clone()));
            }
        }
        node
    }

    fn splat(&mut self, scope: &Scope<'_>, node: Node, rest: &'f [Step]) -> Node {
        match &node.value {
            Value::List(items) => {
                let items = items.iter().map(|item| self.follow(scope, item.clone(), rest)).collect();
                node.but(Value::List(items))
            }
            Value::Null => node.but(Value::List(Vec::new())),
            Value::Reference(address, attribute) if attribute.is_empty() && self.open.contains(address) => {
                self.follow(scope, node, rest)
            }
            Value::Reference(address, attribute) if !attribute.is_empty() => {
                let mut attribute = format!("{attribute}[*]");
                for step in rest {
                    match step {
                        Step::Attribute(name) => attribute = format!("{attribute}.{name}"),
                        Step::Index(index) => {
                            let index = self.eval(scope, index);
                            attribute.push_str(&written(&index));
                        }
                        Step::Splat => attribute.push_str("[*]"),
                    }
                }
                node.but(Value::Reference(address.clone(), attribute))
            }
            Value::Unknown(_) | Value::Joined(_) => node,
            _ => {
                let item = self.follow(scope, node.clone(), rest);
                node.but(Value::List(vec![item]))
            }
        }
    }

    fn attribute(&mut self, node: Node, name: &str) -> Node {
        let found = match &node.value {
            Value::Map(_) => {
                return node
                    .get(name)
                    .cloned()
                    .unwrap_or_else(|| node.but(invalid(format!("there is no `{name}`"))));
            }
            Value::Reference(address, attribute) if attribute.is_empty() => {
                return self.member(&address.clone(), name, &node);
            }
            Value::Reference(address, attribute) => {
                Value::Reference(address.clone(), format!("{attribute}.{name}"))
            }
            Value::Unknown(why) => Value::Unknown(why.clone()),
            // The old way to write an index.
            Value::List(items) => match name.parse::<usize>().ok().and_then(|at| items.get(at)) {
                Some(item) => return item.clone(),
                None => invalid(format!("there is no `{name}`")),
            },
            _ => why(&node).map_or_else(|| invalid(format!("there is no `{name}`")), Value::Unknown),
        };
        node.but(found)
    }

    fn index(&mut self, node: Node, index: &Node) -> Node {
        let found = match &node.value {
            Value::Reference(_, attribute) if attribute.is_empty() => {
                // Instances of an unknown number: one of them.
                return match index.str().filter(|_| why(index).is_none()) {
                    Some(name) if matches!(&node.value, Value::Reference(to, _) if !self.open.contains(to)) => {
                        self.attribute(node.clone(), name)
                    }
                    _ => node,
                };
            }
            Value::Reference(address, attribute) => match why(index) {
                Some(why) => Value::Unknown(why),
                None => Value::Reference(address.clone(), format!("{attribute}{}", written(index))),
            },
            _ if why(&node).is_some() || why(index).is_some() => {
                Value::Unknown(why(&node).or_else(|| why(index)).unwrap_or_default())
            }
            Value::List(items) => match index.count().and_then(|at| items.get(at as usize)) {
                Some(item) => return item.clone(),
                None => invalid("there is no such item"),
            },
            Value::Map(_) => match index.text().and_then(|key| node.get(&key)) {
                Some(item) => return item.clone(),
                None => invalid("there is no such key"),
            },
            _ => invalid("an index after no list or map"),
        };
        node.but(found)
    }

    /// An attribute of a resource, or an output of a module.
    fn member(&mut self, address: &str, name: &str, here: &Node) -> Node {
        let node = match self.targets.get(address).cloned() {
            Some(Target::Module(id)) => self.output(id, name, here),
            Some(Target::Resource { module, block, repeat }) => {
                let key = format!("{address}|{name}");
                self.once(key, here.but(Value::Null), |world| {
                    world.argument(module, block, &repeat, name, here)
                })
            }
            None => here.but(Value::Null),
        };
        match node.value {
            Value::Null => here.but(Value::Reference(address.to_owned(), name.to_owned())),
            _ => node,
        }
    }
}

fn add(from: &mut Option<(String, String)>, step: &str) {
    if let Some((_, attribute)) = from {
        attribute.push_str(step);
    }
}

/// An index as it is written.
fn written(index: &Node) -> String {
    match &index.value {
        Value::Number(number) => format!("[{number}]"),
        _ => index.text().map_or_else(|| "[?]".to_owned(), |key| key_index(&key)),
    }
}
