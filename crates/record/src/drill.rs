//! Drills: what was broken on purpose, and what was measured.
//!
//! | state | left by |
//! |---|---|
//! | `Steady` | `drill-broke` → `Broken`; `drill-ended` (not steady, refused) |
//! | `Broken` | `drill-mended` → `Recovering`; `drill-ended` |
//! | `Recovering` | `drill-ended` → `Ended` |

use std::collections::{BTreeMap, BTreeSet};

use dinghai_clock::Timestamp;
use dinghai_estate::{ActionKind, DrillId, ServiceId};
use serde::{Deserialize, Serialize};

use crate::{Actor, DrillRunId, Event, Fault, IllegalTransition, IncidentId, PlanId, Reason, Seq};

/// What the person who runs a drill lets automatons do where `auto` is not yet earned, while the drill runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    /// These kinds of action, on the services that the drill touches.
    pub kinds: BTreeSet<ActionKind>,
}

/// How far a run of a drill has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DrillState {
    /// The steady state is being established; nothing is broken yet.
    Steady,
    /// The fault is in.
    Broken,
    /// The fault is undone; we wait until all is as before.
    Recovering,
    /// Over.
    Ended(Verdict),
}

/// What a drill showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Every expectation was met.
    Passed,
    /// An expectation was not met.
    Failed,
    /// A stop condition ended it early; the fault was undone.
    Stopped,
    /// It did not begin.
    Refused,
    /// Something that was to be judged could not be measured.
    Unknown,
}

/// What was measured of a drill or incident. What could not be measured is missing, never zero.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Measures {
    /// Requests that gateways counted from the beginning to the end.
    pub requests: Option<u64>,
    /// Of them failed, as the client saw it.
    pub failed: Option<u64>,
    /// Of them repeated on another instance and answered.
    pub rescued: Option<u64>,
    /// Of the failed ones, those to services with a stated value that count as an order.
    pub failed_orders: Option<u64>,
    /// The failed ones by the service that their route leads to; only those that are not zero.
    #[serde(default)]
    pub failed_by: BTreeMap<ServiceId, u64>,
    /// The end of the last second in which requests were counted.
    #[serde(default)]
    pub until: Option<Timestamp>,
    /// From the beginning to the last failed request; zero when none failed.
    pub failing_ms: Option<u64>,
    /// From the beginning to the first ejection by a gateway.
    pub ejected_ms: Option<u64>,
    /// From the beginning to the opening of the incident.
    pub incident_ms: Option<u64>,
    /// From the beginning to the first step's start.
    pub acted_ms: Option<u64>,
    /// From the end of the fault to all up with weights restored.
    pub healed_ms: Option<u64>,
}

/// A run of a drill as the ledger tells it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DrillRecord {
    /// Its number.
    pub run: DrillRunId,
    /// The drill.
    pub drill: DrillId,
    /// What it breaks.
    pub fault: Fault,
    /// Who ran it.
    pub by: Actor,
    /// What they let automatons do.
    pub consent: Consent,
    /// How far it has come.
    pub state: DrillState,
    /// When it was begun, and by which entry.
    pub started: (Timestamp, Seq),
    /// When the fault went in.
    pub broken: Option<Timestamp>,
    /// When the fault was undone.
    pub mended: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// The plan that breaks and mends.
    pub plan: Option<PlanId>,
    /// The incidents it caused.
    pub incidents: BTreeSet<IncidentId>,
    /// What was measured.
    pub measures: Measures,
    /// Why the verdict is what it is.
    pub reasons: Vec<Reason>,
}

impl DrillState {
    /// Whether the run goes on.
    pub const fn is_open(self) -> bool {
        !matches!(self, Self::Ended(_))
    }

    /// The state after `event`.
    pub fn next(self, run: DrillRunId, event: &Event) -> Result<Self, IllegalTransition> {
        match (self, event) {
            (Self::Steady, Event::DrillBroke { .. }) => Ok(Self::Broken),
            (Self::Broken, Event::DrillMended { .. }) => Ok(Self::Recovering),
            (Self::Steady | Self::Broken | Self::Recovering, Event::DrillEnded { verdict, .. }) => {
                Ok(Self::Ended(*verdict))
            }
            _ => Err(IllegalTransition {
                what: run.to_string(),
                state: format!("{self:?}"),
                event: event.kind(),
            }),
        }
    }
}
