//! A yard in which a hand works as a process of its own, and which leaves nothing behind.

#![allow(dead_code, unreachable_pub, reason = "each test file uses a part of it")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "it is part of tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use dinghai_clock::{Clock, SystemClock, Timestamp};
use dinghai_estate::{Address, InstanceId, Restart, Run};
use dinghai_record::{Action, Fence, Looked, Order, Performed, PlanId, ProcessState, Reason, Seq, StepNo};
use dinghai_wire::{Charge, Charged, Fenced, HandState, Refusal, UnixClient, WireError};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

pub const LONG: Duration = Duration::from_secs(30);

pub struct Yard {
    folder: TempDir,
    hand: Option<Child>,
    orders: u64,
    pub lease: u64,
}

impl Yard {
    /// A yard whose hand runs and has these instances in charge.
    pub async fn with(instances: impl IntoIterator<Item = (&'static str, Charged)>) -> Self {
        let mut yard = Self { folder: tempfile::tempdir().unwrap(), hand: None, orders: 0, lease: 1 };
        yard.start_hand().await;
        yard.charge(instances, &[]).await.unwrap();
        yard
    }

    pub fn dir(&self) -> PathBuf {
        self.folder.path().join("hand")
    }

    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("run/hand.sock")
    }

    pub fn client(&self) -> UnixClient {
        UnixClient::new(self.socket())
    }

    /// While this file exists, the next launcher kills the hand first.
    pub fn kill_switch(&self) -> PathBuf {
        self.folder.path().join("kill-hand")
    }

    fn mark(&self) -> String {
        format!("YARD={}", self.folder.path().display())
    }

    pub fn hand_command(&self) -> Command {
        let mut command = Command::new(hand_program());
        command.arg(self.dir()).arg(self.socket()).stdin(Stdio::null()).stdout(Stdio::null());
        command.env("KILL_HAND", self.kill_switch());
        command
    }

    /// Starts the hand and returns when it answers.
    pub async fn start_hand(&mut self) {
        assert!(self.hand.is_none());
        self.hand = Some(self.hand_command().stderr(Stdio::null()).spawn().unwrap());
        let client = self.client();
        until("the hand answers", async || client.get::<HandState>("/state", LONG).await.ok()).await;
    }

    /// kill -9.
    pub fn kill_hand(&mut self) {
        if let Some(mut hand) = self.hand.take() {
            hand.kill().unwrap();
            hand.wait().unwrap();
        }
    }

    /// Ctrl-C, and its exit.
    pub fn interrupt_hand(&mut self) -> ExitStatus {
        let mut hand = self.hand.take().unwrap();
        kill(i32::try_from(hand.id()).unwrap(), Signal::INT);
        hand.wait().unwrap()
    }

