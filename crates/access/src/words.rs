//! Who asks for what.

use std::fmt;
use std::str::FromStr;

use dinghai_estate::DrillId;
use dinghai_record::{IncidentId, PlanId};
use serde::{Deserialize, Serialize};

/// What a person is trusted with. Each role may do all that the one before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Sees.
    Viewer,
    /// Carries the pager.
    Operator,
    /// Decides who may do what.
    Admin,
}

/// Who asks: somebody who signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// A random id of the person, never a name.
    pub subject: String,
    /// What they are trusted with.
    pub role: Role,
}

/// What they want to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// See it.
    Read,
    /// Let a waiting plan run.
    Approve,
    /// Do not let a waiting plan run.
    Decline,
    /// Break something on purpose.
    RunDrill,
    /// Stop every automaton.
    Halt,
    /// Let them go on.
    Resume,
    /// Change who may do what.
    ManageUsers,
}

/// What they want to do it to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Resource {
    /// The estate as a whole, its board and its topology.
    Estate,
    /// An incident.
    Incident(IncidentId),
    /// A plan.
    Plan(PlanId),
    /// A drill.
    Drill(DrillId),
    /// The ledger.
    Ledger,
    /// People, their roles and their sessions.
    Users,
}

impl Action {
    /// Every action.
    pub const ALL: [Self; 7] = [
        Self::Read,
        Self::Approve,
        Self::Decline,
        Self::RunDrill,
        Self::Halt,
        Self::Resume,
        Self::ManageUsers,
    ];

    /// The kebab-case name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Approve => "approve",
            Self::Decline => "decline",
            Self::RunDrill => "run-drill",
            Self::Halt => "halt",
            Self::Resume => "resume",
            Self::ManageUsers => "manage-users",
        }
    }
}

impl Role {
    /// Every role, least trusted first.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Operator, Self::Admin];

    /// The kebab-case name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Estate => f.write_str("estate"),
            Self::Incident(id) => write!(f, "{id}"),
            Self::Plan(id) => write!(f, "{id}"),
            Self::Drill(id) => write!(f, "drill {id}"),
            Self::Ledger => f.write_str("ledger"),
            Self::Users => f.write_str("users"),
        }
    }
}

/// The text is not a role.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a role; say `viewer`, `operator` or `admin`")]
pub struct UnknownRole(String);

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|role| role.as_str() == text).ok_or_else(|| UnknownRole(text.to_owned()))
    }
}
