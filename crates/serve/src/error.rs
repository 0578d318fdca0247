//! What can keep the console from being served.

use std::net::SocketAddr;
use std::path::PathBuf;

/// Why the console can not be served, or a link not made.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Neither the address nor a free port beside it could be had.
    #[error("the console cannot listen on `{address}`; choose another with `console: {{ listen: … }}`")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file of ours could not be read or written.
    #[error("`{path}` cannot be used; check that it belongs to the user who runs the controller")]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file of sessions is not ours.
    #[error("`{path}` is not a file of sessions; move it away and everybody signs in anew")]
    Sessions {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// The system gave no random bytes.
    #[error("the system gave no random bytes: {0}")]
    Random(getrandom::Error),
}

impl ServeError {
    pub(crate) fn file(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }
}
