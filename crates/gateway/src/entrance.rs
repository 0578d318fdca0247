//! Between *accept* and the first request: what a connection has to show before it is one of a client.
//!
//! First the PROXY header, where a listener is behind proxies: nobody else may connect there, because who may write that header may
//! say that it is anybody. Then the TLS handshake. Both together have [`ENTRANCE`]; who does not come through is turned away
//! without a word, for there is no common language yet. A listener that wants neither passes this module by.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::Poll;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use dinghai_estate::Entrance;
use dinghai_probe::{LONGEST, read_proxy_header};
use dinghai_tls::Kept;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tracing::debug;

use crate::accept::Inside;
use crate::client::{self, Client};
use crate::defaults::ENTRANCE;
use crate::passage;
use crate::secure::{Clear, Secure};
use crate::socket::Socket;
use crate::worker::Worker;

/// How a listener takes connections.
#[derive(Debug, Default)]
pub(crate) struct Terms {
    pub(crate) entrance: Entrance,
    pub(crate) tls: Option<Arc<Kept<ServerConfig>>>,
}

impl Terms {
    /// Reads the files that it names, now and when they change.
    pub(crate) fn new(entrance: Entrance) -> Self {
        let protocols: &[&str] = if entrance.tcp.is_some() { &[] } else { &["http/1.1"] };
        let tls = entrance.tls.as_ref().map(|terms| dinghai_tls::server(terms, protocols));
        tls.iter().for_each(Kept::watch);
        Self { entrance, tls }
    }

    /// Whether a connection is a client's from its first byte.
    pub(crate) fn is_plain(&self) -> bool {
        self.entrance == Entrance::default()
    }
}

/// Takes a connection through what its listener wants, and serves it.
pub(crate) async fn enter(worker: Rc<Worker>, inside: Inside, stream: TcpStream, peer: SocketAddr) {
    let terms = Arc::clone(&inside.terms);
    let entering = Box::pin(timeout(ENTRANCE, pass(&terms, stream, peer)));
    let entered = entering.await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
    let (socket, peer, shown) = match entered {
        Ok(entered) => entered,
        Err(error) => {
            worker.core.turned_away.fetch_add(1, Relaxed);
            return debug!(listener = %inside.id, %peer, %error, "turned away");
        }
    };
    let mut client = Client::new(worker, inside, socket, peer);
    client.shown = shown;
    match &terms.entrance.tcp {
        None => client::serve(client).await,
        Some(passage) => Box::pin(passage::serve(client, passage)).await,
    }
}

type Entered = (Socket, SocketAddr, Option<Box<[u8]>>);

async fn pass(terms: &Terms, mut stream: TcpStream, peer: SocketAddr) -> io::Result<Entered> {
    let mut client = peer;
    if !terms.entrance.proxies.is_empty() {
        let ip = peer.ip().to_canonical();
        if !terms.entrance.proxies.iter().any(|proxy| proxy.to_canonical() == ip) {
            return Err(io::Error::other("no declared proxy"));
        }
        client = read_client(&mut stream).await?.unwrap_or(peer);
    }
    let Some(tls) = &terms.tls else { return Ok((Socket::Tcp(stream), client, None)) };
    let config = tls.get().ok_or_else(|| io::Error::other("no certificate that can be used"))?;
    let mut secured = TlsAcceptor::from(config).accept(Clear::Tcp(stream)).await?;
    let shown = secured.get_ref().1.peer_certificates().and_then(|chain| chain.first()).map(|own| field(own));
    // Tickets are sent off with the handshake, or they would wait for the first answer.
    poll_fn(|cx| {
        let _ = tokio::io::AsyncWrite::poll_flush(std::pin::Pin::new(&mut secured), cx);
        Poll::Ready(())
    })
    .await;
    Ok((Socket::Secure(Secure::inward(secured)), client, shown))
}

/// Reads a PROXY header and nothing beyond it: what follows belongs to the connection itself.
async fn read_client(stream: &mut TcpStream) -> io::Result<Option<SocketAddr>> {
    let mut header = Vec::new();
    let mut ahead = [0; 512];
    loop {
        let seen = stream.peek(&mut ahead).await?;
        if seen == 0 || header.len() > LONGEST {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let had = header.len();
        header.extend_from_slice(ahead.get(..seen).unwrap_or_default());
        let read = read_proxy_header(&header).map_err(io::Error::other)?;
        let ours = read.map_or(seen, |read| read.size - had);
        // What was only looked at is taken now; it is there, so that nothing is waited for.
        stream.read_exact(ahead.get_mut(..ours).unwrap_or_default()).await?;
        if let Some(read) = read {
            return Ok(read.client);
        }
    }
}

/// The field that tells an instance the client's certificate (RFC 9440, section 2.2).
fn field(certificate: &[u8]) -> Box<[u8]> {
    format!("client-cert: :{}:\r\n", STANDARD.encode(certificate)).into_bytes().into()
}
