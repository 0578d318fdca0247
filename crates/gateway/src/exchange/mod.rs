//! One request and its response on one connection to an instance, both ways at once.
//!
//! [`Waiting`] sends and waits for the head of the response; [`Download`] passes the response on. In both the request's
//! body goes on while the client sends it: an instance may answer, and answer all of it, before the request has ended.

mod download;
mod interim;
mod patience;
#[cfg(test)]
mod tests;
mod waiting;

pub(crate) use download::{Broke, Download};
pub(crate) use interim::Interim;
pub(crate) use waiting::{Heard, Waiting};

use dinghai_clock::Timestamp;
use tokio::time::Instant;

use crate::buffer::Inbox;
use crate::http1::response::Framing;
use crate::instance::UnderWay;
use crate::socket::Socket;

/// A connection to an instance, and what came on it.
pub(crate) struct Line {
    pub(crate) socket: Socket,
    pub(crate) inbox: Inbox,
}

/// The head of a response, understood and written anew.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    /// The head for the client, and what of the body had to be framed anew already.
    out: Vec<u8>,
    framing: Framing,
    /// The instance's connection may be used again.
    reusable: bool,
    /// The client's connection may be used again.
    persists: bool,
    /// When it came, by both clocks.
    pub(crate) heard: Instant,
    pub(crate) at: Timestamp,
}

/// An instance's response, of which the body is still to come.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) out: Vec<u8>,
    pub(crate) framing: Framing,
    pub(crate) reusable: bool,
    pub(crate) persists: bool,
    pub(crate) line: Line,
    pub(crate) way: UnderWay,
}
