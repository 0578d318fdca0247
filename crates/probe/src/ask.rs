//! One question to one target.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use dinghai_estate::{Address, Check, ProxyVersion};
use dinghai_record::Cause;
use dinghai_tls::Outward;
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, timeout};

use crate::{Connected, cause_of_http, cause_of_io, connect, proxy_header};

/// The longest answer that is read. A health page that is longer is not one.
const LONGEST_ANSWER: usize = 1 << 20;

/// A question that can be asked over the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// GET this path over HTTP/1.1; 200–399 is an answer.
    Http(String),
    /// Does a connection open?
    Tcp,
}

impl Question {
    /// The question of a declared check; none for a process, which only the hand that started it can see.
    pub fn of(check: &Check) -> Option<Self> {
        match check {
            Check::Http(path) => Some(Self::Http(path.clone())),
            Check::Tcp => Some(Self::Tcp),
            Check::Process => None,
        }
    }
}

/// How a service wants to be connected to. The default is in clear, from the first byte.
#[derive(Clone, Debug, Default)]
pub struct Manner {
    /// The connection is secured.
    pub outward: Option<Arc<Outward>>,
    /// The connection begins with a PROXY header, in which a probe speaks for itself.
    pub proxy: Option<ProxyVersion>,
    /// Where the name of the target has led to, so that it is not asked for again.
    pub at: Option<SocketAddr>,
}

/// Asks on a new connection and says how long the whole answer took, or why there was none within the limit.
pub async fn ask(target: &Address, question: &Question, within: Duration) -> Result<Duration, Cause> {
    ask_with(target, &Manner::default(), question, within).await
}

/// The same, in the manner of the service. Where the connection is secured, *connects* means that it is.
pub async fn ask_with(
    target: &Address,
    manner: &Manner,
    question: &Question,
    within: Duration,
) -> Result<Duration, Cause> {
    let asked = Instant::now();
    let exchange = async {
        let host = if target.socket().is_some() { "localhost".to_owned() } else { target.to_string() };
        let connected = match manner.at {
            Some(at) => connect(&Address { host: at.ip().to_string(), port: at.port() }).await?,
            None => connect(target).await?,
        };
        match connected {
            Connected::Tcp(stream) => converse(stream, target, manner, question, &host).await,
            Connected::Unix(stream) => converse(stream, target, manner, question, &host).await,
        }
    };
    timeout(within, exchange).await.map_err(|_| Cause::Timeout)??;
    Ok(asked.elapsed())
}

async fn converse(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    target: &Address,
    manner: &Manner,
    question: &Question,
    host: &str,
) -> Result<(), Cause> {
    if let Some(version) = manner.proxy {
        let written = stream.write_all(&proxy_header(version, None)).await;
        written.map_err(|error| cause_of_io(&error))?;
    }
    match (&manner.outward, question) {
        (None, Question::Tcp) => Ok(()),
        (None, Question::Http(path)) => get(stream, host, path).await,
        (Some(outward), question) => {
            let secured = dinghai_tls::connect(stream, outward, target).await;
            let secured = secured.map_err(|error| cause_of_io(&error))?;
            match question {
                Question::Tcp => Ok(()),
                Question::Http(path) => get(secured, host, path).await,
            }
        }
    }
}

async fn get(stream: impl AsyncRead + AsyncWrite + Unpin, host: &str, path: &str) -> Result<(), Cause> {
    let request = http::Request::get(path)
        .header(http::header::HOST, host)
        .header(http::header::USER_AGENT, "dinghai-probe")
        .header(http::header::CONNECTION, "close")
        .body(Empty::<Bytes>::new())
        .map_err(|error| Cause::CouldNotAsk(error.to_string()))?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| cause_of_http(&error))?;
    let answer = async {
        let response = sender.send_request(request).await.map_err(|error| cause_of_http(&error))?;
        let status = response.status();
        let mut body = response.into_body();
        let mut read = 0;
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| cause_of_http(&error))?;
            read += frame.data_ref().map_or(0, Bytes::len);
            if read > LONGEST_ANSWER {
                return Err(Cause::Malformed);
            }
        }
        let good = status.is_success() || status.is_redirection();
        if good { Ok(()) } else { Err(Cause::Status(status.as_u16())) }
    };
    // The connection only moves while it is polled; its own end is told by the exchange too.
    tokio::pin!(answer);
    tokio::select! {
        biased;
        answer = &mut answer => answer,
        _ = connection => answer.await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncReadExt;
    use tokio::net::TcpListener;

    const LONG: Duration = Duration::from_secs(10);

    fn local(port: u16) -> Address {
        Address { host: "127.0.0.1".to_owned(), port }
    }

    async fn answering(answer: &'static [u8]) -> Address {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut head = [0; 1024];
                let _ = stream.read(&mut head).await;
                let _ = stream.write_all(answer).await;
            }
        });
        local(port)
    }

    async fn asked(answer: &'static [u8]) -> Result<Duration, Cause> {
        ask(&answering(answer).await, &Question::Http("/healthz".to_owned()), LONG).await
    }

    #[tokio::test]
    async fn an_answer_of_200_to_399_is_an_answer() {
        assert!(asked(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await.is_ok());
        assert!(asked(b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n").await.is_ok());
        assert!(asked(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n").await.is_ok());
    }

    #[tokio::test]
    async fn a_wrong_status_says_which() {
        let answer = asked(b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n").await;
        assert_eq!(answer, Err(Cause::Status(503)));
    }

    #[tokio::test]
    async fn an_answer_that_breaks_off_is_a_reset() {
        assert_eq!(asked(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok").await, Err(Cause::Reset));
        assert_eq!(asked(b"").await, Err(Cause::Reset));
    }

    #[tokio::test]
    async fn what_is_not_http_is_malformed() {
        assert_eq!(asked(b"220 smtp ready\r\n\r\n").await, Err(Cause::Malformed));
    }

    #[tokio::test]
    async fn a_closed_port_refuses() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let target = local(listener.local_addr().unwrap().port());
        drop(listener);
        assert_eq!(ask(&target, &Question::Tcp, LONG).await, Err(Cause::Refused));
    }

    #[tokio::test]
    async fn one_that_listens_and_never_answers_times_out() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let target = local(listener.local_addr().unwrap().port());
        let hung = ask(&target, &Question::Http("/".to_owned()), Duration::from_millis(50)).await;
        assert_eq!(hung, Err(Cause::Timeout));
        assert!(ask(&target, &Question::Tcp, LONG).await.is_ok(), "its kernel still connects");
    }

    #[tokio::test]
    async fn a_name_that_nobody_has_is_unresolved() {
        let target = Address { host: "nobody.invalid".to_owned(), port: 80 };
        assert_eq!(ask(&target, &Question::Tcp, LONG).await, Err(Cause::Unresolved));
    }

    #[test]
    fn a_process_is_not_asked_over_the_network() {
        assert_eq!(Question::of(&Check::Process), None);
    }
}
