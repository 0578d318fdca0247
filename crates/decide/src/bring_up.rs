//! The first start of what the estate declares.
//!
//! An instance that is ours to run, not a spare, was never started by a plan, and whose process the hand knows not to
//! run, is started. That needs no autonomy: whoever gave the command to run asked for it. While the hand is not heard
//! nothing is known of its processes, and nothing is started.

use std::collections::BTreeSet;

use dinghai_estate::InstanceId;
use dinghai_record::{ProcessState, Reason, Taking};

use crate::Inputs;
use crate::heal::Draft;
use crate::steps::Steps;

/// The plan that starts what has never run, when there is any.
pub(crate) fn bring_up(inputs: &Inputs<'_>) -> Option<Draft> {
    let Inputs { estate, book, world, .. } = *inputs;
    let held = world.lost_places.as_ref()?;
    let instances: BTreeSet<InstanceId> = estate
        .instances()
        .filter(|(_, instance)| instance.run.is_some() && !instance.spare)
        .filter(|(_, instance)| !book.started.contains(&instance.id))
        .filter(|(_, instance)| {
            let process = world.instances.get(&instance.id).and_then(|seen| seen.process.as_ref());
            process == Some(&ProcessState::Stopped)
        })
        .filter(|(_, instance)| estate.places_around(instance).is_disjoint(held))
        .map(|(_, instance)| instance.id.clone())
        .collect();
    if instances.is_empty() {
        return None;
    }
    let mut steps = Steps::new(estate);
    steps.start(&instances);
    Some(Draft {
        title: Reason::new("bring-up").with("instances", instances.len()),
        steps: steps.done(),
        takes: Taking::default(),
        reasons: vec![Reason::new("never-started").with("instances", instances.len())],
    })
}
