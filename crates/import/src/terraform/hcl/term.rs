//! Terraform's language as we evaluate it, whether it was written as HCL or as JSON.

use std::sync::Arc;

pub(crate) use hcl_edit::expr::{BinaryOperator, UnaryOperator};

use crate::value::{Key, Value};

/// A spot in a file, both from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct At {
    pub(crate) line: u32,
    pub(crate) column: u32,
}

/// What is between the braces of a block, or in a whole file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Body {
    pub(crate) attributes: Vec<(Key, Term)>,
    pub(crate) blocks: Vec<Block>,
}

/// A block: `resource "aws_instance" "web" { … }`.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    pub(crate) kind: String,
    pub(crate) labels: Vec<String>,
    pub(crate) body: Body,
    pub(crate) file: Arc<str>,
    pub(crate) at: At,
}

/// An expression.
#[derive(Clone, Debug)]
pub(crate) struct Term {
    pub(crate) at: At,
    pub(crate) kind: Kind,
}

/// What kind of expression.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    /// `null`, a truth value, a number or a text.
    Literal(Value),
    Template(Vec<Part>),
    List(Vec<Term>),
    Map(Vec<(Term, Term)>),
    /// The beginning of a traversal: `var`, `aws_instance`, or what a `for` binds.
    Name(String),
    Traversal(Box<Term>, Vec<Step>),
    /// The last argument is a list of arguments when the flag is set (`f(x...)`).
    Call(String, Vec<Term>, bool),
    Unary(UnaryOperator, Box<Term>),
    Binary(Box<Term>, BinaryOperator, Box<Term>),
    Conditional(Box<[Term; 3]>),
    For(Box<For>),
}

/// What follows a name.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Attribute(String),
    Index(Term),
    /// `[*]`, or `.*` in the old way.
    Splat,
}

/// `[for key, value in collection : make if only]`, or with `make_key` a map.
#[derive(Clone, Debug)]
pub(crate) struct For {
    pub(crate) key: Option<String>,
    pub(crate) value: String,
    pub(crate) collection: Term,
    pub(crate) make_key: Option<Term>,
    pub(crate) make: Term,
    /// Values of the same key become a list.
    pub(crate) grouping: bool,
    pub(crate) only: Option<Term>,
}

/// A part of a text.
#[derive(Clone, Debug)]
pub(crate) enum Part {
    Text(String),
    Value(Term),
    If(Term, Vec<Part>, Vec<Part>),
    For { key: Option<String>, value: String, collection: Term, parts: Vec<Part> },
}

impl Body {
    pub(crate) fn attribute(&self, name: &str) -> Option<&Term> {
        self.attributes.iter().find(|(key, _)| key.text == name).map(|(_, term)| term)
    }

    pub(crate) fn blocks<'b>(&'b self, kind: &'b str) -> impl Iterator<Item = &'b Block> {
        self.blocks.iter().filter(move |block| block.kind == kind)
    }
}

impl Term {
    /// The text of a plain text.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Literal(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// A truth value as written.
    pub(crate) fn truth(&self) -> Option<bool> {
        match &self.kind {
            Kind::Literal(Value::Bool(truth)) => Some(*truth),
            _ => None,
        }
    }

    /// A name with attributes as written, such as `aws.west`; also in quotes, as old versions wanted it.
    pub(crate) fn dotted(&self) -> Option<String> {
        match &self.kind {
            Kind::Name(name) => Some(name.clone()),
            Kind::Literal(Value::Text(text)) => Some(text.clone()),
            Kind::Traversal(of, steps) => {
                let mut dotted = of.dotted()?;
                for step in steps {
                    let Step::Attribute(name) = step else { return None };
                    dotted.push('.');
                    dotted.push_str(name);
                }
                Some(dotted)
            }
            _ => None,
        }
    }
}
