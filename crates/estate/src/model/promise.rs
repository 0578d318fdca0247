//! Promises, and the drills that prove them.

use std::time::Duration;

use dinghai_clock::serde_span;
use serde::{Deserialize, Serialize};

use crate::{InstanceId, Origin, PlaceId};

/// A measurable commitment with a target and a clock.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Promise {
    /// What is promised.
    pub target: PromiseTarget,
    /// How old its proof may be. Default 30 d.
    #[serde(with = "serde_span")]
    pub max_age: Duration,
    /// Where it is declared; the profile's name when it comes from one.
    pub origin: Origin,
}

/// What is promised.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PromiseTarget {
    /// The measured time is at most this.
    Within(#[serde(with = "serde_span")] Duration),
    /// The measured share is at least this, 0–1.
    AtLeast(f64),
}

/// A rehearsed failure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Drill {
    /// What is broken.
    pub fault: DrillFault,
    /// How long the fault is held before it is undone. Default 10 s.
    #[serde(with = "serde_span")]
    pub hold: Duration,
    /// How often it is due, when stated.
    #[serde(with = "crate::model::optional_span", default)]
    pub every: Option<Duration>,
    /// What must be so for the drill to pass.
    pub expect: Expectation,
    /// Above this share of failed requests the fault is undone at once. Default 5 %.
    pub stop_above: f64,
    /// Where it is declared.
    pub origin: Origin,
}

/// What a drill breaks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DrillFault {
    /// SIGKILL one instance.
    KillInstance(InstanceId),
    /// SIGSTOP one instance until the undo.
    HangInstance(InstanceId),
    /// SIGKILL every instance at a place, and refuse starts there until the undo.
    KillPlace(PlaceId),
}

/// What must be so for a drill to pass. A limit that is not stated is not judged.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Expectation {
    /// Share of requests that fail from the fault to recovery.
    pub failed_requests: Option<ShareLimit>,
    /// Time from the fault to the last failed request.
    #[serde(with = "crate::model::optional_span", default)]
    pub failing_within: Option<Duration>,
    /// Time from the end of the fault to every instance up and its weight restored.
    #[serde(with = "crate::model::optional_span", default)]
    pub healed_within: Option<Duration>,
}

/// An upper limit on a share, 0–1: `< 0.5%` or `<= 1%`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ShareLimit {
    /// The limit, 0–1.
    pub limit: f64,
    /// Whether the limit itself still passes.
    pub inclusive: bool,
}

impl ShareLimit {
    /// Whether `share` is inside the limit.
    pub fn admits(&self, share: f64) -> bool {
        share < self.limit || (self.inclusive && share <= self.limit)
    }
}
