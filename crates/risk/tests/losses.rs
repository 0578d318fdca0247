//! What `look` says of losses: one cause is one finding, and what nobody can tell is not clean.

use std::collections::BTreeMap;

use dinghai_estate::{
    Enough, FoundInstance, FoundNeed, FoundPlace, FoundService, InstanceId, Inventory, NeedKind, Origin,
    PlaceId, PlaceKind, PublicEntry, Role, ServiceId, Source, Unknown, UnknownKind,
};
use dinghai_risk::{Fate, Report, State, core_services, diff, look, named, what_if};

fn line(line: u32) -> Source {
    Source::declared(Origin { file: "infra.tf".to_owned(), line, column: 1 })
}

/// Zones `a`, `b` and `c` of region `hz`.
fn zones() -> Inventory {
    let mut inventory = Inventory { name: "shop".to_owned(), ..Inventory::default() };
    let mut place = |id: &str, kind, within: Option<&str>| {
        let within = within.into_iter().map(|outer| (PlaceId::from(outer), line(1))).collect();
        let found = FoundPlace { kind, vendor: None, within, source: line(1) };
        inventory.places.insert(id.into(), found);
    };
    place("hz", PlaceKind::Region, None);
    for zone in ["a", "b", "c"] {
        place(zone, PlaceKind::Zone, Some("hz"));
    }
    inventory
}

/// A service with an instance at each of these places, declared from a line on, that needs others.
fn service(inventory: &mut Inventory, id: &str, from: u32, at: &[&str], needs: &[&str]) {
    let mut service = FoundService::new(Role::Workload, id, line(from));
    for (n, place) in (1..).zip(at) {
        let instance = FoundInstance::new(InstanceId::new(format!("{id}-{n}")), line(from + n));
        service.instances.push(match *place {
            "?" => untold(instance, UnknownKind::Unresolved, from + n),
            "*" => untold(instance, UnknownKind::Unconstrained, from + n),
            place => instance.at(place.into(), line(from + n)),
        });
    }
    service.needs = needs
        .iter()
        .map(|need| FoundNeed {
            service: (*need).into(),
            kind: NeedKind::Hard,
            how: "env".to_owned(),
            source: line(from),
        })
        .collect();
    inventory.services.insert(id.into(), service);
}

fn untold(mut instance: FoundInstance, kind: UnknownKind, from: u32) -> FoundInstance {
    let why = "var.zone has no default".to_owned();
    instance.unknown.insert(PlaceKind::Zone, Unknown { why, kind, origin: line(from).origin });
    instance
}

fn entry(inventory: &mut Inventory, service: &str) {
    inventory.entries.push(PublicEntry {
        service: service.into(),
        by: "Ingress shop".to_owned(),
        source: line(99),
    });
}

fn shown(report: &Report) -> Vec<String> {
    let shown = |finding: &dinghai_risk::Finding| {
        let about: Vec<&str> = finding.about.iter().map(ServiceId::as_str).collect();
        let lost: Vec<&str> = finding.lost.iter().map(|lost| lost.place.as_str()).collect();
        format!("{} {:?} [{}] -{}", finding.rule, finding.state, about.join(" "), lost.join(" "))
    };
    report.findings.iter().map(shown).collect()
}

#[test]
fn a_zone_that_holds_both_nodes_of_a_database_stops_who_needs_it() {
    let mut shop = zones();
    service(&mut shop, "checkout", 10, &["a", "b", "c"], &["orders-db"]);
    service(&mut shop, "orders-db", 40, &["a", "a"], &[]);
    entry(&mut shop, "checkout");
    let report = look(shop, &BTreeMap::new());
    assert_eq!(shown(&report), ["single-point Broken [orders-db checkout] -a"]);
    let finding = report.findings.first().unwrap();
    assert_eq!(
        finding.sentence,
        "lose zone a and checkout stops: both orders-db instances are there: infra.tf:41, :42"
    );
    let notes: Vec<&str> = finding.because.iter().map(|because| because.note.as_str()).collect();
    assert_eq!(
        notes,
        ["`orders-db-1` stands in a", "`orders-db-2` stands in a", "`checkout` needs `orders-db` (env)"]
    );
    let core = report.core.first().unwrap();
    assert_eq!((core.stops.as_slice(), core.holds.len(), core.unknown.len()), (&["a".into()][..], 2, 0));
    assert_eq!(core.why, "users come in by Ingress shop");
}

#[test]
fn eight_services_on_one_host_are_one_finding() {
    let mut shop = Inventory::default();
    let host = FoundPlace { kind: PlaceKind::Node, vendor: None, within: [].into(), source: line(1) };
    shop.places.insert("host".into(), host);
    let names: Vec<String> = (1..=8).map(|n| format!("s{n}")).collect();
    for (n, name) in (10..).step_by(10).zip(&names) {
        let needs: Vec<&str> = names.iter().skip(n as usize / 10).take(1).map(String::as_str).collect();
        service(&mut shop, name, n, &["host"], &needs);
    }
    entry(&mut shop, "s1");
    let report = look(shop, &BTreeMap::new());
    let broken: Vec<String> = shown(&report).into_iter().filter(|line| line.contains("Broken")).collect();
    assert_eq!(broken, ["single-point Broken [s1 s2 s3 s4 s5 s6 s7 s8] -host"]);
}

