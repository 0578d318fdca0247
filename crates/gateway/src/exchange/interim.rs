//! Interim answers (1xx) on their way to the client.
//!
//! They belong to the request and not to the instance that gave them: the client may have a part of one when the instance
//! breaks off. It is told to its end before anything else is said, be that another instance's answer or one of ours.

use std::task::{Context, Poll};

use crate::defaults::INTERIM;
use crate::http1::body::Onward;
use crate::http1::response::{Head, Wants};
use crate::socket::Socket;

/// The interim answers to one request.
#[derive(Debug, Default)]
pub(crate) struct Interim {
    out: Vec<u8>,
    told: usize,
    count: usize,
}

impl Interim {
    /// Takes one in; false when there are more of them than a request may have. HTTP/1.0 knows none.
    pub(super) fn take(&mut self, head: &Head<'_, '_>, wants: Wants) -> bool {
        self.count += 1;
        if wants.is_1_1 {
            head.write(wants, Onward::Plain, true, "", None, &mut self.out);
        }
        self.count <= INTERIM
    }

    /// Tells the client as much as it takes now; false when it has gone. Nobody else sees off what a secured connection has
    /// taken while the instance is waited for.
    pub(super) fn tell(&mut self, cx: &mut Context<'_>, client: &mut Socket) -> bool {
        while let Some(rest @ [_, ..]) = self.out.get(self.told..) {
            match client.poll_write(cx, rest, &[]) {
                Poll::Ready(Ok(bytes @ 1..)) => self.told += bytes,
                Poll::Ready(_) => return false,
                Poll::Pending => return true,
            }
        }
        !matches!(client.poll_settle(cx), Poll::Ready(Err(_)))
    }

    /// What the client must still be told, and then `said`.
    pub(crate) fn before(&mut self, said: Vec<u8>) -> Vec<u8> {
        if self.told == self.out.len() {
            return said;
        }
        let mut all = std::mem::take(&mut self.out);
        all.drain(..std::mem::take(&mut self.told));
        all.extend_from_slice(&said);
        all
    }
}
