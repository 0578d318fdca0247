//! What became of an order, without acting.
//!
//! An order that was begun and whose end is unknown, because the hand was killed meanwhile, is judged by its effect where
//! it has one that can be seen. What cannot be seen is said to be unknown.

use dinghai_clock::Timestamp;
use dinghai_estate::InstanceId;
use dinghai_record::{Action, Fault, FaultOrder, Looked, Order, Performed, Reason};
use dinghai_wire::Refusal;

use crate::hand::Hand;
use crate::orders::Known;
use crate::supervisor::Phase;

impl Hand {
    /// Looks. From here on nobody with a lower lease comes in, so that what is said stays so.
    pub(crate) async fn look(&self, order: &Order) -> Result<Looked, Refusal> {
        self.rules.admit(&order.fence).await?;
        let record = match self.orders.known(order) {
            Known::Running => return Ok(Looked::InProgress),
            Known::NotBegun => return Ok(Looked::NotDone),
            Known::Forgotten => return Ok(self.effect(&order.action, None)),
            Known::Begun(record) => record,
        };
        let once = matches!(order.action, Action::Exec { .. } | Action::Http { .. });
        Ok(match record.outcome {
            Some(Ok(performed)) => Looked::Done(performed),
            Some(Err(_)) if order.journalled > record.journalled => Looked::NotDone,
            Some(Err(Refusal::Refused(why) | Refusal::Failed(why))) if once => Looked::CannotTell(why),
            Some(Err(_)) | None => self.effect(&order.action, Some(record.begun)),
        })
    }

    /// Whether the effect of an action is there. `begun` is none when that was forgotten.
    fn effect(&self, action: &Action, begun: Option<Timestamp>) -> Looked {
        let runs = |id: &InstanceId| self.supervisor.live(id).is_some();
        let forgotten = || Looked::CannotTell(Reason::new("order-forgotten"));
        match action {
            Action::Start(ids) => done_if(ids.iter().all(runs)),
            Action::Stop(ids) => done_if(!ids.iter().any(runs)),
            Action::Restart(ids) => match begun {
                Some(begun) => done_if(ids.iter().all(|id| runs(id) && self.runs_since(id, begun))),
                None => forgotten(),
            },
            Action::Break(fault) => begun.map_or_else(forgotten, |begun| self.broken(fault, begun)),
            Action::Mend(fault) => {
                done_if(!self.rules.faults.get().values().any(|in_now| in_now.fault == *fault))
            }
            Action::Exec { .. } | Action::Http { .. } => {
                Looked::CannotTell(Reason::new("hand-died-meanwhile"))
            }
            Action::Warm { .. }
            | Action::Weigh(_)
            | Action::Drain(_)
            | Action::Await(_)
            | Action::Hold { .. } => Looked::NotDone,
        }
    }

    fn runs_since(&self, instance: &InstanceId, begun: Timestamp) -> bool {
        let processes = self.supervisor.processes.get();
        let record = processes.processes.get(instance);
        record.is_some_and(|record| matches!(record.phase, Phase::Running(_)) && record.since >= begun)
    }

    /// A fault that was written down is in when its processes show it.
    fn broken(&self, order: &FaultOrder, begun: Timestamp) -> Looked {
        let faults = self.rules.faults.get();
        let Some(record) =
            faults.values().find(|record| record.fault == order.fault && record.since >= begun)
        else {
            // Either it was never written down, or its lease ended and it was struck out.
            return if self.supervisor.clock.now() < begun.plus(order.lease) {
                Looked::NotDone
            } else {
                Looked::CannotTell(Reason::new("fault-lease-over").with("fault", &order.fault))
            };
        };
        done_if(match &order.fault {
            Fault::KillInstance(_) => record.targets.values().all(|target| target.stat().is_none()),
            Fault::HangInstance(_) => {
                record.targets.values().all(|target| target.stat().is_some_and(|stat| stat.state == 'T'))
            }
            Fault::KillPlace { instances, .. } => {
                instances.iter().all(|instance| self.supervisor.live(instance).is_none())
            }
        })
    }
}

fn done_if(holds: bool) -> Looked {
    if holds { Looked::Done(Performed { changed: true, notes: Vec::new() }) } else { Looked::NotDone }
}
