//! What can be said of one possible finding.

use std::collections::BTreeSet;

use dinghai_clock::Timestamp;
use dinghai_estate::InstanceId;
use dinghai_record::{Finding, FindingKey, FindingKind, Reason, Severity, Subject};

/// What can be said of one possible finding now.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// It is so.
    Stands(Finding),
    /// Something was seen that says it is not so, or not any more.
    Gone(Vec<Reason>),
    /// Nothing was seen that says either: what stands goes on standing.
    CannotTell,
}

/// Verdicts with what they are about.
pub(crate) type Verdicts = Vec<(FindingKey, Verdict)>;

pub(crate) fn key(kind: FindingKind, about: Subject) -> FindingKey {
    FindingKey { kind, about }
}

impl Verdict {
    pub(crate) fn gone(reason: Reason) -> Self {
        Self::Gone(vec![reason])
    }

    pub(crate) fn stands(
        key: &FindingKey,
        since: Timestamp,
        severity: Severity,
        instances: BTreeSet<InstanceId>,
        agreed: bool,
        reason: Reason,
    ) -> Self {
        Self::Stands(Finding { key: key.clone(), since, severity, instances, agreed, reasons: vec![reason] })
    }
}
