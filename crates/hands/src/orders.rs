//! Which orders were begun, and how they ended.
//!
//! An order is delivered again when its answer was lost. The first outcome is then told again, or awaited; it is done
//! once. A new attempt of a step (the same key, journalled later) is done again only when the first one did not
//! succeed. The log is durable and bounded: it keeps the newest, and remembers how far back it no longer reaches.

use std::collections::{HashMap, VecDeque};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use dinghai_clock::Timestamp;
use dinghai_record::{Order, Performed, Reason, Seq};
use dinghai_wire::Refusal;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::HandError;
use crate::kept::Kept;
use crate::rules::cannot_write;

/// How an order ended.
pub(crate) type Outcome = Result<Performed, Refusal>;

/// Orders that are remembered; a plan has tens of steps, and one is asked about soon or not at all.
const REMEMBERED: usize = 256;

/// The log, and the orders that are being done now.
pub(crate) struct Orders {
    log: Arc<Kept<Log>>,
    running: Mutex<HashMap<String, watch::Receiver<Option<Outcome>>>>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Log {
    records: VecDeque<OrderRecord>,
    /// The latest journal entry among the orders that were dropped.
    dropped: Seq,
}

/// An order that was begun.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct OrderRecord {
    key: String,
    pub(crate) journalled: Seq,
    pub(crate) begun: Timestamp,
    /// None while it is being done, and for ever when the hand was killed meanwhile.
    pub(crate) outcome: Option<Outcome>,
}

/// What there is to do about an order.
pub(crate) enum Begin {
    /// Nothing: this was its outcome.
    Ended(Outcome),
    /// To wait: it is being done.
    Running(watch::Receiver<Option<Outcome>>),
    /// To do it, and to say how it ended. An earlier beginning whose end is unknown is told.
    New(Ticket, Option<OrderRecord>),
}

/// The duty to say how an order ended.
pub(crate) struct Ticket {
    key: String,
    tell: watch::Sender<Option<Outcome>>,
}

/// What is known of an order.
pub(crate) enum Known {
    /// It is being done.
    Running,
    /// It was begun; how it ended stands in the record, when that is known.
    Begun(OrderRecord),
    /// It was not begun here.
    NotBegun,
    /// It is older than the log reaches.
    Forgotten,
}

impl Orders {
    pub(crate) fn open(dir: &Path) -> Result<Self, HandError> {
        Ok(Self { log: Kept::open(dir.join("orders.json"))?, running: Mutex::default() })
    }

    /// Takes an order on. Nothing is written yet: see [`Orders::write_down`].
    pub(crate) fn begin(&self, order: &Order) -> Begin {
        let key = order.key();
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        // One whose ticket was lost is not being done by anybody.
        if let Some(outcome) = running.get(&key).filter(|outcome| outcome.has_changed().is_ok()) {
            return Begin::Running(outcome.clone());
        }
        let earlier = self.record(&key);
        if let Some(record) = &earlier
            && let Some(outcome) = &record.outcome
            && (outcome.is_ok() || order.journalled <= record.journalled)
        {
            return Begin::Ended(outcome.clone());
        }
        let (tell, outcome) = watch::channel(None);
        running.insert(key.clone(), outcome);
        Begin::New(Ticket { key, tell }, earlier.filter(|record| record.outcome.is_none()))
    }

    /// Makes durable that the order is about to be done.
    pub(crate) async fn write_down(&self, order: &Order, now: Timestamp) -> Result<(), Refusal> {
        let record =
            OrderRecord { key: order.key(), journalled: order.journalled, begun: now, outcome: None };
        let begin = move |log: &mut Log| {
            log.records.retain(|other| other.key != record.key);
            log.records.push_back(record);
            while log.records.len() > REMEMBERED {
                if let Some(oldest) = log.records.pop_front() {
                    log.dropped = log.dropped.max(oldest.journalled);
                }
            }
        };
        self.log.change(begin).await.map_err(cannot_write)
    }

    /// Says how it ended, to the log and to those who wait.
    pub(crate) async fn end(&self, ticket: Ticket, outcome: Outcome) {
        let (key, ended) = (ticket.key.clone(), outcome.clone());
        let note = move |log: &mut Log| {
            if let Some(record) = log.records.iter_mut().rfind(|record| record.key == key) {
                record.outcome.get_or_insert(ended);
            }
        };
        if let Err(error) = self.log.note(note).await {
            tracing::error!(key = ticket.key, %error, "cannot note how an order ended");
        }
        self.give_back(ticket, outcome);
    }

