//! Services: what they need, what may be done to them, what they are worth.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Capacity, Instance, Money, Origin, PlaceKind, ProbeSpec, ProxyVersion, Secured, ServiceId};

/// How much depends on a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tier {
    /// Useful, not vital.
    Secondary,
    /// The business stops without it.
    Core,
}

/// A function that is kept standing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Service {
    /// How much depends on it.
    pub tier: Tier,
    /// Healthy instances it must never have fewer of by our own doing.
    pub minimum: u32,
    /// The widest kind of place whose loss it has promised to outlive.
    pub survive: PlaceKind,
    /// Its instances, spares included, in declared order.
    pub instances: Vec<Instance>,
    /// How its instances are asked whether they answer.
    pub probe: Option<ProbeSpec>,
    /// How connections to its instances are secured, where they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<Secured>,
    /// The PROXY header that its instances are told the client by, where they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy_protocol: Option<ProxyVersion>,
    /// What it needs.
    pub needs: Vec<Need>,
    /// What automatons may do, by kind of action; [`Autonomy::Shadow`] where nothing is said.
    pub autonomy: BTreeMap<ActionKind, Autonomy>,
    /// What a request to it is worth, as stated.
    pub value: Option<Value>,
    /// How much it has to carry, and how much one instance carries, as stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity: Option<Capacity>,
    /// Where it is declared.
    pub origin: Origin,
}

/// A dependency on another service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Need {
    /// The service that is needed.
    pub service: ServiceId,
    /// How badly.
    pub kind: NeedKind,
    /// Where it is declared.
    pub origin: Origin,
}

/// How badly a service is needed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NeedKind {
    /// Without it the service fails.
    Hard,
    /// Without it the service falls back to this.
    Soft {
        /// What it does instead, as stated.
        fallback: Option<String>,
    },
}

/// Kinds of action that autonomy is granted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ActionKind {
    /// Start an instance again where it ran.
    Restart,
    /// Change weights at a gateway.
    ShiftTraffic,
    /// Start spares.
    Scale,
    /// Make a standby primary.
    Promote,
}

/// How far an automaton may go by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Autonomy {
    /// No plan is made.
    Off,
    /// The plan is recorded and not taken.
    #[default]
    Shadow,
    /// The plan waits for a person.
    Ask,
    /// The plan runs, while evidence for this kind of action lives; it asks otherwise.
    Auto,
}

/// What a service's requests are worth, as the user stated it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Value {
    /// Visits a minute, when stated.
    pub visits_per_minute: Option<f64>,
    /// Share of visits that become an order, 0–1, when stated.
    pub conversion: Option<f64>,
    /// What one order brings, when stated.
    pub order: Option<Money>,
    /// Shares of failed buyers who come back later, for the low, likely and high loss, 0–1, when stated.
    pub come_back: Option<[f64; 3]>,
    /// Where it is declared.
    pub origin: Origin,
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Secondary => "secondary",
            Self::Core => "core",
        })
    }
}

impl Service {
    /// What automatons may do of this kind, as granted; evidence is not considered here.
    pub fn granted(&self, kind: ActionKind) -> Autonomy {
        self.autonomy.get(&kind).copied().unwrap_or_default()
    }
}
