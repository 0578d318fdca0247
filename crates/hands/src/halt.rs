//! Stopping automatons at every unit of a machine, with no controller and no database alive.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use dinghai_wire::{HaltRequest, HaltState, UnixClient, WireError};
use futures::future::join_all;

/// All are asked at the same time, so that halting takes less than a second however many do not answer.
const WITHIN: Duration = Duration::from_millis(900);

/// The units of this machine that have a control socket in the folder `run`, by name (`hand`, `gateway public`). A
/// socket may have been left by a unit that is gone; the answer, or its absence, tells.
///
/// # Errors
/// When the folder cannot be read.
pub fn control_sockets(run: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let mut sockets = Vec::new();
    for entry in std::fs::read_dir(run)? {
        let entry = entry?;
        let file = entry.file_name();
        let Some(name) = file.to_str().and_then(|file| file.strip_suffix(".sock")) else { continue };
        if name == "hand" {
            sockets.push((name.to_owned(), entry.path()));
        } else if let Some(id) = name.strip_prefix("gateway-") {
            sockets.push((format!("gateway {id}"), entry.path()));
        }
    }
    sockets.sort();
    Ok(sockets)
}

/// Halts these units, all at the same time. Each answer comes within 900 ms.
pub async fn halt_units(
    sockets: Vec<(String, PathBuf)>,
    reason: &str,
) -> Vec<(String, Result<HaltState, WireError>)> {
    tell(sockets, "/halt", reason).await
}

/// Lets these units go on, all at the same time. Each answer comes within 900 ms.
pub async fn resume_units(
    sockets: Vec<(String, PathBuf)>,
    reason: &str,
) -> Vec<(String, Result<HaltState, WireError>)> {
    tell(sockets, "/resume", reason).await
}

async fn tell(
    sockets: Vec<(String, PathBuf)>,
    path: &str,
    reason: &str,
) -> Vec<(String, Result<HaltState, WireError>)> {
    let request = HaltRequest { reason: reason.to_owned() };
    let told = sockets.into_iter().map(|(name, socket)| {
        let (unit, request) = (UnixClient::new(socket), &request);
        async move { (name, unit.send("POST", path, request, WITHIN).await) }
    });
    join_all(told).await
}
