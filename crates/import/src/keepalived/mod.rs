//! keepalived configurations: virtual addresses that move between machines, and the kernel's balancer behind them.
//!
//! Each machine has a file of its own. What they say of one virtual router, the same `virtual_router_id` and the same addresses, is
//! one service (`vip-ADDRESS`) with an instance on each machine. Its machine is the folder or file that tells machines apart, or
//! else `unicast_src_ip`; partners that only `unicast_peer` names stand at their addresses.
//!
//! Every virtual address is an entry. Most are private and stand behind a translated public one that no file shows, so a private
//! address is no evidence that users do not come in by it; that is only surmised then.

mod blocks;
mod lvs;
mod vrrp;

use std::collections::{BTreeMap, BTreeSet};

use dinghai_estate::{
    Feature, FoundInstance, FoundService, Handling, InstanceId, Mechanism, NeedKind, Presence, PublicEntry,
    Role, ServiceId, Source, Unknown, UnknownKind,
};

use crate::SourceFile;
use crate::fragment::{Fragment, Want};
use crate::machine::{Machines, Names, at_machine, is_public, on};
use blocks::Block;
use vrrp::Router;

/// Whether a file is keepalived's: by its name, or by blocks that only keepalived has.
pub(crate) fn is_keepalived(path: &str, text: &str) -> bool {
    let path = path.to_lowercase();
    let name = path.rsplit('/').next().unwrap_or(&path);
    if !(name.contains("keepalived") || path.contains("keepalived/") || name.ends_with(".conf")) {
        return false;
    }
    text.lines().map(str::trim_start).any(|line| {
        let mut words = line.split_whitespace();
        let (first, rest) = (words.next().unwrap_or_default(), words.next());
        rest.is_some()
            && matches!(first, "vrrp_instance" | "vrrp_script" | "vrrp_sync_group" | "virtual_server")
    })
}

pub(crate) fn read(name: &str, files: &[&SourceFile]) -> Fragment {
    let mut fragment = Fragment::new(name, "keepalived");
    let mut files: Vec<&SourceFile> = files.to_vec();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    let machines = Machines::of(&files);
    let mut routers: BTreeMap<(String, Vec<String>), Vec<Router>> = BTreeMap::new();
    let mut servers: Vec<(Block, Option<String>)> = Vec::new();
    for (path, blocks) in whole(&mut fragment, &files) {
        for block in blocks.iter().filter(|block| block.word(0).starts_with('@')) {
            fragment.unseen(
                block.origin.clone(),
                "a line for one machine only, chosen when keepalived is started",
            );
        }
        for router in vrrp::routers(&mut fragment, path, machines.of_file(path), &blocks) {
            routers.entry((router.id.clone(), router.addresses.clone())).or_default().push(router);
        }
        let machine = machines.of_file(path).map(str::to_owned);
        servers.extend(
            blocks
                .into_iter()
                .filter(|block| block.word(0) == "virtual_server")
                .map(|block| (block, machine.clone())),
        );
    }
    let mut names = Names::default();
    let mut vips: BTreeMap<String, ServiceId> = BTreeMap::new();
    for ((_, addresses), group) in &routers {
        let id = ServiceId::new(
            names.once(format!("vip-{}", addresses.first().map_or("unknown", String::as_str))),
        );
        for address in addresses {
            vips.entry(address.clone()).or_insert_with(|| id.clone());
        }
        add(&mut fragment, &id, addresses, group);
    }
    lvs::add(&mut fragment, &servers, &vips);
    fragment
}

