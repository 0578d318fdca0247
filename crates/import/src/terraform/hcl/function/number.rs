//! Functions over numbers, and to and from them.

use super::super::operator::number;
use super::super::world::why;
use super::refuse;
use crate::value::{Node, Value};

pub(super) fn call(name: &str, arguments: &[Node]) -> Option<Value> {
    let value = match (name, arguments) {
        ("min" | "max" | "sum", _) => {
            // `sum` takes a list, the others so many arguments.
            let all = match (name, arguments) {
                ("sum", [one]) => one.items(),
                _ => arguments,
            };
            if let Some(why) = all.iter().find_map(why) {
                return Some(Value::Unknown(why));
            }
            let numbers: Option<Vec<f64>> = all.iter().map(Node::number).collect();
            let fold = |numbers: Vec<f64>| match name {
                "sum" => Some(numbers.iter().sum()),
                "min" => numbers.into_iter().reduce(f64::min),
                _ => numbers.into_iter().reduce(f64::max),
            };
            numbers.filter(|all| !all.is_empty()).and_then(fold).map_or_else(|| refuse(name), number)
        }
        ("ceil" | "floor" | "abs" | "signum" | "tonumber", [one]) => match one.number() {
            Some(found) => number(match name {
                "ceil" => found.ceil(),
                "floor" => found.floor(),
                "abs" => found.abs(),
                "signum" if found == 0.0 => 0.0,
                "signum" => found.signum(),
                _ => found,
            }),
            None if one.value == Value::Null => Value::Null,
            None => refuse(name),
        },
        ("pow", [base, exponent]) => match (base.number(), exponent.number()) {
            (Some(base), Some(exponent)) => number(base.powf(exponent)),
            _ => refuse(name),
        },
        ("parseint", [text, base]) => {
            let parsed = text.text().zip(base.count().filter(|base| (2..=36).contains(base)));
            let parsed = parsed.and_then(|(text, base)| i64::from_str_radix(&text, base).ok());
            parsed.map_or_else(|| refuse(name), |found| number(found as f64))
        }
        ("tostring", [one]) => match (&one.value, one.text()) {
            (Value::Null, _) => Value::Null,
            (_, Some(text)) => Value::Text(text),
            _ => refuse(name),
        },
        ("tobool", [one]) => match (&one.value, one.truth()) {
            (Value::Null, _) => Value::Null,
            (_, Some(truth)) => Value::Bool(truth),
            _ => refuse(name),
        },
        _ => return None,
    };
    Some(value)
}
