//! Phase *accept*: the sockets that clients connect to.
//!
//! A listener whose address is busy is tried again and again, and is missing from the status until it listens. One
//! that a new table leaves out stops accepting; the requests under way on it are let to their end.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use dinghai_estate::ListenerId;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tracing::{info, warn};

use crate::connection;
use crate::core::Core;
use crate::defaults::DRAIN;

/// How long to wait before a busy address, or an accept that failed, is tried again.
const AGAIN: Duration = Duration::from_millis(200);

/// The listeners that run.
pub(crate) struct Listeners {
    core: Arc<Core>,
    running: BTreeMap<ListenerId, Running>,
    leaving: Vec<JoinHandle<()>>,
}

struct Running {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Listeners {
    pub(crate) const fn new(core: Arc<Core>) -> Self {
        Self { core, running: BTreeMap::new(), leaving: vec![] }
    }

    /// Makes what runs what `wanted` says.
    pub(crate) fn follow(&mut self, wanted: &BTreeMap<ListenerId, SocketAddr>) {
        let gone: Vec<ListenerId> = self
            .running
            .iter()
            .filter(|(id, running)| wanted.get(*id) != Some(&running.address))
            .map(|(id, _)| id.clone())
            .collect();
        for id in gone {
            self.stop(&id);
        }
        self.leaving.retain(|task| !task.is_finished());
        for (id, address) in wanted {
            if !self.running.contains_key(id) {
                let (stop, stopped) = watch::channel(false);
                let task = tokio::spawn(listen(Arc::clone(&self.core), id.clone(), *address, stopped));
                self.running.insert(id.clone(), Running { address: *address, stop, task });
            }
        }
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

async fn listen(core: Arc<Core>, id: ListenerId, address: SocketAddr, mut stop: watch::Receiver<bool>) {
    let Some(listener) = bind(&id, address, &mut stop).await else { return };
    let bound = listener.local_addr().unwrap_or(address);
    info!(listener = %id, %bound, "listening");
    core.listening.lock().unwrap_or_else(PoisonError::into_inner).insert(id.clone(), bound);
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    // Without it small answers wait for acknowledgements; with it failing they still arrive.
                    let _ = stream.set_nodelay(true);
                    connections.spawn(connection::serve(Arc::clone(&core), id.clone(), stream, peer, stop.clone()));
                }
                Err(error) => {
                    warn!(listener = %id, %error, "cannot accept");
                    tokio::time::sleep(AGAIN / 10).await;
                }
            },
            Some(_) = connections.join_next() => {}
            _ = stop.changed() => break,
        }
    }
    drop(listener);
    {
        let mut listening = core.listening.lock().unwrap_or_else(PoisonError::into_inner);
        if listening.get(&id) == Some(&bound) {
            listening.remove(&id);
        }
    }
    let drained = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(DRAIN, drained).await.is_err() {
        warn!(listener = %id, "requests under way were given up");
        connections.shutdown().await;
    }
}

async fn bind(id: &ListenerId, address: SocketAddr, stop: &mut watch::Receiver<bool>) -> Option<TcpListener> {
    let mut said = false;
    loop {
        match TcpListener::bind(address).await {
            Ok(listener) => return Some(listener),
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
