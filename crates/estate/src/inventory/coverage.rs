//! How much of other people's files was understood.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::Origin;

/// What became of a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Handling {
    /// It became an instance whose places are known.
    Placed,
    /// It took part in the reasoning without being an instance: a subnet, a probe, a rule, a disruption budget.
    Reasoned,
    /// It matters, and something about it could not be worked out: its place, its count, what it leads to.
    Unknown,
    /// It does not bear on what stands: a label, a role, a dashboard; or it is a kind that is not known here.
    Ignored,
}

/// Resources of one kind by what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Count {
    /// Instances whose places are known.
    pub placed: u32,
    /// Those that took part in the reasoning.
    pub reasoned: u32,
    /// Those of which something could not be worked out.
    pub unknown: u32,
    /// Those that were left alone.
    pub ignored: u32,
}

/// By kind of resource, such as `aws_instance`, `Deployment`, `haproxy server`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Coverage {
    /// Counts by kind.
    pub kinds: BTreeMap<String, Count>,
}

/// Something that was not understood, or that no file can tell.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Unseen {
    /// Where; line 0 for a whole file.
    pub origin: Origin,
    /// What, and what to do about it: lowercase, no full stop, names in backticks.
    pub what: String,
}

impl Coverage {
    /// Counts one resource.
    pub fn count(&mut self, kind: impl Into<String>, handling: Handling) {
        let count = self.kinds.entry(kind.into()).or_default();
        match handling {
            Handling::Placed => count.placed += 1,
            Handling::Reasoned => count.reasoned += 1,
            Handling::Unknown => count.unknown += 1,
            Handling::Ignored => count.ignored += 1,
        }
    }

    /// All kinds together.
    pub fn total(&self) -> Count {
        self.kinds.values().fold(Count::default(), |sum, count| Count {
            placed: sum.placed + count.placed,
            reasoned: sum.reasoned + count.reasoned,
            unknown: sum.unknown + count.unknown,
            ignored: sum.ignored + count.ignored,
        })
    }
}
