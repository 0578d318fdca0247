//! What cannot be written as one message and one answer: things said between others, and late.

use std::sync::Arc;
use std::time::Duration;

use dinghai_clock::SystemClock;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixListener};

use crate::stage::{SOON, Stage, table};

/// A connection with one test's end of it.
struct Talk(TcpStream);

impl Talk {
    async fn say(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).await.unwrap();
    }

    /// Reads until `end` has come, and returns all that came.
    async fn hear(&mut self, end: &str) -> String {
        let mut heard = vec![];
        let reading = async {
            while !heard.ends_with(end.as_bytes()) {
                if self.0.read_buf(&mut heard).await.unwrap() == 0 {
                    break;
                }
            }
        };
        let _ = tokio::time::timeout(SOON, reading).await;
        let heard = String::from_utf8(heard).unwrap();
        assert!(heard.ends_with(end), "waited for {end:?}, heard {heard:?}");
        heard
    }

    /// Reads to the end of the connection.
    async fn rest(&mut self) -> String {
        let mut heard = vec![];
        // A reset is an end too.
        let _ = tokio::time::timeout(SOON, self.0.read_to_end(&mut heard)).await.unwrap();
        String::from_utf8(heard).unwrap()
    }
}

struct Scene {
    instance: TcpListener,
    stage: Stage,
    port: u16,
    _folder: tempfile::TempDir,
}

impl Scene {
    async fn new() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut dinghai_wire::Table)) -> Self {
        let instance = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let stage = Stage::start(folder.path(), Arc::new(SystemClock::new()));
        let mut wanted = table(1, &[instance.local_addr().unwrap().port()]);
        wanted.services.values_mut().for_each(|service| service.probe = None);
        change(&mut wanted);
        stage.give(&wanted).await.unwrap();
        let port = stage.port().await;
        Self { instance, stage, port, _folder: folder }
    }

    async fn client(&self) -> Talk {
        Talk(TcpStream::connect(("127.0.0.1", self.port)).await.unwrap())
    }

    async fn accept(&self) -> Talk {
        Talk(tokio::time::timeout(SOON, self.instance.accept()).await.unwrap().unwrap().0)
    }
}

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// RFC 9110, section 10.1.1: the client waits for what the instance says.
#[tokio::test]
async fn the_instance_decides_whether_a_body_is_sent() {
    let scene = Scene::new().await;
    let mut client = scene.client().await;
    client.say("POST /x HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n").await;
    let mut instance = scene.accept().await;
    assert!(instance.hear("\r\n\r\n").await.contains("expect: 100-continue\r\n"));
    instance.say("HTTP/1.1 100 Continue\r\n\r\n").await;
    assert_eq!(client.hear("\r\n\r\n").await, "HTTP/1.1 100 Continue\r\n\r\n");
    client.say("ab").await;
    instance.hear("ab").await;
    instance.say(OK).await;
    client.hear("ok").await;

    // Refused: nothing of a body is waited for, and the connection ends, because the client may have begun to send.
    client.say("POST /x HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n").await;
    instance.hear("\r\n\r\n").await;
    instance.say("HTTP/1.1 413 Content Too Large\r\ncontent-length: 0\r\n\r\n").await;
    let heard = client.rest().await;
    assert!(heard.starts_with("HTTP/1.1 413 ") && heard.contains("connection: close\r\n"), "{heard}");
}

