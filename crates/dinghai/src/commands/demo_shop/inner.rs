//! How the shop's services ask each other: through the gateway, over connections that are kept.

use std::time::Duration;

use anyhow::bail;
use bytes::Bytes;
use http::uri::{Authority, PathAndQuery};
use http::{Method, Request, Uri, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

/// Answers are read up to this size.
const ANSWER_LIMIT: usize = 64 * 1024;

/// The inner side of the gateway.
pub(super) struct Inner {
    authority: Authority,
    client: Client<HttpConnector, Full<Bytes>>,
}

/// Why there is no answer to work with.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum InnerError {
    /// None came, or none that can be read.
    NoAnswer(String),
    /// It was answered with an error.
    Status(u16),
}

impl Inner {
    pub(super) fn new(url: &Uri) -> anyhow::Result<Self> {
        let Some(authority) = url.authority().filter(|_| url.scheme_str() == Some("http")) else {
            bail!(
                "`{url}` is not the address of an inner listener; give one such as `http://127.0.0.1:8081`"
            );
        };
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Ok(Self {
            authority: authority.clone(),
            client: Client::builder(TokioExecutor::new()).build(connector),
        })
    }

    pub(super) async fn get(&self, path: &'static str, within: Duration) -> Result<Value, InnerError> {
        self.ask(Method::GET, path, None, Bytes::new(), within).await
    }

    /// Asks for something to be done once under `key`, twice when the first answer does not come: whoever does it
    /// remembers the key.
    pub(super) async fn post(
        &self,
        path: &'static str,
        key: &str,
        body: &Value,
        within: Duration,
    ) -> Result<Value, InnerError> {
        let body = Bytes::from(body.to_string());
        match self.ask(Method::POST, path, Some(key), body.clone(), within).await {
            Err(_) => self.ask(Method::POST, path, Some(key), body, within).await,
            answer => answer,
        }
    }

    async fn ask(
        &self,
        method: Method,
        path: &'static str,
        key: Option<&str>,
        body: Bytes,
        within: Duration,
    ) -> Result<Value, InnerError> {
        let no_answer = |error: &dyn std::fmt::Display| InnerError::NoAnswer(error.to_string());
        let uri = Uri::builder()
            .scheme("http")
            .authority(self.authority.clone())
            .path_and_query(PathAndQuery::from_static(path))
            .build()
            .map_err(|error| no_answer(&error))?;
        let mut request =
            Request::builder().method(method).uri(uri).header(header::CONTENT_TYPE, "application/json");
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        let request = request.body(Full::new(body)).map_err(|error| no_answer(&error))?;
        let exchange = async {
            let response = self.client.request(request).await.map_err(|error| no_answer(&error))?;
            let status = response.status();
            let body = Limited::new(response.into_body(), ANSWER_LIMIT);
            let body = body.collect().await.map_err(|error| no_answer(&error))?.to_bytes();
            match status.is_success() {
                true => serde_json::from_slice(&body).map_err(|error| no_answer(&error)),
                false => Err(InnerError::Status(status.as_u16())),
            }
        };
        tokio::time::timeout(within, exchange).await.unwrap_or_else(|late| Err(no_answer(&late)))
    }
}
