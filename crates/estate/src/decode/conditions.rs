//! What routes ask beside host and path, and what they change.

use super::keys::{HeaderEditKeys, HeaderKeys, PathKeys, RouteKeys, StickyKeys};
use super::scalars::UrlPath;
use super::shape::{At, Named, OneOrMany, Short};
use super::traffic::{FieldName, Method};
use crate::problem::Problems;
use crate::{Edits, HeaderEdits, HeaderRule, HeaderWants, PathKind, Sticky, When, whole_expression};

/// How a route's path is compared, and the path; none when it is unusable.
pub(super) fn path(
    stated: &At<Short<UrlPath, PathKeys>>,
    problems: &mut Problems,
) -> Option<(PathKind, String)> {
    Some(match &stated.value {
        Short::Plain(prefix) => (PathKind::Prefix, prefix.0.clone()),
        Short::Keys(keys) => match (&keys.exact, &keys.prefix, &keys.regex) {
            (Some(exact), None, None) => (PathKind::Exact, exact.value.0.clone()),
            (None, Some(prefix), None) => (PathKind::Prefix, prefix.value.0.clone()),
            (None, None, Some(regex)) => (PathKind::Regex, regex.value.0.clone()),
            (None, None, None) if keys.lacking => return None,
            _ => {
                let help = "write one of `exact: /a`, `prefix: /a` and `regex: /item/[0-9]+`";
                problems.add_with_help("bad-value", stated.at, "a path is compared in exactly one way", help);
                return None;
            }
        },
    })
}

/// The conditions of a route.
pub(super) fn when(
    path: PathKind,
    methods: Option<At<OneOrMany<Method>>>,
    headers: Option<At<Named<FieldName, Short<String, HeaderKeys>>>>,
    problems: &mut Problems,
) -> When {
    let mut methods: Vec<String> =
        methods.into_iter().flat_map(|list| list.value.0).map(|method| method.value.0).collect();
    methods.sort_unstable();
    methods.dedup();
    let mut wanted: Vec<HeaderRule> = vec![];
    for (name, stated) in headers.into_iter().flat_map(|named| named.value.0) {
        let Some(stated) = stated else { continue };
        let wants = match stated.value {
            Short::Plain(value) => Some(HeaderWants::Exact(value)),
            Short::Keys(keys) => wants(keys, stated.at, problems),
        };
        wanted.extend(wants.map(|wants| HeaderRule { name: name.value.0, wants }));
    }
    wanted.sort_by(|one, other| one.name.cmp(&other.name));
    When { path, methods, headers: wanted }
}

fn wants(keys: HeaderKeys, at: crate::problem::Spot, problems: &mut Problems) -> Option<HeaderWants> {
    match (keys.exact, keys.prefix, keys.regex, keys.present) {
        (Some(exact), None, None, None) => Some(HeaderWants::Exact(exact.value)),
        (None, Some(prefix), None, None) => Some(HeaderWants::Prefix(prefix.value)),
        (None, None, Some(regex), None) => Some(HeaderWants::Regex(regex.value.0)),
        (None, None, None, Some(At { value: true, .. })) => Some(HeaderWants::Present),
        (None, None, None, Some(At { value: false, .. })) => Some(HeaderWants::Absent),
        (None, None, None, None) if keys.lacking => None,
        _ => {
            let help = "write a value, or one of `exact`, `prefix`, `regex` and `present`";
            problems.add_with_help("bad-value", at, "a header is asked for exactly one thing", help);
            None
        }
    }
}

/// What keeps a client on its side.
pub(super) fn sticky(stated: At<StickyKeys>, problems: &mut Problems) -> Option<Sticky> {
    match (stated.value.cookie, stated.value.header) {
        (Some(cookie), None) => Some(Sticky::Cookie(cookie.value.0)),
        (None, Some(header)) => Some(Sticky::Header(header.value.0)),
        (None, None) if stated.value.lacking => None,
        _ => {
            let help = "write `cookie: NAME` or `header: NAME`";
            problems.add_with_help("bad-value", stated.at, "`sticky` names exactly one thing", help);
            None
        }
    }
}

/// What a route changes.
pub(super) fn edits(keys: &RouteKeys, kind: PathKind, path: &str, problems: &mut Problems) -> Edits {
    if let (Some(rewrite), PathKind::Regex) = (&keys.rewrite, kind)
        && let Ok(expression) = whole_expression(path)
        && let Some(lost) = lost_group(&expression, &rewrite.value.0)
    {
        let help = "name a group of the route's `regex`: `$1`, or `${1}` where letters or digits follow";
        let message = format!("`${lost}` is no group of `{path}`");
        problems.add_with_help("unknown-reference", rewrite.at, message, help);
    }
    Edits {
        rewrite: keys.rewrite.as_ref().map(|path| path.value.0.clone()),
        request: header_edits(keys.request_headers.as_ref()),
        response: header_edits(keys.response_headers.as_ref()),
    }
}

fn header_edits(keys: Option<&At<HeaderEditKeys>>) -> HeaderEdits {
    let Some(At { value: keys, .. }) = keys else { return HeaderEdits::default() };
    let pairs = |named: &Option<At<Named<super::traffic::OwnFieldName, super::traffic::FieldValue>>>| {
        let named = named.iter().flat_map(|named| &named.value.0);
        named
            .filter_map(|(name, value)| Some((name.value.0.clone(), value.as_ref()?.value.0.clone())))
            .collect()
    };
    let removed = keys.remove.iter().flat_map(|list| &list.value);
    HeaderEdits {
        set: pairs(&keys.set),
        append: pairs(&keys.append),
        remove: removed.map(|name| name.value.0.clone()).collect(),
    }
}

/// The first reference of a template that the expression has no group for.
fn lost_group<'t>(expression: &regex::Regex, template: &'t str) -> Option<&'t str> {
    let mut rest = template;
    while let Some((_, after)) = rest.split_once('$') {
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let (name, left) = match after.strip_prefix('{').and_then(|inner| inner.split_once('}')) {
            Some(braced) => braced,
            None => after.split_at(after.bytes().position(|byte| !is_name(byte)).unwrap_or(after.len())),
        };
        let known = match name.parse::<usize>() {
            Ok(number) => number < expression.captures_len(),
            Err(_) => expression.capture_names().flatten().any(|known| known == name),
        };
        // `$$` is a dollar.
        rest = match (name, left.strip_prefix('$')) {
            ("", Some(left)) => left,
            ("", None) => return Some(name),
            _ if !known => return Some(name),
            _ => left,
        };
    }
    None
}
