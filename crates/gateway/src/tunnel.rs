//! A connection that was handed over to another protocol (RFC 9110, section 7.8): bytes both ways until both have ended, or
//! nothing was said for [`TUNNEL_IDLE`].
//!
//! The request is counted when the switch is told to the client; how long people then talk is no latency. The instance
//! has it under way to the end, so that draining waits for it.

use std::future::poll_fn;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::Instant;

use crate::buffer::Inbox;
use crate::client::{Client, Fate};
use crate::counters::Ended;
use crate::defaults::TUNNEL_IDLE;
use crate::exchange::Line;
use crate::phases::{Asked, Reply};
use crate::socket::Socket;

/// Tells the client of the switch, and joins both connections.
pub(crate) async fn open(client: &mut Client, asked: Asked, reply: Reply) -> Fate {
    // What is left of a request that has not ended would be taken for the other protocol.
    let Asked { record, upload, mut interim, .. } = asked;
    if !upload.is_sent() {
        record.end(Ended::Cut, Instant::now());
        return Fate::Breaks;
    }
    drop(upload);
    let Reply { out, mut line, way, .. } = reply;
    record.end(Ended::Served, Instant::now());
    if !client.say(&interim.before(out)).await {
        return Fate::Breaks;
    }
    join(client, &mut line, TUNNEL_IDLE).await;
    drop(way);
    Fate::Breaks
}

/// Passes bytes both ways until both sides have ended, or nothing was said for `idle`.
pub(crate) async fn join(client: &mut Client, line: &mut Line, idle: Duration) {
    let (mut up, mut down) = (Way::Open, Way::Open);
    let mut heard = Instant::now();
    client.worker.wheel.set(&client.alarm, heard + idle);
    poll_fn(|cx| {
        let Line { socket, inbox } = &mut *line;
        let moved = up.poll(cx, &mut client.socket, &mut client.inbox, socket) | {
            down.poll(cx, socket, inbox, &mut client.socket)
        };
        if up == Way::Broken || down == Way::Broken || (up == Way::Ended && down == Way::Ended) {
            return Poll::Ready(());
        }
        if moved {
            heard = Instant::now();
        }
        if client.alarm.rang() {
            if heard.elapsed() >= idle {
                return Poll::Ready(());
            }
            client.worker.wheel.set(&client.alarm, heard + idle);
        }
        Poll::Pending
    })
    .await;
}

/// One direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Open,
    /// Its sender has ended, and its reader is being told.
    Ending,
    Ended,
    Broken,
}

impl Way {
    /// Moves what can be moved; whether anything was.
    fn poll(&mut self, cx: &mut Context<'_>, from: &mut Socket, inbox: &mut Inbox, to: &mut Socket) -> bool {
        let mut moved = false;
        if let Poll::Ready(Err(_)) = to.poll_settle(cx) {
            *self = Self::Broken;
        }
        loop {
            let next = match self {
                Self::Open => Self::step(cx, from, inbox, to),
                Self::Ending => {
                    to.poll_shutdown(cx).map(|told| if told.is_ok() { Self::Ended } else { Self::Broken })
                }
                Self::Ended | Self::Broken => return moved,
            };
            match next {
                Poll::Ready(next) => (*self, moved) = (next, true),
                Poll::Pending => return moved,
            }
        }
    }

    fn step(cx: &mut Context<'_>, from: &mut Socket, inbox: &mut Inbox, to: &mut Socket) -> Poll<Self> {
        if inbox.unread().is_empty() {
            return match ready!(inbox.poll_fill(cx, from)) {
                Ok(0) => Poll::Ready(Self::Ending),
                Ok(_) => Poll::Ready(Self::Open),
                Err(_) => Poll::Ready(Self::Broken),
            };
        }
        match ready!(to.poll_write(cx, inbox.unread(), &[])) {
            Ok(bytes @ 1..) => {
                inbox.consume(bytes);
                Poll::Ready(Self::Open)
            }
            _ => Poll::Ready(Self::Broken),
        }
    }
}
