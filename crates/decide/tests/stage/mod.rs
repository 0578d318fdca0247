//! A shop, its book and its present, on which decisions are played out.
#![allow(dead_code, reason = "every test file uses a part of it")]
#![allow(unused_imports, reason = "every test file uses a part of it")]
#![allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

#[path = "../../../detect/tests/shop/mod.rs"]
pub(crate) mod shop;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use dinghai_clock::{Timestamp, format_span};
use dinghai_decide::{Inputs, budget, decide};
use dinghai_estate::{ActionKind, DrillId, Estate, GatewayId, InstanceId, PlaceId, RouteId, ServiceId};
use dinghai_record::{
    Action, Actor, Book, Cause, Condition, Consent, DrillRunId, Entry, Event, Evidence, EvidenceId, Fact,
    Fault, Finding, FindingKey, FindingKind, Hash, Health, Performed, PlanEnd, PlanId, PlanState,
    ProcessState, Proof, Reason, Second, Seq, Severity, Sighting, Slice, StepOutcome, StepState, Subject,
    Traffic, Vantage, World, WriterId,
};

/// What is known of an instance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Is {
    Up,
    /// Down, and two vantage points agree.
    Dead,
    /// Down, and one vantage point is alone with it.
    Doubtful,
    Unknown,
    /// Never started.
    Stopped,
}

pub(crate) struct Stage {
    pub(crate) estate: Estate,
    pub(crate) book: Book,
    pub(crate) now: Timestamp,
    pub(crate) known: BTreeMap<InstanceId, Is>,
    pub(crate) lost_places: Option<BTreeSet<PlaceId>>,
    pub(crate) failed_percent: Option<u64>,
    pub(crate) log: String,
}

impl Stage {
    pub(crate) fn new(estate: Estate) -> Self {
        let known = estate
            .instances()
            .map(|(_, instance)| (instance.id.clone(), if instance.spare { Is::Stopped } else { Is::Up }))
            .collect();
        Self {
            estate,
            book: Book::default(),
            now: Timestamp::from_micros(1_000_000_000_000),
            known,
            lost_places: Some(BTreeSet::new()),
            failed_percent: None,
            log: String::new(),
        }
    }

    /// A stage on which every kind of action has living evidence.
    pub(crate) fn proven(estate: Estate) -> Self {
        let mut stage = Self::new(estate);
        for service in ["storefront", "order", "payment", "recommend"] {
            for kind in [ActionKind::Restart, ActionKind::ShiftTraffic, ActionKind::Scale] {
                stage.prove(service, kind, true);
            }
        }
        stage.log.clear();
        stage
    }

    pub(crate) fn prove(&mut self, service: &str, kind: ActionKind, worked: bool) {
        let evidence = Evidence {
            id: self.book.next_evidence(),
            shows: Proof::Action { service: ServiceId::from(service), kind, worked },
            from: Fact { name: "estate".to_owned(), value: "shop".to_owned() },
            drill: None,
            incident: None,
            slice: Slice::default(),
            at: self.now,
            max_age: Duration::from_secs(30 * 86_400),
            reasons: Vec::new(),
        };
        self.apply(Event::EvidenceFiled { evidence });
    }

    pub(crate) fn set(&mut self, is: Is, instances: impl Fn(&str) -> bool) {
        for (id, known) in &mut self.known {
            if instances(id.as_str()) {
                *known = is;
            }
        }
    }

    pub(crate) fn wait(&mut self, span: Duration) {
        self.now = self.now.plus(span);
    }

    pub(crate) fn wait_s(&mut self, seconds: u64) {
        self.wait(Duration::from_secs(seconds));
    }

    pub(crate) fn world(&self) -> World {
        let sighting = |id: &InstanceId, is: Is| {
            let (health, agreed) = match is {
                Is::Up => (Health::Up, true),
                Is::Dead => (Health::Down(Cause::Refused), true),
                Is::Doubtful => (Health::Down(Cause::Timeout), false),
                Is::Unknown => (Health::Unknown, false),
                Is::Stopped => (Health::Down(Cause::Gone), true),
            };
            let process = match is {
                Is::Up | Is::Doubtful | Is::Unknown => ProcessState::Running { pid: 1 },
                Is::Dead => ProcessState::Exited { code: None, signal: Some(9) },
                Is::Stopped => ProcessState::Stopped,
            };
            let seen = Sighting {
                health,
                since: self.now.minus(Duration::from_secs(5)),
                agreed,
                by: BTreeMap::new(),
                answered: None,
                took_us: None,
                process: Some(process),
                ejected_by: BTreeSet::new(),
            };
            (id.clone(), seen)
        };
        let shares =
            self.estate.instances().map(|(_, i)| (i.id.clone(), self.book.share(&i.id, i.spare))).collect();
        let now_s = self.now.as_micros() / 1_000_000;
        let second = |failed| Second { at_s: now_s, requests: 100, failed, ..Second::default() };
        let routes = self
            .failed_percent
            .map(|failed| BTreeMap::from([(RouteId::from("public:/api/order"), [second(failed)].into())]));
        World {
            at: self.now,
            instances: self.known.iter().map(|(id, is)| sighting(id, *is)).collect(),
            heard: BTreeMap::from([(Vantage::Hand, self.now), (Vantage::Controller, self.now)]),
            shares: BTreeMap::from([(GatewayId::from("public"), shares)]),
            lost_places: self.lost_places.clone(),
            traffic: Arc::new(Traffic {
                routes: routes.map(|routes| (GatewayId::from("public"), routes)).into_iter().collect(),
            }),
            ..World::default()
        }
    }

