//! The gateway's own probes: one task for each instance that the table names and that can be asked over the network.
//! They run with no controller, and tell the same judge that traffic tells.

use std::collections::BTreeMap;
use std::sync::Arc;

use dinghai_estate::{InstanceId, ProbeSpec};
use dinghai_limits::Saw;
use dinghai_probe::{Question, Schedule, ask_with};
use dinghai_record::Cause;
use tokio::task::JoinHandle;
use tracing::debug;

use crate::core::Core;
use crate::instance::Instance;
use crate::routing::Routing;

/// The probes that run.
pub(crate) struct Probes {
    core: Arc<Core>,
    running: BTreeMap<InstanceId, Running>,
}

struct Running {
    instance: Arc<Instance>,
    spec: ProbeSpec,
    task: JoinHandle<()>,
}

impl Probes {
    pub(crate) const fn new(core: Arc<Core>) -> Self {
        Self { core, running: BTreeMap::new() }
    }

    /// Makes what runs what the table in force says.
    pub(crate) fn follow(&mut self, routing: &Routing) {
        let mut wanted: BTreeMap<InstanceId, (Arc<Instance>, ProbeSpec)> = BTreeMap::new();
        for service in routing.services.values() {
            let Some(spec) = &service.probe else { continue };
            for member in &service.members {
                wanted.insert(member.instance.id.clone(), (Arc::clone(&member.instance), spec.clone()));
            }
        }
        self.running.retain(|id, running| {
            let stays = wanted.get(id).is_some_and(|(instance, spec)| {
                Arc::ptr_eq(instance, &running.instance) && *spec == running.spec
            });
            if !stays {
                running.task.abort();
            }
            stays
        });
        for (id, (instance, spec)) in wanted {
            let Some(question) = Question::of(&spec.check) else { continue };
            self.running.entry(id).or_insert_with(|| {
                let task = probe(Arc::clone(&self.core), Arc::clone(&instance), spec.clone(), question);
                Running { instance, spec, task: tokio::spawn(task) }
            });
        }
    }
}

impl Drop for Probes {
    fn drop(&mut self) {
        for running in self.running.values() {
            running.task.abort();
        }
    }
}

async fn probe(core: Arc<Core>, instance: Arc<Instance>, spec: ProbeSpec, question: Question) {
    let mut schedule = Schedule::new(spec.every, core.draw());
    loop {
        schedule.turn().await;
        match ask_with(&instance.dial.address, &instance.dial.manner(), &question, spec.timeout).await {
            Ok(took) => instance.saw(&core, Saw::ProbeAnswered, None, Some(took)),
            Err(Cause::CouldNotAsk(why)) => debug!(instance = %instance.id, why, "could not probe"),
            Err(cause) => instance.saw(&core, Saw::ProbeFailed, Some(cause), None),
        }
    }
}
