//! Phase *judge*: what an outcome means, and whether the request may be tried once more.
//!
//! A request is repeated only while no part of a response has been passed on, and only when repeating cannot do
//! anything twice: its method is idempotent (RFC 9110, section 9.2.2), or it is certain that nothing of it was sent. Each
//! repetition is paid for: by the extra allowance of an ejection that caught it on its way, else by the service's
//! retry budget; see `dinghai_limits`.

use std::sync::Arc;

use dinghai_record::Cause;
use http::StatusCode;

use super::Asked;
use super::forward::{Forwarded, Reply, forward};
use super::pick::{is_elsewhere, pick};
use super::refuse::Refused;
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
pub(crate) async fn answer(mut asked: Asked) -> Result<Answered, Refused> {
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
        // A streamed body that is on its way cannot leave with the request.
        let movable = asked.idempotent && asked.body.is_whole();
        let forwarded = forward(&mut asked, way, |way| movable && again.granted(way)).await;
        match forwarded {
            Forwarded::Replied(reply) => {
                let wrong = reply.head.status.is_server_error();
                if reply.head.status == StatusCode::SWITCHING_PROTOCOLS {
                    return Err(Refused::unanswered(&Cause::Malformed));
                }
                if wrong && asked.idempotent && asked.body.is_at_hand() && again.granted(&reply.way) {
                    last = Some(Cause::Status(reply.head.status.as_u16()));
                    continue;
                }
                return Ok(Answered { reply, repeated: tried.len() > 1 });
            }
            Forwarded::Unanswered { cause, sent, way } => {
                let safe = (asked.idempotent || !sent) && asked.body.is_at_hand();
                // At the deadline there is no time left to ask anybody else.
                let late = tokio::time::Instant::now() >= asked.deadline;
                if late || !safe || !again.granted(&way) {
                    return Err(Refused::unanswered(&cause));
                }
                last = Some(cause);
            }
            Forwarded::Left => last = Some(Cause::Timeout),
            Forwarded::ClientFault if asked.body.fault.is_too_large() => return Err(Refused::too_large()),
            Forwarded::ClientFault => return Err(Refused::client_gone()),
        }
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
    Refused::new(StatusCode::SERVICE_UNAVAILABLE, "no-instance", detail)
}
