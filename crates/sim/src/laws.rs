//! What must hold in every run, and the defects that show that each law is really watched.
//!
//! | law | broken when |
//! |---|---|
//! | `MinimumHeld` | an order of ours takes a service that surely held its minimum below it |
//! | `JournalledFirst` | a hand hears of a step that the ledger does not have |
//! | `UnknownStays` | a finding is cleared, or an incident closed, although nobody knows that the trouble is over |
//! | `SettlesAtOnce` | a stage says something again on the same input, after what it said was taken in |
//!
//! Nobody can know what broke a moment ago. So the minimum is held by what could be known: what has broken by itself
//! within [`BELIEF`] still counts after an order, and what has come up within it does not count before one.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use dinghai_clock::{Clock, Timestamp};
use dinghai_estate::{Estate, InstanceId, ServiceId};
use dinghai_record::{
    Book, Entry, Event, FindingKey, FindingKind, Hash, Health, Order, Seq, Subject, World, WriterId,
};
use serde::Serialize;

use crate::memory::Memory;
use crate::truth::{Process, Truth};

/// How far what is known may lag behind what is so: reports are stale after three seconds, and orders take a while.
const BELIEF: Duration = Duration::from_secs(5);

/// How many worlds back a clearing may have been decided from: the last one, or the one before it while it was written.
const RECENT: usize = 2;

/// How many answers in a row a stage may give to one input until it has nothing more to say: plans follow the
/// incidents that they are for.
const ANSWERS: usize = 4;

/// Something that must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Law {
    /// No order of ours takes a service below its minimum.
    MinimumHeld,
    /// Every order stands in the ledger before a hand hears of it.
    JournalledFirst,
    /// What nobody knows clears nothing.
    UnknownStays,
    /// The same input twice changes nothing.
    SettlesAtOnce,
}

/// A law that did not hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// Which.
    pub law: Law,
    /// When, in simulated time.
    pub at: Timestamp,
    /// What happened.
    pub what: String,
}

impl fmt::Display for Law {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::MinimumHeld => "minimum-held",
            Self::JournalledFirst => "journalled-first",
            Self::UnknownStays => "unknown-stays",
            Self::SettlesAtOnce => "settles-at-once",
        })
    }
}

/// A defect put in on purpose, to see that its law notices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Defect {
    /// The hand stops everything else when it starts something ([`Law::MinimumHeld`]).
    HeavyHand,
    /// An order is given that no entry stands for ([`Law::JournalledFirst`]).
    UnwrittenOrder,
    /// What nobody knows is taken for well ([`Law::UnknownStays`]).
    WishfulClearing,
    /// A stage that never settles ([`Law::SettlesAtOnce`]).
    Fidget,
}

/// Watches a run. It outlives controllers.
pub(crate) struct Laws {
    estate: Arc<Estate>,
    memory: Arc<Memory>,
    seen: Mutex<SeenSoFar>,
}

#[derive(Default)]
struct SeenSoFar {
    violations: Vec<Violation>,
    recent: VecDeque<Arc<World>>,
    /// The ledger as far as it was followed.
    book: Book,
    reflexes: BTreeSet<String>,
}

impl Laws {
    pub(crate) fn new(estate: Arc<Estate>, memory: Arc<Memory>) -> Arc<Self> {
        Arc::new(Self { estate, memory, seen: Mutex::default() })
    }

    fn seen(&self) -> MutexGuard<'_, SeenSoFar> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was broken so far.
    pub(crate) fn violations(&self) -> Vec<Violation> {
        self.seen().violations.clone()
    }

    /// The ledger's fold, as far as it was followed.
    pub(crate) fn book(&self) -> Book {
        self.seen().book.clone()
    }

    fn broken(&self, law: Law, at: Timestamp, what: String) {
        self.seen().violations.push(Violation { law, at, what });
    }

    /// The instances of each service that have served for so long that everybody may know it.
    pub(crate) fn surely_serving(&self, truth: &Truth) -> BTreeMap<ServiceId, BTreeSet<InstanceId>> {
        let now = truth.clock.now();
        let state = truth.state();
        let surely = |id: &&InstanceId| matches!(state.processes.get(*id), Some(Process::Running(from)) if now.since(*from) >= BELIEF);
        let serving = |id: &ServiceId| truth.in_rotation(&state, id).filter(surely).cloned().collect();
        truth.estate.services.keys().map(|id| (id.clone(), serving(id))).collect()
    }

