//! Incidents: findings that belong together open one, join it, merge two, change its grade, and let it close.
//!
//! A finding that is only a note opens nothing and joins nothing. An incident whose findings have all cleared is quiet;
//! only the same trouble coming back joins it then, and it closes when it has been quiet for as long as the estate says
//! with no plan of it open. What became unknown stays as a finding, so it never closes an incident.

use std::collections::BTreeSet;

use dinghai_clock::{Timestamp, format_span};
use dinghai_record::{
    DrillRunId, Event, Finding, FindingKey, FindingKind, IncidentId, IncidentRecord, IncidentState,
    PlanPurpose, Reason, Severity, Subject,
};

use crate::Inputs;
use crate::grade::grade;
use crate::scope::{belong_together, footprint, needed_by};

/// An incident in the making: one of the book with what joins it, or a new one.
struct Group<'a> {
    record: Option<&'a IncidentRecord>,
    standing: Vec<&'a Finding>,
    joining: BTreeSet<FindingKey>,
    merging: Vec<&'a IncidentRecord>,
    drill: Option<DrillRunId>,
}

/// What is to be written down about incidents now.
pub(crate) fn follow(inputs: &Inputs<'_>) -> Vec<Event> {
    let book = inputs.book;
    let mut groups: Vec<Group<'_>> = book
        .open_incidents()
        .map(|record| Group {
            record: Some(record),
            standing: record
                .standing
                .iter()
                .filter_map(|key| Some(&book.findings.get(key)?.finding))
                .collect(),
            joining: BTreeSet::new(),
            merging: Vec::new(),
            drill: record.drill,
        })
        .collect();
    for finding in loose(inputs) {
        place(inputs, &mut groups, finding);
    }
    let mut events = Vec::new();
    let mut next = book.next_incident();
    for group in &groups {
        match group.record {
            None => {
                events.push(open(inputs, next, group));
                next = next.next();
            }
            Some(record) => grow(inputs, record, group, &mut events),
        }
    }
    events
}

/// Findings that weigh enough and are in no open incident; lost places first, then by time.
fn loose<'a>(inputs: &Inputs<'a>) -> Vec<&'a Finding> {
    let book = inputs.book;
    let housed = |incident: &IncidentId| {
        book.incidents.get(incident).is_some_and(|record| record.state == IncidentState::Open)
    };
    let mut loose: Vec<&Finding> = book
        .findings
        .values()
        .filter(|open| open.finding.severity >= Severity::Warning)
        .filter(|open| !open.incident.as_ref().is_some_and(housed))
        .map(|open| &open.finding)
        .collect();
    loose.sort_by_key(|finding| (finding.key.kind != FindingKind::PlaceLost, finding.since, &finding.key));
    loose
}

/// Puts a finding into the oldest group that it belongs to; the others that it belongs to become part of that one.
fn place<'a>(inputs: &Inputs<'a>, groups: &mut Vec<Group<'a>>, finding: &'a Finding) {
    let drill = drill_of(inputs, finding);
    let (fits, others): (Vec<Group<'a>>, Vec<Group<'a>>) =
        groups.drain(..).partition(|group| belongs(inputs, group, finding, drill));
    *groups = others;
    let mut fits = fits.into_iter();
    let mut group = fits.next().unwrap_or(Group {
        record: None,
        standing: Vec::new(),
        joining: BTreeSet::new(),
        merging: Vec::new(),
        drill,
    });
    for other in fits {
        group.standing.extend(other.standing);
        group.joining.extend(other.joining);
        group.merging.extend(other.record);
        group.merging.extend(other.merging);
    }
    group.standing.push(finding);
    group.joining.insert(finding.key.clone());
    groups.push(group);
    groups.sort_by_key(|group| group.record.map_or(IncidentId(u64::MAX), |record| record.id));
}

fn belongs(inputs: &Inputs<'_>, group: &Group<'_>, finding: &Finding, drill: Option<DrillRunId>) -> bool {
    if !group.standing.is_empty() {
        return group.standing.iter().any(|other| belong_together(inputs.estate, other, finding));
    }
    // A quiet incident takes only its own trouble back: the same finding, or one about an instance that it had.
    let print = footprint(inputs.estate, finding);
    let comes_back = |record: &IncidentRecord| {
        record.findings.contains_key(&finding.key)
            || record.findings.keys().any(
                |key| matches!(&key.about, Subject::Instance(instance) if print.instances.contains(instance)),
            )
    };
    group.drill == drill && group.record.is_some_and(comes_back)
}

