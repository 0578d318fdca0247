//! Running a program: no shell, a group of its own, a deadline.

use std::fs::File;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use std::os::unix::process::ExitStatusExt;

use dinghai_record::{Performed, Reason};
use dinghai_wire::Refusal;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::Command;

use crate::orders::Outcome;
use crate::output;
use crate::watch::End;

/// Runs `argv` and returns when it has ended; at the end of `within` its whole group is killed. Exit code 0 is done. What
/// it prints goes to the file `words` and its end into the outcome.
pub(crate) async fn run(argv: &[String], words: &Path, within: Duration) -> Outcome {
    let outcome = run_into(argv, words, within).await;
    let _ = std::fs::remove_file(words);
    outcome
}

async fn run_into(argv: &[String], words: &Path, within: Duration) -> Outcome {
    let program = argv.first().map_or("", String::as_str);
    let failed = |code: &str| Reason::new(code).with("program", program);
    let cannot = |error: std::io::Error| Refusal::Failed(failed("program-cannot-run").with("why", error));
    let output = File::create(words).map_err(cannot)?;
    let mut child = Command::new(program)
        .args(argv.iter().skip(1))
        .stdin(Stdio::null())
        .stdout(output.try_clone().map_err(cannot)?)
        .stderr(output)
        .process_group(0)
        .spawn()
        .map_err(cannot)?;
    let group = child.id().and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw);
    let ended = tokio::time::timeout(within, child.wait()).await;
    let said = || output::tail(words, 0);
    match ended {
        Ok(Ok(status)) if status.success() => {
            let note = Reason::new("program-done").with("program", program).with("output", said());
            Ok(Performed { changed: true, notes: vec![note] })
        }
        Ok(Ok(status)) => {
            let told = failed("program-failed").with("how", end_of(status)).with("output", said());
            Err(Refusal::Failed(told))
        }
        Ok(Err(error)) => Err(cannot(error)),
        Err(_) => {
            // The child is not reaped yet, so its id still is its group's.
            if let Some(group) = group {
                let _ = kill_process_group(group, Signal::KILL);
            }
            let _ = child.wait().await;
            Err(Refusal::Failed(failed("program-too-slow").with("output", said())))
        }
    }
}

fn end_of(status: ExitStatus) -> End {
    End { code: status.code(), signal: status.signal() }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn sh(script: &str, within: Duration) -> Outcome {
        let folder = tempfile::tempdir().unwrap();
        let argv = ["/bin/sh", "-c", script].map(str::to_owned);
        run(&argv, &folder.path().join("words"), within).await
    }

    #[tokio::test]
    async fn the_exit_code_decides_and_the_words_are_told() {
        let long = Duration::from_secs(30);
        let done = sh("echo well", long).await.unwrap();
        assert_eq!(done.notes[0].with["output"], "well");
        let Err(Refusal::Failed(reason)) = sh("echo ill >&2; exit 3", long).await else {
            panic!("it failed")
        };
        assert_eq!((reason.with["how"].as_str(), reason.with["output"].as_str()), ("code 3", "ill"));
    }

    #[tokio::test]
    async fn at_the_deadline_the_whole_group_is_killed() {
        let outcome = sh("sleep 600 & echo $!; wait", Duration::from_millis(500)).await;
        let Err(Refusal::Failed(reason)) = outcome else { panic!("it was too slow") };
        assert_eq!(reason.code, "program-too-slow");
        let sleeper: i32 = reason.with["output"].parse().unwrap();
        for _ in 0..500 {
            if crate::proc::stat(sleeper).is_none_or(|stat| stat.state == 'Z') {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("process {sleeper} is still there");
    }
}
