use std::collections::BTreeMap;
use std::time::Duration;

use dinghai_estate::{
    FoundInstance, FoundPlace, InstanceId, Mechanism, Origin, Role, Scaling, Source, Timer, Unknown,
    UnknownKind,
};

use super::*;

fn line(line: u32) -> Origin {
    Origin { file: "shop.yaml".to_owned(), line, column: 1 }
}

/// `web` with an instance in each of these zones, none known where the zone is empty.
fn shop(zones: &[&str], each: f64, peak: f64, surge: f64) -> Inventory {
    let mut inventory = Inventory::default();
    let mut web = FoundService::new(Role::Workload, "Deployment web", Source::declared(line(1)));
    for (number, zone) in (1..).zip(zones) {
        let mut instance =
            FoundInstance::new(InstanceId::new(format!("web.{number}")), Source::declared(line(10 + number)));
        if !zone.is_empty() {
            instance = instance.at(PlaceId::from(*zone), Source::declared(line(10 + number)));
            let source = Source::declared(line(2));
            let place = FoundPlace { kind: PlaceKind::Zone, vendor: None, within: BTreeMap::new(), source };
            inventory.places.insert(PlaceId::from(*zone), place);
        }
        web.instances.push(instance);
    }
    web.intent.capacity = Some(Capacity { each, peak, surge, origin: line(3) });
    inventory.services.insert(ServiceId::from("web"), web);
    inventory
}

fn said(inventory: &Inventory) -> Vec<(State, String)> {
    let found = capacity_after_loss(inventory);
    found.into_iter().map(|finding| (finding.state, finding.sentence)).collect()
}

fn web(inventory: &mut Inventory) -> &mut FoundService {
    inventory.services.get_mut(&ServiceId::from("web")).unwrap()
}

#[test]
fn below_the_peak_is_broken_and_the_worst_place_is_named() {
    let shop = shop(&["a", "b", "b"], 100.0, 150.0, 1.0);
    assert_eq!(
        said(&shop),
        [(
            State::Broken,
            "lose zone b and 1 of 3 web instances × 100 = 100/s are left for a peak of 150/s: shop.yaml:3, :12, :13"
                .to_owned()
        )]
    );
    assert_eq!(
        capacity_after_loss(&shop)[0].fix.as_ref().unwrap().sentence,
        "run web so that 2 are left without any one zone"
    );
}

#[test]
fn below_the_surge_is_weak_and_enough_is_nothing() {
    let (state, sentence) = said(&shop(&["a", "b", "c"], 100.0, 150.0, 1.5)).remove(0);
    assert_eq!(state, State::Weak);
    assert!(
        sentence.contains("2 of 3 web instances × 100 = 200/s are left for a surge of 1.5 × 150 = 225/s"),
        "{sentence}"
    );
    assert!(said(&shop(&["a", "b", "c"], 100.0, 150.0, 1.2)).is_empty());
}

#[test]
fn what_is_short_with_nothing_lost_is_said_alone() {
    let (state, sentence) = said(&shop(&["a", "b"], 10.0, 150.0, 1.0)).remove(0);
    assert_eq!(state, State::Broken);
    assert!(
        sentence
            .starts_with("with nothing lost 2 of 2 web instances × 10 = 20/s are left for a peak of 150/s")
    );
}

#[test]
fn a_scaling_group_mends_it_after_a_while_that_is_said() {
    let mut shop = shop(&["a", "b"], 100.0, 150.0, 1.0);
    web(&mut shop).scaling =
        Some(Scaling { least: Some(2), most: Some(4), source: Source::declared(line(30)) });
    let sentence = said(&shop).remove(0).1;
    assert!(
        sentence.contains(
            "until the scaling group has started up to 3 more, and no line says how long that takes"
        ),
        "{sentence}"
    );
    let timer = |seconds, says: &str| Timer {
        value: Duration::from_secs(seconds),
        says: says.to_owned(),
        source: Source::declared(line(31)),
    };
    shop.mechanisms = vec![Mechanism {
        service: ServiceId::from("web"),
        by: None,
        kind: MechanismKind::Scaling {
            grace: timer(60, "grace 60"),
            boot: timer(90, "default 90s"),
            cooldown: None,
        },
        source: Source::declared(line(31)),
    }];
    assert!(said(&shop).remove(0).1.contains("which takes up to 2m30s"), "{:?}", said(&shop));
    web(&mut shop).scaling = Some(Scaling { least: None, most: Some(1), source: Source::declared(line(30)) });
    assert!(said(&shop).remove(0).1.contains("and no more than 1 may be started (shop.yaml:30)"));
}

#[test]
fn unknown_stays_unknown() {
    let mut shop = shop(&["a", "", ""], 100.0, 200.0, 1.0);
    let (state, sentence) = said(&shop).remove(0);
    assert_eq!(state, State::Unknown);
    assert!(sentence.contains("no file says in which zone it stands"), "{sentence}");
    web(&mut shop).instances.truncate(1);
    web(&mut shop).open = Some(Unknown {
        why: "var.count has no default".to_owned(),
        kind: UnknownKind::Unresolved,
        origin: line(5),
    });
    let (state, sentence) = said(&shop).remove(0);
    assert_eq!(state, State::Unknown);
    assert!(sentence.contains("var.count has no default"), "{sentence}");
}
