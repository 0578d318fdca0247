//! HAProxy configurations: where requests come in, which servers answer them, and how a dead one is noticed.
//!
//! A `frontend` or `listen` section is a service that spreads requests (`haproxy-NAME`), and a `backend` or the servers of a
//! `listen` another one, its pool, whose instances are the `server` lines and which is called as the section is where nothing else is. A server stands on the machine of its address; for a
//! name, nobody can tell. Files that lie in folders of different machines and say the same are one service on several machines.
//! How the words are understood follows the configuration manual of HAProxy 2.6.

mod check;
mod pool;
mod sections;
mod settings;
mod words;

use std::collections::{BTreeMap, BTreeSet};

use dinghai_estate::{
    FoundInstance, FoundNeed, FoundService, Handling, InstanceId, NeedKind, PublicEntry, Role, ServiceId,
    Source, Unknown, UnknownKind,
};

use crate::SourceFile;
use crate::fragment::Fragment;
use crate::machine::{Machines, Names, at_machine, host_and_port, is_any, is_loopback, on};
use sections::{Kind, Proxy};

/// Whether a file is HAProxy's: by its name, or by sections and words that only HAProxy has.
pub(crate) fn is_haproxy(path: &str, text: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path).to_lowercase();
    let name = name.trim_end_matches(".j2");
    let named = name.contains("haproxy") && (name.ends_with(".cfg") || name.ends_with(".conf"));
    if !(named || name.ends_with(".cfg") || name.ends_with(".conf")) {
        return false;
    }
    let (mut sections, mut words) = (false, false);
    for line in text.lines().take(5_000) {
        let mut parts = line.split_whitespace();
        let (first, second) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let unindented = !line.starts_with([' ', '\t']) && !line.contains(['{', '=', ';']);
        sections |= unindented && matches!(first, "frontend" | "backend" | "listen" | "defaults" | "global");
        words |= match first {
            "bind" | "default_backend" | "use_backend" | "retries" | "default-server" => {
                !line.contains(['{', '=', ';'])
            }
            "server" => parts.next().is_some() && !line.contains(['{', ';']),
            "timeout" => matches!(second, "connect" | "client" | "server" | "check" | "queue"),
            "option" => matches!(second, "httpchk" | "httplog" | "tcplog" | "redispatch" | "dontlognull"),
            _ => false,
        };
        if sections && words {
            return true;
        }
    }
    false
}

/// A proxy, in which file and on which machine.
pub(in crate::haproxy) struct Found<'f> {
    proxy: &'f Proxy,
    file: &'f str,
    machine: Option<&'f str>,
}

/// Proxies that are one service.
type Same<'f> = Vec<Found<'f>>;

pub(crate) fn read(name: &str, files: &[&SourceFile]) -> Fragment {
    let mut fragment = Fragment::new(name, "haproxy");
    let mut files: Vec<&SourceFile> = files.to_vec();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    let machines = Machines::of(&files);
    let read: Vec<(&str, Vec<Proxy>)> =
        files.iter().map(|file| (file.path.as_str(), sections::read(&mut fragment, file))).collect();
    let all = read.iter().flat_map(|(file, proxies)| {
        proxies.iter().map(|proxy| Found { proxy, file, machine: machines.of_file(file) })
    });
    let groups = same(all.filter(|found| !found.proxy.disabled));
    let ids = ids(&groups);
    let mut pools: BTreeMap<(&str, &str), ServiceId> = BTreeMap::new();
    for (group, id) in groups.iter().zip(&ids) {
        for found in group.iter().filter(|found| found.proxy.kind == Kind::Backend) {
            pools.insert((found.file, &found.proxy.name), id.clone());
            pools.entry((folder(found.file), &found.proxy.name)).or_insert_with(|| id.clone());
        }
    }
    let mut users: BTreeMap<ServiceId, ServiceId> = BTreeMap::new();
    for (group, id) in groups.iter().zip(&ids) {
        let Some(first) = group.first() else { continue };
        match first.proxy.kind {
            Kind::Backend => pool::add(&mut fragment, group, id),
            Kind::Frontend => front(&mut fragment, group, id, &pools, &mut users),
            Kind::Listen if first.proxy.servers.is_empty() && first.proxy.uses.is_empty() => {
                fragment.count("haproxy listen", Handling::Ignored);
            }
            Kind::Listen => {
                front(&mut fragment, group, id, &pools, &mut users);
                if !first.proxy.servers.is_empty() {
                    let pool = ServiceId::new(format!("{id}-servers"));
                    pool::add(&mut fragment, group, &pool);
                    needs(
                        &mut fragment,
                        id,
                        &pool,
                        format!("listen {}", first.proxy.name),
                        Source::declared(first.proxy.origin.clone()),
                    );
                    users.insert(pool, id.clone());
                }
            }
        }
    }
    for mechanism in &mut fragment.inventory.mechanisms {
        mechanism.by = users.get(&mechanism.service).cloned();
    }
    fragment
}

