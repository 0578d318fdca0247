//! What the controller may do, and what holds without one.

use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::Duration;

use dinghai_clock::{Clock, SystemClock, Timestamp, VirtualClock};
use dinghai_estate::{CutOff, InstanceId};
use dinghai_gateway::GatewayError;
use dinghai_record::{Action, Looked, Order, Performed, PlanId, Reason, Seq, StepNo};
use dinghai_wire::{HaltRequest, HaltState, Refusal, WireError};
use tokio::net::TcpListener;

use crate::stage::{Backend, Mood, SOON, Stage, ask, fence, route, set_share, table};

fn order(journalled: u64, instance: &str, share: u8) -> Order {
    Order {
        plan: PlanId(1),
        step: StepNo(1),
        undo: false,
        journalled: Seq(journalled),
        fence: fence(1),
        action: Action::Weigh([(InstanceId::from(instance), share)].into()),
        deadline: Timestamp::from_micros(4_000_000_000_000_000),
    }
}

async fn perform(stage: &Stage, order: &Order) -> Result<Performed, WireError> {
    stage.control.send("POST", "/orders", order, SOON).await
}

async fn look(stage: &Stage, order: &Order) -> Looked {
    stage.control.send("POST", "/orders/look", order, SOON).await.unwrap()
}

async fn set_halted(stage: &Stage, halted: bool) {
    let path = if halted { "/halt" } else { "/resume" };
    let request = HaltRequest { reason: "a test".to_owned() };
    let state: HaltState = stage.control.send("POST", path, &request, SOON).await.unwrap();
    assert_eq!(state.halted, halted);
}

fn refusal<T: std::fmt::Debug>(answer: Result<T, WireError>) -> Refusal {
    match answer {
        Err(WireError::Refused(refusal)) => refusal,
        other => panic!("not refused: {other:?}"),
    }
}

fn real() -> Arc<SystemClock> {
    Arc::new(SystemClock::new())
}

#[tokio::test]
async fn stale_generations_and_stale_executors_are_refused() {
    let backend = Backend::start().await;
    let (stage, _folder) = Stage::serving(table(5, &[backend.port])).await;
    stage.give(&table(5, &[backend.port])).await.unwrap();
    let mut other = table(5, &[backend.port]);
    other.panic_below = 0.1;
    assert_eq!(refusal(stage.give(&other).await), Refusal::Superseded { got: 5, seen: 5 });
    // A newer controller was seen, though what it said was refused.
    assert_eq!(refusal(stage.give_as(fence(2), &other).await), Refusal::Superseded { got: 5, seen: 5 });
    let stale = Refusal::Stale { got: fence(1), seen: fence(2) };
    assert_eq!(refusal(stage.give(&table(6, &[backend.port])).await), stale);
    assert_eq!(refusal(perform(&stage, &order(6, "a", 0)).await), stale);
    let status = stage.status().await;
    assert_eq!((status.generation, status.fence), (5, Some(fence(2))));
}

#[tokio::test]
async fn table_fence_and_halt_survive_a_restart_and_it_serves_with_no_controller() {
    let backend = Backend::start().await;
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage::start(folder.path(), real());
    stage.give_as(fence(1), &table(5, &[backend.port, backend.port])).await.unwrap();
    assert!(perform(&stage, &order(7, "b", 30)).await.unwrap().changed);
    set_halted(&stage, true).await;
    stage.stop().await.unwrap();

    let stage = Stage::start(folder.path(), real());
    stage.up().await;
    assert_eq!(ask(stage.port().await, "GET", "/x", "").await.status, 200);
    let status = stage.status().await;
    assert_eq!((status.generation, status.fence, status.halted), (7, Some(fence(1)), true));
    assert_eq!(status.instances[&InstanceId::from("b")].share, 30);
}

#[tokio::test]
async fn an_order_changes_shares_once_and_can_be_looked_up() {
    let [a, b] = [Backend::start().await, Backend::start().await];
    let (stage, _folder) = Stage::serving(table(5, &[a.port, b.port])).await;
    let hold = order(9, "a", 0);
    assert_eq!(look(&stage, &hold).await, Looked::NotDone);
    assert!(perform(&stage, &hold).await.unwrap().changed);
    assert_eq!(perform(&stage, &hold).await.unwrap(), Performed::nothing());
    assert_eq!(look(&stage, &hold).await, Looked::Done(Performed::nothing()));
    let status = stage.status().await;
    assert_eq!((status.generation, status.instances[&InstanceId::from("a")].share), (9, 0));
    for _ in 0..10 {
        assert_eq!(ask(stage.port().await, "GET", "/x", "").await.status, 200);
    }
    assert_eq!(a.served(), 0);
    let restart = Order { action: Action::Restart(vec![]), ..order(10, "a", 0) };
    let no = Reason::new("not-for-a-gateway").with("action", "restart");
    assert_eq!(refusal(perform(&stage, &restart).await), Refusal::Refused(no));
}

