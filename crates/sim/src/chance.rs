//! Faults drawn at random: a campaign of many short episodes, each of them a script of its own.
//!
//! An episode has its own seed, a fresh estate and a fresh ledger, and is drawn as a [`Script`], so that any of them can be
//! printed, kept as a scenario and played again. A campaign counts its episodes in order and stops with the one in
//! which enough incidents have been opened, so that its report does not depend on how many threads it had.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use dinghai_clock::Rng;
use dinghai_estate::{Estate, GatewayId, Instance, InstanceId, PlaceId};
use serde::Serialize;

use crate::clock::BEGINNING;
use crate::error::SimError;
use crate::happening::{Happening, Unit};
use crate::laws::{Defect, Violation};
use crate::play::{Played, play};
use crate::script::{Script, Timed};
use crate::tell::plan_state;

/// The most episodes of a campaign for each incident that was asked for: an estate on which nothing opens one ends too.
const EPISODES_PER_INCIDENT: u64 = 4;

/// A campaign of random faults.
#[derive(Clone, Debug)]
pub struct Campaign {
    /// The estate.
    pub estate: Arc<Estate>,
    /// It goes on until so many incidents were opened.
    pub incidents: u64,
    /// The same seed gives the same campaign.
    pub seed: u64,
    /// How many episodes are played at once.
    pub threads: usize,
    /// What is wrong on purpose, to see that its law notices.
    pub defect: Option<Defect>,
}

/// What came of a campaign.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct CampaignReport {
    /// Its seed.
    pub seed: u64,
    /// How many episodes were played.
    pub episodes: u64,
    /// How many incidents were opened.
    pub incidents: u64,
    /// Seconds of simulated time.
    pub simulated_s: u64,
    /// Ledger entries that were written.
    pub entries: u64,
    /// The faults that were drawn, by kind.
    pub faults: BTreeMap<String, u64>,
    /// How many episodes had so many faults.
    pub faults_an_episode: BTreeMap<u64, u64>,
    /// The incidents by their worst grade.
    pub grades: BTreeMap<String, u64>,
    /// The plans by how far they came.
    pub plans: BTreeMap<String, u64>,
    /// The drills by what they showed.
    pub drills: BTreeMap<String, u64>,
    /// Episodes at whose end no finding stood any more.
    pub recovered: u64,
    /// Laws that did not hold, with the number of the episode.
    pub violations: Vec<(u64, Violation)>,
}

impl CampaignReport {
    fn add(&mut self, number: u64, script: &Drawn, played: &Played) {
        let count =
            |counts: &mut BTreeMap<String, u64>, name: &str| *counts.entry(name.to_owned()).or_default() += 1;
        self.episodes += 1;
        self.simulated_s += played.ended.since(BEGINNING).as_secs();
        self.entries += played.book.head.0;
        script.faults.iter().for_each(|fault| count(&mut self.faults, fault));
        *self.faults_an_episode.entry(script.faults.len() as u64).or_default() += 1;
        for incident in played.book.incidents.values() {
            self.incidents += 1;
            count(&mut self.grades, &incident.worst.to_string());
        }
        for plan in played.book.plans.values() {
            count(&mut self.plans, plan_state(plan.state));
        }
        for drill in played.book.drills.values() {
            let state = match drill.state {
                dinghai_record::DrillState::Ended(verdict) => format!("{verdict:?}").to_lowercase(),
                _ => "not over".to_owned(),
            };
            count(&mut self.drills, &state);
        }
        self.recovered += u64::from(played.book.findings.is_empty());
        self.violations.extend(played.violations.iter().map(|violation| (number, violation.clone())));
    }
}

/// One episode of a campaign: its script, and what came of it.
pub fn run_episode(campaign: &Campaign, number: u64) -> Result<(Script, Played), SimError> {
    let drawn = draw(&campaign.estate, campaign.seed, number);
    let played = play(&drawn.script, campaign.estate.clone(), campaign.defect)?;
    Ok((drawn.script, played))
}

