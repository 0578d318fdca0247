//! The controller's own probes: each instance is asked on its own jittered schedule.

use std::sync::Arc;

use dinghai_clock::Clock;
use dinghai_estate::{Address, Estate, InstanceId, ProbeSpec};
use dinghai_probe::{Manner, Question, Schedule, ask_with};
use dinghai_record::{Observation, Seen, Subject, Vantage};
use dinghai_tls::Outward;
use tokio::task::JoinSet;

use crate::Sink;

/// Asks every instance of the estate that can be asked over the network, spares too, until the sink is closed. The
/// tasks end when the set is dropped.
pub fn probe_estate(estate: &Estate, clock: &Arc<dyn Clock>, sink: &Sink, seed: u64) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    let probed = estate.services.values().filter_map(|service| Some((service, service.probe.clone()?)));
    for (service, probe) in probed {
        let Some(question) = Question::of(&probe.check) else { continue };
        let outward = service.tls.as_ref().map(|terms| Arc::new(Outward::new(terms)));
        outward.iter().for_each(|outward| outward.kept().watch());
        let manner = Manner { outward, proxy: service.proxy_protocol, at: None };
        for instance in &service.instances {
            let seed = seed.wrapping_add(tasks.len() as u64);
            let target = Target {
                id: instance.id.clone(),
                address: instance.address.clone(),
                manner: manner.clone(),
                probe: probe.clone(),
            };
            tasks.spawn(probe_instance(target, question.clone(), clock.clone(), sink.clone(), seed));
        }
    }
    tasks
}

struct Target {
    id: InstanceId,
    address: Address,
    manner: Manner,
    probe: ProbeSpec,
}

async fn probe_instance(target: Target, question: Question, clock: Arc<dyn Clock>, sink: Sink, seed: u64) {
    let mut schedule = Schedule::new(target.probe.every, seed);
    loop {
        schedule.turn().await;
        let seen = match ask_with(&target.address, &target.manner, &question, target.probe.timeout).await {
            Ok(took) => Seen::Answer { took_us: u64::try_from(took.as_micros()).unwrap_or(u64::MAX) },
            Err(cause) => Seen::NoAnswer(cause),
        };
        let about = Subject::Instance(target.id.clone());
        let observation = Observation { at: clock.now(), vantage: Vantage::Controller, about, seen };
        if sink.send(observation).await.is_err() {
            return;
        }
    }
}
