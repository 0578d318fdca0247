//! Shoppers against small servers that misbehave in known ways.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::{Arrivals, FailureKind, Load, LoadHandle, LoadPlan, Snapshot, Template};
use dinghai_clock::SystemClock;
use http::Method;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
const DEADLINE: Duration = Duration::from_secs(20);

/// Serves every connection with `serve`, which is told how many connections came before it.
async fn server<F, T>(serve: F) -> SocketAddr
where
    F: Fn(usize, TcpStream) -> T + Send + 'static,
    T: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        for number in 0.. {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(serve(number, stream));
        }
    });
    address
}

/// The head of the next request; the requests of these tests have bodies only where `read_body` is told so.
async fn read_head(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    Some(String::from_utf8(head).unwrap())
}

fn plan(target: SocketAddr, method: Method) -> LoadPlan {
    LoadPlan {
        target,
        arrivals: Arrivals::Constant(200.0),
        mix: vec![Template { method, path: "/item/{n}".to_owned(), body: None, weight: 1 }],
        seed: 1,
        timeout: Duration::from_secs(5),
        connections: 8,
        phase: "steady".to_owned(),
    }
}

fn start(plan: LoadPlan) -> LoadHandle {
    Load::start(plan, Arc::new(SystemClock::new())).unwrap()
}

async fn until(load: &LoadHandle, met: impl Fn(&Snapshot) -> bool) {
    let wait = async {
        while !met(&load.snapshot()) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(DEADLINE, wait).await.expect("the load did not get there in time");
}

#[tokio::test]
async fn every_request_is_answered_and_counted_by_phase_and_method() {
    let address = server(async |_, mut stream| {
        while read_head(&mut stream).await.is_some() {
            stream.write_all(OK).await.unwrap();
        }
    })
    .await;
    let mut plan = plan(address, Method::GET);
    plan.arrivals = Arrivals::Poisson(400.0);
    plan.mix.push(Template { method: Method::POST, path: "/order".to_owned(), body: None, weight: 1 });
    let load = start(plan);
    until(&load, |seen| seen.total().ok >= 20).await;
    load.mark("storm");
    until(&load, |seen| seen.phases.len() == 2 && seen.phases[1].total().ok >= 20).await;
    let seen = load.stop().await;

    assert_eq!((seen.in_flight, seen.total().failed()), (0, 0));
    let labels: Vec<&str> = seen.phases.iter().map(|phase| phase.label.as_str()).collect();
    assert_eq!(labels, ["steady", "storm"]);
    let methods: Vec<&String> = seen.phases[0].methods.keys().collect();
    assert_eq!(methods, ["GET", "POST"]);
    assert!(seen.phases[1].latency.unwrap().p50_us > 0);
    let after = load.snapshot();
    assert_eq!(after.total(), seen.total(), "nothing is sent after the stop");
}

#[tokio::test]
async fn nobody_listening_is_told_apart_from_a_failed_answer() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let load = start(plan(free, Method::GET));
    until(&load, |seen| seen.total().refused >= 3).await;
    assert_eq!(load.stop().await.total().status, 0);

    let address = server(async |_, mut stream| {
        while read_head(&mut stream).await.is_some() {
            let answer = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n";
            stream.write_all(answer).await.unwrap();
        }
    })
    .await;
    let load = start(plan(address, Method::GET));
    until(&load, |seen| seen.total().status >= 3).await;
    let seen = load.stop().await;
    assert_eq!(seen.total().failed(), seen.total().status);
    assert_eq!(seen.failures[0].kind, FailureKind::Status(503));
    assert_eq!(seen.failures[0].path, "/item/0");
}

#[tokio::test]
async fn arrivals_do_not_wait_for_answers_and_a_silent_server_times_out() {
    let held = Arc::new(AtomicUsize::new(0));
    let seen_by_server = held.clone();
    let address = server(move |_, mut stream| {
        let held = seen_by_server.clone();
        async move {
            read_head(&mut stream).await;
            held.fetch_add(1, Ordering::SeqCst);
            // Never answered: the connection stays open until the shopper gives up.
            read_head(&mut stream).await;
        }
    })
    .await;
    let mut plan = plan(address, Method::GET);
    plan.timeout = Duration::from_millis(500);
    let load = start(plan);
    until(&load, |seen| seen.in_flight > 20).await;
    assert_eq!(held.load(Ordering::SeqCst), 8, "no more connections than allowed, though more requests wait");
    until(&load, |seen| seen.total().timeout > 0).await;
    let seen = load.stop().await;
    assert_eq!(seen.total().failed(), seen.total().timeout);
    assert_eq!(seen.in_flight, 0);
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_a_cut_and_is_not_repeated() {
    let address = server(async |_, mut stream| {
        read_head(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf").await.unwrap();
    })
    .await;
    let load = start(plan(address, Method::GET));
    until(&load, |seen| seen.total().cut >= 3).await;
    let total = load.stop().await.total();
    assert_eq!((total.ok, total.cut, total.reconnected), (0, total.reset, 0));
}

/// The first connection answers once and closes on the next request without a byte; all others work.
async fn server_that_closes_a_kept_connection() -> SocketAddr {
    server(async |number, mut stream| {
        let mut answered = 0;
        while read_head(&mut stream).await.is_some() {
            if number == 0 && answered == 1 {
                return;
            }
            stream.write_all(OK).await.unwrap();
            answered += 1;
        }
    })
    .await
}

#[tokio::test]
async fn a_get_on_a_closed_kept_connection_is_sent_once_more() {
    let mut plan = plan(server_that_closes_a_kept_connection().await, Method::GET);
    plan.connections = 1;
    let load = start(plan);
    until(&load, |seen| seen.total().ok >= 5).await;
    let total = load.stop().await.total();
    assert_eq!((total.failed(), total.reconnected), (0, 1));
}

#[tokio::test]
async fn a_post_on_a_closed_kept_connection_fails_and_is_never_repeated() {
    let mut plan = plan(server_that_closes_a_kept_connection().await, Method::POST);
    plan.connections = 1;
    let load = start(plan);
    until(&load, |seen| seen.total().ok >= 5).await;
    let seen = load.stop().await;
    assert_eq!((seen.total().reset, seen.total().reconnected), (1, 0));
    assert_eq!((seen.failures[0].kind, seen.failures[0].cut), (FailureKind::Reset, false));
}

#[tokio::test]
async fn a_fresh_connection_that_breaks_is_not_tried_again() {
    let address = server(async |_, mut stream| {
        read_head(&mut stream).await;
    })
    .await;
    let load = start(plan(address, Method::GET));
    until(&load, |seen| seen.total().reset >= 3).await;
    let total = load.stop().await.total();
    assert_eq!((total.ok, total.reconnected, total.cut), (0, 0, 0));
}
