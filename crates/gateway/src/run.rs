//! One gateway from start to end.

use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use dinghai_clock::Clock;
use dinghai_estate::GatewayId;
use tokio::net::UnixListener;
use tracing::info;

use crate::control::Control;
use crate::core::Core;
use crate::standing::Standing;
use crate::worker::{self, Workers};

/// Who it is and where its things lie.
#[derive(Clone, Debug)]
pub struct GatewayConfig {
    /// Its name in the estate.
    pub id: GatewayId,
    /// The folder of its state; it is made where it is missing. What it was told last is in `gateway-ID.table.json`.
    pub dir: PathBuf,
    /// Its control socket. Its owner and group may speak there.
    pub socket: PathBuf,
}

/// Why a gateway does not start, or stops.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// The state folder cannot be made.
    #[error("cannot make the folder `{}`; check its owner and permissions", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// What it was told last cannot be read. Serving without it would forget a halt and a fence.
    #[error("cannot read `{}`; restore it, or move it away to start with no table", path.display())]
    Standing {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: io::Error,
    },
    /// The threads that serve cannot be started.
    #[error("cannot start a thread for each core; look at the limit of processes (`ulimit -u`)")]
    Threads(#[source] io::Error),
    /// Another gateway answers on the socket.
    #[error("another gateway answers on `{}`; stop it first, or choose another data folder", socket.display())]
    Taken {
        /// The socket.
        socket: PathBuf,
    },
    /// The socket cannot be listened on.
    #[error("cannot listen on `{}`; check the folder's owner and permissions", socket.display())]
    Socket {
        /// The socket.
        socket: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Runs a gateway until `shutdown` resolves; requests under way then have ten seconds to end. It serves what it served
/// last as soon as it runs, and asks nobody.
pub async fn run(
    config: GatewayConfig,
    clock: Arc<dyn Clock>,
    shutdown: impl Future<Output = ()> + Send,
) -> Result<(), GatewayError> {
    let GatewayConfig { id, dir, socket } = config;
    std::fs::create_dir_all(&dir).map_err(|source| GatewayError::Folder { path: dir.clone(), source })?;
    // The socket comes first: it is what keeps a second gateway from the same file and the same ports.
    let listener = claim(&socket)?;
    let path = dir.join(format!("gateway-{id}.table.json"));
    let standing =
        Standing::load(&path).map_err(|source| GatewayError::Standing { path: path.clone(), source })?;
    let (bell, desks) = worker::desks();
    let core = Arc::new(Core::new(id, clock, bell));
    let _workers = Workers::start(&core, desks).map_err(GatewayError::Threads)?;
    info!(gateway = %core.id, socket = %socket.display(), halted = standing.halted, "gateway starts");
    let control = Control::begin(Arc::clone(&core), path, standing).await;
    let serving = axum::serve(listener, control.router());
    tokio::select! {
        ended = serving.into_future() => {
            return ended.map_err(|source| GatewayError::Socket { socket, source });
        }
        () = shutdown => {}
    }
    info!(gateway = %core.id, "gateway stops; requests under way are let to their end");
    control.drain().await;
    // Left behind it would be taken for a dead gateway's, and be removed by the next one.
    let _ = std::fs::remove_file(&socket);
    Ok(())
}

fn claim(socket: &Path) -> Result<UnixListener, GatewayError> {
    let refuse = |source| GatewayError::Socket { socket: socket.to_owned(), source };
    if let Some(folder) = socket.parent() {
        std::fs::create_dir_all(folder)
            .map_err(|source| GatewayError::Folder { path: folder.to_owned(), source })?;
    }
    if socket.exists() {
        match UnixStream::connect(socket) {
            Ok(_) => return Err(GatewayError::Taken { socket: socket.to_owned() }),
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                std::fs::remove_file(socket).map_err(refuse)?;
            }
            Err(error) => return Err(refuse(error)),
        }
    }
    let listener = UnixListener::bind(socket).map_err(refuse)?;
    std::fs::set_permissions(socket, Permissions::from_mode(0o660)).map_err(refuse)?;
    Ok(listener)
}
