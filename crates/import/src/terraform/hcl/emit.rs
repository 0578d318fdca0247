//! The resources of a root, with everything in them worked out.

use std::sync::Arc;

use dinghai_estate::{Origin, Unseen};

use super::eval::pairs;
use super::term::{Block, Body, Kind, Term};
use super::world::{Bound, Repeat, Scope, World};
use crate::terraform::Resource;
use crate::terraform::address::inside;
use crate::terraform::read::Read;
use crate::terraform::secret::hide_named;
use crate::value::{Key, Node, Value};

/// Resources of a root.
const MOST: usize = 20_000;

/// Blocks that say how Terraform goes about it, and not what will be.
const ASIDE: [&str; 3] = ["provisioner", "connection", "timeouts"];

const KEY: &str = "the key of a set is its item and that of a list its index, and which it is is not known";

impl<'f> World<'f> {
    /// Puts everything that the root and its modules declare into `read`.
    pub(crate) fn emit(&mut self, read: &mut Read) {
        let mut open = vec![0];
        while let Some(module) = open.pop() {
            let Some(folder) = self.folder(module) else { continue };
            for (name, block) in &folder.resources {
                self.resource(module, name, block, read);
            }
            for (name, block) in &folder.calls {
                let key = format!("module.{name}");
                let base = inside(self.path(module), &key);
                let expansion = self.expand(module, &key, block);
                for (index, repeat) in &expansion.items {
                    let address = format!("{base}{index}");
                    match self.instance(module, &address, block, repeat, expansion.why.as_ref()) {
                        Some(id) => open.push(id),
                        None => {
                            read.absent.insert(address, missing(name, block));
                        }
                    }
                }
            }
            self.providers(module, read);
        }
        read.unseen.append(&mut self.unseen);
        read.secrets.append(&mut self.secrets);
    }

    fn resource(&mut self, module: usize, name: &str, block: &'f Block, read: &mut Read) {
        let expansion = self.expand(module, name, block);
        let base = inside(self.path(module), name);
        let inherited = self.instances.get(module).and_then(|instance| instance.repeats.clone());
        let provider = self.provider(module, block);
        for (index, repeat) in &expansion.items {
            if read.resources.len() >= MOST {
                self.note(
                    origin(block),
                    format!("there are more than {MOST} resources; the others were left out"),
                );
                return;
            }
            let scope = Scope { module, file: Arc::clone(&block.file), repeat, bound: None };
            let mut body = self.body(&scope, &block.body, block);
            hide_named(&mut body, &mut self.secrets);
            let address = format!("{base}{index}");
            read.providers.insert(address.clone(), provider.clone());
            read.resources.push(Resource {
                address,
                data: block.kind == "data",
                kind: block.labels.first().cloned().unwrap_or_default(),
                body,
                repeats: expansion.why.clone().or_else(|| inherited.clone()),
                origin: origin(block),
            });
        }
    }

    /// An argument of a resource: what is written, or nothing.
    pub(crate) fn argument(
        &mut self,
        module: usize,
        block: &'f Block,
        repeat: &Repeat,
        name: &str,
        here: &Node,
    ) -> Node {
        let scope = Scope { module, file: Arc::clone(&block.file), repeat, bound: None };
        match block.body.attribute(name) {
            Some(term) => self.eval(&scope, term),
            None => {
                let nested = self.nested(&scope, &block.body, name);
                if nested.is_empty() { here.but(Value::Null) } else { here.but(Value::List(nested)) }
            }
        }
    }

    fn body(&mut self, scope: &Scope<'_>, body: &'f Body, block: &'f Block) -> Node {
        let mut entries: Vec<(Key, Node)> = Vec::new();
        for (key, term) in &body.attributes {
            let node = match key.text.as_str() {
                "count" | "for_each" => continue,
                "provider" => match term.dotted() {
                    Some(name) => scope.node(term, Value::Text(name)),
                    None => continue,
                },
                // Names that nobody needs to follow.
                "ignore_changes" | "replace_triggered_by" | "precondition" | "postcondition" => continue,
                _ => self.eval(scope, term),
            };
            entries.push((key.clone(), node));
        }
        for nested in &body.blocks {
            let kind = nested_kind(nested);
            if ASIDE.contains(&kind) || entries.iter().any(|(key, _)| key.text == kind) {
                continue;
            }
            let items = self.nested(scope, body, kind);
            let key = Key { text: kind.to_owned(), line: nested.at.line, column: nested.at.column };
            let node = Node {
                value: Value::List(items),
                file: Arc::clone(&nested.file),
                line: nested.at.line,
                column: nested.at.column,
            };
            entries.push((key, node));
        }
        Node {
            value: Value::Map(entries),
            file: Arc::clone(&block.file),
            line: block.at.line,
            column: block.at.column,
        }
    }

