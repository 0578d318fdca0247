//! What the first sentence says, from how instances are seen.

use std::collections::{BTreeMap, BTreeSet};

use dinghai_estate::{Estate, Files};
use dinghai_record::{Book, Cause, Health, Sighting, World};
use jiff::tz::TimeZone;

use super::*;
use crate::{Format, Language, Theme};

struct Shop;

impl Files for Shop {
    fn read(&self, _: &str) -> Result<String, String> {
        Ok("\
estate: shop
places: { hz: { kind: region, zones: [hz-a, hz-b, hz-c] } }
services:
  order:
    tier: core
    minimum: 2
    instances:
      - { name: a, at: hz-a, address: 127.0.0.1:1 }
      - { name: b, at: hz-b, address: 127.0.0.1:2 }
      - { name: c, at: hz-c, address: 127.0.0.1:3 }
    spares:
      - { name: d, at: hz-c, address: 127.0.0.1:4 }
    probe: { tcp: true }
"
        .to_owned())
    }
}

fn estate() -> Estate {
    dinghai_estate::decode("dinghai.yaml", &Shop).estate.unwrap()
}

fn said(language: Language, seen: &[(&str, Health)]) -> String {
    let (estate, book) = (estate(), Book::default());
    let sighting = |health: &Health| Sighting {
        health: health.clone(),
        since: Timestamp::EPOCH,
        agreed: true,
        by: BTreeMap::new(),
        answered: None,
        took_us: None,
        process: None,
        ejected_by: BTreeSet::new(),
    };
    let instances = seen.iter().map(|(id, health)| ((*id).into(), sighting(health))).collect();
    let world = World { instances, ..World::default() };
    let scene = Scene {
        estate: &estate,
        book: &book,
        world: &world,
        now: Timestamp::EPOCH,
        format: Format { language, zone: TimeZone::UTC },
        theme: Theme::System,
        visitor: None,
        refusing: None,
        here: "/".to_owned(),
    };
    let stand = Stand::of(&scene);
    let below = outlook(&scene, &stand).into_string();
    format!("{}\n{below}", verdict(&scene, &stand).sentence)
}

const DOWN: Health = Health::Down(Cause::Refused);

#[test]
fn a_spare_that_stands_by_is_not_lost() {
    let seen = [("a", Health::Up), ("b", Health::Up), ("c", Health::Up), ("d", DOWN)];
    insta::assert_snapshot!(said(Language::En, &seen), @r"
    Standing. All 3 instances answer; core path holds on 3 of 3 places.
    No single loss of a place stops the core path next, or takes a core service below its minimum. That losing a place is survivable has <b>never been proven</b>, or the proof has expired.
    ");
}

#[test]
fn a_lost_place_is_named_with_what_the_next_loss_does() {
    let seen = [("a", DOWN), ("b", Health::Up), ("c", Health::Up)];
    insta::assert_snapshot!(said(Language::En, &seen), @r"
    Standing. hz-a is lost; core path holds on 2 of 3 places.
    No single loss stops the core path next. Losing <b>hz-b</b> leaves order with 1 of the 2 it needs. That losing a place is survivable has <b>never been proven</b>, or the proof has expired.
    ");
    insta::assert_snapshot!(said(Language::Zh, &seen), @r"
    服务可用。hz-a 已失联；核心路径由 3 处中的其余 2 处承载。
    再失去任何一处都不会中断核心路径。失去 <b>hz-b</b> 后，order 需要 2 个实例，只剩 1 个。 失去一处仍可用<b>从未得到验证</b>，或验证已过期。
    ");
}

#[test]
fn what_was_never_asked_is_unknown_and_not_standing() {
    let first = |seen: &[(&str, Health)]| said(Language::En, seen).lines().next().unwrap().to_owned();
    assert_eq!(first(&[]), "Unknown. Nothing has been seen yet.");
    assert!(first(&[("a", Health::Up)]).starts_with("Unknown. order has 1 healthy of the 2 it needs"));
    assert!(first(&[("a", DOWN), ("b", DOWN), ("c", Health::Up)]).starts_with("Weak. order has 1 of the 2"));
    assert!(first(&[("a", DOWN), ("b", DOWN), ("c", DOWN)]).starts_with("Down."));
}
