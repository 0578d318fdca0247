//! Evidence: measured outcomes, and the facts they rest on.

use std::collections::BTreeMap;
use std::time::Duration;

use dinghai_clock::{Timestamp, serde_span};
use dinghai_estate::{ActionKind, PromiseId, ServiceId};
use serde::{Deserialize, Serialize};

use crate::{DrillRunId, EvidenceId, IncidentId, Reason};

/// A measured outcome bound to the facts it rested on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// Its number.
    pub id: EvidenceId,
    /// What it shows.
    pub shows: Proof,
    /// Where it was measured.
    pub from: Fact,
    /// The drill in which it was measured, when it was one.
    pub drill: Option<DrillRunId>,
    /// The incident in which it was measured, when it was one.
    pub incident: Option<IncidentId>,
    /// The facts it rests on.
    pub slice: Slice,
    /// When it was measured.
    pub at: Timestamp,
    /// How long it counts.
    #[serde(with = "serde_span")]
    pub max_age: Duration,
    /// What was seen.
    pub reasons: Vec<Reason>,
}

/// What an evidence shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Proof {
    /// A promise was measured.
    Promise {
        /// Which.
        promise: PromiseId,
        /// The measure: milliseconds for a time, a share 0–1 for a share.
        measured: f64,
        /// Whether it met the target as it stood.
        kept: bool,
    },
    /// An action of this kind on this service worked and was verified.
    Action {
        /// The service.
        service: ServiceId,
        /// The kind.
        kind: ActionKind,
        /// Whether it worked.
        worked: bool,
    },
}

/// The facts a verdict rested on, by name. A change of one of them voids the evidence and is named.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slice(pub BTreeMap<String, String>);

/// A named value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// Its name, such as `gateway.version` or `order.probe`.
    pub name: String,
    /// Its value.
    pub value: String,
}

impl Slice {
    /// The first fact of this slice that is not so now, as (name, then, now); `now` holds all facts known now.
    pub fn broken_by<'a>(&'a self, now: &'a Self) -> Option<(&'a str, &'a str, Option<&'a str>)> {
        self.0.iter().find_map(|(name, then)| match now.0.get(name) {
            Some(value) if value == then => None,
            other => Some((name.as_str(), then.as_str(), other.map(String::as_str))),
        })
    }
}
