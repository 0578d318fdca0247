//! A hand as a process of its own: `hand DIR SOCKET`. It is its own launcher. Tests kill it with -9; while the file
//! that `KILL_HAND` names exists, the launcher does so itself, as its first act.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use dinghai_clock::SystemClock;
use dinghai_hands::{HandConfig, run, session_exec};

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    match arguments.as_slice() {
        [first, _, program @ ..] if first == "session-exec" => {
            kill_hand();
            session_exec(program)
        }
        [dir, socket] => serve(PathBuf::from(dir), PathBuf::from(socket)),
        _ => {
            eprintln!("usage: hand DIR SOCKET");
            ExitCode::from(2)
        }
    }
}

#[tokio::main]
async fn serve(dir: PathBuf, socket: PathBuf) -> ExitCode {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let Ok(launcher) = std::env::current_exe() else { return ExitCode::FAILURE };
    let config = HandConfig { dir, socket, launcher };
    let interrupted = async {
        let _ = tokio::signal::ctrl_c().await;
    };
    match run(config, Arc::new(SystemClock::new()), interrupted).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn kill_hand() {
    let asked = std::env::var_os("KILL_HAND").is_some_and(|file| std::fs::remove_file(file).is_ok());
    if let Some(hand) = rustix::process::getppid().filter(|_| asked) {
        let _ = rustix::process::kill_process(hand, rustix::process::Signal::KILL);
        while rustix::process::getppid() == Some(hand) {
            std::thread::yield_now();
        }
    }
}
