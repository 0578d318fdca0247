//! The controller: ledger, engine and console in one process.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use async_trait::async_trait;
use dinghai_clock::{Clock, SystemClock};
use dinghai_engine::{HaltReport, Halter, OBSERVATIONS, Parts, Sockets, keep_units};
use dinghai_estate::Estate;
use dinghai_ledger::SqliteLedger;
use dinghai_serve::{Bound, ServeConfig};
use dinghai_wire::UnixClient;
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot, watch};
use tracing::{info, warn};

use crate::commands::output::put;
use crate::commands::reading::estate_file;

/// Runs until it is told to stop, or loses its lease.
pub(crate) async fn run(estate: Estate, folder: &Path, data: &Path) -> anyhow::Result<()> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let sockets = Sockets::under(data);
    let estate = Arc::new(estate);
    let ledger = SqliteLedger::open(data, clock.clone()).await?;
    let fence = ledger.fence().clone();
    write_estate(data, &estate)?;
    let actuator =
        dinghai_hands::Actuators::new(sockets.folder(), estate.gateways.keys().cloned(), clock.clone());
    let (sink, observations) = mpsc::channel(OBSERVATIONS);
    let parts = Parts {
        estate: estate.clone(),
        store: Arc::new(ledger),
        fence: fence.clone(),
        actuator: Arc::new(actuator),
        halter: Arc::new(UnitHalter { run: sockets.folder().to_owned() }),
        observations,
        clock: clock.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let running = dinghai_engine::start(parts).await?;

    let mut watchers = dinghai_observe::probe_estate(&estate, &clock, &sink, fence.lease);
    for id in estate.gateways.keys() {
        let client = UnixClient::new(sockets.gateway(id));
        watchers.spawn(dinghai_observe::watch_gateway(id.clone(), client, clock.clone(), sink.clone()));
    }
    watchers.spawn(dinghai_observe::watch_hand(UnixClient::new(sockets.hand()), clock.clone(), sink));
    let _upkeep = keep_units(&running.handle, &fence, &sockets, folder);

    let (stop, stopped) = watch::channel(false);
    let (bound, address) = oneshot::channel();
    let config = ServeConfig { listen: estate.console.listen, data_dir: data.to_owned(), bound };
    tokio::select! {
        served = dinghai_serve::run(config, running.handle, stopped) => served.context("the console stopped")?,
        ended = running.task => ended??,
        () = announce(data, address) => {}
        () = super::asked_to_stop() => {}
    }
    // What is being answered is let to its end by the console; plans stay as the ledger has them.
    let _ = stop.send(true);
    Ok(())
}

/// Where the console is, for the watchdog and for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Console {
    /// Its address.
    pub(crate) url: String,
    /// Whether it is the address that the estate asks for.
    pub(crate) as_wished: bool,
    /// The link that signs the first person in, once.
    pub(crate) first_link: Option<String>,
}

impl Console {
    /// What a person is told of it.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!("console: {}", self.url)];
        if !self.as_wished {
            lines.push("  NOT at the port that the estate asks for: something else listens there".to_owned());
        }
        lines.extend(self.first_link.iter().map(|link| format!("sign in once with: {link}")));
        lines
    }
}

/// Where the console of this data folder was last.
pub(crate) fn console(data: &Path) -> Option<Console> {
    serde_json::from_slice(&std::fs::read(data.join("run/console.json")).ok()?).ok()
}

/// Writes down where the console is, for the owner's eyes only; never ends.
async fn announce(data: &Path, address: oneshot::Receiver<Bound>) {
    if let Ok(bound) = address.await {
        let url = bound.url();
        let first_link = bound.first_link.map(|link| format!("{url}{}", link.path));
        let console = Console { url, as_wished: bound.as_wished, first_link };
        if let Err(error) = write_console(data, &console) {
            warn!(%error, "cannot write down where the console is");
        }
        info!(url = console.url, "console listens");
    }
    std::future::pending().await
}

fn write_console(data: &Path, console: &Console) -> anyhow::Result<()> {
    let file = data.join("run/console.json");
    // Made anew, so that nobody holds an older one open.
    match std::fs::remove_file(&file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    let mut open = OpenOptions::new();
    open.write(true).create_new(true).mode(0o600).open(&file)?.write_all(&serde_json::to_vec(console)?)?;
    Ok(())
}

/// Keeps the estate in force beside the ledger, for the verbs that read without a controller.
fn write_estate(data: &Path, estate: &Estate) -> anyhow::Result<()> {
    let file = estate_file(data);
    put(&file, &serde_json::to_vec(estate)?).with_context(|| format!("cannot write `{}`", file.display()))
}

/// Halts the units whose control sockets are here.
struct UnitHalter {
    run: PathBuf,
}

#[async_trait]
impl Halter for UnitHalter {
    async fn halt(&self, halted: bool, reason: &str) -> HaltReport {
        let sockets = match dinghai_hands::control_sockets(&self.run) {
            Ok(sockets) => sockets,
            Err(error) => {
                let unit = self.run.display().to_string();
                return HaltReport { reached: vec![], unreached: vec![(unit, error.to_string())] };
            }
        };
        let answers = if halted {
            dinghai_hands::halt_units(sockets, reason).await
        } else {
            dinghai_hands::resume_units(sockets, reason).await
        };
        let mut report = HaltReport::default();
        for (unit, answer) in answers {
            match answer {
                Ok(state) if state.halted == halted => report.reached.push(unit),
                Ok(_) => report.unreached.push((unit, "it answered, and did not obey".to_owned())),
                Err(error) => report.unreached.push((unit, error.to_string())),
            }
        }
        report
    }
}
