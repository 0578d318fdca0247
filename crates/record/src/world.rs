//! The present as far as it was observed: what `detect` makes of observations and the other stages read.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use dinghai_clock::Timestamp;
use dinghai_estate::{GatewayId, InstanceId, PlaceId, RouteId};
use serde::{Deserialize, Serialize};

use crate::{Condition, Health, Holds, ProcessState, Reason, UnitSelf, Vantage};

/// What is known of the world at a time. A snapshot.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct World {
    /// When it was put together.
    pub at: Timestamp,
    /// Instances; one that is not here was never asked.
    pub instances: BTreeMap<InstanceId, Sighting>,
    /// When each vantage point was last heard; a gateway or hand that fell silent keeps its last time.
    pub heard: BTreeMap<Vantage, Timestamp>,
    /// What each of our units said of itself when it was last heard.
    #[serde(default)]
    pub units: BTreeMap<Vantage, UnitSelf>,
    /// Shares that each gateway serves, in percent, as last heard.
    pub shares: BTreeMap<GatewayId, BTreeMap<InstanceId, u8>>,
    /// Places at which the hand refuses starts; none when the hand is not heard.
    pub lost_places: Option<BTreeSet<PlaceId>>,
    /// Traffic of the last minutes.
    pub traffic: Arc<Traffic>,
}

/// One instance as it was last seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sighting {
    /// By all vantage points together: up or down when those that look agree or only one looks, unknown otherwise.
    pub health: Health,
    /// Since when.
    pub since: Timestamp,
    /// Whether two independent vantage points say so.
    pub agreed: bool,
    /// What each vantage point says by itself.
    pub by: BTreeMap<Vantage, Health>,
    /// When it last answered anybody.
    #[serde(default)]
    pub answered: Option<Timestamp>,
    /// How long its last answer to the controller took.
    pub took_us: Option<u64>,
    /// Its process, when the hand has it in charge and is heard.
    pub process: Option<ProcessState>,
    /// Gateways that have it out of rotation.
    pub ejected_by: BTreeSet<GatewayId>,
}

/// What passed through the gateways, second by second. A second that is missing was not reported: unknown, not zero.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Traffic {
    /// By gateway and route, oldest first.
    pub routes: BTreeMap<GatewayId, BTreeMap<RouteId, VecDeque<Second>>>,
}

/// What passed through one route in one second.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Second {
    /// The second, since the Unix epoch.
    pub at_s: i64,
    /// Requests that ended in it.
    pub requests: u64,
    /// Of them failed for the client.
    pub failed: u64,
    /// Of them answered after being repeated on another instance.
    pub rescued: u64,
    /// When in it the last one failed, if one did.
    pub last_failure: Option<Timestamp>,
}

/// Sums over a stretch of [`Traffic`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Requests.
    pub requests: u64,
    /// Failed.
    pub failed: u64,
    /// Rescued.
    pub rescued: u64,
    /// The last failure.
    pub last_failure: Option<Timestamp>,
}

impl Tally {
    /// The failed share, 0–1; none without requests.
    pub fn failed_share(&self) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
        let share = |part: u64, whole: u64| part as f64 / whole as f64;
        (self.requests > 0).then(|| share(self.failed, self.requests))
    }
}

impl Traffic {
    /// Sums the routes that `counts` admits, over the whole seconds that touch `from..=to`. None when nothing was
    /// reported for any of them in that time.
    pub fn tally(
        &self,
        from: Timestamp,
        to: Timestamp,
        counts: impl Fn(&GatewayId, &RouteId) -> bool,
    ) -> Option<Tally> {
        let seconds = from.as_micros().div_euclid(1_000_000)..=to.as_micros().div_euclid(1_000_000);
        let mut sum: Option<Tally> = None;
        for (gateway, routes) in &self.routes {
            for (_, log) in routes.iter().filter(|(route, _)| counts(gateway, route)) {
                for second in log.iter().filter(|second| seconds.contains(&second.at_s)) {
                    let sum = sum.get_or_insert_default();
                    sum.requests += second.requests;
                    sum.failed += second.failed;
                    sum.rescued += second.rescued;
                    sum.last_failure = sum.last_failure.max(second.last_failure);
                }
            }
        }
        sum
    }
}

impl World {
    /// The health of an instance; unknown when it was never seen.
    pub fn health(&self, instance: &InstanceId) -> &Health {
        self.instances.get(instance).map_or(&Health::Unknown, |sighting| &sighting.health)
    }

    /// Whether a condition holds. What was not observed is unknown and never passes.
    pub fn holds(&self, condition: &Condition) -> Holds {
        self.holds_since(condition, Timestamp::EPOCH)
    }

