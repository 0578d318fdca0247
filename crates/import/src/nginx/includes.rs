//! `include` put in: the files that it names, among those that were given.
//!
//! Paths in configurations are those of the machine that they are made for (`/etc/nginx/conf.d/*.conf`); here the same files lie in
//! some folder. A file fits when it lies below the including file's folder at the named path, or when the end of its path is the
//! end of the named one.

use std::collections::{BTreeMap, BTreeSet};

use super::directives::{Directive, read};
use crate::SourceFile;
use crate::fragment::Fragment;

/// Includes inside each other, at most; all files together are put in at most [`MOST`] times.
const DEEPEST: usize = 16;
const MOST: usize = 2_000;

/// Files that come with nginx and tell nothing of where requests go.
const SHIPPED: [&str; 7] = [
    "mime.types",
    "fastcgi_params",
    "fastcgi.conf",
    "uwsgi_params",
    "scgi_params",
    "proxy_params",
    "modules-enabled",
];

/// The files that no other one includes, with what they include put in.
pub(super) fn roots<'f>(fragment: &mut Fragment, files: &[&'f SourceFile]) -> Vec<(&'f str, Vec<Directive>)> {
    let parsed: BTreeMap<&str, Vec<Directive>> =
        files.iter().map(|file| (file.path.as_str(), read(&file.path, &file.text))).collect();
    let mut whole = Whole { parsed: &parsed, included: BTreeSet::new(), put_in: 0 };
    let mut read: BTreeMap<&str, Vec<Directive>> = BTreeMap::new();
    // Main files first: what these include is no root of its own.
    let is_main = |directives: &[Directive]| {
        directives.iter().any(|found| matches!(found.name.as_str(), "http" | "stream" | "events"))
    };
    for main in [true, false] {
        for (path, directives) in parsed.iter().filter(|(_, directives)| is_main(directives) == main) {
            if !whole.included.contains(*path) {
                read.insert(*path, whole.put_in(fragment, path, directives, 0));
            }
        }
    }
    let included = whole.included;
    files
        .iter()
        .filter(|file| !included.contains(file.path.as_str()))
        .filter_map(|file| Some((file.path.as_str(), read.remove(file.path.as_str())?)))
        .collect()
}

struct Whole<'p> {
    parsed: &'p BTreeMap<&'p str, Vec<Directive>>,
    included: BTreeSet<String>,
    put_in: usize,
}

impl Whole<'_> {
    fn put_in(
        &mut self,
        fragment: &mut Fragment,
        root: &str,
        directives: &[Directive],
        depth: usize,
    ) -> Vec<Directive> {
        let mut all = Vec::new();
        for directive in directives {
            if directive.name == "include" {
                let named = directive.arg(0);
                let fits: Vec<&str> = self
                    .parsed
                    .keys()
                    .copied()
                    .filter(|path| fits(root, &directive.origin.file, path, named))
                    .collect();
                if fits.is_empty() && !SHIPPED.iter().any(|shipped| named.contains(shipped)) {
                    fragment.unseen(
                        directive.origin.clone(),
                        format!("include `{named}`: no such file was given"),
                    );
                }
                for path in fits {
                    self.included.insert(path.to_owned());
                    self.put_in += 1;
                    if depth < DEEPEST && self.put_in <= MOST {
                        let parsed = self.parsed;
                        let inside = parsed.get(path).map_or(&[][..], Vec::as_slice);
                        all.extend(self.put_in(fragment, root, inside, depth + 1));
                    }
                }
                continue;
            }
            let mut copy = Directive { block: None, ..directive.clone() };
            copy.block = directive.block.as_ref().map(|block| self.put_in(fragment, root, block, depth));
            all.push(copy);
        }
        all
    }
}

fn fits(root: &str, from: &str, path: &str, named: &str) -> bool {
    if path == root || path == from {
        return false;
    }
    let folder = |file: &str| file.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
    let relative =
        |base: &str| path.strip_prefix(base).is_some_and(|rest| like(rest, named.trim_start_matches("./")));
    if relative(&folder(root)) || relative(&folder(from)) {
        return true;
    }
    // The named path as it is on the machine, below the folder of the configuration here.
    let below = named.trim_start_matches('/');
    let tail = below
        .strip_prefix("etc/nginx/")
        .or_else(|| below.strip_prefix("usr/local/nginx/conf/"))
        .or_else(|| below.strip_prefix("usr/local/etc/nginx/"))
        .or_else(|| below.strip_prefix("opt/"));
    named.starts_with('/')
        && (relative_to(&folder(root), path, below)
            || tail.is_some_and(|tail| relative_to(&folder(root), path, tail)))
}

fn relative_to(base: &str, path: &str, named: &str) -> bool {
    path.strip_prefix(base).is_some_and(|rest| like(rest, named))
}

/// Whether a path is like a pattern with `*` and `?`, part by part.
pub(crate) fn like(path: &str, pattern: &str) -> bool {
    let (path, pattern): (Vec<&str>, Vec<&str>) = (path.split('/').collect(), pattern.split('/').collect());
    path.len() == pattern.len()
        && path.iter().zip(&pattern).all(|(part, pattern)| part_like(part.as_bytes(), pattern.as_bytes()))
}

fn part_like(part: &[u8], pattern: &[u8]) -> bool {
    let (mut at, mut to, mut star) = (0, 0, None);
    while at < part.len() {
        match (pattern.get(to), part.get(at)) {
            (Some(b'*'), _) => {
                star = Some((to, at));
                to += 1;
            }
            (Some(wanted), Some(found)) if wanted == found || *wanted == b'?' => {
                at += 1;
                to += 1;
            }
            _ => match star {
                Some((from, seen)) => {
                    star = Some((from, seen + 1));
                    to = from + 1;
                    at = seen + 1;
                }
                None => return false,
            },
        }
    }
    pattern.get(to..).is_none_or(|rest| rest.iter().all(|byte| *byte == b'*'))
}
