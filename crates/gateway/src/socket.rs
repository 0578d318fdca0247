//! A connection to either side.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use dinghai_probe::Connected;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};

/// A connection whose bytes we read and write as they are.
#[derive(Debug)]
pub(crate) enum Socket {
    /// Over the network.
    Tcp(TcpStream),
    /// To an instance on this machine.
    Unix(UnixStream),
}

/// Does the same to either kind.
macro_rules! either {
    ($socket:expr, $stream:ident => $act:expr) => {
        match $socket {
            Socket::Tcp($stream) => $act,
            Socket::Unix($stream) => $act,
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
        match (first, second) {
            (one, []) | ([], one) => either!(self, stream => Pin::new(stream).poll_write(cx, one)),
            (first, second) => {
                let slices = [IoSlice::new(first), IoSlice::new(second)];
                either!(self, stream => Pin::new(stream).poll_write_vectored(cx, &slices))
            }
        }
    }

    /// Tells the other side that nothing more comes.
    pub(crate) fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, stream => Pin::new(stream).poll_shutdown(cx))
    }

    /// Closing it from here on breaks it off: who reads it sees no end in order.
    pub(crate) fn reset(&self) {
        if let Self::Tcp(stream) = self {
            // It is closed in any case.
            let _ = stream.set_zero_linger();
        }
    }

    /// Whether there is something to be read, or the end. Asks no kernel.
    pub(crate) fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, stream => stream.poll_read_ready(cx))
    }

    /// Whether an idle connection can carry a request: nothing has come on it that nobody asked for, nor its end.
    pub(crate) fn is_quiet(&self) -> bool {
        // The kernel is asked only where the runtime takes it for readable, and where a read that filled its buffer to the brim
        // has left the question open. To poll instead would be to hear "pending" when the task has used up its turn.
        let read = either!(self, stream => stream.try_read(&mut [0]));
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
        let socket = Socket::Unix(near);
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
