//! Raw requests as attackers and bad instances write them, each with the answer that the RFCs ask for.
//!
//! The cases stand in `cases/`, written from RFC 9110 and RFC 9112 before the engine that they try. A request is refused, its
//! connection closed and *nothing of it reaches the instance*; or it is accepted, and the instance sees exactly what is
//! written there. After every case that leaves the connection open, another request is sent on it, so that a body that
//! was misread is found out.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "what fails here fails its test"
)]

mod case;
mod instance;
mod message;
#[expect(dead_code, reason = "the other tests of the gateway use more of the stage")]
#[path = "../traffic/stage.rs"]
mod stage;
mod talk;

use std::sync::Arc;

use dinghai_clock::SystemClock;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::case::Case;
use crate::instance::SENTINEL;
use crate::stage::{SOON, Stage, table};

/// Sends what the case sends, then the sentinel if the connection should be open, and reads to the end.
async fn converse(port: u16, case: &Case) -> Vec<u8> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    // It may be refused, and closed, before it is all sent.
    let _ = stream.write_all(&case.sent).await;
    let mut heard = vec![];
    let exchange = async {
        let mut asked = !case.open;
        loop {
            if !asked && statuses(case, &heard).len() >= case.statuses.len() {
                asked = true;
                let _ = stream.write_all(SENTINEL).await;
            }
            if matches!(stream.read_buf(&mut heard).await, Ok(0) | Err(_)) {
                return;
            }
        }
    };
    if tokio::time::timeout(SOON, exchange).await.is_err() {
        heard.extend_from_slice(b"(and then nothing)");
    }
    heard
}

fn statuses(case: &Case, heard: &[u8]) -> Vec<u16> {
    let text = String::from_utf8_lossy(heard);
    let status = |rest: &str| rest.get(..3).and_then(|status| status.parse().ok());
    let all = text.split("HTTP/1.1 ").skip(1).filter_map(status);
    all.filter(|status| Some(*status) != case.any).collect()
}

/// What is wrong with how the case went; nothing, when all is well.
fn wrong(case: &Case, heard: &[u8], seen: &[u8]) -> Option<String> {
    let mut heard = heard;
    if case.open {
        let at = heard.windows(9).rposition(|window| window == b"HTTP/1.1 ").unwrap_or(0);
        if !heard.ends_with(b"sentinel") {
            return Some(format!("the next request got: {}", String::from_utf8_lossy(heard)));
        }
        heard = &heard[..at];
    }
    let got = statuses(case, heard);
    if got != case.statuses {
        let heard = String::from_utf8_lossy(heard);
        return Some(format!("expected {:?}, got {got:?}: {heard}", case.statuses));
    }
    let (expected, seen) = (message::all(&case.seen, false), message::all(seen, false));
    if expected != seen {
        return Some(format!("the instance should have seen {expected:#?}\nand saw {seen:#?}"));
    }
    let expected = case.heard.as_ref()?;
    let bodiless = case.sent.starts_with(b"HEAD ");
    let (expected, heard) = (message::all(expected, bodiless), message::all(heard, bodiless));
    (expected != heard).then(|| format!("the client should have heard {expected:#?}\nand heard {heard:#?}"))
}

async fn run(text: &str) {
    let (instance, script) = instance::listen().await;
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage::start(folder.path(), Arc::new(SystemClock::new()));
    let mut wanted = table(1, &[instance]);
    // Only what the case sends may reach the instance.
    wanted.services.values_mut().for_each(|service| service.probe = None);
    stage.give(&wanted).await.unwrap();
    let port = stage.port().await;
    let mut failures = vec![];
    for case in case::read(text) {
        {
            let mut script = script.lock().unwrap();
            script.answer = case.answer.clone();
            script.closes = case.closes;
            script.seen.clear();
        }
        let heard = converse(port, &case).await;
        let seen = script.lock().unwrap().seen.clone();
        if let Some(what) = wrong(&case, &heard, &seen) {
            failures.push(format!("== {}\nrfc: {}\n{what}\n", case.name, case.rfc));
        }
    }
    assert!(failures.is_empty(), "{} cases failed:\n{}", failures.len(), failures.join("\n"));
}

macro_rules! suites {
    ($($name:ident: $file:literal,)*) => {
        $(
            #[tokio::test]
            async fn $name() {
                run(include_str!(concat!("cases/", $file))).await;
            }
        )*
    };
}

suites! {
    lengths: "length.txt",
    transfer_codings: "encoding.txt",
    chunks: "chunks.txt",
    heads: "head.txt",
    request_lines: "line.txt",
    targets: "target.txt",
    hosts: "host.txt",
    limits: "limits.txt",
    fields_of_one_connection: "hops.txt",
    pipelining: "pipelining.txt",
    expectations: "expect.txt",
    bad_instances: "instance.txt",
}
