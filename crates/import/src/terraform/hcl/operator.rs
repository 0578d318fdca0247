//! `+`, `==`, `&&` and the others. What is not known stays so, unless the other side decides.

use super::term::{BinaryOperator, UnaryOperator};
use super::world::{invalid, why, why_deep};
use crate::value::{Node, Value};

pub(crate) fn unary(operator: UnaryOperator, of: &Node) -> Value {
    match (operator, of.number(), of.truth()) {
        (UnaryOperator::Neg, Some(number), _) => Value::Number(-number),
        (UnaryOperator::Not, _, Some(truth)) => Value::Bool(!truth),
        _ => why(of).map_or_else(|| invalid("an operator on a value of another type"), Value::Unknown),
    }
}

pub(crate) fn binary(left: &Node, operator: BinaryOperator, right: &Node) -> Value {
    use BinaryOperator::{And, Div, Eq, Greater, GreaterEq, Less, LessEq, Minus, Mod, Mul, NotEq, Or, Plus};
    let unknown = || why_deep(left).or_else(|| why_deep(right));
    let refused =
        || unknown().map_or_else(|| invalid("an operator on values of another type"), Value::Unknown);
    match operator {
        Eq | NotEq => match same(left, right) {
            Some(same) => Value::Bool(same == (operator == Eq)),
            None => {
                Value::Unknown(unknown().unwrap_or_else(|| "a text is compared with a number".to_owned()))
            }
        },
        And | Or => match (left.truth(), right.truth()) {
            (Some(left), Some(right)) => {
                Value::Bool(if operator == And { left && right } else { left || right })
            }
            (Some(one), None) | (None, Some(one)) if one == (operator == Or) => Value::Bool(one),
            _ => refused(),
        },
        _ => {
            let (Some(left), Some(right)) = (left.number(), right.number()) else { return refused() };
            match operator {
                Plus => number(left + right),
                Minus => number(left - right),
                Mul => number(left * right),
                Div => number(left / right),
                Mod => number(left % right),
                Less => Value::Bool(left < right),
                LessEq => Value::Bool(left <= right),
                Greater => Value::Bool(left > right),
                GreaterEq => Value::Bool(left >= right),
                Eq | NotEq | And | Or => refused(),
            }
        }
    }
}

/// A number, when it is one.
pub(crate) fn number(number: f64) -> Value {
    if number.is_finite() { Value::Number(number) } else { invalid("no number") }
}

/// Whether two values are the same, wherever they stand; none when that is not known.
pub(crate) fn same(left: &Node, right: &Node) -> Option<bool> {
    match (&left.value, &right.value) {
        (Value::Reference(..), Value::Reference(..)) if left.value == right.value => Some(true),
        (Value::List(left), Value::List(right)) => {
            if left.len() != right.len() {
                return Some(false);
            }
            all(left.iter().zip(right).map(|(left, right)| same(left, right)))
        }
        (Value::Map(one), Value::Map(other)) => {
            if one.len() != other.len() {
                return Some(false);
            }
            all(one
                .iter()
                .map(|(key, node)| right.get(&key.text).map_or(Some(false), |other| same(node, other))))
        }
        _ if why(left).is_some() || why(right).is_some() => None,
        // They differ in Terraform, unless a type turned one into the other before.
        (Value::Text(_), Value::Number(_) | Value::Bool(_))
        | (Value::Number(_) | Value::Bool(_), Value::Text(_)) => {
            (left.text() != right.text()).then_some(false)
        }
        (left, right) => Some(left == right),
    }
}

fn all(each: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut sure = true;
    for same in each {
        match same {
            Some(true) => {}
            Some(false) => return Some(false),
            None => sure = false,
        }
    }
    sure.then_some(true)
}
