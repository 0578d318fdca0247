//! `examples/nginx-three-zones`, as the guide tells it, over the nginx that Debian ships.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const DINGHAI: &str = env!("CARGO_BIN_EXE_dinghai");
const DEADLINE: Duration = Duration::from_secs(60);

/// Ports as the example has them; the test replaces them by free ones.
const GATEWAY: &str = "18100";
const ZONE_A: &str = "18101";
const PORTS: [&str; 5] = [GATEWAY, ZONE_A, "18102", "18103", "18112"];

/// A copy of the example that runs, and is stopped however the test ends.
struct Running {
    folder: tempfile::TempDir,
    ports: Vec<u16>,
    watchdog: Child,
}

impl Running {
    fn start() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let ports = free_ports(PORTS.len() + 1)?;
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/nginx-three-zones");
        copy(&example, folder.path(), &ports)?;
        let estate = folder.path().join("dinghai.yaml");
        let console = ports.last().context("there is a port for the console")?;
        let text = format!("{}\nconsole: {{ listen: 127.0.0.1:{console} }}\n", fs::read_to_string(&estate)?);
        fs::write(&estate, text)?;
        let log = File::create(folder.path().join("run.log"))?;
        let watchdog = Command::new(DINGHAI)
            .args(["run", "--data", "data"])
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        Ok(Self { folder, ports, watchdog })
    }

    fn port(&self, declared: &str) -> anyhow::Result<u16> {
        let at = PORTS.iter().position(|port| *port == declared).context("the port is of the example")?;
        self.ports.get(at).copied().context("each port has a free one")
    }

    /// What `dinghai VERB … --json` prints; none while it cannot be read yet.
    fn json(&self, verb: &[&str]) -> anyhow::Result<Option<Value>> {
        let told = self.dinghai(verb).arg("--json").output()?;
        Ok(told.status.success().then(|| serde_json::from_slice(&told.stdout)).transpose()?)
    }

    fn dinghai(&self, verb: &[&str]) -> Command {
        let mut command = Command::new(DINGHAI);
        command.args(verb).args(["--data", "data"]).current_dir(self.folder.path()).stdin(Stdio::null());
        command
    }

    /// The plans by number, with their states.
    fn plans(&self) -> anyhow::Result<Vec<(u64, String)>> {
        let plan = |plan: &Value| {
            let id = plan.pointer("/plan/id")?.as_u64()?;
            let state = plan.pointer("/state")?;
            let end = state.pointer("/ended").unwrap_or(state);
            Some((id, end.as_str()?.to_owned()))
        };
        Ok(list(self.json(&["plans"])?).iter().filter_map(plan).collect())
    }

    /// How many incidents are open.
    fn incidents(&self) -> anyhow::Result<usize> {
        Ok(list(self.json(&["incidents", "--open"])?).len())
    }

    /// Waits until an instance answers, itself and through the gateway, which meanwhile fails no request.
    async fn answers_again(&self, zone: &str, port: &str) -> anyhow::Result<()> {
        let port = self.port(port)?;
        until("the killed instance answers again, and through the gateway too", async || {
            let through = self.served().await?;
            let direct = get(port, "/healthz").await.is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"));
            Ok((direct && through.contains(&format!("hello from {zone}"))).then_some(()))
        })
        .await
    }

    /// Waits until no incident and no plan is open.
    async fn is_calm(&self) -> anyhow::Result<()> {
        until("the incident is over", async || {
            self.served().await?;
            let open = list(self.json(&["plans", "--open"])?).len();
            Ok((open == 0 && self.incidents()? == 0).then_some(()))
        })
        .await
    }

    /// The answer of the gateway, which must be whole and good.
    async fn served(&self) -> anyhow::Result<String> {
        let answer = get(self.port(GATEWAY)?, "/").await.context("the gateway broke off")?;
        ensure!(answer.starts_with("HTTP/1.1 200"), "the gateway answered: {answer}");
        Ok(answer)
    }

    /// Every process that works in the test's folder.
    fn processes(&self) -> io::Result<Vec<String>> {
        let folder = self.folder.path().canonicalize()?;
        let mut found = vec![];
        for entry in fs::read_dir("/proc")? {
            let process = entry?.path();
            // Those that are not ours to read, or ended meanwhile, are none of ours.
            if fs::read_link(process.join("cwd")).is_ok_and(|cwd| cwd.starts_with(&folder)) {
                found
                    .push(fs::read_to_string(process.join("cmdline")).unwrap_or_default().replace('\0', " "));
            }
        }
        Ok(found)
    }

    /// Kills the instance in a zone as a crash would: the master and its workers.
    fn kill(&self, zone: &str) -> anyhow::Result<()> {
        let pid = fs::read_to_string(self.folder.path().join(zone).join("nginx.pid"))?;
        let group = Pid::from_raw(pid.trim().parse()?).context("nginx wrote its process id")?;
        Ok(kill_process_group(group, Signal::KILL)?)
    }

    /// As Ctrl-C does.
    fn stop(&mut self) -> anyhow::Result<()> {
        let pid = i32::try_from(self.watchdog.id()).ok().and_then(Pid::from_raw);
        kill_process(pid.context("the watchdog has a process id")?, Signal::INT)?;
        let status = self.watchdog.wait()?;
        ensure!(status.success(), "`dinghai run` ended with {status}");
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.watchdog.try_wait().is_ok_and(|ended| ended.is_none()) {
            eprintln!("{}", fs::read_to_string(self.folder.path().join("run.log")).unwrap_or_default());
            self.stop().ok();
        }
    }
}

