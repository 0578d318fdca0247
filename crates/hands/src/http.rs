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

#[cfg(test)]
mod tests {
    use super::*;
    use axum::Router;
    use axum::http::StatusCode;
    use axum::routing::{get, post};
    use tokio::net::TcpListener;

    const LONG: Duration = Duration::from_secs(30);

    /// Serves `POST /echo`, which wants the body `please`, and `GET /never`, which never answers.
    async fn server() -> String {
        let polite = post(async |body: String| match body.as_str() {
            "please" => StatusCode::CREATED,
            _ => StatusCode::BAD_REQUEST,
        });
        let never = get(async || std::future::pending::<()>().await);
        let router = Router::new().route("/echo", polite).route("/never", never);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(axum::serve(listener, router).into_future());
        format!("http://{address}")
    }

    async fn code(method: &str, url: &str, body: Option<&str>, within: Duration) -> String {
        match send(method, url, body, within).await {
            Ok(done) => done.notes[0].to_string(),
            Err(Refusal::Refused(reason) | Refusal::Failed(reason)) => reason.code,
            Err(other) => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn only_an_answer_of_2xx_is_done() {
        let base = server().await;
        let url = format!("{base}/echo?a=b");
        let done = code("POST", &url, Some("please"), LONG).await;
        assert!(done.starts_with("http-answered") && done.contains("status: 201"), "{done}");
        assert_eq!(code("POST", &url, Some("now"), LONG).await, "http-refused");
        assert_eq!(
            code("GET", &format!("{base}/never"), None, Duration::from_millis(50)).await,
            "http-failed"
        );
        assert_eq!(code("GET", "http://127.0.0.1:1/", None, LONG).await, "http-failed");
    }

    #[tokio::test]
    async fn what_cannot_be_spoken_is_refused_before_anything_is_sent() {
        for url in ["https://127.0.0.1/", "/path", "not a url", "ftp://127.0.0.1/"] {
            assert_eq!(code("GET", url, None, LONG).await, "url-unfit", "{url}");
        }
    }
}
