//! Processes that we start and stop by their ids, and what the probe saw.

use std::error::Error;
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;

use dinghai_clock::Timestamp;

use crate::network::{Network, call};

/// A process that ends with this value.
pub struct Running(pub Child);

impl Running {
    pub fn start(command: &mut Command) -> Result<Self, Box<dyn Error>> {
        Ok(Self(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?))
    }

    pub fn signal(&self, signal: &str) -> Result<(), Box<dyn Error>> {
        call(Command::new("kill").args([signal, &self.0.id().to_string()]))
    }

    /// The processes that it started itself.
    pub fn children(&self) -> Vec<String> {
        let id = self.0.id();
        let list = std::fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
        list.split_whitespace().map(str::to_owned).collect()
    }

    /// Kills it and its children in one go; itself first, so that it starts no other ones.
    pub fn kill_all(&self) -> Result<(), Box<dyn Error>> {
        call(Command::new("kill").arg("-9").arg(self.0.id().to_string()).args(self.children()))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.kill_all();
        let _ = self.0.wait();
    }
}

/// One request that a probe made.
#[derive(Clone, Debug)]
pub struct Seen {
    pub start: Timestamp,
    pub end: Timestamp,
    pub by: Option<String>,
}

/// Asks until it is told to stop.
pub struct Probe(Running);

impl Probe {
    pub fn start(network: &Network, address: &str, patience: Duration) -> Result<Self, Box<dyn Error>> {
        let mut command = network.on("client", &this()?);
        command.args(["probe", address, &patience.as_millis().to_string()]);
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        Ok(Self(Running(child)))
    }

    /// Stops asking, waits for what is under way, and tells all that was seen.
    pub fn stop(mut self) -> Result<Vec<Seen>, Box<dyn Error>> {
        drop(self.0.0.stdin.take());
        let mut text = String::new();
        self.0.0.stdout.take().ok_or("the probe has no output")?.read_to_string(&mut text)?;
        let seen = text.lines().filter_map(|line| {
            let mut words = line.split(' ');
            let mut time = || Some(Timestamp::from_micros(words.next()?.parse().ok()?));
            let (start, end) = (time()?, time()?);
            let by = words.next().filter(|by| *by != "-").map(str::to_owned);
            Some(Seen { start, end, by })
        });
        Ok(seen.collect())
    }
}

/// This program.
pub fn this() -> Result<String, Box<dyn Error>> {
    Ok(std::env::current_exe()?.to_str().ok_or("this program's path is not text")?.to_owned())
}

/// Lets time pass.
pub fn wait(span: Duration) {
    let (_hold, never) = channel::<()>();
    let _ = never.recv_timeout(span);
}
