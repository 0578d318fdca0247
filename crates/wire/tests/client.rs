//! What a client makes of the answers it can get.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on panics")]

use std::path::PathBuf;
use std::time::Duration;

use dinghai_record::{Fence, Reason};
use dinghai_wire::{Charge, Fenced, HaltState, Refusal, UnixClient, WireError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixListener;

const SOON: Duration = Duration::from_secs(10);

/// Answers every connection with these bytes, after it has read a request's head; keeps the connection open.
async fn unit(answer: String) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("unit.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    tokio::spawn(async move {
        let mut open = vec![];
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = vec![0; 4096];
            let _ = stream.read(&mut head).await.unwrap();
            stream.write_all(answer.as_bytes()).await.unwrap();
            open.push(stream);
        }
    });
    (folder, socket)
}

fn http(status: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

async fn asked(answer: String, within: Duration) -> Result<HaltState, WireError> {
    let (_folder, socket) = unit(answer).await;
    UnixClient::new(socket).get("/state", within).await
}

#[tokio::test]
async fn an_answer_is_read_and_unknown_fields_are_ignored() {
    let state = asked(http("200 OK", r#"{"halted":true,"since":"a newer version"}"#), SOON).await.unwrap();
    assert_eq!(state, HaltState { halted: true });
}

#[tokio::test]
async fn a_refusal_keeps_its_reason() {
    let refusal = Refusal::Refused(Reason::new("place-held-lost").with("place", "hz-a"));
    let body = serde_json::to_string(&refusal).unwrap();
    match asked(http("422 Unprocessable Content", &body), SOON).await {
        Err(WireError::Refused(told)) => assert_eq!(told, refusal),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn words_that_are_no_refusal_are_strange() {
    match asked(http("500 Internal Server Error", "oh"), SOON).await {
        Err(WireError::Strange { status: 500, body, .. }) => assert_eq!(body, "oh"),
        other => panic!("{other:?}"),
    }
    assert!(matches!(
        asked(http("200 OK", "not json"), SOON).await,
        Err(WireError::Strange { status: 200, .. })
    ));
}

#[tokio::test]
async fn nobody_on_the_socket_is_told_from_silence() {
    let folder = tempfile::tempdir().unwrap();
    let nobody = UnixClient::new(folder.path().join("none.sock"));
    let answer: Result<HaltState, _> = nobody.get("/state", SOON).await;
    assert!(matches!(answer, Err(WireError::Unreachable { .. })), "nothing was asked, so nothing was done");
    let cut =
        asked("HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{".to_owned(), Duration::from_millis(50)).await;
    assert!(matches!(cut, Err(WireError::NoAnswer { .. })), "it may have been carried out");
}

#[test]
fn a_fenced_body_stands_beside_its_fence() {
    let fence = Fence { incarnation: "s".to_owned(), lease: 3 };
    let fenced = Fenced { fence: fence.clone(), body: Charge::default() };
    let text = serde_json::to_string(&fenced).unwrap();
    assert_eq!(text, r#"{"fence":{"incarnation":"s","lease":3},"instances":{},"programs":[]}"#);
    let back: Fenced<Charge> = serde_json::from_str(&text).unwrap();
    assert_eq!((back.fence, back.body), (fence, Charge::default()));
}
