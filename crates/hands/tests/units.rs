//! The controller's and the person's side: orders to several units, and halting without a controller.

#![allow(clippy::unwrap_used, reason = "it is a test")]

use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::post;
use dinghai_clock::{Clock, SystemClock};
use dinghai_hands::{Actuators, control_sockets, halt_units};
use dinghai_ports::{ActError, Actuator};
use dinghai_record::{Action, Fence, Looked, Order, Performed, PlanId, Reason, Seq, StepNo};
use dinghai_wire::{HaltState, Refusal, WireError};
use serde::Serialize;
use tokio::net::UnixListener;

/// A unit that answers all orders, looks and halts in one way.
fn unit(run: &Path, name: &str, order: Result<Performed, Refusal>, looked: &Looked) {
    fn fixed<A: Serialize>(status: u16, body: &A) -> axum::routing::MethodRouter {
        let answer = (StatusCode::from_u16(status).unwrap(), serde_json::to_string(body).unwrap());
        post(async move || answer)
    }
    let orders = match &order {
        Ok(performed) => fixed(200, performed),
        Err(refusal) => fixed(refusal.status(), refusal),
    };
    let router = Router::new()
        .route("/orders", orders)
        .route("/orders/look", fixed(200, looked))
        .route("/halt", fixed(200, &HaltState { halted: true }));
    let listener = UnixListener::bind(run.join(format!("{name}.sock"))).unwrap();
    tokio::spawn(axum::serve(listener, router).into_future());
}

fn done(note: &str) -> Performed {
    Performed { changed: true, notes: vec![Reason::new(note)] }
}

fn order(action: Action) -> Order {
    Order {
        plan: PlanId(1),
        step: StepNo(1),
        undo: false,
        journalled: Seq(1),
        fence: Fence { incarnation: "test".to_owned(), lease: 1 },
        action,
        deadline: SystemClock::new().now().plus(std::time::Duration::from_secs(30)),
    }
}

fn actuators<const N: usize>(run: &Path, gateways: [&str; N]) -> Actuators {
    Actuators::new(run, gateways.map(Into::into), Arc::new(SystemClock::new()))
}

fn weigh() -> Order {
    order(Action::Weigh([("a".into(), 0)].into()))
}

#[tokio::test]
async fn weights_go_to_every_gateway_and_the_rest_to_the_hand() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path();
    unit(run, "hand", Ok(done("hand")), &Looked::InProgress);
    unit(run, "gateway-x", Ok(done("x")), &Looked::Done(done("x")));
    unit(run, "gateway-y", Ok(done("y")), &Looked::Done(done("y")));
    let actuators = actuators(run, ["x", "y"]);
    let both = Performed { changed: true, notes: vec![Reason::new("x"), Reason::new("y")] };
    assert_eq!(actuators.perform(&weigh()).await.unwrap(), both);
    assert_eq!(actuators.look(&weigh()).await.unwrap(), Looked::Done(both));
    let start = order(Action::Start(Vec::new()));
    assert_eq!(actuators.perform(&start).await.unwrap(), done("hand"));
    assert_eq!(actuators.look(&start).await.unwrap(), Looked::InProgress);
    let hold = order(Action::Hold { lasting: std::time::Duration::ZERO });
    assert!(matches!(actuators.perform(&hold).await, Err(ActError::Refused(_))));
}

#[tokio::test]
async fn a_gateway_that_does_not_answer_leaves_the_whole_unknown() {
    let folder = tempfile::tempdir().unwrap();
    unit(folder.path(), "gateway-x", Ok(done("x")), &Looked::Done(done("x")));
    let actuators = actuators(folder.path(), ["x", "y"]);
    assert!(matches!(actuators.perform(&weigh()).await, Err(ActError::NoAnswer(_))));
    assert!(matches!(actuators.look(&weigh()).await, Err(ActError::NoAnswer(_))));
}

#[tokio::test]
async fn a_gateway_that_says_no_decides_for_the_whole() {
    let folder = tempfile::tempdir().unwrap();
    unit(folder.path(), "gateway-x", Ok(done("x")), &Looked::Done(done("x")));
    unit(folder.path(), "gateway-z", Err(Refusal::Halted), &Looked::NotDone);
    let actuators = actuators(folder.path(), ["x", "y", "z"]);
    assert!(matches!(actuators.perform(&weigh()).await, Err(ActError::Halted)));
}

#[tokio::test]
async fn one_gateway_that_has_not_done_it_is_enough_for_not_done() {
    let folder = tempfile::tempdir().unwrap();
    unit(folder.path(), "gateway-x", Ok(done("x")), &Looked::Done(done("x")));
    unit(folder.path(), "gateway-y", Ok(done("y")), &Looked::NotDone);
    assert_eq!(actuators(folder.path(), ["x", "y"]).look(&weigh()).await.unwrap(), Looked::NotDone);
}

#[tokio::test]
async fn without_a_gateway_no_weight_is_set() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(actuators(folder.path(), []).perform(&weigh()).await, Err(ActError::Refused(_))));
}

#[tokio::test]
async fn halting_reaches_those_that_answer_and_names_those_that_do_not() {
    let folder = tempfile::tempdir().unwrap();
    unit(folder.path(), "hand", Ok(done("hand")), &Looked::NotDone);
    unit(folder.path(), "gateway-x", Ok(done("x")), &Looked::NotDone);
    // One that was killed left its socket; one that hangs takes connections and never answers.
    drop(UnixListener::bind(folder.path().join("gateway-dead.sock")).unwrap());
    let _hung = UnixListener::bind(folder.path().join("gateway-hung.sock")).unwrap();
    std::fs::write(folder.path().join("controller.sock"), "").unwrap();
    let sockets = control_sockets(folder.path()).unwrap();
    let answers = halt_units(sockets, "test").await;
    let told: Vec<_> = answers
        .iter()
        .map(|(name, answer)| {
            let what = match answer {
                Ok(state) => {
                    if state.halted {
                        "halted"
                    } else {
                        "goes on"
                    }
                }
                Err(WireError::Unreachable { .. }) => "unreachable",
                Err(WireError::NoAnswer { .. }) => "no answer",
                Err(_) => "strange",
            };
            (name.as_str(), what)
        })
        .collect();
    let wanted = [
        ("gateway dead", "unreachable"),
        ("gateway hung", "no answer"),
        ("gateway x", "halted"),
        ("hand", "halted"),
    ];
    assert_eq!(told, wanted);
}
