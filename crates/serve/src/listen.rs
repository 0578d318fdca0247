//! Listening: the console's address, the machine's socket, the routes.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::routing::{get, post};
use axum::{Router, middleware};
use dinghai_engine::Handle;
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{oneshot, watch};

use crate::link::{self, Link, private_file};
use crate::peers::{Peer, socket_path};
use crate::sessions::Sessions;
use crate::state::State;
use crate::{Role, ServeError, acts, api, look, new_link, security, stream};

/// How the console is served.
pub struct ServeConfig {
    /// The address that is wished for; another free port of it is taken when it is in use.
    pub listen: SocketAddr,
    /// The data folder: sessions, links and the socket live there.
    pub data_dir: PathBuf,
    /// Told once the console listens.
    pub bound: oneshot::Sender<Bound>,
}

/// Where the console listens.
#[derive(Clone, Debug)]
pub struct Bound {
    /// The address.
    pub address: SocketAddr,
    /// Whether it is the one that was wished for.
    pub as_wished: bool,
    /// The first link for an administrator; only when nobody was ever given one.
    pub first_link: Option<Link>,
}

impl Bound {
    /// The console's address for people.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// Serves console and API until `shutdown` says true or its sender is gone.
pub async fn run(
    config: ServeConfig,
    handle: Handle,
    mut shutdown: watch::Receiver<bool>,
) -> Result<(), ServeError> {
    let data_dir = config.data_dir;
    let run_dir = data_dir.join("run");
    std::fs::create_dir_all(&run_dir).map_err(ServeError::file(&run_dir))?;
    let first_link = match link::any(&data_dir) {
        true => None,
        false => Some(new_link(&data_dir, Role::Admin, handle.now())?),
    };
    let tcp = bind(config.listen).await?;
    let address = tcp.local_addr().map_err(|source| ServeError::Listen { address: config.listen, source })?;
    let as_wished = config.listen.port() == 0 || address == config.listen;
    if !as_wished {
        tracing::warn!(wished = %config.listen, %address, "the console's address is taken; it listens elsewhere");
    }
    private_file(&run_dir.join("console"), format!("http://{address}\n").as_bytes())?;
    let unix = bind_socket(&data_dir)?;
    let app = app(handle, &data_dir)?;
    tracing::info!(%address, "the console listens");
    // Nobody may want to know; that is no reason to stop.
    let _ = config.bound.send(Bound { address, as_wished, first_link });

    let network = app.clone().into_make_service_with_connect_info::<Peer>();
    let machine = app.into_make_service_with_connect_info::<Peer>();
    let ended = async move {
        // A sender that is gone means the same as its word.
        let _ = shutdown.wait_for(|stop| *stop).await;
    };
    // Streams never end by themselves, so the servers are dropped, not drained.
    tokio::select! {
        served = axum::serve(tcp, network).into_future() => served.map_err(|source| ServeError::Listen { address, source })?,
        served = axum::serve(unix, machine).into_future() => served.map_err(ServeError::file(socket_path(&data_dir)))?,
        () = ended => {}
    }
    // What is left behind is cleared at the next start.
    let _ = std::fs::remove_file(socket_path(&data_dir));
    Ok(())
}

/// The address that is wished for, or any free port beside it.
async fn bind(wished: SocketAddr) -> Result<TcpListener, ServeError> {
    match TcpListener::bind(wished).await {
        Ok(listener) => Ok(listener),
        Err(source) if source.kind() == std::io::ErrorKind::AddrInUse => TcpListener::bind((wished.ip(), 0))
            .await
            .map_err(|source| ServeError::Listen { address: wished, source }),
        Err(source) => Err(ServeError::Listen { address: wished, source }),
    }
}

/// The machine's socket. One that an earlier controller left behind is replaced: no two controllers share a folder.
fn bind_socket(data_dir: &Path) -> Result<UnixListener, ServeError> {
    let path = socket_path(data_dir);
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(ServeError::file(path)(error));
        }
        _ => {}
    }
    let listener = UnixListener::bind(&path).map_err(ServeError::file(&path))?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o660))
        .map_err(ServeError::file(&path))?;
    Ok(listener)
}

/// Console and API as one service.
pub fn app(handle: Handle, data_dir: &Path) -> Result<Router, ServeError> {
    let state = State {
        handle,
        sessions: Arc::new(Sessions::open(data_dir)?),
        data_dir: Arc::new(data_dir.to_owned()),
        zone: jiff::tz::TimeZone::system(),
    };
    Ok(pages()
        .nest("/api/v1", interface())
        .fallback(look::not_found)
        .layer(middleware::from_fn(security::headers))
        .with_state(state))
}

fn pages() -> Router<State> {
    Router::new()
        .route("/", get(look::overview))
        .route("/incidents", get(look::incidents))
        .route("/incidents/{id}", get(look::room))
        .route("/incidents/{id}/review", get(look::review))
        .route("/incidents/{id}/review.md", get(look::review_markdown))
        .route("/plans", get(look::plans))
        .route("/plans/{id}", get(look::plan).post(acts::decide))
        .route("/drills", get(look::drills))
        .route("/drills/{id}", post(acts::drill))
        .route("/drills/runs/{id}", get(look::run))
        .route("/promises", get(look::promises))
        .route("/ledger", get(look::ledger))
        .route("/ledger/{seq}", get(look::entry))
        .route("/halt", get(look::halt).post(acts::halt))
        .route("/resume", post(acts::resume))
        .route("/theme", post(acts::theme))
        .route("/language", post(acts::language_choice))
        .route("/sign-in", get(look::sign_in).post(acts::sign_in))
        .route("/sign-out", post(acts::sign_out))
        .route("/events", get(stream::events))
        .route("/assets/style.css", get(look::style))
        .route("/assets/mark.svg", get(look::mark))
        .route("/assets/console.js", get(look::script))
}

fn interface() -> Router<State> {
    Router::new()
        .route("/estate", get(api::estate))
        .route("/world", get(api::world))
        .route("/incidents", get(api::incidents))
        .route("/incidents/{id}", get(api::incident))
        .route("/plans", get(api::plans))
        .route("/plans/{id}", get(api::plan))
        .route("/plans/{id}/approve", post(api::approve))
        .route("/plans/{id}/decline", post(api::decline))
        .route("/drills", get(api::drills))
        .route("/drills/{id}/run", post(api::drill))
        .route("/promises", get(api::promises))
        .route("/ledger", get(api::ledger))
        .route("/ledger/{seq}", get(api::entry))
        .route("/halt", post(api::halt))
        .route("/resume", post(api::resume))
        .route("/events", get(stream::events))
}
