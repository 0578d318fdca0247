//! Processes in the hand's charge: started, stopped, watched, brought back.

mod yard;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use dinghai_estate::{Check, InstanceId, ProbeSpec, Restart};
use dinghai_record::{Action, ProcessState};
use rustix::process::Signal;
use yard::{Yard, ids, kill, reason, sh, sleeper, state_of, until};

#[tokio::test]
async fn starting_what_runs_and_stopping_what_does_not_changes_nothing() {
    let mut yard = Yard::with([("a", sleeper()), ("b", sleeper())]).await;
    assert_eq!(yard.process("a").await, ProcessState::Stopped);
    assert!(yard.perform(Action::Start(ids(["a", "b"]))).await.unwrap().changed);
    let pid = yard.pid("a").await;
    assert!(!yard.perform(Action::Start(ids(["a", "b"]))).await.unwrap().changed);
    assert_eq!(yard.pid("a").await, pid);
    assert_eq!(yard.leaders().len(), 2);
    assert!(yard.perform(Action::Stop(ids(["a", "b"]))).await.unwrap().changed);
    assert!(!yard.perform(Action::Stop(ids(["a", "b"]))).await.unwrap().changed);
    assert_eq!(yard.process("a").await, ProcessState::Stopped);
    assert!(yard.all().is_empty());
}

#[tokio::test]
async fn a_restart_is_another_process() {
    let mut yard = Yard::with([("a", sleeper())]).await;
    yard.perform(Action::Start(ids(["a"]))).await.unwrap();
    let first = yard.pid("a").await;
    yard.perform(Action::Restart(ids(["a"]))).await.unwrap();
    assert_ne!(yard.pid("a").await, first);
    assert_eq!(yard.state().await.processes[&InstanceId::from("a")].starts, 2);
}

#[tokio::test]
async fn a_program_that_is_not_there_is_told_in_the_systems_words() {
    let mut charged = sleeper();
    charged.run.process = vec!["/nowhere/program".to_owned()];
    let mut yard = Yard::with([("a", charged)]).await;
    let told = reason(yard.perform(Action::Start(ids(["a"]))).await);
    assert_eq!(told.code, "start-failed");
    assert!(told.with["why"].contains("cannot run `/nowhere/program`: No such file"), "{told}");
    assert!(matches!(yard.process("a").await, ProcessState::Exited { .. }));
}

#[tokio::test]
async fn a_process_that_ends_at_once_was_not_started_and_its_last_words_are_told() {
    let mut yard = Yard::with([("a", sh("echo no port >&2; exit 3"))]).await;
    let told = reason(yard.perform(Action::Start(ids(["a"]))).await);
    assert_eq!(told.code, "exited-at-once");
    assert_eq!((told.with["how"].as_str(), told.with["output"].as_str()), ("code 3", "no port"));
    assert_eq!(yard.process("a").await, ProcessState::Exited { code: Some(3), signal: None });
}

#[tokio::test]
async fn a_process_that_heeds_no_sigterm_is_killed_with_its_group() {
    let mut charged = sh("trap '' TERM; sleep 1000 & while :; do sleep 0.1; done");
    charged.run.stop_within = Duration::from_millis(300);
    let mut yard = Yard::with([("a", charged)]).await;
    yard.perform(Action::Start(ids(["a"]))).await.unwrap();
    until("its child runs", async || (yard.all().len() >= 2).then_some(())).await;
    let performed = yard.perform(Action::Stop(ids(["a"]))).await.unwrap();
    assert_eq!(performed.notes[0].code, "process-killed");
    until("all are gone", async || yard.all().is_empty().then_some(())).await;
}

#[tokio::test]
async fn a_stop_gives_up_at_its_deadline() {
    let mut yard = Yard::with([("a", sh("trap '' TERM; while :; do sleep 0.1; done"))]).await;
    yard.perform(Action::Start(ids(["a"]))).await.unwrap();
    let mut order = yard.order(Action::Stop(ids(["a"])));
    order.deadline = yard::now().plus(Duration::from_millis(300));
    assert_eq!(reason(yard.give(&order).await).code, "stop-too-slow");
    yard.pid("a").await;
}

#[tokio::test]
async fn what_a_dead_master_leaves_is_killed() {
    let mut yard = Yard::with([("a", sh("sleep 1000 & wait"))]).await;
    yard.perform(Action::Start(ids(["a"]))).await.unwrap();
    until("its child runs", async || (yard.all().len() >= 2).then_some(())).await;
    kill(yard.pid("a").await, Signal::KILL);
    until("all are gone", async || yard.all().is_empty().then_some(())).await;
    let killed = ProcessState::Exited { code: None, signal: Some(9) };
    until("the end is told", async || (yard.process("a").await == killed).then_some(())).await;
}

#[tokio::test]
async fn an_end_is_only_reported_where_plans_restart() {
    let mut yard = Yard::with([("a", sh("sleep 0.3; exit 4"))]).await;
    yard.perform(Action::Start(ids(["a"]))).await.unwrap();
    let ended = ProcessState::Exited { code: Some(4), signal: None };
    until("the end is told", async || (yard.process("a").await == ended).then_some(())).await;
    assert_eq!(yard.state().await.processes[&InstanceId::from("a")].starts, 1);
}

