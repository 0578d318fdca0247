//! JSON patches (RFC 6902): a list of changes, each at the end of a pointer such as `/spec/replicas`.

use crate::value::{Key, Node, Value};

/// The object with all changes made; else why one could not be.
pub(super) fn apply(mut object: Node, changes: &Node) -> Result<Node, String> {
    for change in changes.items() {
        let text = |key: &str| change.get(key).and_then(Node::text);
        let path = text("path").ok_or("a change has no `path`")?;
        let tokens = tokens(&path);
        let value = change.get("value").cloned();
        match text("op").as_deref() {
            Some("add") => set(&mut object, &tokens, value.ok_or("`add` has no `value`")?, true),
            Some("replace") => set(&mut object, &tokens, value.ok_or("`replace` has no `value`")?, false),
            Some("remove") => take(&mut object, &tokens).map(|_| ()),
            Some("move") => {
                let from = self::tokens(&text("from").ok_or("`move` has no `from`")?);
                match take(&mut object, &from) {
                    Some(value) => set(&mut object, &tokens, value, true),
                    None => None,
                }
            }
            Some("copy") => {
                let from = self::tokens(&text("from").ok_or("`copy` has no `from`")?);
                match find(&object, &from).cloned() {
                    Some(value) => set(&mut object, &tokens, value, true),
                    None => None,
                }
            }
            Some("test") => Some(()),
            _ => return Err("a change has no `op` that is known".to_owned()),
        }
        .ok_or_else(|| format!("`{path}` is not there"))?;
    }
    Ok(object)
}

fn tokens(path: &str) -> Vec<String> {
    path.split('/').skip(1).map(|token| token.replace("~1", "/").replace("~0", "~")).collect()
}

fn find<'a>(node: &'a Node, tokens: &[String]) -> Option<&'a Node> {
    tokens.iter().try_fold(node, |node, token| match &node.value {
        Value::List(items) => items.get(token.parse::<usize>().ok()?),
        _ => node.get(token),
    })
}

fn find_mut<'a>(node: &'a mut Node, tokens: &[String]) -> Option<&'a mut Node> {
    tokens.iter().try_fold(node, |node, token| match &mut node.value {
        Value::List(items) => items.get_mut(token.parse::<usize>().ok()?),
        Value::Map(entries) => entries.iter_mut().find(|(key, _)| key.text == *token).map(|(_, node)| node),
        _ => None,
    })
}

fn set(object: &mut Node, tokens: &[String], value: Node, add: bool) -> Option<()> {
    let (last, before) = tokens.split_last()?;
    match &mut find_mut(object, before)?.value {
        Value::List(items) if add && last == "-" => items.push(value),
        Value::List(items) => {
            let index: usize = last.parse().ok()?;
            match add {
                true if index <= items.len() => items.insert(index, value),
                _ => *items.get_mut(index)? = value,
            }
        }
        Value::Map(entries) => {
            let key = Key { text: last.clone(), line: value.line, column: value.column };
            match entries.iter_mut().find(|(known, _)| known.text == *last) {
                Some(entry) => *entry = (key, value),
                None => entries.push((key, value)),
            }
        }
        _ => return None,
    }
    Some(())
}

fn take(object: &mut Node, tokens: &[String]) -> Option<Node> {
    let (last, before) = tokens.split_last()?;
    match &mut find_mut(object, before)?.value {
        Value::List(items) => {
            let index: usize = last.parse().ok().filter(|index| *index < items.len())?;
            Some(items.remove(index))
        }
        Value::Map(entries) => {
            let index = entries.iter().position(|(key, _)| key.text == *last)?;
            Some(entries.remove(index).1)
        }
        _ => None,
    }
}
