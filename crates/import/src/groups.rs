//! Which files belong together: what is one estate, and what is another one beside it.
//!
//! A Terraform root, a Kustomize overlay and a Compose project are each one estate by themselves. Plain manifests and
//! configuration files have no such root, so they are one estate per folder tree, cut where folders say that they are
//! environments (`dev/`, `prod/`) or declare the same thing twice: two copies in two environments never add up to
//! redundancy.

use std::collections::{BTreeMap, BTreeSet};

/// Names by which people call environments. Compared by the words of a folder's name, so that `shop-prod` is one.
const ENVIRONMENTS: [&str; 26] = [
    "dev",
    "develop",
    "development",
    "test",
    "testing",
    "tests",
    "qa",
    "uat",
    "sit",
    "int",
    "integration",
    "stage",
    "staging",
    "stg",
    "pre",
    "preprod",
    "preproduction",
    "prod",
    "prd",
    "production",
    "live",
    "sandbox",
    "demo",
    "local",
    "canary",
    "dr",
];

/// A file and what it declares, such as `Deployment shop/cart`; nothing where a second one would not be a contradiction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Member<'f> {
    pub(crate) path: &'f str,
    pub(crate) declares: BTreeSet<String>,
}

/// Files of one estate, with the folder that they have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Group<'f> {
    pub(crate) folder: String,
    pub(crate) paths: Vec<&'f str>,
}

/// The estates of files without a root of their own, by folder.
pub(crate) fn groups<'f>(members: &[Member<'f>]) -> Vec<Group<'f>> {
    let mut by_folder: BTreeMap<&str, Vec<&Member<'f>>> = BTreeMap::new();
    for member in members {
        by_folder.entry(folder(member.path)).or_default().push(member);
    }
    let folders: Vec<&str> = by_folder.keys().copied().collect();
    let Some(top) = common(&folders) else { return Vec::new() };
    let mut groups = Vec::new();
    split(&top, &by_folder, &mut groups);
    for group in &mut groups {
        group.paths.sort_unstable();
    }
    groups
}

/// One estate for everything below a folder, or one for each folder in it where they are environments or contradict each other.
fn split<'f>(top: &str, by_folder: &BTreeMap<&str, Vec<&Member<'f>>>, groups: &mut Vec<Group<'f>>) {
    let mut open = vec![top.to_owned()];
    while let Some(top) = open.pop() {
        let inside: BTreeMap<&str, &Vec<&Member<'f>>> = by_folder
            .iter()
            .filter(|(folder, _)| is_below(folder, &top))
            .map(|(folder, members)| (*folder, members))
            .collect();
        let mut children: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (folder, members) in &inside {
            if let Some(child) = child(folder, &top) {
                let declared = members.iter().flat_map(|member| &member.declares).map(String::as_str);
                children.entry(child).or_default().extend(declared);
            }
        }
        let environments = children.keys().filter(|name| is_environment(name)).count();
        let apart = environments > 0 && children.len() > 1 || contradict(&children);
        let paths = |of: &dyn Fn(&str) -> bool| -> Vec<&'f str> {
            let chosen = inside.iter().filter(|(folder, _)| of(folder));
            chosen.flat_map(|(_, members)| members.iter().map(|member| member.path)).collect()
        };
        if !apart {
            groups.push(Group { folder: top.clone(), paths: paths(&|_| true) });
            continue;
        }
        let own = paths(&|folder| folder == top);
        if !own.is_empty() {
            groups.push(Group { folder: top.clone(), paths: own });
        }
        // Taken from the end: the first by name is looked at first.
        open.extend(children.keys().rev().map(|child| join(&top, child)));
    }
    groups.sort_by(|a, b| a.folder.cmp(&b.folder));
}

/// Whether two folders declare the same thing.
fn contradict(children: &BTreeMap<&str, BTreeSet<&str>>) -> bool {
    let mut seen = BTreeSet::new();
    children.values().flatten().any(|declared| !seen.insert(*declared))
}