#[tokio::test]
async fn the_hand_brings_back_with_pauses_that_grow_and_not_after_a_stop() {
    let mut charged = sh("sleep 0.15; exit 4");
    charged.run.restart = Restart::Hand;
    let mut yard = Yard::with([("a", charged)]).await;
    yard.perform(Action::Start(ids(["a"]))).await.unwrap();
    // The first restart is at once; the pauses after the second and third end are planned, and told.
    for (starts, least, most) in [(2, 250, 500), (3, 500, 1000)] {
        let pause = until("it is backing off", async || {
            let view = yard.state().await.processes[&InstanceId::from("a")].clone();
            match view.state {
                ProcessState::BackingOff { until } if view.starts == starts => Some(until.since(view.since)),
                _ => None,
            }
        });
        let pause = pause.await.as_millis();
        assert!((least..=most).contains(&pause), "after {starts} starts it pauses {pause} ms");
    }
    yard.perform(Action::Stop(ids(["a"]))).await.unwrap();
    let starts = yard.state().await.processes[&InstanceId::from("a")].starts;
    yard.kill_hand();
    yard.start_hand().await;
    let view = yard.state().await.processes[&InstanceId::from("a")].clone();
    assert_eq!((view.state, view.starts), (ProcessState::Stopped, starts));
}

#[tokio::test]
async fn a_hand_that_comes_back_adopts_what_runs_and_notices_its_end() {
    let mut yard = Yard::with([("a", sleeper()), ("b", sleeper())]).await;
    yard.perform(Action::Start(ids(["a", "b"]))).await.unwrap();
    let (a, b) = (yard.pid("a").await, yard.pid("b").await);
    yard.kill_hand();
    kill(b, Signal::KILL);
    until("b is gone", async || state_of(b).is_none().then_some(())).await;
    yard.start_hand().await;
    assert_eq!(yard.pid("a").await, a);
    assert_eq!(yard.process("b").await, ProcessState::Exited { code: None, signal: None });
    assert!(!yard.perform(Action::Start(ids(["a"]))).await.unwrap().changed);
    kill(a, Signal::KILL);
    let ended = ProcessState::Exited { code: None, signal: None };
    until("the end is told", async || (yard.process("a").await == ended).then_some(())).await;
}

#[tokio::test]
async fn a_hand_that_is_told_to_end_leaves_its_processes_to_the_next() {
    let mut yard = Yard::with([("a", sleeper())]).await;
    yard.perform(Action::Start(ids(["a"]))).await.unwrap();
    let pid = yard.pid("a").await;
    assert!(yard.interrupt_hand().success());
    assert!(!yard.socket().exists());
    assert_eq!(yard.leaders(), [pid].into());
    yard.start_hand().await;
    assert_eq!(yard.pid("a").await, pid);
}

#[tokio::test]
async fn an_instance_that_left_the_charge_is_seen_until_it_ends_and_not_touched() {
    let mut yard = Yard::with([("a", sleeper()), ("b", sleeper())]).await;
    yard.perform(Action::Start(ids(["a"]))).await.unwrap();
    yard.charge([], &[]).await.unwrap();
    let seen: Vec<_> = yard.state().await.processes.into_keys().collect();
    assert_eq!(seen, ids(["a"]));
    assert_eq!(reason(yard.perform(Action::Stop(ids(["a"]))).await).code, "instance-not-in-charge");
    yard.pid("a").await;
}

#[tokio::test]
async fn warming_asks_in_turn_and_fails_when_the_last_request_does() {
    let count = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&count);
    // The first two are refused: it is still cold.
    let warm = axum::routing::get(async move || match counted.fetch_add(1, Ordering::SeqCst) {
        0 | 1 => axum::http::StatusCode::SERVICE_UNAVAILABLE,
        _ => axum::http::StatusCode::OK,
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut charged = sleeper();
    charged.address.port = listener.local_addr().unwrap().port();
    charged.probe = Some(ProbeSpec {
        check: Check::Http("/healthz".to_owned()),
        every: Duration::from_secs(1),
        timeout: Duration::from_secs(10),
        fall: 3,
        rise: 2,
        slow: None,
    });
    tokio::spawn(axum::serve(listener, axum::Router::new().route("/healthz", warm)).into_future());
    let mut yard = Yard::with([("a", charged), ("b", sleeper())]).await;
    let warm = |requests| Action::Warm { instances: ids(["a", "b"]), requests };
    assert_eq!(reason(yard.perform(warm(2)).await).code, "warm-failed");
    assert!(yard.perform(warm(3)).await.unwrap().changed);
    assert_eq!(count.load(Ordering::SeqCst), 5);
}

#[tokio::test]
async fn a_process_writes_on_while_there_is_no_hand() {
    let mut yard = Yard::with([("a", sh("n=0; while :; do n=$((n+1)); echo $n; sleep 0.05; done"))]).await;
    yard.perform(Action::Start(ids(["a"]))).await.unwrap();
    yard.kill_hand();
    let file = yard.dir().join("output/a.log");
    let lines = || std::fs::read_to_string(&file).unwrap_or_default().lines().count();
    let before = lines();
    until("it writes on", async || (lines() > before + 2).then_some(())).await;
}