/// Proxies that say the same on different machines, put together.
fn same<'f>(all: impl Iterator<Item = Found<'f>>) -> Vec<Same<'f>> {
    let mut groups: Vec<Same<'f>> = Vec::new();
    let mut named: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for found in all {
        // What stands on no known machine is by itself.
        let before = named.entry(&found.proxy.name).or_default();
        let known = before.iter().copied().filter(|_| found.machine.is_some()).find(|n| {
            groups.get(*n).is_some_and(|group| {
                let apart =
                    group.iter().all(|other| other.machine.is_some() && other.machine != found.machine);
                apart && group.first().is_some_and(|other| alike(found.proxy, other.proxy))
            })
        });
        match known.and_then(|n| groups.get_mut(n)) {
            Some(group) => group.push(found),
            None => {
                if found.machine.is_some() {
                    before.push(groups.len());
                }
                groups.push(vec![found]);
            }
        }
    }
    groups
}

fn alike(a: &Proxy, b: &Proxy) -> bool {
    let servers = |proxy: &Proxy| -> BTreeSet<String> {
        proxy.servers.iter().map(|server| server.address.text.clone()).collect()
    };
    let uses = |proxy: &Proxy| -> BTreeSet<String> {
        proxy.uses.iter().map(|used| used.value.text.clone()).collect()
    };
    a.kind == b.kind && a.name == b.name && servers(a) == servers(b) && uses(a) == uses(b)
}

fn ids(groups: &[Same<'_>]) -> Vec<ServiceId> {
    let firsts = || groups.iter().filter_map(|group| group.first());
    let is_front = |found: &&Found<'_>| found.proxy.kind != Kind::Backend;
    let fronts: BTreeSet<&str> = firsts().filter(is_front).map(|found| found.proxy.name.as_str()).collect();
    let label = |found: &Found<'_>| match !is_front(&found) && fronts.contains(found.proxy.name.as_str()) {
        true => format!("haproxy-{}-servers", found.proxy.name),
        false => format!("haproxy-{}", found.proxy.name),
    };
    let mut counts: BTreeMap<String, u32> = BTreeMap::new();
    firsts().for_each(|found| *counts.entry(label(found)).or_default() += 1);
    let mut names = Names::default();
    firsts()
        .map(|found| {
            let plain = label(found);
            let id = match counts.get(&plain) {
                Some(1) => plain,
                _ => format!("{plain}@{}", found.machine.unwrap_or(found.file)),
            };
            ServiceId::new(names.once(id))
        })
        .collect()
}

