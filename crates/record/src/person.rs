//! Who did it, and fields that belong to a person.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Who decided or acted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Actor {
    /// Dinghai itself.
    Automaton,
    /// A drill that somebody consented to.
    Drill(crate::DrillRunId),
    /// Somebody at the machine, on the command line.
    Operator(Personal),
    /// Somebody in the console.
    Person(Personal),
}

/// A value that belongs to a person. In the ledger it is kept encrypted under the key of `subject`, and the chain's
/// hash covers the ciphertext only; when that key is destroyed the value reads as erased and the chain still verifies.
#[derive(Clone, PartialEq, Eq)]
pub enum Personal {
    /// The value can be read.
    Known {
        /// Whose key seals it; a random id, never a name.
        subject: String,
        /// The value.
        value: String,
    },
    /// The subject's key is gone.
    Erased {
        /// Whose key sealed it.
        subject: String,
    },
}

/// The form in which a [`Personal`] passes through JSON. The ledger seals `$personal` on the way in, and on the way
/// out puts back either `$personal` or `$erased`.
#[derive(Serialize, Deserialize)]
enum Form {
    #[serde(rename = "$personal")]
    Known { subject: String, value: String },
    #[serde(rename = "$erased")]
    Erased { subject: String },
}

impl Serialize for Personal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.clone() {
            Self::Known { subject, value } => Form::Known { subject, value },
            Self::Erased { subject } => Form::Erased { subject },
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Personal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match Form::deserialize(deserializer)? {
            Form::Known { subject, value } => Self::Known { subject, value },
            Form::Erased { subject } => Self::Erased { subject },
        })
    }
}

/// Never shows the value, so that it does not reach a log by accident.
impl fmt::Debug for Personal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known { subject, .. } => write!(f, "Personal({subject})"),
            Self::Erased { subject } => write!(f, "Erased({subject})"),
        }
    }
}
