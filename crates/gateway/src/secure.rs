//! A secured connection, behaving towards the engine as one in clear.
//!
//! What is written is taken at once, as records, and handed to the kernel as far as that goes. What is left over goes first
//! the next time the connection is used for anything: so a reader of the connection, which always waits for its next bytes, also
//! sees the last ones off. No more is taken while something is left, so that what is held for a slow reader stays bounded.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::{TlsStream, client, server};

#[cfg(test)]
mod tests;

/// A secured connection to either side.
#[derive(Debug)]
pub(crate) struct Secure {
    stream: TlsStream<Clear>,
    /// Records wait to be taken by the kernel.
    left: bool,
}

/// What a secured connection runs over.
#[derive(Debug)]
pub(crate) enum Clear {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// Does the same to either kind.
macro_rules! over {
    ($clear:expr, $stream:ident => $act:expr) => {
        match $clear {
            Clear::Tcp($stream) => $act,
            Clear::Unix($stream) => $act,
        }
    };
}

impl Secure {
    /// A connection that a client opened.
    pub(crate) fn inward(stream: server::TlsStream<Clear>) -> Box<Self> {
        Box::new(Self { stream: TlsStream::Server(stream), left: true })
    }

    /// A connection that we opened to an instance.
    pub(crate) fn outward(stream: client::TlsStream<Clear>) -> Box<Self> {
        Box::new(Self { stream: TlsStream::Client(stream), left: true })
    }

    pub(crate) fn poll_settle(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.left {
            return Poll::Ready(Ok(()));
        }
        let settled = ready!(Pin::new(&mut self.stream).poll_flush(cx));
        // Where it failed nobody will ever take it.
        self.left = false;
        Poll::Ready(settled)
    }

    /// Takes as much of both as fits, as one stretch of bytes.
    pub(crate) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        first: &[u8],
        second: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_settle(cx))?;
        let slices = [IoSlice::new(first), IoSlice::new(second)];
        let taken = ready!(Pin::new(&mut self.stream).poll_write_vectored(cx, &slices))?;
        self.left = true;
        // Taken is taken; whether the kernel has it now or later is not the writer's business.
        match self.poll_settle(cx) {
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            _ => Poll::Ready(Ok(taken)),
        }
    }

    /// Our end of it.
    pub(crate) fn here(&self) -> Option<std::net::SocketAddr> {
        self.tcp()?.local_addr().ok()
    }

    /// What it runs over, when that is a network.
    pub(crate) fn tcp(&self) -> Option<&TcpStream> {
        match self.stream.get_ref().0 {
            Clear::Tcp(stream) => Some(stream),
            Clear::Unix(_) => None,
        }
    }

    /// Whether there may be something to be read. Bytes may be here already of which the kernel knows nothing any more.
    pub(crate) fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let (clear, session) = self.stream.get_ref();
        match session.wants_read() {
            true => over!(clear, stream => stream.poll_read_ready(cx)),
            false => Poll::Ready(Ok(())),
        }
    }
}

impl AsyncRead for Secure {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // Who takes nothing any more may have said something before: an instance that refused a request and closed.
        let _ = self.poll_settle(cx);
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Secure {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Self::poll_write(&mut self, cx, bytes, &[])
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_settle(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl AsyncRead for Clear {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        over!(self.get_mut(), stream => Pin::new(stream).poll_read(cx, buffer))
    }
}

impl AsyncWrite for Clear {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        over!(self.get_mut(), stream => Pin::new(stream).poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        over!(self.get_mut(), stream => Pin::new(stream).poll_write_vectored(cx, slices))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        over!(self.get_mut(), stream => Pin::new(stream).poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        over!(self.get_mut(), stream => Pin::new(stream).poll_shutdown(cx))
    }
}
