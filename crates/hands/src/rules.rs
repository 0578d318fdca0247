//! What the hand may do: whom it obeys, whether it is halted, what it may touch, and which places are lost.
//!
//! All of it is durable, so that a hand that was killed is as strict when it comes back.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

use dinghai_clock::Timestamp;
use dinghai_estate::{InstanceId, PlaceId};
use dinghai_record::{Fault, Fence, Reason};
use dinghai_wire::{Charge, Charged, HaltState, Refusal};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::HandError;
use crate::kept::Kept;
use crate::proc::Identity;

/// The rules and their files.
pub(crate) struct Rules {
    door: Arc<Kept<Door>>,
    charge: Arc<Kept<Charge>>,
    pub(crate) faults: Arc<Kept<FaultTable>>,
    changed: watch::Sender<()>,
}

/// Whom the hand obeys.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Door {
    /// The highest fence seen.
    fence: Option<Fence>,
    /// Why it is halted, while it is.
    halted: Option<String>,
}

/// Faults that are in, by the key of the order that made them.
pub(crate) type FaultTable = BTreeMap<String, FaultRecord>;

/// A fault that is in, or was about to be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct FaultRecord {
    /// What is broken.
    pub(crate) fault: Fault,
    /// When it was written down, just before it was made.
    pub(crate) since: Timestamp,
    /// When the hand undoes it by itself.
    pub(crate) until: Timestamp,
    /// The processes that it befell. Its undo is for these and not for those that came after them.
    pub(crate) targets: BTreeMap<InstanceId, Identity>,
}

impl Rules {
    /// Reads the rules back.
    pub(crate) fn open(dir: &Path) -> Result<Arc<Self>, HandError> {
        Ok(Arc::new(Self {
            door: Kept::open(dir.join("door.json"))?,
            charge: Kept::open(dir.join("charge.json"))?,
            faults: Kept::open(dir.join("faults.json"))?,
            changed: watch::channel(()).0,
        }))
    }

    /// Lets one in who leads, and remembers it; from then on nobody with a lower lease comes in.
    pub(crate) async fn admit(&self, fence: &Fence) -> Result<(), Refusal> {
        let got = fence.clone();
        let admitted = self.door.change(move |door| match &door.fence {
            Some(seen) if !seen.admits(&got) => Err(Refusal::Stale { got, seen: seen.clone() }),
            _ => {
                door.fence = Some(got);
                Ok(())
            }
        });
        admitted.await.map_err(cannot_write)?
    }

    /// The highest fence seen.
    pub(crate) fn fence(&self) -> Option<Fence> {
        self.door.get().fence.clone()
    }

    /// Whether automatons are halted here.
    pub(crate) fn halted(&self) -> bool {
        self.door.get().halted.is_some()
    }

    /// Halts automatons. When that cannot be made durable it holds all the same, and the answer says so.
    pub(crate) async fn halt(&self, reason: String) -> Result<HaltState, Refusal> {
        let halt = |reason: String| move |door: &mut Door| door.halted = Some(reason);
        if let Err(error) = self.door.change(halt(reason.clone())).await {
            self.door.note(halt(reason)).await.map_err(cannot_write)?;
            return Err(Refusal::Failed(Reason::new("halt-not-durable").with("why", error)));
        }
        Ok(HaltState { halted: true })
    }

    /// Lets automatons go on.
    pub(crate) async fn resume(&self) -> Result<HaltState, Refusal> {
        self.door.change(|door| door.halted = None).await.map_err(cannot_write)?;
        self.tell();
        Ok(HaltState { halted: false })
    }

    /// Takes a new charge.
    pub(crate) async fn put_charge(&self, charge: Charge) -> Result<(), Refusal> {
        self.charge.change(move |kept| *kept = charge).await.map_err(cannot_write)?;
        self.tell();
        Ok(())
    }

    /// Everything that may be touched.
    pub(crate) fn charge(&self) -> Arc<Charge> {
        self.charge.get()
    }

    /// How to treat an instance, when it is in our charge.
    pub(crate) fn charged(&self, instance: &InstanceId) -> Result<Charged, Refusal> {
        let charge = self.charge.get();
        charge
            .instances
            .get(instance)
            .cloned()
            .ok_or_else(|| Refusal::Refused(Reason::new("instance-not-in-charge").with("instance", instance)))
    }

    /// Places that a drill holds lost.
    pub(crate) fn lost_places(&self) -> Vec<PlaceId> {
        let faults = self.faults.get();
        let mut places: Vec<_> = faults
            .values()
            .filter_map(|record| match &record.fault {
                Fault::KillPlace { place, .. } => Some(place.clone()),
                Fault::KillInstance(_) | Fault::HangInstance(_) => None,
            })
            .collect();
        places.sort();
        places.dedup();
        places
    }

    /// Refuses a start where a drill holds a place lost.
    pub(crate) fn may_start(&self, charged: &Charged) -> Result<(), Refusal> {
        match self.lost_places().into_iter().find(|place| charged.places.contains(place)) {
            Some(place) => Err(Refusal::Refused(Reason::new("place-held-lost").with("place", place))),
            None => Ok(()),
        }
    }

    /// Follows changes that may let a process come back: resumed, released, another charge.
    pub(crate) fn follow(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// Tells those who follow.
    pub(crate) fn tell(&self) {
        self.changed.send_replace(());
    }
}

/// Nothing was done, because it could not be written down first.
pub(crate) fn cannot_write(error: io::Error) -> Refusal {
    Refusal::Failed(Reason::new("hand-cannot-write").with("why", error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fence(incarnation: &str, lease: u64) -> Fence {
        Fence { incarnation: incarnation.to_owned(), lease }
    }

    #[tokio::test]
    async fn a_lower_lease_and_another_store_are_refused_also_after_coming_back() {
        let folder = tempfile::tempdir().unwrap();
        let rules = Rules::open(folder.path()).unwrap();
        rules.admit(&fence("a", 4)).await.unwrap();
        rules.admit(&fence("a", 4)).await.unwrap();
        rules.admit(&fence("a", 5)).await.unwrap();
        let again = Rules::open(folder.path()).unwrap();
        for stale in [fence("a", 4), fence("b", 9)] {
            let refusal = again.admit(&stale).await.unwrap_err();
            assert_eq!(refusal, Refusal::Stale { got: stale, seen: fence("a", 5) });
        }
    }

    #[tokio::test]
    async fn a_halt_outlives_the_hand_and_a_full_disk() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("hand");
        std::fs::create_dir(&dir).unwrap();
        Rules::open(&dir).unwrap().halt("test".to_owned()).await.unwrap();
        let rules = Rules::open(&dir).unwrap();
        assert!(rules.halted());
        rules.resume().await.unwrap();
        std::fs::remove_dir_all(&dir).unwrap();
        let refusal = rules.halt("test".to_owned()).await.unwrap_err();
        assert!(
            matches!(&refusal, Refusal::Failed(reason) if reason.code == "halt-not-durable"),
            "{refusal:?}"
        );
        assert!(rules.halted());
    }
}
