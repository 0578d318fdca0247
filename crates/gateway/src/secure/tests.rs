//! What the engine is promised of every socket, held against secured ones.

use std::future::poll_fn;
use std::sync::Arc;

use rustls::pki_types::{PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::*;
use crate::buffer::{Inbox, Store};
use crate::socket::Socket;

/// A secured connection to an instance: our end, and the instance's.
async fn pair(near: Clear, far: Clear) -> (Socket, server::TlsStream<Clear>) {
    let own = rcgen::generate_simple_self_signed(["order".to_owned()]).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(own.cert.der().clone()).unwrap();
    let key = PrivateKeyDer::try_from(own.signing_key.serialize_der()).unwrap();
    let instance = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![own.cert.der().clone()], key)
        .unwrap();
    let ours = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let name = ServerName::try_from("order").unwrap();
    let connecting = TlsConnector::from(Arc::new(ours)).connect(name, near);
    let (near, far) = tokio::join!(connecting, TlsAcceptor::from(Arc::new(instance)).accept(far));
    (Socket::Secure(Secure::outward(near.unwrap())), far.unwrap())
}

async fn on_a_socket() -> (Socket, server::TlsStream<Clear>) {
    let (near, far) = UnixStream::pair().unwrap();
    pair(Clear::Unix(near), Clear::Unix(far)).await
}

async fn readable(socket: &Socket) {
    poll_fn(|cx| socket.poll_readable(cx)).await.unwrap();
}

#[tokio::test]
async fn what_an_instance_said_before_it_closed_is_heard_though_it_took_no_more() {
    let (mut socket, mut far) = on_a_socket().await;
    let body = [b'x'; 4096];
    let mut cx = Context::from_waker(std::task::Waker::noop());
    // Until it takes no more for now.
    while let Poll::Ready(taken) = socket.poll_write(&mut cx, &body, &[]) {
        taken.unwrap();
    }
    far.write_all(b"HTTP/1.1 413 Content Too Large\r\n\r\n").await.unwrap();
    far.flush().await.unwrap();
    drop(far);
    let refused = poll_fn(|cx| socket.poll_write(cx, &body, &[])).await;
    assert!(refused.is_err(), "{refused:?}");
    let mut inbox = Inbox::new(Store::default());
    poll_fn(|cx| inbox.poll_fill(cx, &mut socket)).await.unwrap();
    assert!(inbox.unread().starts_with(b"HTTP/1.1 413 "), "{}", inbox.unread().escape_ascii());
    // That it went without a word is no end in order.
    inbox.consume(inbox.unread().len());
    assert!(poll_fn(|cx| inbox.poll_fill(cx, &mut socket)).await.is_err());
}

#[tokio::test]
async fn tickets_are_no_answer_that_nobody_asked_for_but_bytes_are_however_busy_the_task() {
    let (mut socket, mut far) = on_a_socket().await;
    far.flush().await.unwrap();
    readable(&socket).await;
    assert!(socket.is_quiet());
    far.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
    far.flush().await.unwrap();
    readable(&socket).await;
    poll_fn(|cx| {
        // Until the task has used up its turn.
        while socket.poll_readable(cx).is_ready() {}
        assert!(!socket.is_quiet());
        Poll::Ready(())
    })
    .await;
}

/// A good-bye that is only missing is taken for an end by many.
#[tokio::test]
async fn a_secured_connection_can_be_broken_off_too() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let near = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (far, _) = listener.accept().await.unwrap();
    let (socket, mut far) = pair(Clear::Tcp(near), Clear::Tcp(far)).await;
    socket.reset();
    drop(socket);
    let heard = far.read(&mut [0]).await;
    assert_eq!(heard.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
}
