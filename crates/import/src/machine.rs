//! Which machine a configuration file belongs to, and what an address says of one.
//!
//! The files of programs on machines do not say where they run. People keep one folder or one file for each machine:
//! `lb-a/haproxy.cfg` beside `lb-b/haproxy.cfg`, `keepalived-lb1.conf` beside `keepalived-lb2.conf`. Only such siblings are taken
//! for machines: a file that stands alone may be rolled out to any number of them, and its machine is unknown.

use std::collections::{BTreeMap, BTreeSet};

use dinghai_estate::{FoundInstance, Origin, PlaceId, PlaceKind, Source, Unknown, UnknownKind};

use crate::SourceFile;
use crate::fragment::Fragment;

/// Parts of a path that tell the program, the purpose or the stage, and never the machine.
const GENERIC: [&str; 44] = [
    "haproxy",
    "keepalived",
    "nginx",
    "patroni",
    "etc",
    "conf",
    "config",
    "configs",
    "cfg",
    "files",
    "templates",
    "conf.d",
    "sites",
    "sites-enabled",
    "sites-available",
    "snippets",
    "includes",
    "default",
    "local",
    "usr",
    "dev",
    "develop",
    "development",
    "test",
    "testing",
    "qa",
    "uat",
    "stage",
    "staging",
    "preprod",
    "prod",
    "production",
    "live",
    "infra",
    "deploy",
    "src",
    "docker",
    "roles",
    "hosts",
    "examples",
    "example",
    "main",
    "service",
    "lb",
];

/// Names that are given out once each: the second of a kind is `name.2`.
#[derive(Debug, Default)]
pub(crate) struct Names(BTreeMap<String, u32>);

impl Names {
    pub(crate) fn once(&mut self, name: String) -> String {
        let mut given = name.clone();
        while let Some(count) = self.0.get_mut(&given) {
            // Where to look next is kept with the name itself, so that many of one name are quick.
            *count += 1;
            given = format!("{name}.{count}");
            if self.0.contains_key(&given) {
                given = name.clone();
            }
        }
        self.0.insert(given.clone(), 1);
        given
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }
}

/// The machines of several files, by path.
#[derive(Debug, Default)]
pub(crate) struct Machines(BTreeMap<String, String>);

impl Machines {
    pub(crate) fn of(files: &[&SourceFile]) -> Self {
        let mut alike: BTreeMap<(String, String), BTreeSet<(&str, String)>> = BTreeMap::new();
        for file in files {
            if let Some((shape, name)) = shapes(&file.path) {
                alike.entry(shape).or_default().insert((&file.path, name));
            }
        }
        let mut machines = BTreeMap::new();
        for named in alike.into_values() {
            let distinct: BTreeSet<&String> = named.iter().map(|(_, name)| name).collect();
            if distinct.len() > 1 {
                machines.extend(named.into_iter().map(|(path, name)| (path.to_owned(), name)));
            }
        }
        Self(machines)
    }

    pub(crate) fn of_file(&self, path: &str) -> Option<&str> {
        self.0.get(path).map(String::as_str)
    }
}

/// What a path looks like with its machine left out, and the machine: by its last folder that may be one, or else by its
/// file's name.
fn shapes(path: &str) -> Option<((String, String), String)> {
    let parts: Vec<&str> = path.split('/').collect();
    let (file, folders) = parts.split_last()?;
    let folder = folders.iter().rposition(|part| may_be_a_machine(part));
    if let Some(at) = folder {
        let (before, from) = folders.split_at(at);
        let (name, after) = from.split_first()?;
        if !stem_tells(file) {
            return Some(((before.join("/"), format!("{}/{file}", after.join("/"))), (*name).to_owned()));
        }
    }
    let name = own_words(file).join("-");
    (!name.is_empty()).then(|| ((folders.join("/"), generic_words(file).join("-")), name))
}

fn may_be_a_machine(part: &str) -> bool {
    !part.is_empty() && !part.starts_with('.') && !GENERIC.contains(&part.to_lowercase().as_str())
}

fn stem_tells(file: &str) -> bool {
    !own_words(file).is_empty()
}

fn words(file: &str) -> impl Iterator<Item = &str> {
    let stem = file.trim_end_matches(".j2").rsplit_once('.').map_or(file, |(stem, _)| stem);
    stem.split(['-', '_', '.']).filter(|word| !word.is_empty())
}

fn own_words(file: &str) -> Vec<&str> {
    let programs =
        words(file).filter(|word| matches!(*word, "haproxy" | "keepalived" | "nginx" | "patroni")).count();
    match programs {
        // `pg-1.yml` among others of its kind; but `sites.cfg` names no machine.
        0 => Vec::new(),
        _ => words(file).filter(|word| may_be_a_machine(word)).collect(),
    }
}

fn generic_words(file: &str) -> Vec<&str> {
    words(file).filter(|word| !may_be_a_machine(word)).collect()
}

/// Host and port of an address such as `10.0.1.11:5432`, `[::1]:80`, `db`.
pub(crate) fn host_and_port(address: &str) -> (&str, Option<u16>) {
    let (host, port) = match address.rsplit_once(':') {
        // An address of version 6 without a port has several colons and no brackets.
        Some((host, _)) if host.contains(':') && !host.ends_with(']') => (address, None),
        Some((host, port)) => match port.parse() {
            Ok(port) => (host, Some(port)),
            Err(_) => (host, None),
        },
        None => (address, None),
    };
    (host.trim_start_matches('[').trim_end_matches(']'), port)
}

/// Whether it is an address and not a name.
pub(crate) fn is_address(host: &str) -> bool {
    host.parse::<std::net::IpAddr>().is_ok()
}

/// Whether only the same machine reaches it.
pub(crate) fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Whether it stands for all addresses of a machine.
pub(crate) fn is_any(host: &str) -> bool {
    matches!(host, "" | "*" | "0.0.0.0" | "::")
}

/// Whether anybody outside could reach it: an address of the public internet.
pub(crate) fn is_public(host: &str) -> bool {
    match host.parse::<std::net::IpAddr>() {
        Ok(std::net::IpAddr::V4(address)) => {
            let shared = matches!(address.octets(), [100, 64..=127, ..]);
            !(address.is_private() || address.is_loopback() || address.is_link_local() || shared)
        }
        Ok(std::net::IpAddr::V6(address)) => {
            !matches!(address.segments(), [0xfc00..=0xfdff | 0xfe80..=0xfebf, ..]) && !address.is_loopback()
        }
        Err(_) => false,
    }
}

/// The name under which everything on one machine is found; no host has a blank in its name.
pub(crate) fn on(machine: &str) -> String {
    format!("on {machine}")
}

/// The instance, at its machine when there is one, and in a zone that no file tells.
pub(crate) fn at_machine(
    fragment: &mut Fragment,
    mut instance: FoundInstance,
    machine: Result<(&str, Source), String>,
    origin: &Origin,
) -> FoundInstance {
    let mut open = |kind, why: String| {
        let unknown = Unknown { why, kind: UnknownKind::Outside, origin: origin.clone() };
        instance.unknown.insert(kind, unknown);
    };
    match machine {
        Ok((name, source)) => {
            open(PlaceKind::Zone, format!("no file tells in which zone {name} stands"));
            let place = PlaceId::new(name);
            fragment.place(&place, PlaceKind::Node, &source);
            instance.at.insert(place, source);
        }
        Err(why) => {
            open(PlaceKind::Zone, "its machine is not known".to_owned());
            open(PlaceKind::Node, why);
        }
    }
    instance
}
