//! A connection whose bytes are passed as they are, to an instance of the listener's service.
//!
//! Instances are picked, watched and drained as for requests; what a request is there is a connection here. While nothing was passed yet
//! another instance may be tried when one cannot be reached, under the same budget. A side that has said all tells the other,
//! which may go on. A connection is counted when it stands, or when nobody could be reached: how long people then talk is no latency.

use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;

use dinghai_estate::Passage;
use dinghai_limits::Saw;
use dinghai_record::Cause;
use tokio::time::Instant;
use tracing::debug;

use crate::buffer::Inbox;
use crate::client::{Client, until_shut};
use crate::counters::{Counted, Ended};
use crate::defaults::{CONNECT_TIMEOUT, SECURE_TIMEOUT, TRIES};
use crate::exchange::Line;
use crate::instance::UnderWay;
use crate::phases::pick;
use crate::routing::Route;
use crate::socket::Socket;
use crate::tunnel;

/// Serves a connection to its end.
pub(crate) async fn serve(client: Client, passage: &Passage) {
    let door = client.door.door();
    until_shut(&door, pin!(pass(client, passage))).await;
}

async fn pass(mut client: Client, passage: &Passage) {
    client.attend().await;
    let worker = Rc::clone(&client.worker);
    let route = worker.routing(|routing| routing.passages.get(&client.door.id).map(Arc::clone));
    let Some(route) = route else { return };
    let begun = Instant::now();
    route.service.purse.earn();
    let reached = reach(&client, &route).await;
    route.counters.count(Counted {
        ended: if reached.is_some() { Ended::Served } else { Ended::Failed },
        at: worker.core.clock.now(),
        took: begun.elapsed(),
        idempotent: false,
        repeated: reached.as_ref().is_some_and(|reached| reached.tries > 1),
    });
    let Some(Reached { socket, way, .. }) = reached else { return };
    let mut line = Line { socket, inbox: Inbox::new(worker.store.clone()) };
    tunnel::join(&mut client, &mut line, passage.idle).await;
    drop(way);
}

struct Reached {
    socket: Socket,
    way: UnderWay,
    tries: usize,
}

/// Connects to an instance; none when nobody can be reached.
async fn reach(client: &Client, route: &Arc<Route>) -> Option<Reached> {
    let core = &client.worker.core;
    let mut tried: Vec<usize> = vec![];
    loop {
        let slot = pick(core, route, &tried)?;
        let member = route.service.members.get(slot)?;
        tried.push(slot);
        let (way, turn) = (member.instance.set_out(), Instant::now());
        match member.instance.dial.open(CONNECT_TIMEOUT + SECURE_TIMEOUT, || client.ends()).await {
            Ok(socket) => {
                member.instance.saw(core, Saw::Served, None, Some(turn.elapsed()));
                return Some(Reached { socket, way, tries: tried.len() });
            }
            Err(cause) => {
                debug!(instance = %member.instance.id, %cause, "cannot be reached");
                if !matches!(cause, Cause::CouldNotAsk(_)) {
                    member.instance.saw(core, Saw::Unconnected, Some(cause), None);
                }
            }
        }
        let tries = u32::try_from(tried.len()).unwrap_or(u32::MAX);
        if tries >= TRIES || !(way.spend_allowance() || route.service.purse.spend(core.clock.now())) {
            return None;
        }
    }
}