    /// Whether a condition holds by what was observed at `since` or later: what an act has done can not be told from
    /// what was seen before it.
    pub fn holds_since(&self, condition: &Condition, since: Timestamp) -> Holds {
        let heard = |vantage: &Vantage| self.heard.get(vantage).is_some_and(|at| *at >= since);
        let needs_the_hand =
            matches!(condition, Condition::PlaceReleased(_) | Condition::Running(_) | Condition::Stopped(_));
        if needs_the_hand && !heard(&Vantage::Hand) {
            return Holds::Unknown(Reason::new("hand-not-heard"));
        }
        match condition {
            Condition::Answering { instances, lasting } => {
                all(instances, |id| self.answering(id, *lasting, since))
            }
            Condition::Silent(instances) => all(instances, |id| match self.health(id) {
                Health::Down(_) => Holds::Yes,
                Health::Up => Holds::No(Reason::new("instance-answers").with("instance", id)),
                Health::Unknown => Holds::Unknown(Reason::new("instance-unknown").with("instance", id)),
            }),
            Condition::PlaceReleased(place) => match &self.lost_places {
                None => Holds::Unknown(Reason::new("hand-not-heard")),
                Some(lost) if lost.contains(place) => {
                    Holds::No(Reason::new("place-held-lost").with("place", place))
                }
                Some(_) => Holds::Yes,
            },
            Condition::Weighed(wanted) => {
                self.weighed(wanted, |gateway| heard(&Vantage::Gateway(gateway.clone())))
            }
            Condition::Running(instances) => all(instances, |id| self.process(id, true)),
            Condition::Stopped(instances) => all(instances, |id| self.process(id, false)),
        }
    }

    fn answering(&self, id: &InstanceId, lasting: Duration, after: Timestamp) -> Holds {
        match self.instances.get(id) {
            Some(Sighting { health: Health::Up, answered, .. }) if answered.is_none_or(|at| at < after) => {
                Holds::Unknown(Reason::new("instance-not-asked-since").with("instance", id))
            }
            Some(Sighting { health: Health::Up, since, .. }) if self.at.since(*since) >= lasting => {
                Holds::Yes
            }
            Some(Sighting { health: Health::Up, since, .. }) => {
                let so_far =
                    Duration::from_millis(u64::try_from(self.at.since(*since).as_millis()).unwrap_or(0));
                Holds::No(
                    Reason::new("instance-answers-too-short")
                        .with("instance", id)
                        .with("so-far", dinghai_clock::format_span(so_far)),
                )
            }
            Some(Sighting { health: Health::Down(cause), .. }) => {
                Holds::No(Reason::new("instance-silent").with("instance", id).with("cause", cause))
            }
            Some(Sighting { health: Health::Unknown, .. }) | None => {
                Holds::Unknown(Reason::new("instance-unknown").with("instance", id))
            }
        }
    }

    fn weighed(&self, wanted: &BTreeMap<InstanceId, u8>, heard: impl Fn(&GatewayId) -> bool) -> Holds {
        let mut served = false;
        for (gateway, shares) in &self.shares {
            if !heard(gateway) && wanted.keys().any(|instance| shares.contains_key(instance)) {
                return Holds::Unknown(Reason::new("gateway-not-heard").with("gateway", gateway));
            }
            for (instance, share) in wanted {
                match shares.get(instance) {
                    Some(now) if now == share => served = true,
                    Some(now) => {
                        return Holds::No(
                            Reason::new("share-differs")
                                .with("gateway", gateway)
                                .with("instance", instance)
                                .with("share", now)
                                .with("wanted", share),
                        );
                    }
                    None => {}
                }
            }
        }
        if served { Holds::Yes } else { Holds::Unknown(Reason::new("no-gateway-serves-it")) }
    }

    fn process(&self, id: &InstanceId, running: bool) -> Holds {
        match self.instances.get(id).and_then(|sighting| sighting.process.as_ref()) {
            None => Holds::Unknown(Reason::new("process-unknown").with("instance", id)),
            Some(ProcessState::Running { .. }) if running => Holds::Yes,
            Some(ProcessState::Running { .. }) => Holds::No(Reason::new("process-runs").with("instance", id)),
            Some(_) if running => Holds::No(Reason::new("process-does-not-run").with("instance", id)),
            Some(_) => Holds::Yes,
        }
    }
}

/// No before unknown before yes; no instances at all is unknown.
fn all(instances: &[InstanceId], holds: impl Fn(&InstanceId) -> Holds) -> Holds {
    let mut worst = None;
    for id in instances {
        match holds(id) {
            no @ Holds::No(_) => return no,
            unknown @ Holds::Unknown(_) => worst = Some(unknown),
            Holds::Yes => {
                worst.get_or_insert(Holds::Yes);
            }
        }
    }
    worst.unwrap_or_else(|| Holds::Unknown(Reason::new("nothing-to-look-at")))
}