/// Each file that no other one includes, with what it includes put behind it.
fn whole<'f>(fragment: &mut Fragment, files: &[&'f SourceFile]) -> Vec<(&'f str, Vec<Block>)> {
    let parsed: Vec<(&str, Vec<Block>)> =
        files.iter().map(|file| (file.path.as_str(), blocks::read(&file.path, &file.text))).collect();
    let mut included = BTreeSet::new();
    let mut all = Vec::new();
    let mut put_in = BTreeMap::new();
    for (path, blocks) in &parsed {
        let mut extra = Vec::new();
        for line in blocks
            .iter()
            .filter(|block| matches!(block.word(0), "include" | "includer" | "includea" | "includew"))
        {
            let named = line
                .word(1)
                .trim_start_matches('/')
                .trim_start_matches("etc/keepalived/")
                .trim_start_matches("./");
            let folder = path.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
            let fits: Vec<&(&str, Vec<Block>)> = parsed
                .iter()
                .filter(|(other, _)| {
                    other != path
                        && other.strip_prefix(&folder).is_some_and(|rest| crate::nginx::like(rest, named))
                })
                .collect();
            if fits.is_empty() {
                fragment.unseen(
                    line.origin.clone(),
                    format!("include `{}`: no such file was given", line.word(1)),
                );
            }
            for (other, blocks) in fits {
                included.insert(*other);
                extra.extend(blocks.iter().cloned());
            }
        }
        put_in.insert(*path, extra);
    }
    for (path, mut blocks) in parsed {
        if !included.contains(path) {
            blocks.extend(put_in.remove(path).unwrap_or_default());
            all.push((path, blocks));
        }
    }
    all
}

fn add(fragment: &mut Fragment, id: &ServiceId, addresses: &[String], group: &[Router]) {
    let Some(first) = group.first() else { return };
    let shown = addresses.first().map_or("unknown", String::as_str);
    let mut service = FoundService::new(
        Role::Balancer,
        format!("keepalived vip {shown}"),
        Source::declared(first.origin.clone()),
    );
    let mut known: BTreeSet<&str> = BTreeSet::new();
    for router in group {
        let name = router
            .machine()
            .map_or_else(|| format!("{id}@{}", router.file), |(machine, _)| format!("{id}@{machine}"));
        let instance = FoundInstance::new(InstanceId::new(name), Source::declared(router.origin.clone()));
        let machine =
            router.machine().ok_or_else(|| format!("{} does not say on which machine it is", router.file));
        fragment.count(
            "keepalived vrrp_instance",
            if machine.is_ok() { Handling::Placed } else { Handling::Unknown },
        );
        if let Ok((machine, _)) = &machine {
            fragment.wants(Want {
                from: id.clone(),
                name: on(machine),
                kind: NeedKind::Hard,
                how: format!("it leads to what runs on {machine}"),
                source: Source::inferred(router.origin.clone()),
                outside: false,
            });
        }
        known.extend(router.source_address.as_ref().map(|(address, _)| address.as_str()));
        router.place(fragment);
        service.instances.push(at_machine(fragment, instance, machine, &router.origin));
    }
    let peers: BTreeMap<&str, &dinghai_estate::Origin> =
        group.iter().flat_map(|router| &router.peers).map(|(peer, origin)| (peer.as_str(), origin)).collect();
    // A file that names no address of its own may be any of the peers that others name.
    let nameless = group.iter().filter(|router| router.source_address.is_none()).count();
    let unseen: Vec<_> = peers.into_iter().filter(|(peer, _)| !known.contains(peer)).collect();
    for (peer, origin) in unseen.into_iter().skip(nameless) {
        let instance =
            FoundInstance::new(InstanceId::new(format!("{id}@{peer}")), Source::declared(origin.clone()));
        service.instances.push(at_machine(
            fragment,
            instance,
            Ok((peer, Source::declared(origin.clone()))),
            origin,
        ));
    }
    if service.instances.len() == 1 {
        service.open = Some(Unknown {
            why: "the file of the machine that would take over is not here".to_owned(),
            kind: UnknownKind::Outside,
            origin: first.origin.clone(),
        });
    }
    let (kind, probe) = vrrp::mechanism(group);
    service.features.insert(Feature::Probe, probe.map_or_else(Presence::Absent, Presence::Present));
    fragment.service(id, || service);
    fragment.inventory.mechanisms.push(Mechanism {
        service: id.clone(),
        by: None,
        kind,
        source: Source::declared(first.origin.clone()),
    });
    for address in addresses {
        fragment.known_as(id, address);
        fragment.wants(Want {
            from: id.clone(),
            name: address.clone(),
            kind: NeedKind::Hard,
            how: format!("it binds {address}"),
            source: Source::derived(first.origin.clone()),
            outside: false,
        });
    }
    let source = match addresses.iter().any(|address| is_public(address)) {
        true => Source::declared(first.origin.clone()),
        false => Source::inferred(first.origin.clone()),
    };
    fragment.inventory.entries.push(PublicEntry {
        service: id.clone(),
        by: format!("virtual address {shown}"),
        source,
    });
}
