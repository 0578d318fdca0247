//! Brings together who reaches for a name and who answers to it.

use std::collections::{BTreeMap, BTreeSet};

use dinghai_estate::{
    FoundNeed, FoundService, Inventory, NeedKind, Role, ServiceId, Source, Unknown, UnknownKind,
};

use crate::fragment::{Fragment, Want};

/// The inventory of a fragment, with every name that could be resolved turned into a need.
pub(crate) fn link(fragment: Fragment) -> Inventory {
    let Fragment { mut inventory, names, mut wants, wants_any, pools, .. } = fragment;
    wants.extend(wants_any.into_iter().flat_map(|any| alternatives(any, &names)));
    for want in &wants {
        let found = answers(&want.name, &names);
        let needed: BTreeSet<ServiceId> = match found {
            Some(services) => services,
            None if want.outside => [outside(&mut inventory, want)].into(),
            None => continue,
        };
        for service in needed.into_iter().filter(|service| *service != want.from) {
            need(&mut inventory, want, service);
        }
    }
    call_pools(&mut inventory, &pools);
    inventory
}

/// Pools get the name that people gave them, by which an estate speaks of them too: backend `app` is `app`. Not where something
/// else has that name, or several pools do.
fn call_pools(inventory: &mut Inventory, pools: &BTreeMap<ServiceId, String>) {
    let mut called: BTreeMap<&str, Vec<&ServiceId>> = BTreeMap::new();
    for (pool, name) in pools {
        called.entry(name).or_default().push(pool);
    }
    for (name, pools) in called {
        if let [pool] = pools.as_slice() {
            inventory.rename(pool, &ServiceId::new(name));
        }
    }
}

/// The wants as they are when all of them mean one service. Where they mean several, or one of them lies outside, the loss of one is
/// outlived, and that of all shows in the instances of who wants them: the needs are soft.
fn alternatives(any: Vec<Want>, names: &BTreeMap<String, BTreeSet<ServiceId>>) -> Vec<Want> {
    let found: BTreeSet<Option<BTreeSet<ServiceId>>> =
        any.iter().map(|want| answers(&want.name, names)).collect();
    let fallback = Some("another server of the pool".to_owned());
    let several = found.len() > 1;
    any.into_iter()
        .map(|want| match several {
            true => Want { kind: NeedKind::Soft { fallback: fallback.clone() }, ..want },
            false => want,
        })
        .collect()
}

/// Who answers to a name: with its port, or else without, where what is known to listen on other ports of that host is not meant.
fn answers(name: &str, names: &BTreeMap<String, BTreeSet<ServiceId>>) -> Option<BTreeSet<ServiceId>> {
    let mut candidates = candidates(name);
    let exact = candidates.next()?;
    if let Some(services) = names.get(&exact) {
        return Some(services.clone());
    }
    let host = candidates.next()?;
    let on_ports = format!("{host}:");
    let elsewhere: BTreeSet<&ServiceId> = names
        .range(on_ports.clone()..)
        .take_while(|(name, _)| name.starts_with(&on_ports))
        .flat_map(|(_, services)| services)
        .collect();
    let services: BTreeSet<ServiceId> =
        names.get(&host)?.iter().filter(|service| !elsewhere.contains(service)).cloned().collect();
    (!services.is_empty()).then_some(services)
}

/// The name as it is, and then without its port.
fn candidates(name: &str) -> impl Iterator<Item = String> {
    let name = name.to_lowercase();
    let host = name.rsplit_once(':').filter(|(host, port)| {
        !port.is_empty() && port.bytes().all(|digit| digit.is_ascii_digit()) && !host.ends_with(':')
    });
    let host = host.map(|(host, _)| host.trim_matches(['[', ']']).to_owned());
    [Some(name), host].into_iter().flatten()
}

fn need(inventory: &mut Inventory, want: &Want, service: ServiceId) {
    let Some(from) = inventory.services.get_mut(&want.from) else { return };
    match from.needs.iter_mut().find(|need| need.service == service) {
        // A hard need is not made soft by a second mention, and a surer source is the better one.
        Some(known) => {
            if want.kind == NeedKind::Hard {
                known.kind = NeedKind::Hard;
            }
            if want.source.certainty > known.source.certainty {
                known.source = want.source.clone();
                known.how = want.how.clone();
            }
        }
        None => from.needs.push(FoundNeed {
            service,
            kind: want.kind.clone(),
            how: want.how.clone(),
            source: want.source.clone(),
        }),
    }
}

/// Somebody else's service of that name.
fn outside(inventory: &mut Inventory, want: &Want) -> ServiceId {
    let id = ServiceId::new(candidates(&want.name).last().unwrap_or_default());
    inventory.services.entry(id.clone()).or_insert_with(|| {
        let source = Source::inferred(want.source.origin.clone());
        let mut service = FoundService::new(Role::External, want.name.clone(), source);
        service.open = Some(Unknown {
            why: "it lies outside these files".to_owned(),
            kind: UnknownKind::Outside,
            origin: want.source.origin.clone(),
        });
        service
    });
    id
}
