//! Opening a connection to an instance.

use std::io;
use std::net::{IpAddr, SocketAddr};

use dinghai_estate::Address;
use dinghai_record::Cause;
use tokio::net::{TcpStream, UnixStream};

use crate::cause_of_io;

/// An open connection.
#[derive(Debug)]
pub enum Connected {
    /// Over the network.
    Tcp(TcpStream),
    /// Over a Unix socket of this machine.
    Unix(UnixStream),
}

/// Connects to a target; a name with several addresses is tried in the order that it resolves to. The caller sets the
/// time limit. Small writes are sent at once.
pub async fn connect(target: &Address) -> Result<Connected, Cause> {
    if let Some(path) = target.socket() {
        return UnixStream::connect(path).await.map(Connected::Unix).map_err(|error| nobody(&error));
    }
    if let Ok(ip) = target.host.parse::<IpAddr>() {
        return open(SocketAddr::new(ip, target.port)).await;
    }
    let addresses = tokio::net::lookup_host((target.host.as_str(), target.port)).await.map_err(unresolved)?;
    let mut last = Cause::Unresolved;
    for address in addresses {
        match open(address).await {
            Ok(stream) => return Ok(stream),
            Err(cause) => last = cause,
        }
    }
    Err(last)
}

async fn open(address: SocketAddr) -> Result<Connected, Cause> {
    let stream = TcpStream::connect(address).await.map_err(|error| cause_of_io(&error))?;
    stream.set_nodelay(true).map_err(|error| cause_of_io(&error))?;
    Ok(Connected::Tcp(stream))
}

/// A socket file that is not there is a program that does not listen.
fn nobody(error: &io::Error) -> Cause {
    match error.kind() {
        io::ErrorKind::NotFound => Cause::Refused,
        _ => cause_of_io(error),
    }
}

/// A resolver that answers "no such name" has no error number; one that could not even ask has.
fn unresolved(error: io::Error) -> Cause {
    match error.raw_os_error() {
        Some(_) => Cause::CouldNotAsk(error.to_string()),
        None => Cause::Unresolved,
    }
}
