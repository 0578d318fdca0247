//! A shop with one zone lost: estate, ledger and world, made by hand, behind a handle like a real engine's. For the
//! preview and for tests.
#![allow(clippy::unwrap_used, clippy::panic, reason = "made by hand for the preview and for tests")]

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use dinghai_clock::{Clock as _, SystemClock, Timestamp};
use dinghai_engine::{Command, CommandError, HaltReport, Handle};
use dinghai_estate::{ActionKind, Estate, Files, InstanceId, PlaceId};
use dinghai_ports::{Decision, Journal, StoreError, StoreState};
use dinghai_record::*;
use tokio::sync::{mpsc, watch};

struct Here;

impl Files for Here {
    fn read(&self, _: &str) -> Result<String, String> {
        Ok(include_str!("dinghai.yaml").to_owned())
    }
}

/// The estate of `dinghai.yaml` beside this file.
pub(crate) fn estate() -> Estate {
    let decoded = dinghai_estate::decode("dinghai.yaml", &Here);
    decoded.estate.unwrap_or_else(|| panic!("{:#?}", decoded.problems))
}

/// A chain in memory.
pub(crate) struct Memory {
    kept: Mutex<(Book, Vec<Entry>)>,
    grown: watch::Sender<Seq>,
}

impl Memory {
    pub(crate) fn new() -> Self {
        Self { kept: Mutex::default(), grown: watch::Sender::new(Seq(0)) }
    }

    /// Appends an event as of `at`.
    pub(crate) fn write(&self, at: Timestamp, event: Event) -> Entry {
        let mut kept = self.kept.lock().unwrap();
        let seq = kept.0.head.next();
        let prev = kept.0.hash;
        let hash = Hash::of(format!("{prev}{}", serde_json::to_string(&event).unwrap()).as_bytes());
        let entry =
            Entry { writer: WriterId("main".into()), seq, at, lease: 3, schema: SCHEMA, event, prev, hash };
        kept.0.apply(&entry).unwrap();
        kept.1.push(entry.clone());
        self.grown.send_replace(seq);
        entry
    }
}

#[async_trait]
impl Journal for Memory {
    fn book(&self) -> Arc<Book> {
        Arc::new(self.kept.lock().unwrap().0.clone())
    }

    async fn transact(&self, decide: Decision) -> Result<Vec<Entry>, StoreError> {
        let events = decide(&self.book());
        Ok(events.into_iter().map(|event| self.write(SystemClock::new().now(), event)).collect())
    }

    async fn read(&self, after: Seq, limit: usize) -> Result<Vec<Entry>, StoreError> {
        let kept = self.kept.lock().unwrap();
        Ok(kept.1.iter().filter(|entry| entry.seq > after).take(limit).cloned().collect())
    }

    async fn grown(&self, seen: Seq) {
        let mut grown = self.grown.subscribe();
        let _ = grown.wait_for(|head| *head > seen).await;
    }

    fn state(&self) -> StoreState {
        StoreState::Writable
    }
}

fn ids(names: &[&str]) -> Vec<InstanceId> {
    names.iter().map(|name| InstanceId::from(*name)).collect()
}

const LOST: [&str; 5] = ["storefront@hz-a", "cart@hz-a", "order@hz-a", "payment@hz-a", "recommend@hz-a"];

fn lin() -> Actor {
    Actor::Person(Personal::Known { subject: "s-lin".into(), value: "Lin Yue".into() })
}

fn shares(names: &[&str], share: u8) -> BTreeMap<InstanceId, u8> {
    ids(names).into_iter().map(|id| (id, share)).collect()
}

fn step(no: u64, action: Action, class: StepClass, verify: Option<Condition>, within_s: u64) -> Step {
    Step { no: StepNo(no), action, class, verify, within: Duration::from_secs(within_s) }
}

/// What happened until `now`: two drills some days ago, the loss of hz-a 264 s ago, a plan at step 4, a plan that waits.
pub(crate) fn history(now: Timestamp) -> Memory {
    let memory = Memory::new();
    let days = |n: u64| now.minus(Duration::from_secs(n * 86_400));
    let lost = now.minus(Duration::from_millis(264_000));
    let after = |ms: u64| lost.plus(Duration::from_millis(ms));
    memory.write(days(22), Event::ControllerStarted { version: "0.1.0".into(), lease: 3 });
    memory.write(
        days(22),
        Event::EstateAdopted { name: "shop".into(), generation: 812, digest: Hash::of(b"shop") },
    );
    drilled(&memory, days(21));
    zone_lost(&memory, lost, &after);
    memory
}

