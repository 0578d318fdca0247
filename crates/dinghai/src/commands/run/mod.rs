//! `dinghai run`: keep an estate standing.
//!
//! Without `--role` it is the laptop mode: a watchdog that runs controller, gateways and hand as processes of their own.
//! With `--role` it is one of them, for systemd units and Kubernetes workloads.

mod controller;
mod news;
mod watchdog;

use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use dinghai_clock::SystemClock;
use dinghai_engine::Sockets;
use dinghai_estate::{Estate, GatewayId};
use dinghai_wire::{UnixClient, WireError};
use tokio::signal::unix::{SignalKind, signal};

use super::source::Source;
pub(crate) use controller::console;
use watchdog::Unit;

/// The longest path that a Unix socket can have (`sun_path`, unix(7)), less the final zero byte.
const LONGEST_SOCKET_PATH: usize = 107;

/// Keep an estate standing.
///
/// Starts a controller with its console, the estate's gateways and a hand, each as a process of its own, and starts
/// whichever dies again. Plans are only taken as far as each service has granted it.
#[derive(Debug, clap::Args)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    source: Source,
    /// Where ledger, sockets and logs are kept.
    #[arg(long, env = "DINGHAI_DATA", default_value = ".dinghai", value_name = "DIR")]
    data: PathBuf,
    /// Be one of the processes, not all.
    #[arg(long, value_enum)]
    role: Option<Role>,
    /// Which gateway of the estate to be, with `--role gateway`.
    #[arg(long, value_name = "ID")]
    gateway: Option<String>,
    /// Run in a session of its own, as the watchdog starts its units.
    #[arg(long, hide = true)]
    own_session: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Role {
    /// Ledger, decisions and console.
    Controller,
    /// The traffic path.
    Gateway,
    /// The only process that changes the world.
    Hand,
}

pub(crate) fn run(args: &RunArgs) -> anyhow::Result<ExitCode> {
    if args.own_session {
        rustix::process::setsid().context("cannot open a session")?;
    }
    let data = std::path::absolute(&args.data)?;
    let sockets = Sockets::under(&data);
    match args.role {
        None => laptop(args, &data),
        Some(Role::Controller) => {
            let Some(estate) = args.source.load()? else { return Ok(ExitCode::from(2)) };
            make_folder(&data)?;
            let folder = args.source.folder()?;
            block_on(2, controller::run(estate, &folder, &data))
        }
        Some(Role::Gateway) => {
            let Some(id) = &args.gateway else { bail!("say which gateway with `--gateway ID`") };
            if id.is_empty() || id.contains(['/', '\0']) {
                bail!(
                    "`{id}` is not the name of a gateway; take one that stands under `gateways` in the estate"
                );
            }
            make_folder(&data)?;
            let id = GatewayId::new(id);
            let config = dinghai_gateway::GatewayConfig {
                socket: sockets.gateway(&id),
                dir: data.join("gateway"),
                id,
            };
            let clock = Arc::new(SystemClock::new());
            block_on(2, async { Ok(dinghai_gateway::run(config, clock, asked_to_stop()).await?) })
        }
        Some(Role::Hand) => {
            make_folder(&data)?;
            let config = dinghai_hands::HandConfig {
                dir: data.join("hand"),
                socket: sockets.hand(),
                launcher: std::env::current_exe()?,
            };
            let clock = Arc::new(SystemClock::new());
            block_on(1, async { Ok(dinghai_hands::run(config, clock, asked_to_stop()).await?) })
        }
    }
}

/// Makes the data folder where it is missing, for its owner and the operators' group only: what programs print may be
/// confidential.
fn make_folder(data: &Path) -> anyhow::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o750).create(data.join("run")).with_context(|| {
        format!("cannot make `{}`; name a folder that you may write with `--data`", data.display())
    })
}

fn block_on(threads: usize, work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build()?;
    runtime.block_on(work)?;
    Ok(ExitCode::SUCCESS)
}

