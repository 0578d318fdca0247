//! Findings that somebody has accepted for a time.

use std::collections::BTreeSet;

use dinghai_clock::Day;
use serde::{Deserialize, Serialize};

use crate::{Origin, PlaceId, ServiceId};

/// A finding of `check` that is known and left as it is until a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acceptance {
    /// The rule whose findings are accepted.
    pub rule: String,
    /// Services that the finding is about; any when empty. They may be known from other files than the estate's.
    pub about: BTreeSet<ServiceId>,
    /// The places that are lost in it; any when empty.
    pub lost: BTreeSet<PlaceId>,
    /// Why it is accepted.
    pub reason: String,
    /// The last day on which it is.
    pub until: Day,
    /// Where it is declared.
    pub origin: Origin,
}
