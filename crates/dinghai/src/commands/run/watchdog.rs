//! Laptop mode: controller, gateways and hand of one estate, each its own process, and a watchdog that starts whichever
//! is not there.
//!
//! A unit opens its own session and writes to a file, so it outlives the watchdog; a watchdog that comes back finds it
//! by its control socket and leaves it alone. Only Ctrl-C (or SIGTERM) to the watchdog stops the units.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::process::{Child, Command};
use tracing::{info, warn};

use super::listener;

/// How often a unit that we did not start ourselves is looked for.
const LOOK: Duration = Duration::from_millis(250);

/// The pause before a unit that died is started again, at first and at most; it doubles in between and falls back to
/// the first after [`STEADY`].
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// A unit that ran this long was well.
const STEADY: Duration = Duration::from_secs(30);

/// How long a unit may take to end when it is asked to.
const GRACE: Duration = Duration::from_secs(15);

/// How much of a log's end is looked at for its last line, in bytes.
const LAST_WORDS: u64 = 4096;

/// One process that the watchdog keeps running.
#[derive(Clone, Debug)]
pub(crate) struct Unit {
    /// Its name, such as `gateway public`.
    pub(crate) name: String,
    /// Its arguments to this program.
    pub(crate) arguments: Vec<String>,
    /// Where it answers.
    pub(crate) socket: PathBuf,
    /// Where its output goes.
    pub(crate) log: PathBuf,
}

/// Takes the data folder for this watchdog; what is returned holds it.
pub(crate) fn claim(data: &Path) -> anyhow::Result<File> {
    let path = data.join("run/watchdog.lock");
    let mut lock = OpenOptions::new()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .open(&path)
        .with_context(|| format!("cannot write `{}`", path.display()))?;
    match lock.try_lock() {
        Ok(()) => {
            lock.set_len(0)?;
            lock.write_all(std::process::id().to_string().as_bytes())?;
            Ok(lock)
        }
        Err(TryLockError::WouldBlock) => {
            let mut pid = String::new();
            lock.read_to_string(&mut pid)?;
            bail!(
                "another `dinghai run` (process {pid}) works in `{}`; end it first, or name another folder with `--data`",
                data.display()
            )
        }
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("cannot lock `{}`", path.display()))
        }
    }
}

/// Keeps the unit running until `stop` says so, then ends it if it is ours to end.
pub(crate) async fn keep(unit: Unit, mut stop: tokio::sync::watch::Receiver<bool>) -> anyhow::Result<()> {
    let mut pause = PAUSES.0;
    loop {
        if let Some(pid) = listener(&unit.socket).await {
            tokio::select! {
                () = tokio::time::sleep(LOOK) => continue,
                () = told_to(&mut stop) => {
                    end_adopted(pid).await;
                    return Ok(());
                }
            }
        }
        let begun = tokio::time::Instant::now();
        match start(&unit) {
            Ok(mut child) => {
                info!(unit = unit.name, pid = child.id(), "started");
                tokio::select! {
                    status = child.wait() => tell_end(&unit, status),
                    () = told_to(&mut stop) => return end(&unit, child).await,
                }
            }
            Err(error) => warn!(unit = unit.name, error = format!("{error:#}"), "cannot start; trying again"),
        }
        if begun.elapsed() >= STEADY {
            pause = PAUSES.0;
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = told_to(&mut stop) => return Ok(()),
        }
        pause = (pause * 2).min(PAUSES.1);
    }
}

/// Ends when the unit is to be stopped, also because nobody is left to say so.
async fn told_to(stop: &mut tokio::sync::watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

/// Says that a unit ended, with the last thing that it wrote: most often why.
fn tell_end(unit: &Unit, status: std::io::Result<ExitStatus>) {
    let status = status.map_or_else(|error| error.to_string(), |status| status.to_string());
    let last = last_line(&unit.log).unwrap_or_default();
    warn!(unit = unit.name, status, log = %unit.log.display(), last, "ended by itself; starting it again");
}

fn last_line(log: &Path) -> Option<String> {
    let mut file = File::open(log).ok()?;
    let end = file.metadata().ok()?.len();
    file.seek(SeekFrom::Start(end.saturating_sub(LAST_WORDS))).ok()?;
    let mut words = vec![];
    file.read_to_end(&mut words).ok()?;
    String::from_utf8_lossy(&words).lines().rfind(|line| !line.trim().is_empty()).map(str::to_owned)
}

fn start(unit: &Unit) -> anyhow::Result<Child> {
    let program = std::env::current_exe().context("cannot find this program's own file")?;
    let log = OpenOptions::new()
        .create(true)
        .append(true)
        .open(&unit.log)
        .with_context(|| format!("cannot write `{}`", unit.log.display()))?;
    Command::new(program)
        .args(&unit.arguments)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()
        .with_context(|| format!("cannot start the {}", unit.name))
}

async fn end(unit: &Unit, mut child: Child) -> anyhow::Result<()> {
    if let Some(pid) = child.id().and_then(|pid| i32::try_from(pid).ok()) {
        signal(pid, rustix::process::Signal::TERM);
    }
    if tokio::time::timeout(GRACE, child.wait()).await.is_err() {
        warn!(unit = unit.name, "does not end; killed");
        child.kill().await?;
    }
    Ok(())
}

/// Ends a unit that an earlier watchdog started.
async fn end_adopted(pid: i32) {
    signal(pid, rustix::process::Signal::TERM);
    let deadline = tokio::time::Instant::now() + GRACE;
    while Path::new(&format!("/proc/{pid}")).exists() {
        if tokio::time::Instant::now() >= deadline {
            return signal(pid, rustix::process::Signal::KILL);
        }
        tokio::time::sleep(LOOK).await;
    }
}

fn signal(pid: i32, signal: rustix::process::Signal) {
    if let Some(pid) = rustix::process::Pid::from_raw(pid) {
        // It may have ended in the meantime, which is what was wanted.
        let _ = rustix::process::kill_process(pid, signal);
    }
}
