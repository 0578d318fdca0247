//! The life of a request.
//!
//! ```text
//! accept ─► parse ─► identify ─► admit ─► route ─► pick ─► forward ─► judge ─► record
//!                                                   ▲                   │
//!                                                   └── once more ◄─────┘
//! ```
//!
//! 1. **accept** (`accept`) takes the connection. 2. **parse** (`http1::request`) yields a request head, borrowed from the
//!    bytes as they came, and a body that is not read yet: nothing below costs memory for a body that is refused.
//! 3. **identify** says who asks, as far as it can be believed. It comes before anything that judges the asker.
//! 4. **admit** refuses what no route could serve: a head that two readers could read in two ways, a body beyond the
//!    limit. It comes before routing, so that a crafted `Host` never chooses a route.
//! 5. **route** finds who answers, and whether the route is open while the controller is away. From here on a
//!    request is counted, because from here on there is a route to count it for. The head that the instance will see is
//!    written now, once; the client's own is done with, and all that waits from here on holds no part of it.
//! 6. **pick** chooses an instance; a repeated request prefers places that it has not been to.
//! 7. **forward** is the only phase that talks to an instance. It ends with a response head or a cause.
//! 8. **judge** says what the outcome means for the instance and whether the request may be tried once more. It stands
//!    between forward and the client: once a response head is passed on, nothing can be repeated.
//! 9. **record** counts when the last byte has gone, not before: a response that breaks off has failed.

mod admit;
mod forward;
mod identify;
mod judge;
mod pick;
mod record;
mod refuse;
mod route;

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use tokio::time::Instant;

use crate::client::{Client, Fate};
use crate::core::Core;
use crate::defaults::HEADERS;
use crate::exchange::{Broke, Download, Interim};
use crate::http1::request::Head;
use crate::http1::response::Wants;
use crate::routing::Route;
use crate::tunnel;
use crate::upload::Upload;

pub(crate) use forward::Reply;
pub(crate) use pick::pick;
pub(crate) use record::Record;
pub(crate) use refuse::Refused;

/// A request on its way through the phases after it has found its route.
pub(crate) struct Asked {
    pub(crate) core: Arc<Core>,
    pub(crate) route: Arc<Route>,
    pub(crate) record: Record,
    pub(crate) upload: Upload,
    pub(crate) interim: Interim,
    pub(crate) wants: Wants,
    pub(crate) idempotent: bool,
    pub(crate) begun: Instant,
    /// When it turned to the instance that it is for now.
    pub(crate) turn: Instant,
    pub(crate) deadline: Instant,
}

