//! A gateway, instances that misbehave on demand, and clients.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use dinghai_clock::{Clock, SystemClock};
use dinghai_estate::{
    Address, Balance, Check, CutOff, Edits, GatewayId, InstanceId, ListenerId, PlaceId, Priority, ProbeSpec,
    RouteId, ServiceId, Split, When,
};
use dinghai_gateway::{GatewayConfig, GatewayError, run};
use dinghai_record::Fence;
use dinghai_wire::{Fenced, GatewayStatus, Member, ServiceTable, Table, TableRoute, UnixClient, WireError};
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};
use tokio::task::{JoinHandle, JoinSet};

/// Everything that is waited for comes within this.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// What an instance does with requests; its probes on `/healthz` too, unless it says otherwise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Mood {
    /// 200, with what it was sent.
    Well,
    /// Takes connections and requests, and never answers.
    Hung,
    /// This status; probes are answered well.
    Status(u16),
    /// Answers after so long; probes are answered at once.
    Slow(Duration),
    /// Reads the request and breaks the connection; probes are answered well.
    Breaks,
}

/// An instance.
pub(crate) struct Backend {
    pub(crate) port: u16,
    mood: watch::Sender<Mood>,
    served: Arc<AtomicUsize>,
    last: Arc<Mutex<HeaderMap>>,
    task: JoinHandle<()>,
}

impl Backend {
    pub(crate) async fn start() -> Self {
        Self::on(0).await
    }

