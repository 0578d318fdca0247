//! What happens in the demo, act by act, and what is measured of it.
//!
//! Nothing in here tells Dinghai anything that it could not see by itself: faults are signals to processes, failures
//! are counted by the shoppers, and times are read from the ledger afterwards.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};
use dinghai_clock::{Clock, SystemClock, Timestamp};
use dinghai_engine::HaltReport;
use dinghai_estate::{DrillId, Estate, PlaceId};
use dinghai_load::{LoadHandle, Snapshot};
use dinghai_record::{
    Action, DrillState, Event, IncidentState, PlanPurpose, PlanState, StepOutcome, Subject, Verdict,
};
use dinghai_wire::{HandState, UnixClient};
use rustix::process::Signal;
use serde::de::DeserializeOwned;
use serde_json::json;
use tokio::task::JoinHandle;

use super::figures::{ControllerFigures, DrillFigures, Figures, LossFigures};
use super::follow::Follower;
use super::tell::Teller;

/// How long any one thing may take before the demo gives up.
const PATIENCE: Duration = Duration::from_secs(60);

/// The window over which a loss is judged.
const WINDOW: Duration = Duration::from_secs(10);

/// The demo on its stage.
pub(crate) struct Story<'a> {
    pub(crate) data: &'a Path,
    pub(crate) estate: Estate,
    pub(crate) follower: Follower,
    pub(crate) shoppers: LoadHandle,
    pub(crate) clock: SystemClock,
    pub(crate) tell: &'a Teller,
    pub(crate) figures: Figures,
}

