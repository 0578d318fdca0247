//! From the head of the response to its last byte.

use std::task::{Context, Poll};

use tokio::time::Instant;

use super::{Line, Reply, Response};
use crate::buffer::{Inbox, Store};
use crate::client::Client;
use crate::counters::Ended;
use crate::http1::chunks::BadChunks;
use crate::http1::response::Framing;
use crate::instance::UnderWay;
use crate::phases::Record;
use crate::upload::{Stuck, Upload};

/// Up to this much of a body is copied behind its head, to go with it in one plain write.
const COPIED: usize = 4 * 1024;

/// A response on its way to the client.
pub(crate) struct Download {
    line: Line,
    way: UnderWay,
    framing: Framing,
    reusable: bool,
    out: Vec<u8>,
    written: usize,
    /// The last byte is in `out`.
    over: bool,
    deadline: Instant,
    timed: bool,
    /// Taken when the request is counted: as the last byte is handed over, so that who has heard an answer finds it counted.
    record: Option<Record>,
    ended: Ended,
    ended_at: Option<Instant>,
}

/// A response that did not come to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Broke {
    /// The instance broke off, or took too long.
    Instance,
    /// The client has gone.
    Client,
}

impl Response {
    /// Takes what has come of the body, as far as it has to be framed anew or is short.
    pub(super) fn begin(&mut self, inbox: &mut Inbox) -> Result<(), BadChunks> {
        let Framing { left, onward, .. } = &mut self.framing;
        match left.plain(*onward, inbox.unread()) {
            Some(here) if here > COPIED => {}
            _ => {
                let moved = left.pass(inbox.unread(), *onward, &mut self.out)?;
                inbox.consume(moved.taken);
            }
        }
        Ok(())
    }
}

impl Download {
    pub(crate) fn new(reply: Reply, record: Record, deadline: Instant) -> Self {
        let Reply { status, framing, reusable, out, line, way, .. } = reply;
        let over = framing.left.is_over();
        let ended = if status >= 500 { Ended::Failed } else { Ended::Served };
        let record = Some(record);
        Self {
            line,
            way,
            framing,
            reusable,
            out,
            written: 0,
            over,
            deadline,
            timed: false,
            record,
            ended,
            ended_at: None,
        }
    }

    /// Passes the response on, and the rest of the request. Ready when the client has all of the response.
    pub(crate) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        client: &mut Client,
        upload: &mut Upload,
    ) -> Poll<Result<(), Broke>> {
        loop {
            match self.poll_write(cx, client) {
                Poll::Ready(Ok(true)) => return Poll::Ready(Ok(())),
                Poll::Ready(Ok(false)) => {}
                Poll::Ready(Err(broke)) => return Poll::Ready(Err(broke)),
                Poll::Pending => break,
            }
            match self.line.inbox.poll_fill(cx, &mut self.line.socket) {
                Poll::Ready(Ok(1..)) => {}
                Poll::Ready(Ok(0))
                    if !upload.was_reset() && self.framing.left.end(self.framing.onward, &mut self.out) =>
                {
                    (self.over, self.reusable) = (true, false);
                }
                Poll::Ready(_) => return Poll::Ready(Err(Broke::Instance)),
                Poll::Pending => break,
            }
        }
        self.poll_rest(cx, client, upload)
    }

    /// Writes what is here; true when that was the end.
    fn poll_write(&mut self, cx: &mut Context<'_>, client: &mut Client) -> Poll<Result<bool, Broke>> {
        loop {
            let Framing { left, onward, .. } = &mut self.framing;
            let plain = left.plain(*onward, self.line.inbox.unread());
            if plain.is_none() && self.written == self.out.len() && !self.over {
                (self.written, _) = (0, self.out.clear());
                let moved = left.pass(self.line.inbox.unread(), *onward, &mut self.out);
                self.line.inbox.consume(moved.map_err(|_| Broke::Instance)?.taken);
                self.over = left.is_over();
            }
            let first = self.out.get(self.written..).unwrap_or_default();
            let second = self.line.inbox.unread().get(..plain.unwrap_or(0)).unwrap_or_default();
            if first.is_empty() && second.is_empty() {
                if self.over {
                    self.ended_at = end(&mut self.record, self.ended).or(self.ended_at);
                }
                return Poll::Ready(Ok(self.over));
            }
            if self.over || (!second.is_empty() && left.is_over_after(second.len())) {
                self.ended_at = end(&mut self.record, self.ended).or(self.ended_at);
            }
            let bytes = match client.socket.poll_write(cx, first, second) {
                Poll::Ready(Ok(bytes @ 1..)) => bytes,
                Poll::Ready(_) => return Poll::Ready(Err(Broke::Client)),
                Poll::Pending => return Poll::Pending,
            };
            let of_first = bytes.min(first.len());
            self.written += of_first;
            self.line.inbox.consume(bytes - of_first);
            left.pass_plain(bytes - of_first);
            self.over |= left.is_over();
        }
    }

    /// What goes on while the response waits for either side.
    fn poll_rest(
        &mut self,
        cx: &mut Context<'_>,
        client: &mut Client,
        upload: &mut Upload,
    ) -> Poll<Result<(), Broke>> {
        if !upload.is_sent() {
            let (socket, inbox) = (&mut client.socket, &mut client.inbox);
            match upload.poll_send(cx, &mut self.line.socket, socket, inbox) {
                Poll::Ready(Err(Stuck::Instance(_))) => self.reusable = false,
                Poll::Ready(Err(_)) => return Poll::Ready(Err(Broke::Client)),
                Poll::Ready(Ok(())) | Poll::Pending => {}
            }
        }
        if upload.is_read() && client.poll_gone(cx) {
            return Poll::Ready(Err(Broke::Client));
        }
        if !std::mem::replace(&mut self.timed, true) {
            client.worker.wheel.set(&client.alarm, self.deadline);
        }
        if client.alarm.rang() && Instant::now() >= self.deadline {
            return Poll::Ready(Err(Broke::Instance));
        }
        Poll::Pending
    }

    /// The response broke off.
    pub(crate) fn cut(mut self) {
        end(&mut self.record, Ended::Cut);
    }

    /// The response has ended: keeps the connection for the next request of this thread, if it can carry one. When that was.
    pub(crate) fn close(mut self, thread: usize, sent: bool, store: &Store) -> Instant {
        store.keep(std::mem::take(&mut self.out));
        let now = self.ended_at.unwrap_or_else(Instant::now);
        let clean = self.line.inbox.unread().is_empty();
        if self.reusable && sent && clean && !self.way.instance.dial.is_of_one_client() {
            self.way.instance.pool.keep(thread, self.line.socket, now);
        }
        now
    }
}

/// Counts the request, once; when that was.
fn end(record: &mut Option<Record>, ended: Ended) -> Option<Instant> {
    let record = record.take()?;
    let now = Instant::now();
    record.end(ended, now);
    Some(now)
}
