use dinghai_estate::{
    FoundInstance, FoundNeed, FoundPlace, InstanceId, Origin, Source, Tier, Unknown, UnknownKind,
};

use super::*;

fn line(line: u32) -> Origin {
    Origin { file: "shop.tf".to_owned(), line, column: 1 }
}

fn absent(at: u32) -> Presence {
    Presence::Absent(Source::declared(line(at)))
}

fn service(
    resource: &str,
    role: Role,
    at: u32,
    features: &[(Feature, Presence)],
) -> (ServiceId, FoundService) {
    let mut service = FoundService::new(role, resource, Source::declared(line(at)));
    service.features = features.iter().cloned().collect();
    (ServiceId::new(resource.rsplit(['.', ' ', '/']).next().unwrap()), service)
}

/// A core service `web` that needs these hard.
fn shop(needed: Vec<(ServiceId, FoundService)>) -> Inventory {
    let (id, mut web) = service("Deployment web", Role::Workload, 1, &[]);
    web.intent.tier = Some((Tier::Core, line(1)));
    web.needs = needed
        .iter()
        .map(|(id, _)| FoundNeed {
            service: id.clone(),
            kind: NeedKind::Hard,
            how: "needs".to_owned(),
            source: Source::declared(line(2)),
        })
        .collect();
    Inventory { services: needed.into_iter().chain([(id, web)]).collect(), ..Inventory::default() }
}

fn said(inventory: &Inventory) -> Vec<String> {
    let line = |finding: &Finding| format!("{} {:?}: {}", finding.rule, finding.state, finding.sentence);
    missing_protections(inventory).iter().map(line).collect()
}

#[test]
fn what_is_absent_on_a_core_path_is_weak_and_what_is_there_is_nothing() {
    let table =
        service("aws_dynamodb_table.carts", Role::Database, 4, &[(Feature::ReleaseProtection, absent(5))]);
    let mut shop = shop(vec![table]);
    assert_eq!(
        said(&shop),
        [
            "no-release-protection Weak: carts can be released by one call: a mistaken `destroy` or a click in the console is \
          enough: shop.tf:5"
        ]
    );
    let there = Presence::Present(Source::declared(line(5)));
    let carts = shop.services.get_mut(&ServiceId::from("carts")).unwrap();
    carts.features.insert(Feature::ReleaseProtection, there);
    assert!(said(&shop).is_empty());
}

#[test]
fn a_cache_of_one_node_is_told_where_there_is_a_fallback_and_else_is_a_single_point() {
    let mut cache =
        service("aws_elasticache_cluster.sessions", Role::Cache, 4, &[(Feature::Clustered, absent(5))]);
    cache.1.instances = vec![FoundInstance::new("sessions".into(), Source::declared(line(4)))];
    let mut shop = shop(vec![cache]);
    assert!(said(&shop).is_empty());
    let web = shop.services.get_mut(&ServiceId::from("web")).unwrap();
    web.needs[0].kind = NeedKind::Soft { fallback: Some("the database".to_owned()) };
    assert_eq!(
        said(&shop),
        [
            "cache-not-clustered Weak: sessions is a cache on a single node: when that node goes the cache is empty or away, \
          and all its load falls on what is behind it: shop.tf:5"
        ]
    );
}

#[test]
fn off_the_core_paths_only_data_counts() {
    let mut shop = shop(vec![]);
    let lone = [
        service("aws_ebs_volume.archive", Role::Disk, 9, &[(Feature::CrossZoneCopy, absent(9))]),
        service("aws_elasticache_cluster.toys", Role::Cache, 10, &[(Feature::Clustered, absent(10))]),
    ];
    shop.services.extend(lone);
    let found = missing_protections(&shop);
    assert_eq!(found.iter().map(|finding| finding.rule).collect::<Vec<_>>(), ["no-cross-zone-copy"]);
    assert_eq!(found[0].certainty, Certainty::Declared);
}

#[test]
fn all_that_lack_the_same_are_one_finding_with_all_their_lines() {
    let disk = |n: u32| {
        let name = format!("module.data[\"a.b\"].aws_ebs_volume.data-{n}");
        service(&name, Role::Disk, n, &[(Feature::CrossZoneCopy, absent(n))])
    };
    let table =
        service("aws_dynamodb_table.carts", Role::Database, 9, &[(Feature::CrossZoneCopy, absent(9))]);
    let found = missing_protections(&shop((1..=4).map(disk).chain([table]).collect()));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].title, "5 services have no copy in another zone");
    assert_eq!((found[0].about.len(), found[0].because.len()), (5, 5));
    let fix = &found[0].fix.as_ref().unwrap().sentence;
    assert!(
        fix.contains("aws_dynamodb_table: add `point_in_time_recovery")
            && fix.contains("; aws_ebs_volume: let"),
        "{fix}"
    );
}

#[test]
fn data_that_stands_in_one_zone_is_lost_with_it() {
    let mut disk = service("aws_ebs_volume.uploads", Role::Disk, 9, &[(Feature::CrossZoneCopy, absent(9))]);
    let at = FoundInstance::new("uploads".into(), Source::declared(line(9)));
    disk.1.instances = vec![at.at("b".into(), Source::declared(line(10)))];
    let mut shop = shop(vec![disk]);
    assert!(missing_protections(&shop)[0].lost.is_empty());
    let source = Source::declared(line(3));
    let zone = FoundPlace { kind: PlaceKind::Zone, vendor: None, within: BTreeMap::new(), source };
    shop.places.insert("b".into(), zone);
    assert_eq!(missing_protections(&shop)[0].lost[0].place.as_str(), "b");
}

#[test]
fn unknown_stays_unknown_and_matters_on_core_paths_only() {
    let unknown = Presence::Unknown(Unknown {
        why: "var.protect has no default".to_owned(),
        kind: UnknownKind::Unresolved,
        origin: line(7),
    });
    let disk = service("aws_db_instance.orders", Role::Database, 6, &[(Feature::ReleaseProtection, unknown)]);
    let mut shop = shop(vec![disk]);
    assert_eq!(said(&shop), ["no-release-protection Unknown: orders: var.protect has no default: shop.tf:7"]);
    shop.services.get_mut(&ServiceId::from("web")).unwrap().needs.clear();
    assert!(said(&shop).is_empty());
}

#[test]
fn a_disruption_budget_is_asked_of_those_with_more_than_one_instance() {
    let mut shop = shop(vec![]);
    let web = shop.services.get_mut(&ServiceId::from("web")).unwrap();
    web.features.insert(Feature::DisruptionBudget, absent(1));
    let instance = |id: &str| FoundInstance::new(InstanceId::from(id), Source::declared(line(1)));
    web.instances = vec![instance("web.1")];
    assert!(said(&shop).is_empty());
    shop.services.get_mut(&ServiceId::from("web")).unwrap().instances.push(instance("web.2"));
    assert_eq!(missing_protections(&shop)[0].rule, "no-disruption-budget");
}

#[test]
fn every_rule_has_advice_for_kinds_that_are_not_known_here() {
    for wanted in &WANTED {
        assert!(advice::of(wanted.rule, "a kind of tomorrow").is_some(), "{}", wanted.rule);
    }
}
