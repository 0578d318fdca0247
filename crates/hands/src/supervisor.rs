//! The processes in the hand's charge.
//!
//! ```text
//! stopped ──start──► running ──stop──► stopped
//!                      │  ▲
//!                 ends │  │ start, or the hand when the estate says `restart: hand`
//!                      ▼  │
//!                exited / backing off
//! ```
//!
//! A process is written down before it is let go (see `launch`), so the file always names every process that may run.
//! A hand that comes back adopts those that live, by process id, start time and boot. What the file says is wanted
//! decides what an end means: a process that was stopped on order is stopped, any other has exited.

use std::collections::{BTreeMap, HashMap};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use dinghai_clock::{Clock, Rng, Timestamp};
use dinghai_estate::{InstanceId, Restart};
use dinghai_record::{ProcessState, Reason};
use dinghai_wire::{Charged, ProcessView, Refusal};
use rustix::process::{PidfdFlags, Signal, pidfd_open};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::kept::Kept;
use crate::launch::{self, Held};
use crate::proc::Identity;
use crate::rules::{Rules, cannot_write};
use crate::watch::{End, Live, ended};
use crate::{HandError, backoff, output};

/// A process that ends this soon was not started.
const GRACE: Duration = Duration::from_millis(100);

/// What the kernel and the launcher may take for what they do at once.
pub(crate) const PROMPT: Duration = Duration::from_secs(5);

/// Starts, stops and watches processes.
pub(crate) struct Supervisor {
    pub(crate) rules: Arc<Rules>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) processes: Arc<Kept<Processes>>,
    launcher: PathBuf,
    output: PathBuf,
    live: Mutex<HashMap<InstanceId, Live>>,
    turns: Mutex<HashMap<InstanceId, Arc<tokio::sync::Mutex<()>>>>,
    rng: Mutex<Rng>,
    closed: watch::Sender<bool>,
}

/// Every process that may run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Processes {
    /// Names this hand's folder in the environment of its processes; drawn once.
    id: String,
    pub(crate) processes: BTreeMap<InstanceId, Record>,
}

/// One instance's process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// Whether it is to run; false once it was stopped on order.
    pub(crate) wanted: bool,
    pub(crate) phase: Phase,
    pub(crate) since: Timestamp,
    pub(crate) starts: u64,
    /// Quick ends in a row, see `backoff`.
    quick: u32,
}

/// How far a process has come.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Phase {
    /// Never started, or stopped on order.
    Stopped,
    /// Let go, or about to be.
    Running(Identity),
    /// Ended by itself.
    Exited { code: Option<i32>, signal: Option<i32> },
    /// Ended; we start it again.
    BackingOff { until: Timestamp },
}

impl Record {
    fn at(now: Timestamp) -> Self {
        Self { wanted: false, phase: Phase::Stopped, since: now, starts: 0, quick: 0 }
    }
}

impl Supervisor {
    /// Reads back what ran, and adopts what still does.
    pub(crate) async fn open(
        dir: &Path,
        launcher: PathBuf,
        rules: Arc<Rules>,
        clock: Arc<dyn Clock>,
    ) -> Result<Arc<Self>, HandError> {
        let output = dir.join("output");
        std::fs::create_dir_all(&output).map_err(HandError::io("create", &output))?;
        let file = dir.join("processes.json");
        let processes = Kept::<Processes>::open(file.clone())?;
        if processes.get().id.is_empty() {
            let source = "/proc/sys/kernel/random/uuid";
            let id = std::fs::read_to_string(source).map_err(HandError::io("read", source))?;
            let draw = move |processes: &mut Processes| id.trim().clone_into(&mut processes.id);
            processes.change(draw).await.map_err(HandError::io("write", file))?;
        }
        let seed = clock.now().as_micros().unsigned_abs() ^ u64::from(std::process::id());
        let supervisor = Arc::new(Self {
            rules,
            clock,
            processes,
            launcher,
            output,
            live: Mutex::default(),
            turns: Mutex::default(),
            rng: Mutex::new(Rng::seeded(seed)),
            closed: watch::Sender::new(false),
        });
        supervisor.adopt().await;
        Ok(supervisor)
    }

    /// Takes over what an earlier hand started.
    async fn adopt(self: &Arc<Self>) {
        for (instance, record) in &self.processes.get().processes {
            match &record.phase {
                Phase::Running(identity) => self.adopt_one(instance, identity).await,
                Phase::BackingOff { until } => self.bring_back_at(instance.clone(), *until),
                Phase::Stopped | Phase::Exited { .. } => {}
            }
        }
    }

    async fn adopt_one(self: &Arc<Self>, instance: &InstanceId, identity: &Identity) {
        // First the descriptor, then the look: what the descriptor stands for cannot change between them.
        let pidfd = identity.raw().and_then(|pid| pidfd_open(pid, PidfdFlags::NONBLOCK).ok());
        let (Some(pidfd), Some(_)) = (pidfd, identity.stat()) else {
            return self.note_end(instance, identity, End::default()).await;
        };
        let live = self.attend(instance, identity.clone(), pidfd);
        if launch::is_held(identity) {
            // It was never let go, and nobody can do that any more.
            live.signal(Signal::KILL);
            live.gone_within(PROMPT).await;
        } else {
            tracing::info!(%instance, pid = identity.pid, "adopted");
        }
    }

