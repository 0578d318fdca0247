//! A connection to either side.

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use dinghai_probe::Connected;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio::task::coop::unconstrained;

use crate::secure::Secure;

/// A connection whose bytes we read and write as they are.
#[derive(Debug)]
pub(crate) enum Socket {
    /// Over the network.
    Tcp(TcpStream),
    /// To an instance on this machine.
    Unix(UnixStream),
    /// Secured. Apart, because it is many times as large.
    Secure(Box<Secure>),
}

/// Does the same to either kind.
macro_rules! either {
    ($socket:expr, $stream:ident => $act:expr) => {
        match $socket {
            Socket::Tcp($stream) => $act,
            Socket::Unix($stream) => $act,
            Socket::Secure($stream) => $act,
        }
    };
}

impl Socket {
    /// Reads into `bytes`; 0 is the end. Through `poll_read` a short read tells that nothing more is there, which saves
    /// asking the kernel a second time.
    pub(crate) fn poll_read(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut buffer = ReadBuf::new(bytes);
        let read = either!(self, stream => Pin::new(stream).poll_read(cx, &mut buffer));
        read.map_ok(|()| buffer.filled().len())
    }

    /// Writes the first bytes of `first`, and when that is empty of `second`.
    pub(crate) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        first: &[u8],
        second: &[u8],
    ) -> Poll<io::Result<usize>> {
        match (self, first, second) {
            (Self::Secure(stream), first, second) => stream.poll_write(cx, first, second),
            (socket, one, []) | (socket, [], one) => {
                either!(socket, stream => Pin::new(stream).poll_write(cx, one))
            }
            (socket, first, second) => {
                let slices = [IoSlice::new(first), IoSlice::new(second)];
                either!(socket, stream => Pin::new(stream).poll_write_vectored(cx, &slices))
            }
        }
    }

    /// Goes on handing over what was taken for writing. Only a secured connection ever has something left.
    pub(crate) fn poll_settle(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Secure(stream) => stream.poll_settle(cx),
            Self::Tcp(_) | Self::Unix(_) => Poll::Ready(Ok(())),
        }
    }

    /// Our end of it, when it has one on the network.
    pub(crate) fn here(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(stream) => stream.local_addr().ok(),
            Self::Unix(_) => None,
            Self::Secure(stream) => stream.here(),
        }
    }

    /// Whether it is secured.
    pub(crate) const fn is_secure(&self) -> bool {
        matches!(self, Self::Secure(_))
    }

    /// Tells the other side that nothing more comes.
    pub(crate) fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, stream => Pin::new(stream).poll_shutdown(cx))
    }

    /// Closing it from here on breaks it off: who reads it sees no end in order.
    pub(crate) fn reset(&self) {
        let stream = match self {
            Self::Tcp(stream) => Some(stream),
            Self::Unix(_) => None,
            Self::Secure(stream) => stream.tcp(),
        };
        // It is closed in any case.
        let _ = stream.map(TcpStream::set_zero_linger);
    }

    /// Whether there may be something to be read, or the end. Asks no kernel.
    pub(crate) fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, stream => stream.poll_read_ready(cx))
    }

    /// Whether an idle connection can carry a request: nothing has come on it that nobody asked for, nor its end.
    pub(crate) fn is_quiet(&mut self) -> bool {
        // The kernel is asked only where the runtime takes it for readable, and where a read that filled its buffer to the brim
        // has left the question open. To poll would be to hear "pending" when the task has used up its turn.
        let read = match self {
            Self::Tcp(stream) => stream.try_read(&mut [0]),
            Self::Unix(stream) => stream.try_read(&mut [0]),
            // What came may be a ticket for the next connection, which is nobody's answer: it has to be read through.
            Self::Secure(_) => {
                let read = pin!(unconstrained(poll_fn(|cx| self.poll_read(cx, &mut [0]))));
                return read.poll(&mut Context::from_waker(Waker::noop())).is_pending();
            }
        };
        matches!(read, Err(error) if error.kind() == io::ErrorKind::WouldBlock)
    }
}

impl From<Connected> for Socket {
    fn from(connected: Connected) -> Self {
        match connected {
            Connected::Tcp(stream) => Self::Tcp(stream),
            Connected::Unix(stream) => Self::Unix(stream),
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;

    use super::*;

    /// A task that has done much is told "pending" by the runtime whatever is there. That is no word about a connection.
    #[tokio::test]
    async fn what_came_unasked_is_noticed_by_a_busy_task_too() {
        let (near, mut far) = UnixStream::pair().unwrap();
        let mut socket = Socket::Unix(near);
        assert!(socket.is_quiet());
        far.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
        std::future::poll_fn(|cx| socket.poll_readable(cx)).await.unwrap();
        std::future::poll_fn(|cx| {
            while socket.poll_readable(cx).is_ready() {}
            assert!(!socket.is_quiet());
            Poll::Ready(())
        })
        .await;
    }
}