#[tokio::test]
async fn a_halted_gateway_changes_no_weight_and_still_ejects() {
    let [a, b, c] = [Backend::start().await, Backend::start().await, Backend::start().await];
    let ports = [a.port, b.port, c.port];
    let (stage, _folder) = Stage::serving(table(5, &ports)).await;
    set_halted(&stage, true).await;
    assert_eq!(refusal(perform(&stage, &order(6, "a", 0)).await), Refusal::Halted);
    let mut moved = table(6, &ports);
    set_share(&mut moved, "a", 0);
    assert_eq!(refusal(stage.give(&moved).await), Refusal::Halted);
    stage.give(&table(6, &ports)).await.unwrap();
    a.kill().await;
    stage.until("it is ejected", |status| status.reflexes.len() == 1).await;
    set_halted(&stage, false).await;
    assert!(perform(&stage, &order(7, "a", 0)).await.unwrap().changed);
}

#[tokio::test]
async fn what_can_not_be_stored_is_refused_except_a_halt() {
    let backend = Backend::start().await;
    let (stage, folder) = Stage::serving(table(5, &[backend.port])).await;
    // A folder in the way of the file that is written aside.
    let aside = folder.path().join("gateway-public.table.json.new");
    std::fs::create_dir(&aside).unwrap();
    assert!(matches!(refusal(perform(&stage, &order(6, "a", 0)).await), Refusal::Failed(_)));
    assert_eq!(stage.status().await.generation, 5);
    let request = HaltRequest { reason: "a test".to_owned() };
    let halted = stage.control.send::<_, HaltState>("POST", "/halt", &request, SOON).await;
    assert!(matches!(refusal(halted), Refusal::Failed(reason) if reason.code == "gateway-halt-not-durable"));
    assert!(stage.status().await.halted);
    // It recovers by itself.
    std::fs::remove_dir(&aside).unwrap();
    set_halted(&stage, false).await;
    assert!(perform(&stage, &order(6, "a", 0)).await.unwrap().changed);
}

#[tokio::test]
async fn routes_close_when_the_lease_of_a_lost_controller_ends() {
    let backend = Backend::start().await;
    let lease = Duration::from_secs(10);
    let mut wanted = table(1, &[backend.port]);
    wanted.routes = vec![
        route("/serve", CutOff::Serve),
        route("/read", CutOff::ReadOnly { lease }),
        route("/stop", CutOff::Stop { lease }),
    ];
    let folder = tempfile::tempdir().unwrap();
    let clock = VirtualClock::at(Timestamp::from_micros(1_700_000_000_000_000));
    let stage = Stage::start(folder.path(), Arc::new(clock.clone()));
    stage.give(&wanted).await.unwrap();
    let port = stage.port().await;
    let answers = async || {
        let mut all = vec![];
        for (method, path) in
            [("POST", "/serve"), ("GET", "/read"), ("POST", "/read"), ("GET", "/stop"), ("POST", "/stop")]
        {
            let seen = ask(port, method, path, "").await;
            all.push((seen.status, seen.reason().to_owned()));
        }
        all
    };
    let open = (200, String::new());
    assert_eq!(answers().await, vec![open.clone(); 5]);
    clock.advance(lease);
    let read_only = (503, "cut-off-read-only".to_owned());
    let stopped = (503, "cut-off".to_owned());
    assert_eq!(answers().await, [open.clone(), open.clone(), read_only, stopped.clone(), stopped]);
    // Being asked for its status is hearing the controller.
    stage.status().await;
    assert_eq!(answers().await, vec![open; 5]);
}

#[tokio::test]
async fn a_busy_address_is_tried_until_it_is_free() {
    let backend = Backend::start().await;
    let squatter = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut wanted = table(1, &[backend.port]);
    wanted.listeners = [("public".into(), squatter.local_addr().unwrap())].into();
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage::start(folder.path(), real());
    stage.give(&wanted).await.unwrap();
    stage.until("it probes", |status| status.instances.values().all(|view| view.seen.is_some())).await;
    assert!(stage.status().await.listening.is_empty());
    drop(squatter);
    assert_eq!(ask(stage.port().await, "GET", "/x", "").await.status, 200);
}

