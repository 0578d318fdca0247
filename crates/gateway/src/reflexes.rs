//! The log of ejections and readmissions, numbered from 1 since the start, for the controller to read afterwards.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use dinghai_clock::Timestamp;
use dinghai_estate::InstanceId;
use dinghai_record::Cause;
use dinghai_wire::Reflex;
use tokio::sync::Notify;

use crate::defaults::REFLEXES;

/// The newest reflexes.
#[derive(Default)]
pub(crate) struct Reflexes {
    log: Mutex<(u64, VecDeque<Reflex>)>,
    grew: Notify,
}

impl Reflexes {
    /// Writes one down; returns at once.
    pub(crate) fn note(&self, at: Timestamp, instance: &InstanceId, ejected: Option<Cause>, in_flight: u32) {
        {
            let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
            log.0 += 1;
            let no = log.0;
            if log.1.len() == REFLEXES {
                log.1.pop_front();
            }
            log.1.push_back(Reflex { no, at, instance: instance.clone(), ejected, in_flight });
        }
        self.grew.notify_waiters();
    }

    /// Those after number `after`, oldest first.
    pub(crate) fn after(&self, after: u64) -> Vec<Reflex> {
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        log.1.iter().filter(|reflex| reflex.no > after).cloned().collect()
    }

    /// How many there were.
    pub(crate) fn count(&self) -> u64 {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).0
    }

    /// Returns when there is one after number `after`, or after `patience`.
    pub(crate) async fn wait(&self, after: u64, patience: Duration) {
        let waiting = async {
            loop {
                let grew = self.grew.notified();
                if self.count() > after {
                    return;
                }
                grew.await;
            }
        };
        // Nothing new is an answer too.
        let _ = tokio::time::timeout(patience, waiting).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_reader_waits_for_what_it_has_not_read() {
        let reflexes = Reflexes::default();
        let order = InstanceId::from("order@hz-a");
        reflexes.note(Timestamp::EPOCH, &order, Some(Cause::Refused), 3);
        reflexes.wait(0, Duration::from_secs(60)).await;
        assert_eq!(reflexes.after(0).len(), 1);
        let (_, ()) = tokio::join!(reflexes.wait(1, Duration::from_secs(60)), async {
            reflexes.note(Timestamp::EPOCH, &order, None, 0);
        });
        assert_eq!(reflexes.after(1).first().map(|reflex| reflex.no), Some(2));
    }

    #[test]
    fn the_oldest_are_dropped_and_numbers_go_on() {
        let reflexes = Reflexes::default();
        for _ in 0..REFLEXES + 5 {
            reflexes.note(Timestamp::EPOCH, &InstanceId::from("a"), None, 0);
        }
        let kept = reflexes.after(0);
        assert_eq!((kept.len(), kept.first().map(|reflex| reflex.no)), (REFLEXES, Some(6)));
    }
}