    /// Whether an order left every service its minimum that surely had it.
    pub(crate) fn minimum_is_held(
        &self,
        truth: &Truth,
        before: &BTreeMap<ServiceId, BTreeSet<InstanceId>>,
        order: &Order,
    ) {
        let now = truth.clock.now();
        let mut broken = Vec::new();
        {
            let state = truth.state();
            for (id, service) in &truth.estate.services {
                let minimum = usize::try_from(service.minimum).unwrap_or(usize::MAX);
                let had = before.get(id).map_or(0, BTreeSet::len);
                let broke_just_now =
                    |id: &InstanceId| state.broke.get(id).is_some_and(|broke| now.since(*broke) < BELIEF);
                let serves = |id: &&InstanceId| state.answer(id, now).is_ok() || broke_just_now(id);
                let has = truth.in_rotation(&state, id).filter(serves).count();
                if had >= minimum && has < minimum {
                    let what =
                        format!("{} of {} took {id} from {had} to {has}", order.action.as_str(), order.key());
                    broken.push(what);
                }
            }
        }
        broken.into_iter().for_each(|what| self.broken(Law::MinimumHeld, now, what));
    }

    /// Whether the ledger has the step or undo that the order is for.
    pub(crate) fn order_is_journalled(&self, order: &Order, now: Timestamp) {
        let stands = self.memory.any(|entry| match &entry.event {
            Event::StepStarted { plan, step, .. } => {
                !order.undo && *plan == order.plan && *step == order.step
            }
            Event::UndoStarted { plan, step } => order.undo && *plan == order.plan && *step == order.step,
            _ => false,
        });
        if !stands {
            self.broken(Law::JournalledFirst, now, format!("the order for {} has no entry", order.key()));
        }
    }

    /// Takes note of a world that was published.
    pub(crate) fn see(&self, world: Arc<World>) {
        let recent = &mut self.seen().recent;
        if recent.back().is_some_and(|last| Arc::ptr_eq(last, &world)) {
            return;
        }
        recent.push_back(world);
        if recent.len() > RECENT {
            recent.pop_front();
        }
    }

    /// Judges what was written since the last time.
    pub(crate) fn follow(&self) {
        let head = self.seen().book.head;
        for entry in self.memory.after(head) {
            let mut seen = self.seen();
            let mut broken: Vec<(Law, String)> = Vec::new();
            if let Some(what) = self.resolves_unknown(&seen, &entry.event) {
                broken.push((Law::UnknownStays, what));
            }
            if let Some(what) = says_again(&seen, &entry.event) {
                broken.push((Law::SettlesAtOnce, what));
            }
            if let Event::ReflexReported { .. } = &entry.event {
                seen.reflexes.insert(format!("{:?}", entry.event));
            }
            if let Err(error) = seen.book.apply(&entry) {
                broken.push((
                    Law::SettlesAtOnce,
                    format!("the ledger has what its fold does not admit: {error}"),
                ));
            }
            seen.violations.extend(broken.into_iter().map(|(law, what)| Violation {
                law,
                at: entry.at,
                what,
            }));
        }
    }

    /// What the event resolves although nobody could know, when it does.
    fn resolves_unknown(&self, seen: &SeenSoFar, event: &Event) -> Option<String> {
        match event {
            Event::FindingCleared { key, .. } => {
                let stands = seen.book.findings.get(key)?;
                let unknown = self.nobody_knew(seen, key, &stands.finding.instances)?;
                Some(format!("`{key}` was cleared while {unknown}"))
            }
            Event::IncidentClosed { incident, .. } => {
                let record = seen.book.incidents.get(incident)?;
                let stands = record.standing.iter().next()?;
                Some(format!("{incident} was closed while `{stands}` stands"))
            }
            _ => None,
        }
    }

