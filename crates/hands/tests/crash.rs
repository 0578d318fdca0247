//! The hand is killed with -9 at any instant: no process is lost, none is there twice.

mod yard;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use dinghai_clock::Rng;
use dinghai_record::{Action, Fault, FaultOrder, Looked, ProcessState};
use yard::{LONG, Yard, ids, sleeper, until};

/// Each round costs two starts of a hand.
const ROUNDS: u32 = 60;

#[tokio::test]
async fn killed_at_any_instant_of_starts_and_stops_it_neither_leaks_nor_doubles_a_process() {
    let mut yard = Yard::with([("a", sleeper()), ("b", sleeper()), ("c", sleeper())]).await;
    let mut rng = Rng::seeded(20_261_123);
    let mut seen: BTreeMap<&str, u32> = BTreeMap::new();
    for round in 0..ROUNDS {
        let some = if rng.below(2) == 0 { ids(["a", "b", "c"]) } else { ids(["b"]) };
        let action = match rng.below(3) {
            0 => Action::Start(some),
            1 => Action::Stop(some),
            _ => Action::Restart(some),
        };
        let order = yard.order(action);
        let (client, given) = (yard.client(), order.clone());
        let asked = tokio::spawn(async move {
            client.send::<_, serde_json::Value>("POST", "/orders", &given, LONG).await.map(drop)
        });
        // Spread over the whole act: a start takes some milliseconds and then a grace of 100.
        tokio::time::sleep(Duration::from_micros(rng.below(if round % 4 == 0 { 130_000 } else { 8_000 })))
            .await;
        yard.kill_hand();
        let _ = asked.await;
        yard.start_hand().await;

        // Launchers without a hand end by themselves, and so do processes that were told to stop.
        until(&format!("round {round}: what is there is what the hand knows: {order:?}"), async || {
            (yard.all() == known(&yard).await).then_some(())
        })
        .await;

        let looked = yard.look(&order).await.unwrap();
        let named = match &looked {
            Looked::Done(_) => "done",
            Looked::NotDone => "not done",
            Looked::InProgress | Looked::CannotTell(_) => panic!("round {round}: {looked:?}"),
        };
        *seen.entry(named).or_default() += 1;
        yard.give(&order).await.unwrap();
        assert!(matches!(yard.look(&order).await.unwrap(), Looked::Done(_)));
        assert_eq!(yard.leaders(), known(&yard).await, "round {round}, given again: {order:?}");
    }
    println!("of {ROUNDS} orders at the instant of the kill: {seen:?}");
    assert!(seen.len() == 2, "the kills should fall before and after the effect: {seen:?}");
}

#[tokio::test]
async fn killed_by_what_it_just_started_it_knows_that_process_or_that_process_ends() {
    let mut yard = Yard::with([("a", sleeper())]).await;
    for round in 0..10 {
        std::fs::write(yard.kill_switch(), "").unwrap();
        let order = yard.order(Action::Start(ids(["a"])));
        assert!(yard.give(&order).await.is_err());
        yard.kill_hand();
        yard.start_hand().await;
        until(&format!("round {round}: what is there is what the hand knows"), async || {
            (yard.all() == known(&yard).await).then_some(())
        })
        .await;
        yard.give(&order).await.unwrap();
        assert_eq!(yard.leaders(), known(&yard).await);
        assert_eq!(yard.leaders().len(), 1);
        yard.perform(Action::Stop(ids(["a"]))).await.unwrap();
    }
}

#[tokio::test]
async fn killed_while_it_breaks_a_place_the_place_is_lost_or_untouched_and_is_released() {
    let mut yard = Yard::with([("a", sleeper()), ("b", sleeper())]).await;
    let mut rng = Rng::seeded(7);
    let fault = Fault::KillPlace { place: "hz-a".into(), instances: ids(["a", "b"]) };
    for round in 0..12 {
        yard.perform(Action::Start(ids(["a", "b"]))).await.unwrap();
        let order = yard.order(Action::Break(FaultOrder { fault: fault.clone(), lease: LONG }));
        let (client, given) = (yard.client(), order.clone());
        let asked = tokio::spawn(async move {
            client.send::<_, serde_json::Value>("POST", "/orders", &given, LONG).await.map(drop)
        });
        tokio::time::sleep(Duration::from_micros(rng.below(15_000))).await;
        yard.kill_hand();
        let _ = asked.await;
        yard.start_hand().await;
        if yard.state().await.lost_places.is_empty() {
            assert_eq!(yard.leaders().len(), 2, "round {round}: nothing is killed before it is written down");
            assert_eq!(yard.look(&order).await.unwrap(), Looked::NotDone);
        }
        yard.perform(Action::Mend(fault.clone())).await.unwrap();
        assert!(yard.state().await.lost_places.is_empty());
        assert_eq!(yard.leaders(), known(&yard).await);
    }
}

async fn known(yard: &Yard) -> BTreeSet<i32> {
    let processes = yard.state().await.processes;
    let pid = |state: &ProcessState| match state {
        ProcessState::Running { pid } => Some(*pid),
        _ => None,
    };
    processes.values().filter_map(|view| pid(&view.state)).collect()
}
