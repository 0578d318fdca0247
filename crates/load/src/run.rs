//! The run: arrivals drawn beforehand, one task for each request under way.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use dinghai_clock::{Clock, Rng, Timestamp};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::client::{Client, Progress, ending};
use crate::tally::{Sent, Snapshot, Tally};
use crate::{LoadError, LoadPlan};

/// The load generator.
#[derive(Debug)]
pub struct Load;

/// A load run that goes on. Dropping it and all its clones stops the arrivals.
#[derive(Clone)]
pub struct LoadHandle {
    tally: Arc<Tally>,
    clock: Arc<dyn Clock>,
    stop: watch::Sender<bool>,
    ended: watch::Receiver<bool>,
}

impl Load {
    /// Begins to send, on the runtime that it is called on, until the handle is stopped or dropped.
    pub fn start(plan: LoadPlan, clock: Arc<dyn Clock>) -> Result<LoadHandle, LoadError> {
        plan.check()?;
        let tally = Arc::new(Tally::new(plan.phase.clone(), clock.now()));
        let (stop, stopped) = watch::channel(false);
        let (end, ended) = watch::channel(false);
        let run = Run {
            client: Arc::new(Client::new(plan.target, plan.connections)),
            plan,
            tally: tally.clone(),
            clock: clock.clone(),
        };
        tokio::spawn(async move {
            run.drive(stopped).await;
            end.send_replace(true);
        });
        Ok(LoadHandle { tally, clock, stop, ended })
    }
}

impl LoadHandle {
    /// Begins a phase: requests that are to start from now on count under this label.
    pub fn mark(&self, phase: impl Into<String>) {
        self.tally.mark(phase.into(), self.clock.now());
    }

    /// The counts up to now.
    pub fn snapshot(&self) -> Snapshot {
        self.tally.snapshot(self.clock.now())
    }

    /// Sends nothing more, waits for the requests under way (no longer than the plan's timeout) and returns the counts.
    pub async fn stop(&self) -> Snapshot {
        self.stop.send_replace(true);
        // An error means that the run's task is gone, which is an end as well.
        self.ended.clone().wait_for(|ended| *ended).await.ok();
        self.snapshot()
    }
}

struct Run {
    client: Arc<Client>,
    plan: LoadPlan,
    tally: Arc<Tally>,
    clock: Arc<dyn Clock>,
}

impl Run {
    async fn drive(&self, mut stopped: watch::Receiver<bool>) {
        let mut rng = Rng::seeded(self.plan.seed);
        let mut under_way = JoinSet::new();
        let mut due = self.clock.now();
        for number in 0u64.. {
            // A late wake-up does not thin the load: every arrival that is due by now is sent at once.
            due = due.plus(self.plan.arrivals.gap(&mut rng));
            let wait = due.since(self.clock.now());
            if !wait.is_zero() {
                tokio::select! {
                    _ = stopped.wait_for(|stop| *stop) => break,
                    () = tokio::time::sleep(wait) => {}
                }
            } else if *stopped.borrow() || stopped.has_changed().is_err() {
                break;
            }
            while under_way.try_join_next().is_some() {}
            self.arrive(number, due, &mut rng, &mut under_way);
        }
        while under_way.join_next().await.is_some() {}
    }

    fn arrive(&self, number: u64, due: Timestamp, rng: &mut Rng, under_way: &mut JoinSet<()>) {
        let Some(template) = self.plan.draw(rng) else { return };
        let fill = |text: &str| text.replace("{n}", &number.to_string());
        let body = template.body.as_deref().map(|body| Bytes::from(fill(body)));
        let sent = self.tally.begin(due, template.method.clone(), fill(&template.path));
        let left = self.plan.timeout.saturating_sub(self.clock.now().since(due));
        let (client, tally, clock) = (self.client.clone(), self.tally.clone(), self.clock.clone());
        under_way.spawn(async move {
            let ending = ask(&client, &sent, body, left).await;
            tally.end(sent, ending, clock.now());
        });
    }
}

async fn ask(client: &Client, sent: &Sent, body: Option<Bytes>, left: Duration) -> crate::tally::Ending {
    let mut progress = Progress::default();
    let answer = client.send(&sent.method, &sent.path, body, &mut progress);
    let answer = tokio::time::timeout(left, answer).await.ok();
    ending(answer, progress)
}
