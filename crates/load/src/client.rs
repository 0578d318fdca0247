//! One request over a kept-alive connection, as a browser does it.

use std::io;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use http::{Request, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

use crate::tally::{Ending, FailureKind};

/// Connections to one address.
pub(crate) struct Client {
    target: SocketAddr,
    places: Semaphore,
    idle: Mutex<Vec<SendRequest<Full<Bytes>>>>,
}

/// How far a request came. Kept by the caller, so that it is known even when the request is given up.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Progress {
    pub(crate) begun: bool,
    pub(crate) reconnected: bool,
}

impl Client {
    pub(crate) fn new(target: SocketAddr, connections: usize) -> Self {
        Self {
            target,
            places: Semaphore::new(connections.min(Semaphore::MAX_PERMITS)),
            idle: Mutex::default(),
        }
    }

    /// Sends it and reads the whole answer; the connection is kept when it may be used again.
    pub(crate) async fn send(
        &self,
        method: &http::Method,
        path: &str,
        body: Option<Bytes>,
        progress: &mut Progress,
    ) -> Result<u16, FailureKind> {
        let _place = self.places.acquire().await.map_err(|_| FailureKind::Reset)?;
        let request = || {
            let mut request = Request::builder()
                .method(method)
                .uri(path)
                .header(header::HOST, self.target.to_string())
                .header(header::USER_AGENT, "dinghai-load");
            if body.is_some() {
                request = request.header(header::CONTENT_TYPE, "application/json");
            }
            request.body(Full::new(body.clone().unwrap_or_default())).map_err(|_| FailureKind::Reset)
        };
        while let Some(mut connection) = self.take_idle().await {
            match connection.try_send_request(request()?).await {
                Ok(response) => return self.read(connection, response, progress).await,
                // It never left: nothing is repeated by sending it on another connection.
                Err(error) if error.message().is_some() => {}
                Err(_) if method.is_idempotent() => {
                    progress.reconnected = true;
                    break;
                }
                Err(_) => return Err(FailureKind::Reset),
            }
        }
        let mut connection = self.connect().await?;
        let response = connection.send_request(request()?).await.map_err(|_| FailureKind::Reset)?;
        self.read(connection, response, progress).await
    }

    async fn read(
        &self,
        connection: SendRequest<Full<Bytes>>,
        response: http::Response<Incoming>,
        progress: &mut Progress,
    ) -> Result<u16, FailureKind> {
        progress.begun = true;
        let status = response.status().as_u16();
        let mut body = response.into_body();
        while let Some(frame) = body.frame().await {
            frame.map_err(|_| FailureKind::Reset)?;
        }
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        Ok(status)
    }

    async fn take_idle(&self) -> Option<SendRequest<Full<Bytes>>> {
        loop {
            let mut connection = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()?;
            if connection.ready().await.is_ok() {
                return Some(connection);
            }
        }
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, FailureKind> {
        let stream = TcpStream::connect(self.target).await.map_err(|error| match error.kind() {
            io::ErrorKind::ConnectionRefused => FailureKind::Refused,
            _ => FailureKind::Reset,
        })?;
        stream.set_nodelay(true).map_err(|_| FailureKind::Reset)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(|_| FailureKind::Reset)?;
        // It ends with its sender or with the peer; what went wrong is told to the request that was on it.
        tokio::spawn(connection);
        Ok(sender)
    }
}

/// How a request ended, from its answer (none: not in time) and how far it came.
pub(crate) fn ending(answer: Option<Result<u16, FailureKind>>, progress: Progress) -> Ending {
    let (failed, cut) = match answer {
        Some(Ok(status)) if status < 400 => (None, false),
        Some(Ok(status)) => (Some(FailureKind::Status(status)), false),
        Some(Err(kind)) => (Some(kind), progress.begun),
        None => (Some(FailureKind::Timeout), progress.begun),
    };
    Ending { failed, cut, reconnected: progress.reconnected }
}
