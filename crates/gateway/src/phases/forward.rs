//! Phase *forward*: one request to one instance, until its response head is here, or it is clear that none will come.
//!
//! A hung instance takes connections and says nothing; waiting for the route's whole time would be too late to
//! rescue anything. So silence is watched: when nothing at all has been heard from the instance since the request was
//! sent, for as long as an instance in order would never be quiet ([`Service::silence`](crate::routing::Service)),
//! the instance is suspected, and the request may leave for another. An instance that answers others, or its probes,
//! is merely slow with this one: it is given half of the route's time before the request may leave.

use std::pin::pin;
use std::time::Duration;

use dinghai_limits::Saw;
use dinghai_probe::cause_of_http;
use dinghai_record::Cause;
use http::{Request, Response, response};
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::SendRequest;
use tokio::time::{Instant, sleep_until};

use super::Asked;
use crate::body::Outgoing;
use crate::core::Core;
use crate::defaults::{IDLE_KEPT, IDLE_TRUSTED};
use crate::instance::UnderWay;
use crate::pool::{Connection, Pool};

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
    /// The client broke off, or sent more than it may.
    ClientFault,
}

/// An instance's response.
pub(crate) struct Reply {
    pub(crate) head: response::Parts,
    pub(crate) body: Incoming,
    pub(crate) sender: SendRequest<Outgoing>,
    pub(crate) way: UnderWay,
}

/// Sends the request. `may_leave` is asked, and pays, when waiting on seems worse than going elsewhere.
pub(crate) async fn forward(
    asked: &mut Asked,
    way: UnderWay,
    may_leave: impl Fn(&UnderWay) -> bool,
) -> Forwarded {
    let core = std::sync::Arc::clone(&asked.core);
    let idle = if asked.idempotent { IDLE_KEPT } else { IDLE_TRUSTED };
    let mut fresh = false;
    loop {
        let kept = if fresh { None } else { way.instance.pool.idle(idle).await };
        let Connection { mut sender, reused } = match kept {
            Some(connection) => connection,
            None => match Pool::open(&way.instance.address, left(asked.deadline)).await {
                Ok(connection) => connection,
                Err(cause) => {
                    blame(&core, &way, Saw::Unconnected, &cause);
                    return Forwarded::Unanswered { cause, sent: false, way };
                }
            },
        };
        let Some(request) = request(asked) else {
            return Forwarded::Unanswered { cause: Cause::Reset, sent: true, way };
        };
        let sent_at = Instant::now();
        let replying = sender.try_send_request(request);
        let error = match wait(asked, &way, sent_at, replying, &may_leave).await {
            Waited::Replied(response) => {
                let (head, body) = response.into_parts();
                let (saw, cause) = match head.status.is_server_error() {
                    true => (Saw::ServedWrong, Some(Cause::Status(head.status.as_u16()))),
                    false => (Saw::Served, None),
                };
                way.instance.saw(&core, saw, cause, Some(sent_at.elapsed()));
                return Forwarded::Replied(Box::new(Reply { head, body, sender, way }));
            }
            Waited::Broke(error) => error,
            Waited::TimedOut => return Forwarded::Unanswered { cause: Cause::Timeout, sent: true, way },
            Waited::Left => return Forwarded::Left,
        };
        let (cause, sent) = unsent(asked, error);
        if asked.body.fault.is_clients() {
            return Forwarded::ClientFault;
        }
        // A kept connection that breaks tells of its own age, not of the instance: ask once more on a new one.
        if reused && asked.body.is_at_hand() && (asked.idempotent || !sent) {
            fresh = true;
            continue;
        }
        blame(&core, &way, Saw::Unconnected, &cause);
        return Forwarded::Unanswered { cause, sent, way };
    }
}

enum Waited {
    Replied(Response<Incoming>),
    Broke(TrySendError<Request<Outgoing>>),
    TimedOut,
    Left,
}

async fn wait(
    asked: &Asked,
    way: &UnderWay,
    sent_at: Instant,
    replying: impl Future<Output = Result<Response<Incoming>, TrySendError<Request<Outgoing>>>>,
    may_leave: &impl Fn(&UnderWay) -> bool,
) -> Waited {
    let core = &*asked.core;
    let silence = asked.route.service.silence(asked.deadline.saturating_duration_since(asked.begun));
    let patience = sent_at + asked.deadline.saturating_duration_since(sent_at) / 2;
    let mut replying = pin!(replying);
    let mut ejection = pin!(way.ejection());
    let (mut ejected, mut suspected, mut tired) = (false, false, false);
    let mut look = sent_at + silence;
    loop {
        tokio::select! {
            biased;
            reply = &mut replying => return match reply {
                Ok(response) => Waited::Replied(response),
                Err(error) => Waited::Broke(error),
            },
            () = &mut ejection, if !ejected => {
                ejected = true;
                if may_leave(way) {
                    return Waited::Left;
                }
            }
            () = sleep_until(look.min(asked.deadline)) => {
                let now = Instant::now();
                let quiet = way.instance.silent_for(sent_at);
                let silent = quiet >= silence;
                if silent && !suspected {
                    suspected = true;
                    way.instance.saw(core, Saw::Silent, Some(Cause::Timeout), None);
                }
                if now >= asked.deadline || (now >= patience && !tired && asked.idempotent) {
                    if !suspected && !tired {
                        way.instance.saw(core, Saw::ServedWrong, Some(Cause::Timeout), None);
                    }
                    tired = true;
                }
                if now >= asked.deadline {
                    return Waited::TimedOut;
                }
                if (silent || tired) && may_leave(way) {
                    return Waited::Left;
                }
                look = if silent { now + silence } else { now + (silence - quiet) };
                if !tired && asked.idempotent {
                    look = look.min(patience.max(now + Duration::from_millis(1)));
                }
            }
        }
    }
}

fn request(asked: &mut Asked) -> Option<Request<Outgoing>> {
    let mut request = Request::new(asked.body.take()?);
    *request.method_mut() = asked.head.method.clone();
    *request.uri_mut() = asked.head.uri.clone();
    *request.headers_mut() = asked.head.headers.clone();
    Some(request)
}

/// What the error says, and whether anything was sent. A request that hyper hands back was not, and is kept.
fn unsent(asked: &mut Asked, mut error: TrySendError<Request<Outgoing>>) -> (Cause, bool) {
    let unsent = error.take_message();
    let sent = unsent.is_none();
    if let Some(request) = unsent {
        asked.body.restore(request.into_body());
    }
    (cause_of_http(error.error()), sent)
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