#[tokio::test]
async fn listeners_come_and_go_with_the_table() {
    let backend = Backend::start().await;
    let (stage, _folder) = Stage::serving(table(1, &[backend.port])).await;
    let mut more = table(2, &[backend.port]);
    more.listeners.insert("internal".into(), "127.0.0.1:0".parse().unwrap());
    stage.give(&more).await.unwrap();
    let status = stage.until("both listen", |status| status.listening.len() == 2).await;
    assert_eq!(ask(status.listening[&"internal".into()].port(), "GET", "/x", "").await.status, 404);
    stage.give(&table(3, &[backend.port])).await.unwrap();
    let after = stage.until("one is left", |status| status.listening.len() == 1).await;
    assert_eq!(after.listening[&"public".into()], status.listening[&"public".into()], "it stayed");
}

#[tokio::test]
async fn there_is_one_gateway_on_a_socket_and_a_dead_ones_socket_is_taken_over() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("gateway-public.sock");
    // A socket file that nobody listens on any more.
    drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
    let first = Stage::start(folder.path(), real());
    first.up().await;
    assert_eq!(std::fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o660);
    let second = Stage::start(folder.path(), real());
    assert!(matches!(second.stop().await, Err(GatewayError::Taken { .. })));
    first.up().await;
    first.stop().await.unwrap();
    assert!(!socket.exists());
}

#[tokio::test]
async fn a_damaged_file_stops_the_start_and_is_named() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("gateway-public.table.json"), "{").unwrap();
    let error = Stage::start(folder.path(), real()).stop().await.unwrap_err().to_string();
    assert!(error.contains("gateway-public.table.json"), "{error}");
}

#[tokio::test]
async fn requests_under_way_end_before_it_stops() {
    let backend = Backend::start().await;
    let (stage, _folder) = Stage::serving(table(1, &[backend.port])).await;
    let port = stage.port().await;
    backend.become_(crate::stage::Mood::Slow(Duration::from_millis(300)));
    let under_way = tokio::spawn(async move { ask(port, "POST", "/x", "kept").await.status });
    stage.until("it is under way", |status| status.instances.values().any(|view| view.in_flight == 1)).await;
    stage.stop().await.unwrap();
    assert_eq!(under_way.await.unwrap(), 200);
}

#[tokio::test]
async fn its_figures_can_be_scraped() {
    let backend = Backend::start().await;
    let (stage, folder) = Stage::serving(table(4, &[backend.port])).await;
    ask(stage.port().await, "GET", "/x", "").await;
    let mut stream =
        tokio::net::UnixStream::connect(folder.path().join("gateway-public.sock")).await.unwrap();
    let request = b"GET /metrics HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    tokio::io::AsyncWriteExt::write_all(&mut stream, request).await.unwrap();
    let mut page = String::new();
    tokio::io::AsyncReadExt::read_to_string(&mut stream, &mut page).await.unwrap();
    for line in [
        "dinghai_gateway_requests_total{route=\"/\",service=\"order\"} 1\n",
        "dinghai_gateway_failed_total{route=\"/\",service=\"order\"} 0\n",
        "dinghai_gateway_request_seconds_bucket{route=\"/\",service=\"order\",le=\"+Inf\"} 1\n",
        "dinghai_gateway_instance_share{instance=\"a\",service=\"order\"} 100\n",
        "dinghai_gateway_generation 4\n",
    ] {
        assert!(page.contains(line), "{line}{page}");
    }
}

#[tokio::test]
async fn draining_waits_for_what_is_under_way_and_says_what_it_had_to_leave() {
    let backend = Backend::start().await;
    let (stage, _folder) = Stage::serving(table(5, &[backend.port])).await;
    let drain = |within: Duration| Order {
        action: Action::Drain(vec!["a".into()]),
        deadline: SystemClock::new().now().plus(within),
        ..order(7, "a", 0)
    };
    let nothing = perform(&stage, &drain(SOON)).await.unwrap();
    assert_eq!(nothing, Performed::nothing());

    backend.become_(Mood::Slow(Duration::from_millis(700)));
    let port = stage.port().await;
    let slow = tokio::spawn(async move { ask(port, "POST", "/", "x").await });
    stage.until("a request is under way", |status| status.instances[&"a".into()].in_flight == 1).await;
    assert_eq!(look(&stage, &drain(SOON)).await, Looked::NotDone);
    let left = perform(&stage, &drain(Duration::from_millis(1010))).await.unwrap();
    assert_eq!(left.notes[0].code, "requests-not-drained");
    let drained = perform(&stage, &drain(SOON)).await.unwrap();
    assert_eq!(drained.notes[0], Reason::new("requests-drained").with("gateway", "public").with("n", 1));
    assert_eq!(slow.await.unwrap().status, 200);
    assert!(matches!(look(&stage, &drain(SOON)).await, Looked::Done(_)));
}
