//! The hand as a vantage point: it sees processes and knows where it refuses starts.

use std::sync::Arc;
use std::time::Duration;

use dinghai_clock::Clock;
use dinghai_record::{Observation, Seen, Subject, UnitSelf, Vantage};
use dinghai_wire::{HandState, UnixClient};
use tracing::debug;

use crate::Sink;
use crate::gateway::cause;

/// How often the hand is asked.
const EVERY: Duration = Duration::from_millis(100);

/// How long it may take to answer.
const PATIENCE: Duration = Duration::from_secs(1);

/// Asks the hand on this socket for its state again and again, until the sink is closed.
pub async fn watch_hand(client: UnixClient, clock: Arc<dyn Clock>, sink: Sink) {
    let mut pause = tokio::time::interval(EVERY);
    pause.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        pause.tick().await;
        let answer = client.get::<HandState>("/state", PATIENCE).await;
        let now = clock.now();
        let observe = |about, seen| Observation { at: now, vantage: Vantage::Hand, about, seen };
        let told =
            match answer {
                Ok(state) => {
                    let itself = UnitSelf {
                        version: state.version,
                        pid: state.pid,
                        halted: state.halted,
                        generation: None,
                    };
                    let mut told = vec![
                        observe(Subject::Hand, Seen::Answer { took_us: 0 }),
                        observe(Subject::Hand, Seen::Unit(itself)),
                        observe(Subject::Hand, Seen::LostPlaces(state.lost_places.into_iter().collect())),
                    ];
                    told.extend(state.processes.into_iter().map(|(instance, view)| {
                        observe(Subject::Instance(instance), Seen::Process(view.state))
                    }));
                    told
                }
                Err(error) => {
                    debug!(%error, "hand not heard");
                    vec![observe(Subject::Hand, Seen::NoAnswer(cause(&error)))]
                }
            };
        for observation in told {
            if sink.send(observation).await.is_err() {
                return;
            }
        }
    }
}