fn drilled(memory: &Memory, at: Timestamp) {
    let at = |s: u64| at.plus(Duration::from_secs(s));
    let run = DrillRunId(1);
    let fault = Fault::KillPlace {
        place: "hz-c".into(),
        instances: ids(&["storefront@hz-c", "cart@hz-c", "order@hz-c"]),
    };
    let kinds = BTreeSet::from([ActionKind::Restart, ActionKind::ShiftTraffic, ActionKind::Scale]);
    memory.write(
        at(0),
        Event::DrillStarted {
            run,
            drill: "zone-loss".into(),
            fault,
            by: lin(),
            consent: Consent { kinds },
            places: BTreeSet::from([PlaceId::from("hz-c")]),
            services: BTreeSet::from(["storefront".into(), "cart".into(), "order".into()]),
        },
    );
    memory.write(at(5), Event::DrillBroke { run, happened: at(5) });
    memory.write(at(15), Event::DrillMended { run, happened: at(15) });
    let measures = Measures {
        requests: Some(41_012),
        failed: Some(3),
        rescued: Some(217),
        failing_ms: Some(400),
        ejected_ms: Some(310),
        incident_ms: Some(1_000),
        acted_ms: Some(1_100),
        healed_ms: Some(22_600),
        ..Measures::default()
    };
    memory.write(at(60), Event::DrillEnded { run, verdict: Verdict::Passed, measures, reasons: vec![] });
    let mut no = 0;
    let mut file = |shows: Proof, max_age_days: u64| {
        no += 1;
        memory.write(
            at(61),
            Event::EvidenceFiled {
                evidence: Evidence {
                    id: EvidenceId(no),
                    shows,
                    from: Fact { name: "estate".into(), value: "shop".into() },
                    drill: Some(run),
                    incident: None,
                    slice: Slice::default(),
                    at: at(61),
                    max_age: Duration::from_secs(max_age_days * 86_400),
                    reasons: vec![],
                },
            },
        );
    };
    file(Proof::Promise { promise: "failover.zone".into(), measured: 400.0, kept: true }, 30);
    file(Proof::Promise { promise: "restart.zone".into(), measured: 322_600.0, kept: false }, 30);
    file(Proof::Promise { promise: "detect.zone".into(), measured: 1_000.0, kept: true }, 7);
    for service in ["storefront", "cart", "order"] {
        for kind in [ActionKind::Restart, ActionKind::ShiftTraffic, ActionKind::Scale] {
            file(Proof::Action { service: service.into(), kind, worked: true }, 30);
        }
    }
    memory.write(
        at(9_000),
        Event::EvidenceVoided {
            evidence: EvidenceId(12),
            fact: "order.probe".into(),
            then: "http /healthz".into(),
            now: Some("http /ready".into()),
        },
    );
}

fn zone_lost(memory: &Memory, lost: Timestamp, after: &dyn Fn(u64) -> Timestamp) {
    for (n, name) in LOST.iter().enumerate() {
        memory.write(
            after(500),
            Event::ReflexReported {
                gateway: "public".into(),
                instance: (*name).into(),
                happened: after(60 * n as u64),
                ejected: Some(Cause::Refused),
            },
        );
    }
    let key = FindingKey { kind: FindingKind::PlaceLost, about: Subject::Place("hz-a".into()) };
    let reasons = vec![
        Reason::new("place-lost")
            .with("place", "hz-a")
            .with("instances", 5)
            .with("vantages", "controller, gateway public"),
    ];
    let finding = Finding {
        key: key.clone(),
        since: lost,
        severity: Severity::Critical,
        instances: ids(&LOST).into_iter().collect(),
        agreed: true,
        reasons: reasons.clone(),
    };
    memory.write(after(900), Event::FindingRaised { finding });
    let incident = IncidentId(1);
    memory.write(
        after(1000),
        Event::IncidentOpened {
            incident,
            grade: Grade::P1,
            about: Subject::Place("hz-a".into()),
            drill: None,
            since: lost,
            findings: BTreeSet::from([key]),
            services: ["storefront", "cart", "order", "payment", "recommend"].map(Into::into).into(),
            reasons,
        },
    );
    heal(memory, after);
    scale(memory, after);
    let measures = Measures {
        requests: Some(41_012),
        failed: Some(3),
        rescued: Some(217),
        failed_by: BTreeMap::from([("order".into(), 2), ("payment".into(), 1)]),
        failing_ms: Some(400),
        ..Measures::default()
    };
    memory.write(after(60_000), Event::IncidentMeasured { incident, measures });
}

