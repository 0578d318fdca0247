//! TLS on both sides: names, versions, resumption, files that change, certificates of clients and instances.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use dinghai_estate::{CertificateFiles, ClientCertificates, Entrance, Secured, Termination, TlsVersion};
use dinghai_wire::Table;
use http_body_util::{BodyExt, Full};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, HandshakeKind, NamedGroup};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::certificates::{Authority, secured};
use crate::stage::{Backend, SOON, Seen, Stage, asking, table};

/// A table whose listener is secured with these.
fn terminating(generation: u64, port: u16, certificates: Vec<CertificateFiles>) -> Table {
    let mut wanted = table(generation, &[port]);
    let tls = Termination { certificates, clients: None, minimum: TlsVersion::V1_2 };
    wanted.entrances = [("public".into(), Entrance { tls: Some(tls), ..Entrance::default() })].into();
    wanted
}

fn clients(wanted: &mut Table, ca: &Path, required: bool) {
    let entrance = wanted.entrances.values_mut().next().unwrap();
    entrance.tls.as_mut().unwrap().clients = Some(ClientCertificates { ca: ca.to_owned(), required });
}

/// One request on a secured connection of its own, with the certificate that was shown.
async fn ask(
    port: u16,
    name: &str,
    config: &Arc<ClientConfig>,
    request: http::Request<Full<Bytes>>,
) -> std::io::Result<(Seen, Vec<u8>)> {
    let stream = secured(port, name, config).await?;
    let shown = stream.get_ref().1.peer_certificates().unwrap()[0].to_vec();
    let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = handshake.map_err(std::io::Error::other)?;
    let connection = tokio::spawn(connection);
    let response = sender.send_request(request).await.map_err(std::io::Error::other)?;
    let (head, body) = response.into_parts();
    let body = body.collect().await.map_err(std::io::Error::other)?.to_bytes();
    connection.abort();
    Ok((Seen { status: head.status.as_u16(), headers: head.headers, body }, shown))
}

#[tokio::test]
async fn a_client_gets_the_certificate_for_the_name_it_asks_for() {
    let (backend, folder, authority) =
        (Backend::start().await, tempfile::tempdir().unwrap(), Authority::new());
    let certificates = vec![
        authority.issue(folder.path(), "first", &["first.example"]),
        authority.issue(folder.path(), "below", &["*.below.example", "below.example"]),
    ];
    let (stage, _folder) = Stage::serving(terminating(1, backend.port, certificates)).await;
    let port = stage.port().await;
    let config = Arc::new(authority.client(None));
    let mut shown = vec![];
    for name in ["first.example", "a.below.example", "BELOW.example"] {
        let (seen, certificate) = ask(port, name, &config, asking("GET", "/x", "")).await.unwrap();
        assert_eq!(seen.status, 200, "{name}");
        shown.push(certificate);
    }
    assert!(shown[0] != shown[1] && shown[1] == shown[2]);
    assert_eq!(backend.last()["x-forwarded-proto"], "https");
    // One label more than a wildcard covers, and a name that nobody knows: the first certificate, which will not do.
    for name in ["a.b.below.example", "other.example"] {
        assert!(secured(port, name, &config).await.is_err(), "{name}");
    }
    let status = stage.status().await;
    let names: Vec<_> = status.certificates.iter().flat_map(|view| view.names.clone()).collect();
    assert_eq!(names, ["first.example", "*.below.example", "below.example"]);
    let until = status.certificates[0].until.unwrap().to_string();
    assert!(until.starts_with("2099-01-01T00:00:00"), "{until}");
}

