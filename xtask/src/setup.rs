//! `cargo xtask setup`: installs what the tests need from Debian, and cargo-nextest where it is missing.

use std::process::Stdio;

use anyhow::{Context, Result, bail};

use crate::tool;

/// Packages, and what needs them.
const PACKAGES: [(&str, &str); 9] = [
    ("gcc", "the C parts of SQLite"),
    ("libc6-dev", "the C parts of SQLite"),
    ("curl", "guides"),
    ("nginx", "examples/nginx-three-zones, and the benchmark of the gateway"),
    ("haproxy", "the benchmark of the gateway"),
    ("wrk", "the benchmark of the gateway"),
    ("strace", "the order of fdatasync and acknowledgement"),
    ("chromium", "screenshots of the console"),
    ("chromium-driver", "screenshots of the console"),
];

/// The version that the workspace is tested with; newer ones may need a newer Rust.
const NEXTEST: &str = "0.9.143";

/// Installs without starting services: `policy-rc.d` answers 101, "forbidden", for as long as apt runs.
const INSTALL: &str = r#"
set -eu
export DEBIAN_FRONTEND=noninteractive
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' > "$policy"
  chmod +x "$policy"
  trap 'rm -f "$policy"' EXIT
fi
apt-get update -q
apt-get install -q -y --no-install-recommends "$@"
"#;

pub(crate) fn run() -> Result<()> {
    ensure(&PACKAGES)?;
    nextest()
}

/// Installs those of the packages that are missing; each stands with what needs it.
pub(crate) fn ensure(packages: &[(&'static str, &str)]) -> Result<()> {
    let missing = missing_packages(packages)?;
    match missing.is_empty() {
        true => println!("every Debian package that is needed is installed"),
        false => install(&missing)?,
    }
    Ok(())
}

fn missing_packages(packages: &[(&'static str, &str)]) -> Result<Vec<&'static str>> {
    if !tool::answers("dpkg-query", &["--version"])? {
        let names = packages.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(" ");
        bail!("this is not a Debian system; install what these Debian packages hold: {names}");
    }
    let mut missing = Vec::new();
    for (name, needed_by) in packages.iter().copied() {
        let mut query = tool::command("dpkg-query")?;
        let answer = query.args(["-W", "-f", "${db:Status-Status}", name]).stderr(Stdio::null()).output();
        if answer.context("`dpkg-query` could not be started")?.stdout != b"installed" {
            println!("missing: {name}, for {needed_by}");
            missing.push(name);
        }
    }
    Ok(missing)
}

fn install(packages: &[&str]) -> Result<()> {
    let shell = ["sh", "-c", INSTALL, "install"];
    if tool::answers("sh", &["-c", "[ $(id -u) = 0 ]"])? {
        tool::run(tool::command("sh")?.args(&shell[1..]).args(packages))
    } else if tool::answers("sudo", &["-n", "true"])? {
        tool::run(tool::command("sudo")?.arg("-n").args(shell).args(packages))
    } else {
        bail!("not root, and `sudo` asks for a password; run: sudo apt-get install {}", packages.join(" "));
    }
}

fn nextest() -> Result<()> {
    if tool::answers("cargo", &["nextest", "--version"])? {
        println!("cargo-nextest is installed");
        return Ok(());
    }
    let mut install = tool::command("cargo")?;
    install.args(["install", "--locked", "cargo-nextest", "--version", NEXTEST, "--root"]).arg(tool::tools());
    tool::run(&mut install)
}
