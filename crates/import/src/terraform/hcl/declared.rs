//! What variables, locals and outputs are, and how often a resource or module is there.

use std::rc::Rc;
use std::sync::Arc;

use super::convert::convert;
use super::eval::pairs;
use super::term::{Block, Term};
use super::world::{Caller, Expansion, Form, Instance, Repeat, Scope, World, invalid, why};
use crate::terraform::address::key_index;
use crate::terraform::secret::{SENSITIVE, is_secret_name, remember};
use crate::value::{Node, Value};

/// Instances that one `count` or `for_each` may make.
const MOST_INSTANCES: u32 = 10_000;
/// Module instances of a root.
const MOST_MODULES: usize = 5_000;
/// Modules inside each other.
const DEEPEST_MODULES: usize = 32;

impl<'f> World<'f> {
    pub(crate) fn local(&mut self, module: usize, name: &str, here: &Node) -> Node {
        let given = self.folder(module).and_then(|folder| folder.locals.get(name));
        let Some((file, _, term)) = given else {
            return here.but(invalid(format!("nothing declares `local.{name}`")));
        };
        self.once(format!("{module} local.{name}"), here.clone(), |world| {
            let repeat = Repeat::Once;
            world.eval(&Scope { module, file: file.as_str().into(), repeat: &repeat, bound: None }, term)
        })
    }

    /// A variable of a module.
    pub(crate) fn input(&mut self, module: usize, name: &str, here: &Node) -> Node {
        let Some(block) = self.folder(module).and_then(|folder| folder.variables.get(name)) else {
            return here.but(invalid(format!("nothing declares `var.{name}`")));
        };
        self.once(format!("{module} var.{name}"), here.clone(), |world| {
            let node = world.given(module, name, block, here);
            let node = match block.body.attribute("type") {
                Some(kind) => world.typed(module, block, node, kind),
                None => node,
            };
            let secret = block.body.attribute("sensitive").and_then(Term::truth) == Some(true);
            if secret || (is_secret_name(name) && node.str().is_some()) {
                remember(&node, &mut world.secrets);
                return node.but(Value::Unknown(SENSITIVE.to_owned()));
            }
            node
        })
    }

    fn typed(&mut self, module: usize, block: &'f Block, node: Node, kind: &'f Term) -> Node {
        let repeat = Repeat::Once;
        let scope = Scope { module, file: Arc::clone(&block.file), repeat: &repeat, bound: None };
        convert(self, &scope, node, kind, 0)
    }

    fn given(&mut self, module: usize, name: &str, block: &'f Block, here: &Node) -> Node {
        let at = |world: &mut Self, term: &'f Term, file: Arc<str>, module: usize, repeat: &Repeat| {
            world.eval(&Scope { module, file, repeat, bound: None }, term)
        };
        let caller = self.instances.get(module).and_then(|instance| instance.caller.as_ref());
        let caller = caller.map(|caller| (caller.module, caller.block, caller.repeat.clone()));
        let given = match caller {
            Some((outer, call, repeat)) => {
                call.body.attribute(name).map(|term| at(self, term, Arc::clone(&call.file), outer, &repeat))
            }
            None => self
                .folder(module)
                .and_then(|folder| folder.given.get(name))
                .map(|(file, _, term)| at(self, term, file.as_str().into(), module, &Repeat::Once)),
        };
        let nullable = block.body.attribute("nullable").and_then(Term::truth) != Some(false);
        match (given, block.body.attribute("default")) {
            (Some(node), _) if nullable || node.value != Value::Null => node,
            (_, Some(default)) => at(self, default, Arc::clone(&block.file), module, &Repeat::Once),
            _ => {
                let optional = self.folder(module).map(|folder| folder.optional.join("`, `"));
                let hint = optional.filter(|names| !names.is_empty() && module == 0);
                let hint = hint.map_or_else(String::new, |names| {
                    format!(" (Terraform reads `{names}` only when told to, so it was not read)")
                });
                here.but(Value::Unknown(format!("`var.{name}` has no default{hint}")))
            }
        }
    }

    /// An output of a module.
    pub(crate) fn output(&mut self, module: usize, name: &str, here: &Node) -> Node {
        let Some(block) = self.folder(module).and_then(|folder| folder.outputs.get(name)) else {
            return here.but(invalid(format!("the module has no output `{name}`")));
        };
        let Some(term) = block.body.attribute("value") else { return here.clone() };
        self.once(format!("{module} output.{name}"), here.clone(), |world| {
            let repeat = Repeat::Once;
            let scope = Scope { module, file: Arc::clone(&block.file), repeat: &repeat, bound: None };
            let node = world.eval(&scope, term);
            let secret = block.body.attribute("sensitive").and_then(Term::truth) == Some(true);
            match node.value {
                Value::Text(_) if secret => {
                    remember(&node, &mut world.secrets);
                    node.but(Value::Unknown(SENSITIVE.to_owned()))
                }
                _ => node,
            }
        })
    }

    /// How often a resource or module is there. `name` is its address inside the module.
    pub(crate) fn expand(&mut self, module: usize, name: &str, block: &'f Block) -> Rc<Expansion> {
        let key = (module, name.to_owned());
        match self.expansions.get(&key) {
            Some(Some(known)) => return Rc::clone(known),
            Some(None) => {
                return Rc::new(unknown(
                    Form::List,
                    "how often it is there depends on itself".to_owned(),
                    block,
                ));
            }
            None => {}
        }
        self.expansions.insert(key.clone(), None);
        let scope = Scope { module, file: Arc::clone(&block.file), repeat: &Repeat::Once, bound: None };
        let expansion = if let Some(term) = block.body.attribute("count") {
            let count = self.eval(&scope, term);
            counted(&count, block)
        } else if let Some(term) = block.body.attribute("for_each") {
            let each = self.eval(&scope, term);
            for_each(&each, block)
        } else {
            Expansion { form: Form::One, items: vec![(String::new(), Repeat::Once)], why: None }
        };
        let expansion = Rc::new(expansion);
        self.expansions.insert(key, Some(Rc::clone(&expansion)));
        expansion
    }

    /// The instance of a module that a call makes; none when its files are not here.
    pub(crate) fn instance(
        &mut self,
        outer: usize,
        address: &str,
        block: &'f Block,
        repeat: &Repeat,
        why: Option<&String>,
    ) -> Option<usize> {
        if let Some(known) = self.calls.get(address) {
            return *known;
        }
        let caller = self.instances.get(outer)?;
        let source = block.body.attribute("source").and_then(Term::text);
        let path = source.and_then(|source| local(&caller.folder.path, source));
        let folder = path.and_then(|path| self.folders.get(&path)).filter(|folder| {
            let mut deep = 0;
            let mut at = Some(outer);
            while let Some(instance) = at.and_then(|at| self.instances.get(at)) {
                deep += 1;
                if std::ptr::eq(instance.folder, *folder) || deep > DEEPEST_MODULES {
                    return false;
                }
                at = instance.caller.as_ref().map(|caller| caller.module);
            }
            self.instances.len() < MOST_MODULES
        });
        let repeats = caller.repeats.clone().or_else(|| why.cloned());
        let made = folder.map(|folder| {
            let caller = Caller { module: outer, block, repeat: repeat.clone() };
            self.instances.push(Instance { path: address.to_owned(), folder, caller: Some(caller), repeats });
            self.instances.len() - 1
        });
        self.calls.insert(address.to_owned(), made);
        made
    }
}

