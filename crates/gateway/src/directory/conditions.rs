//! What an entry asks beside host and path, made ready to be looked at.

use std::sync::Arc;

use dinghai_estate::{HeaderWants, When};
use regex::bytes::Regex as BytesRegex;

use super::Asks;
use super::paths::Expressions;

/// The conditions of one entry.
#[derive(Debug)]
pub(crate) struct Conditions {
    methods: Box<[Box<str>]>,
    headers: Box<[(Box<str>, Wants)]>,
}

#[derive(Debug)]
enum Wants {
    Exact(Box<[u8]>),
    Prefix(Box<[u8]>),
    Regex(Arc<BytesRegex>),
    Present,
    Absent,
}

impl Conditions {
    /// None when an expression of theirs cannot be compiled, which the estate's own check has ruled out: what cannot be
    /// judged is not let through.
    pub(super) fn of(when: &When, expressions: &mut Expressions) -> Option<Self> {
        let headers = when.headers.iter().map(|rule| {
            let wants = match &rule.wants {
                HeaderWants::Exact(value) => Wants::Exact(value.as_bytes().into()),
                HeaderWants::Prefix(value) => Wants::Prefix(value.as_bytes().into()),
                HeaderWants::Regex(text) => Wants::Regex(expressions.bytes(text)?),
                HeaderWants::Present => Wants::Present,
                HeaderWants::Absent => Wants::Absent,
            };
            Some((rule.name.as_str().into(), wants))
        });
        Some(Self {
            methods: when.methods.iter().map(|method| method.as_str().into()).collect(),
            headers: headers.collect::<Option<_>>()?,
        })
    }

    /// How much they ask.
    pub(super) fn demands(&self) -> usize {
        self.headers.len() + usize::from(!self.methods.is_empty())
    }

    /// Whether they hold.
    pub(super) fn hold(&self, asks: &impl Asks) -> bool {
        let by_method =
            self.methods.is_empty() || self.methods.iter().any(|method| **method == *asks.method());
        by_method && self.headers.iter().all(|(name, wants)| wants.hold(name, asks))
    }
}

impl Wants {
    fn hold(&self, name: &str, asks: &impl Asks) -> bool {
        match self {
            Self::Exact(wanted) => asks.any_value(name, &mut |value| *value == **wanted),
            Self::Prefix(wanted) => asks.any_value(name, &mut |value| value.starts_with(wanted)),
            Self::Regex(wanted) => asks.any_value(name, &mut |value| wanted.is_match(value)),
            Self::Present => asks.any_value(name, &mut |_| true),
            Self::Absent => !asks.any_value(name, &mut |_| true),
        }
    }
}