    /// Says to those who wait what became of an order, and leaves the log as it is.
    pub(crate) fn give_back(&self, ticket: Ticket, outcome: Outcome) {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).remove(&ticket.key);
        ticket.tell.send_replace(Some(outcome));
    }

    /// What is known of an order.
    pub(crate) fn known(&self, order: &Order) -> Known {
        let key = order.key();
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if running.get(&key).is_some_and(|outcome| outcome.has_changed().is_ok()) {
            return Known::Running;
        }
        match self.record(&key) {
            Some(record) => Known::Begun(record),
            None if order.journalled <= self.log.get().dropped => Known::Forgotten,
            None => Known::NotBegun,
        }
    }

    fn record(&self, key: &str) -> Option<OrderRecord> {
        self.log.get().records.iter().rfind(|record| record.key == key).cloned()
    }
}

/// Waits for an order that another delivery began.
pub(crate) async fn outcome_of(mut running: watch::Receiver<Option<Outcome>>) -> Outcome {
    match running.wait_for(Option::is_some).await.map(|outcome| outcome.clone()) {
        Ok(Some(outcome)) => outcome,
        Ok(None) | Err(_) => Err(Refusal::Failed(Reason::new("hand-dropped-order"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dinghai_record::{Action, Fence, PlanId, StepNo};

    fn order(plan: u64, journalled: u64) -> Order {
        Order {
            plan: PlanId(plan),
            step: StepNo(1),
            undo: false,
            journalled: Seq(journalled),
            fence: Fence { incarnation: "a".to_owned(), lease: 1 },
            action: Action::Start(Vec::new()),
            deadline: Timestamp::EPOCH,
        }
    }

    const DONE: Performed = Performed { changed: true, notes: Vec::new() };

    async fn do_it(orders: &Orders, order: &Order, outcome: Outcome) {
        let Begin::New(ticket, _) = orders.begin(order) else { panic!("it was begun before") };
        orders.write_down(order, Timestamp::EPOCH).await.unwrap();
        orders.end(ticket, outcome).await;
    }

    #[tokio::test]
    async fn an_order_that_was_done_is_told_again_also_after_coming_back() {
        let folder = tempfile::tempdir().unwrap();
        do_it(&Orders::open(folder.path()).unwrap(), &order(1, 5), Ok(DONE)).await;
        let orders = Orders::open(folder.path()).unwrap();
        for journalled in [5, 9] {
            assert!(matches!(orders.begin(&order(1, journalled)), Begin::Ended(Ok(_))));
        }
    }

    #[tokio::test]
    async fn only_a_new_attempt_does_a_failed_order_again() {
        let folder = tempfile::tempdir().unwrap();
        let orders = Orders::open(folder.path()).unwrap();
        let failed = Refusal::Failed(Reason::new("start-failed"));
        do_it(&orders, &order(1, 5), Err(failed)).await;
        assert!(matches!(orders.begin(&order(1, 5)), Begin::Ended(Err(_))));
        assert!(matches!(orders.begin(&order(1, 6)), Begin::New(_, None)));
    }

    #[tokio::test]
    async fn an_order_that_is_being_done_is_awaited_by_the_second_delivery() {
        let folder = tempfile::tempdir().unwrap();
        let orders = Orders::open(folder.path()).unwrap();
        let Begin::New(ticket, _) = orders.begin(&order(1, 5)) else { panic!("it is new") };
        let Begin::Running(second) = orders.begin(&order(1, 5)) else { panic!("it is being done") };
        assert!(matches!(orders.known(&order(1, 5)), Known::Running));
        orders.end(ticket, Ok(DONE)).await;
        assert_eq!(outcome_of(second).await, Ok(DONE));
    }

    #[tokio::test]
    async fn a_beginning_without_an_end_is_told_to_the_next_attempt() {
        let folder = tempfile::tempdir().unwrap();
        Orders::open(folder.path()).unwrap().write_down(&order(1, 5), Timestamp::EPOCH).await.unwrap();
        let orders = Orders::open(folder.path()).unwrap();
        assert!(matches!(orders.known(&order(1, 5)), Known::Begun(record) if record.outcome.is_none()));
        assert!(matches!(orders.begin(&order(1, 5)), Begin::New(_, Some(_))));
    }

    #[tokio::test]
    async fn what_the_log_no_longer_reaches_is_forgotten_and_not_unbegun() {
        let folder = tempfile::tempdir().unwrap();
        let orders = Orders::open(folder.path()).unwrap();
        for n in 1..=(REMEMBERED as u64 + 3) {
            do_it(&orders, &order(n, n), Ok(DONE)).await;
        }
        assert!(matches!(orders.known(&order(2, 2)), Known::Forgotten));
        assert!(matches!(orders.known(&order(4, 4)), Known::Begun(_)));
        assert!(matches!(orders.known(&order(9000, 9000)), Known::NotBegun));
    }
}
