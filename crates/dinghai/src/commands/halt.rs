//! `dinghai halt` and `dinghai resume`: straight to the units' sockets, with no controller and no database alive.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use dinghai_clock::{Clock, SystemClock};
use dinghai_engine::Sockets;
use dinghai_hands::{control_sockets, halt_units, resume_units};
use dinghai_pages::{Language, reason};
use dinghai_wire::{HaltState, Refusal, UnixClient, WireError};
use serde_json::{Value, json};

use super::reading::language;

/// Stop every automaton of a data folder within a second.
#[derive(Debug, clap::Args)]
pub(crate) struct HaltArgs {
    #[command(flatten)]
    units: Units,
}

/// Let them go on.
#[derive(Debug, clap::Args)]
pub(crate) struct ResumeArgs {
    #[command(flatten)]
    units: Units,
}

#[derive(Debug, clap::Args)]
struct Units {
    /// The data folder of `dinghai run`.
    #[arg(long, env = "DINGHAI_DATA", default_value = ".dinghai", value_name = "DIR")]
    data: PathBuf,
    /// Why, for the units' logs.
    #[arg(long, default_value = "asked on the command line")]
    reason: String,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// How long the controller may take to write it down; the units answer within about as long.
const NOTED_WITHIN: Duration = Duration::from_millis(950);

/// What one unit answered.
type Answer = (String, Result<HaltState, WireError>);

/// Ends with 1 when a unit was not reached.
pub(crate) fn run(args: &HaltArgs) -> anyhow::Result<ExitCode> {
    let sockets = sockets(&args.units.data)?;
    tell(&args.units, "halted", halt_units(sockets, &args.units.reason))
}

/// Ends with 1 when a unit was not reached.
pub(crate) fn resume(args: &ResumeArgs) -> anyhow::Result<ExitCode> {
    let sockets = sockets(&args.units.data)?;
    tell(&args.units, "resumed", resume_units(sockets, &args.units.reason))
}

fn sockets(data: &Path) -> anyhow::Result<Vec<(String, PathBuf)>> {
    let run = data.join("run");
    let sockets = control_sockets(&run).with_context(|| {
        format!("cannot look for units in `{}`; name their data folder with --data", run.display())
    })?;
    if sockets.is_empty() {
        bail!(
            "no hand and no gateway has a socket in `{}`; name their data folder with --data",
            run.display()
        );
    }
    Ok(sockets)
}

fn tell(units: &Units, done: &str, asked: impl Future<Output = Vec<Answer>>) -> anyhow::Result<ExitCode> {
    let path = if done == "halted" { "/api/v1/halt" } else { "/api/v1/resume" };
    // The controller may be gone or hang. The units do not wait for it; it only keeps the ledger.
    let noted = note(&units.data, path, &units.reason);
    let clock = SystemClock::new();
    let began = clock.now();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (answers, noted) = runtime.block_on(async { tokio::join!(asked, noted) });
    let took = clock.now().since(began);
    if units.json {
        println!("{:#}", as_json(language(), took, &answers, noted));
    } else {
        print!("{}", as_text(language(), done, took, &answers));
        if !noted {
            println!("no controller has confirmed it, so it may be missing from the ledger");
        }
    }
    let all = answers.iter().all(|(_, answer)| answer.is_ok());
    Ok(if all { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Whether the controller has written it down.
async fn note(data: &Path, path: &str, reason: &str) -> bool {
    let Ok(data) = std::path::absolute(data) else { return false };
    let controller = UnixClient::new(Sockets::under(&data).controller());
    let asked: Result<Value, _> =
        controller.send("POST", path, &json!({ "reason": reason }), NOTED_WITHIN).await;
    asked.is_ok()
}

fn as_text(language: Language, done: &str, took: Duration, answers: &[Answer]) -> String {
    let reached = answers.iter().filter(|(_, answer)| answer.is_ok()).count();
    let mut text = format!("{reached} of {} {done} in {} ms\n", answers.len(), took.as_millis());
    let width = answers.iter().map(|(unit, _)| unit.len()).max().unwrap_or(0);
    for (unit, answer) in answers {
        // Writing to a string does not fail.
        let _ = match answer {
            Ok(_) => writeln!(text, "  {unit:width$}  {done}"),
            Err(error) => writeln!(text, "  {unit:width$}  not {done}: {}", why(language, error)),
        };
    }
    if reached < answers.len() && done == "halted" {
        text.push_str(
            "a unit that does not answer may still act until its lease ends; look at its process\n",
        );
    }
    text
}

fn as_json(language: Language, took: Duration, answers: &[Answer], noted: bool) -> Value {
    let unit = |(unit, answer): &Answer| match answer {
        Ok(state) => json!({ "unit": unit, "reached": true, "halted": state.halted }),
        Err(error) => json!({ "unit": unit, "reached": false, "why": why(language, error) }),
    };
    json!({ "took_ms": took.as_millis(), "noted": noted, "units": answers.iter().map(unit).collect::<Vec<_>>() })
}

/// A refusal's own reason, rather than the refusal.
fn why(language: Language, error: &WireError) -> String {
    match error {
        WireError::Refused(Refusal::Refused(why) | Refusal::Failed(why)) => reason(language, why),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers() -> Vec<Answer> {
        let socket = PathBuf::from("run/gateway-public.sock");
        let gone = WireError::NoAnswer { socket, why: "nothing within 900ms".to_owned() };
        vec![("gateway public".to_owned(), Err(gone)), ("hand".to_owned(), Ok(HaltState { halted: true }))]
    }

    #[test]
    fn those_that_were_not_reached_are_named() {
        insta::assert_snapshot!(as_text(Language::En, "halted", Duration::from_millis(904), &answers()), @r"
        1 of 2 halted in 904 ms
          gateway public  not halted: no answer from run/gateway-public.sock: nothing within 900ms
          hand            halted
        a unit that does not answer may still act until its lease ends; look at its process
        ");
    }

    #[test]
    fn json_says_the_same() {
        let json = as_json(Language::En, Duration::from_millis(904), &answers(), true);
        assert_eq!(json["units"][0]["reached"], false);
        assert_eq!(json["units"][1]["halted"], true);
        assert_eq!(json["took_ms"], 904);
    }
}
