//! Which entry a request finds, among thousands, without looking at more than a few.
//!
//! The order is fixed, and is the one that people expect:
//!
//! 1. A stated host before `*.example`, the longer `*.` before the shorter, any host last.
//! 2. For one host: the exact path, then the longest prefix, then expressions in their declared order.
//! 3. For one path: whoever asks more of method and headers, then the declared order.
//!
//! An entry whose conditions do not hold is passed over, down to any host. Hosts and exact paths are looked up by hash, prefixes
//! walk a tree by the parts of the path: what a lookup costs does not grow with the number of entries. Only expressions are
//! tried one by one. A property test holds the index against the plain reading of the three rules.

mod conditions;
mod paths;

use std::borrow::Cow;
use std::collections::HashMap;

use dinghai_estate::{PathKind, When};

pub(crate) use conditions::Conditions;
use paths::Paths;
pub(crate) use paths::{Expressions, trimmed};

/// The longest name that a host can have (RFC 1035, section 2.3.4); what is longer is below no `*.`.
const LONGEST_HOST: usize = 255;

/// A request, as far as a directory asks about it.
pub(crate) trait Asks {
    /// Its method.
    fn method(&self) -> &str;

    /// Whether any value of this header field fits.
    fn any_value(&self, name: &str, fits: &mut dyn FnMut(&[u8]) -> bool) -> bool;
}

/// What is entered.
#[derive(Clone, Debug)]
pub(crate) struct Entry<'e, T> {
    /// In small letters, without port; `*.` and what it ends in; or any.
    pub(crate) host: Option<&'e str>,
    pub(crate) path: &'e str,
    pub(crate) when: &'e When,
    pub(crate) to: T,
}

/// The entries of one listener.
#[derive(Debug)]
pub(crate) struct Directory<T> {
    exact: HashMap<Box<str>, Paths<T>>,
    /// By what names end in, the dot included.
    below: HashMap<Box<str>, Paths<T>>,
    any: Paths<T>,
}

impl<T> Default for Directory<T> {
    fn default() -> Self {
        Self { exact: HashMap::new(), below: HashMap::new(), any: Paths::default() }
    }
}

impl<T> Directory<T> {
    /// Enters all of `entries`, in their declared order.
    pub(crate) fn of<'e>(
        entries: impl IntoIterator<Item = Entry<'e, T>>,
        expressions: &mut Expressions,
    ) -> Self {
        let mut directory = Self::default();
        for Entry { host, path, when, to } in entries {
            let paths = match host.map(|host| (host, host.strip_prefix('*'))) {
                None => &mut directory.any,
                Some((_, Some(below))) => directory.below.entry(below.into()).or_default(),
                Some((host, None)) => directory.exact.entry(host.into()).or_default(),
            };
            let Some(conditions) = Conditions::of(when, expressions) else { continue };
            match when.path {
                PathKind::Exact => paths.enter_exact(path, conditions, to),
                PathKind::Prefix => paths.enter_prefix(path, conditions, to),
                PathKind::Regex => paths.enter_expression(path, conditions, to, expressions),
            }
        }
        directory.exact.values_mut().chain(directory.below.values_mut()).for_each(Paths::sort);
        directory.any.sort();
        directory
    }

    /// What a request for this host (without port) and path finds.
    pub(crate) fn find(&self, host: &str, path: &str, asks: &impl Asks) -> Option<&T> {
        if self.exact.is_empty() && self.below.is_empty() {
            return self.any.find(path, asks);
        }
        let host = plain(host);
        let exact = self.exact.get(&*host).and_then(|paths| paths.find(path, asks));
        exact.or_else(|| self.find_below(&host, path, asks)).or_else(|| self.any.find(path, asks))
    }

    fn find_below(&self, host: &str, path: &str, asks: &impl Asks) -> Option<&T> {
        if self.below.is_empty() || host.len() > LONGEST_HOST {
            return None;
        }
        // From the left: the longest ending first. A name is not below itself.
        let endings = host.match_indices('.').filter(|(at, _)| *at > 0).filter_map(|(at, _)| host.get(at..));
        endings.filter_map(|ending| self.below.get(ending)).find_map(|paths| paths.find(path, asks))
    }
}

/// In small letters, and without the dot that may end a name.
fn plain(host: &str) -> Cow<'_, str> {
    let host = host.strip_suffix('.').unwrap_or(host);
    match host.bytes().any(|byte| byte.is_ascii_uppercase()) {
        true => Cow::Owned(host.to_ascii_lowercase()),
        false => Cow::Borrowed(host),
    }
}

