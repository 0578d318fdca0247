//! A small shop in three zones, and a way to tell what happened to it: shared by the tests of the stages.
#![allow(dead_code, unreachable_pub, reason = "each test that includes this uses a part of it")]
#![allow(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing, reason = "test code")]

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use dinghai_clock::Timestamp;
use dinghai_estate::*;
use dinghai_record::*;

/// 2026-11-23T14:02:00Z, when every story begins.
pub const START: i64 = 1_795_442_520;

/// So many seconds after the beginning.
pub fn at(seconds: f64) -> Timestamp {
    Timestamp::from_micros(START * 1_000_000 + (seconds * 1e6) as i64)
}

pub fn secs(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

pub fn reason(code: &str) -> Reason {
    Reason::new(code)
}

pub fn operator() -> Actor {
    Actor::Operator(Personal::Known { subject: "s-1".into(), value: "Lin".into() })
}

fn instance(service: &str, zone: &str, spare: bool) -> Instance {
    let number = if spare { ".2" } else { "" };
    Instance {
        id: InstanceId::new(format!("{service}@{zone}{number}")),
        at: BTreeSet::from([PlaceId::from(zone)]),
        address: Address { host: "127.0.0.1".into(), port: 9000 },
        run: Some(Run {
            process: vec![format!("./{service}")],
            env: BTreeMap::new(),
            directory: None,
            restart: Restart::Plan,
            stop_within: secs(10.0),
        }),
        spare,
        origin: Origin::default(),
    }
}

fn service(name: &str, spare: bool, needs: &[&str], cents: Option<i64>) -> Service {
    let mut instances: Vec<_> =
        ["hz-a", "hz-b", "hz-c"].into_iter().map(|zone| instance(name, zone, false)).collect();
    if spare {
        instances.push(instance(name, "hz-b", true));
    }
    Service {
        tier: Tier::Core,
        minimum: 2,
        survive: PlaceKind::Zone,
        instances,
        probe: Some(ProbeSpec {
            check: Check::Http("/healthz".into()),
            every: secs(0.2),
            timeout: secs(0.3),
            fall: 3,
            rise: 2,
            slow: None,
        }),
        tls: None,
        proxy_protocol: None,
        needs: needs
            .iter()
            .map(|need| Need {
                service: ServiceId::from(*need),
                kind: NeedKind::Hard,
                origin: Origin::default(),
            })
            .collect(),
        autonomy: BTreeMap::new(),
        capacity: None,
        value: cents.map(|cents| Value {
            visits_per_minute: None,
            conversion: None,
            order: Some(Money { cents, currency: "USD".into() }),
            come_back: None,
            origin: Origin::default(),
        }),
        origin: Origin::default(),
    }
}

fn route(listener: &str, to: &str) -> Route {
    Route {
        id: RouteId::new(format!("{listener}:/{to}")),
        listener: ListenerId::from(listener),
        host: None,
        when: Default::default(),
        split: Default::default(),
        edits: Default::default(),
        path: format!("/{to}"),
        to: ServiceId::from(to),
        priority: Priority::Core,
        balance: Balance::LeastRequest,
        when_cut_off: CutOff::Serve,
        timeout: secs(15.0),
        origin: Origin::default(),
    }
}

fn drill(fault: DrillFault, every: Option<f64>) -> Drill {
    Drill {
        fault,
        hold: secs(10.0),
        every: every.map(secs),
        expect: Expectation {
            failed_requests: Some(ShareLimit { limit: 0.005, inclusive: false }),
            failing_within: Some(secs(2.0)),
            healed_within: Some(secs(30.0)),
        },
        stop_above: 0.05,
        origin: Origin::default(),
    }
}

/// Order needs payment; order is worth 30 USD a request and has a spare at hz-b; users reach order, order reaches
/// payment through the internal listener.
pub fn estate() -> Estate {
    let place = |kind, within: &[&str]| Place {
        kind,
        vendor: None,
        within: within.iter().map(|id| PlaceId::from(*id)).collect(),
        origin: Origin::default(),
    };
    let mut places = BTreeMap::from([(PlaceId::from("cn-hangzhou"), place(PlaceKind::Region, &[]))]);
    for zone in ["hz-a", "hz-b", "hz-c"] {
        places.insert(zone.into(), place(PlaceKind::Zone, &["cn-hangzhou"]));
    }
    let promise = |target| Promise {
        target,
        max_age: secs(30.0 * 86_400.0),
        origin: Origin { file: "standard".into(), line: 0, column: 0 },
    };
    let within = |seconds| promise(PromiseTarget::Within(secs(seconds)));
    Estate {
        name: "shop".into(),
        imports: Vec::new(),
        places,
        services: BTreeMap::from([
            ("order".into(), service("order", true, &["payment"], Some(3000))),
            ("payment".into(), service("payment", false, &[], None)),
        ]),
        gateways: BTreeMap::from([(
            GatewayId::from("public"),
            Gateway {
                listeners: BTreeMap::new(),
                entrances: BTreeMap::new(),
                redirects: vec![],
                routes: vec![route("public", "order"), route("internal", "payment")],
                trusted_proxies: vec![],
                panic_below: 0.5,
                origin: Origin::default(),
            },
        )]),
        promises: BTreeMap::from([
            ("detect.zone".into(), within(2.0)),
            ("eject.hang".into(), within(1.0)),
            ("failover.instance".into(), within(1.0)),
            ("failover.zone".into(), within(2.0)),
            ("halt.all".into(), within(1.0)),
            ("restart.zone".into(), within(30.0)),
        ]),
        drills: BTreeMap::from([
            ("zone-loss".into(), drill(DrillFault::KillPlace("hz-a".into()), Some(30.0 * 86_400.0))),
            ("kill-order".into(), drill(DrillFault::KillInstance("order@hz-a".into()), None)),
            ("hang-order".into(), drill(DrillFault::HangInstance("order@hz-b".into()), None)),
        ]),
        budget: ActionBudget::default(),
        grades: Grades::default(),
        quiet: secs(600.0),
        console: Console::default(),
        accepts: Vec::new(),
    }
}

/// A world in which everything answers, the spare does not run, and 100 requests a second have passed since a minute
/// before the beginning.
pub fn world(now: f64) -> World {
    let now_at = at(now);
    let mut world = World { at: now_at, ..World::default() };
    for (_, instance) in estate().instances() {
        world.instances.insert(instance.id.clone(), sighting(!instance.spare, -60.0, now));
    }
    let seconds = (START - 60..now_at.as_micros() / 1_000_000)
        .map(|at_s| Second { at_s, requests: 100, ..Second::default() })
        .collect::<VecDeque<_>>();
    let internal = seconds.clone();
    let routes = BTreeMap::from([("public:/order".into(), seconds), ("internal:/payment".into(), internal)]);
    world.traffic = Arc::new(Traffic { routes: BTreeMap::from([("public".into(), routes)]) });
    world.lost_places = Some(BTreeSet::new());
    for vantage in [Vantage::Controller, Vantage::Hand, Vantage::Gateway("public".into())] {
        world.heard.insert(vantage, now_at);
    }
    world
}

/// An instance that is up, or down, since `since`, last asked at `now`.
pub fn sighting(up: bool, since: f64, now: f64) -> Sighting {
    Sighting {
        health: if up { Health::Up } else { Health::Down(Cause::Refused) },
        since: at(since),
        agreed: true,
        by: BTreeMap::new(),
        answered: up.then(|| at(now)),
        took_us: Some(300),
        process: Some(if up { ProcessState::Running { pid: 1 } } else { ProcessState::Stopped }),
        ejected_by: BTreeSet::new(),
    }
}

/// Lets requests of users fail in one second.
pub fn fail(world: &mut World, second: i64, failed: u64, last: f64) {
    let traffic = Arc::make_mut(&mut world.traffic);
    for routes in traffic.routes.values_mut() {
        for log in routes.get_mut(&RouteId::from("public:/order")).unwrap() {
            if log.at_s == START + second {
                log.failed = failed;
                log.last_failure = Some(at(last));
            }
        }
    }
}

/// A ledger without a store: entries and their fold.
#[derive(Clone, Default)]
pub struct Story {
    pub book: Book,
    pub entries: Vec<Entry>,
}

impl Story {
    /// Writes these events at that time.
    pub fn tell(&mut self, seconds: f64, events: impl IntoIterator<Item = Event>) -> &mut Self {
        for event in events {
            let entry = Entry {
                writer: WriterId("a".into()),
                seq: self.book.head.next(),
                at: at(seconds),
                lease: 1,
                schema: SCHEMA,
                event,
                prev: Hash::default(),
                hash: Hash::default(),
            };
            self.book.apply(&entry).unwrap_or_else(|error| panic!("{error}: {:?}", entry.event));
            self.entries.push(entry);
        }
        self
    }

    /// A gateway ejected the instance.
    pub fn ejects(&mut self, seconds: f64, instance: &str) -> &mut Self {
        let ejected = Event::ReflexReported {
            gateway: "public".into(),
            instance: instance.into(),
            happened: at(seconds),
            ejected: Some(Cause::Refused),
        };
        self.tell(seconds + 0.1, [ejected])
    }

    /// A finding was raised and opened an incident, or joined none when `drill` is not of one.
    pub fn incident(
        &mut self,
        seconds: f64,
        grade: Grade,
        kind: FindingKind,
        about: Subject,
        drill: Option<u64>,
    ) -> IncidentId {
        let key = FindingKey { kind, about: about.clone() };
        let instances = estate()
            .instances()
            .filter(|(_, i)| match &about {
                Subject::Place(place) => i.at.contains(place) && !i.spare,
                Subject::Instance(id) => i.id == *id,
                _ => false,
            })
            .map(|(_, i)| i.id.clone())
            .collect();
        let finding = Finding {
            key: key.clone(),
            since: at(seconds - 0.6),
            severity: dinghai_record::Severity::Critical,
            instances,
            agreed: true,
            reasons: vec![reason(kind.as_str()).with("about", &about)],
        };
        let incident = self.book.next_incident();
        self.tell(
            seconds,
            [
                Event::FindingRaised { finding },
                Event::IncidentOpened {
                    incident,
                    grade,
                    about,
                    drill: drill.map(DrillRunId),
                    since: at(seconds - 0.6),
                    findings: BTreeSet::from([key]),
                    services: BTreeSet::from(["order".into(), "payment".into()]),
                    reasons: vec![reason("zone-lost-of-three")],
                },
            ],
        );
        incident
    }

    /// Everything that stands clears.
    pub fn clears(&mut self, seconds: f64) -> &mut Self {
        let keys: Vec<_> = self.book.findings.keys().cloned().collect();
        let cleared = |key| Event::FindingCleared { key, reasons: vec![reason("answers-again")] };
        self.tell(seconds, keys.into_iter().map(cleared))
    }

    /// Starts a plan that was proposed.
    pub fn starts_plan(&mut self, seconds: f64, plan: PlanId) -> &mut Self {
        let reservation = Reservation { healthy: BTreeMap::new(), places: BTreeSet::new(), at: at(seconds) };
        self.tell(seconds, [Event::PlanStarted { plan, reservation }])
    }

    /// A step is started and, a little later, done.
    pub fn does(&mut self, from: f64, to: f64, plan: PlanId, step: u64) -> &mut Self {
        let step = StepNo(step);
        let outcome = StepOutcome::Done(Performed { changed: true, notes: vec![] });
        self.tell(from, [Event::StepStarted { plan, step, attempt: 1 }]);
        self.tell(to, [Event::StepEnded { plan, step, outcome, observed: false }])
    }

    /// A step is started and taken back.
    pub fn undoes(&mut self, from: f64, to: f64, plan: PlanId, step: u64) -> &mut Self {
        let step = StepNo(step);
        let outcome = StepOutcome::Done(Performed { changed: true, notes: vec![] });
        self.tell(from, [Event::UndoStarted { plan, step }]);
        self.tell(to, [Event::UndoEnded { plan, step, outcome }])
    }

    /// A plan is over.
    pub fn ends_plan(&mut self, seconds: f64, plan: PlanId, end: PlanEnd) -> &mut Self {
        self.tell(seconds, [Event::PlanEnded { plan, end, reasons: vec![] }])
    }

    /// A heal plan that holds hz-a's order at 0, restarts it, and gives it its weight back; each step done.
    pub fn heals(&mut self, from: f64, incident: IncidentId) -> PlanId {
        let plan = self.book.next_plan();
        let order = || vec![InstanceId::from("order@hz-a")];
        let answering = Condition::Answering { instances: order(), lasting: Duration::ZERO };
        let weigh = |share| BTreeMap::from([(InstanceId::from("order@hz-a"), share)]);
        let acts = [
            (Action::Weigh(weigh(0)), Some(Condition::Weighed(weigh(0)))),
            (Action::Await(Condition::PlaceReleased("hz-a".into())), None),
            (Action::Restart(order()), Some(answering)),
            (Action::Weigh(weigh(100)), Some(Condition::Weighed(weigh(100)))),
        ];
        let steps = (1..).zip(acts).map(|(no, (action, verify))| Step {
            no: StepNo(no),
            class: if verify.is_some() { StepClass::Final(reason("none")) } else { StepClass::NoAct },
            action,
            verify,
            within: secs(60.0),
        });
        let plan_value = Plan {
            id: plan,
            parent: None,
            purpose: PlanPurpose::Heal(incident),
            title: reason("heal-place").with("place", "hz-a"),
            steps: steps.collect(),
            takes: Taking::default(),
            needs: BTreeMap::new(),
            reasons: vec![reason("place-lost").with("place", "hz-a")],
            seen: self.book.head,
        };
        self.tell(
            from,
            [
                Event::PlanProposed { plan: plan_value },
                Event::PlanDecided { plan, approval: Approval::Run, reasons: vec![reason("autonomy-auto")] },
            ],
        );
        self.starts_plan(from, plan);
        plan
    }
}

/// One line for each event, short enough to read.
pub fn lines(events: &[Event]) -> String {
    let line = |event: &Event| format!("{}\n", serde_json::to_string(event).unwrap());
    events.iter().map(line).collect()
}
