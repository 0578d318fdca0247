//! What can go wrong with a simulation itself.

use std::fmt;

use dinghai_ports::StoreError;

/// Why a simulation was not played to its end.
#[derive(Debug, thiserror::Error)]
pub enum SimError {
    /// The script cannot be played; every line that is wrong.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Script(Vec<ScriptError>),
    /// The engine ended although nobody had told it to: a defect.
    #[error(
        "the engine ended: {0}; nothing in a simulation tells it to, so this is a defect worth reporting"
    )]
    EngineEnded(String),
    /// No runtime or thread could be made.
    #[error("cannot start a simulation: {0}; free some memory or threads, then try again")]
    Start(#[from] std::io::Error),
    /// The ledger in memory refused to begin.
    #[error("the simulated ledger cannot be begun: {0}")]
    Ledger(#[from] StoreError),
}

/// A line of a script that cannot be read, or names what is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScriptError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub what: String,
    /// What would be right.
    pub help: String,
}

impl fmt::Display for ScriptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}; {}", self.line, self.what, self.help)
    }
}
