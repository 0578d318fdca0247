//! Patroni configurations: the members of a PostgreSQL cluster, the store that holds its leader's key, and the timers of a failover.
//!
//! Each member has a file of its own; those of one `scope` are one database. The timers stand in `bootstrap.dcs`, which Patroni reads
//! only when it makes the cluster; afterwards the store holds them and no file tells, so what is read here is derived.
//! Patroni's documented defaults: `ttl` 30, `loop_wait` 10, `retry_timeout` 10, `primary_start_timeout` 300 seconds.

mod store;

use std::collections::BTreeMap;
use std::time::Duration;

use dinghai_estate::{
    Act, Feature, FoundInstance, FoundNeed, FoundService, Handling, InstanceId, Mechanism, MechanismKind,
    NeedKind, Origin, Presence, RecoveryStep, Role, ServiceId, Source, Timer,
};

use crate::SourceFile;
use crate::fragment::Fragment;
use crate::machine::{Machines, Names, at_machine, host_and_port, is_any, is_loopback};
use crate::value::Node;
use crate::yaml;
use store::Store;

/// Whether a file is Patroni's: YAML with a `scope` beside `postgresql` or `bootstrap`.
pub(crate) fn is_patroni(path: &str, text: &str) -> bool {
    let path = path.to_lowercase();
    if ![".yml", ".yaml", ".yml.j2", ".yaml.j2"].iter().any(|end| path.ends_with(end)) {
        return false;
    }
    let begins =
        |key: &str| text.lines().any(|line| line.strip_prefix(key).is_some_and(|rest| rest.starts_with(':')));
    begins("scope") && (begins("postgresql") || begins("bootstrap"))
}

/// One member of a cluster.
struct Member {
    name: String,
    host: Option<(String, Source)>,
    addresses: Vec<String>,
    store: Option<Store>,
    /// Whether it may become primary by itself.
    takes_over: bool,
    settings: Option<Node>,
    document: Node,
}

pub(crate) fn read(name: &str, files: &[&SourceFile]) -> Fragment {
    let mut fragment = Fragment::new(name, "patroni");
    let mut files: Vec<&SourceFile> = files.to_vec();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    let machines = Machines::of(&files);
    let mut clusters: BTreeMap<String, Vec<Member>> = BTreeMap::new();
    for file in &files {
        let read = yaml::read(&file.path, &file.text);
        if let Some((origin, why)) = read.broken {
            fragment.unseen(origin, why);
        }
        for document in read.documents {
            let Some(scope) = document.get("scope").and_then(Node::text) else { continue };
            clusters.entry(scope).or_default().push(member(document, machines.of_file(&file.path)));
        }
    }
    let mut stores = store::Stores::default();
    for (scope, members) in &clusters {
        let id = ServiceId::new(scope);
        add(&mut fragment, &id, members);
        stores.used(
            &id,
            members.iter().filter_map(|member| Some((member.store.as_ref()?, member.host.as_ref()))),
        );
    }
    for (cluster, used) in stores.finish(&mut fragment) {
        let fallback = clusters.get(cluster.as_str()).and_then(|members| failsafe(members));
        let kind = match &fallback {
            Some(_) => NeedKind::Soft {
                fallback: Some("failsafe mode: the primary goes on while it reaches all members".to_owned()),
            },
            None => NeedKind::Hard,
        };
        let how = format!("{} holds the leader's key", used.kind);
        if let Some(service) = fragment.inventory.services.get_mut(&cluster) {
            service.needs.push(FoundNeed {
                service: used.service.clone(),
                kind,
                how,
                source: used.source.clone(),
            });
        }
        fragment.inventory.steps.push(RecoveryStep {
            act: Act::FailOver,
            service: Some(cluster.clone()),
            needs: Some(used.service),
            place: None,
            how: format!("Patroni keeps its leader key in {}", used.kind),
            source: used.source,
        });
    }
    fragment
}

fn member(document: Node, machine: Option<&str>) -> Member {
    let address = |keys: &[&str]| {
        let node = document.at(keys)?;
        let text = node.text()?;
        let (host, _) = host_and_port(&text);
        let usable = !is_any(host) && !is_loopback(host) && !host.contains(['{', '$', ',']);
        usable.then(|| (host.to_owned(), text.clone(), Source::declared(node.origin())))
    };
    let postgres = address(&["postgresql", "connect_address"]).or_else(|| address(&["postgresql", "listen"]));
    let api = address(&["restapi", "connect_address"]).or_else(|| address(&["restapi", "listen"]));
    let host = postgres
        .as_ref()
        .or(api.as_ref())
        .map(|(host, _, source)| (host.clone(), source.clone()))
        .or_else(|| machine.map(|machine| (machine.to_owned(), Source::inferred(document.origin()))));
    let tag = |name: &str| document.at(&["tags", name]);
    let barred = tag("nofailover").and_then(Node::truth).unwrap_or(false)
        || tag("failover_priority").and_then(Node::count) == Some(0);
    let named = document.get("name").and_then(Node::text).filter(|name| !name.contains(['{', '$']));
    let name = named
        .or_else(|| host.as_ref().map(|(host, _)| host.clone()))
        .unwrap_or_else(|| document.file.to_string());
    Member {
        name,
        host,
        addresses: [postgres, api].into_iter().flatten().map(|(_, address, _)| address).collect(),
        store: Store::of(&document),
        takes_over: !barred,
        settings: document.at(&["bootstrap", "dcs"]).cloned(),
        document,
    }
}

