//! Instances: where they answer, how they are run and probed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use dinghai_clock::serde_span;
use serde::{Deserialize, Serialize};

use crate::{InstanceId, Origin, PlaceId};

/// A running copy of a service at a place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Instance {
    /// Its name, unique in the estate.
    pub id: InstanceId,
    /// The places that directly hold it.
    pub at: BTreeSet<PlaceId>,
    /// Where it answers.
    pub address: Address,
    /// How we start it, when it is ours to start.
    pub run: Option<Run>,
    /// Whether it stands by, to be started when capacity is needed.
    pub spare: bool,
    /// Where it is declared.
    pub origin: Origin,
}

/// Host and port; or, as `unix:/path`, a socket of the machine. The host is an IP address or a name to resolve.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Address {
    /// IP address or name, without brackets; or the path of a Unix socket, which begins with `/`.
    pub host: String,
    /// TCP port; 0 for a Unix socket.
    pub port: u16,
}

impl Address {
    /// The Unix socket that it names, when it is one.
    pub fn socket(&self) -> Option<&Path> {
        self.host.starts_with('/').then_some(Path::new(&self.host))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            _ if self.socket().is_some() => write!(f, "unix:{}", self.host),
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

/// How an instance is run by the hand's own process supervisor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Program and arguments; no shell.
    pub process: Vec<String>,
    /// Added to the hand's environment.
    pub env: BTreeMap<String, String>,
    /// Working directory; the estate's folder when not stated.
    pub directory: Option<PathBuf>,
    /// Who starts it again after it exits.
    pub restart: Restart,
    /// How long it may take to end after SIGTERM before SIGKILL. Default 10 s.
    #[serde(with = "serde_span")]
    pub stop_within: Duration,
}

/// Who starts a process again after it exits unasked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Restart {
    /// A plan does, so that budget, autonomy and ledger see it.
    #[default]
    Plan,
    /// The hand does, at once and then with back-off.
    Hand,
}

/// How an instance is asked whether it answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeSpec {
    /// The question.
    pub check: Check,
    /// Pause between the starts of two probes; at least 100 ms, jittered.
    #[serde(with = "serde_span")]
    pub every: Duration,
    /// No answer within this is a failure.
    #[serde(with = "serde_span")]
    pub timeout: Duration,
    /// Failures in a row that make it down. Default 3.
    pub fall: u32,
    /// Answers in a row that make it up again. Default 2.
    pub rise: u32,
    /// Answers slower than this count as slow, when stated.
    #[serde(with = "crate::model::optional_span", default)]
    pub slow: Option<Duration>,
}

/// The question a probe asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Check {
    /// GET this path over HTTP/1.1 expects 200–399.
    Http(String),
    /// A TCP connection opens.
    Tcp,
    /// The process that the hand started is there.
    Process,
}
