//! What is told of incidents: timeline, review, measures and loss.
#![allow(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing, reason = "test code")]

#[path = "../../record/tests/shop/mod.rs"]
mod shop;

use std::collections::BTreeMap;

use dinghai_estate::*;
use dinghai_prove::*;
use dinghai_record::*;
use shop::*;

/// Zone hz-a dies at 1.2 s; the controller is killed while it restarts order there, and taken over.
fn zone_loss() -> Story {
    let mut story = Story::default();
    story.ejects(1.5, "order@hz-a").ejects(1.6, "payment@hz-a");
    let incident =
        story.incident(2.2, Grade::P1, FindingKind::PlaceLost, Subject::Place("hz-a".into()), None);
    let plan = story.heals(2.4, incident);
    story.does(2.5, 2.7, plan, 1).does(2.8, 12.0, plan, 2);
    story.tell(12.1, [Event::StepStarted { plan, step: StepNo(3), attempt: 1 }]);
    story.tell(14.0, [Event::ControllerStarted { version: "0.1.0".into(), lease: 2 }]);
    let outcome = StepOutcome::Done(Performed::nothing());
    story.tell(15.2, [Event::StepEnded { plan, step: StepNo(3), outcome, observed: true }]);
    story.ejects(500.0, "order@hz-c");
    story
}

fn closed() -> Story {
    let mut story = zone_loss();
    let (incident, plan) = (IncidentId(1), PlanId(1));
    story.does(15.3, 16.0, plan, 4).ends_plan(16.1, plan, PlanEnd::Done).clears(16.5);
    let measures = Measures {
        requests: Some(41_012),
        failed: Some(3),
        rescued: Some(17),
        failed_orders: Some(3),
        failed_by: BTreeMap::from([("order".into(), 3)]),
        failing_ms: Some(400),
        ejected_ms: Some(0),
        incident_ms: Some(700),
        acted_ms: Some(1000),
        ..Measures::default()
    };
    story.tell(17.0, [Event::IncidentMeasured { incident, measures }]);
    story.tell(616.5, [Event::IncidentClosed { incident, reasons: vec![reason("quiet-long-enough")] }]);
    story
}

fn rows(story: &Story, now: f64) -> String {
    let rows = timeline(&estate(), &story.book, &story.entries, IncidentId(1), at(now));
    let mut text = String::new();
    for row in rows {
        let seqs: Vec<String> = row.seqs.iter().map(ToString::to_string).collect();
        text.push_str(&format!("+{:?} {:?} {} [{}]\n", row.since_start, row.kind, row.title, seqs.join(" ")));
        for detail in row.details {
            text.push_str(&format!("    {detail}\n"));
        }
        for step in row.steps {
            text.push_str(&format!("    {} {} {:?}\n", step.no, step.action, step.state));
        }
    }
    text
}

#[test]
fn the_timeline_begins_with_the_reflex_and_tells_bursts_as_one_row() {
    insta::assert_snapshot!("timeline_open", rows(&zone_loss(), 15.25));
    insta::assert_snapshot!("timeline_closed", rows(&closed(), 700.0));
}

#[test]
fn a_finding_that_stood_shortly_before_is_no_part_of_the_incident() {
    let found = |story: &Story| {
        let rows = timeline(&estate(), &story.book, &story.entries, IncidentId(1), at(700.0));
        rows.iter().filter(|row| row.title.code == "timeline-finding").count()
    };
    let once = found(&zone_loss());
    let finding = zone_loss().entries.into_iter().find_map(|entry| match entry.event {
        Event::FindingRaised { finding } => Some(finding),
        _ => None,
    });
    let finding = finding.unwrap();
    let key = finding.key.clone();
    let mut story = Story::default();
    story.tell(0.2, [Event::FindingRaised { finding }]);
    story.tell(0.6, [Event::FindingCleared { key, reasons: vec![] }]);
    story.ejects(1.5, "order@hz-a");
    story.incident(2.2, Grade::P1, FindingKind::PlaceLost, Subject::Place("hz-a".into()), None);
    assert_eq!((once, found(&story)), (1, 1));
}

#[test]
fn a_review_says_what_is_known_and_what_is_not() {
    let story = closed();
    let review = review(&estate(), &story.book, &story.entries, IncidentId(1), at(700.0)).unwrap();
    assert!(!review.overdue);
    insta::assert_snapshot!("review", review.markdown(&|reason| reason.to_string()));
}

#[test]
fn a_review_is_overdue_after_48_hours() {
    let story = closed();
    let look = |now| review(&estate(), &story.book, &story.entries, IncidentId(1), at(now)).unwrap();
    assert!(!look(616.5 + 48.0 * 3600.0).overdue);
    assert!(look(617.5 + 48.0 * 3600.0).overdue);
    assert!(review(&estate(), &story.book, &story.entries, IncidentId(9), at(0.0)).is_none());
}