/// Plays episodes until enough incidents were opened.
pub fn run_campaign(campaign: &Campaign) -> Result<CampaignReport, SimError> {
    let mut report = CampaignReport { seed: campaign.seed, ..CampaignReport::default() };
    let most = campaign.incidents.saturating_mul(EPISODES_PER_INCIDENT);
    let next = AtomicU64::new(1);
    let (results, received) = std::sync::mpsc::sync_channel(campaign.threads.max(1) * 4);
    std::thread::scope(|scope| -> Result<(), SimError> {
        for _ in 0..campaign.threads.max(1) {
            let (results, next) = (results.clone(), &next);
            scope.spawn(move || {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number > most {
                        return;
                    }
                    let drawn = draw(&campaign.estate, campaign.seed, number);
                    let played = play(&drawn.script, campaign.estate.clone(), campaign.defect);
                    if results.send((number, drawn, played)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(results);
        let mut early = BTreeMap::new();
        for (number, drawn, played) in received {
            early.insert(number, (drawn, played));
            while let Some((drawn, played)) = early.remove(&(report.episodes + 1)) {
                report.add(report.episodes + 1, &drawn, &played?);
                if report.incidents >= campaign.incidents {
                    return Ok(());
                }
            }
        }
        Ok(())
    })?;
    Ok(report)
}

/// An episode before it is played.
struct Drawn {
    script: Script,
    /// The kinds of its faults.
    faults: Vec<&'static str>,
}

/// What an episode of this estate is drawn from.
struct Dice<'a> {
    estate: &'a Estate,
    rng: Rng,
    /// How much longer everything takes than on an estate that is probed every 200 ms.
    pace: u32,
    happenings: Vec<Timed>,
}

/// Draws the faults of one episode.
fn draw(estate: &Estate, seed: u64, number: u64) -> Drawn {
    let mut rng = Rng::seeded(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(number));
    let seed = rng.bits() >> 32;
    let proven = rng.below(4) > 0;
    let mut dice = Dice { estate, rng, pace: pace(estate), happenings: Vec::new() };
    let count = 2 + dice.rng.below(4);
    let faults: Vec<&'static str> = (0..count).filter_map(|_| dice.fault()).collect();
    // Whatever was not mended by itself is mended well before the end, and who waits for a person gets an answer.
    let settled = dice.scaled(Duration::from_secs(22));
    for happening in [Happening::DiskFree, Happening::StartController, Happening::Resume, Happening::Approve]
    {
        dice.happenings.push(Timed { at: settled, happening, line: 0 });
    }
    let until = dice.scaled(Duration::from_secs(30));
    let mut happenings = dice.happenings;
    happenings.sort_by_key(|timed| timed.at);
    Drawn { script: Script { estate: None, autonomy: None, proven, seed, happenings, until }, faults }
}

/// How many times slower than the quickest estates this one is to notice anything.
fn pace(estate: &Estate) -> u32 {
    let probes = estate.services.values().filter_map(|service| service.probe.as_ref());
    let slowest =
        probes.map(|probe| probe.every * (probe.fall + probe.rise) + probe.timeout).max().unwrap_or_default();
    u32::try_from(slowest.as_millis() / 1300).unwrap_or(u32::MAX).clamp(1, 1000)
}

impl Dice<'_> {
    fn scaled(&self, span: Duration) -> Duration {
        span.saturating_mul(self.pace)
    }

    /// Between two times, in milliseconds before they are scaled.
    fn between(&mut self, least: u64, most: u64) -> Duration {
        let ms = least + self.rng.below(most - least);
        self.scaled(Duration::from_millis(ms))
    }

    fn push(&mut self, at: Duration, happening: Happening) {
        self.happenings.push(Timed { at, happening, line: 0 });
    }

    fn instance(&mut self) -> Option<(InstanceId, bool)> {
        let declared: Vec<&Instance> =
            self.estate.instances().map(|(_, each)| each).filter(|each| !each.spare).collect();
        self.rng.pick(&declared).map(|each| (each.id.clone(), each.run.is_none()))
    }

    /// Draws one fault and how it ends; none when the estate has nothing for it.
    fn fault(&mut self) -> Option<&'static str> {
        let at = self.between(3_000, 14_000);
        match self.rng.below(38) {
            0..7 => {
                let (id, theirs) = self.instance()?;
                self.push(at, Happening::Kill(id.clone()));
                if theirs {
                    let again = at + self.between(2_000, 8_000);
                    self.push(again, Happening::Start(id));
                }
                Some("kill")
            }
            7..12 => {
                let (id, theirs) = self.instance()?;
                self.push(at, Happening::Hang(id.clone()));
                if theirs || self.rng.below(2) == 0 {
                    let again = at + self.between(700, 8_000);
                    self.push(again, Happening::Wake(id));
                }
                Some("hang")
            }
            12..17 => {
                let used = |place: &&PlaceId| self.estate.instances_in(place).next().is_some();
                let places: Vec<&PlaceId> = self.estate.places.keys().filter(used).collect();
                let place = (*self.rng.pick(&places)?).clone();
                self.push(at, Happening::Lose(place.clone()));
                let again = at + self.between(500, 9_000);
                self.push(again, Happening::GiveBack(place));
                Some("lose")
            }
            17..19 => {
                let (id, _) = self.instance()?;
                let mut at = at;
                for _ in 0..3 + self.rng.below(3) {
                    self.push(at, Happening::Kill(id.clone()));
                    at += self.between(600, 1_500);
                    self.push(at, Happening::Start(id.clone()));
                    at += self.between(900, 1_500);
                }
                Some("flap")
            }
            19..21 => self.silent(at, Unit::Hand, "silent-hand"),
            21..23 => {
                let gateways: Vec<&GatewayId> = self.estate.gateways.keys().collect();
                let gateway = (*self.rng.pick(&gateways)?).clone();
                self.silent(at, Unit::Gateway(gateway), "silent-gateway")
            }
            23..25 => self.silent(at, Unit::Controller, "blind-controller"),
            25..28 => {
                self.push(at, Happening::KillController);
                let again = at + self.between(200, 5_000);
                self.push(again, Happening::StartController);
                Some("kill-controller")
            }
            28..30 => {
                self.push(at, Happening::DiskFull);
                let again = at + self.between(300, 5_000);
                self.push(again, Happening::DiskFree);
                Some("disk-full")
            }
            30..33 => {
                let drills: Vec<_> = self.estate.drills.keys().collect();
                let drill = (*self.rng.pick(&drills)?).clone();
                self.push(at, Happening::Drill(drill));
                Some("drill")
            }
            33..35 => {
                let (id, theirs) = self.instance()?;
                self.push(at, Happening::Spoil(id.clone()));
                let again = at + self.between(2_000, 9_000);
                self.push(again, Happening::Repair(id.clone()));
                if theirs {
                    self.push(again, Happening::Start(id));
                }
                Some("spoil")
            }
            35..36 => {
                self.push(at, Happening::Halt);
                let again = at + self.between(500, 6_000);
                self.push(again, Happening::Resume);
                Some("halt")
            }
            _ => {
                self.push(at, Happening::Approve);
                Some("approve")
            }
        }
    }

    fn silent(&mut self, at: Duration, unit: Unit, name: &'static str) -> Option<&'static str> {
        self.push(at, Happening::Silence(unit.clone()));
        let again = at + self.between(500, 10_000);
        self.push(again, Happening::Hear(unit));
        Some(name)
    }
}
