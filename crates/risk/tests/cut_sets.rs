//! The cut sets of small estates, and of random ones against every combination of places tried in turn.

#![expect(clippy::unwrap_used, reason = "what is not there fails its test")]

use std::collections::BTreeSet;

use dinghai_estate::{Estate, FailureDomains, Files, Inventory, NeedKind, PlaceId, ServiceId, Tier, decode};
use dinghai_risk::{Cuts, Stands, cut_sets};
use proptest::prelude::*;

struct Text(String);

impl Files for Text {
    fn read(&self, _: &str) -> Result<String, String> {
        Ok(self.0.clone())
    }
}

fn estate(text: &str) -> Estate {
    let decoded =
        decode("dinghai.yaml", &Text(format!("estate: shop\npromises: {{ profile: none }}\n{text}")));
    assert!(decoded.estate.is_some(), "{text}\n{:?}", decoded.problems);
    decoded.estate.unwrap()
}

/// Of every service that the estate calls core.
fn cuts(inventory: &Inventory, order: usize, stands: Stands) -> Cuts<'_> {
    let core = |(id, service): (&ServiceId, &dinghai_estate::FoundService)| {
        service.intent.tier.as_ref().filter(|(tier, _)| *tier == Tier::Core).map(|_| id.clone())
    };
    cut_sets(inventory, &inventory.services.iter().filter_map(core).collect(), order, stands)
}

fn shown(cuts: &Cuts<'_>, service: &str) -> Vec<String> {
    let of = cuts.of(&service.into()).iter();
    of.map(|cut| cut.places().iter().map(PlaceId::as_str).collect::<Vec<_>>().join("+")).collect()
}

const TWO_ZONES: &str = "
places:
  hz: { kind: region, zones: [hz-a, hz-b] }
  n1: { kind: node, within: hz-a }
  n2: { kind: node, within: hz-a }
  n3: { kind: node, within: hz-b }
services:
  checkout:
    tier: core
    instances: [{ at: n1, address: 127.0.0.1:1 }, { at: n3, address: 127.0.0.1:2 }]
    needs: [orders-db]
  orders-db:
    tier: core
    instances:
      - { at: n1, address: 127.0.0.1:3 }
      - { at: n2, address: 127.0.0.1:4 }
    spares: [{ at: n3, address: 127.0.0.1:5 }]
";

#[test]
fn a_zone_that_holds_every_instance_of_a_needed_service_is_a_cut() {
    let inventory = Inventory::of(&estate(TWO_ZONES));
    let cuts = cuts(&inventory, 3, Stands::OnEnough);
    assert_eq!(shown(&cuts, "checkout"), ["hz-a", "n1+n2", "n1+n3"]);
    assert!(!cuts.truncated(&"checkout".into()));
    let why = |n: usize| cuts.why(&"checkout".into(), cuts.of(&"checkout".into()).get(n).unwrap()).unwrap();
    assert_eq!(
        why(0).to_string(),
        "lose zone hz-a and checkout stops: both orders-db instances are there: dinghai.yaml:17, :18"
    );
    assert_eq!(why(0).stops_at(), &ServiceId::from("orders-db"));
    assert!(why(2).through.is_empty());
}

#[test]
fn fewer_than_the_minimum_counts_when_asked_for() {
    let estate = estate(&TWO_ZONES.replace("  orders-db:\n", "  orders-db:\n    minimum: 2\n"));
    let inventory = Inventory::of(&estate);
    assert_eq!(shown(&cuts(&inventory, 3, Stands::OnEnough), "orders-db"), ["hz-a", "n1+n2"]);
    let below = cuts(&inventory, 3, Stands::OnMinimum);
    assert_eq!(shown(&below, "orders-db"), ["n1", "n2"]);
    let why = below.why(&"orders-db".into(), below.of(&"orders-db".into()).first().unwrap()).unwrap();
    assert_eq!(
        why.to_string(),
        "lose node n1 and orders-db stops: 1 of the 2 orders-db instances are there, which leaves 1 of the 2 that it \
         needs: dinghai.yaml:18"
    );
}

#[test]
fn larger_cut_sets_are_not_looked_for_and_that_is_said() {
    let inventory = Inventory::of(&estate(TWO_ZONES));
    let cuts = cuts(&inventory, 1, Stands::OnEnough);
    assert_eq!(shown(&cuts, "checkout"), ["hz-a"]);
    assert!(cuts.truncated(&"checkout".into()));
}

