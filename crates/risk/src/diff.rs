//! What a change does: two reports, one of before and one of after, for the people who review it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use dinghai_estate::{PlaceId, ServiceId};
use serde::Serialize;

use crate::{CoreService, Finding, Report, State};

/// What differs between two reports.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Diff {
    /// Places whose loss a core service stood through and no longer does.
    pub lost: Vec<Turned>,
    /// Places whose loss stopped a core service and no longer does.
    pub won: Vec<Turned>,
    /// Findings that were not there before.
    pub new: Vec<Finding>,
    /// Findings that are gone.
    pub gone: Vec<Finding>,
    /// Findings that stand worse than before: before and after.
    pub worse: Vec<(State, Finding)>,
    /// Bounds on recovery that have changed, worst change first.
    pub bounds: Vec<BoundChange>,
    /// Core services that came or went.
    pub core: CoreChange,
}

/// A core service and a place whose loss it now stands through, or does not.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Turned {
    /// The service.
    pub service: ServiceId,
    /// The place.
    pub place: PlaceId,
    /// Whether the place did not exist for the service before: it stood nowhere there.
    pub is_new: bool,
}

/// A bound on recovery before and after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BoundChange {
    /// The service.
    pub service: ServiceId,
    /// What is lost: a place, or an instance when none.
    pub place: Option<PlaceId>,
    /// Before; none when it could not be composed.
    #[serde(with = "seconds")]
    pub before: Option<Duration>,
    /// After; none when it could not be composed.
    #[serde(with = "seconds")]
    pub after: Option<Duration>,
}

/// Core services that came or went.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CoreChange {
    /// Those that are new.
    pub new: Vec<ServiceId>,
    /// Those that are gone.
    pub gone: Vec<ServiceId>,
}

impl Diff {
    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The worst state of what the change brings; none when it brings nothing bad.
    pub fn worst(&self) -> Option<State> {
        let lost = (!self.lost.is_empty()).then_some(State::Broken);
        let findings = self.new.iter().chain(self.worse.iter().map(|(_, finding)| finding));
        findings.map(|finding| finding.state).chain(lost).max()
    }
}

/// What `after` says that `before` did not, and the other way round. Findings are the same when rule, what they are about and the
/// places that are lost are; the lines may have moved.
pub fn diff(before: &Report, after: &Report) -> Diff {
    let old: BTreeMap<_, &Finding> =
        before.findings.iter().map(|finding| (identity(finding), finding)).collect();
    let new: BTreeMap<_, &Finding> =
        after.findings.iter().map(|finding| (identity(finding), finding)).collect();
    let missing = |from: &BTreeMap<_, &Finding>, these: &[Finding]| -> Vec<Finding> {
        these.iter().filter(|finding| !from.contains_key(&identity(finding))).cloned().collect()
    };
    let worse = after.findings.iter().filter_map(|finding| {
        let known = old.get(&identity(finding))?;
        (finding.state > known.state).then(|| (known.state, finding.clone()))
    });
    let ids = |report: &Report| -> BTreeSet<ServiceId> {
        report.core.iter().map(|core| core.service.clone()).collect()
    };
    let (core_before, core_after) = (ids(before), ids(after));
    Diff {
        lost: turned(before, after, |core| &core.stops),
        won: turned(before, after, |core| &core.holds),
        new: missing(&old, &after.findings),
        gone: missing(&new, &before.findings),
        worse: worse.collect(),
        bounds: bounds(before, after),
        core: CoreChange {
            new: core_after.difference(&core_before).cloned().collect(),
            gone: core_before.difference(&core_after).cloned().collect(),
        },
    }
}

fn identity(finding: &Finding) -> (&'static str, BTreeSet<ServiceId>, BTreeSet<PlaceId>) {
    let lost = finding.lost.iter().map(|lost| lost.place.clone()).collect();
    (finding.rule, finding.about.iter().cloned().collect(), lost)
}

/// Places that stand in a core service's list afterwards and did not before, of core services that both know.
fn turned(before: &Report, after: &Report, list: impl Fn(&CoreService) -> &Vec<PlaceId>) -> Vec<Turned> {
    let old: BTreeMap<&ServiceId, &CoreService> =
        before.core.iter().map(|core| (&core.service, core)).collect();
    let mut turned: Vec<Turned> = Vec::new();
    for core in &after.core {
        let Some(known) = old.get(&core.service) else { continue };
        for place in list(core).iter().filter(|place| !list(known).contains(place)) {
            let is_new =
                ![&known.holds, &known.stops, &known.unknown].into_iter().any(|all| all.contains(place));
            turned.push(Turned { service: core.service.clone(), place: place.clone(), is_new });
        }
    }
    turned.sort();
    turned
}

fn bounds(before: &Report, after: &Report) -> Vec<BoundChange> {
    let totals = |report: &Report| -> BTreeMap<(ServiceId, Option<PlaceId>), Duration> {
        report
            .bounds
            .iter()
            .map(|bound| ((bound.service.clone(), bound.lost.clone()), bound.total()))
            .collect()
    };
    let (old, new) = (totals(before), totals(after));
    let keys: BTreeSet<_> = old.keys().chain(new.keys()).collect();
    let mut changes: Vec<BoundChange> = keys
        .into_iter()
        .filter(|key| old.get(*key) != new.get(*key))
        .map(|key| BoundChange {
            service: key.0.clone(),
            place: key.1.clone(),
            before: old.get(key).copied(),
            after: new.get(key).copied(),
        })
        .collect();
    let growth = |change: &BoundChange| {
        let span = |span: Option<Duration>| span.unwrap_or(Duration::ZERO).as_secs_f64();
        span(change.after) - span(change.before)
    };
    changes.sort_by(|a, b| growth(b).total_cmp(&growth(a)).then_with(|| a.service.cmp(&b.service)));
    changes
}

/// A duration that may be missing, in seconds.
mod seconds {
    use std::time::Duration;

    use serde::Serializer;

    #[expect(clippy::ref_option, reason = "serde hands it over like this")]
    pub(super) fn serialize<S: Serializer>(
        span: &Option<Duration>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match span {
            Some(span) => serializer.serialize_some(&span.as_secs_f64()),
            None => serializer.serialize_none(),
        }
    }
}