/// RFC 9112, section 9.3.2 and 7: a response may begin, and end, while the request is still being sent.
#[tokio::test]
async fn both_ways_go_on_at_once() {
    let scene = Scene::new().await;
    let mut client = scene.client().await;
    client.say("POST /x HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n").await;
    let mut instance = scene.accept().await;
    instance.hear("\r\n\r\n").await;
    instance.say("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await;
    client.hear("\r\n\r\n").await;
    for word in ["one", "two", "six"] {
        client.say(&format!("3\r\n{word}\r\n")).await;
        instance.hear(&format!("3\r\n{word}\r\n")).await;
        instance.say(&format!("3\r\n{word}\r\n")).await;
        client.hear(&format!("3\r\n{word}\r\n")).await;
    }
    client.say("0\r\n\r\n").await;
    instance.hear("0\r\n\r\n").await;
    instance.say("0\r\n\r\n").await;
    client.hear("0\r\n\r\n").await;
    // Nothing is left over on either connection.
    client.say("GET /y HTTP/1.1\r\nhost: a\r\n\r\n").await;
    assert!(instance.hear("\r\n\r\n").await.starts_with("GET /y "));
    instance.say(OK).await;
    client.hear("ok").await;
}

/// RFC 9112, section 7.1: what follows a chunk that was passed on cannot be taken back; the request must not become whole.
#[tokio::test]
async fn a_bad_chunk_that_comes_late_completes_no_request() {
    let scene = Scene::new().await;
    let mut client = scene.client().await;
    client.say("POST /x HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n").await;
    let mut instance = scene.accept().await;
    instance.hear("2\r\nab\r\n").await;
    client.say("+2\r\nGET /evil HTTP/1.1\r\nhost: a\r\n\r\n").await;
    assert!(client.rest().await.starts_with("HTTP/1.1 400 "));
    assert_eq!(instance.rest().await, "");
}

/// RFC 9112, section 9.5 and 8: a client that has gone wants nothing any more, and has not been failed.
#[tokio::test]
async fn a_client_that_goes_takes_its_request_with_it() {
    let scene = Scene::new().await;
    let mut client = scene.client().await;
    client.say("GET /x HTTP/1.1\r\nhost: a\r\n\r\n").await;
    let mut instance = scene.accept().await;
    instance.hear("\r\n\r\n").await;
    drop(client);
    assert_eq!(instance.rest().await, "");
    let status = scene
        .stage
        .until("nothing is under way", |status| status.instances.values().all(|view| view.in_flight == 0))
        .await;
    assert!(status.routes.values().all(|route| route.requests == 0), "{status:?}");
}

/// RFC 9110, section 7.8: after 101 the connection is the other protocol's, from its first byte on.
#[tokio::test]
async fn an_upgraded_connection_carries_bytes_both_ways() {
    let scene = Scene::new().await;
    let mut client = scene.client().await;
    let ask = "GET /chat HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";
    // The client does not wait for the answer before it speaks.
    client.say(&format!("{ask}\0first")).await;
    let mut instance = scene.accept().await;
    assert!(instance.hear("\r\n\r\n").await.contains("connection: upgrade\r\nupgrade: websocket\r\n"));
    instance
        .say("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n\0hello")
        .await;
    let heard = client.hear("\0hello").await;
    assert!(heard.contains("connection: upgrade\r\n") && heard.contains("upgrade: websocket\r\n"), "{heard}");
    instance.hear("\0first").await;
    for word in ["GET / HTTP/1.1\r\n\r\n", "\r\n", "\0"] {
        client.say(word).await;
        instance.hear(word).await;
        instance.say(word).await;
        client.hear(word).await;
    }
    let counted = scene.stage.status().await.routes;
    assert_eq!(counted.values().map(|route| (route.requests, route.failed)).next(), Some((1, 0)));
    assert!(scene.stage.status().await.instances.values().any(|view| view.in_flight == 1));
    instance.0.shutdown().await.unwrap();
    assert_eq!(client.rest().await, "");
    client.0.shutdown().await.unwrap();
    assert_eq!(instance.rest().await, "");
}

/// RFC 9110, section 7.8: a refused upgrade is an ordinary answer.
#[tokio::test]
async fn a_refused_upgrade_leaves_the_connection_as_it_was() {
    let scene = Scene::new().await;
    let mut client = scene.client().await;
    client.say("GET /x HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n").await;
    let mut instance = scene.accept().await;
    instance.hear("\r\n\r\n").await;
    instance.say(OK).await;
    client.hear("ok").await;
    client.say("GET /y HTTP/1.1\r\nhost: a\r\n\r\n").await;
    instance.hear("\r\n\r\n").await;
    instance.say(OK).await;
    client.hear("ok").await;
}

/// RFC 9110, section 9.2.2: a request that is not idempotent is not repeated by itself, not even on a connection that died of
/// age.
#[tokio::test]
async fn a_request_that_is_not_idempotent_is_never_doubled() {
    let scene = Scene::new().await;
    let mut client = scene.client().await;
    client.say("GET /x HTTP/1.1\r\nhost: a\r\n\r\n").await;
    let mut instance = scene.accept().await;
    instance.hear("\r\n\r\n").await;
    instance.say(OK).await;
    client.hear("ok").await;
    client.say("POST /buy HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\nab").await;
    assert!(instance.hear("ab").await.starts_with("POST /buy "));
    drop(instance);
    assert!(client.hear("\n").await.starts_with("HTTP/1.1 502 "));
    let again = tokio::time::timeout(Duration::from_millis(1), scene.instance.accept()).await;
    assert!(again.is_err(), "it was sent a second time");
    // An idempotent one meets the same and is asked once more.
    client.say("GET /x HTTP/1.1\r\nhost: a\r\n\r\n").await;
    let mut instance = scene.accept().await;
    instance.hear("\r\n\r\n").await;
    instance.say(OK).await;
    client.hear("ok").await;
    client.say("GET /y HTTP/1.1\r\nhost: a\r\n\r\n").await;
    instance.hear("\r\n\r\n").await;
    drop(instance);
    scene.accept().await.hear("\r\n\r\n").await;
}

/// RFC 9112, section 9.6: an early answer arrives though its client is still sending.
#[tokio::test]
async fn an_answer_before_the_end_of_a_long_body_arrives() {
    let scene = Scene::new().await;
    let mut client = scene.client().await;
    client.say("POST /x HTTP/1.1\r\nhost: a\r\ncontent-length: 3000000\r\n\r\n").await;
    let mut instance = scene.accept().await;
    instance.hear("\r\n\r\n").await;
    client.say(&"x".repeat(200_000)).await;
    instance.say("HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno").await;
    assert!(client.rest().await.ends_with("no"));
}

/// RFC 9112, section 3: a head may come in any pieces.
#[tokio::test]
async fn a_head_in_pieces_is_one_head() {
    let scene = Scene::new().await;
    let mut client = scene.client().await;
    for piece in ["G", "ET /x HT", "TP/1.1\r", "\nho", "st: a\r\n\r", "\n"] {
        client.say(piece).await;
        tokio::task::yield_now().await;
    }
    let mut instance = scene.accept().await;
    assert!(instance.hear("\r\n\r\n").await.starts_with("GET /x HTTP/1.1\r\nhost: a\r\n"));
    instance.say("HTTP/1.1 200 OK\r\nconte").await;
    instance.say("nt-length: 2\r\n\r\no").await;
    instance.say("k").await;
    client.hear("ok").await;
}

#[tokio::test]
async fn an_instance_may_listen_on_a_unix_socket_and_clients_may_come_over_ipv6() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let scene = Scene::with(|table| {
        for member in table.services.values_mut().flat_map(|service| service.members.values_mut()) {
            (member.address.host, member.address.port) = (path.to_str().unwrap().to_owned(), 0);
        }
        table.listeners = [("public".into(), "[::1]:0".parse().unwrap())].into();
    })
    .await;
    let mut client = Talk(TcpStream::connect(("::1", scene.port)).await.unwrap());
    client.say("GET /x HTTP/1.1\r\nhost: a\r\n\r\n").await;
    let (mut instance, _) = tokio::time::timeout(SOON, listener.accept()).await.unwrap().unwrap();
    let mut asked = vec![];
    while !asked.ends_with(b"\r\n\r\n") {
        assert!(instance.read_buf(&mut asked).await.unwrap() > 0);
    }
    assert!(String::from_utf8(asked).unwrap().contains("x-forwarded-for: ::1\r\n"));
    instance.write_all(OK.as_bytes()).await.unwrap();
    client.hear("ok").await;
}

