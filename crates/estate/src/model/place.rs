//! Failure domains.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Origin, PlaceId};

/// A failure domain: what is in it fails together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Place {
    /// What kind of domain it is.
    pub kind: PlaceKind,
    /// The vendor behind it, when stated.
    pub vendor: Option<String>,
    /// The places that directly contain it; more than one when domains overlap (a node in a zone and on a power feed).
    pub within: BTreeSet<PlaceId>,
    /// Where it is declared.
    pub origin: Origin,
}

/// Kinds of failure domain, narrow to wide where they nest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PlaceKind {
    /// One machine.
    Node,
    /// One rack.
    Rack,
    /// One power feed.
    Power,
    /// One network path.
    Network,
    /// One zone of a region.
    Zone,
    /// One region of a vendor.
    Region,
    /// One account at a vendor.
    Account,
    /// One vendor.
    Vendor,
}

impl PlaceKind {
    /// The kebab-case name, as in files.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::Rack => "rack",
            Self::Power => "power",
            Self::Network => "network",
            Self::Zone => "zone",
            Self::Region => "region",
            Self::Account => "account",
            Self::Vendor => "vendor",
        }
    }
}

impl fmt::Display for PlaceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