    pub(crate) fn apply(&mut self, event: Event) {
        self.note(&event);
        let entry = Entry {
            writer: WriterId("test".to_owned()),
            seq: self.book.head.next(),
            at: self.now,
            lease: 1,
            schema: 1,
            event,
            prev: Hash::default(),
            hash: Hash::default(),
        };
        self.book.apply(&entry).unwrap();
    }

    pub(crate) fn ask(&self) -> Vec<Event> {
        decide(&Inputs { estate: &self.estate, book: &self.book, world: &self.world(), now: self.now })
    }

    /// Decides until nothing more is said, which has to be within three rounds.
    pub(crate) fn settle(&mut self) {
        for _ in 0..3 {
            for event in self.ask() {
                self.apply(event);
            }
        }
        assert_eq!(self.ask(), [], "three rounds are enough\n{}", self.log);
    }

    pub(crate) fn raise(
        &mut self,
        kind: FindingKind,
        about: Subject,
        severity: Severity,
        instances: &[&str],
    ) {
        let finding = Finding {
            key: FindingKey { kind, about },
            since: self.now,
            severity,
            instances: instances.iter().map(|id| shop::id(id)).collect(),
            agreed: true,
            reasons: Vec::new(),
        };
        self.apply(Event::FindingRaised { finding });
    }

    pub(crate) fn instance_down(&mut self, id: &str) {
        self.raise(FindingKind::InstanceDown, Subject::Instance(shop::id(id)), Severity::Critical, &[id]);
    }

    pub(crate) fn service_finding(&mut self, kind: FindingKind, service: &str, severity: Severity) {
        self.raise(kind, Subject::Service(ServiceId::from(service)), severity, &[]);
    }

    pub(crate) fn place_lost(&mut self, place: &str) {
        let instances: Vec<String> = self
            .estate
            .instances()
            .filter(|(_, i)| !i.spare && self.estate.places_around(i).contains(&PlaceId::from(place)))
            .map(|(_, i)| i.id.to_string())
            .collect();
        self.set(Is::Dead, |id| instances.iter().any(|lost| lost == id));
        let ids: Vec<&str> = instances.iter().map(String::as_str).collect();
        self.raise(FindingKind::PlaceLost, Subject::Place(PlaceId::from(place)), Severity::Critical, &ids);
    }

    pub(crate) fn clear_all(&mut self) {
        for key in self.book.findings.keys().cloned().collect::<Vec<_>>() {
            self.apply(Event::FindingCleared { key, reasons: Vec::new() });
        }
    }

    /// Starts the approved plans that the budget admits.
    pub(crate) fn start_plans(&mut self) -> Vec<Result<PlanId, budget::Refusal>> {
        let approved: Vec<_> = self
            .book
            .open_plans()
            .filter(|r| r.state == PlanState::Approved)
            .map(|r| r.plan.clone())
            .collect();
        let mut answers = Vec::new();
        for plan in approved {
            let answer = budget::admit(&self.estate, &self.book, &self.world(), &plan, self.now);
            answers.push(answer.map(|reservation| {
                self.apply(Event::PlanStarted { plan: plan.id, reservation });
                plan.id
            }));
        }
        answers
    }

    /// Does the steps of running plans until each awaits what does not hold or is done. What is started answers, unless
    /// its place takes no starts.
    pub(crate) fn act(&mut self) {
        let running: Vec<_> = self
            .book
            .open_plans()
            .filter(|r| r.state == PlanState::Running)
            .map(|r| r.plan.clone())
            .collect();
        for plan in running {
            let mut done = true;
            for step in &plan.steps {
                let place = plan.steps.iter().position(|each| each.no == step.no).unwrap();
                let state = self.book.plans[&plan.id].steps[place].state.clone();
                if matches!(state, StepState::Ended(StepOutcome::Done(_))) {
                    continue;
                }
                if state == StepState::NotStarted {
                    let world = self.world();
                    let admitted = budget::recheck(&self.estate, &self.book, &world, &plan, step, self.now);
                    assert_eq!(admitted, Ok(()), "{} of {}", step.no, plan.id);
                    self.apply(Event::StepStarted { plan: plan.id, step: step.no, attempt: 1 });
                }
                let waits = match &step.action {
                    Action::Await(Condition::PlaceReleased(place)) => {
                        self.lost_places.as_ref().is_none_or(|lost| lost.contains(place))
                    }
                    Action::Await(Condition::Answering { instances, .. }) => {
                        instances.iter().any(|id| self.known[id] != Is::Up)
                    }
                    _ => false,
                };
                if waits {
                    done = false;
                    break;
                }
                match &step.action {
                    Action::Start(ids) | Action::Restart(ids) => {
                        self.known.extend(ids.iter().map(|id| (id.clone(), Is::Up)));
                    }
                    Action::Stop(ids) => self.known.extend(ids.iter().map(|id| (id.clone(), Is::Stopped))),
                    _ => {}
                }
                let outcome = StepOutcome::Done(Performed { changed: true, notes: Vec::new() });
                self.apply(Event::StepEnded { plan: plan.id, step: step.no, outcome, observed: false });
            }
            if done {
                self.apply(Event::PlanEnded { plan: plan.id, end: PlanEnd::Done, reasons: Vec::new() });
            }
        }
    }