/// The phases from parse to route; none when the head is not whole yet.
pub(crate) fn begin(client: &mut Client) -> Result<Option<Box<Asked>>, Refused> {
    let Client { worker, door, peer, inbox, socket, shown, .. } = client;
    let secure = socket.is_secure();
    let core = &worker.core;
    let unrouted = |refused: Refused| {
        if !refused.is_redirect() {
            core.unrouted.fetch_add(1, Relaxed);
        }
        refused
    };
    let mut room = [httparse::EMPTY_HEADER; HEADERS];
    let head = match Head::read(inbox.unread(), &mut room) {
        Ok(Some(head)) => head,
        Ok(None) => return Ok(None),
        Err(bad) => return Err(unrouted(bad.into())),
    };
    let mut wants = Wants {
        is_1_1: head.is_1_1,
        head_only: head.method == "HEAD",
        persists: head.is_1_1,
        upgrade: false,
    };
    let found = admit::admit(&head, secure).and_then(|admitted| {
        let options = admitted.options;
        wants.persists = !options.close && (head.is_1_1 || options.keep_alive);
        wants.upgrade = admitted.upgrade.is_some();
        let looked = worker.routing(|routing| {
            let route = route::find(routing, &door.id, admitted.host, &head, secure, || core.draw());
            route.map(|route| (route, identify::is_trusted(*peer, routing)))
        });
        match looked {
            Ok((route, trusted)) => Ok((admitted, route, trusted)),
            // A body that nobody reads would be taken for the next request.
            Err(refused) if !admitted.body.is_over() => Err(refused.closing()),
            Err(refused) => Err(refused),
        }
    });
    let (admitted, route, trusted) = match found {
        Ok(found) => found,
        Err(refused) => {
            let size = head.size;
            inbox.consume(size);
            return Err(unrouted(refused.to(wants)));
        }
    };
    let begun = Instant::now();
    let idempotent = matches!(head.method, "GET" | "HEAD" | "OPTIONS" | "PUT" | "DELETE" | "TRACE");
    let record = Record::new(Arc::clone(core), Arc::clone(&route), begun, idempotent);
    let mut outcome = route::open(core, &route, head.method);
    let mut out = worker.store.scrap();
    let asker = identify::Asker { peer: *peer, trusted, secure, shown: shown.as_deref() };
    identify::onward(&head, &admitted, asker, route.changes.as_deref(), &mut out);
    let (size, body) = (head.size, admitted.body);
    inbox.consume(size);
    let mut upload = Upload::new(out, body, worker.store.clone());
    // What has come of the body is looked at before anything is sent: a bad one reaches nobody.
    outcome = outcome.and_then(|()| upload.take(inbox).map_err(|stuck| Refused::from(&stuck)));
    if let Err(refused) = outcome {
        record.refused(&refused);
        return Err(if upload.is_read() { refused } else { refused.closing() }.to(wants));
    }
    route.service.purse.earn();
    let deadline = begun + Duration::from_millis(route.spec.timeout_ms);
    let core = Arc::clone(core);
    let (interim, turn) = (Interim::default(), begun);
    Ok(Some(Box::new(Asked {
        core,
        route,
        record,
        upload,
        interim,
        wants,
        idempotent,
        begun,
        turn,
        deadline,
    })))
}

/// Takes a request through the phases that talk to instances.
pub(crate) async fn serve(client: &mut Client, mut asked: Box<Asked>) -> Fate {
    match judge::answer(client, &mut asked).await {
        Ok(judge::Answered { reply, repeated }) => {
            asked.record.repeated = repeated;
            respond(client, asked, reply).await
        }
        Err(refused) => {
            let read = asked.upload.is_read();
            let counted = asked.record.refused(&refused);
            drop(asked.upload);
            match counted {
                // A body that is still on its way would be taken for the next request.
                true => {
                    let refused = refused.to(asked.wants);
                    client.refuse(&refused, refused.closes || !read, &mut asked.interim).await
                }
                false => Fate::Breaks,
            }
        }
    }
}

/// Passes an instance's response on; it is recorded as it comes to its end.
async fn respond(client: &mut Client, asked: Box<Asked>, mut reply: Box<Reply>) -> Fate {
    if reply.status == 101 {
        return Box::pin(tunnel::open(client, *asked, *reply)).await;
    }
    let (persists, delimited) = (reply.persists, reply.framing.delimited);
    let Asked { record, mut upload, mut interim, deadline, .. } = *asked;
    reply.out = interim.before(std::mem::take(&mut reply.out));
    upload.settle();
    let mut download = Download::new(*reply, record, deadline);
    match std::future::poll_fn(|cx| download.poll(cx, client, &mut upload)).await {
        Ok(()) => {
            let ended = download.close(client.worker.index, upload.is_sent(), &client.worker.store);
            client.idle_since = Some(ended);
            match (upload.is_read(), persists) {
                (true, true) => Fate::Persists,
                (true, false) => Fate::Closes,
                (false, _) => Fate::Lingers,
            }
        }
        Err(broke) => {
            if broke == Broke::Instance {
                download.cut();
                if !delimited {
                    client.socket.reset();
                }
            }
            Fate::Breaks
        }
    }
}
