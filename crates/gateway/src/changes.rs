//! What a route changes in requests and answers, made ready so that a request costs no more than the bytes that differ.

use std::borrow::Cow;
use std::sync::Arc;

use dinghai_estate::{Edits, HeaderEdits, PathKind};
use regex::Regex;

use crate::directory::{Expressions, trimmed};

/// What a route changes; routes that change nothing have none.
#[derive(Debug)]
pub(crate) struct Changes {
    pub(crate) rewrite: Option<Rewrite>,
    pub(crate) request: FieldEdits,
    pub(crate) response: FieldEdits,
}

impl Changes {
    pub(crate) fn of(
        edits: &Edits,
        kind: PathKind,
        path: &str,
        expressions: &mut Expressions,
    ) -> Option<Box<Self>> {
        if *edits == Edits::default() {
            return None;
        }
        let rewrite = edits.rewrite.as_ref().and_then(|to| Rewrite::of(kind, path, to, expressions));
        let (request, response) = (FieldEdits::of(&edits.request), FieldEdits::of(&edits.response));
        Some(Box::new(Self { rewrite, request, response }))
    }
}

/// A path in place of another.
#[derive(Debug)]
pub(crate) enum Rewrite {
    /// Instead of the whole.
    Whole(String),
    /// Instead of the first so many bytes.
    Prefix(usize, String),
    /// What an expression makes of it.
    Expression(Arc<Regex>, String),
}

impl Rewrite {
    fn of(kind: PathKind, path: &str, to: &str, expressions: &mut Expressions) -> Option<Self> {
        Some(match kind {
            PathKind::Exact => Self::Whole(to.to_owned()),
            PathKind::Prefix => Self::Prefix(trimmed(path).len(), trimmed(to).to_owned()),
            PathKind::Regex => Self::Expression(expressions.text(path)?, to.to_owned()),
        })
    }

    /// Path and query as the instance sees them. `*` has no path.
    pub(crate) fn onward<'p>(&self, path_and_query: &'p str) -> Cow<'p, str> {
        if !path_and_query.starts_with('/') {
            return Cow::Borrowed(path_and_query);
        }
        let end = path_and_query.find('?').unwrap_or(path_and_query.len());
        let (path, query) = path_and_query.split_at(end);
        let path = match self {
            Self::Whole(to) => Cow::Borrowed(&**to),
            Self::Prefix(old, to) => Cow::Owned(moved(path, *old, to)),
            Self::Expression(regex, template) => regex.replacen(path, 1, template),
        };
        Cow::Owned(format!("{path}{query}"))
    }
}

/// A path with its first `old` bytes replaced by what is in `to`; it begins with one slash all the same.
pub(crate) fn moved(path: &str, old: usize, to: &str) -> String {
    match (to, path.get(old..).unwrap_or_default()) {
        ("", "") => "/".to_owned(),
        ("", rest) if !rest.starts_with('/') => format!("/{rest}"),
        (to, rest) => format!("{to}{rest}"),
    }
}

/// Changes of header fields.
#[derive(Debug, Default)]
pub(crate) struct FieldEdits {
    /// Fields that do not pass, because they are removed or set anew.
    drops: Box<[Box<str>]>,
    /// The lines that are added, each with its end.
    pub(crate) lines: Box<[u8]>,
}

impl FieldEdits {
    fn of(edits: &HeaderEdits) -> Self {
        let dropped = edits.remove.iter().chain(edits.set.iter().map(|(name, _)| name));
        let added = edits.set.iter().chain(&edits.append);
        Self {
            drops: dropped.map(|name| name.as_str().into()).collect(),
            lines: added.flat_map(|(name, value)| format!("{name}: {value}\r\n").into_bytes()).collect(),
        }
    }

    /// Whether a field of this name does not pass.
    pub(crate) fn drops(&self, name: &str) -> bool {
        self.drops.iter().any(|dropped| dropped.eq_ignore_ascii_case(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn onward(kind: PathKind, path: &str, to: &str, asked: &str) -> String {
        let rewrite = Rewrite::of(kind, path, to, &mut Expressions::default()).unwrap();
        rewrite.onward(asked).into_owned()
    }

    #[test]
    fn a_rewritten_path_keeps_its_query_and_begins_with_a_slash() {
        for (path, to, asked, onward_as) in [
            ("/api", "/v2", "/api/x?q=/api", "/v2/x?q=/api"),
            ("/api/", "/v2/", "/api", "/v2"),
            ("/api", "/", "/api", "/"),
            ("/api", "/", "/api/x", "/x"),
            ("/", "/v2", "/x", "/v2/x"),
            ("/", "/v2", "*", "*"),
        ] {
            assert_eq!(onward(PathKind::Prefix, path, to, asked), onward_as, "{path} to {to}: {asked}");
        }
        assert_eq!(onward(PathKind::Exact, "/a", "/b", "/a?c"), "/b?c");
        let made = onward(PathKind::Regex, "/item/([0-9]+)/(?P<tail>.*)", "/i/${1}x/$tail", "/item/7/a/b?c");
        assert_eq!(made, "/i/7x/a/b?c");
    }

    #[test]
    fn what_is_set_replaces_and_what_is_appended_does_not() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let edits = FieldEdits::of(&HeaderEdits {
            set: vec![pair("x-a", "1")],
            append: vec![pair("x-b", "2")],
            remove: vec!["x-c".to_owned()],
        });
        let dropped: Vec<bool> = ["X-A", "x-b", "X-c", "x-d"].map(|name| edits.drops(name)).to_vec();
        assert_eq!(dropped, [true, false, true, false]);
        assert_eq!(&*edits.lines, b"x-a: 1\r\nx-b: 2\r\n");
    }
}
