//! Why a hand does not run.

use std::path::PathBuf;

/// Why a hand does not start, or stopped serving. None of these mends by itself.
#[derive(Debug, thiserror::Error)]
pub enum HandError {
    /// Another hand answers on the socket.
    #[error("another hand answers on `{}`; stop it first, or give this one another data folder", socket.display())]
    Occupied {
        /// The socket.
        socket: PathBuf,
    },
    /// Another hand holds the folder.
    #[error("another hand works in `{}`; stop it first, or give this one another data folder", dir.display())]
    Locked {
        /// The folder.
        dir: PathBuf,
    },
    /// A file that the hand wrote cannot be read back.
    #[error(
        "`{}` is damaged: {why}; look at the processes named in it, then move it away and start again", path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The file system or the socket refused.
    #[error("cannot {what} `{}`", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

impl HandError {
    /// Puts what was tried, and on what, before what the system said.
    pub(crate) fn io(what: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { what, path, source }
    }
}