fn front(
    fragment: &mut Fragment,
    group: &Same<'_>,
    id: &ServiceId,
    pools: &BTreeMap<(&str, &str), ServiceId>,
    users: &mut BTreeMap<ServiceId, ServiceId>,
) {
    let Some(first) = group.first() else { return };
    let word = if first.proxy.kind == Kind::Listen { "listen" } else { "frontend" };
    if first.proxy.stats && first.proxy.uses.is_empty() && first.proxy.servers.is_empty() {
        fragment.count(&format!("haproxy {word}"), Handling::Ignored);
        return;
    }
    let mut service = FoundService::new(
        Role::Balancer,
        format!("haproxy {word} {}", first.proxy.name),
        Source::declared(first.proxy.origin.clone()),
    );
    for found in group {
        let source = Source::inferred(found.proxy.origin.clone());
        let name = found.machine.map_or_else(|| id.to_string(), |machine| format!("{id}@{machine}"));
        let instance =
            FoundInstance::new(InstanceId::new(name), Source::declared(found.proxy.origin.clone()));
        let machine = found
            .machine
            .map(|machine| (machine, source))
            .ok_or_else(|| format!("{} does not say on which machines it runs", found.file));
        let handling = if machine.is_ok() { Handling::Placed } else { Handling::Unknown };
        service.instances.push(at_machine(fragment, instance, machine, &found.proxy.origin));
        fragment.count(&format!("haproxy {word}"), handling);
        for bind in &found.proxy.binds {
            known_at(fragment, id, &bind.value.text, found.machine);
        }
        if let Some(machine) = found.machine {
            fragment.known_as(id, &on(machine));
        }
    }
    if group.iter().all(|found| found.machine.is_none()) {
        service.open = Some(Unknown {
            why: format!("{} may run on several machines, and does not say on which", first.file),
            kind: UnknownKind::Outside,
            origin: first.proxy.origin.clone(),
        });
    }
    fragment.service(id, || service);
    if let Some(bind) =
        group.iter().flat_map(|found| &found.proxy.binds).find(|bind| outward(&bind.value.text))
    {
        fragment.inventory.entries.push(PublicEntry {
            service: id.clone(),
            by: format!("{word} {} binds {}", first.proxy.name, bind.value.text),
            source: Source::derived(bind.origin.clone()),
        });
    }
    for used in &first.proxy.uses {
        let name = used.value.text.as_str();
        let folder =
            |file: &str| file.rsplit_once('/').map_or(String::new(), |(folder, _)| folder.to_owned());
        // HAProxy reads all files of a folder as one configuration.
        let pool = pools.get(&(first.file, name)).or_else(|| {
            pools
                .iter()
                .find(|((file, pool), _)| *pool == name && folder(file) == folder(first.file))
                .map(|(_, id)| id)
        });
        match pool {
            Some(pool) => {
                needs(fragment, id, pool, used.says.clone(), used.source());
                users.entry(pool.clone()).or_insert_with(|| id.clone());
            }
            None if used.value.open || name.starts_with('%') => fragment.unseen(
                used.origin.clone(),
                format!("which backend `{}` sends requests to is worked out for each request", used.says),
            ),
            None => {
                fragment.unseen(used.origin.clone(), format!("backend `{name}` is in none of these files"))
            }
        }
    }
}

/// The folder of a file, with its slash: no file has such a name.
fn folder(file: &str) -> &str {
    file.rfind('/').and_then(|at| file.get(..=at)).unwrap_or_default()
}

fn needs(fragment: &mut Fragment, id: &ServiceId, pool: &ServiceId, how: String, source: Source) {
    let Some(service) = fragment.inventory.services.get_mut(id) else { return };
    if !service.needs.iter().any(|need| need.service == *pool) {
        service.needs.push(FoundNeed { service: pool.clone(), kind: NeedKind::Hard, how, source });
    }
}

/// The addresses of a `bind`, without the family in front.
fn bound(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(|address| {
        address
            .trim_start_matches("ipv4@")
            .trim_start_matches("ipv6@")
            .trim_start_matches("quic4@")
            .trim_start_matches("quic6@")
    })
}

fn is_socket(address: &str) -> bool {
    address.starts_with('/')
        || ["unix@", "abns@", "fd@", "sockpair@"].iter().any(|prefix| address.starts_with(prefix))
}

fn outward(text: &str) -> bool {
    bound(text).any(|address| !is_socket(address) && !is_loopback(host_and_port(address).0))
}

fn known_at(fragment: &mut Fragment, id: &ServiceId, text: &str, machine: Option<&str>) {
    for address in bound(text).filter(|address| !is_socket(address)) {
        let (host, port) = host_and_port(address);
        let host = match (is_any(host), machine) {
            (true, Some(machine)) => machine,
            (true, None) => continue,
            (false, _) if is_loopback(host) || host.contains(['$', '{']) => continue,
            (false, _) => host,
        };
        fragment.known_as(id, host);
        if let Some(port) = port {
            fragment.known_as(id, &format!("{host}:{port}"));
        }
    }
}
