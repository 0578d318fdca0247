//! Incidents: findings that belong together.
//!
//! | state | left by |
//! |---|---|
//! | `Open` | `incident-closed` → `Closed`; `incident-merged` → `Merged` |
//!
//! A closed incident stays closed; trouble that comes back opens a new one.

use std::collections::{BTreeMap, BTreeSet};

use dinghai_clock::Timestamp;
use dinghai_estate::ServiceId;
use serde::{Deserialize, Serialize};

use crate::{
    DrillRunId, Event, FindingKey, IllegalTransition, IncidentId, Measures, PlanId, Reason, Seq, Subject,
};

/// How bad an incident is, by blast radius computed on the graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Grade {
    /// A core path fails, or half of the core services are below their minimum.
    P0,
    /// A core path fails in part, a core service is below its minimum, or a zone is lost.
    P1,
    /// Redundancy of a core service is gone without effect on users, or a secondary service is down.
    P2,
    /// Anything else.
    P3,
}

impl std::fmt::Display for Grade {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self:?}")
    }
}

/// How far an incident has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IncidentState {
    /// Not over.
    Open,
    /// Over.
    Closed,
    /// Part of another one.
    Merged(IncidentId),
}

/// An incident as the ledger tells it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IncidentRecord {
    /// Its number.
    pub id: IncidentId,
    /// How far it has come.
    pub state: IncidentState,
    /// Its grade now.
    pub grade: Grade,
    /// The worst grade it had.
    pub worst: Grade,
    /// What it is about: the place, service or instance that explains the most of it.
    pub about: Subject,
    /// The drill that caused it, when one did.
    pub drill: Option<DrillRunId>,
    /// When the trouble began, as far as it was seen.
    pub since: Timestamp,
    /// When it was opened, and by which entry.
    pub opened: (Timestamp, Seq),
    /// When it was closed or merged.
    pub closed: Option<Timestamp>,
    /// When its last finding cleared; none while one stands.
    pub quiet_since: Option<Timestamp>,
    /// Findings that stand.
    pub standing: BTreeSet<FindingKey>,
    /// Every finding it ever had, with the time it joined.
    #[serde(with = "crate::pairs")]
    pub findings: BTreeMap<FindingKey, Timestamp>,
    /// Services it touches.
    pub services: BTreeSet<ServiceId>,
    /// Its plans, in order.
    pub plans: Vec<PlanId>,
    /// Why it has the grade it has.
    pub reasons: Vec<Reason>,
    /// What users felt, as last measured.
    pub measures: Option<Measures>,
    /// All its entries, in order, for the timeline.
    pub entries: Vec<Seq>,
}

impl IncidentState {
    /// The state after `event`.
    pub fn next(self, incident: IncidentId, event: &Event) -> Result<Self, IllegalTransition> {
        match (self, event) {
            (Self::Open, Event::IncidentClosed { .. }) => Ok(Self::Closed),
            (Self::Open, Event::IncidentMerged { into, .. }) => Ok(Self::Merged(*into)),
            (
                Self::Open,
                Event::IncidentJoined { .. }
                | Event::IncidentRegraded { .. }
                | Event::IncidentMeasured { .. },
            )
            | (_, Event::IncidentMeasured { .. }) => Ok(self),
            _ => Err(IllegalTransition {
                what: incident.to_string(),
                state: format!("{self:?}"),
                event: event.kind(),
            }),
        }
    }
}
