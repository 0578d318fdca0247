//! Exchanges on one thread, with a client whose socket is small and a clock that jumps.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use dinghai_clock::{SystemClock, Timestamp};
use dinghai_estate::{Address, Balance, CutOff, Edits, Priority, Split, When};
use dinghai_wire::{Member, ServiceTable, Table, TableRoute};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::task::LocalSet;

use crate::accept::Door;
use crate::client::{Client, serve};
use crate::core::Core;
use crate::routing::Routing;
use crate::socket::Socket;
use crate::worker::{Bell, Worker};

struct Scene {
    worker: Rc<Worker>,
}

impl Scene {
    async fn new() -> (Self, TcpListener) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        (Self::with(Address { host: "127.0.0.1".to_owned(), port }), listener)
    }

    /// What is written to a Unix socket is there at once: a clock that jumps would overtake bytes on a network.
    fn on_a_socket() -> (Self, UnixListener, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("app.sock");
        let listener = UnixListener::bind(&path).unwrap();
        let address = Address { host: path.to_str().unwrap().to_owned(), port: 0 };
        (Self::with(address), listener, folder)
    }

    /// With one instance that listens there.
    fn with(address: Address) -> Self {
        let member = Member { address, share: 100, places: vec![] };
        let route = TableRoute {
            id: "/".into(),
            listener: "public".into(),
            host: None,
            path: "/".to_owned(),
            when: When::default(),
            split: Split::default(),
            edits: Edits::default(),
            to: "order".into(),
            priority: Priority::Normal,
            balance: Balance::LeastRequest,
            when_cut_off: CutOff::Serve,
            timeout_ms: 15_000,
        };
        let service = ServiceTable {
            probe: None,
            tls: None,
            proxy_protocol: None,
            members: [("a".into(), member)].into(),
        };
        let table = Table {
            generation: 1,
            gateway: "public".into(),
            listeners: [("public".into(), "127.0.0.1:0".parse().unwrap())].into(),
            routes: vec![route],
            redirects: vec![],
            entrances: BTreeMap::new(),
            services: BTreeMap::from([("order".into(), service)]),
            trusted_proxies: vec![],
            panic_below: 0.5,
        };
        let core = Core::new("public".into(), Arc::new(SystemClock::new()), Bell::default());
        core.routing.store(Arc::new(Routing::of(table, &Routing::empty(), Timestamp::from_micros(0), 1)));
        Self { worker: Rc::new(Worker::new(Arc::new(core), 0)) }
    }

    /// A client's end of a connection that is served.
    async fn client(&self) -> UnixStream {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let _over = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (_stream, peer) = listener.accept().await.unwrap();
        let (near, far) = UnixStream::pair().unwrap();
        let door = Door::new("public".into(), Arc::default()).enter();
        tokio::task::spawn_local(serve(Client::new(Rc::clone(&self.worker), door, Socket::Unix(near), peer)));
        far
    }

    fn is_passing(&self) -> bool {
        self.worker.routing(|routing| {
            routing
                .services
                .values()
                .flat_map(|service| &service.members)
                .all(|seat| seat.instance.is_passing())
        })
    }

    async fn run(self, play: impl AsyncFnOnce(&Self)) {
        LocalSet::new()
            .run_until(async {
                let turning = Rc::clone(&self.worker);
                let turning = tokio::task::spawn_local(async move { turning.wheel.turn().await });
                play(&self).await;
                turning.abort();
            })
            .await;
    }
}

async fn hear(stream: &mut (impl AsyncReadExt + Unpin), end: &str) -> String {
    let mut heard = vec![];
    while !heard.ends_with(end.as_bytes()) {
        assert!(stream.read_buf(&mut heard).await.unwrap() > 0, "{}", heard.escape_ascii());
    }
    String::from_utf8(heard).unwrap()
}

