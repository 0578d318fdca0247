//! The store that holds a cluster's leader key: etcd, Consul, ZooKeeper or the Kubernetes API.

use std::collections::BTreeMap;

use dinghai_estate::{
    Enough, FoundInstance, FoundService, Handling, InstanceId, Role, ServiceId, Source, Unknown, UnknownKind,
};

use crate::fragment::Fragment;
use crate::machine::{at_machine, host_and_port, is_loopback};
use crate::value::Node;

/// A store as one member's file names it.
pub(super) struct Store {
    kind: &'static str,
    /// Hosts with ports.
    hosts: Vec<(String, Source)>,
    source: Source,
}

/// A store that a cluster needs.
pub(super) struct Used {
    pub(super) kind: &'static str,
    pub(super) service: ServiceId,
    pub(super) source: Source,
}

const KINDS: [(&str, &str, &str); 7] = [
    ("etcd3", "etcd", "2379"),
    ("etcd", "etcd", "2379"),
    ("consul", "consul", "8500"),
    ("zookeeper", "zookeeper", "2181"),
    ("exhibitor", "zookeeper", "2181"),
    ("kubernetes", "kubernetes", ""),
    ("raft", "raft", ""),
];

impl Store {
    pub(super) fn of(document: &Node) -> Option<Self> {
        let (node, kind, port) =
            KINDS.iter().find_map(|(key, kind, port)| Some((document.get(key)?, *kind, *port)))?;
        let mut hosts = Vec::new();
        for key in ["hosts", "host", "url", "proxy", "srv", "partner_addrs", "self_addr"] {
            let Some(value) = node.get(key) else { continue };
            let source = Source::declared(value.origin());
            let texts: Vec<(String, Source)> = match value.items() {
                [] => vec![(value.text().unwrap_or_default(), source)],
                items => items
                    .iter()
                    .map(|item| (item.text().unwrap_or_default(), Source::declared(item.origin())))
                    .collect(),
            };
            for (text, source) in texts {
                hosts.extend(text.split(',').filter_map(|host| Some((plain(host, port)?, source.clone()))));
            }
        }
        Some(Self { kind, hosts, source: Source::declared(node.origin()) })
    }
}

/// Host and port of what may be an address with scheme, user and path.
fn plain(text: &str, port: &str) -> Option<String> {
    let text = text.trim().trim_matches(['"', '\'', '[', ' ']);
    let text = text.split_once("://").map_or(text, |(_, rest)| rest);
    let text = text.split('/').next().unwrap_or(text);
    let text = text.rsplit('@').next().unwrap_or(text);
    let (host, named) = host_and_port(text);
    let usable = !host.is_empty() && !host.contains(['{', '$', ' ']);
    usable.then(|| match named {
        Some(named) => format!("{host}:{named}"),
        None if port.is_empty() => host.to_owned(),
        None => format!("{host}:{port}"),
    })
}

/// The stores of all clusters.
#[derive(Default)]
pub(super) struct Stores(Vec<Named>);

/// The store of one cluster, as all its members name it together.
struct Named {
    cluster: ServiceId,
    kind: &'static str,
    hosts: BTreeMap<String, Source>,
    source: Source,
    /// Whether it is named by the members' own loopback address.
    beside: bool,
}

impl Stores {
    /// A cluster's members name it, each with the host that it runs on.
    pub(super) fn used<'s>(
        &mut self,
        cluster: &ServiceId,
        members: impl Iterator<Item = (&'s Store, Option<&'s (String, Source)>)>,
    ) {
        let mut found: Option<Named> = None;
        for (store, member) in members {
            let named = found.get_or_insert_with(|| Named {
                cluster: cluster.clone(),
                kind: store.kind,
                hosts: BTreeMap::new(),
                source: store.source.clone(),
                beside: false,
            });
            for (address, source) in &store.hosts {
                let (host, port) = host_and_port(address);
                let address = match (is_loopback(host), member) {
                    // It runs beside the member.
                    (true, Some((member, _))) => {
                        named.beside = true;
                        port.map_or_else(|| member.clone(), |port| format!("{member}:{port}"))
                    }
                    (true, None) => continue,
                    (false, _) => address.clone(),
                };
                named.hosts.entry(address).or_insert_with(|| source.clone());
            }
        }
        self.0.extend(found);
    }

    /// Makes services of them; answers which cluster needs which.
    pub(super) fn finish(self, fragment: &mut Fragment) -> Vec<(ServiceId, Used)> {
        let mut made: BTreeMap<(&str, Vec<String>), ServiceId> = BTreeMap::new();
        let mut used = Vec::new();
        for Named { cluster, kind, hosts, source, beside } in self.0 {
            let key = (kind, hosts.keys().cloned().collect::<Vec<_>>());
            let same_kind = made.keys().filter(|(other, _)| *other == kind).count();
            let service = made.entry(key).or_insert_with(|| {
                let id = ServiceId::new(if same_kind == 0 {
                    kind.to_owned()
                } else {
                    format!("{kind}-{cluster}")
                });
                add(fragment, &id, kind, &hosts, &source, beside);
                id
            });
            used.push((cluster, Used { kind, service: service.clone(), source }));
        }
        used
    }
}

fn add(
    fragment: &mut Fragment,
    id: &ServiceId,
    kind: &str,
    hosts: &BTreeMap<String, Source>,
    source: &Source,
    beside: bool,
) {
    let mut service = FoundService::new(Role::Control, format!("{kind} that Patroni uses"), source.clone());
    for (address, said) in hosts {
        let (host, _) = host_and_port(address);
        let instance = FoundInstance::new(InstanceId::new(format!("{id}@{host}")), said.clone());
        let at = Source::derived(said.origin.clone());
        service.instances.push(at_machine(fragment, instance, Ok((host, at)), &said.origin));
        fragment.known_as(id, address);
        fragment.count(&format!("{kind} member"), Handling::Placed);
    }
    // Consul is asked by way of a local agent, which is no member; one etcd host is hardly all of it.
    let whole = hosts.len() > 1 && !(kind == "consul" && beside) && kind != "kubernetes";
    if whole {
        let count = u32::try_from(hosts.len() / 2 + 1).unwrap_or(u32::MAX);
        service.enough = Some(Enough {
            count,
            why: format!("{} members need a majority of {count}", hosts.len()),
            source: Source::derived(source.origin.clone()),
        });
    } else {
        service.open = Some(Unknown {
            why: format!("the file does not name all members of {kind}"),
            kind: UnknownKind::Outside,
            origin: source.origin.clone(),
        });
    }
    fragment.service(id, || service);
}