impl Story<'_> {
    /// All of it, in order.
    pub(crate) async fn play(&mut self) -> anyhow::Result<()> {
        self.steady().await?;
        for drill in ["kill-order", "hang-payment", "zone-loss"] {
            self.drill(drill).await?;
        }
        self.zone_dies("hz-b").await?;
        self.hang_and_controller_death("order@hz-c").await?;
        self.calm("everything is as declared again").await?;
        self.halt().await
    }

    /// Stops every automaton and lets them go on.
    async fn halt(&mut self) -> anyhow::Result<()> {
        self.shoppers.mark("halted");
        let begun = self.clock.now();
        let report: HaltReport = self.post("/api/v1/halt", &json!({ "reason": "the demo shows it" })).await?;
        let took = ms(self.clock.now().since(begun));
        let _: HaltReport = self.post("/api/v1/resume", &json!({})).await?;
        self.tell
            .say(&format!("halt: {} obeyed after {took} ms; then they go on", report.reached.join(" and ")));
        self.figures.halt_ms = report.unreached.is_empty().then_some(took);
        Ok(())
    }

    async fn post<A: DeserializeOwned>(&self, path: &str, body: &serde_json::Value) -> anyhow::Result<A> {
        let controller = UnixClient::new(self.data.join("run/controller.sock"));
        controller
            .send("POST", path, body, Duration::from_secs(5))
            .await
            .with_context(|| format!("{path} failed"))
    }

    async fn steady(&mut self) -> anyhow::Result<()> {
        self.shoppers.mark("steady");
        let before = self.shoppers.snapshot().total();
        tokio::time::sleep(Duration::from_secs(3)).await;
        let after = self.shoppers.snapshot().total();
        self.tell.say(&format!(
            "steady state: {} requests/s, {} of {} failed",
            (after.sent - before.sent) / 3,
            after.failed(),
            after.sent
        ));
        Ok(())
    }

    async fn drill(&mut self, drill: &str) -> anyhow::Result<()> {
        self.calm("all is calm").await?;
        self.shoppers.mark(format!("drill {drill}"));
        let consent = json!({ "consent": ["restart", "shift-traffic", "scale"] });
        let path = format!("/api/v1/drills/{drill}/run");
        let _: serde_json::Value = self.post(&path, &consent).await?;
        let id = DrillId::new(drill);
        self.follower
            .until(&format!("the drill {drill} has ended"), PATIENCE, |book| {
                book.drills.values().rev().find(|run| run.drill == id).is_some_and(|run| !run.state.is_open())
            })
            .await?;
        let Some(run) = self.follower.book.drills.values().rev().find(|run| run.drill == id) else {
            bail!("the drill `{drill}` is not in the ledger");
        };
        let verdict = match run.state {
            DrillState::Ended(verdict) => verdict,
            _ => Verdict::Unknown,
        };
        let number = |count: Option<u64>| count.map_or("unknown".to_owned(), |count| count.to_string());
        self.tell.say(&format!(
            "drill {drill}: {verdict:?}; {} of {} requests failed, ejected after {} ms, healed {} ms after the fault ended",
            number(run.measures.failed),
            number(run.measures.requests),
            number(run.measures.ejected_ms),
            number(run.measures.healed_ms),
        ));
        self.figures.drills.push(DrillFigures {
            drill: drill.to_owned(),
            verdict: format!("{verdict:?}"),
            measures: run.measures.clone(),
        });
        Ok(())
    }

    async fn zone_dies(&mut self, zone: &str) -> anyhow::Result<()> {
        self.calm("all is calm").await?;
        self.shoppers.mark("a zone dies");
        let victims = self.pids(|instance| instance.ends_with(&format!("@{zone}"))).await?;
        let before = self.follower.book.head.0;
        let at = self.clock.now();
        for (_, pid) in &victims {
            signal(*pid, Signal::KILL)?;
        }
        let window = self.window();
        self.tell.say(&format!("{zone} dies: {} processes killed", victims.len()));
        let about = Subject::Place(PlaceId::new(zone));
        self.follower
            .until("the incident has closed", PATIENCE, |book| {
                book.incidents.values().rev().any(|incident| {
                    incident.about == about
                        && incident.opened.1.0 > before
                        && incident.state == IncidentState::Closed
                })
            })
            .await?;
        let names: Vec<String> = victims.into_iter().map(|(name, _)| name).collect();
        let loss = self.loss(zone, at, before, &names, window).await?;
        self.tell.loss(&loss);
        self.figures.zone = Some(loss);
        Ok(())
    }

    async fn hang_and_controller_death(&mut self, instance: &str) -> anyhow::Result<()> {
        self.calm("all is calm").await?;
        self.shoppers.mark("an instance hangs");
        let victims = self.pids(|name| name == instance).await?;
        let Some((_, pid)) = victims.first() else { bail!("`{instance}` does not run") };
        let before = self.follower.book.head.0;
        let at = self.clock.now();
        signal(*pid, Signal::STOP)?;
        let window = self.window();
        self.tell.say(&format!("{instance} hangs: process {pid} stopped"));

        let controller = self.controller_dies(before).await?;
        self.figures.controller = Some(controller);
        self.follower
            .until("the incident has closed", PATIENCE, |book| {
                book.incidents
                    .values()
                    .rev()
                    .any(|incident| incident.opened.1.0 > before && incident.state == IncidentState::Closed)
            })
            .await?;
        let loss = self.loss(instance, at, before, &[instance.to_owned()], window).await?;
        self.tell.loss(&loss);
        self.figures.hang = Some(loss);
        Ok(())
    }

    /// Kills the controller between a step's start and its outcome, and watches the next one go on.
    async fn controller_dies(&mut self, before: u64) -> anyhow::Result<ControllerFigures> {
        let socket = self.data.join("run/controller.sock");
        let Some(pid) = super::super::run::listener(&socket).await else {
            bail!("the controller does not answer")
        };
        let open_restart = |book: &dinghai_record::Book| {
            book.open_plans().any(|record| {
                matches!(record.plan.purpose, PlanPurpose::Heal(_))
                    && record.proposed.1.0 > before
                    && record.plan.steps.iter().zip(&record.steps).any(|(step, at)| {
                        matches!(step.action, Action::Restart(_))
                            && at.state == dinghai_record::StepState::Started
                    })
            })
        };
        self.follower.until("a restart has begun", PATIENCE, open_restart).await?;
        signal(pid, Signal::KILL)?;
        let killed_at = self.clock.now();
        let failed_before = self.shoppers.snapshot().total().failed();
        self.follower.catch_up().await?;
        let interrupted = self.follower.book.open_plans().find_map(|record| {
            let place = record.steps.iter().position(|at| at.state == dinghai_record::StepState::Started)?;
            Some((record.plan.id, record.plan.steps.get(place)?.clone()))
        });
        let Some((plan, step)) = interrupted else {
            bail!("the controller wrote the outcome before it died; nothing was interrupted");
        };
        self.tell.say(&format!(
            "the controller is killed after {plan} has begun {} ({}), before its outcome is known",
            step.no,
            step.action.as_str()
        ));
        let head = self.follower.book.head.0;
        let lease = self.follower.book.lease;
        self.follower.until("another controller leads", PATIENCE, |book| book.lease > lease).await?;
        let failed = self.shoppers.snapshot().total().failed() - failed_before;
        self.follower
            .until("the plan has ended", PATIENCE, |book| {
                book.plans.get(&plan).is_some_and(|record| matches!(record.state, PlanState::Ended(_)))
            })
            .await?;
        let restarted = self
            .follower
            .first(head, |event| matches!(event, Event::ControllerStarted { .. }))
            .map(|entry| entry.at);
        let resumed = self
            .follower
            .first(head, |event| match event {
                Event::StepStarted { plan: of, .. } | Event::StepEnded { plan: of, .. } => *of == plan,
                _ => false,
            })
            .map(|entry| {
                (entry.at, matches!(&entry.event, Event::StepEnded { outcome: StepOutcome::Done(_), .. }))
            });
        let end = self.follower.book.plans.get(&plan).map(|record| format!("{:?}", record.state));
        let figures = ControllerFigures {
            plan: plan.to_string(),
            step: format!("{} {}", step.no, step.action.as_str()),
            killed_at,
            restarted_ms: restarted.map(|at| ms(at.since(killed_at))),
            resumed_ms: restarted.zip(resumed).map(|(restarted, (at, _))| ms(at.since(restarted))),
            end,
            failed,
        };
        self.tell.controller(&figures);
        Ok(figures)
    }

    /// Reads from ledger and shoppers what became of a loss.
    async fn loss(
        &mut self,
        what: &str,
        at: Timestamp,
        before: u64,
        instances: &[String],
        window: JoinHandle<(Snapshot, Snapshot)>,
    ) -> anyhow::Result<LossFigures> {
        let (first, last) = window.await?;
        self.follower.catch_up().await?;
        let since = |then: Timestamp| ms(then.since(at));
        let ejections: Vec<Timestamp> = self
            .follower
            .entries
            .iter()
            .filter(|entry| entry.seq.0 > before)
            .filter_map(|entry| match &entry.event {
                Event::ReflexReported { instance, happened, ejected: Some(_), .. }
                    if instances.iter().any(|each| each == instance.as_str()) && *happened >= at =>
                {
                    Some(*happened)
                }
                _ => None,
            })
            .collect();
        let opened = self.follower.first(before, |event| matches!(event, Event::IncidentOpened { .. }));
        let incident = opened.and_then(|entry| match &entry.event {
            Event::IncidentOpened { incident, .. } => self.follower.book.incidents.get(incident),
            _ => None,
        });
        let acted = self.follower.first(before, |event| matches!(event, Event::StepStarted { .. }));
        let healed = self.follower.entries.iter().rev().find(|entry| {
            matches!(&entry.event, Event::PlanEnded { plan, .. }
                if incident.is_some_and(|incident| incident.plans.contains(plan)))
        });
        let failures: Vec<_> = last
            .failures
            .iter()
            .filter(|failure| failure.ended >= at && failure.ended <= at.plus(WINDOW))
            .collect();
        Ok(LossFigures {
            what: what.to_owned(),
            at,
            ejected_ms: ejections.iter().min().map(|then| since(*then)),
            all_ejected_ms: ejections.iter().max().map(|then| since(*then)),
            incident_ms: opened.map(|entry| since(entry.at)),
            grade: incident.map(|incident| incident.worst.to_string()),
            acted_ms: acted.map(|entry| since(entry.at)),
            healed_ms: healed.map(|entry| since(entry.at)),
            sent_10s: last.total().sent - first.total().sent,
            failed_10s: last.total().failed() - first.total().failed(),
            failed_idempotent: failures.iter().filter(|failure| failure.idempotent && !failure.cut).count()
                as u64,
            last_failure_ms: failures.iter().map(|failure| since(failure.ended)).max(),
        })
    }

    /// The shoppers' counts now and at the end of the window.
    fn window(&self) -> JoinHandle<(Snapshot, Snapshot)> {
        let shoppers = self.shoppers.clone();
        let first = shoppers.snapshot();
        tokio::spawn(async move {
            tokio::time::sleep(WINDOW).await;
            (first, shoppers.snapshot())
        })
    }

    /// Waits until no incident is open, no plan acts, no drill runs and every share is as declared.
    async fn calm(&mut self, what: &str) -> anyhow::Result<()> {
        self.follower
            .until(what, PATIENCE, |book| {
                book.open_incidents().next().is_none()
                    && book.open_plans().next().is_none()
                    && book.open_drill().is_none()
            })
            .await
    }

    /// The running processes whose instance is wanted.
    async fn pids(&self, wanted: impl Fn(&str) -> bool) -> anyhow::Result<Vec<(String, i32)>> {
        let hand = UnixClient::new(self.data.join("run/hand.sock"));
        let state: HandState =
            hand.get("/state", Duration::from_secs(2)).await.context("the hand does not answer")?;
        Ok(state
            .processes
            .into_iter()
            .filter(|(instance, _)| wanted(instance.as_str()))
            .filter_map(|(instance, view)| match view.state {
                dinghai_record::ProcessState::Running { pid } => Some((instance.to_string(), pid)),
                _ => None,
            })
            .collect())
    }
}

fn ms(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

fn signal(pid: i32, signal: Signal) -> anyhow::Result<()> {
    let pid = rustix::process::Pid::from_raw(pid).context("not a process id")?;
    rustix::process::kill_process(pid, signal).context("the process is gone already")
}
