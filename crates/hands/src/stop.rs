//! Ending and halting processes.

use std::sync::Arc;
use std::time::Duration;

use dinghai_clock::{Timestamp, format_span};
use dinghai_estate::InstanceId;
use dinghai_record::Reason;
use dinghai_wire::Refusal;
use rustix::process::Signal;

use crate::proc::Identity;
use crate::rules::cannot_write;
use crate::supervisor::{PROMPT, Phase, Record, Supervisor};
use crate::watch::{Live, group_becomes, signal_group};

impl Supervisor {
    /// Stops the process if it runs: SIGTERM to its group, SIGKILL after the time it was given. Gives up at the
    /// deadline. The caller has the turn.
    pub(crate) async fn stop(
        self: &Arc<Self>,
        instance: &InstanceId,
        deadline: Timestamp,
    ) -> Result<Option<Reason>, Refusal> {
        let within = self.rules.charged(instance)?.run.stop_within;
        let unwant = |record: &mut Record| {
            record.wanted = false;
            if !matches!(record.phase, Phase::Running(_)) {
                record.phase = Phase::Stopped;
            }
        };
        self.record(instance, unwant).await.map_err(cannot_write)?;
        let Some(live) = self.live(instance) else { return Ok(None) };
        // A process that is held cannot heed SIGTERM: waiting for it would be in vain.
        let hung = live.identity.stat().is_some_and(|stat| stat.state == 'T');
        let patience = if hung { Duration::ZERO } else { within.min(deadline.since(self.clock.now())) };
        if !hung {
            live.signal(Signal::TERM);
        }
        let stopped = Reason::new("process-stopped").with("instance", instance);
        if live.gone_within(patience).await.is_some() {
            return Ok(Some(stopped));
        }
        if !hung && patience < within {
            let late = Reason::new("stop-too-slow").with("instance", instance);
            return Err(Refusal::Failed(late.with("waited", format_span(patience))));
        }
        self.kill_live(instance, &live).await?;
        Ok(Some(if hung { stopped } else { Reason::new("process-killed").with("instance", instance) }))
    }

    /// Kills the process and its group, if it runs, and returns when it is gone.
    pub(crate) async fn kill(&self, instance: &InstanceId) -> Result<Option<Reason>, Refusal> {
        let Some(live) = self.live(instance) else { return Ok(None) };
        self.kill_live(instance, &live).await?;
        Ok(Some(Reason::new("process-killed").with("instance", instance)))
    }

    async fn kill_live(&self, instance: &InstanceId, live: &Live) -> Result<(), Refusal> {
        live.signal(Signal::KILL);
        match live.gone_within(PROMPT).await {
            Some(_) => Ok(()),
            None => Err(Refusal::Failed(Reason::new("kill-failed").with("instance", instance))),
        }
    }
}

/// Halts every process of the group; whether they stand still.
pub(crate) async fn hang(identity: &Identity) -> bool {
    signal_group(identity, Signal::STOP);
    identity.stat().is_some() && group_becomes(identity, |stat| stat.state == 'T').await
}

/// Lets them go on; whether none stands still any more.
pub(crate) async fn unhang(identity: &Identity) -> bool {
    signal_group(identity, Signal::CONT);
    group_becomes(identity, |stat| stat.state != 'T').await
}
