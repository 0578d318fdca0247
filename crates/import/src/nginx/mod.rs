//! nginx configurations: where requests come in, which servers answer them, and how a dead one is noticed.
//!
//! The `server` blocks of one name are a service that spreads requests (`nginx-NAME`), each `upstream` another one whose instances
//! are its `server` lines, and so is a plain address behind `proxy_pass`. A `server` that passes nothing on serves files and is a
//! workload; one that only redirects is nothing. Without nginx Plus nobody asks the servers whether they are up: the
//! failures of real requests take them out (`max_fails` within `fail_timeout`, 1 and 10 s unless said), counted by each
//! worker for itself unless the upstream has a `zone`; and a server that is alone in its upstream is never taken out.

mod directives;
mod includes;
pub(crate) use includes::like;
mod passing;
mod upstream;

use std::collections::{BTreeMap, BTreeSet};

use dinghai_estate::{
    FoundInstance, FoundNeed, FoundService, Handling, InstanceId, NeedKind, Origin, PublicEntry, Role,
    ServiceId, Source, Unknown, UnknownKind,
};

use crate::SourceFile;
use crate::fragment::{Fragment, Want};
use crate::machine::{Machines, Names, at_machine, host_and_port, is_address, is_any, is_loopback, on};
use directives::Directive;
use passing::{Handed, Passing};

/// Whether a file is nginx's: by its name or folder, or by blocks that only nginx has.
pub(crate) fn is_nginx(path: &str, text: &str) -> bool {
    let path = path.to_lowercase();
    let name = path.rsplit('/').next().unwrap_or(&path);
    let folder =
        path.contains("nginx") || path.contains("sites-enabled/") || path.contains("sites-available/");
    let ending =
        [".conf", ".conf.j2", ".conf.template", ".nginx", ".vhost"].iter().any(|end| name.ends_with(end));
    if !(ending || (folder && !name.contains('.'))) || text.contains('\0') {
        return false;
    }
    let begins = |line: &str, word: &str| {
        line.strip_prefix(word).is_some_and(|rest| rest.trim_start().starts_with('{'))
    };
    let (mut block, mut words) = (false, false);
    for line in text.lines().take(5_000).map(str::trim) {
        let first = line.split_whitespace().next().unwrap_or_default();
        let upstream = first == "upstream" && line.contains('{');
        block |= begins(line, "server")
            || begins(line, "http")
            || begins(line, "stream")
            || begins(line, "events")
            || upstream;
        words |= upstream
            || matches!(
                first,
                "listen"
                    | "server_name"
                    | "proxy_pass"
                    | "fastcgi_pass"
                    | "uwsgi_pass"
                    | "grpc_pass"
                    | "worker_connections"
                    | "location"
                    | "include"
            );
    }
    (block && words) || (folder && words && text.contains(';'))
}

/// The `server` blocks of one name in one configuration.
#[derive(Debug)]
struct Site {
    name: String,
    stream: bool,
    names: BTreeSet<String>,
    listens: Vec<(String, Origin)>,
    passings: Vec<Passing>,
    serves: bool,
    file: String,
    machine: Option<String>,
    origin: Origin,
}

pub(crate) fn read(name: &str, files: &[&SourceFile]) -> Fragment {
    let mut fragment = Fragment::new(name, "nginx");
    let mut files: Vec<&SourceFile> = files.to_vec();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    let mains: Vec<&SourceFile> = files
        .iter()
        .copied()
        .filter(|file| file.text.contains("http") || file.text.contains("events"))
        .collect();
    let machines = Machines::of(&mains);
    let roots = includes::roots(&mut fragment, &files);
    let mut sites: Vec<Site> = Vec::new();
    let mut places = BTreeMap::new();
    let mut upstreams = upstream::Upstreams::default();
    for (file, directives) in &roots {
        for (stream, block, handed) in contexts(directives) {
            for directive in block {
                match directive.name.as_str() {
                    "upstream" => upstreams.add(file, machines.of_file(file), directive),
                    "server" if directive.block.is_some() => {
                        let site = site(file, machines.of_file(file), stream, directive, &handed);
                        let known = (site.file.clone(), site.name.clone(), stream);
                        match places.get(&known).and_then(|n: &usize| sites.get_mut(*n)) {
                            Some(known) => known.add(site),
                            None => {
                                places.insert(known, sites.len());
                                sites.push(site);
                            }
                        }
                    }
                    _ => {}
                }
            }
        }
    }
    let groups = same(sites);
    let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
    for site in groups.iter().filter_map(|group| group.first()) {
        *counts.entry(&site.name).or_default() += 1;
    }
    let mut names = Names::default();
    for group in &groups {
        let Some(first) = group.first() else { continue };
        if !first.serves && group.iter().all(|site| site.passings.is_empty()) {
            fragment.count("nginx server", Handling::Ignored);
            continue;
        }
        let id = match counts.get(first.name.as_str()) {
            Some(1) => format!("nginx-{}", first.name),
            _ => format!("nginx-{}@{}", first.name, first.machine.as_deref().unwrap_or(&first.file)),
        };
        let id = names.once(id);
        add(&mut fragment, group, &ServiceId::new(id), &mut upstreams);
    }
    upstreams.finish(&mut fragment, names);
    fragment
}