#[tokio::test]
async fn bodies_of_any_size_pass_both_ways_and_connections_are_used_again() {
    let (backend, folder, authority) =
        (Backend::start().await, tempfile::tempdir().unwrap(), Authority::new());
    let own = authority.issue(folder.path(), "a", &["a.example"]);
    let (stage, _folder) = Stage::serving(terminating(1, backend.port, vec![own])).await;
    let stream = secured(stage.port().await, "a.example", &Arc::new(authority.client(None))).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    for size in [0, 1, 16 * 1024, 64 * 1024, 100_000, 3 << 20] {
        let body: String = ('a'..='z').cycle().take(size).collect();
        let response = sender.send_request(asking("POST", "/x", &body)).await.unwrap();
        let back = response.into_body().collect().await.unwrap().to_bytes();
        assert!(back == body, "{size} bytes came back as {}", back.len());
    }
}

#[tokio::test]
async fn an_answer_that_ends_with_the_connection_ends_with_a_good_bye() {
    let (backend, folder, authority) =
        (Backend::start().await, tempfile::tempdir().unwrap(), Authority::new());
    let own = authority.issue(folder.path(), "a", &["a.example"]);
    let (stage, _folder) = Stage::serving(terminating(1, backend.port, vec![own])).await;
    let config = Arc::new(authority.client(None));
    let mut stream = secured(stage.port().await, "a.example", &config).await.unwrap();
    stream.write_all(b"GET /x HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    // A connection that ended without a good-bye would be an error here.
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

#[tokio::test]
async fn a_target_names_the_scheme_of_its_connection_or_none() {
    let (backend, folder, authority) =
        (Backend::start().await, tempfile::tempdir().unwrap(), Authority::new());
    let own = authority.issue(folder.path(), "a", &["a.example"]);
    let (stage, _folder) = Stage::serving(terminating(1, backend.port, vec![own])).await;
    let config = Arc::new(authority.client(None));
    for (scheme, status) in [("https", "200"), ("http", "400")] {
        let mut stream = secured(stage.port().await, "a.example", &config).await.unwrap();
        let request = format!("GET {scheme}://a.example/x HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{scheme}: {answer}");
    }
}

#[tokio::test]
async fn the_key_exchange_outlasts_quantum_computers_and_sessions_are_resumed() {
    let (backend, folder, authority) =
        (Backend::start().await, tempfile::tempdir().unwrap(), Authority::new());
    let own = authority.issue(folder.path(), "a", &["a.example"]);
    let (stage, _folder) = Stage::serving(terminating(1, backend.port, vec![own])).await;
    let port = stage.port().await;
    for version in [&rustls::version::TLS13, &rustls::version::TLS12] {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder =
            ClientConfig::builder_with_provider(provider).with_protocol_versions(&[version]).unwrap();
        let mut config = builder.with_root_certificates(authority.client_roots()).with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let config = Arc::new(config);
        let mut kinds = vec![];
        for _ in 0..2 {
            let mut stream = secured(port, "a.example", &config).await.unwrap();
            let session = stream.get_ref().1;
            assert_eq!(session.alpn_protocol(), Some(&b"http/1.1"[..]));
            let group = session.negotiated_key_exchange_group().map(|group| group.name());
            if version.version == rustls::ProtocolVersion::TLSv1_3 {
                assert_eq!(group, Some(NamedGroup::X25519MLKEM768));
            }
            kinds.push(session.handshake_kind().unwrap());
            stream.write_all(b"GET /x HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await.unwrap();
            let mut answer = vec![];
            stream.read_to_end(&mut answer).await.unwrap();
        }
        assert_eq!(kinds, [HandshakeKind::Full, HandshakeKind::Resumed], "{:?}", version.version);
    }
}

#[tokio::test]
async fn a_listener_speaks_nothing_older_than_it_states() {
    let (backend, folder, authority) =
        (Backend::start().await, tempfile::tempdir().unwrap(), Authority::new());
    let own = authority.issue(folder.path(), "a", &["a.example"]);
    let mut wanted = terminating(1, backend.port, vec![own]);
    wanted.entrances.values_mut().next().unwrap().tls.as_mut().unwrap().minimum = TlsVersion::V1_3;
    let (stage, _folder) = Stage::serving(wanted).await;
    let port = stage.port().await;
    let old = ClientConfig::builder_with_protocol_versions(&[&rustls::version::TLS12]);
    let old = old.with_root_certificates(authority.client_roots()).with_no_client_auth();
    assert!(secured(port, "a.example", &Arc::new(old)).await.is_err());
    assert!(secured(port, "a.example", &Arc::new(authority.client(None))).await.is_ok());
}

#[tokio::test]
async fn new_files_are_in_force_for_the_next_connection_and_broken_ones_are_told_and_change_nothing() {
    let (backend, folder, authority) =
        (Backend::start().await, tempfile::tempdir().unwrap(), Authority::new());
    let own = authority.issue(folder.path(), "a", &["a.example"]);
    let (stage, _folder) = Stage::serving(terminating(1, backend.port, vec![own.clone()])).await;
    let port = stage.port().await;
    let config = Arc::new(authority.client(None));
    let shown = async || ask(port, "a.example", &config, asking("GET", "/x", "")).await.unwrap().1;
    let kept = secured(port, "a.example", &config).await.unwrap();
    let first = shown().await;

    std::fs::write(&own.certificate, "no certificate").unwrap();
    let told = stage.until("it is told", |status| !status.broken_certificates.is_empty()).await;
    assert!(told.broken_certificates["listener public"].contains("a.pem"));
    assert_eq!(shown().await, first);
    let metrics: String = stage.metrics().await;
    assert!(metrics.contains("\ndinghai_gateway_certificates_broken 1\n"), "{metrics}");
    assert!(
        metrics.contains("\ndinghai_gateway_certificate_expiry_timestamp_seconds{of=\"listener public\"")
    );

    authority.issue(folder.path(), "a", &["a.example", "b.example"]);
    stage
        .until("the new one is in force", |status| {
            status.broken_certificates.is_empty() && status.certificates[0].names.len() == 2
        })
        .await;
    assert_ne!(shown().await, first);
    // Who was connected stays so.
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(kept)).await.unwrap();
    tokio::spawn(connection);
    assert_eq!(sender.send_request(asking("GET", "/x", "")).await.unwrap().status(), 200);
}

#[tokio::test]
async fn who_cannot_show_what_is_asked_for_is_refused_and_instances_are_told_who_could() {
    let (backend, folder, authority) =
        (Backend::start().await, tempfile::tempdir().unwrap(), Authority::new());
    let own = authority.issue(folder.path(), "a", &["a.example"]);
    let people = Authority::new();
    let ca = people.write(&folder.path().join("people.pem"));
    let mut wanted = terminating(1, backend.port, vec![own.clone()]);
    clients(&mut wanted, &ca, true);
    let (stage, _folder) = Stage::serving(wanted).await;
    let port = stage.port().await;
    let known = Arc::new(authority.client(Some(&people.issue(folder.path(), "me", &["me"]))));
    let stranger = Arc::new(authority.client(Some(&authority.issue(folder.path(), "you", &["you"]))));
    let nobody = Arc::new(authority.client(None));
    let request = || {
        let mut request = asking("GET", "/x", "");
        request.headers_mut().insert("client-cert", ":Zm9yZ2Vk:".parse().unwrap());
        request
    };
    assert_eq!(ask(port, "a.example", &known, request()).await.unwrap().0.status, 200);
    let told: Vec<_> = backend.last().get_all("client-cert").iter().cloned().collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].to_str().unwrap().starts_with(":MII"), "the certificate itself: {told:?}");
    assert!(ask(port, "a.example", &stranger, request()).await.is_err());
    assert!(ask(port, "a.example", &nobody, request()).await.is_err());
    assert_eq!(backend.served(), 1);

    let mut wanted = terminating(2, backend.port, vec![own]);
    clients(&mut wanted, &ca, false);
    stage.give(&wanted).await.unwrap();
    let port = stage.moved(port).await;
    assert_eq!(ask(port, "a.example", &nobody, request()).await.unwrap().0.status, 200);
    assert!(!backend.last().contains_key("client-cert"), "a word about a certificate that nobody saw");
    assert!(ask(port, "a.example", &stranger, request()).await.is_err(), "one that is shown has to be good");
}

