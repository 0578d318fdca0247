//! One client connection: phase *accept* hands it over, hyper parses, and each request goes through the phases.
//!
//! Hyper's own header timeout also counts the time between requests, which would close idle connections after ten
//! seconds and meet proxies in front of us just as they send. So the clock is kept here: a connection that waits for
//! a request may idle, one that has begun a request head may not dawdle.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::time::Duration;

use dinghai_estate::ListenerId;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::Instant;
use tracing::debug;

use crate::core::Core;
use crate::defaults::{CLIENT_IDLE, HEADER_BYTES, HEADER_TIMEOUT, HEADERS};
use crate::phases;

/// How often a connection is looked at; its limits are exact to this.
const LOOK: Duration = Duration::from_secs(5);

/// Serves a connection until it ends or `stop` says so; then it ends after the request under way.
pub(crate) async fn serve(
    core: Arc<Core>,
    listener: ListenerId,
    stream: TcpStream,
    peer: SocketAddr,
    mut stop: watch::Receiver<bool>,
) {
    let pulse = Arc::new(Pulse::new());
    let service = {
        let pulse = Arc::clone(&pulse);
        service_fn(move |request| {
            let (core, listener, busy) = (Arc::clone(&core), listener.clone(), Busy::new(&pulse));
            async move {
                Ok::<_, std::convert::Infallible>(phases::serve(core, listener, peer, request, busy).await)
            }
        })
    };
    let io = TokioIo::new(Watched { stream, pulse: Arc::clone(&pulse) });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(None)
        .max_headers(HEADERS)
        .max_header_size(HEADER_BYTES)
        .max_buf_size(64 * 1024)
        .serve_connection(io, service);
    tokio::pin!(connection);
    loop {
        tokio::select! {
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    debug!(%peer, %error, "client connection ended");
                }
                return;
            }
            changed = stop.changed(), if !*stop.borrow() => {
                if changed.is_err() || *stop.borrow() {
                    connection.as_mut().graceful_shutdown();
                }
                if changed.is_err() {
                    let _ = connection.await;
                    return;
                }
            }
            () = tokio::time::sleep(LOOK) => {
                if let Some(why) = pulse.overdue() {
                    debug!(%peer, why, "client connection closed");
                    return;
                }
            }
        }
    }
}

/// What a client connection is doing. Times are in microseconds after `born`; 0 is never.
struct Pulse {
    born: Instant,
    busy: AtomicBool,
    idle_since: AtomicU64,
    head_since: AtomicU64,
}

impl Pulse {
    fn new() -> Self {
        Self {
            born: Instant::now(),
            busy: AtomicBool::new(false),
            idle_since: AtomicU64::new(0),
            head_since: AtomicU64::new(0),
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.born.elapsed().as_micros()).unwrap_or(u64::MAX).max(1)
    }

    /// Bytes came in.
    fn read(&self) {
        if !self.busy.load(Relaxed) && self.head_since.load(Relaxed) == 0 {
            self.head_since.store(self.now(), Relaxed);
        }
    }

    fn overdue(&self) -> Option<&'static str> {
        if self.busy.load(Relaxed) {
            return None;
        }
        let passed = |since: u64| Duration::from_micros(self.now().saturating_sub(since));
        match self.head_since.load(Relaxed) {
            0 if passed(self.idle_since.load(Relaxed)) >= CLIENT_IDLE => Some("idle for too long"),
            0 => None,
            since if passed(since) >= HEADER_TIMEOUT => Some("request head took too long"),
            _ => None,
        }
    }
}

/// A request is under way on the connection until this is dropped.
pub(crate) struct Busy(Arc<Pulse>);

impl Busy {
    fn new(pulse: &Arc<Pulse>) -> Self {
        pulse.busy.store(true, Relaxed);
        Self(Arc::clone(pulse))
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.head_since.store(0, Relaxed);
        self.0.idle_since.store(self.0.now(), Relaxed);
        self.0.busy.store(false, Relaxed);
    }
}

/// A stream that tells when something is read.
struct Watched {
    stream: TcpStream,
    pulse: Arc<Pulse>,
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if buffer.filled().len() > before {
            self.pulse.read();
        }
        read
    }
}

impl AsyncWrite for Watched {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_client_may_idle_longer_than_it_may_dawdle_over_a_request_head() {
        let pulse = Arc::new(Pulse::new());
        tokio::time::advance(HEADER_TIMEOUT * 2).await;
        assert_eq!(pulse.overdue(), None);
        pulse.read();
        tokio::time::advance(HEADER_TIMEOUT).await;
        assert_eq!(pulse.overdue(), Some("request head took too long"));
        let busy = Busy::new(&pulse);
        tokio::time::advance(CLIENT_IDLE * 2).await;
        assert_eq!(pulse.overdue(), None, "a request is under way");
        drop(busy);
        assert_eq!(pulse.overdue(), None);
        tokio::time::advance(CLIENT_IDLE).await;
        assert_eq!(pulse.overdue(), Some("idle for too long"));
    }
}