/// The blocks in which servers stand: `http`, `stream`, or the file itself for a snippet that others include.
fn contexts(directives: &[Directive]) -> Vec<(bool, &[Directive], Handed<'_>)> {
    let mut found = Vec::new();
    for directive in directives {
        match directive.name.as_str() {
            "http" => found.push((false, directive.inside(), Handed::default().with(directive.inside()))),
            "stream" => found.push((true, directive.inside(), Handed::stream().with(directive.inside()))),
            _ => {}
        }
    }
    if directives.iter().any(|directive| matches!(directive.name.as_str(), "server" | "upstream")) {
        let stream = directives
            .iter()
            .filter(|found| found.name == "server")
            .any(|server| server.inside().iter().any(|found| found.name == "proxy_pass"));
        let handed = if stream { Handed::stream() } else { Handed::default() };
        found.push((stream, directives, handed.with(directives)));
    }
    found
}

fn site<'d>(
    file: &str,
    machine: Option<&str>,
    stream: bool,
    server: &'d Directive,
    handed: &Handed<'d>,
) -> Site {
    let mut passings = Vec::new();
    handed.passings(server.inside(), &mut passings);
    let mut names = BTreeSet::new();
    let mut listens = Vec::new();
    for directive in server.inside() {
        match directive.name.as_str() {
            "server_name" => {
                let plain = |name: &&String| {
                    !matches!(name.as_str(), "_" | "" | "localhost" | "default")
                        && !name.starts_with('~')
                        && !name.contains(['$', '{'])
                };
                names.extend(directive.args.iter().filter(plain).cloned());
            }
            "listen" => listens.push((directive.arg(0).to_owned(), directive.origin.clone())),
            _ => {}
        }
    }
    if listens.is_empty() {
        listens.push(("80".to_owned(), server.origin.clone()));
    }
    let first = server
        .inside()
        .iter()
        .find(|found| found.name == "server_name")
        .map(|found| found.arg(0))
        .filter(|name| names.contains(*name));
    let port = listens.first().map_or("80", |(listen, _)| listen.as_str());
    let name = first.map_or_else(
        || port.trim_start_matches("0.0.0.0:").trim_start_matches("*:").to_owned(),
        str::to_owned,
    );
    let serves = !stream && serves_files(server.inside());
    Site {
        name,
        stream,
        names,
        listens,
        passings,
        serves,
        file: file.to_owned(),
        machine: machine.map(str::to_owned),
        origin: server.origin.clone(),
    }
}

/// Whether it hands out files; a server that only answers `return 301 …` does not.
fn serves_files(block: &[Directive]) -> bool {
    let redirects = block.iter().any(|found| matches!(found.name.as_str(), "return" | "rewrite"));
    let roots = |found: &Directive| matches!(found.name.as_str(), "root" | "alias" | "try_files" | "index");
    !redirects && block.iter().any(|found| roots(found) || found.inside().iter().any(roots))
}

/// Sites that say the same on different machines, put together.
fn same(sites: Vec<Site>) -> Vec<Vec<Site>> {
    let mut groups: Vec<Vec<Site>> = Vec::new();
    let mut named: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for site in sites {
        // What stands on no known machine is by itself.
        let before = named.entry(site.name.clone()).or_default();
        let known = before.iter().copied().filter(|_| site.machine.is_some()).find(|n| {
            groups.get(*n).is_some_and(|group| {
                let apart =
                    group.iter().all(|other| other.machine.is_some() && other.machine != site.machine);
                let alike = |other: &Site| other.stream == site.stream && targets(other) == targets(&site);
                apart && group.first().is_some_and(alike)
            })
        });
        match known.and_then(|n| groups.get_mut(n)) {
            Some(group) => group.push(site),
            None => {
                if site.machine.is_some() {
                    before.push(groups.len());
                }
                groups.push(vec![site]);
            }
        }
    }
    groups
}

fn targets(site: &Site) -> BTreeSet<Option<&str>> {
    site.passings.iter().map(|passing| passing.to.as_deref()).collect()
}

