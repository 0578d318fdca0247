//! Where the demo runs: one folder for each user, one demo in it at a time, and nothing left behind.

use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};

/// The demo's folder.
pub(crate) struct Ground {
    folder: PathBuf,
}

/// Whose folder it is: written before anything is started in it.
#[derive(Serialize, Deserialize)]
struct Claim {
    pid: u32,
    /// The watchdog, once it was started.
    watchdog: Option<u32>,
}

impl Ground {
    /// The folder of this user's demo.
    pub(crate) fn of_this_user() -> Self {
        let user = rustix::process::getuid().as_raw();
        Self { folder: std::env::temp_dir().join(format!("dinghai-demo-{user}")) }
    }

    /// Takes the folder, which must hold no other demo.
    pub(crate) fn claim(&self) -> anyhow::Result<()> {
        if let Some(claim) = self.read_claim() {
            if is_demo(claim.pid) {
                bail!(
                    "a demo runs already, as process {}; end it with Ctrl-C there, or with `dinghai demo --clean`",
                    claim.pid
                );
            }
            bail!(
                "a demo that was killed has left its processes in `{}`; remove them with `dinghai demo --clean`",
                self.folder.display()
            );
        }
        let made = fs::DirBuilder::new().mode(0o700).create(&self.folder);
        // A folder that is there already and is not a demo's may be somebody else's: it is not used.
        made.with_context(|| format!("cannot make `{}`; remove it if it is yours", self.folder.display()))?;
        self.write_claim(None)
    }

    /// Notes who is to be stopped if we are killed.
    pub(crate) fn note_watchdog(&self, pid: Option<u32>) -> anyhow::Result<()> {
        self.write_claim(pid)
    }

    /// The estate's file.
    pub(crate) fn estate(&self) -> PathBuf {
        self.folder.join("dinghai.yaml")
    }

    /// The data folder.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// Where the watchdog's own words go.
    pub(crate) fn log(&self) -> PathBuf {
        self.folder.join("run.log")
    }

    /// Stops what a demo left running and removes its folder. Says what it did; nothing to do is well too.
    pub(crate) async fn clean(&self) -> anyhow::Result<Vec<String>> {
        let mut did = vec![];
        let Some(claim) = self.read_claim() else {
            return Ok(did);
        };
        for (pid, name) in [(Some(claim.pid), "demo"), (claim.watchdog, "watchdog")] {
            if let Some(pid) = pid.filter(|pid| *pid != std::process::id() && is_demo(*pid)) {
                end(pid, rustix::process::Signal::INT, Duration::from_secs(20)).await;
                did.push(format!("stopped the {name}, process {pid}"));
            }
        }
        did.extend(self.end_units().await);
        fs::remove_dir_all(&self.folder)
            .with_context(|| format!("cannot remove `{}`", self.folder.display()))?;
        did.push(format!("removed {}", self.folder.display()));
        Ok(did)
    }

    /// Ends units that outlived their watchdog, the hand last: it is told to stop the shop's processes first.
    async fn end_units(&self) -> Vec<String> {
        let mut did = vec![];
        let run = self.data().join("run");
        let mut sockets: Vec<PathBuf> = fs::read_dir(&run)
            .map(|entries| entries.filter_map(|entry| Some(entry.ok()?.path())).collect())
            .unwrap_or_default();
        sockets.retain(|path| path.extension().is_some_and(|extension| extension == "sock"));
        sockets.sort_by_key(|path| path.ends_with("hand.sock"));
        for socket in sockets {
            let pid = super::super::run::listener(&socket).await;
            if let Some(pid) = pid.and_then(|pid| u32::try_from(pid).ok()) {
                if socket.ends_with("hand.sock") {
                    super::super::run::dismiss(&socket).await;
                }
                end(pid, rustix::process::Signal::TERM, Duration::from_secs(10)).await;
                did.push(format!("stopped {}, process {pid}", name_of(&socket)));
            }
        }
        did
    }

    fn read_claim(&self) -> Option<Claim> {
        serde_json::from_slice(&fs::read(self.folder.join("demo.json")).ok()?).ok()
    }

    fn write_claim(&self, watchdog: Option<u32>) -> anyhow::Result<()> {
        let claim = Claim { pid: std::process::id(), watchdog };
        fs::write(self.folder.join("demo.json"), serde_json::to_vec(&claim)?)?;
        Ok(())
    }
}

fn name_of(socket: &Path) -> String {
    socket.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Whether the process with this id is one of ours: its program is this program.
fn is_demo(pid: u32) -> bool {
    let own =
        std::env::current_exe().ok().and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned()));
    let theirs = fs::read_link(format!("/proc/{pid}/exe")).ok();
    let theirs = theirs.and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned()));
    // A program that was built anew in the meantime is shown with ` (deleted)` behind its name.
    own.zip(theirs).is_some_and(|(own, theirs)| theirs.trim_end_matches(" (deleted)") == own)
}

async fn end(pid: u32, signal: rustix::process::Signal, within: Duration) {
    let Some(id) = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw) else { return };
    // A process that has ended by itself needs no signal.
    let _ = rustix::process::kill_process(id, signal);
    let deadline = tokio::time::Instant::now() + within;
    while is_demo(pid) {
        if tokio::time::Instant::now() >= deadline {
            let _ = rustix::process::kill_process(id, rustix::process::Signal::KILL);
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
