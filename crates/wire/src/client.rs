//! Asking a unit on its socket.

use std::path::{Path, PathBuf};
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;

use crate::Refusal;

/// Asks one unit. A connection is opened for each request: units are local and asked a few times a second.
#[derive(Clone, Debug)]
pub struct UnixClient {
    socket: PathBuf,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// Nobody listens on the socket.
    #[error("nobody answers on {}: {source}", socket.display())]
    Unreachable {
        /// The socket.
        socket: PathBuf,
        /// What the connection said.
        source: std::io::Error,
    },
    /// The request was sent, and no whole answer came: it may have been carried out.
    #[error("no answer from {}: {why}", socket.display())]
    NoAnswer {
        /// The socket.
        socket: PathBuf,
        /// What went wrong.
        why: String,
    },
    /// The unit said no.
    #[error("refused: {0:?}")]
    Refused(Refusal),
    /// The unit answered something that we do not understand.
    #[error("{} answered {status}: {body}", socket.display())]
    Strange {
        /// The socket.
        socket: PathBuf,
        /// The HTTP status.
        status: u16,
        /// The beginning of the body.
        body: String,
    },
}

/// How much of an answer that is not understood is kept, in characters: all of what the controller's API says when it
/// refuses, and not all of a page that something else sent.
const ANSWER_SHOWN: usize = 16 * 1024;

impl UnixClient {
    /// A client for the unit on `socket`.
    pub fn new(socket: impl Into<PathBuf>) -> Self {
        Self { socket: socket.into() }
    }

    /// The socket.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// GET; the answer is JSON.
    pub async fn get<A: DeserializeOwned>(&self, path: &str, within: Duration) -> Result<A, WireError> {
        self.ask("GET", path, Bytes::new(), within).await
    }

    /// Sends `body` as JSON; the answer is JSON.
    pub async fn send<B: Serialize + Sync, A: DeserializeOwned>(
        &self,
        method: &str,
        path: &str,
        body: &B,
        within: Duration,
    ) -> Result<A, WireError> {
        let body = serde_json::to_vec(body).map_err(|error| self.no_answer(error))?;
        self.ask(method, path, Bytes::from(body), within).await
    }

    async fn ask<A: DeserializeOwned>(
        &self,
        method: &str,
        path: &str,
        body: Bytes,
        within: Duration,
    ) -> Result<A, WireError> {
        let exchange = self.exchange(method, path, body);
        let (status, body) = match tokio::time::timeout(within, exchange).await {
            Ok(answer) => answer?,
            Err(_) => return Err(self.no_answer(format!("nothing within {within:?}"))),
        };
        let strange = || WireError::Strange {
            socket: self.socket.clone(),
            status,
            body: String::from_utf8_lossy(&body).chars().take(ANSWER_SHOWN).collect(),
        };
        match status {
            200..=299 if body.is_empty() => serde_json::from_slice(b"null").map_err(|_| strange()),
            200..=299 => serde_json::from_slice(&body).map_err(|_| strange()),
            _ => match serde_json::from_slice::<Refusal>(&body) {
                Ok(refusal) => Err(WireError::Refused(refusal)),
                Err(_) => Err(strange()),
            },
        }
    }

    async fn exchange(&self, method: &str, path: &str, body: Bytes) -> Result<(u16, Bytes), WireError> {
        let stream = UnixStream::connect(&self.socket)
            .await
            .map_err(|source| WireError::Unreachable { socket: self.socket.clone(), source })?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|e| self.no_answer(e))?;
        let connection = tokio::spawn(connection);
        let request = http::Request::builder()
            .method(method)
            .uri(path)
            .header("host", "localhost")
            .header("content-type", "application/json")
            .body(Full::new(body))
            .map_err(|error| self.no_answer(error))?;
        let response = sender.send_request(request).await.map_err(|error| self.no_answer(error))?;
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.map_err(|error| self.no_answer(error))?.to_bytes();
        connection.abort();
        Ok((status, body))
    }

    fn no_answer(&self, why: impl ToString) -> WireError {
        WireError::NoAnswer { socket: self.socket.clone(), why: why.to_string() }
    }
}