/// RFC 9110, section 9.3.2 (HEAD) and RFC 9112, section 9.3 (HTTP/1.0 and `close`): they hold for our own answers too.
#[tokio::test]
async fn our_own_answers_end_where_the_client_expects_it() {
    let scene = Scene::with(|table| table.routes[0].path = "/api".to_owned()).await;
    let mut client = scene.client().await;
    client.say("HEAD /x HTTP/1.1\r\nhost: a\r\n\r\nGET /y HTTP/1.1\r\nhost: a\r\n\r\n").await;
    let heard = client.hear("}\n").await;
    assert_eq!(heard.matches("HTTP/1.1 404 Not Found\r\n").count(), 2, "{heard}");
    assert_eq!(heard.matches("no-route\",").count(), 1, "one has a body: {heard}");
    for last in ["GET /x HTTP/1.0\r\n\r\n", "GET /x HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"] {
        let mut client = scene.client().await;
        client.say(last).await;
        let heard = client.rest().await;
        assert!(heard.starts_with("HTTP/1.1 404 ") && heard.contains("connection: close\r\n"), "{heard}");
    }
    // An instance that closes is answered for in the same way.
    let mut client = scene.client().await;
    client.say("HEAD /api HTTP/1.1\r\nhost: a\r\n\r\n").await;
    drop(scene.accept().await);
    assert!(client.hear("\r\n\r\n").await.starts_with("HTTP/1.1 502 "));
    client.say("GET /x HTTP/1.1\r\nhost: a\r\n\r\n").await;
    assert!(client.hear("}\n").await.starts_with("HTTP/1.1 404 "));
}