fn free_ports(count: usize) -> io::Result<Vec<u16>> {
    let held: Vec<_> =
        (0..count).map(|_| std::net::TcpListener::bind("127.0.0.1:0")).collect::<io::Result<_>>()?;
    held.iter().map(|listener| Ok(listener.local_addr()?.port())).collect()
}

fn copy(from: &Path, to: &Path, ports: &[u16]) -> anyhow::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let to: PathBuf = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            fs::create_dir_all(&to)?;
            copy(&entry.path(), &to, ports)?;
        } else if let Ok(text) = fs::read_to_string(entry.path()) {
            let text =
                PORTS.iter().zip(ports).fold(text, |text, (from, to)| text.replace(from, &to.to_string()));
            fs::write(&to, text)?;
        }
    }
    Ok(())
}

async fn get(port: u16, path: &str) -> io::Result<String> {
    let exchange = async {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
        let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok(answer)
    };
    tokio::time::timeout(Duration::from_secs(20), exchange).await.unwrap_or_else(|late| Err(late.into()))
}

/// Looks again and again until there is something, or the deadline has passed.
async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> anyhow::Result<Option<T>>) -> anyhow::Result<T> {
    let wait = async {
        loop {
            if let Some(found) = look().await? {
                return Ok(found);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    match tokio::time::timeout(DEADLINE, wait).await {
        Ok(found) => found,
        Err(_) => bail!("{what}: not within {DEADLINE:?}"),
    }
}

fn list(told: Option<Value>) -> Vec<Value> {
    told.and_then(|told| told.as_array().cloned()).unwrap_or_default()
}

#[tokio::test]
async fn a_killed_nginx_is_mended_with_approval_and_after_a_drill_without() -> anyhow::Result<()> {
    ensure!(Path::new("/usr/sbin/nginx").exists(), "nginx is missing; `cargo xtask setup` installs it");
    let mut running = Running::start()?;
    let zones = until("all three zones answer through the gateway", {
        let mut zones = std::collections::BTreeSet::new();
        let running = &running;
        async move || {
            if let Ok(answer) = running.served().await {
                zones.extend(
                    answer.lines().find_map(|line| line.strip_prefix("hello from ")).map(str::to_owned),
                );
            }
            Ok((zones.len() == 3).then(|| zones.clone()))
        }
    })
    .await?;
    ensure!(zones.iter().any(|zone| zone.starts_with("zone-a")), "{zones:?}");

    running.kill("zone-a")?;

    // From here on no request may fail: each of them is idempotent, and two zones stand.
    let plan = until("a plan to mend it waits for a person", async || {
        running.served().await?;
        let waiting = running.plans()?.into_iter().find(|(_, state)| state == "waiting");
        Ok(waiting.map(|(id, _)| id))
    })
    .await?;
    ensure!(running.incidents()? == 1, "there is a plan but no incident");

    let approved = running.dinghai(&["approve", &plan.to_string()]).output()?;
    ensure!(approved.status.success(), "{}", String::from_utf8_lossy(&approved.stderr));
    running.answers_again("zone-a", ZONE_A).await?;
    running.is_calm().await?;

    // A drill with consent shows that Dinghai can mend it, and earns `auto`.
    let drill = running.dinghai(&["drill", "run", "instance-loss", "--consent", "--json"]);
    let drill = tokio::process::Command::from(drill).output();
    let mut drill = std::pin::pin!(drill);
    let drill = loop {
        tokio::select! {
            ended = &mut drill => break ended?,
            () = tokio::time::sleep(Duration::from_millis(20)) => drop(running.served().await?),
        }
    };
    ensure!(
        drill.status.success(),
        "{}{}",
        String::from_utf8_lossy(&drill.stdout),
        String::from_utf8_lossy(&drill.stderr)
    );
    running.is_calm().await?;

    let before = running.plans()?.len();
    running.kill("zone-a")?;
    running.answers_again("zone-a", ZONE_A).await?;
    running.is_calm().await?;
    let plans = running.plans()?;
    ensure!(plans.len() > before && plans.last().is_some_and(|(_, state)| state == "done"), "{plans:?}");
    let verified = running.dinghai(&["ledger", "verify"]).output()?;
    ensure!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));

    running.stop()?;
    ensure!(running.processes()?.is_empty(), "left behind: {:?}", running.processes()?);
    Ok(())
}
