//! The paths of one host: exact ones by hash, prefixes in a tree by the parts between slashes, expressions in a list.

use std::collections::HashMap;
use std::sync::Arc;

use dinghai_estate::whole_expression;
use regex::Regex;
use regex::bytes::Regex as BytesRegex;

use super::{Asks, Conditions};

/// Those that stand at one path, whoever asks most first.
type Here<T> = Vec<(Conditions, T)>;

/// The paths of one host.
#[derive(Debug)]
pub(super) struct Paths<T> {
    exact: HashMap<Box<str>, Here<T>>,
    /// The first one is the root, which is above every path.
    tree: Vec<Node<T>>,
    expressions: Vec<(Arc<Regex>, Here<T>)>,
}

#[derive(Debug)]
struct Node<T> {
    above: Option<usize>,
    below: HashMap<Box<str>, usize>,
    here: Here<T>,
}

impl<T> Default for Paths<T> {
    fn default() -> Self {
        Self { exact: HashMap::new(), tree: vec![Node::under(None)], expressions: vec![] }
    }
}

impl<T> Node<T> {
    fn under(above: Option<usize>) -> Self {
        Self { above, below: HashMap::new(), here: vec![] }
    }
}

impl<T> Paths<T> {
    pub(super) fn enter_exact(&mut self, path: &str, conditions: Conditions, to: T) {
        self.exact.entry(path.into()).or_default().push((conditions, to));
    }

    pub(super) fn enter_prefix(&mut self, path: &str, conditions: Conditions, to: T) {
        let mut at = 0;
        for part in parts(trimmed(path)) {
            let next = self.tree.len();
            let Some(node) = self.tree.get_mut(at) else { return };
            match node.below.get(part) {
                Some(known) => at = *known,
                None => {
                    node.below.insert(part.into(), next);
                    self.tree.push(Node::under(Some(at)));
                    at = next;
                }
            }
        }
        if let Some(node) = self.tree.get_mut(at) {
            node.here.push((conditions, to));
        }
    }

    pub(super) fn enter_expression(
        &mut self,
        path: &str,
        conditions: Conditions,
        to: T,
        expressions: &mut Expressions,
    ) {
        let Some(regex) = expressions.text(path) else { return };
        match self.expressions.iter_mut().find(|(known, _)| Arc::ptr_eq(known, &regex)) {
            Some((_, here)) => here.push((conditions, to)),
            None => self.expressions.push((regex, vec![(conditions, to)])),
        }
    }

    /// Puts those that ask most first; called once all are entered.
    pub(super) fn sort(&mut self) {
        let all = self.exact.values_mut().chain(self.tree.iter_mut().map(|node| &mut node.here));
        for here in all.chain(self.expressions.iter_mut().map(|(_, here)| here)) {
            here.sort_by_key(|(conditions, _)| std::cmp::Reverse(conditions.demands()));
        }
    }

    pub(super) fn find(&self, path: &str, asks: &impl Asks) -> Option<&T> {
        let exact = self.exact.get(path).and_then(|here| first(here, asks));
        exact.or_else(|| self.find_prefix(path, asks)).or_else(|| {
            let mut fitting = self.expressions.iter().filter(|(regex, _)| regex.is_match(path));
            fitting.find_map(|(_, here)| first(here, asks))
        })
    }

    /// Down the tree as far as the path leads, and up again to who takes the request.
    fn find_prefix(&self, path: &str, asks: &impl Asks) -> Option<&T> {
        let mut node = self.tree.first()?;
        for part in parts(path) {
            match node.below.get(part).and_then(|at| self.tree.get(*at)) {
                Some(below) => node = below,
                None => break,
            }
        }
        loop {
            if let Some(found) = first(&node.here, asks) {
                return Some(found);
            }
            node = self.tree.get(node.above?)?;
        }
    }
}

fn first<'h, T>(here: &'h Here<T>, asks: &impl Asks) -> Option<&'h T> {
    here.iter().find(|(conditions, _)| conditions.hold(asks)).map(|(_, to)| to)
}

/// A prefix without the slashes it ends in: `/api/` is `/api`, `/` is nothing.
pub(crate) fn trimmed(prefix: &str) -> &str {
    prefix.trim_end_matches('/')
}

/// What stands between slashes, from the first slash on; nothing for what begins otherwise (`*`).
fn parts(path: &str) -> impl Iterator<Item = &str> {
    path.strip_prefix('/').into_iter().flat_map(|rest| rest.split('/'))
}

/// Compiled expressions by their text: each is compiled once, and a new table takes over those of the one before.
#[derive(Clone, Debug, Default)]
pub(crate) struct Expressions {
    texts: HashMap<Box<str>, Arc<Regex>>,
    bytes: HashMap<Box<str>, Arc<BytesRegex>>,
    before: Option<Arc<Self>>,
}

impl Expressions {
    /// Begins with those of `before` at hand; what is not asked for again is forgotten by [`Expressions::settled`].
    pub(crate) fn after(before: &Arc<Self>) -> Self {
        Self { before: Some(Arc::clone(before)), ..Self::default() }
    }

    /// Only those that were asked for.
    pub(crate) fn settled(self) -> Arc<Self> {
        Arc::new(Self { before: None, ..self })
    }

    /// An expression that a whole path has to fit.
    pub(crate) fn text(&mut self, text: &str) -> Option<Arc<Regex>> {
        if let Some(known) = self.texts.get(text) {
            return Some(Arc::clone(known));
        }
        let known = self.before.as_ref().and_then(|before| before.texts.get(text)).map(Arc::clone);
        let regex = match known {
            Some(known) => known,
            None => Arc::new(whole_expression(text).ok()?),
        };
        self.texts.insert(text.into(), Arc::clone(&regex));
        Some(regex)
    }

    /// An expression that a whole field value has to fit, whatever bytes that has.
    pub(super) fn bytes(&mut self, text: &str) -> Option<Arc<BytesRegex>> {
        if let Some(known) = self.bytes.get(text) {
            return Some(Arc::clone(known));
        }
        let known = self.before.as_ref().and_then(|before| before.bytes.get(text)).map(Arc::clone);
        let regex = match known {
            Some(known) => known,
            None => {
                let whole = whole_expression(text).ok()?;
                Arc::new(BytesRegex::new(whole.as_str()).ok()?)
            }
        };
        self.bytes.insert(text.into(), Arc::clone(&regex));
        Some(regex)
    }
}