    /// All nested blocks of a kind, with dynamic ones.
    fn nested(&mut self, scope: &Scope<'_>, body: &'f Body, kind: &str) -> Vec<Node> {
        let mut items = Vec::new();
        for block in &body.blocks {
            if nested_kind(block) != kind {
                continue;
            }
            if block.kind != "dynamic" {
                items.push(self.body(scope, &block.body, block));
                continue;
            }
            let Some(each) = block.body.attribute("for_each") else { continue };
            let Some(content) = block.body.blocks("content").next() else { continue };
            let iterator = block.body.attribute("iterator").and_then(Term::dotted);
            let iterator = iterator.as_deref().unwrap_or(kind);
            let each = self.eval(scope, each);
            match pairs(&each) {
                Ok(pairs) => {
                    for (key, value) in pairs {
                        if !self.work(1) {
                            break;
                        }
                        // A set and a list look the same here, and their keys differ.
                        let ambiguous = matches!(each.value, Value::List(_)) && value.text().is_some();
                        let key = if ambiguous { key.but(Value::Unknown(KEY.to_owned())) } else { key };
                        let word =
                            |text: &str| Key { text: text.to_owned(), line: each.line, column: each.column };
                        let node = each.but(Value::Map(vec![(word("key"), key), (word("value"), value)]));
                        let bound = Bound { name: iterator, node, outer: scope.bound };
                        let scope = Scope { bound: Some(&bound), ..scope.clone() };
                        items.push(self.body(&scope, &content.body, content));
                    }
                }
                Err(reason) => items.push(each.but(Value::Unknown(reason))),
            }
        }
        items
    }

    /// The provider configurations of a module.
    fn providers(&mut self, module: usize, read: &mut Read) {
        let Some(folder) = self.folder(module) else { return };
        for (name, block) in &folder.providers {
            let Some(term) = block.body.attribute("region") else { continue };
            let scope = Scope { module, file: Arc::clone(&block.file), repeat: &Repeat::Once, bound: None };
            let region = self.eval(&scope, term);
            let path = self.path(module);
            let key = if path.is_empty() { name.clone() } else { format!("{path}:{name}") };
            read.regions.insert(key, region);
        }
    }

    /// The provider configuration that a resource uses, by its name in the root.
    fn provider(&self, module: usize, block: &Block) -> String {
        let named = block.body.attribute("provider").and_then(Term::dotted);
        let kind = block.labels.first().map_or("", String::as_str);
        let mut name = named.unwrap_or_else(|| kind.split('_').next().unwrap_or_default().to_owned());
        let mut at = self.instances.get(module);
        while let Some(instance) = at {
            let Some(caller) = &instance.caller else { break };
            let own = instance.folder.providers.get(&name);
            if own.is_some_and(|own| own.body.attribute("region").is_some()) {
                return format!("{}:{name}", instance.path);
            }
            if let Some(Term { kind: Kind::Map(passed), .. }) = caller.block.body.attribute("providers") {
                let given = passed.iter().find(|(inner, _)| inner.dotted().as_deref() == Some(name.as_str()));
                if let Some(outer) = given.and_then(|(_, outer)| outer.dotted()) {
                    name = outer;
                }
            }
            at = self.instances.get(caller.module);
        }
        name
    }
}

fn missing(name: &str, block: &Block) -> Unseen {
    let source =
        block.body.attribute("source").and_then(Term::text).unwrap_or("a source that is not written out");
    // A source may hold a token.
    let source = source.rsplit_once('@').map_or(source, |(_, rest)| rest);
    let what = format!(
        "module `{name}` comes from `{source}`, which is not among these files; run `terraform show -json` of a plan and check that"
    );
    Unseen { origin: origin(block), what }
}

fn nested_kind(block: &Block) -> &str {
    match (block.kind.as_str(), block.labels.first()) {
        ("dynamic", Some(kind)) => kind,
        (kind, _) => kind,
    }
}

fn origin(block: &Block) -> Origin {
    Origin { file: block.file.to_string(), line: block.at.line, column: block.at.column }
}
