//! An instance as this gateway knows it. It outlives the tables that name it, for as long as name and address stay.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use dinghai_clock::Timestamp;
use dinghai_estate::{Address, InstanceId};
use dinghai_limits::{Allowance, Ejection, EjectionPolicy, Saw, Turn};
use dinghai_record::{Cause, Health};
use dinghai_wire::InstanceView;
use tokio::sync::Notify;
use tokio::sync::futures::Notified;
use tokio::time::Instant;
use tracing::{info, warn};

use crate::core::Core;
use crate::pool::Pool;

/// One instance.
pub(crate) struct Instance {
    pub(crate) id: InstanceId,
    pub(crate) address: Address,
    pub(crate) pool: Pool,
    in_flight: AtomicU32,
    /// The share that the table in force gives it. Taking an instance out that takes no requests is no reflex.
    share: AtomicU8,
    passing: AtomicBool,
    /// Out of rotation because nobody listens there.
    refusing: AtomicBool,
    /// When anything at all was heard from it, in microseconds after `born`.
    heard_us: AtomicU64,
    born: Instant,
    trial: AtomicBool,
    judged: Mutex<Judged>,
    ejected: Notify,
}

struct Judged {
    ejection: Ejection,
    allowance: Allowance,
    cause: Option<Cause>,
    /// Whether its ejection stands in the log of reflexes.
    logged: bool,
    seen: Option<Timestamp>,
    answered: bool,
    took_us: Option<u64>,
}

impl Instance {
    pub(crate) fn new(id: InstanceId, address: Address, policy: EjectionPolicy) -> Self {
        Self {
            id,
            address,
            pool: Pool::default(),
            in_flight: AtomicU32::new(0),
            share: AtomicU8::new(0),
            passing: AtomicBool::new(true),
            refusing: AtomicBool::new(false),
            heard_us: AtomicU64::new(0),
            born: Instant::now(),
            trial: AtomicBool::new(false),
            judged: Mutex::new(Judged {
                ejection: Ejection::new(policy),
                allowance: Allowance::default(),
                cause: None,
                logged: false,
                seen: None,
                answered: false,
                took_us: None,
            }),
            ejected: Notify::new(),
        }
    }

    /// What a new table says of it.
    pub(crate) fn adopt(&self, policy: EjectionPolicy, share: u8) {
        self.share.store(share, Relaxed);
        self.judged().ejection.adopt(policy);
    }

    /// Whether it is in rotation.
    pub(crate) fn is_passing(&self) -> bool {
        self.passing.load(Relaxed)
    }

    /// Whether it is out of rotation because nobody listens there.
    pub(crate) fn is_refusing(&self) -> bool {
        self.refusing.load(Relaxed)
    }

    /// Whether one request may find out if it is back.
    pub(crate) fn admits_trial(&self, now: Timestamp) -> bool {
        !self.is_passing() && !self.trial.load(Relaxed) && self.judged().ejection.admits_trial(now)
    }

    /// Requests under way to it.
    pub(crate) fn in_flight(&self) -> u32 {
        self.in_flight.load(Relaxed)
    }

    /// Puts a request under way to it.
    pub(crate) fn set_out(self: &Arc<Self>) -> UnderWay {
        self.in_flight.fetch_add(1, Relaxed);
        let trial = !self.is_passing() && !self.trial.swap(true, Relaxed);
        let mark = self.judged().allowance.mark();
        UnderWay { instance: Arc::clone(self), mark, trial }
    }

    /// How long nothing was heard from it, counted from `since` at the earliest.
    pub(crate) fn silent_for(&self, since: Instant) -> Duration {
        let heard = self.born + Duration::from_micros(self.heard_us.load(Relaxed));
        Instant::now().saturating_duration_since(heard.max(since))
    }

    /// Takes in what was seen of it, and acts on what follows.
    pub(crate) fn saw(&self, core: &Core, saw: Saw, cause: Option<Cause>, took: Option<Duration>) {
        let now = core.clock.now();
        let heard = matches!(saw, Saw::ProbeAnswered | Saw::Served | Saw::ServedWrong);
        if heard {
            let since = u64::try_from(self.born.elapsed().as_micros()).unwrap_or(u64::MAX);
            self.heard_us.store(since, Relaxed);
        }
        let in_flight = self.in_flight();
        let (turn, logged) = {
            let mut judged = self.judged();
            judged.seen = Some(now);
            judged.answered |= heard;
            if let Some(took) = took {
                judged.took_us = u64::try_from(took.as_micros()).ok();
            }
            let turn = judged.ejection.on(now, saw);
            let was_logged = judged.logged;
            match turn {
                Some(Turn::Ejected) => {
                    judged.allowance.eject(in_flight);
                    judged.cause = Some(cause.clone().unwrap_or(Cause::Timeout));
                    judged.logged = self.share.load(Relaxed) > 0;
                }
                Some(Turn::Readmitted) => {
                    judged.cause = None;
                    judged.logged = false;
                }
                None if !judged.ejection.is_passing() && !heard => {
                    judged.cause = cause.clone().or(judged.cause.take());
                }
                None => {}
            }
            self.passing.store(judged.ejection.is_passing(), Relaxed);
            // One that was heard since listens again, even while it has not yet earned its way back.
            self.refusing.store(!heard && judged.cause == Some(Cause::Refused), Relaxed);
            (turn, was_logged || judged.logged)
        };
        match turn {
            Some(Turn::Ejected) => {
                let cause = cause.unwrap_or(Cause::Timeout);
                warn!(instance = %self.id, %cause, in_flight, "ejected");
                if logged {
                    core.reflexes.note(now, &self.id, Some(cause), in_flight);
                }
                self.pool.clear();
                self.ejected.notify_waiters();
            }
            Some(Turn::Readmitted) => {
                info!(instance = %self.id, "readmitted");
                if logged {
                    core.reflexes.note(now, &self.id, None, in_flight);
                }
            }
            None => {}
        }
    }

    /// Its state for the controller.
    pub(crate) fn view(&self, share: u8) -> InstanceView {
        let judged = self.judged();
        let ejected = judged.cause.clone();
        let health = match &ejected {
            Some(cause) => Health::Down(cause.clone()),
            None if judged.answered => Health::Up,
            None => Health::Unknown,
        };
        InstanceView {
            health,
            seen: judged.seen,
            took_us: judged.took_us,
            ejected,
            in_flight: self.in_flight(),
            share,
        }
    }

    fn judged(&self) -> MutexGuard<'_, Judged> {
        self.judged.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request on its way to an instance; it has come to its end when this is dropped.
pub(crate) struct UnderWay {
    pub(crate) instance: Arc<Instance>,
    mark: u64,
    trial: bool,
}

impl UnderWay {
    /// Resolves when the instance is ejected from now on.
    pub(crate) fn ejection(&self) -> Notified<'_> {
        self.instance.ejected.notified()
    }

    /// Takes one of the extra retries of an ejection that caught this request.
    pub(crate) fn spend_allowance(&self) -> bool {
        self.instance.judged().allowance.spend(self.mark)
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.instance.in_flight.fetch_sub(1, Relaxed);
        if self.trial {
            self.instance.trial.store(false, Relaxed);
        }
    }
}