    /// Lets instances that came into our charge be seen as stopped, and drops those that left it and do not run.
    pub(crate) async fn expect(&self) -> Result<(), Refusal> {
        let (charge, now) = (self.rules.charge(), self.clock.now());
        let adjust = move |processes: &mut Processes| {
            processes.processes.retain(|instance, record| {
                charge.instances.contains_key(instance) || matches!(record.phase, Phase::Running(_))
            });
            for instance in charge.instances.keys() {
                processes.processes.entry(instance.clone()).or_insert_with(|| Record::at(now));
            }
        };
        self.processes.change(adjust).await.map_err(cannot_write)
    }

    /// What is told of the processes.
    pub(crate) fn views(&self) -> BTreeMap<InstanceId, ProcessView> {
        let processes = self.processes.get();
        let view = |record: &Record| ProcessView {
            state: match record.phase.clone() {
                Phase::Stopped => ProcessState::Stopped,
                Phase::Running(identity) => ProcessState::Running { pid: identity.pid },
                Phase::Exited { code, signal } => ProcessState::Exited { code, signal },
                Phase::BackingOff { until } => ProcessState::BackingOff { until },
            },
            since: record.since,
            starts: record.starts,
        };
        processes.processes.iter().map(|(instance, record)| (instance.clone(), view(record))).collect()
    }

    /// The process of an instance, when it runs.
    pub(crate) fn live(&self, instance: &InstanceId) -> Option<Live> {
        let live = self.live.lock().unwrap_or_else(PoisonError::into_inner).get(instance).cloned();
        live.filter(|live| live.gone().is_none())
    }

    /// Waits for the instance's turn: its process is changed by one at a time.
    pub(crate) async fn turn(&self, instance: &InstanceId) -> tokio::sync::OwnedMutexGuard<()> {
        let turn = {
            let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(turns.entry(instance.clone()).or_default())
        };
        turn.lock_owned().await
    }

    /// Starts the process unless it runs, and returns when it has stayed up for a moment. The caller has the turn.
    pub(crate) async fn start(self: &Arc<Self>, instance: &InstanceId) -> Result<Option<Reason>, Refusal> {
        let charged = self.rules.charged(instance)?;
        self.rules.may_start(&charged)?;
        if self.live(instance).is_some() {
            return Ok(None);
        }
        let started = self.launch(instance, &charged).await;
        if started.is_err() {
            // What was ordered and did not come up is reported; it is not tried again behind the order's back.
            let give_up = |record: &mut Record| {
                record.wanted = false;
                if let Phase::BackingOff { .. } = record.phase {
                    record.phase = Phase::Exited { code: None, signal: None };
                }
            };
            self.record(instance, give_up).await.map_err(cannot_write)?;
        }
        started.map(Some)
    }

    async fn launch(self: &Arc<Self>, instance: &InstanceId, charged: &Charged) -> Result<Reason, Refusal> {
        let failed = |why: String| {
            Refusal::Failed(Reason::new("start-failed").with("instance", instance).with("why", why))
        };
        let path = output::file(&self.output, instance);
        let file = output::open(&path).map_err(|error| failed(error.to_string()))?;
        let from = file.metadata().map_or(0, |file| file.len());
        let mark = format!("{}/{instance}", self.processes.get().id);
        let held = launch::hold(&self.launcher, &charged.run, &mark, &file)
            .map_err(|error| failed(error.to_string()))?;
        let (identity, pidfd, line) = held.into_parts();
        let live = self.attend(instance, identity.clone(), pidfd);
        let (now, running) = (self.clock.now(), identity.clone());
        let write_down = move |record: &mut Record| {
            record.wanted = true;
            record.phase = Phase::Running(running);
            record.since = now;
            record.starts += 1;
        };
        let let_go = match self.record(instance, write_down).await {
            Ok(()) => Held::go(line, PROMPT).await.map_err(failed),
            Err(error) => {
                drop(line);
                Err(cannot_write(error))
            }
        };
        let end = if let_go.is_ok() {
            live.gone_within(GRACE).await
        } else {
            live.signal(Signal::KILL);
            live.gone_within(PROMPT).await
        };
        if let Some(end) = end {
            // It may have ended before it was written down as running.
            self.note_end(instance, &identity, end).await;
            let_go?;
            let told = Reason::new("exited-at-once").with("instance", instance).with("how", end);
            return Err(Refusal::Failed(told.with("output", output::tail(&path, from))));
        }
        let_go?;
        Ok(Reason::new("process-started").with("instance", instance).with("pid", identity.pid))
    }

    /// Changes the record of one instance; when this returns, the change is durable.
    pub(crate) async fn record(
        &self,
        instance: &InstanceId,
        change: impl FnOnce(&mut Record) + Send + 'static,
    ) -> std::io::Result<()> {
        let (instance, now) = (instance.clone(), self.clock.now());
        let apply = move |processes: &mut Processes| {
            change(processes.processes.entry(instance).or_insert_with(|| Record::at(now)));
        };
        self.processes.change(apply).await
    }

