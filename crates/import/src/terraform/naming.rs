//! Which resources are one service, and what it is called.
//!
//! Copies by `count` and `for_each` of a machine are one service, and so are a cluster and the resources of its nodes. Keys that are
//! words rather than zones or numbers (`web`, `payment`) tell different services apart. Copies of what keeps data are never
//! one service: two databases do not stand in for each other, however they are written.
//!
//! A service is called by its key or label: `aws_db_instance.orders_db` is `orders-db`. Labels that say nothing (`this`, `main`)
//! give way to the name of their module, and where two services would have one name, the label, the module or the kind is put in
//! front.

use std::collections::{BTreeMap, BTreeSet};

use dinghai_estate::{Role, ServiceId};

use super::Resource;
use super::index::{Index, argument, base};
use super::survey::{Kind, Member};
use super::zones::{Cloud, region_of};

/// Labels that people write where they have nothing to say.
const EMPTY: &[&str] = &["this", "main", "default", "self", "primary_resource", "resource"];

struct Group<'a> {
    kind: &'a str,
    members: Vec<&'a Resource>,
    joined: Vec<&'a Resource>,
}

/// Every resource that is part of a service, by address.
pub(super) fn members<'a>(
    index: &Index<'a>,
    kinds: &BTreeMap<&'static str, &'static Kind>,
) -> BTreeMap<&'a str, Member<'a>> {
    let parts = index.all().filter(|resource| kinds.contains_key(resource.kind.as_str()));
    let mut groups: BTreeMap<&'a str, Group<'a>> = BTreeMap::new();
    for resource in parts {
        let whole = whole(index, kinds, resource);
        let role = kinds.get(whole.kind.as_str()).map_or(Role::Workload, |kind| kind.role);
        let group = groups.entry(together(role, &whole.address)).or_insert_with(|| Group {
            kind: &whole.kind,
            members: Vec::new(),
            joined: Vec::new(),
        });
        let same = whole.address == resource.address;
        if same { &mut group.members } else { &mut group.joined }.push(resource);
    }
    let names = names(&groups);
    let mut members = BTreeMap::new();
    for (address, group) in groups {
        let Some(name) = names.get(address) else { continue };
        let each = group.members.iter().map(|resource| (resource, false));
        for (resource, joined) in each.chain(group.joined.iter().map(|resource| (resource, true))) {
            let Some(cloud) = Cloud::of_kind(&resource.kind) else { continue };
            let service = ServiceId::new(name.as_str());
            let member = Member { service, cloud, resource, declared: address, joined };
            members.insert(resource.address.as_str(), member);
        }
    }
    members
}

/// Words by which people number things.
const NUMBERS: &[&str] = &[
    "primary",
    "secondary",
    "tertiary",
    "first",
    "second",
    "third",
    "one",
    "two",
    "three",
    "master",
    "slave",
    "replica",
    "standby",
    "active",
    "passive",
    "blue",
    "green",
    "left",
    "right",
];

/// The address under which copies come together: without its index where they are copies of one thing.
fn together(role: Role, address: &str) -> &str {
    let plain = base(address);
    let key = address.strip_prefix(plain).and_then(|rest| rest.strip_prefix("[\"")?.strip_suffix("\"]"));
    let numbered = key.is_none_or(|key| {
        let last = key.rsplit(['-', '_', '.', '/']).next().unwrap_or(key);
        last.len() <= 1
            || last.ends_with(|end: char| end.is_ascii_digit())
            || NUMBERS.contains(&last)
            || is_zone(key)
    });
    let keeps = matches!(
        role,
        Role::Database | Role::Cache | Role::Queue | Role::Search | Role::Storage | Role::Registry
    );
    let one = match role {
        Role::Workload | Role::Access | Role::Disk => numbered,
        _ if keeps => false,
        _ => key.is_none(),
    };
    if one { plain } else { address }
}

fn is_zone(key: &str) -> bool {
    [Cloud::Aws, Cloud::Alicloud].into_iter().any(|cloud| region_of(cloud, key).is_some())
}

/// The resource that this one is a part of; itself when it is none.
fn whole<'a>(
    index: &Index<'a>,
    kinds: &BTreeMap<&'static str, &'static Kind>,
    resource: &'a Resource,
) -> &'a Resource {
    let mut whole = resource;
    // A replica of a replica of a replica is deep enough.
    for _ in 0..4 {
        let joins = kinds.get(whole.kind.as_str()).map_or(&[][..], |kind| kind.joins);
        let outer = joins.iter().find_map(|(key, kind)| {
            let meant = index.meant_of(argument(&whole.body, key)?, &[*kind]).into_iter();
            meant.min_by_key(|other| other.address.as_str()).filter(|other| other.address != whole.address)
        });
        match outer {
            Some(outer) if outer.address != resource.address => whole = outer,
            _ => break,
        }
    }
    whole
}

