//! All module instances of a root, and what has been worked out about them.
//!
//! Everything is worked out when it is first asked for and kept. What is asked for while it is being worked out refers to itself,
//! and is unknown. A budget of steps and a limit on depth see to it that hostile files end.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::rc::Rc;
use std::sync::Arc;

use dinghai_estate::{Origin, Unseen};

use super::folder::Folder;
use super::term::{Block, Term};
use crate::value::{Node, Value};

/// Begins the reason of what Terraform itself would refuse; `try` goes on to its next argument then.
pub(crate) const INVALID: &str = "not valid: ";

/// Steps of evaluation for a whole root.
const STEPS: u64 = 10_000_000;
/// Parts of one value.
const LARGEST: usize = 100_000;

/// One call of a module, or the root.
pub(crate) struct Instance<'f> {
    /// `module.shop["eu"]`; empty for the root.
    pub(crate) path: String,
    pub(crate) folder: &'f Folder,
    pub(crate) caller: Option<Caller<'f>>,
    /// Why there may be more or fewer of it.
    pub(crate) repeats: Option<String>,
}

pub(crate) struct Caller<'f> {
    pub(crate) module: usize,
    pub(crate) block: &'f Block,
    pub(crate) repeat: Repeat,
}

/// What `count.index` and `each` stand for.
#[derive(Clone, Debug)]
pub(crate) enum Repeat {
    Once,
    Count(Node),
    Each { key: Node, value: Node },
}

/// The instances that `count` or `for_each` makes, each with its index as it stands in an address.
pub(crate) struct Expansion {
    pub(crate) form: Form,
    pub(crate) items: Vec<(String, Repeat)>,
    /// Why it is not known how many there are; then there is one item without an index.
    pub(crate) why: Option<String>,
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Form {
    One,
    List,
    Map,
}

/// What an address leads to.
#[derive(Clone)]
pub(crate) enum Target<'f> {
    Resource { module: usize, block: &'f Block, repeat: Repeat },
    Module(usize),
}

/// The names that an expression may use.
#[derive(Clone)]
pub(crate) struct Scope<'s> {
    pub(crate) module: usize,
    pub(crate) file: Arc<str>,
    pub(crate) repeat: &'s Repeat,
    pub(crate) bound: Option<&'s Bound<'s>>,
}

/// A name that a `for` or a dynamic block binds.
pub(crate) struct Bound<'s> {
    pub(crate) name: &'s str,
    pub(crate) node: Node,
    pub(crate) outer: Option<&'s Bound<'s>>,
}

pub(crate) struct World<'f> {
    pub(crate) folders: &'f BTreeMap<String, Folder>,
    pub(crate) instances: Vec<Instance<'f>>,
    /// What is worked out, with its size; none while it is being worked out.
    pub(crate) kept: HashMap<String, Option<(Node, usize)>>,
    pub(crate) expansions: HashMap<(usize, String), Option<Rc<Expansion>>>,
    pub(crate) calls: HashMap<String, Option<usize>>,
    pub(crate) targets: HashMap<String, Target<'f>>,
    /// Addresses that stand for an unknown number of instances.
    pub(crate) open: HashSet<String>,
    pub(crate) secrets: BTreeSet<String>,
    pub(crate) unseen: Vec<Unseen>,
    pub(crate) depth: usize,
    steps: u64,
}

impl<'f> World<'f> {
    pub(crate) fn new(folders: &'f BTreeMap<String, Folder>, root: &'f Folder) -> Self {
        let root = Instance { path: String::new(), folder: root, caller: None, repeats: None };
        Self {
            folders,
            instances: vec![root],
            kept: HashMap::new(),
            expansions: HashMap::new(),
            calls: HashMap::new(),
            targets: HashMap::new(),
            open: HashSet::new(),
            secrets: BTreeSet::new(),
            unseen: Vec::new(),
            depth: 0,
            steps: 0,
        }
    }

