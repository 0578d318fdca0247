//! Exchanges on one thread, with a client whose socket is small and a clock that jumps.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use dinghai_clock::{SystemClock, Timestamp};
use dinghai_estate::{Address, Balance, CutOff, Priority};
use dinghai_wire::{Member, ServiceTable, Table, TableRoute};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::task::LocalSet;

use crate::accept::Door;
use crate::client::{Client, serve};
use crate::core::Core;
use crate::routing::Routing;
use crate::socket::Socket;
use crate::worker::{Bell, Worker};

struct Scene {
    worker: Rc<Worker>,
    instance: TcpListener,
}

impl Scene {
    async fn new() -> Self {
        let instance = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = Address { host: "127.0.0.1".to_owned(), port: instance.local_addr().unwrap().port() };
        let member = Member { address, share: 100, places: vec![] };
        let route = TableRoute {
            id: "/".into(),
            listener: "public".into(),
            host: None,
            path: "/".to_owned(),
            to: "order".into(),
            priority: Priority::Normal,
            balance: Balance::LeastRequest,
            when_cut_off: CutOff::Serve,
            timeout_ms: 15_000,
        };
        let service = ServiceTable { probe: None, members: [("a".into(), member)].into() };
        let table = Table {
            generation: 1,
            gateway: "public".into(),
            listeners: [("public".into(), "127.0.0.1:0".parse().unwrap())].into(),
            routes: vec![route],
            services: BTreeMap::from([("order".into(), service)]),
            trusted_proxies: vec![],
            panic_below: 0.5,
        };
        let core = Core::new("public".into(), Arc::new(SystemClock::new()), Bell::default());
        core.routing.store(Arc::new(Routing::of(table, &Routing::empty(), Timestamp::from_micros(0), 1)));
        Self { worker: Rc::new(Worker::new(Arc::new(core), 0)), instance }
    }

    /// A client's end of a connection that is served.
    async fn client(&self) -> UnixStream {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let _over = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (stream, peer) = listener.accept().await.unwrap();
        let (near, far) = UnixStream::pair().unwrap();
        let mut client =
            Client::new(Rc::clone(&self.worker), Door::new("public".into()).enter(), stream, peer);
        client.socket = Socket::Unix(near);
        tokio::task::spawn_local(serve(client));
        far
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
    let scene = Scene::new().await;
    scene
        .run(async |scene| {
            let mut client = scene.client().await;
            client.write_all(b"GET /x HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
            let (mut instance, _) = scene.instance.accept().await.unwrap();
            hear(&mut instance, "\r\n\r\n").await;
            // More than the client's socket holds.
            let hint = format!("HTTP/1.1 103 Early Hints\r\nlink: {}\r\n\r\n", "x".repeat(60_000));
            for _ in 0..8 {
                instance.write_all(hint.as_bytes()).await.unwrap();
            }
            drop(instance);
            // It reads once the request has failed.
            let counted = || {
                let status = scene.worker.routing(|routing| {
                    routing.routes().map(|route| route.counters.totals(&"order".into()).failed).sum::<u64>()
                });
                status == 1
            };
            while !counted() {
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
    let scene = Scene::new().await;
    scene
        .run(async |scene| {
            for _ in 0..4 {
                let mut client = scene.client().await;
                client.write_all(b"POST /x HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\na").await.unwrap();
                let (mut instance, _) = scene.instance.accept().await.unwrap();
                hear(&mut instance, "\r\n\r\na").await;
                tokio::time::sleep(Duration::from_millis(14_900)).await;
                client.write_all(b"b").await.unwrap();
                hear(&mut instance, "b").await;
                assert!(hear(&mut client, "}\n").await.starts_with("HTTP/1.1 504 "));
                // Something else has been heard from it meanwhile.
            }
            let passing = scene.worker.routing(|routing| {
                routing
                    .services
                    .values()
                    .flat_map(|service| &service.members)
                    .all(|seat| seat.instance.is_passing())
            });
            assert!(passing);
        })
        .await;
}
