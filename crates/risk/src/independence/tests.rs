use dinghai_estate::{
    Enough, FoundInstance, FoundNeed, FoundPlace, FoundService, InstanceId, Origin, PlaceId, RecoveryStep,
    Role, Source, Tier, Unknown, UnknownKind,
};

use super::*;
use crate::State;

fn at(file: &str, line: u32) -> Source {
    Source::declared(Origin { file: file.to_owned(), line, column: 1 })
}

/// Zones a, b and c of a region, with a core service `web` in each.
fn shop() -> Inventory {
    let mut inventory = Inventory::default();
    let place = |kind, within: &[&str]| FoundPlace {
        kind,
        vendor: None,
        within: within.iter().map(|outer| (PlaceId::from(*outer), at("net.tf", 1))).collect(),
        source: at("net.tf", 1),
    };
    inventory.places.insert("r".into(), place(PlaceKind::Region, &[]));
    for zone in ["a", "b", "c"] {
        inventory.places.insert(zone.into(), place(PlaceKind::Zone, &["r"]));
    }
    inventory.places.insert("a-1".into(), place(PlaceKind::Node, &["a"]));
    add(&mut inventory, "web", Role::Workload, &["a", "b", "c"]);
    service(&mut inventory, "web").intent.tier = Some((Tier::Core, at("web.tf", 1).origin));
    inventory
}

fn add(inventory: &mut Inventory, id: &str, role: Role, places: &[&str]) {
    let file = format!("{id}.tf");
    let mut service = FoundService::new(role, id, at(&file, 1));
    for (number, place) in (1..).zip(places) {
        let instance = FoundInstance::new(InstanceId::new(format!("{id}.{number}")), at(&file, 10 + number));
        service.instances.push(match place.is_empty() {
            true => instance,
            false => instance.at(PlaceId::from(*place), at(&file, 20 + number)),
        });
    }
    inventory.services.insert(id.into(), service);
}

fn service<'a>(inventory: &'a mut Inventory, id: &str) -> &'a mut FoundService {
    inventory.services.get_mut(&ServiceId::from(id)).unwrap()
}

fn needs(inventory: &mut Inventory, id: &str, needed: &str) {
    let source = at(&format!("{id}.tf"), 30);
    service(inventory, id).needs.push(FoundNeed {
        service: needed.into(),
        kind: NeedKind::Hard,
        how: format!("env {needed}"),
        source,
    });
}

fn step(inventory: &mut Inventory, act: Act, service: Option<&str>, needs: Option<&str>, how: &str) {
    inventory.steps.push(RecoveryStep {
        act,
        service: service.map(ServiceId::from),
        needs: needs.map(ServiceId::from),
        place: None,
        how: how.to_owned(),
        source: at("steps.yaml", 7),
    });
}

fn said(inventory: &Inventory) -> Vec<(State, String)> {
    recovery_paths(inventory).into_iter().map(|finding| (finding.state, finding.sentence)).collect()
}

#[test]
fn an_image_that_is_kept_in_the_lost_zone_cannot_be_pulled() {
    let mut shop = shop();
    add(&mut shop, "registry", Role::Registry, &["a"]);
    step(&mut shop, Act::PullImage, Some("web"), Some("registry"), "image registry.shop.internal/web:3");
    let found = recovery_paths(&shop);
    assert_eq!(
        said(&shop),
        [(
            State::Weak,
            "lose zone a and web cannot be started elsewhere for want of an image: that takes registry \
             (image registry.shop.internal/web:3, steps.yaml:7), and the only registry instance is there: registry.tf:11, :21"
                .to_owned()
        )]
    );
    assert_eq!(found[0].title, "losing a takes registry, and with it the images of web");
    assert_eq!(found[0].fix.as_ref().unwrap().sentence, "run an instance of registry in another zone too");
    assert_eq!(found[0].certainty, Certainty::Declared);
}

#[test]
fn a_fail_over_that_needs_a_lost_quorum_is_broken() {
    let mut shop = shop();
    add(&mut shop, "orders-db", Role::Database, &["a", "b"]);
    needs(&mut shop, "web", "orders-db");
    add(&mut shop, "etcd", Role::Control, &["a", "a", "b"]);
    service(&mut shop, "etcd").enough =
        Some(Enough { count: 2, why: "3 members need a majority of 2".to_owned(), source: at("etcd.tf", 2) });
    step(&mut shop, Act::FailOver, Some("orders-db"), Some("etcd"), "Patroni keeps its leader key in etcd");
    let found = recovery_paths(&shop);
    assert_eq!(
        said(&shop),
        [(
            State::Broken,
            "lose zone a and orders-db cannot fail over: that takes etcd (Patroni keeps its leader key in etcd, \
             steps.yaml:7), and 2 of the 3 etcd instances are there, which leaves 1 of the 2 it needs: etcd.tf:11, :12, :21, :22"
                .to_owned()
        )]
    );
    assert_eq!(
        found[0].fix.as_ref().unwrap().sentence,
        "spread etcd so that 2 of its 3 instances are left without any one zone"
    );
}

#[test]
fn a_chain_of_needs_is_followed_and_printed() {
    let mut shop = shop();
    add(&mut shop, "registry", Role::Registry, &["a", "b", "c"]);
    add(&mut shop, "blobs", Role::Storage, &["a-1"]);
    needs(&mut shop, "registry", "blobs");
    step(&mut shop, Act::PullImage, Some("web"), Some("registry"), "image registry/web");
    let sentence = said(&shop).remove(0).1;
    assert!(sentence.starts_with("lose zone a and "), "{sentence}");
    assert!(
        sentence.ends_with(
            "which needs blobs, and the only blobs instance is there: blobs.tf:11, :21, registry.tf:30"
        ),
        "{sentence}"
    );
}

