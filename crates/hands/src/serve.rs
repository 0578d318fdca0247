//! The hand's control socket.

use std::fs::{self, File, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use dinghai_clock::Clock;
use dinghai_record::{Order, Reason};
use dinghai_wire::{Charge, Fenced, HaltRequest, Refusal};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::UnixListener;
use tokio::sync::Notify;

use crate::HandError;
use crate::hand::Hand;

/// A charge of fifty thousand instances fits.
const LARGEST_BODY: usize = 64 * 1024 * 1024;

/// How long orders in hand may take to end when the hand is told to.
const LAST_ORDERS: Duration = Duration::from_secs(5);

/// How long another hand that was just killed may hold the folder.
const LOCK_PATIENCE: Duration = Duration::from_secs(1);

/// Where a hand keeps its things and listens.
#[derive(Clone, Debug)]
pub struct HandConfig {
    /// Its folder, which belongs to it alone. It is created when missing.
    pub dir: PathBuf,
    /// The control socket, made readable and writable for owner and group (mode 0660).
    pub socket: PathBuf,
    /// The program that is run as `LAUNCHER session-exec -- PROGRAM …` and calls [`crate::session_exec`].
    pub launcher: PathBuf,
}

/// Serves as a hand until `shutdown`. The processes in its charge run on and are adopted by the next hand in the folder.
///
/// # Errors
/// When another hand answers or holds the folder, when a file it kept is damaged, or when the system refuses.
pub async fn run(
    config: HandConfig,
    clock: Arc<dyn Clock>,
    shutdown: impl Future<Output = ()> + Send,
) -> Result<(), HandError> {
    fs::create_dir_all(&config.dir).map_err(HandError::io("create", &config.dir))?;
    refuse_beside_another(&config.socket)?;
    let _lock = lock(&config.dir).await?;
    // Processes have their own folders, from which a relative path would lead elsewhere.
    let launcher = std::path::absolute(&config.launcher).map_err(HandError::io("find", &config.launcher))?;
    let hand = Hand::open(&config.dir, launcher, clock).await?;
    let listener = listen(&config.socket)?;
    tracing::info!(socket = %config.socket.display(), "the hand listens");

    let stopping = Arc::new(Notify::new());
    let stopped = Arc::clone(&stopping);
    let server = axum::serve(listener, router(Arc::clone(&hand)))
        .with_graceful_shutdown(async move { stopped.notified().await });
    let last_orders = async {
        shutdown.await;
        stopping.notify_one();
        tokio::time::sleep(LAST_ORDERS).await;
    };
    let served = tokio::select! {
        served = server.into_future() => served.map_err(HandError::io("serve on", &config.socket)),
        () = last_orders => Ok(()),
        () = hand.faults.keep_leases() => Ok(()),
        () = hand.supervisor.turn_files_over() => Ok(()),
    };
    hand.supervisor.close();
    let _ = fs::remove_file(&config.socket);
    served
}

/// One hand to a folder. The lock goes with the process, however that ends.
async fn lock(dir: &Path) -> Result<File, HandError> {
    let path = dir.join("lock");
    let file = File::create(&path).map_err(HandError::io("create", &path))?;
    let locked = async {
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(()),
                Err(TryLockError::WouldBlock) => tokio::time::sleep(Duration::from_millis(20)).await,
                Err(TryLockError::Error(error)) => return Err(HandError::io("lock", &path)(error)),
            }
        }
    };
    match tokio::time::timeout(LOCK_PATIENCE, locked).await {
        Ok(locked) => locked.map(|()| file),
        Err(_) => Err(HandError::Locked { dir: dir.to_path_buf() }),
    }
}

/// A socket on which nobody answers was left by a hand that was killed, and is removed.
fn refuse_beside_another(socket: &Path) -> Result<(), HandError> {
    match fs::symlink_metadata(socket) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(HandError::io("look at", socket)(error)),
        Ok(file) if !file.file_type().is_socket() => {
            return Err(HandError::io("listen on", socket)(io::ErrorKind::AlreadyExists.into()));
        }
        Ok(_) => {}
    }
    match std::os::unix::net::UnixStream::connect(socket) {
        Ok(_) => Err(HandError::Occupied { socket: socket.to_path_buf() }),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            fs::remove_file(socket).map_err(HandError::io("remove", socket))
        }
        Err(error) => Err(HandError::io("ask", socket)(error)),
    }
}

fn listen(socket: &Path) -> Result<UnixListener, HandError> {
    if let Some(folder) = socket.parent() {
        fs::create_dir_all(folder).map_err(HandError::io("create", folder))?;
    }
    let listener = UnixListener::bind(socket).map_err(HandError::io("listen on", socket))?;
    fs::set_permissions(socket, Permissions::from_mode(0o660))
        .map_err(HandError::io("open to the group", socket))?;
    Ok(listener)
}

fn router(hand: Arc<Hand>) -> Router {
    Router::new()
        .route("/charge", put(charge))
        .route("/orders", post(perform))
        .route("/orders/look", post(look))
        .route("/state", get(async |State(hand): State<Arc<Hand>>| answer(Ok(hand.state()))))
        .route("/halt", post(halt))
        .route("/resume", post(resume))
        .route("/dismiss", post(dismiss))
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .with_state(hand)
}

async fn charge(State(hand): State<Arc<Hand>>, body: Bytes) -> Response {
    whole(async move { hand.put_charge(read::<Fenced<Charge>>(&body)?).await }).await
}

async fn perform(State(hand): State<Arc<Hand>>, body: Bytes) -> Response {
    whole(async move { hand.perform(&read::<Order>(&body)?).await }).await
}

async fn look(State(hand): State<Arc<Hand>>, body: Bytes) -> Response {
    whole(async move { hand.look(&read::<Order>(&body)?).await }).await
}

async fn halt(State(hand): State<Arc<Hand>>, body: Bytes) -> Response {
    whole(async move {
        let request: HaltRequest = read(&body)?;
        tracing::warn!(reason = request.reason, "halted");
        hand.rules.halt(request.reason).await
    })
    .await
}

async fn resume(State(hand): State<Arc<Hand>>, body: Bytes) -> Response {
    whole(async move {
        let request: HaltRequest = read(&body)?;
        tracing::warn!(reason = request.reason, "resumed");
        hand.rules.resume().await
    })
    .await
}

async fn dismiss(State(hand): State<Arc<Hand>>) -> Response {
    tracing::warn!("dismissed: every process in charge is stopped");
    whole(async move { hand.dismiss().await }).await
}

/// Does it whole, also when the one who asked goes away meanwhile.
async fn whole<A: Serialize + Send + 'static>(
    act: impl Future<Output = Result<A, Refusal>> + Send + 'static,
) -> Response {
    let lost = |error| Err(Refusal::Failed(Reason::new("hand-failed").with("why", error)));
    answer(tokio::spawn(act).await.unwrap_or_else(lost))
}

fn read<B: DeserializeOwned>(body: &[u8]) -> Result<B, Refusal> {
    serde_json::from_slice(body)
        .map_err(|error| Refusal::Refused(Reason::new("not-understood").with("why", error)))
}

fn answer<A: Serialize>(answer: Result<A, Refusal>) -> Response {
    let (status, body) = match &answer {
        Ok(answer) => (200, serde_json::to_vec(answer)),
        Err(refusal) => (refusal.status(), serde_json::to_vec(refusal)),
    };
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    match body {
        Ok(body) => (status, [(header::CONTENT_TYPE, "application/json")], body).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}
