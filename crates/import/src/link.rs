//! Brings together who reaches for a name and who answers to it.

use std::collections::BTreeSet;

use dinghai_estate::{
    FoundNeed, FoundService, Inventory, NeedKind, Role, ServiceId, Source, Unknown, UnknownKind,
};

use crate::fragment::{Fragment, Want};

/// The inventory of a fragment, with every name that could be resolved turned into a need.
pub(crate) fn link(fragment: Fragment) -> Inventory {
    let Fragment { mut inventory, names, wants, .. } = fragment;
    for want in &wants {
        let found = candidates(&want.name).find_map(|name| names.get(&name));
        let needed: BTreeSet<ServiceId> = match found {
            Some(services) => services.clone(),
            None if want.outside => [outside(&mut inventory, want)].into(),
            None => continue,
        };
        for service in needed.into_iter().filter(|service| *service != want.from) {
            need(&mut inventory, want, service);
        }
    }
    inventory
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