    /// Counts work; false when there has been too much of it.
    pub(crate) fn work(&mut self, steps: usize) -> bool {
        self.steps = self.steps.saturating_add(steps as u64);
        self.steps <= STEPS
    }

    pub(crate) fn path(&self, module: usize) -> &str {
        self.instances.get(module).map_or("", |instance| instance.path.as_str())
    }

    pub(crate) fn folder(&self, module: usize) -> Option<&'f Folder> {
        self.instances.get(module).map(|instance| instance.folder)
    }

    /// Works something out once.
    pub(crate) fn once(&mut self, key: String, at: Node, work: impl FnOnce(&mut Self) -> Node) -> Node {
        match self.kept.get(&key) {
            Some(Some((_, size))) => {
                let size = *size;
                if !self.work(size) {
                    return at.but(too_much());
                }
                let kept = self.kept.get(&key).and_then(Option::as_ref);
                return kept.map_or(at, |(node, _)| node.clone());
            }
            Some(None) => return at.but(Value::Unknown("it refers to itself".to_owned())),
            None => {}
        }
        self.kept.insert(key.clone(), None);
        let mut node = work(self);
        let size = size(&node);
        if size > LARGEST || !self.work(size) {
            node = at.but(too_much());
        }
        self.kept.insert(key, Some((node.clone(), size)));
        node
    }

    pub(crate) fn note(&mut self, origin: Origin, what: String) {
        let unseen = Unseen { origin, what };
        if !self.unseen.contains(&unseen) {
            self.unseen.push(unseen);
        }
    }
}

/// Why everything else is unknown once the budget is spent.
pub(crate) fn too_much() -> Value {
    Value::Unknown("these files take more work than is spent on working values out".to_owned())
}

/// How many nodes it is.
pub(crate) fn size(node: &Node) -> usize {
    match &node.value {
        Value::List(items) | Value::Joined(items) => 1 + items.iter().map(size).sum::<usize>(),
        Value::Map(entries) => 1 + entries.iter().map(|(_, node)| size(node)).sum::<usize>(),
        Value::Text(text) => 1 + text.len() / 64,
        _ => 1,
    }
}

/// Why a value is not known; none when it is, at least at its outside.
pub(crate) fn why(node: &Node) -> Option<String> {
    match &node.value {
        Value::Unknown(why) => Some(why.clone()),
        Value::Reference(address, attribute) if attribute.is_empty() => {
            Some(format!("`{address}` is not known yet"))
        }
        Value::Reference(address, attribute) => {
            Some(format!("`{address}.{attribute}` is only known once it is made"))
        }
        Value::Joined(parts) => parts.iter().find_map(why),
        _ => None,
    }
}

/// Why anything in it is not known.
pub(crate) fn why_deep(node: &Node) -> Option<String> {
    match &node.value {
        Value::List(items) => items.iter().find_map(why_deep),
        Value::Map(entries) => entries.iter().find_map(|(_, node)| why_deep(node)),
        _ => why(node),
    }
}

/// Something that Terraform would refuse.
pub(crate) fn invalid(what: impl AsRef<str>) -> Value {
    Value::Unknown(format!("{INVALID}{}", what.as_ref()))
}

pub(crate) fn is_invalid(node: &Node) -> bool {
    matches!(&node.value, Value::Unknown(why) if why.starts_with(INVALID))
}

impl Node {
    /// Another value at the same spot.
    pub(crate) fn but(&self, value: Value) -> Self {
        Self { value, file: Arc::clone(&self.file), line: self.line, column: self.column }
    }
}

impl Scope<'_> {
    /// A value at the spot of an expression.
    pub(crate) fn node(&self, term: &Term, value: Value) -> Node {
        Node { value, file: Arc::clone(&self.file), line: term.at.line, column: term.at.column }
    }

    pub(crate) fn bound(&self, name: &str) -> Option<&Node> {
        let mut bound = self.bound;
        while let Some(inner) = bound {
            if inner.name == name {
                return Some(&inner.node);
            }
            bound = inner.outer;
        }
        None
    }
}