    pub(crate) async fn on(port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (mood, moods) = watch::channel(Mood::Well);
        let served = Arc::new(AtomicUsize::new(0));
        let last = Arc::new(Mutex::new(HeaderMap::new()));
        let (count, seen) = (Arc::clone(&served), Arc::clone(&last));
        let task = tokio::spawn(async move {
            // Connections end with this task: the kernel closes them as it does for a killed process.
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (moods, count, seen) = (moods.clone(), Arc::clone(&count), Arc::clone(&seen));
                connections.spawn(async move {
                    let service = service_fn(move |request: Request<Incoming>| {
                        behave(request, moods.clone(), Arc::clone(&count), Arc::clone(&seen))
                    });
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        Self { port, mood, served, last, task }
    }

    pub(crate) fn become_(&self, mood: Mood) {
        self.mood.send_replace(mood);
    }

    /// How many requests reached it, probes not counted.
    pub(crate) fn served(&self) -> usize {
        self.served.load(Ordering::SeqCst)
    }

    /// The headers of the last request that reached it, and its target as `seen-target`.
    pub(crate) fn last(&self) -> HeaderMap {
        self.last.lock().unwrap().clone()
    }

    /// Ends it as kill -9 would: nobody listens, connections break.
    pub(crate) async fn kill(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}

async fn behave(
    request: Request<Incoming>,
    mut moods: watch::Receiver<Mood>,
    count: Arc<AtomicUsize>,
    seen: Arc<Mutex<HeaderMap>>,
) -> Result<Response<Full<Bytes>>, std::io::Error> {
    let probe = request.uri().path() == "/healthz";
    if !probe {
        count.fetch_add(1, Ordering::SeqCst);
        let mut headers = request.headers().clone();
        headers.insert("seen-target", request.uri().to_string().parse().unwrap());
        *seen.lock().unwrap() = headers;
    }
    let body = request.into_body().collect().await.map_err(std::io::Error::other)?.to_bytes();
    let mood = *moods.borrow_and_update();
    let answer = |status: u16, body| Ok(Response::builder().status(status).body(Full::new(body)).unwrap());
    match mood {
        // What was hung when it came stays unanswered.
        Mood::Hung => std::future::pending().await,
        _ if probe => answer(200, Bytes::new()),
        Mood::Well => Ok(Response::builder()
            .header("connection", "keep-alive, x-private")
            .header("x-private", "1")
            .body(Full::new(body))
            .unwrap()),
        Mood::Status(status) => answer(status, body),
        Mood::Slow(span) => {
            tokio::time::sleep(span).await;
            answer(200, body)
        }
        Mood::Breaks => Err(std::io::Error::other("breaks")),
    }
}

/// A gateway under test.
pub(crate) struct Stage {
    pub(crate) control: UnixClient,
    socket: std::path::PathBuf,
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), GatewayError>>,
}

impl Stage {
    /// Starts a gateway on this folder.
    pub(crate) fn start(folder: &Path, clock: Arc<dyn Clock>) -> Self {
        let socket = folder.join("gateway-public.sock");
        let config =
            GatewayConfig { id: GatewayId::from("public"), dir: folder.to_owned(), socket: socket.clone() };
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(run(config, clock, async {
            let _ = stopped.await;
        }));
        Self { control: UnixClient::new(socket.clone()), socket, stop, task }
    }

    /// A gateway in a folder of its own, serving this table.
    pub(crate) async fn serving(table: Table) -> (Self, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let stage = Self::start(folder.path(), Arc::new(SystemClock::new()));
        stage.give(&table).await.unwrap();
        stage
            .until("every instance was heard", |status| {
                !status.listening.is_empty() && status.instances.values().all(|view| view.seen.is_some())
            })
            .await;
        (stage, folder)
    }

    pub(crate) async fn give(&self, table: &Table) -> Result<(), WireError> {
        self.give_as(fence(1), table).await
    }

    pub(crate) async fn give_as(&self, fence: Fence, table: &Table) -> Result<(), WireError> {
        self.up().await;
        self.control.send("PUT", "/table", &Fenced { fence, body: table.clone() }, SOON).await
    }

    /// Waits until the control socket answers.
    pub(crate) async fn up(&self) {
        let asking = async {
            while self.control.get::<GatewayStatus>("/status", SOON).await.is_err() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(SOON, asking).await.unwrap();
    }

    pub(crate) async fn status(&self) -> GatewayStatus {
        self.control.get("/status", SOON).await.unwrap()
    }

    pub(crate) async fn until(&self, what: &str, holds: impl Fn(&GatewayStatus) -> bool) -> GatewayStatus {
        let asking = async {
            loop {
                let status = self.status().await;
                if holds(&status) {
                    return status;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        match tokio::time::timeout(SOON, asking).await {
            Ok(status) => status,
            Err(_) => panic!("in vain: {what}: {:#?}", self.status().await),
        }
    }

    /// The port that clients use.
    pub(crate) async fn port(&self) -> u16 {
        let status = self.until("it listens", |status| !status.listening.is_empty()).await;
        status.listening[&ListenerId::from("public")].port()
    }

    /// The port, once it is another one than this.
    pub(crate) async fn moved(&self, from: u16) -> u16 {
        let public = ListenerId::from("public");
        let moved =
            |status: &GatewayStatus| status.listening.get(&public).is_some_and(|at| at.port() != from);
        self.until("it listens elsewhere", moved).await.listening[&public].port()
    }

    /// What Prometheus reads.
    pub(crate) async fn metrics(&self) -> String {
        let stream = tokio::net::UnixStream::connect(&self.socket).await.unwrap();
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let response = sender.send_request(asking("GET", "/metrics", "")).await.unwrap();
        String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
    }

    pub(crate) async fn stop(self) -> Result<(), GatewayError> {
        let _ = self.stop.send(());
        self.task.await.unwrap()
    }
}

pub(crate) fn fence(lease: u64) -> Fence {
    Fence { incarnation: "store".to_owned(), lease }
}

/// One service on one route, its instances each in a zone of one region.
pub(crate) fn table(generation: u64, ports: &[u16]) -> Table {
    let probe = ProbeSpec {
        check: Check::Http("/healthz".to_owned()),
        every: Duration::from_millis(100),
        timeout: Duration::from_millis(300),
        fall: 3,
        rise: 2,
        slow: None,
    };
    let members: BTreeMap<InstanceId, Member> = ports
        .iter()
        .zip(["a", "b", "c", "d"])
        .map(|(port, zone)| {
            let member = Member {
                address: Address { host: "127.0.0.1".to_owned(), port: *port },
                share: 100,
                places: vec![PlaceId::from("region"), PlaceId::from(zone)],
            };
            (InstanceId::from(zone), member)
        })
        .collect();
    let service = ServiceId::from("order");
    Table {
        generation,
        gateway: GatewayId::from("public"),
        listeners: [(ListenerId::from("public"), "127.0.0.1:0".parse().unwrap())].into(),
        routes: vec![route("/", CutOff::Serve)],
        redirects: vec![],
        entrances: BTreeMap::new(),
        services: [(service, ServiceTable { probe: Some(probe), tls: None, proxy_protocol: None, members })]
            .into(),
        trusted_proxies: vec![],
        panic_below: 0.5,
    }
}

pub(crate) fn route(path: &str, when_cut_off: CutOff) -> TableRoute {
    TableRoute {
        id: RouteId::from(path),
        listener: ListenerId::from("public"),
        host: None,
        path: path.to_owned(),
        when: When::default(),
        split: Split::default(),
        edits: Edits::default(),
        to: ServiceId::from("order"),
        priority: Priority::Normal,
        balance: Balance::LeastRequest,
        when_cut_off,
        timeout_ms: 15_000,
    }
}

pub(crate) fn set_share(table: &mut Table, instance: &str, share: u8) {
    for service in table.services.values_mut() {
        if let Some(member) = service.members.get_mut(&InstanceId::from(instance)) {
            member.share = share;
        }
    }
}

/// An answer as a client sees it.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Seen {
    pub(crate) fn reason(&self) -> &str {
        self.headers.get("x-dinghai-reason").map_or("", |reason| reason.to_str().unwrap())
    }
}

/// Sends one request on a connection of its own.
pub(crate) async fn send(port: u16, request: Request<Full<Bytes>>) -> Result<Seen, String> {
    let stream = TcpStream::connect(("127.0.0.1", port)).await.map_err(|error| error.to_string())?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| error.to_string())?;
    let connection = tokio::spawn(connection);
    let exchange = async {
        let response = sender.send_request(request).await.map_err(|error| error.to_string())?;
        let (head, body) = response.into_parts();
        let body = body.collect().await.map_err(|error| error.to_string())?.to_bytes();
        Ok(Seen { status: head.status.as_u16(), headers: head.headers, body })
    };
    let seen = tokio::time::timeout(SOON, exchange).await.unwrap();
    connection.abort();
    seen
}

pub(crate) fn asking(method: &str, path: &str, body: &str) -> Request<Full<Bytes>> {
    Request::builder()
        .method(method)
        .uri(path)
        .header("host", "shop.example")
        .body(Full::new(Bytes::from(body.to_owned())))
        .unwrap()
}

pub(crate) async fn ask(port: u16, method: &str, path: &str, body: &str) -> Seen {
    send(port, asking(method, path, body)).await.unwrap()
}