#[cfg(test)]
mod tests {
    use std::cmp::Reverse;

    use dinghai_estate::{HeaderRule, HeaderWants, whole_expression};
    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug)]
    struct Request {
        host: String,
        path: String,
        method: String,
        headers: Vec<(String, String)>,
    }

    impl Asks for Request {
        fn method(&self) -> &str {
            &self.method
        }

        fn any_value(&self, name: &str, fits: &mut dyn FnMut(&[u8]) -> bool) -> bool {
            self.headers.iter().filter(|(known, _)| known == name).any(|(_, value)| fits(value.as_bytes()))
        }
    }

    #[derive(Clone, Debug)]
    struct Declared {
        host: Option<String>,
        path: String,
        when: When,
    }

    fn find(declared: &[Declared], request: &Request) -> Option<usize> {
        let entries = declared.iter().enumerate().map(|(at, one)| Entry {
            host: one.host.as_deref(),
            path: &one.path,
            when: &one.when,
            to: at,
        });
        let directory = Directory::of(entries, &mut Expressions::default());
        directory.find(&request.host, &request.path, request).copied()
    }

    /// The three rules, as they are told.
    fn plainly(declared: &[Declared], request: &Request) -> Option<usize> {
        let mut fitting: Vec<(usize, &Declared)> =
            declared.iter().enumerate().filter(|(_, one)| fits(one, request)).collect();
        fitting.sort_by_key(|(at, one)| {
            let host = match &one.host {
                Some(host) if host.starts_with('*') => (1, Reverse(host.len())),
                Some(_) => (0, Reverse(0)),
                None => (2, Reverse(0)),
            };
            let path = match one.when.path {
                PathKind::Exact => (0, Reverse(0), 0),
                PathKind::Prefix => (1, Reverse(one.path.trim_end_matches('/').len()), 0),
                // An expression stands where it was declared first for this host.
                PathKind::Regex => {
                    let same = |two: &&Declared| {
                        two.host == one.host && two.path == one.path && two.when.path == PathKind::Regex
                    };
                    let first = declared.iter().position(|two| same(&two)).unwrap();
                    (2, Reverse(0), first)
                }
            };
            (host, path, Reverse(one.when.demands()), *at)
        });
        fitting.first().map(|(at, _)| *at)
    }

    fn fits(one: &Declared, request: &Request) -> bool {
        let host = request.host.to_lowercase();
        let host = host.strip_suffix('.').unwrap_or(&host);
        let by_host = match &one.host {
            None => true,
            Some(wanted) => match wanted.strip_prefix('*') {
                Some(ending) => host.ends_with(ending) && host.len() > ending.len(),
                None => wanted == host,
            },
        };
        let by_path = match one.when.path {
            PathKind::Exact => one.path == request.path,
            PathKind::Prefix => {
                let prefix = one.path.trim_end_matches('/');
                let rest = request.path.strip_prefix(prefix);
                rest.is_some_and(|rest| rest.is_empty() || prefix.is_empty() || rest.starts_with('/'))
            }
            PathKind::Regex => whole_expression(&one.path).unwrap().is_match(&request.path),
        };
        let by_method = one.when.methods.is_empty() || one.when.methods.contains(&request.method);
        let by_header = one.when.headers.iter().all(|rule| {
            let mut values =
                request.headers.iter().filter(|(name, _)| *name == rule.name).map(|(_, value)| value);
            match &rule.wants {
                HeaderWants::Exact(wanted) => values.any(|value| value == wanted),
                HeaderWants::Prefix(wanted) => values.any(|value| value.starts_with(&**wanted)),
                HeaderWants::Regex(wanted) => {
                    values.any(|value| whole_expression(wanted).unwrap().is_match(value))
                }
                HeaderWants::Present => values.next().is_some(),
                HeaderWants::Absent => values.next().is_none(),
            }
        });
        by_host && by_path && by_method && by_header
    }

    fn when() -> impl Strategy<Value = When> {
        let wants = prop_oneof![
            Just(HeaderWants::Exact("1".to_owned())),
            Just(HeaderWants::Prefix("1".to_owned())),
            Just(HeaderWants::Regex("1[0-9]?".to_owned())),
            Just(HeaderWants::Present),
            Just(HeaderWants::Absent),
        ];
        let rule = (prop::sample::select(vec!["x", "y"]), wants)
            .prop_map(|(name, wants)| HeaderRule { name: name.to_owned(), wants });
        let methods =
            prop::collection::vec(prop::sample::select(vec!["GET".to_owned(), "PUT".to_owned()]), 0..2);
        (methods, prop::collection::vec(rule, 0..3)).prop_map(|(methods, headers)| When {
            path: PathKind::Prefix,
            methods,
            headers,
        })
    }

    fn declared() -> impl Strategy<Value = Declared> {
        let hosts = vec![None, Some("a.b"), Some("b"), Some("*.b"), Some("*.a.b"), Some("*.c.a.b")];
        let host = prop::sample::select(hosts);
        let plain = prop::collection::vec(prop::sample::select(&["/a", "/b", "/ab", "/"][..]), 0..4)
            .prop_map(|parts| format!("/{}", parts.concat().trim_start_matches('/')));
        let expression =
            prop::sample::select(&["/a.*", "/[ab]/b", "/(a|b)", ".*/b/?"][..]).prop_map(str::to_owned);
        let path = prop_oneof![
            (Just(PathKind::Prefix), plain.clone()),
            (Just(PathKind::Exact), plain),
            (Just(PathKind::Regex), expression),
        ];
        (host, path, when()).prop_map(|(host, (kind, path), when)| Declared {
            host: host.map(str::to_owned),
            path,
            when: When { path: kind, ..when },
        })
    }

    fn request() -> impl Strategy<Value = Request> {
        let hosts = vec!["a.b", "b", "x.b", "A.B.", "c.a.b", "d.c.a.b", "ab", ".b", "", "z"];
        let path = prop::collection::vec(prop::sample::select(&["/a", "/b", "/ab", "/", "x"][..]), 0..4)
            .prop_map(|parts| parts.concat());
        let headers = prop::collection::vec(
            (prop::sample::select(&["x", "y", "z"][..]), prop::sample::select(&["1", "12", "2"][..])),
            0..3,
        );
        let method = prop::sample::select(&["GET", "PUT", "POST"][..]);
        (prop::sample::select(hosts), path, method, headers).prop_map(|(host, path, method, headers)| {
            Request {
                host: host.to_owned(),
                path,
                method: method.to_owned(),
                headers: headers
                    .into_iter()
                    .map(|(name, value)| (name.to_owned(), value.to_owned()))
                    .collect(),
            }
        })
    }

    /// Counts how many entries look at it.
    struct Counted(std::cell::Cell<usize>);

    impl Asks for Counted {
        fn method(&self) -> &str {
            self.0.set(self.0.get() + 1);
            "GET"
        }

        fn any_value(&self, _: &str, _: &mut dyn FnMut(&[u8]) -> bool) -> bool {
            false
        }
    }

    #[test]
    fn among_ten_thousand_entries_a_request_is_looked_at_by_a_few() {
        let when = When { methods: vec!["GET".to_owned()], ..When::default() };
        let named: Vec<(String, String)> = (0..10_000)
            .map(|no| (format!("shop-{}.example", no % 100), format!("/api/v{}/item-{no}", no % 7)))
            .collect();
        let entries =
            named.iter().map(|(host, path)| Entry { host: Some(host), path, when: &when, to: path.clone() });
        let directory = Directory::of(entries, &mut Expressions::default());
        for (host, path) in &named {
            let asks = Counted(std::cell::Cell::new(0));
            assert_eq!(directory.find(host, &format!("{path}/deep/down"), &asks), Some(path));
            assert_eq!(asks.0.get(), 1, "{host}{path}");
        }
        let asks = Counted(std::cell::Cell::new(0));
        assert_eq!(directory.find("shop-1.example", "/api/v1/other", &asks), None);
        assert_eq!(asks.0.get(), 0);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn the_index_answers_as_the_rules_are_told(
            declared in prop::collection::vec(declared(), 0..12), request in request(),
        ) {
            prop_assert_eq!(find(&declared, &request), plainly(&declared, &request));
        }

        #[test]
        fn nothing_that_is_asked_makes_it_fall_over(host: String, path: String, method: String) {
            let request = Request { host, path, method, headers: vec![] };
            let all = ["/", "/a", "/a/b"].map(|path| Declared {
                host: Some("*.b".to_owned()), path: path.to_owned(), when: When::default(),
            });
            prop_assert_eq!(find(&all, &request), plainly(&all, &request));
        }
    }
}
