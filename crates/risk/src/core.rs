//! Which services the business stands on, and why.
//!
//! What the user stated comes first: where an estate gives some service `tier: core`, those are the core services, and no other.
//! Where none is stated, the services by which users come in are candidates. Where no file says how users come in either, every
//! workload that nothing else needs is one, which is a guess ([`Certainty::Inferred`]) and shown as such. A service that
//! was stated to be secondary is never a candidate. What serves those who operate (a registry, monitoring, a bastion) has entries as
//! well, and is a candidate only where there is nothing else.
//!
//! Everything in the closure of hard needs of a core service is *on a core path*: without it the core service stops. A balancer
//! needs what stands behind it, so that a path leads through balancers like through anything else.

use std::collections::{BTreeMap, BTreeSet};

use dinghai_estate::{Certainty, FoundService, Inventory, NeedKind, Role, ServiceId, Source, Tier};

/// A core service, or a candidate for one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Core {
    /// Which.
    pub service: ServiceId,
    /// Why it counts as core: `tier: core`, or how users reach it.
    pub why: String,
    /// The line that says so.
    pub source: Source,
}

/// The core services of an inventory, by name, each once.
pub fn core_services(inventory: &Inventory) -> Vec<Core> {
    let stated = stated(inventory);
    if !stated.is_empty() {
        return stated;
    }
    let by_entry = entered(inventory, |service| !OPERATING.contains(&service.role));
    if !by_entry.is_empty() {
        return by_entry;
    }
    for roles in [&[Role::Workload, Role::Balancer][..], KEEPING] {
        let needed_by_none = needed_by_none(inventory, roles);
        if !needed_by_none.is_empty() {
            return needed_by_none;
        }
    }
    entered(inventory, |_| true)
}

/// Every service on a path of one of these core services, the core services themselves included; with how sure it is that the
/// path leads there: as sure as the least sure link of the surest path.
pub fn on_core_paths<'i>(inventory: &'i Inventory, core: &[Core]) -> BTreeMap<&'i ServiceId, Certainty> {
    let mut reached = BTreeMap::new();
    for sure in [Certainty::Declared, Certainty::Derived, Certainty::Inferred] {
        let starts = core.iter().filter(|core| core.source.certainty >= sure).map(|core| &core.service);
        let known = starts.filter_map(|id| inventory.services.get_key_value(id));
        let mut open: Vec<(&ServiceId, &FoundService)> = known.collect();
        let mut seen = BTreeSet::new();
        while let Some((id, service)) = open.pop() {
            if !seen.insert(id) {
                continue;
            }
            reached.entry(id).or_insert(sure);
            let hard = service.needs.iter().filter(|need| need.kind == NeedKind::Hard);
            let sure = hard.filter(|need| need.source.certainty >= sure);
            open.extend(sure.filter_map(|need| inventory.services.get_key_value(&need.service)));
        }
    }
    reached
}

/// What serves those who operate, and no customers.
const OPERATING: &[Role] = &[Role::Registry, Role::Monitoring, Role::Access, Role::Control];

/// What keeps data, and is what users are after where files speak of nothing else.
const KEEPING: &[Role] = &[Role::Database, Role::Queue, Role::Search, Role::Storage, Role::Cache];

fn stated(inventory: &Inventory) -> Vec<Core> {
    let core = inventory.services.iter().filter_map(|(id, service)| match &service.intent.tier {
        Some((Tier::Core, origin)) => Some(Core {
            service: id.clone(),
            why: "tier: core".to_owned(),
            source: Source::declared(origin.clone()),
        }),
        _ => None,
    });
    core.collect()
}

fn may_be_core(service: &FoundService) -> bool {
    service.role != Role::External && service.intent.tier.is_none()
}

/// By the surest and then the first line where several lead to a service.
fn entered(inventory: &Inventory, admits: impl Fn(&FoundService) -> bool) -> Vec<Core> {
    let mut found: BTreeMap<&ServiceId, (std::cmp::Reverse<Certainty>, &Source, &str)> = BTreeMap::new();
    for entry in &inventory.entries {
        let Some(service) = inventory.services.get(&entry.service) else { continue };
        if !may_be_core(service) || !admits(service) {
            continue;
        }
        let this = (std::cmp::Reverse(entry.source.certainty), &entry.source, entry.by.as_str());
        let known = found.entry(&entry.service).or_insert(this);
        *known = this.min(*known);
    }
    let core = found.into_iter().map(|(service, (_, source, by))| Core {
        service: service.clone(),
        why: format!("users come in by {by}"),
        source: source.clone(),
    });
    core.collect()
}