fn add(fragment: &mut Fragment, id: &ServiceId, members: &[Member]) {
    let Some(first) = members.first() else { return };
    let origin = first.document.origin();
    let scope = first.document.get("scope").map_or(origin.clone(), Node::origin);
    let mut service =
        FoundService::new(Role::Database, format!("patroni {id}"), Source::declared(scope.clone()));
    let mut names = Names::default();
    for member in members {
        let name = names.once(format!("{id}@{}", member.name));
        let at = member.document.get("name").map_or_else(|| member.document.origin(), Node::origin);
        let mut instance = FoundInstance::new(InstanceId::new(name), Source::declared(at.clone()));
        instance.spare = !member.takes_over;
        let machine = member.host.as_ref().map(|(host, source)| (host.as_str(), source.clone()));
        let machine = machine.ok_or_else(|| "it names no address that others reach it by".to_owned());
        fragment.count("patroni member", if machine.is_ok() { Handling::Placed } else { Handling::Unknown });
        service.instances.push(at_machine(fragment, instance, machine, &at));
        for address in &member.addresses {
            fragment.known_as(id, address);
            fragment.known_as(id, host_and_port(address).0);
        }
    }
    let clustered = match members {
        [_] => Presence::Unknown(dinghai_estate::Unknown {
            why: "only one member's file is here".to_owned(),
            kind: dinghai_estate::UnknownKind::Outside,
            origin: scope.clone(),
        }),
        _ => Presence::Present(Source::derived(scope.clone())),
    };
    if let Presence::Unknown(open) = &clustered {
        service.open = Some(open.clone());
    }
    service.features.insert(Feature::Clustered, clustered);
    service.features.insert(Feature::Probe, Presence::Present(Source::derived(scope.clone())));
    fragment.service(id, || service);
    fragment.unseen(
        scope.clone(),
        "a PostgreSQL that hangs while its Patroni lives is not noticed by Patroni, so there is no bound for it",
    );
    let kind = timers(fragment, members, &scope);
    let source = Source::declared(scope);
    fragment.inventory.mechanisms.push(Mechanism { service: id.clone(), by: None, kind, source });
}

fn timers(fragment: &mut Fragment, members: &[Member], scope: &Origin) -> MechanismKind {
    let settings = members.iter().find_map(|member| member.settings.as_ref());
    if let Some(settings) = settings {
        fragment.unseen(
            settings.origin(),
            "`bootstrap.dcs` is read once, when the cluster is made; compare with `patronictl show-config`",
        );
    } else {
        fragment.unseen(
            scope.clone(),
            "the timers of the failover are in the store; `patronictl show-config` tells them",
        );
    }
    let timer = |names: &[&str], default: u64| {
        let found = names.iter().find_map(|name| settings?.get(name));
        let value = found.and_then(|node| Some((node, node.count()?)));
        let name = names.first().copied().unwrap_or_default();
        match value {
            Some((node, seconds)) => Timer {
                value: Duration::from_secs(u64::from(seconds)),
                says: format!("{name}: {seconds}"),
                source: Source::derived(node.origin()),
            },
            None => Timer {
                value: Duration::from_secs(default),
                says: format!("default {name} {default}"),
                source: Source::derived(settings.map_or_else(|| scope.clone(), Node::origin)),
            },
        }
    };
    let lag = settings.and_then(|settings| settings.get("maximum_lag_on_failover"));
    MechanismKind::Patroni {
        ttl: timer(&["ttl"], 30),
        loop_wait: timer(&["loop_wait"], 10),
        retry_timeout: timer(&["retry_timeout"], 10),
        primary_start_timeout: timer(&["primary_start_timeout", "master_start_timeout"], 300),
        most_lag_bytes: lag.and_then(|node| Some((u64::from(node.count()?), Source::derived(node.origin())))),
    }
}

fn failsafe(members: &[Member]) -> Option<Source> {
    let node = members.iter().find_map(|member| member.settings.as_ref()?.get("failsafe_mode"))?;
    node.truth().unwrap_or(false).then(|| Source::derived(node.origin()))
}
