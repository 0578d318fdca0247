use std::collections::BTreeMap;

use dinghai_clock::{SystemClock, Timestamp};
use dinghai_record::Second;
use dinghai_wire::{InstanceView, Reflex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixListener;
use tokio::sync::mpsc;

use super::*;

fn view(health: Health) -> InstanceView {
    InstanceView {
        health,
        seen: None,
        took_us: Some(900),
        ejected: None,
        in_flight: 0,
        share: 40,
        resolved: None,
    }
}

fn status(started: i64, reflexes: &[u64]) -> GatewayStatus {
    let reflex = |no: &u64| Reflex {
        no: *no,
        at: Timestamp::from_micros(*no as i64),
        instance: "a".into(),
        ejected: (no % 2 == 1).then_some(Cause::Refused),
        in_flight: 3,
    };
    GatewayStatus {
        version: "1".to_owned(),
        gateway: "public".into(),
        pid: 7,
        started: Timestamp::from_micros(started),
        now: Timestamp::EPOCH,
        generation: 12,
        fence: None,
        halted: false,
        listening: BTreeMap::new(),
        instances: [("a".into(), view(Health::Up)), ("b".into(), view(Health::Unknown))].into(),
        routes: BTreeMap::new(),
        redirected: BTreeMap::new(),
        certificates: vec![],
        broken_certificates: BTreeMap::new(),
        seconds: [("r".into(), vec![Second { at_s: 1, ..Second::default() }])].into(),
        reflexes: reflexes.iter().map(reflex).collect(),
    }
}

#[test]
fn what_a_gateway_does_not_know_is_not_told() {
    let told = told_by(&"public".into(), status(1, &[]), Timestamp::EPOCH);
    let about = |id: &str| told.iter().filter(|each| each.about == Subject::Instance(id.into())).count();
    assert_eq!((about("a"), about("b")), (1, 0));
}

#[test]
fn a_reflex_keeps_its_own_time() {
    let told = told_by(&"public".into(), status(1, &[3, 4]), Timestamp::from_micros(99));
    let reflexes: Vec<_> = told
        .iter()
        .filter(|each| matches!(each.seen, Seen::Ejected(_) | Seen::Readmitted))
        .map(|each| (each.at.as_micros(), each.seen.clone()))
        .collect();
    assert_eq!(reflexes, [(3, Seen::Ejected(Cause::Refused)), (4, Seen::Readmitted)]);
}

/// Answers with each of these in turn, then hangs up; remembers what was asked.
async fn gateway(answers: Vec<GatewayStatus>) -> (tempfile::TempDir, UnixClient, mpsc::Receiver<String>) {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("gateway.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    let (asked, questions) = mpsc::channel(16);
    tokio::spawn(async move {
        for answer in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = vec![0; 4096];
            let read = stream.read(&mut head).await.unwrap();
            let line = String::from_utf8_lossy(&head[..read]).lines().next().unwrap_or_default().to_owned();
            asked.send(line).await.unwrap();
            let body = serde_json::to_string(&answer).unwrap();
            let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    (folder, UnixClient::new(socket), questions)
}

#[tokio::test]
async fn reflexes_are_asked_for_from_where_they_were_told_and_anew_after_a_restart() {
    let answers = vec![status(1, &[1, 2]), status(1, &[]), status(2, &[3]), status(2, &[1])];
    let (_folder, client, mut questions) = gateway(answers).await;
    let (sink, mut told) = mpsc::channel(1024);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let watching = tokio::spawn(watch_gateway("public".into(), client, clock, sink));
    let mut asked = vec![];
    for _ in 0..4 {
        asked.push(questions.recv().await.unwrap());
    }
    let after: Vec<bool> = asked
        .iter()
        .zip(["after=0&", "after=2&", "after=2&", "after=0&"])
        .map(|(line, wanted)| line.contains(wanted))
        .collect();
    assert_eq!(after, [true; 4], "{asked:?}");
    // Nobody answers any more: that is told at once.
    let mut silent = false;
    while let Some(observation) = told.recv().await {
        if observation.about == Subject::Gateway("public".into())
            && matches!(observation.seen, Seen::NoAnswer(_))
        {
            silent = true;
            break;
        }
    }
    assert!(silent);
    watching.abort();
}
