//! Which objects a patch is for.

use super::Item;
use crate::kubernetes::select::{Labels, labels};
use crate::value::Node;

/// Whether the `target` of a patch selects an object. Names are regular expressions there; none when one is beyond what is
/// understood here.
pub(super) fn selects(target: &Node, item: &Item) -> Option<bool> {
    let text = |key: &str| target.get(key).and_then(Node::text).filter(|text| !text.is_empty());
    let api = item.node.get("apiVersion").and_then(Node::text).unwrap_or_default();
    let (group, version) = api.rsplit_once('/').unwrap_or(("", &api));
    let own = |key: &str| item.node.at(&["metadata", key]);
    let mut whole = text("group").is_none_or(|wanted| wanted == group)
        && text("version").is_none_or(|wanted| wanted == version);
    if let Some(kind) = text("kind") {
        whole &= matches(&kind, &item.kind())?;
    }
    if let Some(name) = text("name") {
        let mut any = false;
        for own in item.names() {
            any |= matches(&name, &own)?;
        }
        whole &= any;
    }
    if let Some(namespace) = text("namespace") {
        whole &= matches(
            &namespace,
            &own("namespace").and_then(Node::text).unwrap_or_else(|| "default".to_owned()),
        )?;
    }
    for (key, marks) in [("labelSelector", "labels"), ("annotationSelector", "annotations")] {
        if let Some(selector) = text(key) {
            whole &= matches_labels(&selector, &labels(own(marks)))?;
        }
    }
    Some(whole)
}

/// `app=shop,tier in (front)`: only equality and existence are understood.
fn matches_labels(selector: &str, labels: &Labels) -> Option<bool> {
    let mut whole = true;
    for part in selector.split(',').map(str::trim) {
        if part.contains(['(', ')']) {
            return None;
        }
        whole &= match (part.split_once("!="), part.split_once('=')) {
            (Some((key, value)), _) => labels.get(key.trim()).is_none_or(|own| own != value.trim()),
            (None, Some((key, value))) => {
                labels.get(key.trim()).is_some_and(|own| own == value.trim_start_matches('=').trim())
            }
            (None, None) => match part.strip_prefix('!') {
                Some(key) => !labels.contains_key(key),
                None => labels.contains_key(part),
            },
        };
    }
    Some(whole)
}

/// Whether an anchored pattern matches: plain text, `.*` and `|` between alternatives. None for richer ones.
fn matches(pattern: &str, text: &str) -> Option<bool> {
    let pattern = pattern.trim_start_matches('^').trim_end_matches('$');
    let pattern = pattern.strip_prefix('(').and_then(|inner| inner.strip_suffix(')')).unwrap_or(pattern);
    let mut any = false;
    for alternative in pattern.split('|') {
        let parts: Vec<String> = alternative.split(".*").map(|part| part.replace("\\.", ".")).collect();
        if parts.iter().any(|part| part.contains(['*', '+', '?', '[', ']', '(', ')', '\\', '{', '}'])) {
            return None;
        }
        any |= holds(&parts, text);
    }
    Some(any)
}

/// Whether a text is these parts in their order, with anything between them.
fn holds(parts: &[String], text: &str) -> bool {
    let [first, middle @ .., last] = parts else {
        return parts.first().is_some_and(|only| only == text);
    };
    let Some(mut rest) = text.strip_prefix(first.as_str()).and_then(|rest| rest.strip_suffix(last.as_str()))
    else {
        return false;
    };
    middle.iter().all(|part| match rest.split_once(part.as_str()) {
        Some((_, after)) => {
            rest = after;
            true
        }
        None => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_anchored() {
        assert_eq!(matches("web", "web-2"), Some(false));
        assert_eq!(matches("web.*", "web-2"), Some(true));
        assert_eq!(matches(".*", "anything"), Some(true));
        assert_eq!(matches("^(web|api)$", "api"), Some(true));
        assert_eq!(matches(".*-db-.*", "shop-db-0"), Some(true));
        assert_eq!(matches("web[0-9]", "web1"), None);
    }
}
