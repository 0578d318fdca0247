//! Phase *forward*: one request to one instance, until its response head is here, or it is clear that none will come.
//!
//! A hung instance takes connections and says nothing; waiting for the route's whole time would be too late to
//! rescue anything. So silence is watched: when nothing at all has been heard from the instance since the request was
//! sent, for as long as an instance in order would never be quiet ([`Service::silence`](crate::routing::Service)),
//! the instance is suspected, and the request may leave for another. An instance that answers others, or its probes,
//! is merely slow with this one: it is given half of the route's time before the request may leave.

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use dinghai_limits::Saw;
use dinghai_record::Cause;
use tokio::time::Instant;

use super::Asked;
use crate::client::Client;
use crate::core::Core;
use crate::defaults::{IDLE_KEPT, IDLE_TRUSTED};
use crate::exchange::{Heard, Waiting};
use crate::instance::UnderWay;
use crate::upload::Stuck;

pub(crate) use crate::exchange::Reply;

/// What came of it.
pub(crate) enum Forwarded {
    /// A response head; its body is still to come.
    Replied(Box<Reply>),
    /// No answer.
    Unanswered {
        cause: Cause,
        /// Whether any of the request may have reached the instance.
        sent: bool,
        way: UnderWay,
    },
    /// The request was given leave to go elsewhere.
    Left,
    /// The client did not send its body in time.
    ClientSlow,
    /// The client broke off, or sent what it may not.
    ClientFault(Stuck),
}

/// Sends the request. `may_leave` is asked, and pays, when waiting on seems worse than going elsewhere.
pub(crate) async fn forward(
    client: &mut Client,
    asked: &mut Asked,
    way: UnderWay,
    may_leave: impl Fn(&Asked, &UnderWay) -> bool,
) -> Forwarded {
    let core = Arc::clone(&asked.core);
    let idle = if asked.idempotent { IDLE_KEPT } else { IDLE_TRUSTED };
    let mut fresh = false;
    let mut now = asked.turn;
    loop {
        if !asked.upload.begin() {
            return Forwarded::Unanswered { cause: Cause::Reset, sent: true, way };
        }
        let kept = if fresh || way.instance.dial.is_of_one_client() {
            None
        } else {
            way.instance.pool.idle(client.worker.index, idle, now)
        };
        let reused = kept.is_some();
        let socket = match kept {
            Some(socket) => socket,
            None => match way.instance.dial.open(left(asked.deadline), || client.ends()).await {
                Ok(socket) => {
                    now = Instant::now();
                    socket
                }
                Err(cause) => {
                    blame(&core, &way, Saw::Unconnected, &cause);
                    return Forwarded::Unanswered { cause, sent: false, way };
                }
            },
        };
        let mut waiting = Waiting::new(socket, asked, client, now);
        let heard = {
            let (may_leave, way) = (&may_leave, &way);
            poll_fn(|cx| waiting.poll(cx, client, asked, way, &|asked| may_leave(asked, way))).await
        };
        let (cause, sent) = match heard {
            Heard::Reply(response) => {
                let (saw, cause) = match response.status >= 500 {
                    true => (Saw::ServedWrong, Some(Cause::Status(response.status))),
                    false => (Saw::Served, None),
                };
                let took = response.heard.saturating_duration_since(waiting.since());
                way.instance.saw_at(&core, response.at, saw, cause, Some(took));
                return Forwarded::Replied(Box::new(waiting.reply(response, way)));
            }
            Heard::TimedOut => return Forwarded::Unanswered { cause: Cause::Timeout, sent: true, way },
            Heard::Left => return Forwarded::Left,
            Heard::ClientSlow => return Forwarded::ClientSlow,
            Heard::Client(stuck) => return Forwarded::ClientFault(stuck),
            Heard::Broke(cause) => (cause, asked.upload.is_begun()),
        };
        // A kept connection that breaks tells of its own age, not of the instance: ask once more on a new one.
        if reused && asked.upload.is_whole() && (asked.idempotent || !sent) {
            (fresh, now) = (true, Instant::now());
            continue;
        }
        // Who gives up on a request that the client holds back has not failed: any client could eject everybody.
        if cause == Cause::Malformed || !asked.upload.awaits_client() {
            blame(&core, &way, Saw::Unconnected, &cause);
        }
        return Forwarded::Unanswered { cause, sent, way };
    }
}

fn blame(core: &Core, way: &UnderWay, saw: Saw, cause: &Cause) {
    // What our own machine lacked says nothing about the instance.
    if !matches!(cause, Cause::CouldNotAsk(_)) {
        way.instance.saw(core, saw, Some(cause.clone()), None);
    }
}

fn left(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now())
}
