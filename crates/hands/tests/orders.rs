//! Orders at the door: who is obeyed, what is refused, what is done once.

#![allow(clippy::unwrap_used, reason = "it is a test")]

mod yard;

use std::time::Duration;

use dinghai_record::{Action, Fault, FaultOrder, Fence, Looked, Order};
use dinghai_wire::{HaltRequest, HaltState, Refusal, WireError};
use yard::{LONG, Yard, ids, reason, sleeper, text_in, until};

async fn halt(yard: &Yard, path: &str) -> HaltState {
    yard.client().send("POST", path, &HaltRequest { reason: "test".to_owned() }, LONG).await.unwrap()
}

#[tokio::test]
async fn a_stale_controller_is_refused_also_by_a_hand_that_comes_back() {
    let mut yard = Yard::with([("a", sleeper())]).await;
    let old = yard.order(Action::Start(ids(["a"])));
    yard.lease = 2;
    let new = yard.order(Action::Stop(ids(["a"])));
    yard.look(&new).await.unwrap();
    yard.kill_hand();
    yard.start_hand().await;
    let other = Order { fence: Fence { incarnation: "other".to_owned(), lease: 9 }, ..old.clone() };
    for stale in [old, other] {
        for answer in [yard.give(&stale).await.map(drop), yard.look(&stale).await.map(drop)] {
            let Err(WireError::Refused(Refusal::Stale { got, seen })) = answer else { panic!("{answer:?}") };
            assert_eq!((got, seen.lease), (stale.fence.clone(), 2));
        }
    }
    yard.lease = 1;
    let charged = yard.charge([], &[]).await;
    assert!(matches!(charged, Err(WireError::Refused(Refusal::Stale { .. }))), "{charged:?}");
    assert!(yard.all().is_empty());
}

#[tokio::test]
async fn a_halted_hand_refuses_everything_but_undoing_faults_until_it_is_resumed() {
    let mut yard = Yard::with([("a", sleeper())]).await;
    yard.perform(Action::Start(ids(["a"]))).await.unwrap();
    let fault = Fault::HangInstance("a".into());
    let hang = Action::Break(FaultOrder { fault: fault.clone(), lease: LONG });
    yard.perform(hang.clone()).await.unwrap();
    assert!(halt(&yard, "/halt").await.halted);
    yard.kill_hand();
    yard.start_hand().await;
    assert!(yard.state().await.halted);
    let http = Action::Http { method: "GET".to_owned(), url: "http://127.0.0.1:1/".to_owned(), body: None };
    let exec = Action::Exec { argv: vec!["/bin/true".to_owned()] };
    let warm = Action::Warm { instances: ids(["a"]), requests: 1 };
    for action in [Action::Start(ids(["a"])), Action::Stop(ids(["a"])), http, exec, warm, hang] {
        let refused = yard.perform(action).await;
        assert!(matches!(refused, Err(WireError::Refused(Refusal::Halted))), "{refused:?}");
    }
    assert!(yard.perform(Action::Mend(fault)).await.unwrap().changed);
    assert!(!halt(&yard, "/resume").await.halted);
    yard.perform(Action::Stop(ids(["a"]))).await.unwrap();
}

#[tokio::test]
async fn an_order_given_again_acts_once() {
    let mut yard = Yard::with([("a", sleeper())]).await;
    let order = yard.order(Action::Restart(ids(["a"])));
    let (first, second) = tokio::join!(yard.give(&order), yard.give(&order));
    assert_eq!(first.unwrap(), second.unwrap());
    let pid = yard.pid("a").await;
    yard.kill_hand();
    yard.start_hand().await;
    assert!(yard.give(&order).await.unwrap().changed);
    assert_eq!(yard.pid("a").await, pid);
    assert!(matches!(yard.look(&order).await.unwrap(), Looked::Done(_)));
}

#[tokio::test]
async fn what_is_not_in_the_charge_is_refused() {
    let mut yard = Yard::with([("a", sleeper())]).await;
    let told = reason(yard.perform(Action::Start(ids(["a", "b"]))).await);
    assert_eq!((told.code.as_str(), told.with["instance"].as_str()), ("instance-not-in-charge", "b"));
    assert!(yard.all().is_empty(), "nothing is begun when a part is refused");
    yard.charge([], &["/bin/true", "relative"]).await.unwrap();
    for program in ["/bin/false", "relative", "true"] {
        let told = reason(yard.perform(Action::Exec { argv: vec![program.to_owned()] }).await);
        assert_eq!(told.code, "program-not-in-charge");
    }
    assert!(yard.perform(Action::Exec { argv: vec!["/bin/true".to_owned()] }).await.unwrap().changed);
}

