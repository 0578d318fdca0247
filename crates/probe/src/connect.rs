//! Opening a connection to an instance.

use std::io;
use std::net::{IpAddr, SocketAddr};

use dinghai_estate::Address;
use dinghai_record::Cause;
use tokio::net::TcpStream;

use crate::cause_of_io;

/// Connects to a target; a name with several addresses is tried in the order that it resolves to. The caller sets the
/// time limit. Small writes are sent at once.
pub async fn connect(target: &Address) -> Result<TcpStream, Cause> {
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

async fn open(address: SocketAddr) -> Result<TcpStream, Cause> {
    let stream = TcpStream::connect(address).await.map_err(|error| cause_of_io(&error))?;
    stream.set_nodelay(true).map_err(|error| cause_of_io(&error))?;
    Ok(stream)
}

/// A resolver that answers "no such name" has no error number; one that could not even ask has.
fn unresolved(error: io::Error) -> Cause {
    match error.raw_os_error() {
        Some(_) => Cause::CouldNotAsk(error.to_string()),
        None => Cause::Unresolved,
    }
}
