//! How a unit says no. HTTP status and this body.

use dinghai_ports::ActError;
use dinghai_record::{Fence, Reason};
use serde::{Deserialize, Serialize};

/// The body of every answer that is not 2xx.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Refusal {
    /// 409: a higher fence, or another store, has been seen.
    Stale {
        /// The fence of the request.
        got: Fence,
        /// The highest one seen.
        seen: Fence,
    },
    /// 409: a table of this or a higher generation is in force.
    Superseded {
        /// The generation of the request.
        got: u64,
        /// The one in force.
        seen: u64,
    },
    /// 423: automatons are halted here.
    Halted,
    /// 422: no, and no again.
    Refused(Reason),
    /// 500: tried, and it did not work.
    Failed(Reason),
}

impl Refusal {
    /// The HTTP status that goes with it.
    pub const fn status(&self) -> u16 {
        match self {
            Self::Stale { .. } | Self::Superseded { .. } => 409,
            Self::Halted => 423,
            Self::Refused(_) => 422,
            Self::Failed(_) => 500,
        }
    }
}

impl From<Refusal> for ActError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Stale { got, seen } => Self::Stale { got, seen },
            Refusal::Superseded { got, seen } => {
                Self::Refused(Reason::new("table-superseded").with("got", got).with("seen", seen))
            }
            Refusal::Halted => Self::Halted,
            Refusal::Refused(reason) => Self::Refused(reason),
            Refusal::Failed(reason) => Self::Failed(reason),
        }
    }
}
