//! `cargo xtask eval bounds [FILTER]`: composed worst cases of recovery beside what real programs do.
//!
//! The measuring itself is an example of `import`, since this crate depends on none of ours. It runs HAProxy, keepalived and nginx from
//! Debian in network namespaces of its own, which are gone when it ends, however it ends.

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::{setup, tool};

#[derive(Args)]
pub(crate) struct BoundsArgs {
    /// Only configurations whose name holds this.
    #[arg(default_value = "")]
    filter: String,
}

const PACKAGES: [(&str, &str); 5] = [
    ("haproxy", "measured"),
    ("keepalived", "measured"),
    ("nginx", "measured"),
    ("iproute2", "network namespaces"),
    ("nftables", "hosts that vanish"),
];

pub(crate) fn run(args: &BoundsArgs) -> Result<()> {
    if !tool::answers("sh", &["-c", "[ $(id -u) = 0 ]"])? {
        bail!("network namespaces need root: run `cargo xtask eval bounds` as root");
    }
    setup::ensure(&PACKAGES)?;
    let folder = tool::target().join("eval");
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let mut measure = tool::command("cargo")?;
    measure.args(["run", "--release", "--locked", "-p", "dinghai-import", "--example", "eval_bounds", "--"]);
    tool::run(measure.arg(folder.join("bounds.json")).arg(&args.filter))
}
