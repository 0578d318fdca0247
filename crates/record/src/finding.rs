//! Something wrong or weak.

use std::collections::BTreeSet;
use std::fmt;

use dinghai_clock::Timestamp;
use dinghai_estate::InstanceId;
use serde::{Deserialize, Serialize};

use crate::{Reason, Subject};

/// What a finding is, apart from when: the same trouble found twice is one finding.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FindingKey {
    /// What is wrong.
    pub kind: FindingKind,
    /// With what.
    pub about: Subject,
}

/// Something wrong or weak, with the observations behind it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// What is wrong with what.
    pub key: FindingKey,
    /// Since when, as far as it was seen.
    pub since: Timestamp,
    /// How bad it is by itself; the incident's grade is computed on the graph.
    pub severity: Severity,
    /// The instances it takes away from service, when it takes any.
    pub instances: BTreeSet<InstanceId>,
    /// Whether two independent vantage points agree; acting on what is dead is free only then.
    pub agreed: bool,
    /// Why we say so.
    pub reasons: Vec<Reason>,
}

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FindingKind {
    /// Every instance at a place is gone (place).
    PlaceLost,
    /// An instance does not answer and its process is gone or refuses (instance).
    InstanceDown,
    /// An instance's process is there and does not answer in time (instance).
    InstanceHung,
    /// An instance answers, slower than its probe allows (instance).
    InstanceSlow,
    /// An instance keeps changing between up and down (instance).
    InstanceFlapping,
    /// Nothing has been heard of it for too long: unknown (instance, gateway or hand).
    Silent,
    /// Vantage points contradict each other (instance).
    Disagreement,
    /// A service has fewer healthy instances than its minimum (service).
    BelowMinimum,
    /// A service stands at its minimum; one more loss breaks it (service).
    RedundancyGone,
    /// Requests of a service fail at the gateway (service).
    RequestsFailing,
}

/// How bad a finding is by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// Weak; nothing is lost yet.
    Warning,
    /// Something is lost.
    Critical,
}

impl FindingKind {
    /// The kebab-case name, as in JSON and in the message catalogue.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PlaceLost => "place-lost",
            Self::InstanceDown => "instance-down",
            Self::InstanceHung => "instance-hung",
            Self::InstanceSlow => "instance-slow",
            Self::InstanceFlapping => "instance-flapping",
            Self::Silent => "silent",
            Self::Disagreement => "disagreement",
            Self::BelowMinimum => "below-minimum",
            Self::RedundancyGone => "redundancy-gone",
            Self::RequestsFailing => "requests-failing",
        }
    }
}

impl fmt::Display for FindingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.about, self.kind.as_str())
    }
}
