//! How long an instance is waited for, looked at only when there is a cause to look: the alarm, or an ejection.

use std::time::Duration;

use dinghai_limits::Saw;
use dinghai_record::Cause;
use tokio::time::Instant;

use crate::client::Client;
use crate::core::Core;
use crate::instance::UnderWay;
use crate::phases::Asked;

/// The patience with one instance.
#[derive(Debug)]
pub(super) struct Patience {
    sent_at: Instant,
    silence: Duration,
    ejected: bool,
    suspected: bool,
    tired: bool,
}

/// What the wait has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Wait,
    Leave,
    TimedOut,
}

impl Patience {
    pub(super) fn new(asked: &Asked, client: &Client, now: Instant) -> Self {
        let silence = asked.route.service.silence(asked.deadline.saturating_duration_since(asked.begun));
        client.worker.wheel.set(&client.alarm, (now + silence).min(asked.deadline));
        Self { sent_at: now, silence, ejected: false, suspected: false, tired: false }
    }

    /// Since when the instance is waited for.
    pub(super) const fn since(&self) -> Instant {
        self.sent_at
    }

    /// The instance still had something to take or to be sent: its time begins anew.
    pub(super) const fn begin_again(&mut self, now: Instant) {
        self.sent_at = now;
    }

    /// The instance was ejected under the request: whoever may leave does.
    pub(super) fn on_ejection(&mut self, may_leave: impl FnOnce() -> bool) -> Verdict {
        if std::mem::replace(&mut self.ejected, true) || !may_leave() {
            Verdict::Wait
        } else {
            Verdict::Leave
        }
    }

    /// The alarm rang while the request was sent and not answered.
    pub(super) fn look(
        &mut self,
        core: &Core,
        client: &Client,
        asked: &Asked,
        way: &UnderWay,
        may_leave: impl FnOnce() -> bool,
    ) -> Verdict {
        let now = Instant::now();
        let patience = self.sent_at + asked.deadline.saturating_duration_since(self.sent_at) / 2;
        let quiet = way.instance.silent_for(self.sent_at);
        let silent = quiet >= self.silence;
        if silent && !self.suspected {
            self.suspected = true;
            way.instance.saw(core, Saw::Silent, Some(Cause::Timeout), None);
        }
        if now >= asked.deadline || (now >= patience && !self.tired && asked.idempotent) {
            // Who had the request too late to answer it was not too slow.
            let had_time = now.saturating_duration_since(self.sent_at) >= self.silence;
            if had_time && !self.suspected && !self.tired {
                way.instance.saw(core, Saw::ServedWrong, Some(Cause::Timeout), None);
            }
            self.tired = true;
        }
        if now >= asked.deadline {
            return Verdict::TimedOut;
        }
        if (silent || self.tired) && may_leave() {
            return Verdict::Leave;
        }
        let mut look = if silent { now + self.silence } else { now + (self.silence - quiet) };
        if !self.tired && asked.idempotent {
            look = look.min(patience.max(now + Duration::from_millis(1)));
        }
        client.worker.wheel.set(&client.alarm, look.min(asked.deadline));
        Verdict::Wait
    }
}
