//! What an expression gives.

use super::function;
use super::operator;
use super::term::{For, Kind, Part, Term};
use super::world::{Bound, Scope, World, invalid, is_invalid, too_much, why};
use crate::terraform::secret::{SENSITIVE, remember};
use crate::value::{Key, Node, Value};

/// Expressions inside each other, through locals and modules too, at most.
const DEEPEST: usize = 400;
/// Longer texts are not put together.
const LONGEST: usize = 1 << 20;

impl<'f> World<'f> {
    pub(crate) fn eval(&mut self, scope: &Scope<'_>, term: &'f Term) -> Node {
        let value = if self.depth >= DEEPEST {
            Value::Unknown("it is nested too deep to be worked out".to_owned())
        } else if !self.work(1) {
            too_much()
        } else {
            self.depth += 1;
            let value = self.value(scope, term);
            self.depth -= 1;
            value
        };
        scope.node(term, value)
    }

    fn value(&mut self, scope: &Scope<'_>, term: &'f Term) -> Value {
        match &term.kind {
            Kind::Literal(value) => value.clone(),
            Kind::Template(parts) => {
                let mut made = Vec::new();
                self.parts(scope, term, parts, &mut made);
                joined(made)
            }
            Kind::List(items) => Value::List(items.iter().map(|item| self.eval(scope, item)).collect()),
            Kind::Map(entries) => self.map(scope, entries),
            Kind::Name(name) => match scope.bound(name) {
                Some(node) => {
                    let node = node.clone();
                    if self.work(super::world::size(&node)) { node.value } else { too_much() }
                }
                None => invalid(format!("nothing is called `{name}`")),
            },
            Kind::Traversal(of, steps) => self.traverse(scope, of, steps).value,
            Kind::Call(name, arguments, spread) => self.call(scope, term, name, arguments, *spread),
            Kind::Unary(operator, of) => {
                let of = self.eval(scope, of);
                operator::unary(*operator, &of)
            }
            Kind::Binary(left, operator, right) => {
                let (left, right) = (self.eval(scope, left), self.eval(scope, right));
                operator::binary(&left, *operator, &right)
            }
            Kind::Conditional(all) => {
                let [condition, yes, no] = &**all;
                let condition = self.eval(scope, condition);
                match condition.truth() {
                    Some(true) => self.eval(scope, yes).value,
                    Some(false) => self.eval(scope, no).value,
                    None => {
                        let (yes, no) = (self.eval(scope, yes), self.eval(scope, no));
                        match operator::same(&yes, &no) {
                            Some(true) => yes.value,
                            _ => Value::Unknown(
                                why(&condition)
                                    .unwrap_or_else(|| "its condition is no truth value".to_owned()),
                            ),
                        }
                    }
                }
            }
            Kind::For(all) => self.each(scope, all),
        }
    }

    fn map(&mut self, scope: &Scope<'_>, entries: &'f [(Term, Term)]) -> Value {
        let mut made: Vec<(Key, Node)> = Vec::new();
        for (key, value) in entries {
            let key = self.eval(scope, key);
            let Some(text) = key.text() else {
                return Value::Unknown(why(&key).unwrap_or_else(|| "a key of it is no text".to_owned()));
            };
            let key = Key { text, line: key.line, column: key.column };
            made.push((key, self.eval(scope, value)));
        }
        Value::Map(made)
    }

    fn parts(&mut self, scope: &Scope<'_>, term: &Term, parts: &'f [Part], made: &mut Vec<Node>) {
        for part in parts {
            match part {
                Part::Text(text) => made.push(scope.node(term, Value::Text(text.clone()))),
                Part::Value(value) => {
                    let node = self.eval(scope, value);
                    let value = match (node.text(), node.value) {
                        (Some(text), _) => Value::Text(text),
                        (_, Value::Joined(parts)) => {
                            made.extend(parts);
                            continue;
                        }
                        (_, value @ (Value::Unknown(_) | Value::Reference(..))) => value,
                        (_, Value::Null) => invalid("null in a text"),
                        _ => Value::Unknown("a list or map inside a text".to_owned()),
                    };
                    made.push(scope.node(term, value));
                }
                Part::If(condition, yes, no) => {
                    let condition = self.eval(scope, condition);
                    match condition.truth() {
                        Some(true) => self.parts(scope, term, yes, made),
                        Some(false) => self.parts(scope, term, no, made),
                        None => {
                            let why = why(&condition).unwrap_or_default();
                            made.push(condition.but(Value::Unknown(why)));
                        }
                    }
                }
                Part::For { key, value, collection, parts } => {
                    let collection = self.eval(scope, collection);
                    match pairs(&collection) {
                        Ok(pairs) => {
                            for (first, second) in pairs {
                                let outer = Bound {
                                    name: key.as_deref().unwrap_or_default(),
                                    node: first,
                                    outer: scope.bound,
                                };
                                let bound = Bound { name: value, node: second, outer: Some(&outer) };
                                let scope = Scope { bound: Some(&bound), ..scope.clone() };
                                if !self.work(1) {
                                    return;
                                }
                                self.parts(&scope, term, parts, made);
                            }
                        }
                        Err(why) => made.push(collection.but(Value::Unknown(why))),
                    }
                }
            }
        }
    }

