//! The Unix socket for the command line of the same machine.

use std::path::{Path, PathBuf};

use axum::extract::connect_info::Connected;
use axum::serve::IncomingStream;
use tokio::net::{TcpListener, UnixListener};

/// Who is at the other end of a connection.
#[derive(Clone, Debug)]
pub(crate) enum Peer {
    /// Somebody on the network: who it is, its cookie says.
    Network,
    /// A user of this machine, as the kernel says.
    User { uid: u32, name: String },
    /// A connection of this machine whose user the kernel did not tell; it is nobody.
    Nobody,
}

impl Connected<IncomingStream<'_, TcpListener>> for Peer {
    fn connect_info(_: IncomingStream<'_, TcpListener>) -> Self {
        Self::Network
    }
}

impl Connected<IncomingStream<'_, UnixListener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, UnixListener>) -> Self {
        match stream.io().peer_cred() {
            Ok(peer) => Self::User { uid: peer.uid(), name: user_name(peer.uid()) },
            Err(_) => Self::Nobody,
        }
    }
}

/// The name of a user in `/etc/passwd`; `uid N` when it stands in another directory.
fn user_name(uid: u32) -> String {
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    named(&users, uid).unwrap_or_else(|| format!("uid {uid}"))
}

fn named(users: &str, uid: u32) -> Option<String> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(uid)).then(|| name.to_owned())
    })
}

/// Where the socket stands in a data folder.
pub fn socket_path(data_dir: &Path) -> PathBuf {
    data_dir.join("run/controller.sock")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_named_as_in_the_file_of_users() {
        let users = "root:x:0:0:root:/root:/bin/sh\nlin:x:1000:1000::/home/lin:/bin/sh\n";
        assert_eq!(named(users, 1000).as_deref(), Some("lin"));
        assert_eq!(named(users, 7), None);
    }
}