/// Services of these roles that no other one of them needs. Where some need each other in a circle and nobody else needs any of
/// them, one stands for all: the circle stops as one.
fn needed_by_none(inventory: &Inventory, roles: &[Role]) -> Vec<Core> {
    let admitted = |id: &ServiceId| {
        let (id, service) = inventory.services.get_key_value(id)?;
        roles.contains(&service.role).then_some((id, service))
    };
    let needs = |service: &'_ FoundService| -> Vec<ServiceId> {
        service.needs.iter().map(|need| need.service.clone()).collect()
    };
    // Whatever finishes last in a search by depth is needed by nothing that finished before it, other than in a circle.
    let mut finished: Vec<&ServiceId> = Vec::new();
    let mut seen: BTreeSet<&ServiceId> = BTreeSet::new();
    for start in inventory.services.keys().filter_map(admitted) {
        if !seen.insert(start.0) {
            continue;
        }
        let mut path = vec![(start.0, needs(start.1))];
        while let Some((id, left)) = path.last_mut() {
            match left.pop() {
                Some(next) => {
                    if let Some((next, service)) = admitted(&next)
                        && seen.insert(next)
                    {
                        path.push((next, needs(service)));
                    }
                }
                None => {
                    finished.push(id);
                    path.pop();
                }
            }
        }
    }
    let mut reached: BTreeSet<&ServiceId> = BTreeSet::new();
    let mut core = Vec::new();
    for id in finished.into_iter().rev() {
        if reached.contains(id) {
            continue;
        }
        let mut open = vec![id];
        while let Some((id, service)) = open.pop().and_then(admitted) {
            if reached.insert(id) {
                open.extend(
                    service.needs.iter().filter_map(|need| admitted(&need.service)).map(|(id, _)| id),
                );
            }
        }
        if let Some((id, service)) = admitted(id).filter(|(_, service)| may_be_core(service)) {
            core.push(Core {
                service: id.clone(),
                why: "nothing else in these files needs it".to_owned(),
                source: Source::inferred(service.source.origin.clone()),
            });
        }
    }
    core.sort();
    core
}

#[cfg(test)]
mod tests {
    use dinghai_estate::{FoundNeed, Origin, PublicEntry};

    use super::*;

    fn line(line: u32) -> Origin {
        Origin { file: "shop.tf".to_owned(), line, column: 1 }
    }

    fn inventory(services: &[(&str, Role, &[&str])]) -> Inventory {
        let mut inventory = Inventory::default();
        for (number, (id, role, needs)) in (1..).zip(services) {
            let mut service = FoundService::new(*role, *id, Source::declared(line(number)));
            service.needs = needs
                .iter()
                .map(|need| FoundNeed {
                    service: ServiceId::from(*need),
                    kind: NeedKind::Hard,
                    how: "needs".to_owned(),
                    source: Source::declared(line(number)),
                })
                .collect();
            inventory.services.insert(ServiceId::from(*id), service);
        }
        inventory
    }

    fn names(inventory: &Inventory) -> Vec<String> {
        core_services(inventory).iter().map(|core| core.service.to_string()).collect()
    }

    #[test]
    fn what_the_user_stated_comes_before_entries_and_guesses() {
        let mut shop = inventory(&[("web", Role::Workload, &["db"]), ("db", Role::Database, &[])]);
        assert_eq!(names(&shop), ["web"]);
        assert_eq!(core_services(&shop)[0].source.certainty, Certainty::Inferred);
        let by = |service: &str, by: &str| PublicEntry {
            service: ServiceId::from(service),
            by: by.to_owned(),
            source: Source::declared(line(9)),
        };
        shop.entries = vec![by("db", "published port 5432"), by("nowhere", "Ingress")];
        assert_eq!(core_services(&shop)[0].why, "users come in by published port 5432");
        assert_eq!(names(&shop), ["db"]);
        shop.services.get_mut(&ServiceId::from("web")).unwrap().intent.tier = Some((Tier::Core, line(2)));
        assert_eq!(names(&shop), ["web"]);
    }

    #[test]
    fn what_serves_those_who_operate_is_a_candidate_only_alone() {
        let mut shop = inventory(&[("grafana", Role::Monitoring, &[]), ("web", Role::Workload, &[])]);
        let source = Source::declared(line(9));
        shop.entries.push(PublicEntry {
            service: "grafana".into(),
            by: "Ingress grafana".to_owned(),
            source,
        });
        assert_eq!(names(&shop), ["web"]);
        shop.services.remove(&ServiceId::from("web"));
        assert_eq!(names(&shop), ["grafana"]);
    }

    #[test]
    fn what_is_stated_to_be_secondary_is_no_candidate() {
        let mut shop = inventory(&[("admin", Role::Workload, &[]), ("web", Role::Workload, &[])]);
        shop.services.get_mut(&ServiceId::from("admin")).unwrap().intent.tier =
            Some((Tier::Secondary, line(1)));
        assert_eq!(names(&shop), ["web"]);
    }

    #[test]
    fn a_circle_that_nobody_else_needs_has_one_that_stands_for_it() {
        let shop = inventory(&[
            ("a", Role::Workload, &[]),
            ("b", Role::Workload, &["c"]),
            ("c", Role::Workload, &["b", "a"]),
            ("watcher", Role::Monitoring, &["b"]),
        ]);
        assert_eq!(names(&shop).len(), 1);
        assert_eq!(on_core_paths(&shop, &core_services(&shop)).len(), 3);
    }

    #[test]
    fn where_there_is_only_data_it_is_the_data() {
        let shop = inventory(&[("etcd", Role::Control, &[]), ("orders", Role::Database, &["etcd"])]);
        assert_eq!(names(&shop), ["orders"]);
    }
}