#[tokio::test]
async fn who_says_nothing_or_something_else_does_not_hold_a_listener_up() {
    let (backend, folder, authority) =
        (Backend::start().await, tempfile::tempdir().unwrap(), Authority::new());
    let own = authority.issue(folder.path(), "a", &["a.example"]);
    let (stage, _folder) = Stage::serving(terminating(1, backend.port, vec![own])).await;
    let port = stage.port().await;
    let mut silent = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let mut plain = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    let config = Arc::new(authority.client(None));
    assert_eq!(ask(port, "a.example", &config, asking("GET", "/x", "")).await.unwrap().0.status, 200);
    let mut rest = vec![];
    let _ = tokio::time::timeout(SOON, plain.read_to_end(&mut rest)).await.unwrap();
    assert!(!rest.starts_with(b"HTTP"), "it is told in TLS, or not at all");
    // Closed by us, and not by this test's patience.
    let ended = tokio::time::timeout(SOON, silent.read(&mut [0; 64])).await.unwrap();
    assert!(matches!(ended, Ok(0) | Err(_)), "{ended:?}");
}

/// An instance that speaks TLS and wants clients that this authority vouches for.
async fn secured_instance(authority: &Authority, own: &CertificateFiles) -> u16 {
    let acceptor = authority.instance(own);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(stream) = acceptor.accept(stream).await else { return };
                let echo = service_fn(|request: http::Request<hyper::body::Incoming>| async {
                    let body = request.into_body().collect().await?.to_bytes();
                    Ok::<_, hyper::Error>(http::Response::new(Full::new(body)))
                });
                let server = hyper::server::conn::http1::Builder::new();
                let _ = server.serve_connection(TokioIo::new(stream), echo).await;
            });
        }
    });
    port
}

