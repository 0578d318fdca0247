//! One thing seen, by whom and when.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use dinghai_clock::Timestamp;
use dinghai_estate::{GatewayId, InstanceId, PlaceId, RouteId, ServiceId};

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Second;

/// One thing seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// When it was seen.
    pub at: Timestamp,
    /// By whom.
    pub vantage: Vantage,
    /// What was looked at.
    pub about: Subject,
    /// What was seen.
    pub seen: Seen,
}

/// Who looks. Two vantage points are two different values of this type. In JSON it is a text, so that it can be a key:
/// `controller`, `gateway:public`, `hand`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Vantage {
    /// The controller's own probes.
    Controller,
    /// A gateway: its probes and its traffic.
    Gateway(GatewayId),
    /// The hand, which sees processes.
    Hand,
}

/// What something is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Subject {
    /// All of it.
    Estate,
    /// A place and what is in it.
    Place(PlaceId),
    /// A service.
    Service(ServiceId),
    /// An instance.
    Instance(InstanceId),
    /// A gateway of ours.
    Gateway(GatewayId),
    /// The hand.
    Hand,
    /// The ledger's store.
    Ledger,
}

/// What was seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Seen {
    /// It answered a probe, or announced itself.
    Answer {
        /// How long the answer took.
        took_us: u64,
    },
    /// It did not answer.
    NoAnswer(Cause),
    /// A gateway took it out of rotation.
    Ejected(Cause),
    /// A gateway put it back into rotation.
    Readmitted,
    /// The state of its process.
    Process(ProcessState),
    /// What a unit of ours says of itself: `detect` keeps it in [`crate::World::units`] (gateway, hand).
    Unit(UnitSelf),
    /// The shares that a gateway serves, in percent (gateway).
    Shares(BTreeMap<InstanceId, u8>),
    /// The places at which the hand refuses starts (hand).
    LostPlaces(BTreeSet<PlaceId>),
    /// What passed through a gateway's routes, whole seconds only; a second may be told again (gateway).
    Traffic(BTreeMap<RouteId, Vec<Second>>),
}

/// What a unit of ours says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitSelf {
    /// Its version.
    pub version: String,
    /// Its process id.
    pub pid: u32,
    /// Whether it obeys automatons.
    pub halted: bool,
    /// The generation of the route table in force, when it is a gateway.
    pub generation: Option<u64>,
}

/// Why there was no answer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// The connection was refused.
    Refused,
    /// No answer within the timeout.
    Timeout,
    /// The connection broke.
    Reset,
    /// It answered with this HTTP status.
    Status(u16),
    /// What it answered was not the protocol.
    Malformed,
    /// Its name did not resolve.
    Unresolved,
    /// Its process is gone.
    Gone,
    /// We could not ask (out of descriptors, out of ports, our own socket gone): says nothing about it.
    CouldNotAsk(String),
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused => f.write_str("refused"),
            Self::Timeout => f.write_str("timeout"),
            Self::Reset => f.write_str("reset"),
            Self::Status(code) => write!(f, "status {code}"),
            Self::Malformed => f.write_str("malformed"),
            Self::Unresolved => f.write_str("unresolved"),
            Self::Gone => f.write_str("gone"),
            Self::CouldNotAsk(why) => write!(f, "could not ask: {why}"),
        }
    }
}

/// The state of an instance's process, as the hand sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProcessState {
    /// Never started by the hand, or stopped on order.
    Stopped,
    /// Running as this process.
    Running {
        /// Its process id.
        pid: i32,
    },
    /// Ended by itself.
    Exited {
        /// Exit code, when it is known and it ended by exiting.
        code: Option<i32>,
        /// Signal number, when it is known and ended it.
        signal: Option<i32>,
    },
    /// Ended; the hand starts it again at this time.
    BackingOff {
        /// When.
        until: Timestamp,
    },
}

/// Whether something does its work. Unknown is a state, never a default to up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Health {
    /// It answers.
    Up,
    /// It does not answer.
    Down(Cause),
    /// We do not know: never asked, or nothing heard for too long.
    Unknown,
}

impl fmt::Display for Vantage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Controller => f.write_str("controller"),
            Self::Gateway(id) => write!(f, "gateway {id}"),
            Self::Hand => f.write_str("hand"),
        }
    }
}

impl Serialize for Vantage {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Controller => serializer.serialize_str("controller"),
            Self::Gateway(id) => serializer.collect_str(&format_args!("gateway:{id}")),
            Self::Hand => serializer.serialize_str("hand"),
        }
    }
}

impl<'de> Deserialize<'de> for Vantage {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.as_str() {
            "controller" => Ok(Self::Controller),
            "hand" => Ok(Self::Hand),
            other => match other.strip_prefix("gateway:") {
                Some(id) => Ok(Self::Gateway(id.into())),
                None => Err(D::Error::custom(format!("`{other}` is not a vantage point"))),
            },
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Estate => f.write_str("estate"),
            Self::Place(id) => write!(f, "{id}"),
            Self::Service(id) => write!(f, "{id}"),
            Self::Instance(id) => write!(f, "{id}"),
            Self::Gateway(id) => write!(f, "gateway {id}"),
            Self::Hand => f.write_str("hand"),
            Self::Ledger => f.write_str("ledger"),
        }
    }
}
