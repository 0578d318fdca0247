//! What holds of every recovery path, over drawn inventories.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use std::collections::{BTreeMap, BTreeSet};

use dinghai_estate::{
    Act, FoundInstance, FoundNeed, FoundPlace, FoundService, InstanceId, Inventory, NeedKind, Origin,
    PlaceId, PlaceKind, RecoveryStep, Role, ServiceId, Source, Tier,
};
use dinghai_risk::{Finding, State, capacity_after_loss, core_services, recovery_paths};
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::strategy::ValueTree;

/// Nodes 0 and 1 are in zone a, 2 and 3 in zone b, 4 in no zone that is known.
const NODES: [(&str, Option<&str>); 5] =
    [("n0", Some("a")), ("n1", Some("a")), ("n2", Some("b")), ("n3", Some("b")), ("n4", None)];
const ACTS: [Act; 4] = [Act::FailOver, Act::PullImage, Act::Restore, Act::Page];

#[derive(Clone, Debug)]
struct Drawn {
    /// By service: the node of each instance, none where it is not known.
    services: Vec<Vec<Option<usize>>>,
    /// From the first service to a later one.
    needs: Vec<(Index, Index)>,
    steps: Vec<(usize, Option<Index>, Index)>,
}

fn drawn() -> impl Strategy<Value = Drawn> {
    let instances = prop::collection::vec(prop::option::weighted(0.9, 0..NODES.len()), 0..4);
    let step = (0..ACTS.len(), prop::option::of(any::<Index>()), any::<Index>());
    (
        prop::collection::vec(instances, 2..7),
        prop::collection::vec(any::<(Index, Index)>(), 0..6),
        prop::collection::vec(step, 1..6),
    )
        .prop_map(|(services, needs, steps)| Drawn { services, needs, steps })
}

fn source(line: usize) -> Source {
    let line = u32::try_from(line).unwrap();
    Source::declared(Origin { file: "drawn.tf".to_owned(), line, column: 1 })
}

fn inventory(drawn: &Drawn) -> Inventory {
    let mut inventory = Inventory::default();
    let place = |kind, within: Option<&str>| FoundPlace {
        kind,
        vendor: None,
        within: within.map(|outer| (PlaceId::from(outer), source(1))).into_iter().collect(),
        source: source(1),
    };
    inventory.places.insert("r".into(), place(PlaceKind::Region, None));
    for zone in ["a", "b"] {
        inventory.places.insert(zone.into(), place(PlaceKind::Zone, Some("r")));
    }
    for (node, zone) in NODES {
        inventory.places.insert(node.into(), place(PlaceKind::Node, zone));
    }
    let id = |number: usize| ServiceId::new(format!("s{number}"));
    for (number, instances) in drawn.services.iter().enumerate() {
        let mut service = FoundService::new(Role::Workload, format!("s{number}"), source(10 + number));
        for (n, node) in instances.iter().enumerate() {
            let instance = FoundInstance::new(InstanceId::new(format!("s{number}.{n}")), source(100 + n));
            service.instances.push(match node {
                Some(node) => instance.at(PlaceId::from(NODES[*node].0), source(200 + n)),
                None => instance,
            });
        }
        inventory.services.insert(id(number), service);
    }
    let count = drawn.services.len();
    for (from, to) in &drawn.needs {
        let (from, to) = (from.index(count), to.index(count));
        let need =
            FoundNeed { service: id(to), kind: NeedKind::Hard, how: "needs".to_owned(), source: source(2) };
        let service = inventory.services.get_mut(&id(from)).unwrap();
        if from < to && !service.needs.iter().any(|known| known.service == need.service) {
            service.needs.push(need);
        }
    }
    inventory.services.get_mut(&id(0)).unwrap().intent.tier = Some((Tier::Core, source(3).origin));
    for (act, service, needs) in &drawn.steps {
        inventory.steps.push(RecoveryStep {
            act: ACTS[*act],
            service: service.map(|service| id(service.index(count))),
            needs: Some(id(needs.index(count))),
            place: None,
            how: "step".to_owned(),
            source: source(4),
        });
    }
    inventory
}

/// By needed service: the places whose loss takes it away from recovery.
fn told(findings: &[Finding]) -> BTreeMap<ServiceId, BTreeSet<PlaceId>> {
    let mut told: BTreeMap<ServiceId, BTreeSet<PlaceId>> = BTreeMap::new();
    for finding in findings.iter().filter(|finding| finding.state != State::Unknown) {
        let places = finding.lost.iter().map(|lost| lost.place.clone());
        told.entry(finding.about.last().unwrap().clone()).or_default().extend(places);
    }
    told
}

fn within(inventory: &Inventory, place: &PlaceId, outer: &PlaceId) -> bool {
    place == outer || inventory.places[place].within.keys().any(|next| within(inventory, next, outer))
}

/// Properties of findings say nothing where there are none.
#[test]
fn what_is_drawn_has_findings_of_every_state() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut states = BTreeSet::new();
    for _ in 0..512 {
        let tree = drawn().new_tree(&mut runner).unwrap();
        states.extend(recovery_paths(&inventory(&tree.current())).iter().map(|finding| finding.state));
    }
    assert_eq!(states.len(), 3, "{states:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn the_order_of_the_input_changes_nothing(drawn in drawn()) {
        let one = inventory(&drawn);
        let mut other = one.clone();
        other.steps.reverse();
        for service in other.services.values_mut() {
            service.instances.reverse();
            service.needs.reverse();
        }
        prop_assert_eq!(recovery_paths(&one), recovery_paths(&other));
        prop_assert_eq!(capacity_after_loss(&one), capacity_after_loss(&other));
        prop_assert_eq!(core_services(&one), core_services(&other));
    }

    #[test]
    fn an_instance_more_of_what_is_needed_adds_no_finding_about_it(drawn in drawn(), which in any::<Index>(), node in 0..NODES.len()) {
        let before = inventory(&drawn);
        let (number, mut drawn) = (which.index(drawn.services.len()), drawn);
        // With none it is not known whether it stands, which one instance makes certain.
        prop_assume!(!drawn.services[number].is_empty());
        drawn.services[number].push(Some(node));
        let after = inventory(&drawn);
        let id = ServiceId::new(format!("s{number}"));
        let (old, new) = (told(&recovery_paths(&before)), told(&recovery_paths(&after)));
        let none = BTreeSet::new();
        let (old, new) = (old.get(&id).unwrap_or(&none), new.get(&id).unwrap_or(&none));
        prop_assert!(new.len() <= old.len(), "{:?} and then {:?}", old, new);
        for place in new {
            prop_assert!(old.iter().any(|known| within(&after, known, place) || within(&after, place, known)));
        }
    }

    #[test]
    fn every_finding_names_its_lines_and_something_that_goes_with_the_place(drawn in drawn()) {
        let inventory = inventory(&drawn);
        for finding in recovery_paths(&inventory) {
            prop_assert!(!finding.because.is_empty() && !finding.title.is_empty());
            prop_assert_eq!(finding.lost.is_empty(), finding.state == State::Unknown);
        }
    }
}