#[tokio::test]
async fn an_instance_is_asked_over_tls_when_it_has_the_right_name_and_is_shown_who_we_are() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::new());
    let instance = authority.issue(folder.path(), "order", &["order.internal"]);
    let port = secured_instance(&authority, &instance).await;
    let mut wanted = table(1, &[port]);
    let ca = authority.write(&folder.path().join("ca.pem"));
    let client = Some(authority.issue(folder.path(), "us", &["gateway.internal"]));
    let terms = Secured { ca, server_name: Some("order.internal".to_owned()), client };
    let service = wanted.services.values_mut().next().unwrap();
    service.tls = Some(terms.clone());
    let (stage, _folder) = Stage::serving(wanted.clone()).await;
    stage
        .until("its probes pass", |status| {
            status.instances.values().all(|view| view.health == dinghai_record::Health::Up)
        })
        .await;
    let gateway = stage.port().await;
    for size in [0, 10, 1 << 20] {
        let body = "x".repeat(size);
        let seen = crate::stage::ask(gateway, "POST", "/x", &body).await;
        assert!(seen.status == 200 && seen.body == body, "{} of {size}", seen.status);
    }
    // Another name than its certificate's: neither probes nor requests get through.
    for (generation, change) in [
        (2, Secured { server_name: Some("pay.internal".to_owned()), ..terms.clone() }),
        (3, Secured { client: None, ..terms.clone() }),
    ] {
        wanted.generation = generation;
        wanted.services.values_mut().next().unwrap().tls = Some(change);
        stage.give(&wanted).await.unwrap();
        assert_eq!(crate::stage::ask(gateway, "POST", "/x", "").await.status, 502);
    }
    wanted.generation = 4;
    wanted.services.values_mut().next().unwrap().tls = Some(terms);
    stage.give(&wanted).await.unwrap();
    assert_eq!(crate::stage::ask(gateway, "POST", "/x", "").await.status, 200);
}