fn heal(memory: &Memory, after: &dyn Fn(u64) -> Timestamp) {
    let id = PlanId(1);
    let undo = |action| StepClass::Reversible(Box::new(action));
    let started =
        |name: &str| Some(Condition::Answering { instances: ids(&[name]), lasting: Duration::from_secs(1) });
    let start = |no, name: &str| {
        step(no, Action::Start(ids(&[name])), undo(Action::Stop(ids(&[name]))), started(name), 60)
    };
    let plan = Plan {
        id,
        parent: None,
        purpose: PlanPurpose::Heal(IncidentId(1)),
        title: Reason::new("heal-place").with("place", "hz-a").with("instances", 5),
        steps: vec![
            step(
                1,
                Action::Weigh(shares(&LOST, 0)),
                undo(Action::Weigh(shares(&LOST, 100))),
                Some(Condition::Weighed(shares(&LOST, 0))),
                10,
            ),
            start(2, "order@hz-b.2"),
            start(3, "cart@hz-c.2"),
            step(4, Action::Await(Condition::PlaceReleased("hz-a".into())), StepClass::NoAct, None, 7200),
            step(
                5,
                Action::Restart(ids(&LOST)),
                StepClass::Compensable(Box::new(Action::Stop(ids(&LOST)))),
                None,
                120,
            ),
            step(6, Action::Weigh(shares(&LOST, 100)), undo(Action::Weigh(shares(&LOST, 0))), None, 300),
        ],
        takes: Taking::default(),
        needs: BTreeMap::new(),
        reasons: vec![],
        seen: Seq(20),
    };
    memory.write(after(1100), Event::PlanProposed { plan });
    memory.write(after(1110), Event::PlanDecided { plan: id, approval: Approval::Run, reasons: vec![] });
    let reservation = Reservation { healthy: BTreeMap::new(), places: BTreeSet::new(), at: after(1120) };
    memory.write(after(1120), Event::PlanStarted { plan: id, reservation });
    for (no, from, to) in [(1, 1200, 2900), (2, 3000, 25_000), (3, 25_100, 52_000)] {
        memory.write(after(from), Event::StepStarted { plan: id, step: StepNo(no), attempt: 1 });
        let outcome = StepOutcome::Done(Performed { changed: true, notes: vec![] });
        memory.write(after(to), Event::StepEnded { plan: id, step: StepNo(no), outcome, observed: false });
    }
    memory.write(after(52_100), Event::StepStarted { plan: id, step: StepNo(4), attempt: 1 });
}

fn scale(memory: &Memory, after: &dyn Fn(u64) -> Timestamp) {
    let spare = ids(&["payment@hz-c.2"]);
    let plan = Plan {
        id: PlanId(2),
        parent: None,
        purpose: PlanPurpose::Heal(IncidentId(1)),
        title: Reason::new("raise-capacity").with("service", "payment"),
        steps: vec![
            step(
                1,
                Action::Start(spare.clone()),
                StepClass::Reversible(Box::new(Action::Stop(spare.clone()))),
                None,
                60,
            ),
            step(
                2,
                Action::Weigh(shares(&["payment@hz-c.2"], 100)),
                StepClass::Reversible(Box::new(Action::Weigh(shares(&["payment@hz-c.2"], 0)))),
                None,
                10,
            ),
        ],
        takes: Taking::default(),
        needs: BTreeMap::new(),
        reasons: vec![Reason::new("hand-not-heard")],
        seen: Seq(30),
    };
    memory.write(after(55_000), Event::PlanProposed { plan });
    memory.write(
        after(55_010),
        Event::PlanDecided { plan: PlanId(2), approval: Approval::Ask, reasons: vec![] },
    );
}

