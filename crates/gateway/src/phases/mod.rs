//! The life of a request.
//!
//! ```text
//! accept ─► parse ─► identify ─► admit ─► route ─► pick ─► forward ─► judge ─► record
//!                                                   ▲                   │
//!                                                   └── once more ◄─────┘
//! ```
//!
//! 1. **accept** (`listeners`) takes the connection. 2. **parse** (hyper, in `connection`) yields a request head and a
//!    body that is not read yet: nothing below costs memory for a body that is refused.
//! 3. **identify** says who asks, as far as it can be believed. It comes before anything that judges the asker.
//! 4. **admit** refuses what no route could serve: a head that two readers could read in two ways, a body beyond the
//!    limit. It comes before routing, so that a crafted `Host` never chooses a route.
//! 5. **route** finds who answers, and whether the route is open while the controller is away. From here on a
//!    request is counted, because from here on there is a route to count it for.
//! 6. **pick** chooses an instance; a repeated request prefers places that it has not been to.
//! 7. **forward** is the only phase that talks to an instance. It ends with a response head or a cause.
//! 8. **judge** says what the outcome means for the instance and whether the request may be tried once more. It stands
//!    between forward and the client: once a response head is passed on, nothing can be repeated.
//! 9. **record** counts when the last byte has gone, not before: a response that breaks off has failed.
//!
//! The phases speak in heads (`http::request::Parts`), bodies (`crate::body`) and refusals; only parse and forward know
//! which engine moves the bytes.

mod admit;
mod forward;
mod identify;
mod judge;
mod pick;
mod record;
mod refuse;
mod route;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use dinghai_estate::ListenerId;
use http::request::Parts;
use http::{Request, Response};
use hyper::body::Incoming;
use tokio::time::{Instant, timeout_at};

use crate::body::{Answer, Kept};
use crate::connection::Busy;
use crate::core::Core;
use crate::counters::Ended;
use crate::defaults::{BODY_LIMIT, REPLAY_LIMIT};
use crate::routing::Route;

pub(crate) use record::Record;
use refuse::Refused;

/// A request on its way through the phases after it has found its route.
struct Asked {
    core: Arc<Core>,
    route: Arc<Route>,
    head: Parts,
    body: Kept,
    idempotent: bool,
    begun: Instant,
    deadline: Instant,
}

/// Takes a parsed request through the phases.
pub(crate) async fn serve(
    core: Arc<Core>,
    listener: ListenerId,
    peer: SocketAddr,
    request: Request<Incoming>,
    busy: Busy,
) -> Response<Answer> {
    let answer = pass(core, &listener, peer, request).await.unwrap_or_else(Refused::into_response);
    answer.map(|body| body.holding(busy))
}

async fn pass(
    core: Arc<Core>,
    listener: &ListenerId,
    peer: SocketAddr,
    request: Request<Incoming>,
) -> Result<Response<Answer>, Refused> {
    let begun = Instant::now();
    let routing = core.routing.load_full();
    let (mut head, body) = request.into_parts();
    let unrouted = |refused| {
        core.unrouted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        refused
    };
    let trusted = identify::is_trusted(peer, &routing);
    let host = admit::admit(&head).map_err(unrouted)?;
    let route = route::find(&routing, listener, &host, head.uri.path()).map_err(unrouted)?;
    drop(routing);

    let idempotent = head.method.is_idempotent();
    let record = Record::new(Arc::clone(&core), Arc::clone(&route), begun, idempotent);
    if let Err(closed) = route::open(&core, &route, &head.method) {
        return Err(record.refused(closed));
    }
    identify::onward(&mut head, peer, trusted, &host);
    let deadline = begun + Duration::from_millis(route.spec.timeout_ms);
    let body = match timeout_at(deadline, Kept::read(body, BODY_LIMIT, REPLAY_LIMIT)).await {
        Ok(Ok(body)) => body,
        Ok(Err(_)) => return Err(record.refused(Refused::client_gone())),
        Err(_) => return Err(record.refused(Refused::client_slow())),
    };
    route.service.purse.earn();
    let asked = Asked { core, route, head, body, idempotent, begun, deadline };
    match judge::answer(asked).await {
        Ok(answered) => Ok(respond(answered, record, deadline)),
        Err(refused) => Err(record.refused(refused)),
    }
}

/// Passes an instance's response on; it is recorded when it has come to its end.
fn respond(answered: judge::Answered, mut record: Record, deadline: Instant) -> Response<Answer> {
    let judge::Answered { reply, repeated } = answered;
    let forward::Reply { mut head, body, sender, way } = *reply;
    identify::strip_hop_by_hop(&mut head.headers);
    let ended = if head.status.is_server_error() { Ended::Failed } else { Ended::Served };
    record.repeated = repeated;
    Response::from_parts(head, Answer::passing(body, deadline, record, way, sender, ended))
}