/// An interim answer of which the client has a part is told to its end, whatever becomes of the instance.
#[tokio::test]
async fn an_interim_answer_that_has_begun_is_ended_before_another_begins() {
    let (scene, listener) = Scene::new().await;
    scene
        .run(async |scene| {
            let mut client = scene.client().await;
            client.write_all(b"GET /x HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
            let (mut instance, _) = listener.accept().await.unwrap();
            hear(&mut instance, "\r\n\r\n").await;
            // More than the client's socket holds.
            let hint = format!("HTTP/1.1 103 Early Hints\r\nlink: {}\r\n\r\n", "x".repeat(60_000));
            for _ in 0..8 {
                instance.write_all(hint.as_bytes()).await.unwrap();
            }
            drop(instance);
            // It reads once the request has failed.
            let failed = || {
                let counters = scene
                    .worker
                    .routing(|routing| routing.routes().next().map(|route| Arc::clone(&route.counters)));
                counters.unwrap().totals(&"order".into()).failed
            };
            while failed() == 0 {
                tokio::task::yield_now().await;
            }
            let heard = hear(&mut client, "}\n").await;
            let (hints, rest) = heard.split_at(heard.find("HTTP/1.1 502 ").unwrap());
            assert!(
                hints.len() > hint.len() && hints.len() % hint.len() == 0,
                "{} of {}",
                hints.len(),
                hint.len()
            );
            assert_eq!(hints, hint.repeat(hints.len() / hint.len()));
            assert_eq!(rest.matches("HTTP/1.1 ").count(), 1);
        })
        .await;
}

/// Who gets the end of a request when there is no time left has not been too slow.
#[tokio::test(start_paused = true)]
async fn a_client_that_sends_its_last_byte_too_late_ejects_nobody() {
    let (scene, listener, _folder) = Scene::on_a_socket();
    scene
        .run(async |scene| {
            for _ in 0..4 {
                let mut client = scene.client().await;
                client.write_all(b"POST /x HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\na").await.unwrap();
                let (mut instance, _) = listener.accept().await.unwrap();
                hear(&mut instance, "\r\n\r\na").await;
                tokio::time::sleep(Duration::from_millis(14_900)).await;
                client.write_all(b"b").await.unwrap();
                hear(&mut instance, "b").await;
                assert!(hear(&mut client, "}\n").await.starts_with("HTTP/1.1 504 "));
            }
            assert!(scene.is_passing());
        })
        .await;
}

/// Who takes a long body slowly is not silent.
#[tokio::test(start_paused = true)]
async fn instances_that_take_long_bodies_slowly_are_not_ejected() {
    const BODY: usize = 1 << 20;
    let (scene, listener, _folder) = Scene::on_a_socket();
    scene
        .run(async |scene| {
            let uploads = (0..4).map(async |_| {
                let mut client = scene.client().await;
                let head = format!("POST /x HTTP/1.1\r\nhost: a\r\ncontent-length: {BODY}\r\n\r\n");
                client.write_all(head.as_bytes()).await.unwrap();
                let (mut instance, _) = listener.accept().await.unwrap();
                hear(&mut instance, "\r\n\r\n").await;
                let (mut from, mut to) = client.split();
                let sending = async { to.write_all(&vec![b'x'; BODY]).await.unwrap() };
                let taking = async {
                    let (mut bytes, mut left) = (vec![0; 64 << 10], BODY);
                    while left > 0 {
                        tokio::time::sleep(Duration::from_millis(400)).await;
                        let most = bytes.len().min(left);
                        left -= instance.read_exact(&mut bytes[..most]).await.unwrap();
                    }
                    instance.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await.unwrap();
                };
                let ((), (), heard) = tokio::join!(sending, taking, hear(&mut from, "ok"));
                assert!(heard.starts_with("HTTP/1.1 200 "));
                assert!(scene.is_passing());
            });
            let mut uploads: Vec<_> = uploads.map(Box::pin).collect();
            let [a, b, c, d] = &mut uploads[..] else { unreachable!() };
            tokio::join!(a, b, c, d);
        })
        .await;
}

/// A reset may be met by a write first. It is no end of an answer that ends with the connection.
#[tokio::test]
async fn an_answer_that_was_reset_is_not_whole_because_a_write_has_met_the_reset() {
    let (scene, listener) = Scene::new().await;
    scene
        .run(async |scene| {
            let mut client = scene.client().await;
            client.write_all(b"POST /x HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\na").await.unwrap();
            let (mut instance, _) = listener.accept().await.unwrap();
            hear(&mut instance, "\r\n\r\na").await;
            // All in one turn: answer, reset, and more of the request.
            instance.write_all(b"HTTP/1.1 200 OK\r\n\r\nhalf").await.unwrap();
            instance.set_zero_linger().unwrap();
            drop(instance);
            client.write_all(b"b").await.unwrap();
            let mut heard = String::new();
            client.read_to_string(&mut heard).await.unwrap();
            assert!(!heard.ends_with("0\r\n\r\n"), "{heard}");
        })
        .await;
}
