//! Connections: PROXY headers in and out, bytes passed as they are, IPv6, names of instances.

use std::net::SocketAddr;
use std::time::Duration;

use dinghai_estate::{Address, Balance, Entrance, Passage, ProxyVersion};
use dinghai_probe::{proxy_header, read_proxy_header};
use dinghai_wire::Table;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::stage::{Backend, SOON, Stage, ask, set_share, table};

fn with(mut wanted: Table, entrance: Entrance) -> Table {
    wanted.entrances = [("public".into(), entrance)].into();
    wanted
}

fn behind(proxies: &[&str]) -> Entrance {
    let proxies = proxies.iter().map(|proxy| proxy.parse().unwrap()).collect();
    Entrance { proxies, ..Entrance::default() }
}

async fn said(port: u16, parts: &[&[u8]]) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stream.set_nodelay(true).unwrap();
    for part in parts {
        if stream.write_all(part).await.is_err() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let mut answer = vec![];
    let _ = tokio::time::timeout(SOON, stream.read_to_end(&mut answer)).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

const CLOSING: &[u8] = b"GET /x HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";

#[tokio::test]
async fn a_declared_proxy_says_who_the_client_is() {
    let backend = Backend::start().await;
    let (stage, _folder) = Stage::serving(with(table(1, &[backend.port]), behind(&["127.0.0.1"]))).await;
    let port = stage.port().await;
    let ends: (SocketAddr, SocketAddr) =
        ("[2001:db8::7]:4711".parse().unwrap(), "[2001:db8::1]:443".parse().unwrap());
    for version in [ProxyVersion::V1, ProxyVersion::V2] {
        let header = proxy_header(version, Some(ends));
        // At once with the request, and byte by byte before it.
        assert!(
            said(port, &[&[&header, CLOSING].concat()]).await.starts_with("HTTP/1.1 200 "),
            "{version:?}"
        );
        assert_eq!(backend.last()["x-forwarded-for"], "2001:db8::7");
        let mut parts: Vec<&[u8]> = header.chunks(1).collect();
        parts.push(CLOSING);
        assert!(said(port, &parts).await.starts_with("HTTP/1.1 200 "), "{version:?}");
        // A proxy that speaks for itself, such as its health check.
        let own = proxy_header(version, None);
        assert!(said(port, &[&[&own, CLOSING].concat()]).await.starts_with("HTTP/1.1 200 "), "{version:?}");
        assert_eq!(backend.last()["x-forwarded-for"], "127.0.0.1");
    }
    let served = backend.served();
    for bad in [CLOSING, b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\nGET /x HTTP/1.1\r\nhost: a\r\n\r\n"] {
        assert_eq!(said(port, &[bad]).await, "", "{}", bad.escape_ascii());
    }
    assert_eq!(backend.served(), served);
}

#[tokio::test]
async fn a_header_of_anybody_else_is_not_read() {
    let backend = Backend::start().await;
    let (stage, _folder) = Stage::serving(with(table(1, &[backend.port]), behind(&["10.0.0.7"]))).await;
    let port = stage.port().await;
    let header =
        proxy_header(ProxyVersion::V1, Some(([1, 2, 3, 4], 5).into()).zip(Some(([5, 6, 7, 8], 9).into())));
    assert_eq!(said(port, &[&[&header, CLOSING].concat()]).await, "");
    // Where no proxy is declared it is no request either.
    stage.give(&table(2, &[backend.port])).await.unwrap();
    let port = stage.moved(port).await;
    assert!(said(port, &[&[&header, CLOSING].concat()]).await.starts_with("HTTP/1.1 400 "));
    assert_eq!(backend.served(), 0);
}

/// An instance that answers each connection with what it was told of its client, then with all that it reads.
async fn echo(proxied: bool) -> (u16, tokio::sync::mpsc::UnboundedReceiver<Option<SocketAddr>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (told, clients) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let told = told.clone();
            tokio::spawn(async move {
                let mut bytes = vec![];
                if proxied {
                    let header = loop {
                        if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
                            return;
                        }
                        if let Some(header) = read_proxy_header(&bytes).unwrap() {
                            break header;
                        }
                    };
                    let _ = told.send(header.client);
                    bytes.drain(..header.size);
                }
                let _ = stream.write_all(&bytes).await;
                let (mut read, mut write) = stream.split();
                let _ = tokio::io::copy(&mut read, &mut write).await;
                let _ = write.write_all(b" and good-bye").await;
            });
        }
    });
    (port, clients)
}

fn passing(generation: u64, ports: &[u16]) -> Table {
    let passage =
        Passage { to: "order".into(), balance: Balance::LeastRequest, idle: Duration::from_secs(60) };
    let mut wanted = with(table(generation, ports), Entrance { tcp: Some(passage), ..Entrance::default() });
    wanted.routes.clear();
    let probe = wanted.services.values_mut().next().unwrap().probe.as_mut().unwrap();
    probe.check = dinghai_estate::Check::Tcp;
    wanted
}

#[tokio::test]
async fn bytes_pass_both_ways_and_who_has_said_all_is_still_answered() {
    let (instance, _clients) = echo(false).await;
    let (stage, _folder) = Stage::serving(passing(1, &[instance])).await;
    let mut stream = TcpStream::connect(("127.0.0.1", stage.port().await)).await.unwrap();
    let sent: Vec<u8> = (0..3_000_000_u32).map(|at| at as u8).collect();
    let (mut read, mut write) = stream.split();
    let mut back = vec![];
    let (written, all) = tokio::join!(
        async {
            write.write_all(&sent).await?;
            write.shutdown().await
        },
        tokio::time::timeout(SOON, read.read_to_end(&mut back)),
    );
    written.unwrap();
    all.unwrap().unwrap();
    assert!(back == [&sent[..], b" and good-bye"].concat(), "{} bytes came back", back.len());
    let counted = stage.until("it is counted", |status| status.routes[&"public".into()].requests == 1).await;
    assert_eq!(counted.routes[&"public".into()].failed, 0);
}

