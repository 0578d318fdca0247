//! A gateway as a vantage point: its probes and traffic, its reflexes, the shares it serves, what it counted.

use std::sync::Arc;
use std::time::Duration;

use dinghai_clock::{Clock, Timestamp};
use dinghai_estate::GatewayId;
use dinghai_record::{Cause, Health, Observation, Seen, Subject, UnitSelf, Vantage};
use dinghai_wire::{GatewayStatus, UnixClient, WireError};
use tracing::debug;

use crate::Sink;

/// How long a gateway holds its answer while it has no reflex to tell; also how often it is heard.
const POLL: Duration = Duration::from_millis(100);

/// How long it may take to answer at all.
const PATIENCE: Duration = Duration::from_secs(1);

/// Asks the gateway on this socket for its state again and again, until the sink is closed.
pub async fn watch_gateway(id: GatewayId, client: UnixClient, clock: Arc<dyn Clock>, sink: Sink) {
    let mut last: Option<(Timestamp, u64)> = None;
    loop {
        let after = last.map_or(0, |(_, no)| no);
        let path = format!("/status?after={after}&wait_ms={}", POLL.as_millis());
        let answer: Result<GatewayStatus, WireError> = client.get(&path, POLL + PATIENCE).await;
        let now = clock.now();
        let observations = match answer {
            Ok(mut status) => {
                // Its reflexes are numbered anew when it was started anew: all of them are asked for next time.
                if last.is_some_and(|(started, _)| started != status.started) {
                    status.reflexes.clear();
                    last = Some((status.started, 0));
                } else {
                    let told = status.reflexes.last().map_or(after, |reflex| reflex.no);
                    last = Some((status.started, told));
                }
                told_by(&id, status, now)
            }
            Err(error) => {
                debug!(gateway = %id, %error, "gateway not heard");
                tokio::time::sleep(POLL).await;
                vec![about_itself(&id, now, Seen::NoAnswer(cause(&error)))]
            }
        };
        for observation in observations {
            if sink.send(observation).await.is_err() {
                return;
            }
        }
    }
}

fn about_itself(id: &GatewayId, at: Timestamp, seen: Seen) -> Observation {
    Observation { at, vantage: Vantage::Gateway(id.clone()), about: Subject::Gateway(id.clone()), seen }
}

fn told_by(id: &GatewayId, status: GatewayStatus, now: Timestamp) -> Vec<Observation> {
    let vantage = Vantage::Gateway(id.clone());
    let shares = status.instances.iter().map(|(instance, view)| (instance.clone(), view.share)).collect();
    let itself = UnitSelf {
        version: status.version,
        pid: status.pid,
        halted: status.halted,
        generation: Some(status.generation),
    };
    let mut told = vec![
        about_itself(id, now, Seen::Answer { took_us: 0 }),
        about_itself(id, now, Seen::Unit(itself)),
        about_itself(id, now, Seen::Shares(shares)),
        about_itself(id, now, Seen::Traffic(status.seconds)),
    ];
    for reflex in status.reflexes {
        told.push(Observation {
            at: reflex.at,
            vantage: vantage.clone(),
            about: Subject::Instance(reflex.instance),
            seen: reflex.ejected.map_or(Seen::Readmitted, Seen::Ejected),
        });
    }
    for (instance, view) in status.instances {
        let seen = match view.health {
            Health::Up => Seen::Answer { took_us: view.took_us.unwrap_or(0) },
            Health::Down(cause) => Seen::NoAnswer(cause),
            Health::Unknown => continue,
        };
        told.push(Observation {
            at: now,
            vantage: vantage.clone(),
            about: Subject::Instance(instance),
            seen,
        });
    }
    told
}

pub(crate) fn cause(error: &WireError) -> Cause {
    match error {
        WireError::Unreachable { source, .. } if source.kind() == std::io::ErrorKind::NotFound => Cause::Gone,
        WireError::Unreachable { .. } => Cause::Refused,
        WireError::NoAnswer { .. } => Cause::Timeout,
        WireError::Refused(_) | WireError::Strange { .. } => Cause::Malformed,
    }
}

#[cfg(test)]
#[path = "gateway_tests.rs"]
mod tests;
