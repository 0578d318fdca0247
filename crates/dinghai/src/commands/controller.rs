//! Asking the controller of this machine for something.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::bail;
use dinghai_engine::Sockets;
use dinghai_wire::{UnixClient, WireError};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// How long the controller may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where the controller is.
#[derive(Debug, clap::Args)]
pub(crate) struct Where {
    /// The data folder of `dinghai run`.
    #[arg(long, env = "DINGHAI_DATA", default_value = ".dinghai", value_name = "DIR")]
    pub(crate) data: PathBuf,
}

/// Posts to the controller's API.
pub(crate) fn post<B: Serialize + Sync, A: DeserializeOwned>(
    data: &Path,
    path: &str,
    body: &B,
) -> anyhow::Result<A> {
    let data = std::path::absolute(data)?;
    let client = UnixClient::new(Sockets::under(&data).controller());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match runtime.block_on(client.send("POST", path, body, PATIENCE)) {
        Ok(answer) => Ok(answer),
        Err(WireError::Unreachable { socket, .. }) => bail!(
            "no controller answers on `{}`; start it with `dinghai run`, or name its data folder with `--data`",
            socket.display()
        ),
        Err(WireError::Strange { body, .. }) => bail!("{}", refusal(&body)),
        Err(error) => Err(error.into()),
    }
}

/// The controller's own words, as its API puts them.
fn refusal(body: &str) -> String {
    let Ok(value) = serde_json::from_str::<serde_json::Value>(body) else { return body.to_owned() };
    let word = |key: &str| value.get(key).and_then(serde_json::Value::as_str);
    match (word("error"), word("help")) {
        (Some(error), Some(help)) => format!("{error}; {help}"),
        (Some(error), None) => error.to_owned(),
        _ => body.to_owned(),
    }
}
