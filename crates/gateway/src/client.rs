//! One client connection: request after request, each through the phases.
//!
//! A connection waits for a request with no memory for its bytes, and for no longer than it may: idle for
//! [`CLIENT_IDLE`], over a head that has begun for [`HEADER_TIMEOUT`]. Requests that were sent ahead wait in its inbox and
//! are answered in their order.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use tokio::time::Instant;
use tracing::debug;

use crate::accept::{Door, Inside};
use crate::buffer::{BLOCK, Inbox};
use crate::defaults::{CLIENT_IDLE, HEADER_TIMEOUT, LINGER};
use crate::exchange::Interim;
use crate::phases::{self, Asked, Refused};
use crate::socket::Socket;
use crate::wheel::Alarm;
use crate::worker::Worker;

/// How much of what a client still sends is read and thrown away when its connection is closed.
const LINGER_BYTES: usize = 4 << 20;

/// A client connection.
pub(crate) struct Client {
    pub(crate) worker: Rc<Worker>,
    pub(crate) door: Inside,
    pub(crate) peer: SocketAddr,
    pub(crate) socket: Socket,
    pub(crate) inbox: Inbox,
    pub(crate) alarm: Rc<Alarm>,
    /// When the last request ended.
    pub(crate) idle_since: Option<Instant>,
    /// The field that tells instances which certificate the client has shown.
    pub(crate) shown: Option<Box<[u8]>>,
}

/// What becomes of the connection after a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Another request may come.
    Persists,
    /// It is closed; the client has sent all that it had to send.
    Closes,
    /// It is closed; the client may still be sending.
    Lingers,
    /// The client has gone, or must see that it was cut off.
    Breaks,
}

/// Serves a connection until it ends, or its listener closes and the request under way has ended.
pub(crate) async fn serve(client: Client) {
    let door = client.door.door();
    until_shut(&door, pin!(requests(client))).await;
}

/// Goes on until it ends, or until what is under way on the listener is given up.
pub(crate) async fn until_shut(door: &Door, mut serving: Pin<&mut impl Future<Output = ()>>) {
    poll_fn(|cx| if door.shut.get() { Poll::Ready(()) } else { serving.as_mut().poll(cx) }).await;
}

async fn requests(mut client: Client) {
    client.attend().await;
    loop {
        let fate = match client.next().await {
            Some(Ok(asked)) => phases::serve(&mut client, asked).await,
            Some(Err(refused)) => client.refuse(&refused, refused.closes, &mut Interim::default()).await,
            None => return client.part().await,
        };
        match fate {
            Fate::Persists => {}
            // A secured connection says good-bye, or its last answer could be taken for one that was cut off.
            Fate::Closes if client.inbox.unread().is_empty() && !client.socket.is_secure() => return,
            Fate::Closes | Fate::Lingers => return client.linger().await,
            Fate::Breaks => return,
        }
    }
}

impl Client {
    pub(crate) fn new(worker: Rc<Worker>, door: Inside, socket: Socket, peer: SocketAddr) -> Self {
        let (alarm, inbox) = (worker.wheel.alarm(), Inbox::new(worker.store.clone()));
        Self { worker, door, peer, socket, inbox, alarm, idle_since: None, shown: None }
    }

    /// Has the alarm wake this task from now on.
    pub(crate) async fn attend(&self) {
        poll_fn(|cx| {
            self.alarm.attend(cx);
            Poll::Ready(())
        })
        .await;
    }

    /// Where the client connected from and to.
    pub(crate) fn ends(&self) -> Option<(SocketAddr, SocketAddr)> {
        Some((self.peer, self.socket.here()?))
    }

    /// Says good-bye where that is usual, without waiting for anything.
    async fn part(&mut self) {
        if self.socket.is_secure() {
            poll_fn(|cx| {
                let _ = self.socket.poll_shutdown(cx);
                Poll::Ready(())
            })
            .await;
        }
    }

    /// The next request, or why it is refused; none when there is none to come.
    async fn next(&mut self) -> Option<Result<Box<Asked>, Refused>> {
        let mut fresh = !self.inbox.unread().is_empty();
        let mut limit = None;
        poll_fn(|cx| self.poll_next(cx, &mut fresh, &mut limit)).await
    }

    fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        fresh: &mut bool,
        limit: &mut Option<Instant>,
    ) -> Poll<Option<Result<Box<Asked>, Refused>>> {
        loop {
            // Without a new line end no head has become whole.
            if std::mem::take(fresh) {
                match phases::begin(self) {
                    Ok(Some(asked)) => return Poll::Ready(Some(Ok(asked))),
                    Ok(None) => {}
                    Err(refused) => return Poll::Ready(Some(Err(refused))),
                }
            }
            let waits = self.inbox.unread().is_empty();
            if waits && self.door.closing.get() {
                return Poll::Ready(None);
            }
            let before = self.inbox.unread().len();
            match self.inbox.poll_fill(cx, &mut self.socket) {
                Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(None),
                Poll::Ready(Ok(_)) => {
                    let bytes = self.inbox.unread().get(before..).unwrap_or_default();
                    *fresh =
                        bytes.contains(&b'\n') || self.inbox.unread().len() > crate::defaults::TARGET_BYTES;
                    if waits {
                        *limit = None;
                    }
                }
                Poll::Pending => {
                    let patience = if waits { CLIENT_IDLE } else { HEADER_TIMEOUT };
                    let due = *limit.get_or_insert_with(|| {
                        let since = self.idle_since.take().filter(|_| waits);
                        let due = since.unwrap_or_else(Instant::now) + patience;
                        self.worker.wheel.set(&self.alarm, due);
                        due
                    });
                    if self.alarm.rang() && Instant::now() >= due {
                        debug!(peer = %self.peer, waits, "client connection closed, it took too long");
                        return Poll::Ready(None);
                    }
                    return Poll::Pending;
                }
            }
        }
    }

    /// Answers with what we have to say ourselves.
    pub(crate) async fn refuse(&mut self, refused: &Refused, closes: bool, interim: &mut Interim) -> Fate {
        let closes = closes || self.door.closing.get();
        let answer = self.worker.dated(self.worker.core.clock.now(), |date| refused.written(date, closes));
        match (self.say(&interim.before(answer.into_bytes())).await, closes) {
            (false, _) => Fate::Breaks,
            (true, true) => Fate::Lingers,
            (true, false) => Fate::Persists,
        }
    }

    /// Writes all of `bytes`; false when the client does not take them.
    pub(crate) async fn say(&mut self, mut bytes: &[u8]) -> bool {
        self.worker.wheel.set(&self.alarm, Instant::now() + HEADER_TIMEOUT);
        poll_fn(|cx| {
            while !bytes.is_empty() {
                match self.socket.poll_write(cx, bytes, &[]) {
                    Poll::Ready(Ok(written @ 1..)) => bytes = bytes.get(written..).unwrap_or_default(),
                    Poll::Ready(_) => return Poll::Ready(false),
                    Poll::Pending if self.alarm.rang() => return Poll::Ready(false),
                    Poll::Pending => return Poll::Pending,
                }
            }
            Poll::Ready(true)
        })
        .await
    }

    /// Whether the client has closed. What it sends ahead is read for later, as far as there is room.
    pub(crate) fn poll_gone(&mut self, cx: &mut Context<'_>) -> bool {
        while !self.inbox.is_full() && self.socket.poll_readable(cx).is_ready() {
            match self.inbox.poll_fill(cx, &mut self.socket) {
                Poll::Ready(Ok(0) | Err(_)) => return true,
                Poll::Ready(Ok(_)) => {}
                Poll::Pending => return false,
            }
        }
        false
    }

    /// Closes so that what was said arrives: a connection that is closed with bytes unread is reset, and a reset overtakes
    /// the answer (RFC 9112, section 9.6).
    async fn linger(mut self) {
        self.inbox.consume(BLOCK);
        self.worker.wheel.set(&self.alarm, Instant::now() + LINGER);
        let mut left = LINGER_BYTES;
        poll_fn(|cx| {
            if ready!(self.socket.poll_shutdown(cx)).is_err() {
                return Poll::Ready(());
            }
            loop {
                match self.inbox.poll_fill(cx, &mut self.socket) {
                    Poll::Ready(Ok(bytes @ 1..)) if bytes < left => left -= bytes,
                    Poll::Ready(_) => return Poll::Ready(()),
                    Poll::Pending if self.alarm.rang() => return Poll::Ready(()),
                    Poll::Pending => return Poll::Pending,
                }
                self.inbox.consume(BLOCK);
            }
        })
        .await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use dinghai_clock::SystemClock;
    use tokio::io::AsyncWriteExt;
    use tokio::net::{TcpListener, TcpStream};
    use tokio::task::LocalSet;

    use super::*;
    use crate::core::Core;

    /// How long a connection is waited on that sends this and then nothing.
    async fn waited(sent: &[u8]) -> std::time::Duration {
        let core = Core::new("public".into(), Arc::new(SystemClock::new()), crate::worker::Bell::default());
        let worker = Rc::new(Worker::new(Arc::new(core), 0));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut other = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        other.write_all(sent).await.unwrap();
        let (stream, peer) = listener.accept().await.unwrap();
        let door = crate::accept::Door::new("public".into(), Arc::default()).enter();
        let begun = Instant::now();
        let turning = Rc::clone(&worker);
        let serving = serve(Client::new(worker, door, Socket::Tcp(stream), peer));
        LocalSet::new()
            .run_until(async move {
                let turning = tokio::task::spawn_local(async move { turning.wheel.turn().await });
                serving.await;
                turning.abort();
            })
            .await;
        begun.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_may_idle_longer_than_it_may_dawdle_over_a_request_head() {
        let soon = std::time::Duration::from_secs(1);
        let idle = waited(b"").await;
        assert!((CLIENT_IDLE..CLIENT_IDLE + soon).contains(&idle), "{idle:?}");
        let dawdling = waited(b"GET / HTTP/1.1\r\nhost").await;
        assert!((HEADER_TIMEOUT..HEADER_TIMEOUT + soon).contains(&dawdling), "{dawdling:?}");
    }
}
