//! The birth of a process.
//!
//! A process that outlives the hand must neither be lost nor be started twice when the hand is killed at any instant. So
//! it is born held: the hand runs `LAUNCHER session-exec -- PROGRAM …`, which opens a session of its own and then waits
//! on its standard input, one end of a socket pair. The hand makes the process durable and only then lets it go. A
//! launcher whose hand died reads the end of the stream and ends without having run anything.
//!
//! The same socket tells back how it went: it closes by itself when the program takes the launcher's place, and carries
//! the system's words when it does not. (`setsid` between fork and exec would need unsafe code; a launcher does not.)

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use dinghai_estate::Run;
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::proc::Identity;

/// The hidden subcommand of the launcher.
pub(crate) const SUBCOMMAND: &str = "session-exec";

/// What the shell answers too when a program cannot be run.
const CANNOT_RUN: u8 = 127;

/// A process that stands before its program and waits.
pub(crate) struct Held {
    /// Which process.
    pub(crate) identity: Identity,
    /// Ours, whatever becomes of its id.
    pub(crate) pidfd: OwnedFd,
    line: UnixStream,
}

/// Brings a process to the point before its program. `mark` is left in its environment, as `DINGHAI_INSTANCE`, for
/// people who wonder whose process it is.
pub(crate) fn hold(launcher: &Path, run: &Run, mark: &str, output: &File) -> io::Result<Held> {
    if let Some(directory) = run.directory.as_deref().filter(|directory| !directory.is_dir()) {
        return Err(io::Error::other(format!("there is no folder `{}`", directory.display())));
    }
    let (ours, theirs) = UnixStream::pair()?;
    let mut command = Command::new(launcher);
    command
        .args([SUBCOMMAND, "--"])
        .args(&run.process)
        .envs(&run.env)
        .env("DINGHAI_INSTANCE", mark)
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .stdout(output.try_clone()?)
        .stderr(output.try_clone()?);
    if let Some(directory) = &run.directory {
        command.current_dir(directory);
    }
    let child = command.spawn().map_err(|error| {
        io::Error::new(error.kind(), format!("the launcher `{}` does not run: {error}", launcher.display()))
    })?;
    let gone = || io::Error::other("the launcher ended at once");
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).ok_or_else(gone)?;
    let pidfd = pidfd_open(pid, PidfdFlags::NONBLOCK)?;
    let identity = Identity::of(pid.as_raw_pid()).ok_or_else(gone)?;
    Ok(Held { identity, pidfd, line: ours })
}

impl Held {
    /// Lets it run its program, and returns when it does; else what the system said.
    pub(crate) async fn go(line: UnixStream, within: Duration) -> Result<(), String> {
        let say = |error: io::Error| error.to_string();
        line.set_nonblocking(true).map_err(say)?;
        let mut line = tokio::net::UnixStream::from_std(line).map_err(say)?;
        line.write_all(b"g").await.map_err(say)?;
        let mut words = String::new();
        match tokio::time::timeout(within, line.read_to_string(&mut words)).await {
            Ok(Ok(0)) => Ok(()),
            Ok(Ok(_)) => Err(words),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err(format!("the launcher did not run it within {within:?}")),
        }
    }

    /// Its parts: who it is, its descriptor, and the line on which it waits.
    pub(crate) fn into_parts(self) -> (Identity, OwnedFd, UnixStream) {
        (self.identity, self.pidfd, self.line)
    }
}

/// Whether the process still stands before its program.
pub(crate) fn is_held(identity: &Identity) -> bool {
    identity.arguments().get(1).is_some_and(|word| word == SUBCOMMAND)
}

/// The launcher's part: opens a session, waits to be let go on standard input, and becomes the program `argv`. Returns
/// only when it did not: 127, with the reason on standard input's socket and standard error.
pub fn session_exec(argv: &[OsString]) -> ExitCode {
    match become_program(argv) {
        Ok(None) => ExitCode::SUCCESS,
        Ok(Some(why)) => {
            let _ = writeln!(io::stderr(), "{why}");
            ExitCode::from(CANNOT_RUN)
        }
        Err(error) => {
            let _ = writeln!(io::stderr(), "cannot prepare the process: {error}");
            ExitCode::from(CANNOT_RUN)
        }
    }
}

/// Nothing when the hand went away before it let us go; else why the program does not run.
fn become_program(argv: &[OsString]) -> io::Result<Option<String>> {
    rustix::process::setsid()?;
    let mut go = [0];
    // Closed on exec: the hand hears from that that the program runs.
    let line = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), 3)?;
    let mut line = UnixStream::from(line);
    if !matches!(line.read(&mut go), Ok(1)) {
        return Ok(None);
    }
    let nothing = OpenOptions::new().read(true).open("/dev/null")?;
    rustix::stdio::dup2_stdin(&nothing)?;
    let Some((program, arguments)) = argv.split_first() else {
        return Ok(Some("no program was named".to_owned()));
    };
    let error = Command::new(program).args(arguments).exec();
    let why = format!("cannot run `{}`: {error}", program.to_string_lossy());
    let _ = line.write_all(why.as_bytes());
    Ok(Some(why))
}