/// What a client holds back is no failure of the instance that waits for it.
#[tokio::test]
async fn a_client_that_holds_back_its_body_ejects_nobody() {
    let scene = Scene::new().await;
    for _ in 0..4 {
        let mut client = scene.client().await;
        client.say("POST /x HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\na").await;
        let mut instance = scene.accept().await;
        instance.hear("\r\n\r\na").await;
        // As servers do that have waited for long enough.
        drop(instance);
        assert!(client.rest().await.starts_with("HTTP/1.1 502 "));
    }
    let status = scene.stage.status().await;
    assert!(status.instances.values().all(|instance| instance.ejected.is_none()), "{status:#?}");
}

/// RFC 9112, section 8: HTTP/1.0 without a length ends with the connection, so that one that was cut must not end in order.
#[tokio::test]
async fn a_cut_answer_does_not_look_whole_to_http_1_0() {
    let scene = Scene::new().await;
    let mut client = scene.client().await;
    client.say("GET /x HTTP/1.0\r\nhost: a\r\n\r\n").await;
    let mut instance = scene.accept().await;
    instance.hear("\r\n\r\n").await;
    instance.say("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n").await;
    client.hear("abc").await;
    drop(instance);
    let end = tokio::time::timeout(SOON, client.0.read(&mut [0])).await.unwrap();
    assert_eq!(end.unwrap_err().kind(), std::io::ErrorKind::ConnectionReset);
}

/// A client that has gone takes its request with it, also when the last of its body came while the answer was on its way.
#[tokio::test]
async fn a_client_that_goes_during_the_answer_is_noticed() {
    let scene = Scene::with(|table| table.routes[0].timeout_ms = 60_000).await;
    let mut client = scene.client().await;
    client.say("POST /x HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\na").await;
    let mut instance = scene.accept().await;
    instance.hear("\r\n\r\na").await;
    instance.say("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\no").await;
    client.hear("o").await;
    client.say("b").await;
    instance.hear("b").await;
    drop(client);
    assert_eq!(instance.rest().await, "");
}
