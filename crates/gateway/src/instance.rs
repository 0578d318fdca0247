//! An instance as this gateway knows it. It outlives the tables that name it, for as long as name and address stay.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU8, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use dinghai_clock::Timestamp;
use dinghai_estate::InstanceId;
use dinghai_limits::{Allowance, Ejection, EjectionPolicy, Saw, Turn};
use dinghai_record::{Cause, Health};
use dinghai_wire::{InstanceView, ResolvedView};
use tokio::time::Instant;
use tracing::{info, warn};

use crate::core::Core;
use crate::dial::Dial;
use crate::pool::Pool;

/// Stands for a time that was not taken.
const NEVER: u64 = u64::MAX;

/// One instance.
pub(crate) struct Instance {
    pub(crate) id: InstanceId,
    pub(crate) dial: Dial,
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
    /// Anything but good was seen of it lately. Without it a good answer has nothing to change.
    troubled: AtomicBool,
    took_us: AtomicU64,
    seen_us: AtomicI64,
    /// How often it was ejected.
    ejections: AtomicU64,
    judged: Mutex<Judged>,
}

struct Judged {
    ejection: Ejection,
    allowance: Allowance,
    cause: Option<Cause>,
    /// Whether its ejection stands in the log of reflexes.
    logged: bool,
    answered: bool,
}

impl Instance {
    pub(crate) fn new(id: InstanceId, dial: Dial, policy: EjectionPolicy, threads: usize) -> Self {
        Self {
            id,
            dial,
            pool: Pool::new(threads),
            in_flight: AtomicU32::new(0),
            share: AtomicU8::new(0),
            passing: AtomicBool::new(true),
            refusing: AtomicBool::new(false),
            heard_us: AtomicU64::new(0),
            born: Instant::now(),
            trial: AtomicBool::new(false),
            troubled: AtomicBool::new(true),
            took_us: AtomicU64::new(NEVER),
            seen_us: AtomicI64::new(i64::MIN),
            ejections: AtomicU64::new(0),
            judged: Mutex::new(Judged {
                ejection: Ejection::new(policy),
                allowance: Allowance::default(),
                cause: None,
                logged: false,
                answered: false,
            }),
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
    pub(crate) fn admits_trial(&self, core: &Core) -> bool {
        !self.is_passing()
            && !self.trial.load(Relaxed)
            && self.judged().ejection.admits_trial(core.clock.now())
    }

    /// Requests under way to it.
    pub(crate) fn in_flight(&self) -> u32 {
        self.in_flight.load(Relaxed)
    }

    /// Puts a request under way to it.
    pub(crate) fn set_out(self: &Arc<Self>) -> UnderWay {
        self.in_flight.fetch_add(1, Relaxed);
        let trial = !self.is_passing() && !self.trial.swap(true, Relaxed);
        let mark = self.ejections.load(Relaxed);
        UnderWay { instance: Arc::clone(self), mark, trial }
    }

    /// How long nothing was heard from it, counted from `since` at the earliest.
    pub(crate) fn silent_for(&self, since: Instant) -> Duration {
        let heard = self.born + Duration::from_micros(self.heard_us.load(Relaxed));
        Instant::now().saturating_duration_since(heard.max(since))
    }

    /// Takes in what was seen of it just now, and acts on what follows.
    pub(crate) fn saw(&self, core: &Core, saw: Saw, cause: Option<Cause>, took: Option<Duration>) {
        self.saw_at(core, core.clock.now(), saw, cause, took);
    }

    /// The same, for who has looked at the clock already.
    pub(crate) fn saw_at(
        &self,
        core: &Core,
        now: Timestamp,
        saw: Saw,
        cause: Option<Cause>,
        took: Option<Duration>,
    ) {
        self.seen_us.store(now.as_micros(), Relaxed);
        if let Some(took) = took {
            self.took_us.store(u64::try_from(took.as_micros()).unwrap_or(NEVER), Relaxed);
        }
        let heard = matches!(saw, Saw::ProbeAnswered | Saw::Served | Saw::ServedWrong);
        if heard {
            let since = u64::try_from(self.born.elapsed().as_micros()).unwrap_or(u64::MAX);
            self.heard_us.store(since, Relaxed);
        }
        // The usual case, and it takes no lock.
        if matches!(saw, Saw::Served | Saw::ProbeAnswered) && !self.troubled.load(Relaxed) {
            return;
        }
        let in_flight = self.in_flight();
        let (turn, logged) = {
            let mut judged = self.judged();
            judged.answered |= heard;
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
            self.ejections.store(judged.allowance.mark(), Relaxed);
            self.passing.store(judged.ejection.is_passing(), Relaxed);
            self.troubled.store(!judged.ejection.is_clean(), Relaxed);
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
                core.bell.ring();
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
            seen: Some(self.seen_us.load(Relaxed)).filter(|us| *us != i64::MIN).map(Timestamp::from_micros),
            took_us: Some(self.took_us.load(Relaxed)).filter(|us| *us != NEVER),
            ejected,
            in_flight: self.in_flight(),
            share,
            resolved: self.dial.named.as_ref().map(|named| {
                let answer = named.load();
                let addresses = answer.addresses.iter().map(std::net::SocketAddr::ip).collect();
                ResolvedView { addresses, failing: answer.failing.clone() }
            }),
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
    /// Whether the instance was ejected since the request set out.
    pub(crate) fn is_ejected(&self) -> bool {
        self.instance.ejections.load(Relaxed) != self.mark
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
