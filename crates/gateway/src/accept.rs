//! Phase *accept*: one thread's share of a listener.

use std::cell::Cell;
use std::net::SocketAddr;
use std::ops::Deref;
use std::rc::Rc;
use std::sync::Arc;

use dinghai_estate::ListenerId;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::coop::unconstrained;
use tracing::{debug, warn};

use crate::client::{self, Client};
use crate::defaults::DRAIN;
use crate::entrance::{self, Terms};
use crate::listeners::{AGAIN, BACKLOG};
use crate::socket::Socket;
use crate::worker::Worker;

/// What the connections of a listener know of it.
#[derive(Debug)]
pub(crate) struct Door {
    pub(crate) id: ListenerId,
    /// How connections are taken.
    pub(crate) terms: Arc<Terms>,
    /// No request is begun any more.
    pub(crate) closing: Cell<bool>,
    /// Requests under way are given up.
    pub(crate) shut: Cell<bool>,
    inside: Cell<usize>,
    left: Notify,
}

impl Door {
    pub(crate) fn new(id: ListenerId, terms: Arc<Terms>) -> Rc<Self> {
        let (closing, shut) = (Cell::new(false), Cell::new(false));
        Rc::new(Self { id, terms, closing, shut, inside: Cell::new(0), left: Notify::new() })
    }

    /// A connection came; it has ended when what this returns is dropped.
    pub(crate) fn enter(self: &Rc<Self>) -> Inside {
        self.inside.set(self.inside.get() + 1);
        Inside(Rc::clone(self))
    }

    /// Returns when no connection is left.
    async fn emptied(&self) {
        while self.inside.get() > 0 {
            self.left.notified().await;
        }
    }
}

/// A connection that has not ended.
#[derive(Debug)]
pub(crate) struct Inside(Rc<Door>);

impl Inside {
    /// The listener itself.
    pub(crate) fn door(&self) -> Rc<Door> {
        Rc::clone(&self.0)
    }
}

impl Deref for Inside {
    type Target = Door;

    fn deref(&self) -> &Door {
        &self.0
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        self.inside.set(self.inside.get().saturating_sub(1));
        if self.closing.get() {
            self.left.notify_one();
        }
    }
}

/// Accepts until told to stop, and returns when the requests that were under way have ended or were given up.
pub(crate) async fn serve(
    worker: Rc<Worker>,
    id: ListenerId,
    terms: Arc<Terms>,
    listener: std::net::TcpListener,
    mut stop: watch::Receiver<bool>,
    ended: mpsc::Sender<()>,
) {
    let listener = match TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => return warn!(listener = %id, %error, "cannot listen on this thread"),
    };
    let door = Door::new(id, terms);
    loop {
        let accepted = tokio::select! {
            biased;
            _ = stop.changed() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => admit(&worker, &door, stream, peer),
            Err(error) => {
                warn!(listener = %door.id, %error, "cannot accept");
                tokio::time::sleep(AGAIN / 10).await;
            }
        }
    }
    door.closing.set(true);
    // Closing a socket of several on one address resets whoever waits at it: let them in first.
    for _ in 0..BACKLOG {
        let Some(Ok((stream, peer))) = unconstrained(at_once(&listener)).await else { break };
        admit(&worker, &door, stream, peer);
    }
    drop(listener);
    worker.wheel.wake_all();
    if tokio::time::timeout(DRAIN, door.emptied()).await.is_err() {
        warn!(listener = %door.id, "requests under way were given up");
        door.shut.set(true);
        worker.wheel.wake_all();
        door.emptied().await;
    }
    debug!(listener = %door.id, "drained");
    drop(ended);
}

fn admit(worker: &Rc<Worker>, door: &Rc<Door>, stream: TcpStream, peer: SocketAddr) {
    let (worker, inside) = (Rc::clone(worker), door.enter());
    if door.terms.is_plain() {
        tokio::task::spawn_local(client::serve(Client::new(worker, inside, Socket::Tcp(stream), peer)));
    } else {
        tokio::task::spawn_local(Box::pin(entrance::enter(worker, inside, stream, peer)));
    }
}

/// A connection that waits to be accepted; none when none does.
async fn at_once(listener: &TcpListener) -> Option<std::io::Result<(TcpStream, SocketAddr)>> {
    std::future::poll_fn(|cx| match listener.poll_accept(cx) {
        std::task::Poll::Ready(accepted) => std::task::Poll::Ready(Some(accepted)),
        std::task::Poll::Pending => std::task::Poll::Ready(None),
    })
    .await
}