    fn each(&mut self, scope: &Scope<'_>, all: &'f For) -> Value {
        let collection = self.eval(scope, &all.collection);
        // All instances of a resource, whose number is not known: what is taken from one of them stands for all.
        let pairs = match &collection.value {
            Value::Reference(address, attribute) if attribute.is_empty() && self.open.contains(address) => {
                let key =
                    collection.but(Value::Unknown(format!("the instances of `{address}` are not known")));
                let bound =
                    Bound { name: all.key.as_deref().unwrap_or_default(), node: key, outer: scope.bound };
                let bound = Bound { name: &all.value, node: collection.clone(), outer: Some(&bound) };
                let made = self.eval(&Scope { bound: Some(&bound), ..scope.clone() }, &all.make);
                return match made.value {
                    value @ Value::Reference(..) if all.make_key.is_none() && all.only.is_none() => value,
                    _ => Value::Unknown(why(&collection).unwrap_or_default()),
                };
            }
            _ => pairs(&collection),
        };
        let pairs = match pairs {
            Ok(pairs) => pairs,
            Err(why) => return Value::Unknown(why),
        };
        let mut items = Vec::new();
        let mut entries: Vec<(Key, Node)> = Vec::new();
        let mut index: std::collections::HashMap<String, usize> = std::collections::HashMap::new();
        for (key, value) in pairs {
            let bound = Bound { name: all.key.as_deref().unwrap_or_default(), node: key, outer: scope.bound };
            let bound = Bound { name: &all.value, node: value, outer: Some(&bound) };
            let scope = Scope { bound: Some(&bound), ..scope.clone() };
            if let Some(only) = &all.only {
                let only = self.eval(&scope, only);
                match only.truth() {
                    Some(true) => {}
                    Some(false) => continue,
                    None => {
                        return Value::Unknown(
                            why(&only).unwrap_or_else(|| "its `if` is no truth value".to_owned()),
                        );
                    }
                }
            }
            let Some(make_key) = &all.make_key else {
                items.push(self.eval(&scope, &all.make));
                continue;
            };
            let key = self.eval(&scope, make_key);
            let Some(text) = key.text() else {
                return Value::Unknown(why(&key).unwrap_or_else(|| "a key of it is no text".to_owned()));
            };
            let made = self.eval(&scope, &all.make);
            let known = index.get(&text).and_then(|at| entries.get_mut(*at));
            match known {
                Some((_, node)) => match &mut node.value {
                    Value::List(items) if all.grouping => items.push(made),
                    _ => return invalid("two values of one key"),
                },
                None => {
                    index.insert(text.clone(), entries.len());
                    let made = if all.grouping { made.but(Value::List(vec![made.clone()])) } else { made };
                    entries.push((Key { text, line: key.line, column: key.column }, made));
                }
            }
        }
        if all.make_key.is_some() { Value::Map(entries) } else { Value::List(items) }
    }

    fn call(
        &mut self,
        scope: &Scope<'_>,
        term: &Term,
        name: &str,
        arguments: &'f [Term],
        spread: bool,
    ) -> Value {
        let name = name.strip_prefix("core::").unwrap_or(name);
        match name {
            "try" => {
                for argument in arguments {
                    let node = self.eval(scope, argument);
                    if !is_invalid(&node) {
                        return node.value;
                    }
                }
                return invalid("nothing in `try` is valid");
            }
            "can" => {
                let node = arguments.first().map(|argument| self.eval(scope, argument));
                return match node {
                    Some(node) if is_invalid(&node) => Value::Bool(false),
                    Some(Node { value: Value::Unknown(why), .. }) => Value::Unknown(why),
                    _ => Value::Bool(true),
                };
            }
            _ => {}
        }
        let mut given: Vec<Node> = arguments.iter().map(|argument| self.eval(scope, argument)).collect();
        if let Some(last) = if spread { given.pop() } else { None } {
            let Value::List(items) = last.value else {
                return Value::Unknown(why(&last).unwrap_or_else(|| "`...` after no list".to_owned()));
            };
            given.extend(items);
        }
        if name == "sensitive" {
            given.iter().for_each(|node| remember(node, &mut self.secrets));
            return Value::Unknown(SENSITIVE.to_owned());
        }
        let at = scope.node(term, Value::Null);
        let value = function::call(name, &given, &at);
        // Every function is linear in what it takes and makes.
        let size =
            given.iter().map(super::world::size).sum::<usize>() + super::world::size(&at.but(value.clone()));
        if self.work(size) { value } else { too_much() }
    }
}

/// The texts in a row as one; what is not known yet keeps them apart.
fn joined(parts: Vec<Node>) -> Value {
    let mut made: Vec<Node> = Vec::new();
    for part in parts {
        match (made.last_mut().map(|last| &mut last.value), part.value) {
            (Some(Value::Text(last)), Value::Text(text)) if last.len() + text.len() <= LONGEST => {
                last.push_str(&text)
            }
            (Some(Value::Text(_)), Value::Text(_)) => return Value::Unknown("too long a text".to_owned()),
            // What is secret makes the whole text so.
            (_, Value::Unknown(why)) if why == SENSITIVE || why.starts_with(super::world::INVALID) => {
                return Value::Unknown(why);
            }
            (_, value) => made.push(Node { value, ..part }),
        }
    }
    match made.as_slice() {
        [] => Value::Text(String::new()),
        [Node { value: Value::Text(text), .. }] => Value::Text(text.clone()),
        _ => Value::Joined(made),
    }
}

/// The keys and values of a list or map.
pub(crate) fn pairs(collection: &Node) -> Result<Vec<(Node, Node)>, String> {
    match &collection.value {
        Value::List(items) => Ok(items
            .iter()
            .enumerate()
            .map(|(at, item)| (item.but(Value::Number(at as f64)), item.clone()))
            .collect()),
        Value::Map(entries) => Ok(entries
            .iter()
            .map(|(key, node)| (node.but(Value::Text(key.text.clone())), node.clone()))
            .collect()),
        _ => Err(why(collection).unwrap_or_else(|| "it goes over what is neither list nor map".to_owned())),
    }
}
