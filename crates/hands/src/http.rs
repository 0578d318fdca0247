//! Asking over HTTP/1.1, without TLS.

use std::time::Duration;

use bytes::Bytes;
use dinghai_estate::Address;
use dinghai_record::{Performed, Reason};
use dinghai_wire::Refusal;
use http::{Request, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::orders::Outcome;

/// No more of an answer is read.
const LONGEST_ANSWER: usize = 1024 * 1024;

/// Sends one request; 2xx is done.
pub(crate) async fn send(method: &str, url: &str, body: Option<&str>, within: Duration) -> Outcome {
    let unfit = |why: &str| Refusal::Refused(Reason::new("url-unfit").with("url", url).with("why", why));
    let uri: Uri = url.parse().map_err(|error: http::uri::InvalidUri| unfit(&error.to_string()))?;
    if uri.scheme_str() != Some("http") {
        return Err(unfit("only `http://` is spoken"));
    }
    let host = uri.host().ok_or_else(|| unfit("it names no host"))?.trim_matches(['[', ']']).to_owned();
    let address = Address { host, port: uri.port_u16().unwrap_or(80) };
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let body = Bytes::from(body.unwrap_or_default().to_owned());
    let told = |code: &str| Reason::new(code).with("method", method).with("url", url);
    match ask(method, &address, path, body, within).await {
        Ok(status @ 200..=299) => {
            Ok(Performed { changed: true, notes: vec![told("http-answered").with("status", status)] })
        }
        Ok(status) => Err(Refusal::Failed(told("http-refused").with("status", status))),
        Err(why) => Err(Refusal::Failed(told("http-failed").with("why", why))),
    }
}

/// Asks once and gives the status; else why there is none.
pub(crate) async fn ask(
    method: &str,
    address: &Address,
    path: &str,
    body: Bytes,
    within: Duration,
) -> Result<u16, String> {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", address.to_string())
        .header("user-agent", concat!("dinghai/", env!("CARGO_PKG_VERSION")))
        .body(Full::new(body))
        .map_err(|error| error.to_string())?;
    match tokio::time::timeout(within, exchange(address, request)).await {
        Ok(answer) => answer.map_err(|error| error.to_string()),
        Err(_) => Err(format!("no answer within {}", dinghai_clock::format_span(within))),
    }
}

async fn exchange(
    address: &Address,
    request: Request<Full<Bytes>>,
) -> Result<u16, Box<dyn std::error::Error + Send + Sync>> {
    let stream = TcpStream::connect((address.host.as_str(), address.port)).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let exchange = async {
        let response = sender.send_request(request).await?;
        let status = response.status().as_u16();
        Limited::new(response.into_body(), LONGEST_ANSWER).collect().await?;
        Ok(status)
    };
    tokio::pin!(exchange, connection);
    // The connection ends before the exchange does only when the peer closes it, and then the exchange ends too.
    tokio::select! {
        answer = &mut exchange => answer,
        _ = &mut connection => exchange.await,
    }
}
