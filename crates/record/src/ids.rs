//! The numbers that the ledger gives to things.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! number {
    ($($(#[$doc:meta])* $name:ident = $format:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl $name {
            /// The number after this one.
            #[must_use]
            pub const fn next(self) -> Self {
                Self(self.0.saturating_add(1))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, $format, self.0)
            }
        }
    )*};
}

number! {
    /// The place of an entry in its writer's chain, from 1; 0 stands before the first.
    Seq = "#{}";
    /// An incident, numbered from 1 in one ledger.
    IncidentId = "INC-{}";
    /// A plan, numbered from 1 in one ledger.
    PlanId = "plan {}";
    /// A run of a drill, numbered from 1 in one ledger.
    DrillRunId = "D-{}";
    /// A filed evidence, numbered from 1 in one ledger.
    EvidenceId = "E-{}";
    /// A step of a plan, from 1.
    StepNo = "step {}";
}

/// Who writes a chain of the ledger: a controller of one store.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WriterId(pub String);

impl fmt::Display for WriterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Which controller may act: hands and gateways refuse a lower lease of the same store, and any other store.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Fence {
    /// Drawn once when the store is created.
    pub incarnation: String,
    /// One higher at each start of a controller on that store.
    pub lease: u64,
}

impl Fence {
    /// Whether one who has seen `self` may still obey `other`.
    pub fn admits(&self, other: &Self) -> bool {
        self.incarnation == other.incarnation && other.lease >= self.lease
    }
}

impl fmt::Display for Fence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "lease {} of store {}", self.lease, self.incarnation)
    }
}

/// A SHA-256 digest, written in hexadecimal.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// The digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        use sha2::Digest;
        Self(sha2::Sha256::digest(bytes).into())
    }

    /// The first and last four digits, for people.
    pub fn short(&self) -> String {
        let text = self.to_string();
        format!("{}…{}", text.get(..4).unwrap_or_default(), text.get(60..).unwrap_or_default())
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl Serialize for Hash {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let mut bytes = [0; 32];
        hex::decode_to_slice(&text, &mut bytes).map_err(serde::de::Error::custom)?;
        Ok(Self(bytes))
    }
}