    pub(crate) fn drill(&mut self, fault: Fault, kinds: &[ActionKind], places: &[&str], services: &[&str]) {
        self.apply(Event::DrillStarted {
            run: self.book.next_drill(),
            drill: DrillId::from("rehearsal"),
            fault,
            by: Actor::Automaton,
            consent: Consent { kinds: kinds.iter().copied().collect() },
            places: places.iter().map(|place| PlaceId::from(*place)).collect(),
            services: services.iter().map(|service| ServiceId::from(*service)).collect(),
        });
        self.apply(Event::DrillBroke { run: DrillRunId(1), happened: self.now });
    }

    pub(crate) fn say(&mut self, text: &str) {
        let _ = writeln!(self.log, "{} -- {text}", self.stamp());
    }

    fn stamp(&self) -> String {
        format!("{:>9}", format_span(self.now.since(Timestamp::from_micros(1_000_000_000_000))))
    }

    fn note(&mut self, event: &Event) {
        let reasons = |reasons: &[Reason]| {
            reasons.iter().map(|reason| format!("\n            because {reason}")).collect::<String>()
        };
        let text = match event {
            Event::FindingRaised { finding } => format!("finding {} ({:?})", finding.key, finding.severity),
            Event::FindingChanged { finding } => {
                format!("finding {} is now {:?}", finding.key, finding.severity)
            }
            Event::FindingCleared { key, .. } => format!("cleared {key}"),
            Event::IncidentOpened { incident, grade, about, drill, services, reasons: why, .. } => format!(
                "{incident} opened {grade} about {about}{}, touches {}{}",
                drill.map_or_else(String::new, |run| format!(" in {run}")),
                services.iter().map(ServiceId::as_str).collect::<Vec<_>>().join(" "),
                reasons(why)
            ),
            Event::IncidentJoined { incident, about, reasons: why, .. } => {
                format!("{incident} grows, about {about}{}", reasons(why))
            }
            Event::IncidentRegraded { incident, grade, reasons: why } => {
                format!("{incident} is now {grade}{}", reasons(why))
            }
            Event::IncidentMerged { incident, into, .. } => format!("{incident} is part of {into}"),
            Event::IncidentClosed { incident, reasons: why } => format!("{incident} closed{}", reasons(why)),
            Event::PlanProposed { plan } => {
                let steps: String = plan
                    .steps
                    .iter()
                    .map(|step| {
                        let within = format_span(step.within);
                        format!("\n            {}. {}, within {within}", step.no.0, told(&step.action))
                    })
                    .collect();
                let parent = plan.parent.map_or_else(String::new, |parent| format!(" instead of {parent}"));
                format!("{} proposed{parent}: {}{steps}{}", plan.id, plan.title, reasons(&plan.reasons))
            }
            Event::PlanDecided { plan, approval, reasons: why } => {
                let few = &why[..why.len().min(3)];
                format!("{plan} decided: {approval:?}{}", reasons(few))
            }
            Event::PlanStarted { plan, reservation } => {
                format!(
                    "{plan} started, takes {:?}",
                    reservation.healthy.values().flatten().collect::<Vec<_>>()
                )
            }
            Event::PlanEnded { plan, end, reasons: why } => format!("{plan} ended {end:?}{}", reasons(why)),
            Event::StepEnded { plan, step, .. } => format!("{plan} {step} done"),
            Event::StepStarted { .. } | Event::EvidenceFiled { .. } => return,
            other => other.kind().to_owned(),
        };
        let _ = writeln!(self.log, "{} {text}", self.stamp());
    }
}

fn told(action: &Action) -> String {
    let list = |ids: &[InstanceId]| ids.iter().map(InstanceId::as_str).collect::<Vec<_>>().join(" ");
    match action {
        Action::Weigh(shares) => {
            let shares: Vec<String> = shares.iter().map(|(id, share)| format!("{id}={share}")).collect();
            format!("weigh {}", shares.join(" "))
        }
        Action::Start(ids) => format!("start {}", list(ids)),
        Action::Drain(ids) => format!("drain {}", list(ids)),
        Action::Stop(ids) => format!("stop {}", list(ids)),
        Action::Restart(ids) => format!("restart {}", list(ids)),
        Action::Warm { instances, requests } => format!("warm {} with {requests}", list(instances)),
        Action::Await(Condition::PlaceReleased(place)) => format!("await release of {place}"),
        Action::Await(Condition::Answering { instances, .. }) => {
            format!("await answers of {}", list(instances))
        }
        other => format!("{other:?}"),
    }
}
