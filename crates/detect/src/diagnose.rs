//! What is wrong, compared with what was found before.
//!
//! Every kind of finding yields a verdict per subject: it stands, it is gone, or it cannot be told. A finding that
//! stands and did not is raised; one whose severity, instances or agreement differ is changed; one that is seen to be
//! gone is cleared with what was seen. What cannot be told goes on as it was. The same input twice yields nothing the
//! second time, once the first answer was taken in.

use std::collections::{BTreeMap, BTreeSet};

use dinghai_clock::Timestamp;
use dinghai_estate::{Estate, InstanceId};
use dinghai_record::{
    Event, Finding, FindingKey, FindingKind, OpenFinding, Reason, Severity, Subject, Vantage, World,
};

use crate::verdict::{Verdict, Verdicts};
use crate::{Senses, instance, place, service, silence};

/// Everything that a diagnosis rests on.
#[derive(Clone, Copy)]
pub struct Inputs<'a> {
    /// The estate in force.
    pub estate: &'a Estate,
    /// What was heard.
    pub senses: &'a Senses,
    /// What [`Senses::world`] makes of it at `now`.
    pub world: &'a World,
    /// The findings that stand, as the book has them.
    pub standing: &'a BTreeMap<FindingKey, OpenFinding>,
    /// The time.
    pub now: Timestamp,
}

/// The findings that are raised, changed and cleared now.
pub fn diagnose(inputs: &Inputs<'_>) -> Vec<Event> {
    let places = place::judge(inputs);
    let lost = lost_instances(inputs, &places);
    let mut verdicts = places;
    verdicts.extend(instance::judge(inputs, &lost));
    verdicts.extend(service::judge(inputs));
    verdicts.extend(silence::judge(inputs));
    let judged: BTreeSet<&FindingKey> = verdicts.iter().map(|(key, _)| key).collect();
    let undeclared: Vec<FindingKey> = inputs
        .standing
        .keys()
        .filter(|key| !judged.contains(key) && !declared(inputs.estate, &key.about))
        .cloned()
        .collect();
    let mut events: Vec<Event> = verdicts
        .into_iter()
        .filter_map(|(key, verdict)| compare(inputs.standing.get(&key), key, verdict))
        .collect();
    events.extend(undeclared.into_iter().map(|key| Event::FindingCleared {
        reasons: vec![Reason::new("no-longer-declared").with("subject", &key.about)],
        key,
    }));
    events
}

/// The instances that a lost place explains, with that place's finding.
fn lost_instances(inputs: &Inputs<'_>, places: &Verdicts) -> BTreeMap<InstanceId, Subject> {
    let mut lost = BTreeMap::new();
    for (key, verdict) in places {
        let instances = match verdict {
            Verdict::Stands(finding) => Some(&finding.instances),
            Verdict::CannotTell => inputs.standing.get(key).map(|open| &open.finding.instances),
            Verdict::Gone(_) => None,
        };
        for instance in instances.into_iter().flatten() {
            lost.insert(instance.clone(), key.about.clone());
        }
    }
    lost
}

fn compare(standing: Option<&OpenFinding>, key: FindingKey, verdict: Verdict) -> Option<Event> {
    match (verdict, standing) {
        (Verdict::Stands(finding), None) => Some(Event::FindingRaised { finding }),
        (Verdict::Stands(finding), Some(open)) if materially_differs(&open.finding, &finding) => {
            let since = open.finding.since;
            Some(Event::FindingChanged { finding: Finding { since, ..finding } })
        }
        (Verdict::Gone(reasons), Some(_)) => Some(Event::FindingCleared { key, reasons }),
        (Verdict::Stands(_), Some(_)) | (Verdict::Gone(_), None) | (Verdict::CannotTell, _) => None,
    }
}

fn materially_differs(was: &Finding, is: &Finding) -> bool {
    (was.severity, &was.instances, was.agreed) != (is.severity, &is.instances, is.agreed)
}

fn declared(estate: &Estate, about: &Subject) -> bool {
    match about {
        Subject::Place(id) => estate.places.contains_key(id),
        Subject::Service(id) => estate.services.contains_key(id),
        Subject::Instance(id) => estate.instance(id).is_some(),
        Subject::Gateway(id) => estate.gateways.contains_key(id),
        Subject::Estate | Subject::Hand | Subject::Ledger => true,
    }
}

impl Inputs<'_> {
    /// The finding that stands under this key.
    pub(crate) fn open(&self, kind: FindingKind, about: Subject) -> Option<&Finding> {
        self.standing.get(&FindingKey { kind, about }).map(|open| &open.finding)
    }

    /// When a vantage point was last heard.
    pub(crate) fn heard(&self, vantage: &Vantage) -> Option<Timestamp> {
        self.world.heard.get(vantage).copied()
    }
}

/// Critical when two vantage points agree, a warning while one is alone with it.
pub(crate) const fn by_agreement(agreed: bool) -> Severity {
    if agreed { Severity::Critical } else { Severity::Warning }
}
