//! Phase *judge*: what an outcome means, and whether the request may be tried once more.
//!
//! A request is repeated only while no part of a response has been passed on, and only when repeating cannot do
//! anything twice: its method is idempotent (RFC 9110, section 9.2.2), or it is certain that nothing of it was sent. Each
//! repetition is paid for: by the extra allowance of an ejection that caught it on its way, else by the service's
//! retry budget; see `dinghai_limits`.

use std::sync::Arc;

use dinghai_record::Cause;
use tokio::time::Instant;

use super::Asked;
use super::forward::{Forwarded, Reply, forward};
use super::pick::{is_elsewhere, pick};
use super::refuse::Refused;
use crate::client::Client;
use crate::core::Core;
use crate::defaults::TRIES;
use crate::instance::UnderWay;
use crate::routing::Route;

/// The response that is passed on.
pub(crate) struct Answered {
    pub(crate) reply: Box<Reply>,
    /// More than one instance was asked.
    pub(crate) repeated: bool,
}

/// Asks instances until one answers, or no more may be asked.
pub(crate) async fn answer(client: &mut Client, asked: &mut Asked) -> Result<Answered, Refused> {
    let (core, route) = (Arc::clone(&asked.core), Arc::clone(&asked.route));
    let mut tried: Vec<usize> = Vec::new();
    let mut last: Option<Cause> = None;
    loop {
        let Some(slot) = pick(&core, &route, &tried) else {
            return Err(last.as_ref().map_or_else(|| nobody(&route), Refused::unanswered));
        };
        let Some(member) = route.service.members.get(slot) else { return Err(nobody(&route)) };
        tried.push(slot);
        let again = Again { core: &core, route: &route, tried: &tried };
        let way = member.instance.set_out();
        let idempotent = asked.idempotent;
        // A body that was streamed away cannot leave with the request.
        let may_leave =
            |asked: &Asked, way: &UnderWay| idempotent && asked.upload.is_whole() && again.granted(way);
        match forward(client, asked, way, may_leave).await {
            Forwarded::Replied(reply) => {
                let wrong = reply.status >= 500;
                if wrong && idempotent && asked.upload.is_whole() && again.granted(&reply.way) {
                    last = Some(Cause::Status(reply.status));
                } else {
                    return Ok(Answered { reply, repeated: tried.len() > 1 });
                }
            }
            Forwarded::Unanswered { cause, sent, way } => {
                let safe = (idempotent || !sent) && asked.upload.is_whole();
                // At the deadline there is no time left to ask anybody else.
                let late = Instant::now() >= asked.deadline;
                if late || !safe || !again.granted(&way) {
                    return Err(Refused::unanswered(&cause));
                }
                last = Some(cause);
            }
            Forwarded::Left => last = Some(Cause::Timeout),
            Forwarded::ClientSlow => return Err(Refused::client_slow()),
            Forwarded::ClientFault(stuck) => return Err(Refused::from(&stuck)),
        }
        asked.turn = Instant::now();
    }
}

struct Again<'a> {
    core: &'a Core,
    route: &'a Route,
    tried: &'a [usize],
}

impl Again<'_> {
    /// Whether another try is possible and paid for.
    fn granted(&self, way: &UnderWay) -> bool {
        let tries = u32::try_from(self.tried.len()).unwrap_or(u32::MAX);
        if tries >= TRIES || !is_elsewhere(self.core, self.route, self.tried) {
            return false;
        }
        let paid = way.spend_allowance() || self.route.service.purse.spend(self.core.clock.now());
        if !paid {
            self.route.counters.retry_refused();
        }
        paid
    }
}

fn nobody(route: &Route) -> Refused {
    let detail = format!("no instance of `{}` takes requests now", route.service.id);
    Refused::new(503, "no-instance", detail)
}
