//! An order's way from the door to the act.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use dinghai_clock::{Clock, Timestamp};
use dinghai_estate::{Check, InstanceId};
use dinghai_record::{Action, Order, Performed, Reason};
use dinghai_wire::{Charge, Fenced, HandState, Refusal};
use futures::future::join_all;

use crate::faults::{Faults, instances};
use crate::orders::{Begin, Orders, Outcome, Ticket, outcome_of};
use crate::rules::Rules;
use crate::supervisor::Supervisor;
use crate::{HandError, exec, http};

/// A request that warms may be slow; it has at least this long.
const WARM_PATIENCE: Duration = Duration::from_secs(1);

/// The longest that stopping everything may take.
const DISMISSAL: Duration = Duration::from_secs(25);

/// Everything that a hand is.
pub(crate) struct Hand {
    pub(crate) rules: Arc<Rules>,
    pub(crate) supervisor: Arc<Supervisor>,
    pub(crate) faults: Faults,
    pub(crate) orders: Orders,
    clock: Arc<dyn Clock>,
    /// Where programs print while they run.
    programs: PathBuf,
}

impl Hand {
    /// Reads back what an earlier hand in this folder knew, and adopts its processes.
    pub(crate) async fn open(
        dir: &Path,
        launcher: PathBuf,
        clock: Arc<dyn Clock>,
    ) -> Result<Arc<Self>, HandError> {
        let programs = dir.join("programs");
        std::fs::create_dir_all(&programs).map_err(HandError::io("create", &programs))?;
        let rules = Rules::open(dir)?;
        let supervisor = Supervisor::open(dir, launcher, Arc::clone(&rules), Arc::clone(&clock)).await?;
        Ok(Arc::new(Self {
            faults: Faults::new(Arc::clone(&supervisor)),
            orders: Orders::open(dir)?,
            rules,
            supervisor,
            clock,
            programs,
        }))
    }

    /// Takes a new charge from one who leads.
    pub(crate) async fn put_charge(&self, charge: Fenced<Charge>) -> Result<(), Refusal> {
        self.rules.admit(&charge.fence).await?;
        self.rules.put_charge(charge.body).await?;
        self.supervisor.expect().await
    }

    /// What it tells of itself.
    pub(crate) fn state(&self) -> HandState {
        HandState {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            now: self.clock.now(),
            fence: self.rules.fence(),
            halted: self.rules.halted(),
            processes: self.supervisor.views(),
            faults: self.faults.views(),
            lost_places: self.rules.lost_places(),
        }
    }

    /// Does an order once, and returns when it is done. Run it as a task: it must not be dropped half way.
    pub(crate) async fn perform(&self, order: &Order) -> Outcome {
        self.rules.admit(&order.fence).await?;
        match self.orders.begin(order) {
            Begin::Ended(outcome) => outcome,
            Begin::Running(running) => outcome_of(running).await,
            Begin::New(ticket, unknown) => {
                // What cannot be looked at afterwards is not repeated for the same journal entry.
                let once = matches!(order.action, Action::Exec { .. } | Action::Http { .. });
                let repeats = unknown.is_some_and(|record| order.journalled <= record.journalled);
                if once && repeats {
                    return self.refuse(ticket, Refusal::Failed(Reason::new("hand-died-meanwhile")));
                }
                if let Err(refusal) = self.may(order) {
                    return self.refuse(ticket, refusal);
                }
                if let Err(refusal) = self.orders.write_down(order, self.clock.now()).await {
                    return self.refuse(ticket, refusal);
                }
                let outcome = self.act(order).await;
                tracing::info!(key = order.key(), action = order.action.as_str(), ?outcome, "order");
                self.orders.end(ticket, outcome.clone()).await;
                outcome
            }
        }
    }

    /// Nothing was done: those who wait are told, and the order may be given again.
    fn refuse(&self, ticket: Ticket, refusal: Refusal) -> Outcome {
        self.orders.give_back(ticket, Err(refusal.clone()));
        Err(refusal)
    }

    /// Whether the order may be begun.
    fn may(&self, order: &Order) -> Result<(), Refusal> {
        if let Action::Mend(_) = order.action {
            return Ok(());
        }
        if self.rules.halted() {
            return Err(Refusal::Halted);
        }
        if order.deadline <= self.clock.now() {
            let late = Reason::new("order-too-late").with("deadline", order.deadline);
            return Err(Refusal::Refused(late));
        }
        match &order.action {
            Action::Start(ids) | Action::Restart(ids) => {
                ids.iter().try_for_each(|id| self.rules.may_start(&self.rules.charged(id)?))
            }
            Action::Stop(ids) | Action::Warm { instances: ids, .. } => {
                ids.iter().try_for_each(|id| self.rules.charged(id).map(drop))
            }
            Action::Break(fault) => {
                instances(&fault.fault).iter().try_for_each(|id| self.rules.charged(id).map(drop))
            }
            Action::Exec { argv } => self.may_run(argv),
            Action::Http { .. } | Action::Mend(_) => Ok(()),
            Action::Weigh(_) | Action::Drain(_) | Action::Await(_) | Action::Hold { .. } => {
                Err(not_ours(&order.action))
            }
        }
    }

