//! A request on its way to an instance: its head as we wrote it, and its body as the client sends it.
//!
//! What was sent is kept at the front for as long as the whole is short, so that sending it again is beginning again. The
//! body is passed on while it comes; nothing waits for its end, and the instance may answer before it.

use std::io;
use std::task::{Context, Poll, ready};

use crate::buffer::{Inbox, Store};
use crate::defaults::{BODY_LIMIT, REPLAY_LIMIT};
use crate::http1::body::{Left, Onward};
use crate::socket::Socket;

/// How much of a body waits here at most when the instance reads slower than the client sends.
const AHEAD: usize = 64 * 1024;

/// A request that is being sent.
#[derive(Debug)]
pub(crate) struct Upload {
    out: Vec<u8>,
    /// So much of it was written to the instance that is asked now.
    sent: usize,
    left: Left,
    onward: Onward,
    /// So much of it was written to any instance.
    passed: u64,
    /// The instance that is asked now has reset its connection. The kernel says so once, and to reads it is an end from then on.
    reset: bool,
    /// Nothing of the message was dropped from the front of `out` yet.
    whole: bool,
    /// So many more bytes the body may have.
    allowed: u64,
    store: Store,
}

/// Why a request cannot be sent on.
#[derive(Debug)]
pub(crate) enum Stuck {
    /// The client broke off.
    ClientGone,
    /// The body is not what it says.
    Malformed,
    /// The body is longer than the limit.
    TooLarge,
    /// The instance does not take it.
    Instance(io::Error),
}

impl Upload {
    /// A request with this head, which is followed by a body that is still to come.
    pub(crate) const fn new(head: Vec<u8>, left: Left, store: Store) -> Self {
        let onward = match left {
            Left::Chunked(_) => Onward::Chunked,
            Left::Length(_) | Left::UntilClose => Onward::Plain,
        };
        Self {
            out: head,
            sent: 0,
            passed: 0,
            reset: false,
            left,
            onward,
            whole: true,
            allowed: BODY_LIMIT,
            store,
        }
    }

    /// Whether all of it was read from the client.
    pub(crate) fn is_read(&self) -> bool {
        self.left.is_over()
    }

    /// Whether all of it was sent.
    pub(crate) fn is_sent(&self) -> bool {
        self.is_read() && self.sent == self.out.len()
    }

    /// Whether any of it may have reached the instance that is asked now.
    pub(crate) const fn is_begun(&self) -> bool {
        self.sent > 0 || !self.whole
    }

    /// Whether the instance has taken all that is here, and more is to come: the client is who is waited for.
    pub(crate) fn awaits_client(&self) -> bool {
        !self.is_read() && self.sent == self.out.len()
    }

    /// Whether sending it has met a reset: the end of the connection is no end of a response.
    pub(crate) const fn was_reset(&self) -> bool {
        self.reset
    }

    /// How many bytes of it instances have taken so far.
    pub(crate) const fn passed(&self) -> u64 {
        self.passed
    }

    /// It will not be sent again: what was kept of it for that is given back.
    pub(crate) fn settle(&mut self) {
        if self.is_sent() {
            self.whole = false;
            self.sent = 0;
            self.store.keep(std::mem::take(&mut self.out));
        }
    }

    /// Whether it can be sent from its beginning.
    pub(crate) const fn is_whole(&self) -> bool {
        self.whole
    }

    /// Begins again for another instance; false when its beginning is gone.
    pub(crate) const fn begin(&mut self) -> bool {
        if self.whole {
            (self.sent, self.reset) = (0, false);
        }
        self.whole
    }

    /// Takes what is there of the body.
    pub(crate) fn take(&mut self, inbox: &mut Inbox) -> Result<(), Stuck> {
        if self.left.is_over() {
            return Ok(());
        }
        let moved =
            self.left.pass(inbox.unread(), self.onward, &mut self.out).map_err(|_| Stuck::Malformed)?;
        inbox.consume(moved.taken);
        self.allowed = self.allowed.checked_sub(moved.data).ok_or(Stuck::TooLarge)?;
        if self.left.announced() > self.allowed {
            return Err(Stuck::TooLarge);
        }
        Ok(())
    }

    /// Sends what is here, and goes on reading and sending. Ready when all is sent.
    pub(crate) fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        instance: &mut Socket,
        client: &mut Socket,
        inbox: &mut Inbox,
    ) -> Poll<Result<(), Stuck>> {
        loop {
            while let Some(rest @ [_, ..]) = self.out.get(self.sent..) {
                match ready!(instance.poll_write(cx, rest, &[])) {
                    Ok(0) => return Poll::Ready(Err(Stuck::Instance(io::ErrorKind::WriteZero.into()))),
                    Ok(bytes) => {
                        self.sent += bytes;
                        self.passed = self.passed.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
                    }
                    Err(error) => {
                        self.reset |= error.kind() == io::ErrorKind::ConnectionReset;
                        return Poll::Ready(Err(Stuck::Instance(error)));
                    }
                }
            }
            if self.left.is_over() {
                return Poll::Ready(Ok(()));
            }
            if self.out.len() > REPLAY_LIMIT {
                self.whole = false;
                self.out.clear();
                self.out.shrink_to(AHEAD);
                self.sent = 0;
            }
            if inbox.unread().is_empty() {
                match ready!(inbox.poll_fill(cx, client)) {
                    Ok(0) | Err(_) => return Poll::Ready(Err(Stuck::ClientGone)),
                    Ok(_) => {}
                }
            }
            self.take(inbox)?;
        }
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        self.store.keep(std::mem::take(&mut self.out));
    }
}