#[test]
fn services_with_one_instance_each_at_nodes_of_their_own_are_one_finding() {
    let mut shop = zones();
    for name in ["n1", "n2", "n3"] {
        let within = [("a".into(), line(1))].into();
        shop.places
            .insert(name.into(), FoundPlace { kind: PlaceKind::Node, vendor: None, within, source: line(1) });
    }
    service(&mut shop, "front", 10, &["a", "b"], &["x", "y", "z"]);
    service(&mut shop, "x", 20, &["n1"], &[]);
    service(&mut shop, "y", 30, &["n2"], &[]);
    service(&mut shop, "z", 40, &["n3"], &[]);
    entry(&mut shop, "front");
    assert_eq!(shown(&look(shop, &BTreeMap::new())), ["single-point Broken [x front y z] -n1 n2 n3"]);
}

#[test]
fn an_untold_zone_is_unknown_and_neither_broken_nor_clean() {
    let mut shop = zones();
    service(&mut shop, "web", 10, &["?", "?"], &[]);
    entry(&mut shop, "web");
    let report = look(shop, &BTreeMap::new());
    assert_eq!(shown(&report), ["spread-unknown Unknown [web] -"]);
    assert!(report.core.first().unwrap().holds.is_empty());
}

#[test]
fn an_untold_zone_does_no_harm_where_enough_stands_elsewhere() {
    let mut shop = zones();
    service(&mut shop, "web", 10, &["a", "b", "?"], &[]);
    entry(&mut shop, "web");
    assert_eq!(shown(&look(shop, &BTreeMap::new())), Vec::<String>::new());
}

#[test]
fn what_a_scheduler_may_put_into_one_zone_is_weak() {
    let mut shop = zones();
    service(&mut shop, "web", 10, &["*", "*", "*"], &[]);
    entry(&mut shop, "web");
    assert_eq!(shown(&look(shop, &BTreeMap::new())), ["spread-unknown Weak [web] -"]);
}

#[test]
fn a_lost_majority_is_told_as_a_quorum() {
    let mut shop = zones();
    service(&mut shop, "etcd", 10, &["a", "a", "b"], &[]);
    let enough = Enough { count: 2, why: "3 members need a majority of 2".to_owned(), source: line(10) };
    shop.services.get_mut(&ServiceId::from("etcd")).unwrap().enough = Some(enough);
    entry(&mut shop, "etcd");
    assert_eq!(shown(&look(shop, &BTreeMap::new())), ["quorum-in-one-place Broken [etcd] -a"]);
}

#[test]
fn needs_outside_the_files_are_one_finding_that_nobody_can_answer() {
    let mut shop = zones();
    service(&mut shop, "web", 10, &["a", "b"], &["bank", "mail"]);
    for outside in ["bank", "mail"] {
        let mut external = FoundService::new(Role::External, outside, line(12));
        let kind = UnknownKind::Outside;
        external.open = Some(Unknown { why: "it lies outside".to_owned(), kind, origin: line(12).origin });
        shop.services.insert(outside.into(), external);
    }
    entry(&mut shop, "web");
    assert_eq!(shown(&look(shop, &BTreeMap::new())), ["need-outside Unknown [bank mail web] -"]);
}

#[test]
fn a_wider_loss_than_promised_is_accepted_knowingly() {
    let mut shop = zones();
    service(&mut shop, "web", 10, &["a", "b"], &[]);
    entry(&mut shop, "web");
    let report = look(shop, &BTreeMap::new());
    assert!(report.findings.is_empty());
    let accepted: Vec<usize> = report.accepted.iter().map(|accepted| accepted.lost.len()).collect();
    assert_eq!(accepted, [1, 2], "region hz, and both zones: {:#?}", report.accepted);
}

#[test]
fn what_if_follows_needs_to_their_end() {
    let mut shop = zones();
    service(&mut shop, "web", 10, &["a", "b"], &["cart"]);
    service(&mut shop, "cart", 20, &["a", "b"], &["db"]);
    service(&mut shop, "db", 30, &["a"], &[]);
    service(&mut shop, "mail", 40, &["?"], &[]);
    entry(&mut shop, "web");
    let core = core_services(&shop);
    let lost = named(&shop, "a").unwrap();
    let after = what_if(&shop, &core, &[lost]);
    let fates: Vec<(&str, Fate)> =
        after.services.iter().map(|after| (after.service.as_str(), after.fate)).collect();
    assert_eq!(
        fates,
        [("web", Fate::Stops), ("cart", Fate::Stops), ("db", Fate::Stops), ("mail", Fate::Unknown)]
    );
    let web = after.services.first().unwrap();
    assert_eq!((web.left, &web.through), (1, &vec!["cart".into(), "db".into()]));
    assert_eq!(named(&shop, "nowhere"), None);
}

#[test]
fn a_change_that_makes_a_zone_loss_stop_checkout_is_told() {
    let mut before = zones();
    service(&mut before, "checkout", 10, &["a", "b"], &["db"]);
    service(&mut before, "db", 20, &["a", "b"], &[]);
    entry(&mut before, "checkout");
    let mut after = before.clone();
    service(&mut after, "db", 20, &["a", "a"], &[]);
    let (before, after) = (look(before, &BTreeMap::new()), look(after, &BTreeMap::new()));
    let told = diff(&before, &after);
    let lost: Vec<(&str, &str)> =
        told.lost.iter().map(|turned| (turned.service.as_str(), turned.place.as_str())).collect();
    assert_eq!(lost, [("checkout", "a")]);
    assert_eq!((told.new.len(), told.gone.len(), told.worst()), (1, 0, Some(State::Broken)));
    assert!(diff(&before, &before).is_empty());
    assert_eq!(diff(&after, &before).worst(), None);
}
