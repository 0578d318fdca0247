//! Opening connections to an instance: where it is, what begins them, how they are secured.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use arc_swap::ArcSwap;
use dinghai_estate::{Address, ProxyVersion};
use dinghai_probe::{Connected, Manner, cause_of_io, connect, proxy_header};
use dinghai_record::Cause;
use dinghai_tls::Outward;
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

use crate::defaults::{CONNECT_TIMEOUT, SECURE_TIMEOUT};
use crate::names::Answer;
use crate::secure::{Clear, Secure};
use crate::socket::Socket;

/// How an instance is connected to.
#[derive(Debug)]
pub(crate) struct Dial {
    pub(crate) address: Address,
    outward: Option<Arc<Outward>>,
    proxy: Option<ProxyVersion>,
    /// Where its name leads to, when it is a name.
    pub(crate) named: Option<ArcSwap<Answer>>,
    turn: AtomicUsize,
}

impl Dial {
    pub(crate) fn new(address: Address, outward: Option<Arc<Outward>>, proxy: Option<ProxyVersion>) -> Self {
        let is_name = address.socket().is_none() && address.host.parse::<std::net::IpAddr>().is_err();
        let named = is_name.then(ArcSwap::default);
        Self { address, outward, proxy, named, turn: AtomicUsize::new(0) }
    }

    /// Whether a connection is one client's from its first byte, so that nobody else's request may follow.
    pub(crate) const fn is_of_one_client(&self) -> bool {
        self.proxy.is_some()
    }

    /// How a probe connects.
    pub(crate) fn manner(&self) -> Manner {
        Manner { outward: self.outward.clone(), proxy: self.proxy, at: self.next().first().copied() }
    }

    /// Opens a connection within `patience`, for a client that connected from and to the `ends`. What only some instances
    /// want is kept out of the way of the others: a task is as large as the most that it may wait for.
    pub(crate) async fn open(
        &self,
        patience: Duration,
        ends: impl FnOnce() -> Option<(SocketAddr, SocketAddr)>,
    ) -> Result<Socket, Cause> {
        if self.named.is_none() && self.proxy.is_none() && self.outward.is_none() {
            let opened = timeout(patience.min(CONNECT_TIMEOUT), connect(&self.address)).await;
            return opened.map_err(|_| Cause::Timeout)?.map(Socket::from);
        }
        Box::pin(self.open_in_its_manner(patience, ends)).await
    }

    async fn open_in_its_manner(
        &self,
        patience: Duration,
        ends: impl FnOnce() -> Option<(SocketAddr, SocketAddr)>,
    ) -> Result<Socket, Cause> {
        let opened = timeout(patience.min(CONNECT_TIMEOUT), self.reach()).await;
        let mut connected = opened.map_err(|_| Cause::Timeout)??;
        if let Some(version) = self.proxy {
            let header = proxy_header(version, ends());
            // A connection that was just opened takes as much without waiting.
            let written = match &mut connected {
                Connected::Tcp(stream) => stream.write_all(&header).await,
                Connected::Unix(stream) => stream.write_all(&header).await,
            };
            written.map_err(|error| cause_of_io(&error))?;
        }
        let Some(outward) = &self.outward else { return Ok(connected.into()) };
        let clear = match connected {
            Connected::Tcp(stream) => Clear::Tcp(stream),
            Connected::Unix(stream) => Clear::Unix(stream),
        };
        let securing = dinghai_tls::connect(clear, outward, &self.address);
        let secured = timeout(patience.min(SECURE_TIMEOUT), securing).await.map_err(|_| Cause::Timeout)?;
        secured.map(|stream| Socket::Secure(Secure::outward(stream))).map_err(|error| cause_of_io(&error))
    }

    /// Tries each address that its name leads to, beginning with another one each time.
    async fn reach(&self) -> Result<Connected, Cause> {
        let mut last = None;
        for address in self.next() {
            match connect(&Address { host: address.ip().to_string(), port: address.port() }).await {
                Ok(connected) => return Ok(connected),
                Err(cause) => last = Some(cause),
            }
        }
        match last {
            Some(cause) => Err(cause),
            // No name, or none that was ever answered for.
            None => connect(&self.address).await,
        }
    }

    fn next(&self) -> Vec<SocketAddr> {
        let Some(named) = &self.named else { return vec![] };
        let mut addresses = named.load().addresses.clone();
        if !addresses.is_empty() {
            let turn = self.turn.fetch_add(1, Relaxed) % addresses.len();
            addresses.rotate_left(turn);
        }
        addresses
    }
}