/// The drill that a finding is put down to: the one that runs, when the finding lies in its scope.
fn drill_of(inputs: &Inputs<'_>, finding: &Finding) -> Option<DrillRunId> {
    let run = inputs.book.open_drill()?.run;
    let (places, services) = inputs.book.drill_scope.get(&run)?;
    let print = footprint(inputs.estate, finding);
    let needs_it = |service| !needed_by(inputs.estate, service).is_disjoint(services);
    (!print.places.is_disjoint(places) || print.services.iter().any(needs_it)).then_some(run)
}

fn open(inputs: &Inputs<'_>, incident: IncidentId, group: &Group<'_>) -> Event {
    let (grade, reasons) = grade(inputs, &group.standing, None);
    Event::IncidentOpened {
        incident,
        grade,
        about: about(inputs, &group.standing),
        drill: group.drill,
        since: group.standing.iter().map(|finding| finding.since).min().unwrap_or(inputs.now),
        findings: group.joining.clone(),
        services: services(inputs, group),
        reasons,
    }
}

fn services(inputs: &Inputs<'_>, group: &Group<'_>) -> BTreeSet<dinghai_estate::ServiceId> {
    group.standing.iter().flat_map(|finding| footprint(inputs.estate, finding).services).collect()
}

fn grow(inputs: &Inputs<'_>, record: &IncidentRecord, group: &Group<'_>, events: &mut Vec<Event>) {
    let incident = record.id;
    for other in &group.merging {
        let reasons = vec![Reason::new("incident-merged").with("incident", other.id).with("into", incident)];
        events.push(Event::IncidentMerged { incident: other.id, into: incident, reasons });
    }
    if !group.joining.is_empty() {
        let reasons =
            group.joining.iter().map(|key| Reason::new("finding-joined").with("finding", key)).collect();
        events.push(Event::IncidentJoined {
            incident,
            about: about(inputs, &group.standing),
            findings: group.standing.iter().map(|finding| finding.key.clone()).collect(),
            services: services(inputs, group),
            reasons,
        });
    }
    if group.standing.is_empty() {
        events.extend(close(inputs, record));
        return;
    }
    let (grade, reasons) = grade(inputs, &group.standing, Some(record.grade));
    if grade != record.grade {
        events.push(Event::IncidentRegraded { incident, grade, reasons });
    }
}

/// The subject that explains the most: a lost place before an instance before a service.
fn about(inputs: &Inputs<'_>, standing: &[&Finding]) -> Subject {
    let rank = |finding: &Finding| match finding.key.kind {
        FindingKind::PlaceLost => 0,
        FindingKind::InstanceDown => 1,
        FindingKind::InstanceHung => 2,
        FindingKind::Silent => 3,
        FindingKind::InstanceFlapping | FindingKind::Disagreement => 4,
        FindingKind::InstanceSlow => 5,
        FindingKind::BelowMinimum | FindingKind::RequestsFailing | FindingKind::RedundancyGone => 6,
    };
    let order = |finding: &&&Finding| (rank(finding), usize::MAX - finding.instances.len(), finding.since);
    let Some(first) = standing.iter().min_by_key(order) else {
        return Subject::Estate;
    };
    let alike: Vec<&&Finding> = standing.iter().filter(|finding| rank(finding) == rank(first)).collect();
    let services: BTreeSet<_> =
        alike.iter().flat_map(|finding| footprint(inputs.estate, finding).services).collect();
    match (&first.key.about, services.into_iter().collect::<Vec<_>>().as_slice()) {
        (Subject::Instance(_), [service]) if alike.len() > 1 => Subject::Service(service.clone()),
        (about, _) => about.clone(),
    }
}

fn close(inputs: &Inputs<'_>, record: &IncidentRecord) -> Option<Event> {
    let own = |purpose: &PlanPurpose| *purpose == PlanPurpose::Heal(record.id);
    let plans = || record.plans.iter().filter_map(|id| inputs.book.plans.get(id));
    if inputs.book.open_plans().any(|plan| own(&plan.plan.purpose)) {
        return None;
    }
    let ended = plans().filter_map(|plan| plan.ended).max();
    let quiet_since: Timestamp =
        record.quiet_since.unwrap_or(record.opened.0).max(ended.unwrap_or(record.opened.0));
    let quiet = inputs.now.since(quiet_since);
    (quiet >= inputs.estate.quiet).then(|| Event::IncidentClosed {
        incident: record.id,
        reasons: vec![Reason::new("incident-quiet").with("for", format_span(inputs.estate.quiet))],
    })
}