#[test]
fn what_the_service_needs_to_run_is_left_to_the_rule_of_single_points() {
    let mut shop = shop();
    add(&mut shop, "etcd", Role::Control, &["a"]);
    needs(&mut shop, "web", "etcd");
    step(&mut shop, Act::FailOver, Some("web"), Some("etcd"), "etcd");
    step(&mut shop, Act::LogIn, None, Some("etcd"), "etcd");
    assert!(said(&shop).is_empty());
}

#[test]
fn nothing_is_said_where_there_is_nowhere_to_recover_to_but_of_data() {
    let mut shop = shop();
    add(&mut shop, "web", Role::Workload, &["a", "a-1"]);
    service(&mut shop, "web").intent.tier = Some((Tier::Core, at("web.tf", 1).origin));
    add(&mut shop, "registry", Role::Registry, &["a"]);
    add(&mut shop, "bastion", Role::Access, &["a"]);
    step(&mut shop, Act::PullImage, Some("web"), Some("registry"), "image registry/web");
    assert!(said(&shop).is_empty());
    add(&mut shop, "backups", Role::Storage, &["a"]);
    step(&mut shop, Act::Restore, Some("web"), Some("backups"), "pgbackrest repo1");
    let found = said(&shop);
    assert_eq!(found.len(), 1);
    assert!(found[0].1.contains("web cannot be restored: that takes backups"), "{found:?}");
}

#[test]
fn monitoring_and_the_way_in_are_derived_from_roles() {
    let mut shop = shop();
    add(&mut shop, "alertmanager", Role::Monitoring, &["b"]);
    add(&mut shop, "grafana", Role::Monitoring, &["b"]);
    add(&mut shop, "bastion-1", Role::Access, &["a"]);
    let found = recovery_paths(&shop);
    let titles: Vec<&str> = found.iter().map(|finding| finding.title.as_str()).collect();
    assert_eq!(
        titles,
        [
            "losing a takes bastion-1, and with it the way in for operators",
            "losing b takes alertmanager, and with it the page to those on call"
        ]
    );
    assert!(
        found.iter().all(|finding| finding.certainty == Certainty::Inferred && finding.state == State::Weak)
    );
    add(&mut shop, "bastion-2", Role::Access, &["c"]);
    assert_eq!(recovery_paths(&shop).len(), 1);
}

#[test]
fn a_region_is_told_where_the_services_outlive_it() {
    let mut shop = shop();
    let other = FoundPlace {
        kind: PlaceKind::Region,
        vendor: None,
        within: BTreeMap::new(),
        source: at("net.tf", 9),
    };
    shop.places.insert("r2".into(), other);
    add(&mut shop, "registry", Role::Registry, &["a", "b", "c"]);
    step(&mut shop, Act::PullImage, Some("web"), Some("registry"), "image registry/web");
    assert!(said(&shop).is_empty());
    let instance = FoundInstance::new("web.4".into(), at("web.tf", 14)).at("r2".into(), at("web.tf", 24));
    service(&mut shop, "web").instances.push(instance);
    assert!(
        said(&shop)[0].1.starts_with("lose region r and web cannot be started elsewhere"),
        "{:?}",
        said(&shop)
    );
}

#[test]
fn unknown_stays_unknown_and_has_its_reason() {
    let mut shop = shop();
    add(&mut shop, "registry", Role::Registry, &[""]);
    add(&mut shop, "hub", Role::External, &[]);
    service(&mut shop, "hub").open = Some(Unknown {
        why: "it lies outside these files".to_owned(),
        kind: UnknownKind::Outside,
        origin: at("web.tf", 5).origin,
    });
    step(&mut shop, Act::PullImage, Some("web"), Some("registry"), "image registry/web");
    step(&mut shop, Act::Deploy, None, Some("hub"), "pipeline");
    step(&mut shop, Act::Page, None, None, "receiver pager.example");
    assert_eq!(
        said(&shop),
        [
            (
                State::Unknown,
                "lose a, b or c, and nobody can tell whether it takes hub and receiver pager.example, without which no mended \
                 version can be brought out and nobody on call is told: it lies outside these files: steps.yaml:7, web.tf:5"
                    .to_owned()
            ),
            (
                State::Unknown,
                "lose a, b or c, and nobody can tell whether it takes registry, without which web cannot be started elsewhere \
                 for want of an image: no file says in which zone it stands: registry.tf:11, steps.yaml:7"
                    .to_owned()
            ),
        ]
    );
}

#[test]
fn a_registry_is_found_by_the_host_of_the_image() {
    let mut shop = shop();
    add(&mut shop, "registry", Role::Registry, &["a"]);
    step(&mut shop, Act::PullImage, Some("web"), None, "image registry.shop.internal:5000/web:3");
    assert_eq!(said(&shop)[0].0, State::Weak);
}

#[test]
fn a_place_can_be_needed_itself() {
    let mut shop = shop();
    step(&mut shop, Act::Deploy, Some("web"), None, "runner on a-1");
    shop.steps[0].place = Some("a-1".into());
    let sentence = said(&shop).remove(0).1;
    assert_eq!(
        sentence,
        "lose zone a and no mended version of web can be brought out: that takes a-1 (runner on a-1, steps.yaml:7), which is there"
    );
}