    pub async fn charge(
        &self,
        instances: impl IntoIterator<Item = (&'static str, Charged)>,
        programs: &[&str],
    ) -> Result<(), WireError> {
        let mark = self.folder.path().display().to_string();
        let instances: BTreeMap<InstanceId, Charged> = instances
            .into_iter()
            .map(|(id, mut charged)| {
                charged.run.env.insert("YARD".to_owned(), mark.clone());
                (InstanceId::from(id), charged)
            })
            .collect();
        let programs = programs.iter().map(|&program| program.to_owned()).collect();
        let charge = Fenced { fence: self.fence(), body: Charge { instances, programs } };
        self.client().send("PUT", "/charge", &charge, LONG).await
    }

    pub fn fence(&self) -> Fence {
        Fence { incarnation: "test".to_owned(), lease: self.lease }
    }

    /// A new order.
    pub fn order(&mut self, action: Action) -> Order {
        self.orders += 1;
        Order {
            plan: PlanId(self.orders),
            step: StepNo(1),
            undo: false,
            journalled: Seq(self.orders),
            fence: self.fence(),
            action,
            deadline: now().plus(LONG),
        }
    }

    pub async fn give(&self, order: &Order) -> Result<Performed, WireError> {
        self.client().send("POST", "/orders", order, LONG).await
    }

    pub async fn perform(&mut self, action: Action) -> Result<Performed, WireError> {
        let order = self.order(action);
        self.give(&order).await
    }

    pub async fn look(&self, order: &Order) -> Result<Looked, WireError> {
        self.client().send("POST", "/orders/look", order, LONG).await
    }

    pub async fn state(&self) -> HandState {
        self.client().get("/state", LONG).await.unwrap()
    }

    pub async fn process(&self, instance: &str) -> ProcessState {
        self.state().await.processes[&InstanceId::from(instance)].state.clone()
    }

    /// The process id of an instance that runs.
    pub async fn pid(&self, instance: &str) -> i32 {
        match self.process(instance).await {
            ProcessState::Running { pid } => pid,
            other => panic!("{instance} does not run: {other:?}"),
        }
    }

    /// Every process of the yard that has not ended, launchers included, whoever knows of it.
    pub fn all(&self) -> BTreeSet<i32> {
        marked(&self.mark())
    }

    /// The same, those only that lead a session: the instances themselves.
    pub fn leaders(&self) -> BTreeSet<i32> {
        self.all()
            .into_iter()
            .filter(|&pid| field(pid, 3).is_some_and(|session| session == pid.to_string()))
            .collect()
    }
}

/// Whatever happened, no process is left.
impl Drop for Yard {
    fn drop(&mut self) {
        if let Some(hand) = &mut self.hand {
            let _ = hand.kill();
            let _ = hand.wait();
        }
        for _ in 0..100 {
            let left = self.all();
            if left.is_empty() {
                break;
            }
            for pid in left {
                kill(pid, Signal::KILL);
            }
        }
    }
}

fn hand_program() -> PathBuf {
    let own = std::env::current_exe().unwrap();
    own.ancestors().nth(2).unwrap().join("examples/hand")
}

fn marked(mark: &str) -> BTreeSet<i32> {
    fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok())
        .filter(|pid| {
            let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environment.split(|&byte| byte == 0).any(|variable| variable == mark.as_bytes())
        })
        .filter(|&pid| state_of(pid).is_some())
        .collect()
}

/// A field of `/proc/PID/stat` after the name, from 0: state, parent, group, session.
fn field(pid: i32, n: usize) -> Option<String> {
    let line = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    line.rsplit_once(')')?.1.split_whitespace().nth(n).map(str::to_owned)
}

/// The state of a process that has not ended.
pub fn state_of(pid: i32) -> Option<char> {
    field(pid, 0)?.chars().next().filter(|state| !matches!(state, 'Z' | 'X'))
}

pub fn kill(pid: i32, signal: Signal) {
    let _ = kill_process(Pid::from_raw(pid).unwrap(), signal);
}

pub fn now() -> Timestamp {
    SystemClock::new().now()
}

/// An instance at zone `hz-a` of region `cn` that runs `sh -c SCRIPT`.
pub fn sh(script: &str) -> Charged {
    Charged {
        run: Run {
            process: ["/bin/sh", "-c", script].map(str::to_owned).to_vec(),
            env: BTreeMap::new(),
            directory: None,
            restart: Restart::Plan,
            stop_within: Duration::from_secs(10),
        },
        places: vec!["hz-a".into(), "cn".into()],
        address: Address { host: "127.0.0.1".to_owned(), port: 1 },
        probe: None,
    }
}

/// One that does nothing for long.
pub fn sleeper() -> Charged {
    sh("exec sleep 1000")
}

pub fn ids<const N: usize>(names: [&str; N]) -> Vec<InstanceId> {
    names.map(InstanceId::from).to_vec()
}

/// The reason of a refusal or failure.
pub fn reason<T: std::fmt::Debug>(answer: Result<T, WireError>) -> Reason {
    match answer {
        Err(WireError::Refused(Refusal::Refused(reason) | Refusal::Failed(reason))) => reason,
        other => panic!("not refused: {other:?}"),
    }
}

/// Waits until there is an answer.
pub async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = now().plus(LONG);
    loop {
        if let Some(answer) = look().await {
            return answer;
        }
        assert!(now() < deadline, "waited in vain: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Waits for a file to hold something.
pub async fn text_in(path: &Path) -> String {
    until("the file is written", async || fs::read_to_string(path).ok().filter(|text| text.ends_with('\n')))
        .await
}