/// The world at `now`: hz-a silent, one spare each of order and cart up, traffic of ten minutes with one gap.
pub(crate) fn world(estate: &Estate, now: Timestamp) -> World {
    let lost = now.minus(Duration::from_millis(264_000));
    let mut world = World { at: now, lost_places: Some(BTreeSet::new()), ..World::default() };
    for (_, instance) in estate.instances() {
        let id = instance.id.as_str();
        let health = match id {
            _ if LOST.contains(&id) => Health::Down(Cause::Refused),
            "payment@hz-c.2" => Health::Down(Cause::Refused),
            _ => Health::Up,
        };
        world.instances.insert(
            instance.id.clone(),
            Sighting {
                health,
                since: lost,
                agreed: true,
                by: BTreeMap::new(),
                answered: Some(now),
                took_us: Some(900),
                process: None,
                ejected_by: BTreeSet::new(),
            },
        );
    }
    let recent = now.minus(Duration::from_millis(300));
    world.heard.insert(Vantage::Controller, recent);
    world.heard.insert(Vantage::Gateway("public".into()), recent);
    world.heard.insert(Vantage::Hand, now.minus(Duration::from_secs(7)));
    let end = now.as_micros() / 1_000_000;
    let lost_s = lost.as_micros() / 1_000_000;
    let mut routes = BTreeMap::new();
    for (route, base) in estate.gateways.values().flat_map(|g| &g.routes).zip([486_u64, 118, 42, 21, 12]) {
        let seconds: VecDeque<Second> = (end - 560..end)
            .filter(|s| !(route.path == "/api/cart" && (end - 430..end - 380).contains(s)))
            .map(|s| {
                let wave = u64::try_from((s * 37) % 11).unwrap_or(0);
                let hit = s == lost_s;
                Second {
                    at_s: s,
                    requests: base + wave * base / 100,
                    failed: if hit {
                        u64::from(route.path == "/pay") + 2 * u64::from(route.path == "/api/order")
                    } else {
                        0
                    },
                    rescued: if (lost_s..lost_s + 2).contains(&s) { base / 4 } else { 0 },
                    last_failure: hit.then_some(lost),
                }
            })
            .collect();
        routes.insert(route.id.clone(), seconds);
    }
    world.traffic = Arc::new(Traffic { routes: BTreeMap::from([("public".into(), routes)]) });
    world
}

/// A handle on all this. What people ask for is written into the journal as an engine would.
pub(crate) fn handle(estate: Estate, world: World, memory: Arc<Memory>) -> Handle {
    let (commands, mut asked) = mpsc::channel(8);
    let journal = memory.clone();
    tokio::spawn(async move {
        while let Some(command) = asked.recv().await {
            let now = SystemClock::new().now();
            match command {
                Command::Approve(plan, by, reply) => {
                    journal.write(now, Event::PlanApproved { plan, by });
                    let _ = reply.send(Ok(()));
                }
                Command::Decline(plan, by, reason, reply) => {
                    journal.write(now, Event::PlanDeclined { plan, by, reason });
                    let _ = reply.send(Ok(()));
                }
                Command::Drill(_, _, _, reply) => {
                    let _ = reply.send(Err(CommandError::Refused(vec![Reason::new("hand-not-heard")])));
                }
                Command::Halt(by, reason, reply) => {
                    journal.write(now, Event::Halted { by, reason });
                    let report = HaltReport {
                        reached: vec!["hand".into()],
                        unreached: vec![("gateway public".into(), "refused".into())],
                    };
                    let _ = reply.send(Ok(report));
                }
                Command::Resume(by, reply) => {
                    journal.write(now, Event::Resumed { by });
                    let _ = reply.send(Ok(HaltReport::default()));
                }
            }
        }
    });
    // The senders live as long as the process: an engine that is alive and sees nothing new.
    let estate = Box::leak(Box::new(watch::channel(Arc::new(estate)).0));
    let world = Box::leak(Box::new(watch::channel(Arc::new(world)).0));
    Handle::new(estate.subscribe(), world.subscribe(), memory, commands, Arc::new(SystemClock::new()))
}
