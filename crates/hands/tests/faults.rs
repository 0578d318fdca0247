//! Faults: written down first, undone without fail.

mod yard;

use std::time::Duration;

use dinghai_estate::Restart;
use dinghai_record::{Action, Fault, FaultOrder, Looked, ProcessState};
use dinghai_wire::Charged;
use yard::{LONG, Yard, ids, reason, sh, sleeper, state_of, until};

fn breaking(fault: &Fault, lease: Duration) -> Action {
    Action::Break(FaultOrder { fault: fault.clone(), lease })
}

fn elsewhere() -> Charged {
    Charged { places: vec!["hz-b".into(), "cn".into()], ..sleeper() }
}

fn zone(instances: Vec<dinghai_estate::InstanceId>) -> Fault {
    Fault::KillPlace { place: "hz-a".into(), instances }
}

#[tokio::test]
async fn a_hung_instance_stands_still_until_it_is_mended() {
    let mut yard = Yard::with([("a", sh("sleep 1000 & wait"))]).await;
    let fault = Fault::HangInstance("a".into());
    assert_eq!(reason(yard.perform(breaking(&fault, LONG)).await).code, "nothing-to-hang");
    yard.perform(Action::Start(ids(["a"]))).await.unwrap();
    until("its child runs", async || (yard.all().len() >= 2).then_some(())).await;
    let order = yard.order(breaking(&fault, LONG));
    yard.give(&order).await.unwrap();
    assert!(yard.all().into_iter().all(|pid| state_of(pid) == Some('T')));
    assert_eq!(yard.state().await.faults[0].key, order.key());
    assert!(yard.perform(Action::Mend(fault.clone())).await.unwrap().changed);
    assert!(yard.all().into_iter().all(|pid| state_of(pid) != Some('T')));
    assert!(!yard.perform(Action::Mend(fault)).await.unwrap().changed);
    assert!(yard.state().await.faults.is_empty());
}

#[tokio::test]
async fn a_hang_whose_lease_ends_is_undone_with_no_controller() {
    let mut yard = Yard::with([("a", sleeper())]).await;
    yard.perform(Action::Start(ids(["a"]))).await.unwrap();
    let pid = yard.pid("a").await;
    let fault = Fault::HangInstance("a".into());
    yard.perform(breaking(&fault, Duration::from_millis(300))).await.unwrap();
    until("it goes on", async || (state_of(pid) != Some('T')).then_some(())).await;
    until("it is struck out", async || yard.state().await.faults.is_empty().then_some(())).await;
}

#[tokio::test]
async fn a_lease_that_ended_while_there_was_no_hand_is_kept_by_the_next_one() {
    let mut yard = Yard::with([("a", sleeper())]).await;
    yard.perform(Action::Start(ids(["a"]))).await.unwrap();
    let pid = yard.pid("a").await;
    let order = yard.order(breaking(&Fault::HangInstance("a".into()), Duration::from_millis(500)));
    yard.give(&order).await.unwrap();
    yard.kill_hand();
    let ended = yard::now().plus(Duration::from_millis(600));
    until("its lease has ended", async || (yard::now() > ended).then_some(())).await;
    assert_eq!(state_of(pid), Some('T'));
    yard.start_hand().await;
    until("it goes on", async || (state_of(pid) != Some('T')).then_some(())).await;
}

#[tokio::test]
async fn a_hung_instance_is_restarted_without_waiting_for_it_and_its_undo_leaves_the_new_one_alone() {
    let mut charged = sleeper();
    charged.run.stop_within = Duration::from_secs(3600);
    let mut yard = Yard::with([("a", charged)]).await;
    yard.perform(Action::Start(ids(["a"]))).await.unwrap();
    let fault = Fault::HangInstance("a".into());
    yard.perform(breaking(&fault, LONG)).await.unwrap();
    yard.perform(Action::Restart(ids(["a"]))).await.unwrap();
    let pid = yard.pid("a").await;
    yard.perform(Action::Mend(fault)).await.unwrap();
    assert_eq!(yard.pid("a").await, pid);
}

#[tokio::test]
async fn a_lost_place_refuses_starts_until_it_is_released() {
    let mut by_hand = sleeper();
    by_hand.run.restart = Restart::Hand;
    let mut yard = Yard::with([("a", sleeper()), ("b", by_hand), ("c", elsewhere())]).await;
    yard.perform(Action::Start(ids(["a", "b", "c"]))).await.unwrap();
    let fault = zone(ids(["a", "b"]));
    assert!(yard.perform(breaking(&fault, LONG)).await.unwrap().changed);
    assert_eq!(yard.leaders(), [yard.pid("c").await].into());
    assert_eq!(yard.state().await.lost_places, ["hz-a".into()]);
    yard.kill_hand();
    yard.start_hand().await;
    let told = reason(yard.perform(Action::Start(ids(["a"]))).await);
    assert_eq!((told.code.as_str(), told.with["place"].as_str()), ("place-held-lost", "hz-a"));
    assert!(matches!(yard.process("b").await, ProcessState::BackingOff { .. }));
    assert_eq!(yard.leaders().len(), 1);
    yard.perform(Action::Restart(ids(["c"]))).await.unwrap();
    yard.perform(Action::Mend(fault)).await.unwrap();
    assert!(yard.state().await.lost_places.is_empty());
    yard.perform(Action::Start(ids(["a"]))).await.unwrap();
    until("the hand brings b back", async || (yard.leaders().len() == 3).then_some(())).await;
}

#[tokio::test]
async fn a_killed_instance_is_gone_and_looked_at_it_is_done() {
    let mut yard = Yard::with([("a", sleeper())]).await;
    yard.perform(Action::Start(ids(["a"]))).await.unwrap();
    let order = yard.order(breaking(&Fault::KillInstance("a".into()), LONG));
    yard.give(&order).await.unwrap();
    assert!(yard.all().is_empty());
    assert_eq!(yard.process("a").await, ProcessState::Exited { code: None, signal: Some(9) });
    assert!(matches!(yard.look(&order).await.unwrap(), Looked::Done(_)));
}

#[tokio::test]
async fn an_instance_that_is_not_at_the_place_is_not_killed_with_it() {
    let mut yard = Yard::with([("c", elsewhere())]).await;
    yard.perform(Action::Start(ids(["c"]))).await.unwrap();
    assert_eq!(reason(yard.perform(breaking(&zone(ids(["c"])), LONG)).await).code, "instance-elsewhere");
    yard.pid("c").await;
    assert!(yard.state().await.lost_places.is_empty());
}
