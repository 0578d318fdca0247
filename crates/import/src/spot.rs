//! Where in a file something stands, and making nodes that keep that.

use dinghai_estate::Origin;

use crate::value::{Key, Node, Value};

impl Key {
    /// Where the key stands, given what it holds: a key and its value are in one file.
    pub(crate) fn origin(&self, of: &Node) -> Origin {
        Origin { file: of.file.to_string(), line: self.line, column: self.column }
    }
}

impl Node {
    /// Where the key of a map stands; where the map stands when it has no such key.
    pub(crate) fn origin_of(&self, key: &str) -> Origin {
        let entry = self.entries().find(|(name, _)| name.text == key);
        entry.map_or_else(|| self.origin(), |(key, node)| key.origin(node))
    }

    /// Where the last of several keys stands, each inside the one before it; where the way breaks off when one is missing.
    pub(crate) fn origin_at(&self, keys: &[&str]) -> Origin {
        match keys {
            [] => self.origin(),
            [last] => self.origin_of(last),
            [first, rest @ ..] => self.get(first).map_or_else(|| self.origin(), |node| node.origin_at(rest)),
        }
    }

    /// Another value at the same spot.
    pub(crate) fn with(&self, value: Value) -> Self {
        Self { value, file: self.file.clone(), line: self.line, column: self.column }
    }

    /// The texts of a list, or the one text that stands in its place.
    pub(crate) fn texts(&self) -> Vec<String> {
        match &self.value {
            Value::List(items) => items.iter().filter_map(Self::text).collect(),
            _ => self.text().into_iter().collect(),
        }
    }

    /// Whether anything is said here: a list or map with something in it, or any value but null.
    pub(crate) fn says_something(&self) -> bool {
        match &self.value {
            Value::Null => false,
            Value::List(items) => !items.is_empty(),
            Value::Map(entries) => !entries.is_empty(),
            _ => true,
        }
    }
}