    fn may_run(&self, argv: &[String]) -> Result<(), Refusal> {
        let program = argv.first().map_or("", String::as_str);
        if Path::new(program).is_absolute() && self.rules.charge().programs.iter().any(|p| p == program) {
            Ok(())
        } else {
            Err(Refusal::Refused(Reason::new("program-not-in-charge").with("program", program)))
        }
    }

    async fn act(&self, order: &Order) -> Outcome {
        let left = order.deadline.since(self.clock.now());
        match &order.action {
            Action::Start(ids) => all(ids, |id| self.start(id)).await,
            Action::Stop(ids) => all(ids, |id| self.stop(id, order.deadline)).await,
            Action::Restart(ids) => all(ids, |id| self.restart(id, order.deadline)).await,
            Action::Warm { instances, requests } => {
                all(instances, |id| self.warm(id, *requests, order.deadline)).await
            }
            Action::Exec { argv } => {
                let words = self.programs.join(format!("{}.log", order.key()));
                exec::run(argv, &words, left).await
            }
            Action::Http { method, url, body } => http::send(method, url, body.as_deref(), left).await,
            Action::Break(fault) => self.faults.make(&order.key(), fault).await,
            Action::Mend(fault) => self.faults.mend(fault).await,
            Action::Weigh(_) | Action::Drain(_) | Action::Await(_) | Action::Hold { .. } => {
                Err(not_ours(&order.action))
            }
        }
    }

    /// Stops every process in its charge, for the person who ends them together with the hand. No automaton can ask
    /// for it, and neither fence nor halt stand in the way.
    pub(crate) async fn dismiss(&self) -> Outcome {
        let charge = self.rules.charge();
        let all_of_them: Vec<InstanceId> = charge.instances.keys().cloned().collect();
        let deadline = self.clock.now().plus(DISMISSAL);
        all(&all_of_them, |id| self.stop(id, deadline)).await
    }

    async fn start(&self, instance: &InstanceId) -> Result<Vec<Reason>, Refusal> {
        let _turn = self.supervisor.turn(instance).await;
        self.supervisor.start(instance).await.map(Vec::from_iter)
    }

    async fn stop(&self, instance: &InstanceId, deadline: Timestamp) -> Result<Vec<Reason>, Refusal> {
        let _turn = self.supervisor.turn(instance).await;
        self.supervisor.stop(instance, deadline).await.map(Vec::from_iter)
    }

    async fn restart(&self, instance: &InstanceId, deadline: Timestamp) -> Result<Vec<Reason>, Refusal> {
        let _turn = self.supervisor.turn(instance).await;
        let stopped = self.supervisor.stop(instance, deadline).await?;
        let started = self.supervisor.start(instance).await?;
        Ok(stopped.into_iter().chain(started).collect())
    }

    async fn warm(
        &self,
        instance: &InstanceId,
        requests: u32,
        deadline: Timestamp,
    ) -> Result<Vec<Reason>, Refusal> {
        let charged = self.rules.charged(instance)?;
        let Some((path, probe)) = charged.probe.as_ref().and_then(|probe| match &probe.check {
            Check::Http(path) => Some((path, probe)),
            Check::Tcp | Check::Process => None,
        }) else {
            return Ok(Vec::new());
        };
        let mut last = Ok(());
        for _ in 0..requests {
            let patience = probe.timeout.max(WARM_PATIENCE).min(deadline.since(self.clock.now()));
            last = match http::ask("GET", &charged.address, path, Bytes::new(), patience).await {
                Ok(200..=399) => Ok(()),
                Ok(status) => Err(format!("status {status}")),
                Err(why) => Err(why),
            };
        }
        let told = |code: &str| Reason::new(code).with("instance", instance).with("requests", requests);
        match last {
            Ok(()) => Ok(vec![told("instance-warmed")]),
            Err(why) => Err(Refusal::Failed(told("warm-failed").with("why", why))),
        }
    }
}

fn not_ours(action: &Action) -> Refusal {
    Refusal::Refused(Reason::new("not-for-a-hand").with("action", action.as_str()))
}

/// Does it for all at the same time. It failed when one did; the first of those is told.
async fn all<'a, F>(ids: &'a [InstanceId], act: impl Fn(&'a InstanceId) -> F) -> Outcome
where
    F: Future<Output = Result<Vec<Reason>, Refusal>>,
{
    // One that is named twice is done once.
    let ids: BTreeMap<&InstanceId, ()> = ids.iter().map(|id| (id, ())).collect();
    let done: Result<Vec<_>, Refusal> = join_all(ids.into_keys().map(act)).await.into_iter().collect();
    let notes: Vec<Reason> = done?.into_iter().flatten().collect();
    Ok(Performed { changed: !notes.is_empty(), notes })
}
