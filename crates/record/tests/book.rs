//! The fold of the ledger, over the story of a zone loss.
#![allow(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing, reason = "test code")]

mod shop;

use dinghai_record::*;
use shop::*;

/// hz-a dies; its plan is half done when the controller dies and another takes over.
fn story() -> Story {
    let mut story = Story::default();
    story.ejects(1.5, "order@hz-a");
    let incident =
        story.incident(2.2, Grade::P1, FindingKind::PlaceLost, Subject::Place("hz-a".into()), None);
    let plan = story.heals(2.4, incident);
    story.does(2.5, 2.7, plan, 1);
    story.tell(12.1, [Event::StepStarted { plan, step: StepNo(2), attempt: 1 }]);
    story.tell(14.0, [Event::ControllerStarted { version: "0.1.0".into(), lease: 2 }]);
    story
}

fn fold(entries: &[Entry]) -> Book {
    let mut book = Book::default();
    entries.iter().for_each(|entry| book.apply(entry).unwrap());
    book
}

fn reservation() -> Reservation {
    Reservation { healthy: Default::default(), places: Default::default(), at: at(1.0) }
}

#[test]
fn a_book_can_be_thrown_away_and_rebuilt() {
    let story = story();
    assert_eq!(fold(&story.entries), story.book);
}

#[test]
fn a_book_passes_through_json_unchanged() {
    let book = story().book;
    let text = serde_json::to_string(&book).unwrap();
    assert_eq!(serde_json::from_str::<Book>(&text).unwrap(), book);
    let world = world(4.0);
    let text = serde_json::to_string(&world).unwrap();
    assert_eq!(serde_json::from_str::<World>(&text).unwrap(), world);
}

#[test]
fn every_entry_passes_through_json_unchanged() {
    for entry in story().entries {
        let text = serde_json::to_string(&entry).unwrap();
        assert_eq!(serde_json::from_str::<Entry>(&text).unwrap(), entry);
    }
}

#[test]
fn a_step_of_a_controller_that_is_gone_is_unknown() {
    let book = story().book;
    let plan = &book.plans[&PlanId(1)];
    assert!(matches!(plan.steps[0].state, StepState::Ended(StepOutcome::Done(_))));
    assert_eq!(plan.steps[1].state, StepState::Unknown);
}

#[test]
fn an_event_that_does_not_fit_changes_nothing_but_the_head() {
    let mut story = story();
    let before = story.book.clone();
    let last = story.entries.last().unwrap().clone();
    let plan = PlanId(1);
    for event in [
        Event::PlanApproved { plan, by: operator() },
        Event::StepStarted { plan, step: StepNo(99), attempt: 1 },
        Event::PlanStarted { plan: PlanId(77), reservation: reservation() },
        Event::IncidentClosed { incident: IncidentId(9), reasons: vec![] },
    ] {
        let entry = Entry { seq: last.seq.next(), event, ..last.clone() };
        assert!(story.book.apply(&entry).is_err(), "{:?}", entry.event);
        story.book.head = before.head;
        assert_eq!(story.book, before);
    }
}

#[test]
fn an_entry_of_a_kind_that_is_not_known_is_kept_and_passed_over() {
    let text = r#"{"kind":"sung-a-song","verse":3}"#;
    let event: Event = serde_json::from_str(text).unwrap();
    assert!(matches!(event, Event::Other(_)));
    assert_eq!(serde_json::to_string(&event).unwrap(), text);
    let mut book = story().book;
    let before = book.incidents.clone();
    let entry = Entry { event, ..story().entries.last().unwrap().clone() };
    book.apply(&entry).unwrap();
    assert_eq!(book.incidents, before);
}
