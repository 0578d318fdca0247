//! The console as it is run: another port when its own is taken, and the socket for the users of the machine.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

#[path = "../examples/shop/mod.rs"]
mod shop;

use std::path::Path;
use std::sync::Arc;

use dinghai_clock::{Clock as _, SystemClock};
use dinghai_ports::Journal as _;
use dinghai_record::{Actor, Personal};
use dinghai_serve::{Bound, ServeConfig, ServeError, run, socket_path};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, UnixStream};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

struct Running {
    bound: Bound,
    memory: Arc<shop::Memory>,
    stop: watch::Sender<bool>,
    ended: JoinHandle<Result<(), ServeError>>,
}

async fn start(listen: std::net::SocketAddr, data_dir: &Path) -> Running {
    let now = SystemClock::new().now();
    let estate = shop::estate();
    let world = shop::world(&estate, now);
    let memory = Arc::new(shop::history(now));
    let handle = shop::handle(estate, world, memory.clone());
    let (bound, told) = oneshot::channel();
    let (stop, stopped) = watch::channel(false);
    let config = ServeConfig { listen, data_dir: data_dir.to_owned(), bound };
    let ended = tokio::spawn(run(config, handle, stopped));
    Running { bound: told.await.unwrap(), memory, stop, ended }
}

async fn ask(path: &Path, request: &str) -> String {
    let mut socket = UnixStream::connect(path).await.unwrap();
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn a_taken_port_is_told_and_another_one_is_used() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let wished = taken.local_addr().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let running = start(wished, dir.path()).await;
    assert!(!running.bound.as_wished);
    assert_ne!(running.bound.address, wished);
    assert!(running.bound.address.ip().is_loopback());
    let kept = std::fs::read_to_string(dir.path().join("run/console")).unwrap();
    assert_eq!(kept.trim(), running.bound.url());
}

#[tokio::test]
async fn only_the_first_start_makes_a_link() {
    let dir = tempfile::tempdir().unwrap();
    let any = "127.0.0.1:0".parse().unwrap();
    let first = start(any, dir.path()).await;
    assert!(first.bound.first_link.is_some());
    first.stop.send(true).unwrap();
    first.ended.await.unwrap().unwrap();
    assert!(!socket_path(dir.path()).exists());
    assert!(start(any, dir.path()).await.bound.first_link.is_none());
}

#[tokio::test]
async fn a_user_of_the_machine_is_an_operator_under_their_own_name() {
    let dir = tempfile::tempdir().unwrap();
    let running = start("127.0.0.1:0".parse().unwrap(), dir.path()).await;
    let socket = socket_path(dir.path());
    let body = r#"{"reason":"a test"}"#;
    let halt = format!(
        "POST /api/v1/halt HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let answer = ask(&socket, &halt).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let (by, _, reason) = running.memory.book().halted.clone().unwrap();
    assert_eq!(reason, "a test");
    assert!(matches!(by, Actor::Operator(Personal::Known { subject, .. }) if subject.starts_with("uid-")));
    let plans =
        ask(&socket, "GET /api/v1/plans HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await;
    assert!(plans.contains("\"plans\""), "{plans}");
}
