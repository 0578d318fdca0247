//! What controller, gateways and hand see of the simulated world, told as the real watchers tell it.

use std::collections::BTreeMap;
use std::time::Duration;

use dinghai_clock::{Clock, Rng, Timestamp};
use dinghai_estate::{GatewayId, InstanceId, ProbeSpec};
use dinghai_record::{Cause, Health, Observation, Second, Seen, Subject, UnitSelf, Vantage};
use tokio::sync::mpsc;

use crate::gateways::GatewayState;
use crate::truth::Truth;

/// How often gateways and hand are heard.
const REPORT: Duration = Duration::from_millis(100);

/// Schedules are drawn on a grid of this: what is seen at the same time is taken in together, which makes a simulated
/// second cheap, and still in more than one order.
const GRID: Duration = Duration::from_millis(100);

/// How long a simulated answer takes.
const ANSWER_US: u64 = 1000;

/// The version that the simulated units say they have.
pub(crate) const VERSION: &str = "simulated";

type Sink = mpsc::Sender<Observation>;

/// Probes each instance on its own schedule and hears the units, until the sink is closed.
pub(crate) async fn watch(truth: Truth, sink: Sink, seed: u64) {
    let mut tasks = tokio::task::JoinSet::new();
    let mut rng = Rng::seeded(seed);
    for service in truth.estate.services.values() {
        let Some(probe) = &service.probe else { continue };
        for instance in &service.instances {
            let offset = GRID.mul_f64((probe.every.as_secs_f64() / GRID.as_secs_f64() * rng.unit()).floor());
            tasks.spawn(probe_one(truth.clone(), instance.id.clone(), probe.clone(), offset, sink.clone()));
        }
    }
    for gateway in truth.estate.gateways.keys() {
        tasks.spawn(hear_gateway(truth.clone(), gateway.clone(), sink.clone()));
    }
    tasks.spawn(hear_hand(truth, sink));
    while tasks.join_next().await.is_some() {}
}

async fn probe_one(truth: Truth, id: InstanceId, probe: ProbeSpec, offset: Duration, sink: Sink) {
    tokio::time::sleep(offset).await;
    loop {
        let answer = {
            let state = truth.state();
            match state.controller_blind {
                true => Err(Cause::CouldNotAsk("the simulated network is gone".to_owned())),
                false => state.answer(&id, truth.clock.now()),
            }
        };
        let waited = if answer == Err(Cause::Timeout) { probe.timeout } else { Duration::ZERO };
        tokio::time::sleep(waited).await;
        let seen = match answer {
            Ok(()) => Seen::Answer { took_us: ANSWER_US },
            Err(cause) => Seen::NoAnswer(cause),
        };
        let about = Subject::Instance(id.clone());
        let told = Observation { at: truth.clock.now(), vantage: Vantage::Controller, about, seen };
        if sink.send(told).await.is_err() {
            return;
        }
        tokio::time::sleep(probe.every.saturating_sub(waited).max(GRID)).await;
    }
}

async fn hear_gateway(truth: Truth, id: GatewayId, sink: Sink) {
    let mut ticks = tokio::time::interval(REPORT);
    // The reflexes that were told, and the last second of which traffic was.
    let (mut reflexes, mut second) = (0, i64::MIN);
    loop {
        ticks.tick().await;
        let now = truth.clock.now();
        let told = match truth.state().gateways.get(&id).filter(|gateway| !gateway.unreachable) {
            Some(gateway) => gateway_tells(gateway, &id, now, &mut reflexes, &mut second),
            None => vec![],
        };
        for observation in told {
            if sink.send(observation).await.is_err() {
                return;
            }
        }
    }
}

fn gateway_tells(
    gateway: &GatewayState,
    id: &GatewayId,
    now: Timestamp,
    reflexes: &mut usize,
    second: &mut i64,
) -> Vec<Observation> {
    let tell = |at, about, seen| Observation { at, vantage: Vantage::Gateway(id.clone()), about, seen };
    let itself = |seen| tell(now, Subject::Gateway(id.clone()), seen);
    let unit =
        UnitSelf { version: VERSION.to_owned(), pid: 1, halted: gateway.halted, generation: Some(u64::MAX) };
    let mut told = vec![
        itself(Seen::Answer { took_us: 0 }),
        itself(Seen::Unit(unit)),
        itself(Seen::Shares(gateway.shares.clone())),
    ];
    let untold = |log: &std::collections::VecDeque<Second>| -> Vec<Second> {
        log.iter().filter(|each| each.at_s > *second).cloned().collect()
    };
    let seconds: BTreeMap<_, _> =
        gateway.seconds.iter().map(|(route, log)| (route.clone(), untold(log))).collect();
    if let Some(last) = seconds.values().flatten().map(|each| each.at_s).max() {
        *second = last;
        told.push(itself(Seen::Traffic(seconds)));
    }
    for (at, instance, ejected) in gateway.reflexes.iter().skip(*reflexes) {
        let seen = ejected.clone().map_or(Seen::Readmitted, Seen::Ejected);
        told.push(tell(*at, Subject::Instance(instance.clone()), seen));
    }
    *reflexes = gateway.reflexes.len();
    for (instance, health) in &gateway.health {
        let seen = match health {
            Health::Up => Seen::Answer { took_us: ANSWER_US },
            Health::Down(cause) => Seen::NoAnswer(cause.clone()),
            Health::Unknown => continue,
        };
        told.push(tell(now, Subject::Instance(instance.clone()), seen));
    }
    told
}

async fn hear_hand(truth: Truth, sink: Sink) {
    let mut ticks = tokio::time::interval(REPORT);
    loop {
        ticks.tick().await;
        let now = truth.clock.now();
        let tell = |about, seen| Observation { at: now, vantage: Vantage::Hand, about, seen };
        let (unreachable, halted, held) = {
            let state = truth.state();
            (state.hand_unreachable, state.hand_halted, &state.held_places | &state.dead_places)
        };
        if unreachable {
            continue;
        }
        let unit = UnitSelf { version: VERSION.to_owned(), pid: 1, halted, generation: None };
        let mut told = vec![
            tell(Subject::Hand, Seen::Answer { took_us: 0 }),
            tell(Subject::Hand, Seen::Unit(unit)),
            tell(Subject::Hand, Seen::LostPlaces(held)),
        ];
        for (_, instance) in truth.estate.instances().filter(|(_, instance)| instance.run.is_some()) {
            let state = truth.process(&instance.id);
            told.push(tell(Subject::Instance(instance.id.clone()), Seen::Process(state)));
        }
        for observation in told {
            if sink.send(observation).await.is_err() {
                return;
            }
        }
    }
}