/// Up to 12 places in the order of their containment, and services with instances and needs.
#[derive(Clone, Debug)]
struct Drawn {
    /// For each place what contains it: earlier places.
    within: Vec<BTreeSet<usize>>,
    services: Vec<Function>,
}

#[derive(Clone, Debug)]
struct Function {
    minimum: usize,
    /// Places, and whether it is a spare.
    instances: Vec<(BTreeSet<usize>, bool)>,
    /// Service, and whether the need is hard.
    needs: Vec<(usize, bool)>,
}

fn drawn() -> impl Strategy<Value = Drawn> {
    (2usize..=12, 1usize..=5).prop_flat_map(|(places, services)| {
        let within = (0..places)
            .map(|n| {
                prop::collection::btree_set(0..n.max(1), 0..=2.min(n))
                    .prop_map(move |set| set.into_iter().filter(|outer| *outer < n).collect())
            })
            .collect::<Vec<_>>();
        let instance = (prop::collection::btree_set(0..places, 1..=2), prop::bool::weighted(0.15));
        let needs = prop::collection::btree_map(0..services, prop::bool::weighted(0.7), 0..=2);
        let function = (prop::collection::vec(instance, 1..=5), needs, 1usize..=3).prop_map(
            |(mut instances, needs, minimum)| {
                instances.first_mut().into_iter().for_each(|(_, spare)| *spare = false);
                let running = instances.iter().filter(|(_, spare)| !spare).count();
                Function { minimum: minimum.min(running), instances, needs: needs.into_iter().collect() }
            },
        );
        (within, prop::collection::vec(function, services))
            .prop_map(|(within, services)| Drawn { within, services })
    })
}

/// As a file; backwards has every list in the opposite order.
fn text(drawn: &Drawn, backwards: bool) -> String {
    let turn = |mut lines: Vec<String>| {
        if backwards {
            lines.reverse();
        }
        lines
    };
    let list =
        |places: &BTreeSet<usize>| turn(places.iter().map(|place| format!("p{place}")).collect()).join(", ");
    let places = drawn.within.iter().enumerate().map(|(n, within)| {
        let kind = ["region", "zone", "power", "rack", "node"].get(n / 3).unwrap();
        format!("  p{n}: {{ kind: {kind}, within: [{}] }}\n", list(within))
    });
    let mut port = 1;
    let services = drawn.services.iter().enumerate().map(|(n, function)| {
        let mut instances = |spares: bool| {
            let of = function.instances.iter().filter(|(_, spare)| *spare == spares).map(|(at, _)| {
                port += 1;
                format!("{{ at: [{}], address: 127.0.0.1:{port} }}", list(at))
            });
            turn(of.collect()).join(", ")
        };
        let (running, spares) = (instances(false), instances(true));
        let needs = function.needs.iter().filter(|(needed, _)| *needed != n).map(|(needed, hard)| {
            format!("{{ service: s{needed}, kind: {} }}", if *hard { "hard" } else { "soft" })
        });
        let needs = turn(needs.collect()).join(", ");
        let minimum = function.minimum;
        format!("  s{n}:\n    tier: core\n    minimum: {minimum}\n    instances: [{running}]\n    spares: [{spares}]\n    needs: [{needs}]\n")
    });
    let services = turn(services.collect()).concat();
    format!("places:\n{}services:\n{services}", turn(places.collect()).concat())
}

/// The services that stop, by going round until nothing more stops.
fn stopped<'e>(estate: &'e Estate, lost: &BTreeSet<&PlaceId>, minimum: bool) -> BTreeSet<&'e ServiceId> {
    let mut stopped = BTreeSet::new();
    loop {
        let before = stopped.len();
        for (id, service) in &estate.services {
            let left = service.instances.iter().filter(|instance| {
                !instance.spare && !estate.places_around(instance).iter().any(|place| lost.contains(place))
            });
            let enough = if minimum { service.minimum.max(1) as usize } else { 1 };
            let mut hard = service.needs.iter().filter(|need| need.kind == NeedKind::Hard);
            if left.count() < enough || hard.any(|need| stopped.contains(&need.service)) {
                stopped.insert(id);
            }
        }
        if stopped.len() == before {
            return stopped;
        }
    }
}

