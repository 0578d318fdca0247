//! What a file says at some spot, whatever its format: YAML, JSON and HCL all become these nodes.
//!
//! A node knows file, line and column. A value that cannot be worked out from the files is [`Value::Unknown`] with its reason,
//! which travels along: who asks an unknown node for a number gets none, and can ask why.

use std::sync::Arc;

use dinghai_estate::Origin;

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    pub(crate) value: Value,
    pub(crate) file: Arc<str>,
    /// From 1.
    pub(crate) line: u32,
    /// From 1, in characters.
    pub(crate) column: u32,
}

/// What stands there.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// It cannot be worked out from the files; the reason, in a few words.
    Unknown(String),
    /// Nothing.
    Null,
    /// True or false; in YAML it is text.
    Bool(bool),
    /// A number; in YAML it is text.
    Number(f64),
    /// A word or text.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A map, in written order.
    Map(Vec<(Key, Node)>),
    /// What another resource will be: its address, such as `module.net.aws_subnet.a[0]`, and the attribute, such as `id`.
    Reference(String, String),
    /// A text put together from parts of which at least one is not known yet: texts, references and unknowns, in order.
    Joined(Vec<Node>),
}

/// A key of a map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) text: String,
    /// From 1.
    pub(crate) line: u32,
    /// From 1, in characters.
    pub(crate) column: u32,
}

impl Node {
    pub(crate) fn origin(&self) -> Origin {
        Origin { file: self.file.to_string(), line: self.line, column: self.column }
    }

    /// The value of a key; none when this is no map or has no such key.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        self.entries().find(|(name, _)| name.text == key).map(|(_, node)| node)
    }

    /// The value at the end of several keys, each inside the one before it.
    pub(crate) fn at(&self, keys: &[&str]) -> Option<&Self> {
        keys.iter().try_fold(self, |node, key| node.get(key))
    }

    /// The keys of a map with their values; none when this is no map.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&Key, &Self)> {
        let entries = match &self.value {
            Value::Map(entries) => entries.as_slice(),
            _ => &[],
        };
        entries.iter().map(|(key, node)| (key, node))
    }

    /// The nodes of a list; none when this is no list.
    pub(crate) fn items(&self) -> &[Self] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    /// A text, number or truth value as text.
    pub(crate) fn text(&self) -> Option<String> {
        match &self.value {
            Value::Text(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(truth) => Some(truth.to_string()),
            _ => None,
        }
    }

    /// A text as it stands.
    pub(crate) fn str(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A number, also when it is written as text.
    pub(crate) fn number(&self) -> Option<f64> {
        match &self.value {
            Value::Number(number) => Some(*number),
            Value::Text(text) => text.trim().parse().ok(),
            _ => None,
        }
    }

    /// A whole number of at least 0, also when it is written as text.
    pub(crate) fn count(&self) -> Option<u32> {
        let number = self.number().filter(|number| number.fract() == 0.0 && *number >= 0.0)?;
        (number <= f64::from(u32::MAX)).then_some(number as u32)
    }

    /// True or false, also when it is written as text.
    pub(crate) fn truth(&self) -> Option<bool> {
        match &self.value {
            Value::Bool(truth) => Some(*truth),
            Value::Text(text) => match text.as_str() {
                "true" | "True" | "TRUE" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => Some(true),
                "false" | "False" | "FALSE" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => Some(false),
                _ => None,
            },
            _ => None,
        }
    }

    /// Why it cannot be worked out, when that is so.
    pub(crate) fn unknown(&self) -> Option<&str> {
        match &self.value {
            Value::Unknown(why) => Some(why),
            Value::Joined(parts) => {
                let why = parts.iter().find_map(|part| match &part.value {
                    Value::Unknown(why) => Some(why.as_str()),
                    _ => None,
                });
                Some(why.unwrap_or("a part of it is only known once it is made"))
            }
            _ => None,
        }
    }
}