/// Whether a folder's name is that of an environment: one of its words is.
pub(crate) fn is_environment(name: &str) -> bool {
    let name = name.to_lowercase();
    let mut words = name.split(|sign: char| !sign.is_alphanumeric());
    words.any(|word| ENVIRONMENTS.contains(&word.trim_end_matches(|sign: char| sign.is_ascii_digit())))
}

/// The folder of a path; `.` when it has none.
pub(crate) fn folder(path: &str) -> &str {
    match path.rsplit_once('/') {
        Some(("", _)) => "/",
        Some((folder, _)) => folder,
        None => ".",
    }
}

/// A path in a folder, without `.` in front.
pub(crate) fn join(folder: &str, name: &str) -> String {
    match folder {
        "." => name.to_owned(),
        "/" => format!("/{name}"),
        _ => format!("{folder}/{name}"),
    }
}

fn is_below(folder: &str, top: &str) -> bool {
    let inside = || folder.strip_prefix(top).is_some_and(|rest| rest.starts_with('/'));
    folder == top || (top == "." && !folder.starts_with('/')) || top == "/" || inside()
}

/// The first folder on the way from `top` down.
fn child<'p>(folder: &'p str, top: &str) -> Option<&'p str> {
    if folder == top {
        return None;
    }
    let rest = match top {
        "." => folder,
        "/" => folder.strip_prefix('/')?,
        _ => folder.strip_prefix(top)?.strip_prefix('/')?,
    };
    rest.split('/').next()
}

/// The deepest folder that holds all of these.
fn common(folders: &[&str]) -> Option<String> {
    let mut common: Vec<&str> = folders.first()?.split('/').collect();
    for folder in folders {
        let same = common.iter().zip(folder.split('/')).take_while(|(a, b)| **a == *b).count();
        common.truncate(same);
    }
    Some(match common.as_slice() {
        [] => ".".to_owned(),
        [""] => "/".to_owned(),
        parts => parts.join("/"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(files: &[(&str, &str)]) -> Vec<String> {
        let members: Vec<Member<'_>> = files
            .iter()
            .map(|(path, declares)| Member {
                path,
                declares: declares.split_whitespace().map(str::to_owned).collect(),
            })
            .collect();
        let shown = |group: Group<'_>| format!("{}: {}", group.folder, group.paths.join(" "));
        groups(&members).into_iter().map(shown).collect()
    }

    #[test]
    fn folders_of_one_shop_are_one_estate() {
        assert_eq!(
            shown(&[("k8s/web/deploy.yaml", "web"), ("k8s/cart/deploy.yaml", "cart"), ("k8s/ns.yaml", "ns")]),
            ["k8s: k8s/cart/deploy.yaml k8s/ns.yaml k8s/web/deploy.yaml"]
        );
    }

    #[test]
    fn environments_are_apart() {
        assert_eq!(
            shown(&[
                ("x/dev/web.yaml", "web"),
                ("x/shop-prod/a/web.yaml", "web"),
                ("x/shop-prod/b/db.yaml", "db")
            ]),
            ["x/dev: x/dev/web.yaml", "x/shop-prod: x/shop-prod/a/web.yaml x/shop-prod/b/db.yaml"]
        );
    }

    #[test]
    fn folders_that_declare_the_same_are_apart() {
        assert_eq!(
            shown(&[("blue/web.yaml", "web"), ("green/web.yaml", "web")]),
            ["blue: blue/web.yaml", "green: green/web.yaml"]
        );
    }

    #[test]
    fn one_folder_is_one_estate_whatever_its_name() {
        assert_eq!(shown(&[("prod/web.yaml", "web")]), ["prod: prod/web.yaml"]);
        assert_eq!(shown(&[("web.yaml", "web"), ("db.yaml", "db")]), [".: db.yaml web.yaml"]);
        assert_eq!(shown(&[("/etc/a.cfg", ""), ("/srv/b.cfg", "")]), ["/: /etc/a.cfg /srv/b.cfg"]);
    }

    #[test]
    fn hosts_of_one_cluster_are_not_environments() {
        assert_eq!(
            shown(&[("lb-a/haproxy.cfg", ""), ("lb-b/haproxy.cfg", "")]),
            [".: lb-a/haproxy.cfg lb-b/haproxy.cfg"]
        );
    }
}