    /// Watches a process until its end.
    fn attend(self: &Arc<Self>, instance: &InstanceId, identity: Identity, pidfd: OwnedFd) -> Live {
        let (tell, gone) = watch::channel(None);
        let live = Live::new(identity.clone(), gone);
        let mut all = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(instance.clone(), live.clone());
        drop(all);
        let (supervisor, instance) = (Arc::clone(self), instance.clone());
        self.spawn(async move {
            let end = ended(&identity, pidfd).await;
            supervisor.note_end(&instance, &identity, end).await;
            tell.send_replace(Some(end));
        });
        live
    }

    /// Takes in that a process has ended; a second time changes nothing.
    async fn note_end(self: &Arc<Self>, instance: &InstanceId, identity: &Identity, end: End) {
        let now = self.clock.now();
        let by_hand = self.rules.charged(instance).is_ok_and(|charged| charged.run.restart == Restart::Hand);
        let mut rng = Rng::seeded(self.rng.lock().unwrap_or_else(PoisonError::into_inner).bits());
        let (key, ended) = (instance.clone(), Phase::Running(identity.clone()));
        let note = move |processes: &mut Processes| {
            let record = processes.processes.get_mut(&key).filter(|record| record.phase == ended)?;
            let up_for = now.since(record.since);
            record.since = now;
            if !record.wanted {
                record.phase = Phase::Stopped;
                return None;
            }
            if !by_hand {
                record.phase = Phase::Exited { code: end.code, signal: end.signal };
                return None;
            }
            let (pause, quick) = backoff::next(record.quick, up_for, &mut rng);
            let until = now.plus(pause);
            record.quick = quick;
            record.phase = Phase::BackingOff { until };
            Some(until)
        };
        match self.processes.note(note).await {
            Ok(Some(until)) => self.bring_back_at(instance.clone(), until),
            Ok(None) => {}
            Err(error) => tracing::error!(%instance, %error, "cannot note that a process ended"),
        }
    }

    /// Starts it again at this time, or when it is allowed again after that.
    fn bring_back_at(self: &Arc<Self>, instance: InstanceId, until: Timestamp) {
        let supervisor = Arc::clone(self);
        self.spawn(async move {
            let mut until = Some(until);
            while let Some(at) = until {
                tokio::time::sleep(at.since(supervisor.clock.now())).await;
                until = supervisor.bring_back(&instance, at).await;
            }
        });
    }

    /// Starts it again unless somebody came first; when that fails before there is a process, when to try again.
    async fn bring_back(self: &Arc<Self>, instance: &InstanceId, at: Timestamp) -> Option<Timestamp> {
        let mut changes = self.rules.follow();
        loop {
            let turn = self.turn(instance).await;
            let waits = Phase::BackingOff { until: at };
            if self.processes.get().processes.get(instance).is_none_or(|record| record.phase != waits) {
                return None;
            }
            let charged = self.rules.charged(instance);
            let allowed = charged.as_ref().is_ok_and(|charged| self.rules.may_start(charged).is_ok());
            let charged = match charged {
                Ok(charged) if allowed && !self.rules.halted() => charged,
                _ => {
                    drop(turn);
                    changes.changed().await.ok()?;
                    continue;
                }
            };
            let Err(refusal) = self.launch(instance, &charged).await else { return None };
            tracing::warn!(%instance, ?refusal, "could not start it again");
            let mut rng = Rng::seeded(self.rng.lock().unwrap_or_else(PoisonError::into_inner).bits());
            let (key, now) = (instance.clone(), self.clock.now());
            let wait_on = move |processes: &mut Processes| {
                let record = processes.processes.get_mut(&key).filter(|record| record.phase == waits)?;
                let (pause, quick) = backoff::next(record.quick.max(1), Duration::ZERO, &mut rng);
                let until = now.plus(pause);
                record.quick = quick;
                record.phase = Phase::BackingOff { until };
                Some(until)
            };
            return self.processes.note(wait_on).await.ok().flatten();
        }
    }

    /// Lets go of all processes, which run on, so that another hand can adopt them.
    pub(crate) fn close(&self) {
        self.closed.send_replace(true);
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut closed = self.closed.subscribe();
        tokio::spawn(async move {
            tokio::select! {
                _ = closed.wait_for(|closed| *closed) => {}
                () = task => {}
            }
        });
    }

    /// Turns over files that have grown long, for ever.
    pub(crate) async fn turn_files_over(&self) {
        loop {
            tokio::time::sleep(Duration::from_secs(10)).await;
            let files: Vec<_> =
                self.processes.get().processes.keys().map(|id| output::file(&self.output, id)).collect();
            let turned = tokio::task::spawn_blocking(move || {
                for file in files {
                    if let Err(error) = output::turn_over(&file, output::LIMIT) {
                        tracing::warn!(file = %file.display(), %error, "cannot turn over the output");
                    }
                }
            });
            let _ = turned.await;
        }
    }
}
