//! The executor against a hand that does what the test says, on paused time.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on panics")]

mod stage;

use std::time::Duration;

use dinghai_ports::{ActError, Admission};
use dinghai_record::{Action, Condition, Event, Holds, Looked, Performed, PlanEnd, Reason, StepClass};
use stage::{Stage, done, start_step};

fn failing() -> Result<Performed, ActError> {
    Err(ActError::Failed(Reason::new("no-luck")))
}

#[tokio::test(start_paused = true)]
async fn a_plan_runs_step_by_step_and_ends_done() {
    let stage = Stage::new(vec![start_step(1, "a"), start_step(2, "b")]).await;
    stage.run().await;
    assert_eq!(stage.told(), ["perform 1.1 start", "perform 1.2 start"]);
    assert_eq!(
        stage.kinds().await,
        ["plan-started", "step-started", "step-ended", "step-started", "step-ended", "plan-ended"]
    );
    assert_eq!(stage.end(), Some(PlanEnd::Done));
}

#[tokio::test(start_paused = true)]
async fn every_step_is_journalled_before_the_hand_hears_of_it() {
    let stage = Stage::new(vec![start_step(1, "a"), start_step(2, "b")]).await;
    stage.run().await;
    assert_eq!(stage.orders_before_their_entry(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_plan_that_is_run_again_does_nothing() {
    let stage = Stage::new(vec![start_step(1, "a")]).await;
    stage.run().await;
    let entries = stage.kinds().await;
    stage.run().await;
    assert_eq!(stage.kinds().await, entries);
    assert_eq!(stage.told(), ["perform 1.1 start"]);
}

#[tokio::test(start_paused = true)]
async fn a_failed_step_takes_back_what_was_done_last_first() {
    let stage = Stage::new(vec![start_step(1, "a"), start_step(2, "b"), start_step(3, "c")]).await;
    stage.answer("1.3", failing());
    stage.run().await;
    assert_eq!(
        stage.told(),
        [
            "perform 1.1 start",
            "perform 1.2 start",
            "perform 1.3 start",
            "perform 1.3.undo stop",
            "perform 1.2.undo stop",
            "perform 1.1.undo stop",
        ]
    );
    assert_eq!(stage.end(), Some(PlanEnd::Undone));
}

#[tokio::test(start_paused = true)]
async fn an_undo_that_does_not_work_leaves_the_plan_failed() {
    let stage = Stage::new(vec![start_step(1, "a"), start_step(2, "b")]).await;
    stage.answer("1.2", failing());
    stage.answer("1.1.undo", failing());
    stage.run().await;
    assert_eq!(stage.end(), Some(PlanEnd::Failed));
}

#[tokio::test(start_paused = true)]
async fn an_undo_waits_until_what_it_takes_away_is_not_needed() {
    let stage = Stage::new(vec![start_step(1, "a"), start_step(2, "b")]).await;
    stage.answer("1.2", failing());
    stage.hold_stops(true);
    let freed = async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert_eq!(stage.told(), ["perform 1.1 start", "perform 1.2 start"]);
        stage.hold_stops(false);
    };
    tokio::join!(stage.run(), freed);
    assert_eq!(stage.end(), Some(PlanEnd::Undone));
}

#[tokio::test(start_paused = true)]
async fn an_undo_that_is_never_let_through_is_left_to_a_person() {
    let stage = Stage::new(vec![start_step(1, "a"), start_step(2, "b")]).await;
    stage.answer("1.2", failing());
    stage.hold_stops(true);
    stage.run().await;
    assert_eq!(stage.told(), ["perform 1.1 start", "perform 1.2 start"]);
    assert_eq!(stage.end(), Some(PlanEnd::Failed));
}

#[tokio::test(start_paused = true)]
async fn after_a_crash_a_step_that_happened_is_not_repeated() {
    let stage = Stage::crashed_in_step_one(vec![start_step(1, "a"), start_step(2, "b")]).await;
    stage.find("1.1", Ok(Looked::Done(done())));
    stage.run().await;
    assert_eq!(stage.told(), ["look 1.1", "perform 1.2 start"]);
    assert_eq!(stage.end(), Some(PlanEnd::Done));
}

#[tokio::test(start_paused = true)]
async fn after_a_crash_a_step_that_did_not_happen_is_given_again() {
    let stage = Stage::crashed_in_step_one(vec![start_step(1, "a")]).await;
    stage.find("1.1", Ok(Looked::NotDone));
    stage.run().await;
    assert_eq!(stage.told(), ["look 1.1", "perform 1.1 start"]);
    assert_eq!(stage.end(), Some(PlanEnd::Done));
}

#[tokio::test(start_paused = true)]
async fn an_outcome_that_cannot_be_told_is_not_repeated_but_taken_back() {
    let stage = Stage::crashed_in_step_one(vec![start_step(1, "a")]).await;
    stage.find("1.1", Ok(Looked::CannotTell(Reason::new("who-knows"))));
    stage.run().await;
    assert_eq!(stage.told(), ["look 1.1", "perform 1.1.undo stop"]);
    assert_eq!(stage.end(), Some(PlanEnd::Undone));
}

#[tokio::test(start_paused = true)]
async fn a_hand_that_does_not_answer_is_asked_what_became_of_it() {
    let stage = Stage::new(vec![start_step(1, "a")]).await;
    stage.answer("1.1", Err(ActError::NoAnswer("gone".into())));
    stage.find("1.1", Ok(Looked::Done(done())));
    stage.run().await;
    assert_eq!(stage.told(), ["perform 1.1 start", "look 1.1"]);
    assert_eq!(stage.end(), Some(PlanEnd::Done));
}

#[tokio::test(start_paused = true)]
async fn a_stale_executor_is_refused_and_takes_nothing_for_done() {
    let stage = Stage::new(vec![start_step(1, "a")]).await;
    let (ours, theirs) = stage.fences();
    stage.answer("1.1", Err(ActError::Stale { got: ours.clone(), seen: theirs.clone() }));
    stage.answer("1.1.undo", Err(ActError::Stale { got: ours, seen: theirs }));
    stage.run().await;
    assert_eq!(stage.end(), Some(PlanEnd::Failed));
}

#[tokio::test(start_paused = true)]
async fn a_plan_without_budget_is_refused_and_nothing_is_done() {
    let stage = Stage::new(vec![start_step(1, "a")]).await;
    stage.admit(Admission::Refused(vec![Reason::new("no-budget")]));
    stage.run().await;
    assert_eq!(stage.told(), Vec::<String>::new());
    assert_eq!(stage.kinds().await, ["plan-refused"]);
}

#[tokio::test(start_paused = true)]
async fn a_halted_hand_makes_the_step_wait_and_not_fail() {
    let stage = Stage::new(vec![start_step(1, "a")]).await;
    stage.answer("1.1", Err(ActError::Halted));
    stage.find("1.1", Ok(Looked::NotDone));
    let (_, ()) = tokio::join!(stage.run(), async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert_eq!(stage.end(), None);
        stage.answer("1.1", Ok(done()));
    });
    assert_eq!(stage.end(), Some(PlanEnd::Done));
}

#[tokio::test(start_paused = true)]
async fn a_step_is_verified_before_the_next_one_begins() {
    let mut first = start_step(1, "a");
    first.verify = Some(Condition::Running(vec!["a".into()]));
    let stage = Stage::new(vec![first, start_step(2, "b")]).await;
    stage.see(Holds::Unknown(Reason::new("hand-not-heard")));
    let (_, ()) = tokio::join!(stage.run(), async {
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert_eq!(stage.told(), ["perform 1.1 start"]);
        stage.see(Holds::Yes);
    });
    assert_eq!(stage.end(), Some(PlanEnd::Done));
}

#[tokio::test(start_paused = true)]
async fn a_step_that_is_never_verified_is_taken_back_unknown_does_not_pass() {
    let mut first = start_step(1, "a");
    first.verify = Some(Condition::Running(vec!["a".into()]));
    let stage = Stage::new(vec![first]).await;
    stage.see(Holds::Unknown(Reason::new("hand-not-heard")));
    stage.run().await;
    assert_eq!(stage.told(), ["perform 1.1 start", "perform 1.1.undo stop"]);
    assert_eq!(stage.end(), Some(PlanEnd::Undone));
}

#[tokio::test(start_paused = true)]
async fn turning_a_plan_back_ends_its_waiting_at_once() {
    let mut wait = start_step(2, "b");
    wait.action = Action::Hold { lasting: Duration::from_secs(3600) };
    wait.class = StepClass::NoAct;
    wait.within = Duration::from_secs(4000);
    let stage = Stage::new(vec![start_step(1, "a"), wait]).await;
    let (_, ()) = tokio::join!(stage.run(), async {
        tokio::time::sleep(Duration::from_secs(10)).await;
        stage.write(Event::PlanUndoing { plan: stage.plan(), reasons: vec![] }).await;
    });
    assert_eq!(stage.told(), ["perform 1.1 start", "perform 1.1.undo stop"]);
    assert!(stage.elapsed() < Duration::from_secs(60), "{:?}", stage.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_hold_lasts_from_its_journal_entry_also_across_a_crash() {
    let mut hold = start_step(1, "a");
    hold.action = Action::Hold { lasting: Duration::from_secs(30) };
    hold.class = StepClass::NoAct;
    hold.within = Duration::from_secs(60);
    let stage = Stage::crashed_in_step_one(vec![hold]).await;
    let before = stage.elapsed();
    stage.run().await;
    let held = stage.elapsed() - before;
    assert!(held <= Duration::from_secs(30), "{held:?}");
    assert_eq!(stage.end(), Some(PlanEnd::Done));
}

#[tokio::test(start_paused = true)]
async fn what_is_given_again_passes_the_gate_again() {
    let mut stop = start_step(1, "a");
    stop.action = Action::Stop(vec!["a".into()]);
    stop.class = StepClass::NoAct;
    let stage = Stage::crashed_in_step_one(vec![stop]).await;
    stage.find("1.1", Ok(Looked::NotDone));
    stage.hold_stops(true);
    let (_, ()) = tokio::join!(stage.run(), async {
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert!(stage.told().iter().all(|each| each == "look 1.1"), "{:?}", stage.told());
        stage.hold_stops(false);
    });
    assert_eq!(stage.told().last().map(String::as_str), Some("perform 1.1 stop"));
    assert_eq!(stage.end(), Some(PlanEnd::Done));
}
