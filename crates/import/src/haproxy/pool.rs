//! The servers of a backend as a service of their own.

use dinghai_estate::{
    Feature, FoundInstance, FoundService, Handling, InstanceId, Mechanism, NeedKind, Presence, Role,
    ServiceId, Source, Unknown, UnknownKind,
};

use super::sections::Server;
use super::{Found, Same, check, is_socket};
use crate::fragment::{Fragment, Want};
use crate::machine::{Names, at_machine, host_and_port, is_address, is_loopback};

/// Adds the pool of a group of proxies that say the same.
pub(super) fn add(fragment: &mut Fragment, group: &Same<'_>, id: &ServiceId) {
    let Some(first) = group.first() else { return };
    let proxy = first.proxy;
    let mut service = FoundService::new(
        Role::Workload,
        format!("haproxy backend {}", proxy.name),
        Source::declared(proxy.origin.clone()),
    );
    let mut wants = Vec::new();
    let mut names = Names::default();
    for server in &proxy.servers {
        if server.template {
            service.open = Some(Unknown {
                why: format!("how many servers `{}` has is told by DNS", server.name),
                kind: UnknownKind::Outside,
                origin: server.origin.clone(),
            });
        }
        let name = names.once(format!("{id}@{}", server.name));
        service.instances.push(instance(fragment, first, server, name));
        wants.extend(want(id, server));
    }
    if proxy.servers.is_empty() {
        service.open = Some(Unknown {
            why: "it has no `server` line".to_owned(),
            kind: UnknownKind::Outside,
            origin: proxy.origin.clone(),
        });
    }
    let serving = || proxy.servers.iter().filter(|server| !spare(server));
    let unchecked = serving().find(|server| !check::is_checked(server));
    let probe = match unchecked {
        Some(server) => Presence::Absent(Source::declared(server.origin.clone())),
        None => Presence::Present(Source::declared(
            serving().next().map_or(&proxy.origin, |server| &server.origin).clone(),
        )),
    };
    if !proxy.servers.is_empty() {
        service.features.insert(Feature::Probe, probe);
    }
    fragment.service(id, || service);
    fragment.pool(id, &proxy.name);
    fragment.wants_any(wants);
    // The slowest to be noticed decides how long the pool is impaired.
    let slowest = serving()
        .filter(|server| check::is_checked(server))
        .map(|server| (check::of(&proxy.settings, server), server))
        .max_by_key(|(kind, server)| (check::notices_within(kind), std::cmp::Reverse(server.origin.clone())));
    if let Some((kind, server)) = slowest {
        let source = Source::declared(server.origin.clone());
        fragment.inventory.mechanisms.push(Mechanism { service: id.clone(), by: None, kind, source });
    }
}

fn spare(server: &Server) -> bool {
    server.params.weightless || server.params.disabled.as_ref().is_some_and(|said| said.value)
}

fn instance(fragment: &mut Fragment, found: &Found<'_>, server: &Server, name: String) -> FoundInstance {
    let mut instance = FoundInstance::new(InstanceId::new(name), Source::declared(server.origin.clone()));
    instance.spare = spare(server);
    let (host, _) = host_and_port(plain(&server.address.text));
    let here = is_socket(&server.address.text) || is_loopback(host);
    let machine = match (here, found.machine) {
        _ if server.address.open => Err("its address comes from the environment".to_owned()),
        (true, Some(machine)) => Ok((machine, Source::inferred(server.origin.clone()))),
        (true, None) => Err("it runs beside HAProxy, whose machine is not known".to_owned()),
        (false, _) if is_address(host) => Ok((host, Source::derived(server.origin.clone()))),
        (false, _) => Err(format!("no file tells on which machine {host} runs")),
    };
    let handling = match (&machine, server.address.open) {
        (Ok(_), _) => Handling::Placed,
        (Err(_), _) => Handling::Unknown,
    };
    if server.address.open {
        fragment.unseen(
            server.origin.clone(),
            format!("the address of server `{}` comes from the environment", server.name),
        );
    }
    fragment.count("haproxy server", handling);
    at_machine(fragment, instance, machine, &server.origin)
}

fn want(id: &ServiceId, server: &Server) -> Option<Want> {
    let name = plain(&server.address.text);
    let (host, _) = host_and_port(name);
    let reachable = !server.address.open && !is_socket(name) && !is_loopback(host) && !host.is_empty();
    reachable.then(|| Want {
        from: id.clone(),
        name: name.to_owned(),
        kind: NeedKind::Hard,
        how: format!("server {}", server.name),
        source: Source::declared(server.origin.clone()),
        outside: false,
    })
}

fn plain(address: &str) -> &str {
    address.trim_start_matches("ipv4@").trim_start_matches("ipv6@")
}