    /// What was not known in any of the last worlds of what has to be known to clear this.
    fn nobody_knew(
        &self,
        seen: &SeenSoFar,
        key: &FindingKey,
        instances: &BTreeSet<InstanceId>,
    ) -> Option<String> {
        let never =
            |known: &dyn Fn(&World) -> bool| !seen.recent.is_empty() && !seen.recent.iter().any(|w| known(w));
        match (key.kind, &key.about) {
            (FindingKind::InstanceDown | FindingKind::InstanceHung, Subject::Instance(instance)) => {
                let explained = seen.book.findings.iter().any(|(other, open)| {
                    other.kind == FindingKind::PlaceLost && open.finding.instances.contains(instance)
                });
                let known = |world: &World| *world.health(instance) != Health::Unknown;
                (!explained && never(&known)).then(|| format!("{instance} was unknown"))
            }
            (FindingKind::PlaceLost, _) => {
                let known = |world: &World| instances.iter().any(|id| *world.health(id) != Health::Unknown);
                never(&known).then(|| "all of it was unknown".to_owned())
            }
            (FindingKind::BelowMinimum, Subject::Service(id)) => {
                let service = self.estate.services.get(id)?;
                let minimum = usize::try_from(service.minimum).unwrap_or(usize::MAX);
                let up = |world: &World| {
                    service.instances.iter().filter(|each| *world.health(&each.id) == Health::Up).count()
                };
                never(&|world| up(world) >= minimum)
                    .then(|| format!("{id} was not known to hold its minimum"))
            }
            _ => None,
        }
    }

    /// Asks every stage again on the same input, with what it said before taken in, until it says nothing more.
    pub(crate) fn stages_settle(&self, book: &Book, world: &World, defect: Option<Defect>) {
        let (estate, now) = (&*self.estate, world.at);
        let decide =
            |book: &Book| dinghai_decide::decide(&dinghai_decide::Inputs { estate, book, world, now });
        let drill = |book: &Book| dinghai_drill::proceed(&dinghai_drill::Inputs { estate, book, world, now });
        let fidget = |_: &Book| match defect {
            Some(Defect::Fidget) => vec![Event::Resumed { by: dinghai_record::Actor::Automaton }],
            _ => vec![],
        };
        type Stage<'a> = (&'a str, &'a dyn Fn(&Book) -> Vec<Event>);
        let stages: [Stage<'_>; 3] = [("decide", &decide), ("drill", &drill), ("fidget", &fidget)];
        for (name, stage) in stages {
            let mut events = stage(book);
            if events.is_empty() {
                continue;
            }
            let mut book = book.clone();
            for _ in 1..ANSWERS {
                for event in events {
                    if let Err(error) = book.apply(&provisional(&book, event)) {
                        let what = format!("{name} says what the book does not admit: {error}");
                        self.broken(Law::SettlesAtOnce, now, what);
                    }
                }
                events = stage(&book);
            }
            if let Some(again) = events.first() {
                let what = format!("{name} goes on to say {} on the same input", again.kind());
                self.broken(Law::SettlesAtOnce, now, what);
            }
        }
    }
}

/// What the event says that the book says already, when it does.
fn says_again(seen: &SeenSoFar, event: &Event) -> Option<String> {
    let book = &seen.book;
    match event {
        Event::FindingRaised { finding } => book
            .findings
            .contains_key(&finding.key)
            .then(|| format!("`{}` was raised while it stood", finding.key)),
        Event::FindingChanged { finding } => {
            let was = &book.findings.get(&finding.key)?.finding;
            let same = (was.severity, &was.instances, was.agreed)
                == (finding.severity, &finding.instances, finding.agreed);
            same.then(|| format!("`{}` changed to what it was", finding.key))
        }
        Event::FindingCleared { key, .. } => {
            (!book.findings.contains_key(key)).then(|| format!("`{key}` was cleared while it did not stand"))
        }
        Event::IncidentRegraded { incident, grade, .. } => {
            let was = book.incidents.get(incident)?.grade;
            (was == *grade).then(|| format!("{incident} was graded {grade} again"))
        }
        Event::IncidentMeasured { incident, measures } => {
            let was = book.incidents.get(incident)?.measures.as_ref();
            (was == Some(measures)).then(|| format!("{incident} was measured to be what it was"))
        }
        Event::ReflexReported { instance, .. } => {
            let told = seen.reflexes.contains(&format!("{event:?}"));
            told.then(|| format!("a reflex about {instance} was written twice"))
        }
        _ => None,
    }
}

fn provisional(book: &Book, event: Event) -> Entry {
    Entry {
        writer: WriterId(String::new()),
        seq: Seq(book.head.0 + 1),
        at: book.as_of,
        lease: book.lease,
        schema: dinghai_record::SCHEMA,
        event,
        prev: book.hash,
        hash: Hash::default(),
    }
}