#[tokio::test]
async fn an_instance_that_cannot_be_reached_is_passed_over_and_ejected() {
    let (instance, _clients) = echo(false).await;
    let dead = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let mut wanted = passing(1, &[dead, instance]);
    wanted.services.values_mut().next().unwrap().probe = None;
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage::start(folder.path(), std::sync::Arc::new(dinghai_clock::SystemClock::new()));
    stage.give(&wanted).await.unwrap();
    let port = stage.port().await;
    for _ in 0..8 {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        stream.write_all(b"hello").await.unwrap();
        stream.shutdown().await.unwrap();
        let mut back = String::new();
        stream.read_to_string(&mut back).await.unwrap();
        assert_eq!(back, "hello and good-bye");
    }
    let status = stage.until("it is ejected", |status| status.instances[&"a".into()].ejected.is_some()).await;
    let counted = &status.routes[&"public".into()];
    assert_eq!((counted.requests, counted.failed), (8, 0));
    assert!(counted.rescued > 0);
}

#[tokio::test]
async fn a_connection_is_under_way_to_its_instance_until_it_ends() {
    let (one, _clients) = echo(false).await;
    let mut wanted = passing(1, &[one]);
    let (stage, _folder) = Stage::serving(wanted.clone()).await;
    let port = stage.port().await;
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stream.write_all(b"a").await.unwrap();
    stream.read_exact(&mut [0]).await.unwrap();
    let in_flight = |wanted: u32| {
        move |status: &dinghai_wire::GatewayStatus| status.instances[&"a".into()].in_flight == wanted
    };
    stage.until("it is under way", in_flight(1)).await;
    set_share(&mut wanted, "a", 0);
    wanted.generation = 2;
    stage.give(&wanted).await.unwrap();
    stream.write_all(b"b").await.unwrap();
    stream.read_exact(&mut [0]).await.unwrap();
    let mut turned_away = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    assert_eq!(turned_away.read(&mut [0]).await.unwrap(), 0, "no new one goes there");
    drop(stream);
    stage.until("it has ended", in_flight(0)).await;
}

#[tokio::test]
async fn instances_that_want_a_header_are_told_each_client_apart() {
    for version in [ProxyVersion::V1, ProxyVersion::V2] {
        let (instance, mut clients) = echo(true).await;
        let mut wanted = passing(1, &[instance]);
        wanted.services.values_mut().next().unwrap().proxy_protocol = Some(version);
        let (stage, _folder) = Stage::serving(wanted).await;
        let port = stage.port().await;
        for _ in 0..2 {
            let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
            let own = stream.local_addr().unwrap();
            stream.write_all(b"hello").await.unwrap();
            stream.shutdown().await.unwrap();
            let mut back = String::new();
            stream.read_to_string(&mut back).await.unwrap();
            assert_eq!(back, "hello and good-bye", "{version:?}");
            // Probes speak for themselves.
            let told = async { while clients.recv().await.unwrap() != Some(own) {} };
            tokio::time::timeout(SOON, told).await.unwrap();
        }
    }
}

#[tokio::test]
async fn ipv6_is_as_good_as_ipv4_on_both_sides() {
    let listener = TcpListener::bind("[::1]:0").await.unwrap();
    let instance = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut head = vec![0; 4096];
                let read = stream.read(&mut head).await.unwrap_or(0);
                let told = String::from_utf8_lossy(&head[..read]).to_ascii_lowercase();
                let from =
                    told.split("x-forwarded-for: ").nth(1).unwrap_or("\r\n").split("\r\n").next().unwrap();
                let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{from}", from.len());
                let _ = stream.write_all(answer.as_bytes()).await;
            });
        }
    });
    let mut wanted = table(1, &[0]);
    let member = wanted.services.values_mut().next().unwrap().members.values_mut().next().unwrap();
    member.address = Address { host: "::1".to_owned(), port: instance };
    wanted.listeners.insert("public".into(), "[::1]:0".parse().unwrap());
    let (stage, _folder) = Stage::serving(wanted).await;
    let mut stream = TcpStream::connect(("::1", stage.port().await)).await.unwrap();
    stream.write_all(b"GET /x HTTP/1.1\r\nhost: [::1]:80\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("\r\n\r\n::1"), "{answer}");
}

#[tokio::test]
async fn an_instance_may_have_a_name_and_where_it_leads_is_told() {
    let backend = Backend::start().await;
    let mut wanted = table(1, &[backend.port]);
    let member = wanted.services.values_mut().next().unwrap().members.values_mut().next().unwrap();
    member.address = Address { host: "localhost".to_owned(), port: backend.port };
    let (stage, _folder) = Stage::serving(wanted).await;
    let status = stage
        .until("its name is resolved", |status| {
            let resolved = &status.instances[&"a".into()].resolved;
            resolved.as_ref().is_some_and(|resolved| !resolved.addresses.is_empty())
        })
        .await;
    let resolved = status.instances[&"a".into()].resolved.clone().unwrap();
    assert!(resolved.addresses.contains(&"127.0.0.1".parse().unwrap()), "{resolved:?}");
    assert_eq!(resolved.failing, None);
    assert_eq!(ask(stage.port().await, "GET", "/x", "").await.status, 200);
}