/// Measures the incident and writes it down.
fn measure(story: &mut Story, world: &World) -> Option<Measures> {
    let look = |story: &Story| incident_measures(&estate(), &story.book, world, IncidentId(1), world.at);
    let event = look(story)?;
    let seconds = (world.at.as_micros() - START * 1_000_000) as f64 / 1e6;
    story.tell(seconds, [event.clone()]);
    assert_eq!(look(story), None, "measured twice at once changes nothing");
    match event {
        Event::IncidentMeasured { measures, .. } => Some(measures),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_incident_is_counted_on_from_where_it_was_counted_to() {
    let mut story = zone_loss();
    let mut early = world(4.0);
    fail(&mut early, 1, 3, 1.9);
    let first = measure(&mut story, &early).unwrap();
    assert_eq!((first.requests, first.failed, first.failing_ms), (Some(300), Some(3), Some(400)));
    assert_eq!((first.ejected_ms, first.incident_ms, first.acted_ms), (Some(0), Some(700), Some(1000)));

    let mut soon = early.clone();
    soon.at = at(4.5);
    assert_eq!(measure(&mut story, &soon), None, "no whole second has passed");

    let mut second = world(5.0);
    fail(&mut second, 1, 3, 1.9);
    assert_eq!(measure(&mut story, &second), None, "only more requests, and not for long");
    let mut tenth = world(14.0);
    fail(&mut tenth, 1, 3, 1.9);
    assert_eq!(measure(&mut story.clone(), &tenth).unwrap().requests, Some(1300));

    let mut later = world(10.0);
    fail(&mut later, 1, 3, 1.9);
    fail(&mut later, 7, 2, 7.5);
    for log in std::sync::Arc::make_mut(&mut later.traffic).routes.values_mut().flat_map(BTreeMap::values_mut)
    {
        log.retain(|second| second.at_s >= START + 4);
    }
    let then = measure(&mut story, &later).unwrap();
    assert_eq!((then.requests, then.failed, then.failing_ms), (Some(900), Some(5), Some(6000)));
    assert_eq!(then.failed_by, BTreeMap::from([("order".into(), 5)]));
    assert_eq!(then.failed_orders, Some(5));
}

#[test]
fn the_last_count_reaches_to_the_quiet_however_short_ago_the_one_before_was() {
    let mut story = zone_loss();
    assert_eq!(measure(&mut story, &world(14.0)).unwrap().requests, Some(1300));
    story.clears(16.5);
    assert_eq!(measure(&mut story, &world(20.0)).unwrap().requests, Some(1600));
    assert_eq!(measure(&mut story, &world(24.0)), None, "what comes after the quiet is not counted");
}

#[test]
fn a_gap_in_what_gateways_report_is_not_zero() {
    let mut story = zone_loss();
    let mut gap = world(6.0);
    for log in std::sync::Arc::make_mut(&mut gap.traffic).routes.values_mut().flat_map(BTreeMap::values_mut) {
        log.retain(|second| second.at_s != START + 2);
    }
    let measures = measure(&mut story, &gap).unwrap();
    assert_eq!((measures.requests, measures.failed, measures.failing_ms), (None, None, None));
    assert_eq!(measures.incident_ms, Some(700));
}

fn lost(failed: u64, change: impl FnOnce(&mut Value)) -> Loss {
    let mut estate = estate();
    let order = estate.services.get_mut(&"order".into()).unwrap();
    change(order.value.as_mut().unwrap());
    let failed_by = BTreeMap::from([("order".into(), failed), ("payment".into(), 2)]);
    loss(&estate, &Measures { failed: Some(failed + 2), failed_by, ..Measures::default() })
}

#[test]
fn loss_is_only_what_the_user_stated() {
    let usd = |cents| Money { cents, currency: "USD".into() };
    let Loss::Known { low, likely, high, terms } = lost(3, |_| ()) else { panic!() };
    assert_eq!((low, likely, high), (None, None, usd(9000)));
    let codes: Vec<_> = terms.iter().map(|term| term.code.as_str()).collect();
    assert_eq!(codes, ["loss-term", "loss-value-not-stated", "loss-come-back-not-stated"]);

    let Loss::Known { low, likely, high, .. } = lost(100, |value| {
        value.conversion = Some(0.05);
        value.come_back = Some([0.8, 0.5, 0.1]);
    }) else {
        panic!()
    };
    assert_eq!((low, likely, high), (Some(usd(3000)), Some(usd(7500)), usd(13_500)));

    assert!(matches!(lost(3, |value| value.order = None), Loss::Unknown(_)));
    assert!(matches!(loss(&estate(), &Measures::default()), Loss::Unknown(_)));
}