impl Site {
    fn add(&mut self, other: Self) {
        self.names.extend(other.names);
        self.listens.extend(other.listens);
        self.passings.extend(other.passings);
        self.serves |= other.serves;
    }
}

fn add(fragment: &mut Fragment, group: &[Site], id: &ServiceId, upstreams: &mut upstream::Upstreams) {
    let Some(first) = group.first() else { return };
    let passes = !first.passings.is_empty();
    let role = if passes { Role::Balancer } else { Role::Workload };
    let mut service = FoundService::new(
        role,
        format!("nginx server {}", first.name),
        Source::declared(first.origin.clone()),
    );
    for site in group {
        let name = site.machine.as_ref().map_or_else(|| id.to_string(), |machine| format!("{id}@{machine}"));
        let instance = FoundInstance::new(InstanceId::new(name), Source::declared(site.origin.clone()));
        let machine = site
            .machine
            .as_deref()
            .map(|machine| (machine, Source::inferred(site.origin.clone())))
            .ok_or_else(|| format!("{} does not say on which machines it runs", site.file));
        fragment.count("nginx server", if machine.is_ok() { Handling::Placed } else { Handling::Unknown });
        service.instances.push(at_machine(fragment, instance, machine, &site.origin));
        if let Some(machine) = &site.machine {
            fragment.known_as(id, &on(machine));
        }
        for (listen, _) in &site.listens {
            known_at(fragment, id, listen, site.machine.as_deref());
        }
        for name in &site.names {
            fragment.known_as(id, name.trim_start_matches("*."));
        }
    }
    if group.iter().all(|site| site.machine.is_none()) {
        service.open = Some(Unknown {
            why: format!("{} may run on several machines, and does not say on which", first.file),
            kind: UnknownKind::Outside,
            origin: first.origin.clone(),
        });
    }
    fragment.service(id, || service);
    if let Some((listen, origin)) =
        group.iter().flat_map(|site| &site.listens).find(|(listen, _)| outward(listen))
    {
        fragment.inventory.entries.push(PublicEntry {
            service: id.clone(),
            by: format!("nginx server {} listens on {listen}", first.name),
            source: Source::derived(origin.clone()),
        });
    }
    for passing in group.iter().flat_map(|site| &site.passings) {
        let Some(to) = &passing.to else {
            fragment.unseen(
                passing.origin.clone(),
                format!("where `{}` sends requests is worked out for each request", passing.says),
            );
            fragment.count("nginx proxy_pass", Handling::Unknown);
            continue;
        };
        fragment.count("nginx proxy_pass", Handling::Reasoned);
        let (host, _) = host_and_port(to);
        if upstreams.knows(&first.file, to)
            || to.starts_with("unix:")
            || is_address(host)
            || is_loopback(host)
        {
            upstreams.used(&first.file, first.machine.as_deref(), to, id, passing);
        } else {
            fragment.wants(Want {
                from: id.clone(),
                name: to.clone(),
                kind: NeedKind::Hard,
                how: passing.says.clone(),
                source: Source::declared(passing.origin.clone()),
                outside: true,
            });
        }
    }
}

fn needs(fragment: &mut Fragment, from: &ServiceId, service: &ServiceId, passing: &Passing) {
    let Some(found) = fragment.inventory.services.get_mut(from) else { return };
    if found.needs.iter().all(|need| need.service != *service) {
        found.needs.push(FoundNeed {
            service: service.clone(),
            kind: NeedKind::Hard,
            how: passing.says.clone(),
            source: Source::declared(passing.origin.clone()),
        });
    }
}

/// Host and port of a `listen`: `80`, `*:80`, `10.0.0.1:80`, `[::]:80`, `10.0.0.1`.
fn listened(listen: &str) -> (&str, Option<u16>) {
    match listen.parse() {
        Ok(port) => ("", Some(port)),
        Err(_) => host_and_port(listen),
    }
}

fn outward(listen: &str) -> bool {
    !listen.starts_with("unix:") && !is_loopback(listened(listen).0)
}

fn known_at(fragment: &mut Fragment, id: &ServiceId, listen: &str, machine: Option<&str>) {
    let (host, port) = listened(listen);
    let host = match (is_any(host), machine) {
        (true, Some(machine)) => machine,
        (true, None) => return,
        (false, _) if listen.starts_with("unix:") || is_loopback(host) || host.contains(['$', '{']) => return,
        (false, _) => host,
    };
    fragment.known_as(id, host);
    if let Some(port) = port {
        fragment.known_as(id, &format!("{host}:{port}"));
    }
}

/// Upstreams by configuration and name.
type ByName<T> = BTreeMap<(String, String), T>;
