//! The addresses that clients connect to. Each thread has a socket of its own on each (`accept`).
//!
//! A listener whose address is busy is tried again and again, and is missing from the status until it listens. One
//! that a new table leaves out stops accepting; the requests under way on it are let to their end.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use dinghai_estate::{Entrance, ListenerId};
use dinghai_wire::Table;
use tokio::net::TcpSocket;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tracing::{info, warn};

use crate::core::Core;
use crate::entrance::Terms;
use crate::worker::Order;

/// How long to wait before a busy address, or an accept that failed, is tried again.
pub(crate) const AGAIN: Duration = Duration::from_millis(200);

/// How many connections may wait to be accepted, for each thread.
pub(crate) const BACKLOG: u32 = 1024;

/// The listeners that run.
pub(crate) struct Listeners {
    core: Arc<Core>,
    running: BTreeMap<ListenerId, Running>,
    leaving: Vec<JoinHandle<()>>,
}

struct Running {
    address: SocketAddr,
    terms: Arc<Terms>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Listeners {
    pub(crate) const fn new(core: Arc<Core>) -> Self {
        Self { core, running: BTreeMap::new(), leaving: vec![] }
    }

    /// Makes what runs what the table says.
    pub(crate) fn follow(&mut self, table: &Table) {
        let usual = Entrance::default();
        let entrance = |id: &ListenerId| table.entrances.get(id).unwrap_or(&usual);
        let stays = |(id, running): (&ListenerId, &Running)| {
            table.listeners.get(id) == Some(&running.address) && *entrance(id) == running.terms.entrance
        };
        let gone: Vec<ListenerId> =
            self.running.iter().filter(|each| !stays(*each)).map(|(id, _)| id.clone()).collect();
        for id in gone {
            self.stop(&id);
        }
        self.leaving.retain(|task| !task.is_finished());
        for (id, address) in &table.listeners {
            if !self.running.contains_key(id) {
                let (stop, stopped) = watch::channel(false);
                let terms = Arc::new(Terms::new(entrance(id).clone()));
                let (core, listener) = (Arc::clone(&self.core), id.clone());
                let task = tokio::spawn(listen(core, listener, *address, Arc::clone(&terms), stopped));
                self.running.insert(id.clone(), Running { address: *address, terms, stop, task });
            }
        }
        let terms = self.running.iter().map(|(id, running)| (id.clone(), Arc::clone(&running.terms)));
        *self.core.entrances.lock().unwrap_or_else(PoisonError::into_inner) = terms.collect();
    }

    /// Stops accepting and waits until the requests under way have ended, or were given up.
    pub(crate) async fn drain(mut self) {
        let all: Vec<ListenerId> = self.running.keys().cloned().collect();
        for id in all {
            self.stop(&id);
        }
        for task in self.leaving {
            // A listener task that panicked has nothing left to wait for.
            let _ = task.await;
        }
    }

    fn stop(&mut self, id: &ListenerId) {
        if let Some(running) = self.running.remove(id) {
            running.stop.send_replace(true);
            self.leaving.push(running.task);
        }
    }
}

async fn listen(
    core: Arc<Core>,
    id: ListenerId,
    address: SocketAddr,
    terms: Arc<Terms>,
    mut stop: watch::Receiver<bool>,
) {
    let Some((bound, sockets)) = bind(&core, &id, address, &mut stop).await else { return };
    info!(listener = %id, %bound, "listening");
    let (ended, mut all_ended) = mpsc::channel(1);
    for (index, listener) in sockets.into_iter().enumerate() {
        let (id, stop, ended, terms) = (id.clone(), stop.clone(), ended.clone(), Arc::clone(&terms));
        core.bell.tell(index, Order::Listen { id, terms, listener, stop, ended });
    }
    drop(ended);
    core.listening.lock().unwrap_or_else(PoisonError::into_inner).insert(id.clone(), bound);
    let _ = stop.wait_for(|stop| *stop).await;
    {
        let mut listening = core.listening.lock().unwrap_or_else(PoisonError::into_inner);
        if listening.get(&id) == Some(&bound) {
            listening.remove(&id);
        }
    }
    // Nothing is ever sent: it ends when every thread has dropped its end.
    let _ = all_ended.recv().await;
}

/// A socket for each thread, all on one address.
async fn bind(
    core: &Core,
    id: &ListenerId,
    address: SocketAddr,
    stop: &mut watch::Receiver<bool>,
) -> Option<(SocketAddr, Vec<std::net::TcpListener>)> {
    let mut said = false;
    loop {
        match sockets(address, core.bell.len()) {
            Ok(sockets) => return Some(sockets),
            Err(error) if !said => {
                warn!(listener = %id, %address, %error, "cannot listen; trying again until it works");
                said = true;
            }
            Err(_) => {}
        }
        tokio::select! {
            () = tokio::time::sleep(AGAIN) => {}
            _ = stop.changed() => return None,
        }
    }
}

fn sockets(address: SocketAddr, count: usize) -> std::io::Result<(SocketAddr, Vec<std::net::TcpListener>)> {
    let mut bound = address;
    let mut all = vec![];
    for _ in 0..count.max(1) {
        let socket = if address.is_ipv6() { TcpSocket::new_v6() } else { TcpSocket::new_v4() }?;
        socket.set_reuseaddr(true)?;
        socket.set_reuseport(true)?;
        // What is accepted here inherits it: small answers wait for no acknowledgement.
        socket.set_nodelay(true)?;
        socket.bind(bound)?;
        let listener = socket.listen(BACKLOG)?.into_std()?;
        // The first one chooses the port where none was named.
        bound = listener.local_addr()?;
        all.push(listener);
    }
    Ok((bound, all))
}