fn names<'a>(groups: &BTreeMap<&'a str, Group<'a>>) -> BTreeMap<&'a str, String> {
    type Way = fn(&str, &str) -> String;
    let ways: [Way; 5] = [
        |address, kind| keyed(address, kind),
        |address, kind| plain(address, kind),
        |address, kind| with_module(address, plain(address, kind)),
        |address, kind| with_kind(kind, plain(address, kind)),
        |address, kind| with_module(address, with_kind(kind, plain(address, kind))),
    ];
    let mut names: BTreeMap<&str, String> = BTreeMap::new();
    let mut open: BTreeSet<&str> = groups.keys().copied().collect();
    for way in ways {
        let mut proposed: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for address in &open {
            let kind = groups.get(address).map_or("", |group| group.kind);
            proposed.entry(way(address, kind)).or_default().push(address);
        }
        let taken: BTreeSet<String> = names.values().cloned().collect();
        for (name, addresses) in proposed {
            if let ([address], false) = (addresses.as_slice(), taken.contains(&name)) {
                names.insert(address, name);
                open.remove(address);
            }
        }
    }
    for address in open {
        names.insert(address, address.to_owned());
    }
    names
}

/// By the key of its copy where that is a word, else by its label.
fn keyed(address: &str, kind: &str) -> String {
    let key =
        address.strip_prefix(base(address)).and_then(|rest| rest.strip_prefix("[\"")?.strip_suffix("\"]"));
    match key.map(word).filter(|key| key.starts_with(char::is_alphabetic) && key.len() > 1) {
        Some(key) if !is_zone(&key) => key,
        _ => plain(address, kind),
    }
}

/// By its label, and the index of its copy.
fn plain(address: &str, kind: &str) -> String {
    let label = base(address).rsplit('.').next().unwrap_or(address);
    let index = address.strip_prefix(base(address)).map(word).filter(|index| !index.is_empty());
    let name = match modules(address).last() {
        _ if !EMPTY.contains(&label) => word(label),
        Some(module) if !EMPTY.contains(&module.as_str()) => word(module),
        _ => word(short(kind)),
    };
    index.map_or_else(|| name.clone(), |index| format!("{name}-{index}"))
}

fn with_module(address: &str, name: String) -> String {
    let modules = modules(address);
    let modules: Vec<String> =
        modules.iter().map(|module| word(module)).filter(|module| *module != name).collect();
    if modules.is_empty() { name } else { format!("{}-{name}", modules.join("-")) }
}

fn with_kind(kind: &str, name: String) -> String {
    let short = word(short(kind));
    if name == short { name } else { format!("{short}-{name}") }
}

/// A kind without its provider: `db_instance` of `aws_db_instance`.
fn short(kind: &str) -> &str {
    kind.split_once('_').map_or(kind, |(_, rest)| rest)
}

/// The names of the modules in an address, each with the key of its copy.
fn modules(address: &str) -> Vec<String> {
    let mut modules = Vec::new();
    let mut rest = address;
    while let Some(inside) = rest.strip_prefix("module.") {
        let mut quoted = false;
        let end = inside.find(|char: char| {
            if char == '"' {
                quoted = !quoted;
            }
            char == '.' && !quoted
        });
        let Some(end) = end else { break };
        let (module, after) = inside.split_at(end);
        modules.push(module.to_owned());
        rest = after.trim_start_matches('.');
    }
    modules
}

/// As an id: lowercase, with `-` for whatever is neither letter nor digit.
fn word(text: &str) -> String {
    let mut word = String::new();
    for char in text.to_lowercase().chars() {
        match char.is_alphanumeric() {
            true => word.push(char),
            false if !word.ends_with('-') && !word.is_empty() => word.push('-'),
            false => {}
        }
    }
    word.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::{modules, plain, with_kind, with_module};

    #[test]
    fn a_service_is_called_by_its_label() {
        assert_eq!(plain("aws_db_instance.orders_db", "aws_db_instance"), "orders-db");
        assert_eq!(plain("module.orders_db.aws_db_instance.this", "aws_db_instance"), "orders-db");
        assert_eq!(plain("aws_lb.this", "aws_lb"), "lb");
        assert_eq!(with_kind("aws_lb", "web".into()), "lb-web");
        assert_eq!(with_module("module.shop[\"e.u\"].aws_instance.web", "web".into()), "shop-e-u-web");
        assert_eq!(modules("module.a[0].module.b.aws_instance.web"), ["a[0]", "b"]);
    }
}