#[tokio::test]
async fn what_is_not_for_a_hand_or_comes_too_late_is_refused() {
    let mut yard = Yard::with([("a", sleeper())]).await;
    let hold = Action::Hold { lasting: Duration::from_secs(1) };
    assert_eq!(reason(yard.perform(hold).await).code, "not-for-a-hand");
    let mut late = yard.order(Action::Start(ids(["a"])));
    late.deadline = yard::now();
    assert_eq!(reason(yard.give(&late).await).code, "order-too-late");
    assert_eq!(yard.look(&late).await.unwrap(), Looked::NotDone);
    assert!(yard.all().is_empty());
}

#[tokio::test]
async fn a_program_whose_end_nobody_saw_is_unknown_and_not_run_again() {
    let mut yard = Yard::with([]).await;
    let (began, go_on) = (yard.dir().join("began"), yard.dir().join("go-on"));
    let script = yard.dir().join("script");
    let wait = "while ! [ -e \"$2\" ]; do sleep 0.02; done";
    std::fs::write(&script, format!("#!/bin/sh\necho begun >> \"$1\"\n{wait}\n")).unwrap();
    std::fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let script = script.display().to_string();
    yard.charge([], &[&script]).await.unwrap();
    let argv = vec![script, began.display().to_string(), go_on.display().to_string()];
    let order = yard.order(Action::Exec { argv });
    let client = yard.client();
    let given = order.clone();
    let asked = tokio::spawn(async move {
        client.send::<_, serde_json::Value>("POST", "/orders", &given, LONG).await.map(drop)
    });
    text_in(&began).await;
    assert_eq!(yard.look(&order).await.unwrap(), Looked::InProgress);
    yard.kill_hand();
    std::fs::write(&go_on, "").unwrap();
    assert!(asked.await.unwrap().is_err());
    yard.start_hand().await;
    assert!(matches!(yard.look(&order).await.unwrap(), Looked::CannotTell(_)));
    assert_eq!(reason(yard.give(&order).await).code, "hand-died-meanwhile");
    assert_eq!(text_in(&began).await, "begun\n");
}

#[tokio::test]
async fn an_order_goes_on_when_the_one_who_asked_goes_away() {
    let mut yard = Yard::with([("a", sleeper())]).await;
    let order = yard.order(Action::Start(ids(["a"])));
    let client = yard.client();
    let impatient = client.send::<_, serde_json::Value>("POST", "/orders", &order, Duration::from_millis(3));
    assert!(impatient.await.is_err());
    until("it is done all the same", async || {
        matches!(yard.look(&order).await, Ok(Looked::Done(_) | Looked::NotDone)).then_some(())
    })
    .await;
    assert!(yard.give(&order).await.unwrap().changed);
    assert_eq!(yard.leaders().len(), 1);
}

#[tokio::test]
async fn a_second_hand_does_not_start_beside_the_first() {
    let mut yard = Yard::with([]).await;
    let second = yard.hand_command().output().unwrap();
    assert!(!second.status.success());
    let words = String::from_utf8_lossy(&second.stderr);
    assert!(words.contains("another hand answers on"), "{words}");
    std::fs::remove_file(yard.socket()).unwrap();
    let words = yard.hand_command().output().unwrap().stderr;
    assert!(String::from_utf8_lossy(&words).contains("another hand works in"));
    yard.kill_hand();
    yard.start_hand().await;
}

#[tokio::test]
async fn what_is_not_understood_is_refused_with_a_reason() {
    let yard = Yard::with([]).await;
    let answer: Result<serde_json::Value, _> = yard.client().send("POST", "/orders", &"start", LONG).await;
    assert_eq!(reason(answer).code, "not-understood");
}

#[tokio::test]
async fn the_socket_is_for_owner_and_group_only() {
    let yard = Yard::with([]).await;
    let mode =
        std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(yard.socket()).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o660);
}
