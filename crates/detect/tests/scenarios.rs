//! What is found, and when, as scripted failures are seen by controller, gateway and hand.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test stops at what it did not expect"
)]

mod shop;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::Duration;

use dinghai_clock::Timestamp;
use dinghai_detect::{Inputs, Senses, diagnose};
use dinghai_estate::{Estate, GatewayId, InstanceId, PlaceId, RouteId};
use dinghai_record::{
    Cause, Event, FindingKey, FindingKind, Health, Observation, OpenFinding, ProcessState, Second, Seen, Seq,
    Subject, Vantage,
};
use proptest::prelude::*;

/// What an instance really is.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Is {
    Well,
    Killed,
    Hung,
    Slow,
    Stopped,
}

/// A simulated shop, its three onlookers, and the findings that stand.
struct Stage {
    estate: Estate,
    senses: Senses,
    standing: BTreeMap<FindingKey, OpenFinding>,
    really: BTreeMap<InstanceId, Is>,
    blind: BTreeSet<Vantage>,
    wrong: BTreeMap<Vantage, InstanceId>,
    ms: i64,
    log: String,
}

fn public() -> Vantage {
    Vantage::Gateway(GatewayId::from("public"))
}

impl Stage {
    fn new(estate: Estate) -> Self {
        let really = estate
            .instances()
            .map(|(_, instance)| (instance.id.clone(), if instance.spare { Is::Stopped } else { Is::Well }))
            .collect();
        let mut stage = Self {
            senses: Senses::new(&estate),
            estate,
            standing: BTreeMap::new(),
            really,
            blind: BTreeSet::new(),
            wrong: BTreeMap::new(),
            ms: 0,
            log: String::new(),
        };
        stage.run(2000);
        assert_eq!(stage.log, "", "a healthy shop has no findings");
        stage.log.clear();
        stage.ms = 0;
        // Time goes on from a whole number, so that the log reads well.
        stage.senses = Senses::new(&stage.estate);
        stage.ms = 10_000;
        stage.run(2000);
        stage
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.ms * 1000)
    }

    fn set(&mut self, is: Is, instances: impl Fn(&str) -> bool) {
        for (id, really) in &mut self.really {
            if instances(id.as_str()) && *really != Is::Stopped {
                *really = is;
            }
        }
        let _ = writeln!(self.log, "{} -- {is:?}", self.stamp());
    }

    fn say(&mut self, text: &str) {
        let _ = writeln!(self.log, "{} -- {text}", self.stamp());
    }

    fn stamp(&self) -> String {
        let since = self.ms - 12_000;
        format!("{:>7.1}s", f64::from(i32::try_from(since).unwrap()) / 1000.0)
    }

    fn observe(&mut self, vantage: Vantage, about: Subject, seen: Seen) {
        if !self.blind.contains(&vantage) {
            self.senses.observe(&Observation { at: self.now(), vantage, about, seen });
        }
    }

    fn look(&mut self) {
        let probes = self.ms % 200 == 0;
        self.observe(Vantage::Hand, Subject::Hand, Seen::Answer { took_us: 0 });
        self.observe(Vantage::Hand, Subject::Hand, Seen::LostPlaces(BTreeSet::new()));
        let shares = self
            .estate
            .instances()
            .map(|(_, instance)| (instance.id.clone(), if instance.spare { 0 } else { 100 }))
            .collect();
        let gateway = Subject::Gateway(GatewayId::from("public"));
        self.observe(public(), gateway.clone(), Seen::Answer { took_us: 0 });
        self.observe(public(), gateway, Seen::Shares(shares));
        for (id, is) in self.really.clone() {
            let about = || Subject::Instance(id.clone());
            for vantage in [Vantage::Controller, public()] {
                if vantage == Vantage::Controller && !probes {
                    continue;
                }
                let well = Seen::Answer { took_us: 900 };
                let seen = match is {
                    _ if self.wrong.get(&vantage) == Some(&id) => Seen::NoAnswer(Cause::Timeout),
                    Is::Well => well,
                    Is::Slow => Seen::Answer { took_us: 90_000 },
                    Is::Killed | Is::Stopped => Seen::NoAnswer(Cause::Refused),
                    Is::Hung => Seen::NoAnswer(Cause::Timeout),
                };
                self.observe(vantage, about(), seen);
            }
            let process = match is {
                Is::Well | Is::Slow | Is::Hung => ProcessState::Running { pid: 1 },
                Is::Killed => ProcessState::Exited { code: None, signal: Some(9) },
                Is::Stopped => ProcessState::Stopped,
            };
            self.observe(Vantage::Hand, about(), Seen::Process(process));
        }
    }

    /// Diagnoses once, books what was found, and checks that doing it again finds nothing more.
    fn diagnose(&mut self) -> Vec<Event> {
        let events = self.ask();
        for event in &events {
            match event {
                Event::FindingRaised { finding } | Event::FindingChanged { finding } => {
                    let open = OpenFinding { finding: finding.clone(), raised: Seq(1), incident: None };
                    self.standing.insert(finding.key.clone(), open);
                    let word =
                        if matches!(event, Event::FindingRaised { .. }) { "raised " } else { "changed" };
                    let reason = &finding.reasons[0];
                    let _ = writeln!(
                        self.log,
                        "{} {word} {} ({:?}{}): {reason}",
                        self.stamp(),
                        finding.key,
                        finding.severity,
                        if finding.agreed { ", agreed" } else { "" },
                    );
                }
                Event::FindingCleared { key, reasons } => {
                    self.standing.remove(key);
                    let _ = writeln!(self.log, "{} cleared {key}: {}", self.stamp(), reasons[0]);
                }
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(self.ask(), [], "the same input twice changes nothing");
        events
    }

    fn ask(&self) -> Vec<Event> {
        let world = self.senses.world(self.now());
        diagnose(&Inputs {
            estate: &self.estate,
            senses: &self.senses,
            world: &world,
            standing: &self.standing,
            now: self.now(),
        })
    }

    fn run(&mut self, ms: i64) {
        let end = self.ms + ms;
        while self.ms < end {
            self.ms += 100;
            self.look();
            self.diagnose();
        }
    }

    fn stands(&self, kind: FindingKind) -> bool {
        self.standing.keys().any(|key| key.kind == kind)
    }
}

#[test]
fn a_zone_is_lost_and_comes_back() {
    let mut stage = Stage::new(shop::shop());
    stage.set(Is::Killed, |id| id.ends_with("hz-a"));
    stage.run(1000);
    assert!(stage.stands(FindingKind::PlaceLost), "within a second\n{}", stage.log);
    stage.run(4000);
    stage.set(Is::Well, |id| id.ends_with("hz-a"));
    stage.run(5000);
    insta::assert_snapshot!(stage.log);
    assert!(stage.standing.is_empty());
}

#[test]
fn a_zone_whose_instances_die_one_by_one_is_one_lost_place() {
    let mut stage = Stage::new(shop::shop());
    for service in ["order", "payment", "recommend", "storefront"] {
        stage.set(Is::Killed, |id| id == format!("{service}@hz-a"));
        stage.run(1500);
    }
    insta::assert_snapshot!(stage.log);
}

#[test]
fn a_region_is_named_when_every_zone_is_lost() {
    let mut stage = Stage::new(shop::shop());
    stage.set(Is::Killed, |id| id.ends_with("hz-a"));
    stage.run(1500);
    stage.set(Is::Killed, |_| true);
    stage.run(1500);
    insta::assert_snapshot!(stage.log);
}

#[test]
fn a_place_that_comes_back_in_part_leaves_the_rest_down() {
    let mut stage = Stage::new(shop::shop());
    stage.set(Is::Killed, |id| id.ends_with("hz-a"));
    stage.run(1500);
    stage.set(Is::Well, |id| id.ends_with("hz-a") && !id.starts_with("order"));
    stage.run(12_000);
    insta::assert_snapshot!(stage.log);
}

#[test]
fn one_killed_instance_is_down_and_no_place_is_lost() {
    let mut stage = Stage::new(shop::shop());
    stage.set(Is::Killed, |id| id == "order@hz-b");
    stage.run(3000);
    stage.set(Is::Well, |id| id == "order@hz-b");
    stage.run(3000);
    insta::assert_snapshot!(stage.log);
}

#[test]
fn a_hung_instance_is_told_from_a_dead_one() {
    let mut stage = Stage::new(shop::shop());
    stage.set(Is::Hung, |id| id == "order@hz-b");
    stage.run(2000);
    stage.set(Is::Killed, |id| id == "order@hz-b");
    stage.run(1000);
    insta::assert_snapshot!(stage.log);
}

#[test]
fn a_flapping_instance_is_found_and_forgiven_after_a_minute() {
    let mut stage = Stage::new(shop::shop());
    for _ in 0..4 {
        stage.set(Is::Killed, |id| id == "order@hz-b");
        stage.run(1500);
        stage.set(Is::Well, |id| id == "order@hz-b");
        stage.run(1500);
    }
    stage.run(70_000);
    insta::assert_snapshot!(stage.log);
}

#[test]
fn slow_answers_are_found_and_quick_ones_clear_them() {
    let mut stage = Stage::new(shop::shop());
    stage.set(Is::Slow, |id| id == "order@hz-b");
    stage.run(3000);
    stage.set(Is::Well, |id| id == "order@hz-b");
    stage.run(3000);
    insta::assert_snapshot!(stage.log);
}

#[test]
fn silence_is_unknown_and_ages() {
    let mut stage = Stage::new(shop::shop());
    stage.say("gateway and controller fall silent");
    stage.blind.extend([public(), Vantage::Controller]);
    stage.run(310_000);
    stage.say("they are heard again");
    stage.blind.clear();
    stage.run(2000);
    insta::assert_snapshot!(stage.log);
}

#[test]
fn a_controller_without_its_network_loses_no_place() {
    let mut stage = Stage::new(shop::shop());
    // Its probes time out for everything; the gateway goes on serving.
    stage.say("the controller sees nothing any more");
    let all: Vec<InstanceId> = stage.really.keys().cloned().collect();
    for _ in 0..20 {
        stage.ms += 200;
        stage.blind.insert(Vantage::Controller);
        stage.look();
        stage.blind.clear();
        for id in &all {
            let about = Subject::Instance(id.clone());
            stage.observe(Vantage::Controller, about, Seen::NoAnswer(Cause::Timeout));
        }
        stage.diagnose();
    }
    assert!(!stage.stands(FindingKind::PlaceLost));
    assert!(!stage.stands(FindingKind::InstanceDown));
    assert!(stage.stands(FindingKind::Disagreement));
}

#[test]
fn a_contradicted_instance_is_unknown_and_a_finding() {
    let mut stage = Stage::new(shop::shop());
    stage.say("the gateway cannot reach order@hz-b, the controller can");
    stage.wrong.insert(public(), shop::id("order@hz-b"));
    stage.run(3000);
    assert_eq!(stage.senses.world(stage.now()).health(&shop::id("order@hz-b")), &Health::Unknown);
    stage.say("it reaches it again");
    stage.wrong.clear();
    stage.run(1000);
    insta::assert_snapshot!(stage.log);
}

#[test]
fn could_not_ask_says_nothing() {
    let mut stage = Stage::new(shop::shop());
    let before = stage.senses.world(stage.now());
    for _ in 0..10 {
        stage.ms += 1;
        let seen = Seen::NoAnswer(Cause::CouldNotAsk("no descriptors left".to_owned()));
        stage.observe(Vantage::Controller, Subject::Instance(shop::id("order@hz-a")), seen);
    }
    let mut after = stage.senses.world(stage.now());
    after.at = before.at;
    assert_eq!(before, after);
}

#[test]
fn a_hand_alone_with_a_dead_process_is_one_vantage_point() {
    let mut stage = Stage::new(shop::shop());
    stage.blind.extend([public(), Vantage::Controller]);
    stage.run(4000);
    stage.set(Is::Killed, |id| id == "order@hz-b");
    stage.run(1500);
    let world = stage.senses.world(stage.now());
    let sighting = &world.instances[&shop::id("order@hz-b")];
    assert_eq!((&sighting.health, sighting.agreed), (&Health::Down(Cause::Gone), false));
    assert!(stage.stands(FindingKind::InstanceDown));
}

#[test]
fn spares_that_stand_by_and_processes_never_started_are_no_findings() {
    let mut stage = Stage::new(shop::shop());
    for is in stage.really.values_mut() {
        *is = Is::Stopped;
    }
    stage.senses = Senses::new(&stage.estate);
    stage.run(4000);
    assert_eq!(stage.log, "");
}

#[test]
fn failing_requests_are_found_by_their_share() {
    let mut stage = Stage::new(shop::shop());
    let tell = |stage: &mut Stage, failed: u64| {
        for _ in 0..8 {
            let at_s = stage.ms / 1000;
            let second = Second { at_s, requests: 100, failed, ..Second::default() };
            let told = BTreeMap::from([(RouteId::from("public:/api/order"), vec![second])]);
            let about = Subject::Gateway(GatewayId::from("public"));
            stage.observe(public(), about, Seen::Traffic(told));
            stage.run(1000);
        }
    };
    for failed in [0, 10, 80, 2] {
        stage.say(&format!("{failed} of 100 fail each second"));
        tell(&mut stage, failed);
    }
    insta::assert_snapshot!(stage.log);
}

#[test]
fn findings_about_what_is_no_longer_declared_are_cleared() {
    let mut stage = Stage::new(shop::shop());
    stage.set(Is::Killed, |id| id == "recommend@hz-b");
    stage.run(2000);
    assert!(stage.stands(FindingKind::InstanceDown));
    stage.estate.services.remove(&"recommend".into());
    stage.senses.adopt(&stage.estate.clone());
    stage.really.retain(|id, _| !id.as_str().starts_with("recommend"));
    stage.run(100);
    assert!(stage.standing.is_empty(), "{:?}", stage.standing.keys());
}

#[derive(Clone, Debug)]
enum Happens {
    Set(usize, u8),
    Blind(u8),
    See,
    Wait(i64),
}

fn happens() -> impl Strategy<Value = Happens> {
    prop_oneof![
        (0usize..11, 0u8..4).prop_map(|(which, is)| Happens::Set(which, is)),
        (0u8..3).prop_map(Happens::Blind),
        Just(Happens::See),
        (1i64..30).prop_map(|ticks| Happens::Wait(ticks * 100)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn unknown_never_resolves(story in prop::collection::vec(happens(), 1..25)) {
        let mut stage = Stage::new(shop::shop());
        let mut seen_ms = stage.ms;
        for what in story {
            match what {
                Happens::Set(which, is) => {
                    let ids: Vec<_> = stage.really.iter().filter(|(_, is)| **is != Is::Stopped).map(|(id, _)| id.clone()).collect();
                    let is = [Is::Well, Is::Killed, Is::Hung, Is::Slow][usize::from(is)];
                    stage.really.insert(ids[which % ids.len()].clone(), is);
                }
                Happens::Blind(who) => {
                    let who = [Vantage::Controller, public(), Vantage::Hand][usize::from(who)].clone();
                    stage.blind.insert(who);
                }
                Happens::See => stage.blind.clear(),
                Happens::Wait(ms) => {
                    let end = stage.ms + ms;
                    while stage.ms < end {
                        stage.ms += 100;
                        stage.look();
                        if stage.blind.len() < 3 {
                            seen_ms = stage.ms;
                        }
                        let world = stage.senses.world(stage.now());
                        for event in stage.diagnose() {
                            let Event::FindingCleared { key, reasons } = event else { continue };
                            // Silence ends with being heard, also where those who hear contradict each other and nothing is known yet.
                            let heard = key.kind == FindingKind::Silent && reasons[0].code == "heard-again";
                            prop_assert!(!heard || stage.ms - seen_ms <= 3_000, "{} cleared with nobody to hear", key);
                            let explained = heard || reasons[0].code == "part-of-place-lost";
                            if let (Subject::Instance(id), false) = (&key.about, explained) {
                                prop_assert_ne!(world.health(id), &Health::Unknown, "{} cleared by {}", key, reasons[0]);
                            }
                            if let (Subject::Place(place), FindingKind::PlaceLost) = (&key.about, key.kind) {
                                let up = stage.estate.instances()
                                    .filter(|(_, i)| stage.estate.places_around(i).contains(place))
                                    .any(|(_, i)| *world.health(&i.id) == Health::Up);
                                let wider = reasons[0].code == "place-part-of-place-lost";
                                prop_assert!(up || wider, "{} cleared by {}", key, reasons[0]);
                            }
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn the_world_is_the_same_when_every_observation_is_told_twice(seed in prop::collection::vec((0usize..3, 0usize..17, 0u8..4), 1..80)) {
        let estate = shop::shop();
        let ids: Vec<InstanceId> = estate.instances().map(|(_, i)| i.id.clone()).collect();
        let (mut once, mut twice) = (Senses::new(&estate), Senses::new(&estate));
        let mut at = Timestamp::from_micros(0);
        for (who, which, what) in seed {
            at = at.plus(Duration::from_millis(37));
            let vantage = [Vantage::Controller, public(), Vantage::Hand][who].clone();
            let seen = match what {
                0 => Seen::Answer { took_us: 1 },
                1 => Seen::NoAnswer(Cause::Refused),
                2 => Seen::Ejected(Cause::Reset),
                _ => Seen::Readmitted,
            };
            let seen = if vantage == Vantage::Hand { Seen::LostPlaces(BTreeSet::from([PlaceId::from("hz-a")])) } else { seen };
            let about = if vantage == Vantage::Hand { Subject::Hand } else { Subject::Instance(ids[which % ids.len()].clone()) };
            let seen = if vantage == Vantage::Controller && matches!(seen, Seen::Ejected(_) | Seen::Readmitted) { Seen::Answer { took_us: 2 } } else { seen };
            let observation = Observation { at, vantage, about, seen };
            once.observe(&observation);
            twice.observe(&observation);
            twice.observe(&observation);
        }
        prop_assert_eq!(once.world(at), twice.world(at));
    }
}
