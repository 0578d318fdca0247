//! Breaking things on purpose, and undoing it without fail.
//!
//! A fault is written down, with its undo and the end of its lease, before it is made. At that time the hand undoes it by
//! itself, with nobody alive to ask for it, also when it was itself killed and started again meanwhile. An undo may be
//! repeated; it is looked at afterwards, and a fault whose undo did not work stays written down and is tried again.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use dinghai_estate::{InstanceId, PlaceId};
use dinghai_record::{Fault, FaultOrder, Performed, Reason};
use dinghai_wire::{FaultView, Refusal};
use futures::future::join_all;

use crate::proc::Identity;
use crate::rules::{FaultRecord, cannot_write};
use crate::stop::{hang, unhang};
use crate::supervisor::Supervisor;

/// Between two tries of an undo that did not work.
const AGAIN: Duration = Duration::from_secs(1);

/// What is broken now, and how it is undone.
pub(crate) struct Faults {
    supervisor: Arc<Supervisor>,
}

impl Faults {
    pub(crate) const fn new(supervisor: Arc<Supervisor>) -> Self {
        Self { supervisor }
    }

    /// What is broken now.
    pub(crate) fn views(&self) -> Vec<FaultView> {
        let faults = self.supervisor.rules.faults.get();
        let view = |(key, record): (&String, &FaultRecord)| FaultView {
            fault: record.fault.clone(),
            key: key.clone(),
            since: record.since,
            until: record.until,
        };
        faults.iter().map(view).collect()
    }

    /// Makes a fault.
    pub(crate) async fn make(&self, key: &str, order: &FaultOrder) -> Result<Performed, Refusal> {
        let targets = self.targets(&order.fault)?;
        let now = self.supervisor.clock.now();
        let record = FaultRecord {
            fault: order.fault.clone(),
            since: now,
            until: now.plus(order.lease),
            targets: targets.clone(),
        };
        let owned = key.to_owned();
        let faults = &self.supervisor.rules.faults;
        faults.change(move |faults| faults.insert(owned, record)).await.map_err(cannot_write)?;
        self.supervisor.rules.tell();
        let notes = match &order.fault {
            Fault::KillInstance(instance) => self.supervisor.kill(instance).await.map(Vec::from_iter),
            Fault::HangInstance(instance) => self.hang(key, instance, &targets).await,
            Fault::KillPlace { place, instances } => self.kill_place(place, instances).await,
        }?;
        Ok(Performed { changed: !notes.is_empty(), notes })
    }

    /// The processes that a fault befalls; refused when one of the instances is not ours to break.
    fn targets(&self, fault: &Fault) -> Result<BTreeMap<InstanceId, Identity>, Refusal> {
        let mut targets = BTreeMap::new();
        for instance in instances(fault) {
            let charged = self.supervisor.rules.charged(instance)?;
            if let Fault::KillPlace { place, .. } = fault
                && !charged.places.contains(place)
            {
                let elsewhere =
                    Reason::new("instance-elsewhere").with("instance", instance).with("place", place);
                return Err(Refusal::Refused(elsewhere));
            }
            match (self.supervisor.live(instance), fault) {
                (Some(live), _) => {
                    targets.insert(instance.clone(), live.identity);
                }
                (None, Fault::HangInstance(_)) => {
                    return Err(Refusal::Refused(Reason::new("nothing-to-hang").with("instance", instance)));
                }
                (None, Fault::KillInstance(_) | Fault::KillPlace { .. }) => {}
            }
        }
        Ok(targets)
    }

    async fn hang(
        &self,
        key: &str,
        instance: &InstanceId,
        targets: &BTreeMap<InstanceId, Identity>,
    ) -> Result<Vec<Reason>, Refusal> {
        for identity in targets.values() {
            if !hang(identity).await {
                self.lift(key).await?;
                return Err(Refusal::Failed(Reason::new("hang-failed").with("instance", instance)));
            }
        }
        Ok(vec![Reason::new("process-hung").with("instance", instance)])
    }

    /// The place is lost already. What runs is killed at once; then again in each instance's turn, for a start that had
    /// passed the door before it closed.
    async fn kill_place(&self, place: &PlaceId, instances: &[InstanceId]) -> Result<Vec<Reason>, Refusal> {
        let kills = instances.iter().map(|instance| async move {
            let first = self.supervisor.kill(instance).await;
            let _turn = self.supervisor.turn(instance).await;
            let second = self.supervisor.kill(instance).await?;
            Ok(first?.or(second))
        });
        let killed: Result<Vec<_>, Refusal> = join_all(kills).await.into_iter().collect();
        let killed = killed?.iter().flatten().count();
        Ok(vec![Reason::new("place-made-lost").with("place", place).with("killed", killed)])
    }

    /// Undoes every fault like this one.
    pub(crate) async fn mend(&self, fault: &Fault) -> Result<Performed, Refusal> {
        let table = self.supervisor.rules.faults.get();
        let mut notes = Vec::new();
        for (key, _) in table.iter().filter(|(_, record)| record.fault == *fault) {
            notes.extend(self.lift(key).await?);
        }
        Ok(Performed { changed: !notes.is_empty(), notes })
    }

    /// Undoes one fault and strikes it out, unless something of it is left.
    async fn lift(&self, key: &str) -> Result<Option<Reason>, Refusal> {
        let rules = &self.supervisor.rules;
        let Some(record) = rules.faults.get().get(key).cloned() else { return Ok(None) };
        if let Fault::HangInstance(instance) = &record.fault {
            for identity in record.targets.values() {
                if !unhang(identity).await {
                    return Err(Refusal::Failed(Reason::new("hang-left").with("instance", instance)));
                }
            }
        }
        let owned = key.to_owned();
        rules.faults.change(move |faults| faults.remove(&owned)).await.map_err(cannot_write)?;
        rules.tell();
        Ok(Some(Reason::new("fault-undone").with("fault", &record.fault)))
    }

    /// Undoes what has outlived its lease, for ever.
    pub(crate) async fn keep_leases(&self) {
        let mut changes = self.supervisor.rules.follow();
        loop {
            let now = self.supervisor.clock.now();
            let table = self.supervisor.rules.faults.get();
            let mut pause = table.values().map(|record| record.until.since(now)).min();
            for (key, record) in table.iter().filter(|(_, record)| record.until <= now) {
                match self.lift(key).await {
                    Ok(_) => tracing::info!(fault = %record.fault, "its lease ended; undone"),
                    Err(refusal) => {
                        tracing::error!(fault = %record.fault, ?refusal, "its lease ended and it cannot be undone");
                        pause = Some(AGAIN);
                    }
                }
            }
            tokio::select! {
                () = wait(pause) => {}
                _ = changes.changed() => {}
            }
        }
    }
}

/// The instances that a fault names.
pub(crate) fn instances(fault: &Fault) -> &[InstanceId] {
    match fault {
        Fault::KillInstance(instance) | Fault::HangInstance(instance) => std::slice::from_ref(instance),
        Fault::KillPlace { instances, .. } => instances,
    }
}

async fn wait(pause: Option<Duration>) {
    match pause {
        Some(pause) => tokio::time::sleep(pause).await,
        None => std::future::pending().await,
    }
}
