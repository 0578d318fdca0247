//! Coarse time for many connections: one timer of the runtime turns for all connections of a thread.
//!
//! A connection has one [`Alarm`] and moves it several times for each request. Moving it is a store into a cell; only an
//! alarm that comes nearer than the wheel would look is entered anew. The wheel looks at each alarm every [`HORIZON`] at
//! the latest, and rings those that are due: at their time or up to a [`TICK`] after it, never before.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::task::{Context, Waker};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

/// How exact alarms are.
const TICK: Duration = Duration::from_millis(10);

/// How many ticks ahead an alarm is entered at most. What is entered outlives its connection by this.
const HORIZON: u64 = 20;

/// All alarms of a thread.
#[derive(Debug)]
pub(crate) struct Wheel {
    born: Instant,
    turned: Cell<u64>,
    entries: RefCell<BTreeMap<u64, Vec<Rc<Alarm>>>>,
    nearer: Notify,
}

/// The one thing that a connection waits for besides bytes.
#[derive(Debug)]
pub(crate) struct Alarm {
    due: Cell<u64>,
    /// Where it is entered; an entry elsewhere is an old one.
    entered: Cell<u64>,
    rang: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

impl Alarm {
    /// Wakes this task from now on.
    pub(crate) fn attend(&self, cx: &Context<'_>) {
        let mut waker = self.waker.borrow_mut();
        if !waker.as_ref().is_some_and(|held| held.will_wake(cx.waker())) {
            *waker = Some(cx.waker().clone());
        }
    }

    /// Whether it rang since this was asked last.
    pub(crate) fn rang(&self) -> bool {
        self.rang.take()
    }

    fn wake(&self) {
        if let Some(waker) = self.waker.borrow().as_ref() {
            waker.wake_by_ref();
        }
    }
}

impl Wheel {
    pub(crate) fn new() -> Self {
        let (turned, entries, nearer) = (Cell::new(0), RefCell::default(), Notify::new());
        Self { born: Instant::now(), turned, entries, nearer }
    }

    /// A new alarm, which is not set.
    pub(crate) fn alarm(&self) -> Rc<Alarm> {
        let (due, entered) = (Cell::new(u64::MAX), Cell::new(u64::MAX));
        Rc::new(Alarm { due, entered, rang: Cell::new(false), waker: RefCell::new(None) })
    }

    /// Moves an alarm to `at`.
    pub(crate) fn set(&self, alarm: &Rc<Alarm>, at: Instant) {
        let due = self.tick(at) + 1;
        alarm.due.set(due);
        alarm.rang.set(false);
        if due < alarm.entered.get() {
            let soon = due.min(self.turned.get() + HORIZON);
            if soon < alarm.entered.get() {
                self.enter(alarm, soon);
            }
        }
    }

    /// Wakes every connection: something has changed that each must look at.
    pub(crate) fn wake_all(&self) {
        self.entries.borrow().values().flatten().for_each(|alarm| alarm.wake());
    }

    /// Turns for as long as the thread runs.
    pub(crate) async fn turn(&self) {
        loop {
            let first = self.entries.borrow().first_key_value().map(|(tick, _)| *tick);
            let Some(first) = first else {
                self.nearer.notified().await;
                continue;
            };
            tokio::select! {
                () = sleep_until(self.at(first)) => {}
                () = self.nearer.notified() => {}
            }
            self.turn_to(self.tick(Instant::now()));
        }
    }

    fn turn_to(&self, now: u64) {
        self.turned.set(now);
        loop {
            let entry = {
                let mut entries = self.entries.borrow_mut();
                match entries.first_entry() {
                    Some(entry) if *entry.key() <= now => entry.remove_entry(),
                    _ => return,
                }
            };
            let (tick, alarms) = entry;
            for alarm in alarms {
                // Nobody but the wheel holds it: its connection has gone.
                if alarm.entered.get() != tick || Rc::strong_count(&alarm) == 1 {
                    continue;
                }
                let due = alarm.due.get();
                let is_due = due <= now;
                if is_due {
                    alarm.rang.set(true);
                    alarm.wake();
                }
                // One that rang stays entered, so that `wake_all` finds it.
                self.enter(&alarm, if is_due { now + HORIZON } else { due.min(now + HORIZON) });
            }
        }
    }

    fn enter(&self, alarm: &Rc<Alarm>, tick: u64) {
        alarm.entered.set(tick);
        let mut entries = self.entries.borrow_mut();
        let is_nearer = entries.first_key_value().is_none_or(|(first, _)| tick < *first);
        entries.entry(tick).or_default().push(Rc::clone(alarm));
        if is_nearer {
            self.nearer.notify_one();
        }
    }

    /// When a tick comes.
    fn at(&self, tick: u64) -> Instant {
        let micros = TICK.as_micros().saturating_mul(u128::from(tick));
        self.born + Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
    }

    fn tick(&self, at: Instant) -> u64 {
        let since = at.saturating_duration_since(self.born).as_micros() / TICK.as_micros();
        u64::try_from(since).unwrap_or(u64::MAX - HORIZON)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_alarm_rings_at_its_time_and_not_before_wherever_it_was_moved() {
        let wheel = Wheel::new();
        let alarm = wheel.alarm();
        let begun = Instant::now();
        let rung = async |after: u64| {
            wheel.set(&alarm, begun + Duration::from_millis(after));
            while !alarm.rang() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            begun.elapsed().as_millis()
        };
        tokio::select! {
            () = wheel.turn() => {}
            () = async {
                assert!((70..85).contains(&rung(70).await));
                assert!((5000..5015).contains(&rung(5000).await));
                wheel.set(&alarm, begun + Duration::from_secs(75));
                // Moved nearer, further, and nearer again.
                wheel.set(&alarm, begun + Duration::from_secs(6));
                wheel.set(&alarm, begun + Duration::from_secs(9));
                assert!((5500..5515).contains(&rung(5500).await));
            } => {}
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_alarm_whose_connection_has_gone_is_forgotten() {
        let wheel = Wheel::new();
        for _ in 0..100 {
            wheel.set(&wheel.alarm(), Instant::now() + Duration::from_secs(75));
        }
        let passing = tokio::time::sleep(Duration::from_secs(1));
        tokio::select! { () = wheel.turn() => {}, () = passing => {} }
        assert!(wheel.entries.borrow().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn it_does_not_spin_however_long_it_has_turned() {
        let wheel = Wheel::new();
        // 500 days: more ticks than 32 bits hold.
        let later = wheel.born + Duration::from_hours(12_000);
        assert_eq!(wheel.at(wheel.tick(later)), later);
    }
}
