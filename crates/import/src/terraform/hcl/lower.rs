//! Parsed HCL as [`Term`]s that know their line.

use std::ops::Range;
use std::sync::Arc;

use hcl_edit::Span;
use hcl_edit::expr::{Expression, ForExpr, ObjectKey, TraversalOperator};
use hcl_edit::structure;

use super::lines::Lines;
use super::template;
use super::term::{At, Block, Body, For, Kind, Step, Term};
use crate::value::{Key, Value};

/// Where the text that was parsed stands in its file.
pub(crate) struct Lower<'l> {
    pub(crate) file: Arc<str>,
    /// None when everything stands at one spot, as in a text of a JSON file.
    pub(crate) lines: Option<&'l Lines<'l>>,
    /// The byte of the file at which the parsed text begins.
    pub(crate) base: usize,
    /// The line of the last thing that told its spot, for those that do not.
    pub(crate) near: At,
}

impl Lower<'_> {
    pub(crate) fn body(&mut self, body: &structure::Body) -> Body {
        let mut lowered = Body::default();
        for structure in body {
            match structure {
                structure::Structure::Attribute(attribute) => {
                    let At { line, column } = self.at(attribute.key.span().or_else(|| attribute.span()));
                    let key = Key { text: attribute.key.to_string(), line, column };
                    let term = self.term(&attribute.value);
                    lowered.attributes.push((key, term));
                }
                structure::Structure::Block(block) => lowered.blocks.push(self.block(block)),
            }
        }
        lowered
    }

    fn block(&mut self, block: &structure::Block) -> Block {
        let at = self.at(block.ident.span().or_else(|| block.span()));
        let labels = block.labels.iter().map(|label| label.as_str().to_owned()).collect();
        let body = self.body(&block.body);
        Block { kind: block.ident.as_str().to_owned(), labels, body, file: Arc::clone(&self.file), at }
    }

    fn at(&mut self, span: Option<Range<usize>>) -> At {
        if let Some((span, lines)) = span.zip(self.lines) {
            self.near = lines.at(self.base + span.start);
        }
        self.near
    }

    pub(crate) fn term(&mut self, expression: &Expression) -> Term {
        let at = self.at(expression.span());
        let kind = match expression {
            Expression::Null(_) => Kind::Literal(Value::Null),
            Expression::Bool(truth) => Kind::Literal(Value::Bool(**truth)),
            Expression::Number(number) => {
                Kind::Literal(number.value().as_f64().map_or(Value::Null, Value::Number))
            }
            Expression::String(text) => Kind::Literal(Value::Text(text.as_str().to_owned())),
            Expression::Array(items) => Kind::List(items.iter().map(|item| self.term(item)).collect()),
            Expression::Object(object) => Kind::Map(
                object.iter().map(|(key, value)| (self.key(key), self.term(value.expr()))).collect(),
            ),
            Expression::StringTemplate(text) => template::kind(self, text),
            Expression::HeredocTemplate(text) => template::kind(self, &text.template),
            Expression::Parenthesis(inner) => self.term(inner.inner()).kind,
            Expression::Variable(name) => Kind::Name(name.as_str().to_owned()),
            Expression::Conditional(all) => Kind::Conditional(Box::new([
                self.term(&all.cond_expr),
                self.term(&all.true_expr),
                self.term(&all.false_expr),
            ])),
            Expression::FuncCall(call) => {
                let namespace = call.name.namespace.iter().map(|part| format!("{}::", part.as_str()));
                let name = namespace.collect::<String>() + call.name.name.as_str();
                let arguments = call.args.iter().map(|argument| self.term(argument)).collect();
                Kind::Call(name, arguments, call.args.expand_final())
            }
            Expression::Traversal(traversal) => {
                let of = self.term(&traversal.expr);
                let steps = traversal.operators.iter().map(|operator| self.step(operator.value()));
                Kind::Traversal(Box::new(of), steps.collect())
            }
            Expression::UnaryOp(all) => Kind::Unary(*all.operator.value(), Box::new(self.term(&all.expr))),
            Expression::BinaryOp(all) => {
                let (left, right) = (self.term(&all.lhs_expr), self.term(&all.rhs_expr));
                Kind::Binary(Box::new(left), *all.operator.value(), Box::new(right))
            }
            Expression::ForExpr(all) => Kind::For(Box::new(self.each(all))),
        };
        Term { at, kind }
    }

    fn key(&mut self, key: &ObjectKey) -> Term {
        match key {
            ObjectKey::Ident(name) => {
                let at = self.at(name.span());
                Term { at, kind: Kind::Literal(Value::Text(name.as_str().to_owned())) }
            }
            ObjectKey::Expression(expression) => self.term(expression),
        }
    }

    fn step(&mut self, operator: &TraversalOperator) -> Step {
        match operator {
            TraversalOperator::AttrSplat(_) | TraversalOperator::FullSplat(_) => Step::Splat,
            TraversalOperator::GetAttr(name) => Step::Attribute(name.as_str().to_owned()),
            TraversalOperator::Index(expression) => Step::Index(self.term(expression)),
            TraversalOperator::LegacyIndex(index) => {
                let kind = Kind::Literal(Value::Number(**index as f64));
                Step::Index(Term { at: self.near, kind })
            }
        }
    }

    fn each(&mut self, all: &ForExpr) -> For {
        For {
            key: all.intro.key_var.as_ref().map(|name| name.as_str().to_owned()),
            value: all.intro.value_var.as_str().to_owned(),
            collection: self.term(&all.intro.collection_expr),
            make_key: all.key_expr.as_ref().map(|key| self.term(key)),
            make: self.term(&all.value_expr),
            grouping: all.grouping,
            only: all.cond.as_ref().map(|only| self.term(&only.expr)),
        }
    }
}
