//! An instance that writes down every byte it gets and answers what it is told to.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::message;

/// What is asked to find out whether a connection still works; it is answered honestly and not written down.
pub(crate) const SENTINEL: &[u8] = b"GET /sentinel HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";

/// What it does with the next requests, and what it got.
#[derive(Default)]
pub(crate) struct Script {
    pub(crate) answer: Option<Vec<u8>>,
    pub(crate) closes: bool,
    pub(crate) seen: Vec<u8>,
}

/// Listens until the test ends.
pub(crate) async fn listen() -> (u16, Arc<Mutex<Script>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let script = Arc::new(Mutex::new(Script::default()));
    let held = Arc::clone(&script);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, Arc::clone(&held)));
        }
    });
    (port, script)
}

async fn serve(mut stream: TcpStream, script: Arc<Mutex<Script>>) {
    let mut unread = vec![];
    let mut bytes = vec![0; 64 * 1024];
    while let Ok(read @ 1..) = stream.read(&mut bytes).await {
        unread.extend_from_slice(&bytes[..read]);
        script.lock().unwrap().seen.extend_from_slice(&bytes[..read]);
        while let Some((request, length)) = message::first(&unread, false) {
            unread.drain(..length);
            let (answer, closes) = {
                let mut script = script.lock().unwrap();
                if request.starts_with("GET /sentinel ") {
                    let kept = script.seen.len() - length;
                    script.seen.truncate(kept);
                    // Closed, so that no case meets a connection of the one before.
                    (
                        b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 8\r\n\r\nsentinel".to_vec(),
                        true,
                    )
                } else {
                    let ok = || b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok".to_vec();
                    (script.answer.clone().unwrap_or_else(ok), script.closes)
                }
            };
            if stream.write_all(&answer).await.is_err() || closes {
                return;
            }
        }
    }
}