/// Whether the outer set contains the inner one, by the definition: some way to give each inner place an outer one.
fn contains(domains: &FailureDomains, outer: &[&PlaceId], inner: &[&PlaceId]) -> bool {
    let lies_in = |inner: &PlaceId, outer: &PlaceId| domains.containing(inner).contains(outer);
    match inner {
        [] => true,
        [first, rest @ ..] => (0..outer.len()).any(|n| {
            let mut others = outer.to_vec();
            lies_in(first, others.remove(n)) && contains(domains, &others, rest)
        }),
    }
}

fn combinations(estate: &Estate) -> Vec<Vec<&PlaceId>> {
    let places: Vec<&PlaceId> = estate.places.keys().collect();
    let mut all: Vec<Vec<&PlaceId>> = vec![Vec::new()];
    for place in places {
        let more: Vec<_> = all.iter().filter(|set| set.len() < 3).cloned().collect();
        all.extend(more.into_iter().map(|mut set| {
            set.push(place);
            set
        }));
    }
    all
}

fn by_trying(estate: &Estate, service: &ServiceId, minimum: bool) -> BTreeSet<Vec<PlaceId>> {
    let all = combinations(estate);
    let domains = FailureDomains::of(estate);
    let cutting: Vec<&Vec<&PlaceId>> = all
        .iter()
        .filter(|set| stopped(estate, &set.iter().copied().collect(), minimum).contains(service))
        .collect();
    let minimal = cutting
        .iter()
        .filter(|cut| !cutting.iter().any(|other| other != *cut && contains(&domains, cut, other)));
    minimal.map(|cut| cut.iter().map(|place| (*place).clone()).collect()).collect()
}

fn found(cuts: &Cuts<'_>, service: &ServiceId) -> BTreeSet<Vec<PlaceId>> {
    cuts.of(service).iter().map(|cut| cut.places().to_vec()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn cut_sets_are_what_trying_every_combination_finds(drawn in drawn()) {
        let estate = estate(&text(&drawn, false));
        let inventory = Inventory::of(&estate);
        for (minimum, stands) in [(false, Stands::OnEnough), (true, Stands::OnMinimum)] {
            let cuts = cuts(&inventory, 3, stands);
            let service = ServiceId::from("s0");
            prop_assert_eq!(found(&cuts, &service), by_trying(&estate, &service, minimum));
        }
    }

    #[test]
    fn every_cut_set_has_a_counterexample_that_holds(drawn in drawn()) {
        let estate = estate(&text(&drawn, false));
        let inventory = Inventory::of(&estate);
        let cuts = cuts(&inventory, 3, Stands::OnEnough);
        for service in cuts.services() {
            for cut in cuts.of(service) {
                let why = cuts.why(service, cut).unwrap();
                prop_assert_eq!(why.gone.len(), why.running);
                let lost = cut.places().iter().collect();
                prop_assert!(stopped(&estate, &lost, false).contains(why.stops_at()));
            }
        }
    }

    #[test]
    fn after_adding_an_instance_every_cut_set_contains_one_from_before(drawn in drawn(), at in 0usize..12) {
        let before = estate(&text(&drawn, false));
        let mut more = drawn.clone();
        let place = BTreeSet::from([at % drawn.within.len()]);
        more.services.last_mut().unwrap().instances.push((place, false));
        let after = estate(&text(&more, false));
        let domains = FailureDomains::of(&before);
        let (before, after) = (Inventory::of(&before), Inventory::of(&after));
        let old = cuts(&before, 3, Stands::OnEnough);
        let new = cuts(&after, 3, Stands::OnEnough);
        for service in new.services() {
            for cut in new.of(service) {
                let cut: Vec<&PlaceId> = cut.places().iter().collect();
                let held = old.of(service).iter().any(|old| contains(&domains, &cut, &old.places().iter().collect::<Vec<_>>()));
                prop_assert!(held, "{service}: {cut:?}");
            }
        }
    }

    #[test]
    fn the_order_of_the_input_changes_nothing(drawn in drawn()) {
        let (one, other) = (estate(&text(&drawn, false)), estate(&text(&drawn, true)));
        let (one, other) = (Inventory::of(&one), Inventory::of(&other));
        let forwards = cuts(&one, 3, Stands::OnEnough);
        let backwards = cuts(&other, 3, Stands::OnEnough);
        for service in forwards.services() {
            prop_assert_eq!(forwards.of(service), backwards.of(service));
            prop_assert_eq!(forwards.truncated(service), backwards.truncated(service));
        }
    }
}
