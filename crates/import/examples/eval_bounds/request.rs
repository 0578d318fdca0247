//! Who answers requests, and who asks: the parts of this program that run inside a namespace.

use std::error::Error;
use std::io::{BufRead, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use dinghai_clock::{Clock, SystemClock};

/// Between two requests: 60 a second.
pub(crate) const PACE: Duration = Duration::from_micros(16_667);

/// Answers every request with its name.
pub(crate) fn serve(name: &str, port: &str) -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind(format!("0.0.0.0:{port}"))?;
    for stream in listener.incoming() {
        let (mut stream, name) = (stream?, name.to_owned());
        std::thread::spawn(move || {
            let mut asked: Vec<u8> = Vec::new();
            let mut part = [0u8; 1024];
            while !asked.windows(4).any(|end| end == b"\r\n\r\n") {
                match stream.read(&mut part) {
                    Ok(0) | Err(_) => return,
                    Ok(read) => asked.extend(part.iter().take(read)),
                }
            }
            let _ = write!(
                stream,
                "HTTP/1.0 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{name}",
                name.len()
            );
        });
    }
    Ok(())
}

/// Whether somebody answers within 200 ms: what a tracked script asks.
pub(crate) fn ask(address: &str) -> Result<(), Box<dyn Error>> {
    request(address.parse()?, Duration::from_millis(200)).map(|_| ()).ok_or_else(|| "no answer".into())
}

/// Asks at a steady pace until its input ends; then one line for each request: start and end in microseconds and who answered.
pub(crate) fn probe(address: &str, patience: &str) -> Result<(), Box<dyn Error>> {
    let address: SocketAddr = address.parse()?;
    let patience = Duration::from_millis(patience.parse()?);
    let (end, ended) = channel::<()>();
    std::thread::spawn(move || {
        let _ = std::io::stdin().lock().read_line(&mut String::new());
        drop(end);
    });
    let (tell, told) = channel();
    let clock = SystemClock::new();
    let mut next = clock.now();
    let mut started = 0u32;
    loop {
        next = next.plus(PACE);
        match ended.recv_timeout(next.since(clock.now())) {
            Err(RecvTimeoutError::Timeout) => {}
            _ => break,
        }
        let (tell, clock) = (tell.clone(), clock.clone());
        let ask = move || {
            let start = clock.now();
            let by = request(address, patience);
            let _ = tell.send((start.as_micros(), clock.now().as_micros(), by));
        };
        std::thread::Builder::new().stack_size(64 * 1024).spawn(ask)?;
        started += 1;
    }
    let mut out = std::io::stdout().lock();
    for (start, end, by) in told.iter().take(started as usize) {
        writeln!(out, "{start} {end} {}", by.as_deref().unwrap_or("-"))?;
    }
    Ok(())
}

fn request(address: SocketAddr, patience: Duration) -> Option<String> {
    let clock = SystemClock::new();
    let until = clock.now().plus(patience);
    let mut stream = TcpStream::connect_timeout(&address, patience).ok()?;
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n").ok()?;
    let mut answer: Vec<u8> = Vec::new();
    let mut part = [0u8; 1024];
    loop {
        let left = until.since(clock.now());
        if left.is_zero() {
            return None;
        }
        stream.set_read_timeout(Some(left)).ok()?;
        match stream.read(&mut part).ok()? {
            0 => break,
            read => answer.extend(part.iter().take(read)),
        }
    }
    let answer = String::from_utf8(answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    (head.lines().next()?.contains(" 200 ") && !body.is_empty()).then(|| body.to_owned())
}