/// Ends with the first SIGINT or SIGTERM.
pub(crate) async fn asked_to_stop() {
    match (signal(SignalKind::interrupt()), signal(SignalKind::terminate())) {
        (Ok(mut interrupt), Ok(mut terminate)) => {
            tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
        }
        // Without signals there is only SIGKILL.
        _ => std::future::pending().await,
    }
}

fn laptop(args: &RunArgs, data: &Path) -> anyhow::Result<ExitCode> {
    let Some(estate) = args.source.load()? else { return Ok(ExitCode::from(2)) };
    let sockets = Sockets::under(data);
    let longest = estate.gateways.keys().map(|id| sockets.gateway(id)).chain([sockets.controller()]);
    for socket in longest {
        if socket.as_os_str().len() > LONGEST_SOCKET_PATH {
            bail!(
                "`{}` is longer than a socket's path can be ({LONGEST_SOCKET_PATH} bytes); choose a shorter `--data`",
                socket.display()
            );
        }
    }
    make_folder(data)?;
    // Held until the end: a second watchdog would end our units with its own.
    let _claim = watchdog::claim(data)?;
    let units = units(args, &estate, data)?;
    block_on(1, keep_all(units, &estate, data))
}

fn units(args: &RunArgs, estate: &Estate, data: &Path) -> anyhow::Result<Vec<Unit>> {
    let sockets = Sockets::under(data);
    let logs = data.join("log");
    std::fs::create_dir_all(&logs)?;
    let config = std::path::absolute(args.source.path())?;
    let common = |role: &str| {
        let mut arguments: Vec<String> = ["run", "--own-session", "--role", role].map(str::to_owned).into();
        arguments.extend(["--data".to_owned(), data.display().to_string()]);
        arguments
    };
    let mut units = vec![Unit {
        name: "hand".to_owned(),
        arguments: common("hand"),
        socket: sockets.hand(),
        log: logs.join("hand.log"),
    }];
    for id in estate.gateways.keys() {
        let mut arguments = common("gateway");
        arguments.extend(["--gateway".to_owned(), id.to_string()]);
        units.push(Unit {
            name: format!("gateway {id}"),
            arguments,
            socket: sockets.gateway(id),
            log: logs.join(format!("gateway-{id}.log")),
        });
    }
    let mut arguments = common("controller");
    arguments.push(config.display().to_string());
    units.push(Unit {
        name: "controller".to_owned(),
        arguments,
        socket: sockets.controller(),
        log: logs.join("controller.log"),
    });
    Ok(units)
}

/// Keeps all units running until Ctrl-C, then ends them: the controller first, and the hand, with the processes in its
/// charge, last.
async fn keep_all(units: Vec<Unit>, estate: &Estate, data: &Path) -> anyhow::Result<()> {
    let mut keepers = vec![];
    for unit in units {
        let (stop, stopped) = tokio::sync::watch::channel(false);
        keepers.push((stop, tokio::spawn(watchdog::keep(unit, stopped))));
    }
    tokio::select! {
        () = asked_to_stop() => {}
        () = news::tell(estate, data) => {}
    }
    eprintln!("stopping");
    for (place, (stop, keeper)) in keepers.into_iter().enumerate().rev() {
        if place == 0 {
            dismiss(&Sockets::under(data).hand()).await;
        }
        let _ = stop.send(true);
        keeper.await??;
    }
    Ok(())
}

/// Tells a hand to stop every process in its charge. One that does not answer has nobody to tell.
pub(crate) async fn dismiss(hand: &Path) {
    let answer: Result<serde_json::Value, WireError> =
        UnixClient::new(hand).send("POST", "/dismiss", &serde_json::json!({}), Duration::from_secs(30)).await;
    if let Err(error) = answer {
        tracing::warn!(%error, "the hand did not stop its processes");
    }
}

/// The process that listens on a unit's socket, by the socket's credentials (`SO_PEERCRED`, unix(7)).
pub(crate) async fn listener(socket: &Path) -> Option<i32> {
    tokio::net::UnixStream::connect(socket).await.ok()?.peer_cred().ok()?.pid()
}