/// The folder that `./…` or `../…` means; none when the source is no folder.
pub(crate) fn local(folder: &str, source: &str) -> Option<String> {
    let source = source.replace('\\', "/");
    if !source.starts_with("./") && !source.starts_with("../") && source != "." && source != ".." {
        return None;
    }
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    for part in source.split('/') {
        match part {
            "" | "." => {}
            // Above what was given stands nothing that we know, except when the path itself begins with `..`.
            ".." if parts.last().is_none_or(|last| *last == "..") => parts.push(".."),
            ".." => {
                parts.pop();
            }
            name => parts.push(name),
        }
    }
    let rooted = if folder.starts_with('/') { "/" } else { "" };
    Some(format!("{rooted}{}", parts.join("/")))
}

fn counted(count: &Node, block: &Block) -> Expansion {
    let reason = why(count);
    match (reason, count.count()) {
        (Some(reason), _) => unknown(Form::List, format!("its `count` is not known: {reason}"), block),
        (None, Some(many)) if many <= MOST_INSTANCES => {
            let index = |at: u32| Repeat::Count(count.but(Value::Number(f64::from(at))));
            let items = (0..many).map(|at| (format!("[{at}]"), index(at))).collect();
            Expansion { form: Form::List, items, why: None }
        }
        (None, Some(many)) => {
            unknown(Form::List, format!("its `count` is {many}, more than is looked at one by one"), block)
        }
        (None, None) => unknown(Form::List, "its `count` is no number".to_owned(), block),
    }
}

fn for_each(each: &Node, block: &Block) -> Expansion {
    let all = match pairs(each) {
        Ok(all) => all,
        Err(reason) => return unknown(Form::Map, format!("its `for_each` is not known: {reason}"), block),
    };
    if all.len() > MOST_INSTANCES as usize {
        let reason = format!("its `for_each` has {} keys, more than are looked at one by one", all.len());
        return unknown(Form::Map, reason, block);
    }
    let mut items = Vec::new();
    for (key, value) in all {
        // A set's items are their own keys.
        let key = if matches!(each.value, Value::List(_)) { value.clone() } else { key };
        match key.text() {
            Some(text) => {
                items.push((key_index(&text), Repeat::Each { key: key.but(Value::Text(text)), value }))
            }
            None => {
                let reason = why(&key).unwrap_or_else(|| "a key of it is no text".to_owned());
                return unknown(Form::Map, format!("its `for_each` is not known: {reason}"), block);
            }
        }
    }
    Expansion { form: Form::Map, items, why: None }
}

fn unknown(form: Form, why: String, block: &Block) -> Expansion {
    let value = Value::Unknown(why.clone());
    let node = Node { value, file: Arc::clone(&block.file), line: block.at.line, column: block.at.column };
    let repeat = match form {
        Form::Map => Repeat::Each { key: node.clone(), value: node },
        Form::List | Form::One => Repeat::Count(node),
    };
    Expansion { form, items: vec![(String::new(), repeat)], why: Some(why) }
}

impl Scope<'_> {
    /// `count.index`, `each.key` or `each.value`.
    pub(crate) fn repeated(&self, root: &str, name: &str) -> Option<&Node> {
        match (self.repeat, root, name) {
            (Repeat::Count(index), "count", "index") => Some(index),
            (Repeat::Each { key, .. }, "each", "key") => Some(key),
            (Repeat::Each { value, .. }, "each", "value") => Some(value),
            _ => None,
        }
    }
}
