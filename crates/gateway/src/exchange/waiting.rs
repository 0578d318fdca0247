//! From the first byte of the request to the head of the response.

use std::task::{Context, Poll};

use dinghai_probe::cause_of_io;
use dinghai_record::Cause;
use tokio::time::Instant;

use super::patience::{Patience, Verdict};
use super::{Line, Reply, Response};
use crate::buffer::Inbox;
use crate::client::Client;
use crate::http1::response::{Head, LINES};
use crate::instance::UnderWay;
use crate::phases::Asked;
use crate::socket::Socket;
use crate::upload::Stuck;

/// A request that waits for its response.
pub(crate) struct Waiting {
    line: Line,
    patience: Patience,
    /// The request is sent as a whole.
    sent: bool,
    /// Some of it had to wait.
    halted: bool,
    /// How much of it was passed on when that was looked at last.
    passed: u64,
    /// The instance does not take the rest of the request. It may have answered all the same.
    unsendable: Option<Cause>,
}

/// What was heard.
pub(crate) enum Heard {
    Reply(Response),
    /// The connection broke, or what came on it is no response.
    Broke(Cause),
    TimedOut,
    /// The request was given leave to go elsewhere.
    Left,
    ClientSlow,
    Client(Stuck),
}

impl Waiting {
    pub(crate) fn new(socket: Socket, asked: &Asked, client: &Client, now: Instant) -> Self {
        let line = Line { socket, inbox: Inbox::new(client.worker.store.clone()) };
        let patience = Patience::new(asked, client, now);
        Self { line, patience, sent: false, halted: false, passed: 0, unsendable: None }
    }

    /// Since when the instance is waited for.
    pub(crate) const fn since(&self) -> Instant {
        self.patience.since()
    }

    /// The response with the connection that it came on.
    pub(crate) fn reply(self, response: Response, way: UnderWay) -> Reply {
        let Response { status, out, framing, reusable, persists, .. } = response;
        Reply { status, out, framing, reusable, persists, line: self.line, way }
    }

    pub(crate) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        client: &mut Client,
        asked: &mut Asked,
        way: &UnderWay,
        may_leave: &impl Fn(&Asked) -> bool,
    ) -> Poll<Heard> {
        if let Some(heard) = self.send(cx, client, asked) {
            return Poll::Ready(heard);
        }
        loop {
            match self.line.inbox.poll_fill(cx, &mut self.line.socket) {
                Poll::Ready(Ok(1..)) => match self.read(client, asked) {
                    Ok(Some(response)) => return Poll::Ready(Heard::Reply(response)),
                    Ok(None) if self.line.inbox.is_full() => {
                        return Poll::Ready(Heard::Broke(Cause::Malformed));
                    }
                    Ok(None) => {}
                    Err(cause) => return Poll::Ready(Heard::Broke(cause)),
                },
                Poll::Ready(Ok(0)) => {
                    return Poll::Ready(Heard::Broke(self.unsendable.take().unwrap_or(Cause::Reset)));
                }
                Poll::Ready(Err(error)) => {
                    let cause = self.unsendable.take().unwrap_or_else(|| cause_of_io(&error));
                    return Poll::Ready(Heard::Broke(cause));
                }
                Poll::Pending => break,
            }
        }
        if !asked.interim.tell(cx, &mut client.socket) || (asked.upload.is_read() && client.poll_gone(cx)) {
            return Poll::Ready(Heard::Client(Stuck::ClientGone));
        }
        self.look(client, asked, way, may_leave)
    }

    /// Sends as much of the request as can be sent now.
    fn send(&mut self, cx: &mut Context<'_>, client: &mut Client, asked: &mut Asked) -> Option<Heard> {
        if self.sent || self.unsendable.is_some() {
            return None;
        }
        let (socket, inbox) = (&mut client.socket, &mut client.inbox);
        match asked.upload.poll_send(cx, &mut self.line.socket, socket, inbox) {
            Poll::Ready(Ok(())) => {
                self.sent = true;
                // The instance's time begins when it has the whole request.
                if self.halted {
                    self.patience.begin_again(Instant::now());
                }
            }
            Poll::Ready(Err(Stuck::Instance(error))) => self.unsendable = Some(cause_of_io(&error)),
            Poll::Ready(Err(stuck)) => return Some(Heard::Client(stuck)),
            Poll::Pending => self.halted = true,
        }
        None
    }

    /// Reads what came: a response, or interim ones before it.
    fn read(&mut self, client: &Client, asked: &mut Asked) -> Result<Option<Response>, Cause> {
        let wants = asked.wants;
        loop {
            let mut room = [httparse::EMPTY_HEADER; LINES];
            let head = Head::read(self.line.inbox.unread(), &mut room).map_err(|_| Cause::Malformed)?;
            let Some(head) = head else { return Ok(None) };
            let size = head.size;
            if head.is_interim() {
                if !asked.interim.take(&head, wants) {
                    return Err(Cause::Malformed);
                }
                self.line.inbox.consume(size);
                continue;
            }
            if head.status == 101 && !wants.upgrade {
                return Err(Cause::Malformed);
            }
            let framing = head.framing(wants);
            // Refused before it has ended, a request is not read to its end (RFC 9112, section 9.6).
            let refused = head.status >= 400 && !asked.upload.is_read();
            let persists = wants.persists && framing.delimited && !refused && !client.door.closing.get();
            let mut out = client.worker.store.scrap();
            let (heard, at) = (Instant::now(), asked.core.clock.now());
            let edits = asked.route.changes.as_ref().map(|changes| &changes.response);
            client.worker.dated(at, |date| {
                head.write(wants, framing.onward, persists, date, edits, &mut out);
            });
            let (status, reusable) = (head.status, head.persists());
            let mut response = Response { status, out, framing, reusable, persists, heard, at };
            self.line.inbox.consume(size);
            response.begin(&mut self.line.inbox).map_err(|_| Cause::Malformed)?;
            return Ok(Some(response));
        }
    }

    fn look(
        &mut self,
        client: &Client,
        asked: &Asked,
        way: &UnderWay,
        may_leave: &impl Fn(&Asked) -> bool,
    ) -> Poll<Heard> {
        let mut verdict = Verdict::Wait;
        if way.is_ejected() {
            verdict = self.patience.on_ejection(|| may_leave(asked));
        }
        if verdict == Verdict::Wait && client.alarm.rang() {
            let passed = asked.upload.passed();
            let moved = std::mem::replace(&mut self.passed, passed) < passed;
            let now = Instant::now();
            if asked.upload.awaits_client() && now >= asked.deadline {
                return Poll::Ready(Heard::ClientSlow);
            }
            // While the client is still sending nobody else is late, and who takes what is sent is not silent.
            if asked.upload.awaits_client() || (moved && !self.sent) {
                self.patience.begin_again(now);
            }
            verdict = self.patience.look(&asked.core, client, asked, way, || may_leave(asked));
        }
        match verdict {
            Verdict::Wait => Poll::Pending,
            Verdict::Leave => Poll::Ready(Heard::Left),
            Verdict::TimedOut => Poll::Ready(Heard::TimedOut),
        }
    }
}
