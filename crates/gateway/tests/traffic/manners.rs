//! How messages pass: hosts and paths, headers, bodies, limits.

use bytes::Bytes;
use dinghai_estate::CutOff;
use http::Request;
use http_body_util::Full;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::stage::{Backend, Stage, ask, asking, route, send, table};

/// Sends bytes as they are and reads until the gateway closes.
async fn raw(port: u16, request: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    let reading = stream.read_to_string(&mut answer);
    tokio::time::timeout(crate::stage::SOON, reading).await.unwrap().unwrap();
    answer
}

#[tokio::test]
async fn host_and_longest_path_choose_the_route() {
    let backend = Backend::start().await;
    let mut wanted = table(1, &[backend.port]);
    let mut hosted = route("/api", CutOff::Serve);
    hosted.id = "hosted".into();
    hosted.host = Some("admin.example".to_owned());
    wanted.routes = vec![route("/api", CutOff::Serve), route("/api/order", CutOff::Serve), hosted];
    let (stage, _folder) = Stage::serving(wanted).await;
    let port = stage.port().await;
    for path in ["/api", "/api/order/1", "/api/orders"] {
        assert_eq!(ask(port, "GET", path, "").await.status, 200, "{path}");
    }
    let admin = Request::get("/api/order").header("host", "ADMIN.example:80").body(Full::new(Bytes::new()));
    assert_eq!(send(port, admin.unwrap()).await.unwrap().status, 200);
    let lost = ask(port, "GET", "/apix", "").await;
    assert_eq!((lost.status, lost.reason()), (404, "no-route"));
    assert_eq!(
        String::from_utf8_lossy(&lost.body),
        "{\"error\":\"no-route\",\"detail\":\"no route of listener `public` leads to `shop.example/apix`\"}\n"
    );
    let counts = stage.status().await.routes;
    let requests = |id: &str| counts[&id.into()].requests;
    assert_eq!((requests("/api"), requests("/api/order"), requests("hosted")), (2, 1, 1));
}

#[tokio::test]
async fn headers_of_one_connection_end_at_the_gateway_and_forwarding_can_not_be_forged() {
    let backend = Backend::start().await;
    let (stage, _folder) = Stage::serving(table(1, &[backend.port])).await;
    let port = stage.port().await;
    let mut request = asking("GET", "/x?q=1", "");
    for (name, value) in [
        ("connection", "x-secret"),
        ("x-secret", "1"),
        ("te", "trailers"),
        ("x-forwarded-for", "6.6.6.6"),
        ("forwarded", "for=6.6.6.6"),
    ] {
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    let seen = send(port, request).await.unwrap();
    let told = backend.last();
    assert_eq!(told["host"], "shop.example");
    assert_eq!(told["x-forwarded-for"], "127.0.0.1");
    assert_eq!(told["x-forwarded-host"], "shop.example");
    for gone in ["connection", "x-secret", "te", "forwarded"] {
        assert!(!told.contains_key(gone), "{gone}");
    }
    assert!(!seen.headers.contains_key("x-private"), "named by the instance's connection header");

    let mut trusting = table(2, &[backend.port]);
    trusting.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
    stage.give(&trusting).await.unwrap();
    let mut request = asking("GET", "/x", "");
    request.headers_mut().insert("x-forwarded-for", "10.1.1.1".parse().unwrap());
    send(port, request).await.unwrap();
    assert_eq!(backend.last()["x-forwarded-for"], "10.1.1.1, 127.0.0.1");
}

#[tokio::test]
async fn bodies_pass_whole_whether_they_are_kept_or_streamed() {
    let backend = Backend::start().await;
    let (stage, _folder) = Stage::serving(table(1, &[backend.port])).await;
    let port = stage.port().await;
    for size in [0, 1, 64 * 1024, 64 * 1024 + 1, 3 << 20] {
        let body: String = ('a'..='z').cycle().take(size).collect();
        for method in ["POST", "PUT"] {
            let seen = ask(port, method, "/x", &body).await;
            assert_eq!(seen.status, 200);
            assert!(seen.body == body, "{method} of {size} bytes came back as {}", seen.body.len());
        }
    }
    let chunked = "POST /x HTTP/1.1\r\nhost: a\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n\
                   3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
    assert!(raw(port, chunked).await.ends_with("abcde"));
}

#[tokio::test]
async fn what_is_too_large_or_ambiguous_is_refused_before_it_costs_anything() {
    let backend = Backend::start().await;
    let (stage, _folder) = Stage::serving(table(1, &[backend.port])).await;
    let port = stage.port().await;
    let long = format!("POST /x HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n", (64 << 20) + 1);
    assert!(raw(port, &long).await.starts_with("HTTP/1.1 413 "));
    assert!(raw(port, "GET /x HTTP/1.1\r\n\r\n").await.starts_with("HTTP/1.1 400 "));
    assert!(raw(port, "GET /x HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n").await.starts_with("HTTP/1.1 400 "));
    let twice = "POST /x HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab";
    assert!(raw(port, twice).await.starts_with("HTTP/1.1 400 "));
    let wide = format!("GET /x HTTP/1.1\r\nhost: a\r\nx: {}\r\n\r\n", "y".repeat(40 * 1024));
    assert!(raw(port, &wide).await.starts_with("HTTP/1.1 431 "));
    let many = format!("GET /x HTTP/1.1\r\nhost: a\r\n{}\r\n", "x: y\r\n".repeat(101));
    assert!(raw(port, &many).await.starts_with("HTTP/1.1 431 "));
    assert_eq!(backend.served(), 0);
}

#[tokio::test]
async fn a_client_connection_serves_one_request_after_another() {
    let backend = Backend::start().await;
    let (stage, _folder) = Stage::serving(table(1, &[backend.port])).await;
    let one = "GET /x HTTP/1.1\r\nhost: a\r\n\r\n";
    let last = "HEAD /x HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    let answer = raw(stage.port().await, &format!("{one}{one}{last}")).await;
    assert_eq!(answer.matches("HTTP/1.1 200 OK").count(), 3, "{answer}");
    assert_eq!(backend.served(), 3);
}
