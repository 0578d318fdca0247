//! Which instances count, and what each of them counts for.

use std::time::Duration;

use dinghai_estate::Instance;
use dinghai_record::{FindingKind, Health, ProcessState, Sighting, Subject};

use crate::diagnose::Inputs;
use crate::verdict::key;

/// A process that was seen to begin has this long to come up before its silence is a finding.
const START_GRACE: Duration = Duration::from_secs(10);

/// One vantage point alone has to say *down* for this long, so that a second one can agree or contradict first.
const ALONE_FOR: Duration = Duration::from_secs(1);

/// What an instance counts for at this moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It answers.
    Up,
    /// It does not answer.
    Down,
    /// It was not started yet, or is starting: not there, and no finding.
    Starting,
    /// Nobody can tell.
    Unknown,
}

impl Inputs<'_> {
    /// The sighting of an instance that somebody looks at.
    pub(crate) fn sighting(&self, instance: &Instance) -> Option<&Sighting> {
        self.world.instances.get(&instance.id)
    }

    /// The highest share of its weight that a gateway gives it, when one serves it.
    pub(crate) fn share(&self, instance: &Instance) -> Option<u8> {
        self.world.shares.values().filter_map(|shares| shares.get(&instance.id)).copied().max()
    }

    /// Whether users depend on it: declared to serve, or a spare that a gateway sends requests to.
    pub(crate) fn in_use(&self, instance: &Instance) -> bool {
        !instance.spare || self.share(instance).is_some_and(|share| share > 0)
    }

    /// Whether one of these findings stands on the instance.
    pub(crate) fn found(&self, instance: &Instance, kinds: &[FindingKind]) -> bool {
        let about = || Subject::Instance(instance.id.clone());
        kinds.iter().any(|kind| self.standing.contains_key(&key(*kind, about())))
            || self.standing.values().any(|open| {
                open.finding.key.kind == FindingKind::PlaceLost
                    && kinds.contains(&FindingKind::InstanceDown)
                    && open.finding.instances.contains(&instance.id)
            })
    }

    /// What an instance counts for.
    pub(crate) fn counts(&self, instance: &Instance) -> Standing {
        let Some(sighting) = self.sighting(instance) else {
            return Standing::Unknown;
        };
        match &sighting.health {
            Health::Up => Standing::Up,
            Health::Unknown => Standing::Unknown,
            Health::Down(_)
                if self.found(instance, &[FindingKind::InstanceDown, FindingKind::InstanceHung]) =>
            {
                Standing::Down
            }
            Health::Down(_) if self.is_starting(instance, sighting) => Standing::Starting,
            Health::Down(_) if !sighting.agreed && self.now.since(sighting.since) < ALONE_FOR => {
                Standing::Unknown
            }
            Health::Down(_) => Standing::Down,
        }
    }

    fn is_starting(&self, instance: &Instance, sighting: &Sighting) -> bool {
        match &sighting.process {
            Some(ProcessState::Stopped) => true,
            // Ours to run, and the hand has not had the time to say whether it was ever started.
            None if instance.run.is_some() => self.senses.watched(&instance.id).is_none_or(|watched| {
                watched.process.is_none()
                    && self.senses.began().is_some_and(|began| self.now.since(began) < START_GRACE)
            }),
            Some(ProcessState::Running { .. }) => self
                .senses
                .watched(&instance.id)
                .and_then(|watched| watched.process.as_ref()?.began)
                // Down since before it began: it has not been up yet, even if it has answered once.
                .is_some_and(|began| sighting.since <= began && self.now.since(began) < START_GRACE),
            _ => false,
        }
    }
}
