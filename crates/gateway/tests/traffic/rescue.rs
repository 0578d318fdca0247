//! What instances do wrong, and what clients notice of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use dinghai_estate::{Balance, InstanceId, RouteId};
use dinghai_record::{Cause, Health};
use dinghai_wire::GatewayStatus;
use tokio::task::JoinSet;

use crate::stage::{Backend, Mood, Stage, ask, asking, send, set_share, table};

/// Clients that ask one after another until they are told to stop; they count what they asked and what failed.
struct Load {
    stop: Arc<AtomicBool>,
    asked: Arc<AtomicUsize>,
    clients: JoinSet<Vec<String>>,
}

impl Load {
    fn of(clients: usize, port: u16) -> Self {
        let (stop, asked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let mut all = JoinSet::new();
        for _ in 0..clients {
            let (stop, asked) = (Arc::clone(&stop), Arc::clone(&asked));
            all.spawn(async move {
                let mut failures = vec![];
                while !stop.load(Ordering::SeqCst) {
                    match send(port, asking("GET", "/x", "")).await {
                        Ok(seen) if seen.status == 200 => {}
                        other => failures.push(format!("{other:?}")),
                    }
                    asked.fetch_add(1, Ordering::SeqCst);
                    tokio::time::sleep(Duration::from_millis(3)).await;
                }
                failures
            });
        }
        Self { stop, asked, clients: all }
    }

    async fn more(&self, count: usize) {
        let wanted = self.asked.load(Ordering::SeqCst) + count;
        while self.asked.load(Ordering::SeqCst) < wanted {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    async fn failures(mut self) -> Vec<String> {
        self.stop.store(true, Ordering::SeqCst);
        let mut all = vec![];
        while let Some(client) = self.clients.join_next().await {
            all.extend(client.unwrap());
        }
        all
    }
}

fn is_ejected(status: &GatewayStatus, instance: &str) -> bool {
    status.instances[&InstanceId::from(instance)].ejected.is_some()
}

async fn three() -> [Backend; 3] {
    [Backend::start().await, Backend::start().await, Backend::start().await]
}

fn ports(backends: &[Backend]) -> Vec<u16> {
    backends.iter().map(|backend| backend.port).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_instance_that_is_killed_under_load_fails_no_idempotent_request() {
    let [a, b, c] = three().await;
    let (stage, _folder) = Stage::serving(table(1, &[a.port, b.port, c.port])).await;
    let load = Load::of(16, stage.port().await);
    load.more(100).await;
    a.kill().await;
    stage.until("it is ejected", |status| is_ejected(status, "a")).await;
    load.more(200).await;
    assert_eq!(load.failures().await, Vec::<String>::new());
    let status = stage.status().await;
    assert_eq!(status.reflexes[0].instance, InstanceId::from("a"));
    assert_eq!(status.routes[&RouteId::from("/")].failed, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_instance_that_hangs_is_ejected_and_its_idempotent_requests_are_rescued() {
    let backends = three().await;
    let (stage, _folder) = Stage::serving(table(1, &ports(&backends))).await;
    let load = Load::of(16, stage.port().await);
    load.more(100).await;
    backends[0].become_(Mood::Hung);
    let status = stage.until("it is ejected", |status| is_ejected(status, "a")).await;
    assert_eq!(status.instances[&InstanceId::from("a")].health, Health::Down(Cause::Timeout));
    load.more(100).await;
    assert_eq!(load.failures().await, Vec::<String>::new());
    let status =
        stage.until("all have ended", |status| status.instances.values().all(|view| view.in_flight == 0));
    assert!(status.await.routes[&RouteId::from("/")].rescued > 0);
    backends[0].become_(Mood::Well);
    stage.until("it is back", |status| !is_ejected(status, "a")).await;
}

#[tokio::test]
async fn a_request_that_is_not_idempotent_is_not_sent_twice_when_it_was_sent() {
    let backends = three().await;
    let (stage, _folder) = Stage::serving(table(1, &ports(&backends))).await;
    backends.iter().for_each(|backend| backend.become_(Mood::Breaks));
    let seen = ask(stage.port().await, "POST", "/buy", "one").await;
    assert_eq!((seen.status, seen.reason()), (502, "reset"));
    assert_eq!(backends.iter().map(Backend::served).sum::<usize>(), 1);
    let counters = stage.status().await.routes[&RouteId::from("/")].clone();
    assert_eq!((counters.requests, counters.failed, counters.failed_unsafe), (1, 1, 1));
}

#[tokio::test]
async fn a_request_that_is_not_idempotent_goes_elsewhere_when_it_could_not_be_sent() {
    let [a, b, c] = three().await;
    let mut wanted = table(1, &[a.port, b.port, c.port]);
    // Without probes only the request itself finds out.
    wanted.services.values_mut().for_each(|service| service.probe = None);
    wanted.routes[0].balance = Balance::RoundRobin;
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage::start(folder.path(), Arc::new(dinghai_clock::SystemClock::new()));
    stage.give(&wanted).await.unwrap();
    let port = stage.port().await;
    a.kill().await;
    for n in 0..9 {
        let seen = ask(port, "POST", "/buy", "one").await;
        assert_eq!((seen.status, &seen.body[..]), (200, &b"one"[..]), "request {n}");
    }
    assert_eq!(b.served() + c.served(), 9);
    assert!(is_ejected(&stage.status().await, "a"));
}

#[tokio::test]
async fn an_instance_that_answers_wrongly_is_ejected_after_three_answers_though_its_probes_pass() {
    let backends = three().await;
    let (stage, _folder) = Stage::serving(table(1, &ports(&backends))).await;
    let port = stage.port().await;
    backends[0].become_(Mood::Status(500));
    while !is_ejected(&stage.status().await, "a") {
        assert_eq!(ask(port, "GET", "/x", "").await.status, 200, "answered by another");
    }
    assert_eq!(backends[0].served(), 3);
    let view = stage.status().await.instances[&InstanceId::from("a")].clone();
    assert_eq!(view.ejected, Some(Cause::Status(500)));
}

#[tokio::test]
async fn a_wrong_answer_to_a_request_that_is_not_idempotent_is_passed_on() {
    let backends = three().await;
    let (stage, _folder) = Stage::serving(table(1, &ports(&backends))).await;
    backends.iter().for_each(|backend| backend.become_(Mood::Status(503)));
    let seen = ask(stage.port().await, "POST", "/buy", "one").await;
    assert_eq!((seen.status, seen.reason()), (503, ""));
    assert_eq!(backends.iter().map(Backend::served).sum::<usize>(), 1);
}

#[tokio::test]
async fn in_panic_requests_are_spread_over_all() {
    let backends = three().await;
    let (stage, _folder) = Stage::serving(table(1, &ports(&backends))).await;
    let port = stage.port().await;
    backends.iter().for_each(|backend| backend.become_(Mood::Status(500)));
    while !stage.status().await.instances.values().all(|view| view.ejected.is_some()) {
        ask(port, "POST", "/buy", "").await;
    }
    assert_eq!(ask(port, "POST", "/buy", "").await.status, 500, "an instance answered");
    // With the threshold at 0 there is no panic, and nobody to ask.
    let mut calm = table(2, &ports(&backends));
    calm.panic_below = 0.0;
    stage.give(&calm).await.unwrap();
    let seen = ask(port, "POST", "/buy", "").await;
    assert_eq!((seen.status, seen.reason()), (503, "no-instance"), "ejections outlive a table");
}

#[tokio::test]
async fn in_panic_instances_that_refuse_connections_are_passed_over() {
    let [a, b, c] = three().await;
    let (stage, _folder) = Stage::serving(table(1, &[a.port, b.port, c.port])).await;
    a.kill().await;
    b.kill().await;
    stage.until("both are ejected", |status| is_ejected(status, "a") && is_ejected(status, "b")).await;
    for _ in 0..100 {
        assert_eq!(ask(stage.port().await, "POST", "/buy", "").await.status, 200);
    }
    assert_eq!(c.served(), 100);
    assert_eq!(stage.status().await.routes[&RouteId::from("/")].rescued, 0, "at the first try");
}

#[tokio::test]
async fn in_panic_an_instance_that_has_just_come_up_is_asked_before_it_is_back_in_rotation() {
    let [a, b, _c] = three().await;
    let (again, mut table) = (b.port, table(1, &[a.port, b.port]));
    // It never earns its way back while the test looks.
    table
        .services
        .values_mut()
        .filter_map(|service| service.probe.as_mut())
        .for_each(|probe| probe.rise = 10_000);
    b.kill().await;
    let (stage, _folder) = Stage::serving(table).await;
    stage.until("b is ejected", |status| is_ejected(status, "b")).await;
    let b = Backend::on(again).await;
    stage.until("b was heard", |status| status.instances[&InstanceId::from("b")].took_us.is_some()).await;
    a.kill().await;
    for _ in 0..20 {
        assert_eq!(ask(stage.port().await, "GET", "/x", "").await.status, 200);
    }
    assert_eq!(b.served(), 20);
}

#[tokio::test]
async fn an_instance_at_share_0_takes_no_request() {
    let backends = three().await;
    let mut wanted = table(1, &ports(&backends));
    set_share(&mut wanted, "a", 0);
    let (stage, _folder) = Stage::serving(wanted.clone()).await;
    let port = stage.port().await;
    for balance in [Balance::LeastRequest, Balance::RoundRobin] {
        wanted.generation += 1;
        wanted.routes[0].balance = balance;
        stage.give(&wanted).await.unwrap();
        for _ in 0..20 {
            assert_eq!(ask(port, "GET", "/x", "").await.status, 200);
        }
    }
    assert_eq!(backends[0].served(), 0);
    assert!(backends[1].served() > 0 && backends[2].served() > 0);
    wanted.generation += 1;
    ["b", "c"].iter().for_each(|id| set_share(&mut wanted, id, 0));
    stage.give(&wanted).await.unwrap();
    let seen = ask(port, "GET", "/x", "").await;
    assert_eq!((seen.status, seen.reason()), (503, "no-instance"));
}

#[tokio::test]
async fn an_instance_that_is_slow_and_alive_is_waited_for() {
    let backends = three().await;
    let (stage, _folder) = Stage::serving(table(1, &ports(&backends))).await;
    // Longer than silence would be borne.
    backends.iter().for_each(|backend| backend.become_(Mood::Slow(Duration::from_millis(900))));
    assert_eq!(ask(stage.port().await, "GET", "/report", "").await.status, 200);
    assert_eq!(backends.iter().map(Backend::served).sum::<usize>(), 1);
    assert!(stage.status().await.reflexes.is_empty());
}

#[tokio::test]
async fn the_only_instance_of_a_service_is_waited_for_to_the_end() {
    let only = Backend::start().await;
    let mut wanted = table(1, &[only.port]);
    wanted.routes[0].timeout_ms = 700;
    let (stage, _folder) = Stage::serving(wanted).await;
    only.become_(Mood::Hung);
    let seen = ask(stage.port().await, "GET", "/x", "").await;
    assert_eq!((seen.status, seen.reason()), (504, "timeout"));
    assert_eq!(only.served(), 1);
}

#[tokio::test]
async fn a_spare_that_does_not_run_is_down_and_no_reflex() {
    let [a, b] = [Backend::start().await, Backend::start().await];
    let mut wanted = table(1, &[a.port, b.port]);
    set_share(&mut wanted, "b", 0);
    let (stage, _folder) = Stage::serving(wanted.clone()).await;
    b.kill().await;
    let status = stage.until("it is down", |status| is_ejected(status, "b")).await;
    assert!(status.reflexes.is_empty());
}

#[tokio::test]
async fn a_request_that_is_not_idempotent_stays_with_an_instance_that_hangs() {
    let backends = three().await;
    let mut wanted = table(1, &ports(&backends));
    wanted.routes[0].timeout_ms = 1500;
    let (stage, _folder) = Stage::serving(wanted).await;
    backends.iter().for_each(|backend| backend.become_(Mood::Hung));
    let seen = ask(stage.port().await, "POST", "/buy", "one").await;
    assert_eq!((seen.status, seen.reason()), (504, "timeout"));
    assert_eq!(backends.iter().map(Backend::served).sum::<usize>(), 1);
}
