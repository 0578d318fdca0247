//! Scenarios written by people, one thing to a line.
//!
//! | line | meaning |
//! |---|---|
//! | `estate FILE` | the estate, as seen from the script |
//! | `autonomy off`, `shadow`, `ask` or `auto` | what every service grants for every kind of action, whatever the estate says |
//! | `proven` | evidence for every kind of action on every service is there from the beginning |
//! | `seed NUMBER` | what schedules and delays are drawn from; 0 when not stated |
//! | `at SPAN HAPPENING` | what happens so long after the beginning |
//! | `until SPAN` | when it ends |
//!
//! Happenings are `kill`, `start`, `hang`, `wake`, `spoil`, `repair` (instance); `lose`, `give-back` (place); `silence`, `hear` (`hand`,
//! `controller`, `gateway NAME`); `disk-full`, `disk-free`; `kill-controller`, `start-controller`; `drill` (name);
//! `halt`, `resume`, `approve`. What follows `#` at the beginning of a line or after a space is a comment.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use dinghai_clock::{format_span, parse_span};
use dinghai_estate::ActionKind::{Promote, Restart, Scale, ShiftTraffic};
use dinghai_estate::{Autonomy, Estate};

use crate::error::{ScriptError, SimError};
use crate::happening::{Happening, Unit};

const LINES: &str =
    "expected `estate FILE`, `autonomy WORD`, `proven`, `seed NUMBER`, `at SPAN HAPPENING` or `until SPAN`";
const HAPPENINGS: &str = "expected `kill`, `start`, `hang`, `wake`, `spoil`, `repair`, `lose`, `give-back`, `silence`, `hear`, `disk-full`, \
                          `disk-free`, `kill-controller`, `start-controller`, `drill`, `halt`, `resume` or `approve`";
const UNITS: &str = "expected `hand`, `controller` or `gateway NAME`";

/// A scenario. [`Script::parse`] reads one, its `Display` writes one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Script {
    /// The estate's file, as the script names it.
    pub estate: Option<String>,
    pub(crate) autonomy: Option<Autonomy>,
    pub(crate) proven: bool,
    pub(crate) seed: u64,
    pub(crate) happenings: Vec<Timed>,
    pub(crate) until: Duration,
}

/// Something that happens at a time.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Timed {
    /// Since the beginning.
    pub(crate) at: Duration,
    pub(crate) happening: Happening,
    /// The line that says so; 0 when none does.
    pub(crate) line: usize,
}

/// What is wrong with a line, and what would be right.
type Wrong = (String, String);

impl Script {
    /// Reads a script; every line that is wrong is told.
    pub fn parse(text: &str) -> Result<Self, SimError> {
        let mut script = Self::default();
        let mut errors = Vec::new();
        let mut until = None;
        for (line, text) in (1..).zip(text.lines()) {
            let text = text.trim_start();
            let said = if text.starts_with('#') { "" } else { text.split(" #").next().unwrap_or_default() };
            let words: Vec<&str> = said.split_whitespace().collect();
            if let Err((what, help)) = script.take(&words, line, &mut until) {
                errors.push(ScriptError { line, what, help });
            }
        }
        script.happenings.sort_by_key(|timed| timed.at);
        match until {
            None => {
                let (what, help) =
                    ("the script does not say when it ends".to_owned(), "add `until SPAN`".to_owned());
                errors.push(ScriptError { line: text.lines().count().max(1), what, help });
            }
            Some(until) => {
                script.until = until;
                for timed in script.happenings.iter().filter(|timed| timed.at > until) {
                    let what = format!("`{}` is after the end", format_span(timed.at));
                    let help = format!("the script ends with `until {}`", format_span(until));
                    errors.push(ScriptError { line: timed.line, what, help });
                }
            }
        }
        errors.sort_by_key(|error| error.line);
        if errors.is_empty() { Ok(script) } else { Err(SimError::Script(errors)) }
    }

    fn take(&mut self, words: &[&str], line: usize, until: &mut Option<Duration>) -> Result<(), Wrong> {
        match words {
            [] => {}
            ["estate", file] => self.estate = Some((*file).to_owned()),
            ["autonomy", word] => self.autonomy = Some(autonomy(word)?),
            ["proven"] => self.proven = true,
            ["seed", number] => {
                let wrong = |_| (format!("`{number}` is not a seed"), "expected a whole number".to_owned());
                self.seed = number.parse().map_err(wrong)?;
            }
            ["until", at] => *until = Some(span(at)?),
            ["at", at, rest @ ..] => {
                let timed = Timed { at: span(at)?, happening: happening(rest)?, line };
                self.happenings.push(timed);
            }
            other => {
                return Err((format!("`{}` is not a line of a script", other.join(" ")), LINES.to_owned()));
            }
        }
        Ok(())
    }

    /// What the script names and the estate does not have.
    pub(crate) fn check(&self, estate: &Estate) -> Result<(), SimError> {
        let wrong = |timed: &Timed| {
            let (what, known) = timed.happening.unheard_of(estate)?;
            let help = match known.is_empty() {
                true => "there are none".to_owned(),
                false => format!("there are {}", known.join(", ")),
            };
            Some(ScriptError { line: timed.line, what: format!("the estate has no {what}"), help })
        };
        let errors: Vec<ScriptError> = self.happenings.iter().filter_map(wrong).collect();
        if errors.is_empty() { Ok(()) } else { Err(SimError::Script(errors)) }
    }

    /// The estate as the script wants it.
    pub(crate) fn adapt(&self, estate: Arc<Estate>) -> Arc<Estate> {
        let Some(autonomy) = self.autonomy else { return estate };
        let mut estate = Arc::unwrap_or_clone(estate);
        for service in estate.services.values_mut() {
            service.autonomy = [Restart, ShiftTraffic, Scale, Promote].map(|kind| (kind, autonomy)).into();
        }
        Arc::new(estate)
    }
}

fn span(text: &str) -> Result<Duration, Wrong> {
    parse_span(text).map_err(|error| (error.to_string(), "expected a time since the beginning".to_owned()))
}

fn autonomy(word: &str) -> Result<Autonomy, Wrong> {
    match word {
        "off" => Ok(Autonomy::Off),
        "shadow" => Ok(Autonomy::Shadow),
        "ask" => Ok(Autonomy::Ask),
        "auto" => Ok(Autonomy::Auto),
        _ => Err((
            format!("`{word}` is not an autonomy"),
            "expected `off`, `shadow`, `ask` or `auto`".to_owned(),
        )),
    }
}

fn happening(words: &[&str]) -> Result<Happening, Wrong> {
    match words {
        ["kill", id] => Ok(Happening::Kill((*id).into())),
        ["start", id] => Ok(Happening::Start((*id).into())),
        ["hang", id] => Ok(Happening::Hang((*id).into())),
        ["wake", id] => Ok(Happening::Wake((*id).into())),
        ["spoil", id] => Ok(Happening::Spoil((*id).into())),
        ["repair", id] => Ok(Happening::Repair((*id).into())),
        ["lose", place] => Ok(Happening::Lose((*place).into())),
        ["give-back", place] => Ok(Happening::GiveBack((*place).into())),
        ["silence", who @ ..] => Ok(Happening::Silence(unit(who)?)),
        ["hear", who @ ..] => Ok(Happening::Hear(unit(who)?)),
        ["disk-full"] => Ok(Happening::DiskFull),
        ["disk-free"] => Ok(Happening::DiskFree),
        ["kill-controller"] => Ok(Happening::KillController),
        ["start-controller"] => Ok(Happening::StartController),
        ["drill", drill] => Ok(Happening::Drill((*drill).into())),
        ["halt"] => Ok(Happening::Halt),
        ["resume"] => Ok(Happening::Resume),
        ["approve"] => Ok(Happening::Approve),
        [] => Err(("nothing happens".to_owned(), HAPPENINGS.to_owned())),
        other => Err((format!("`{}` cannot happen", other.join(" ")), HAPPENINGS.to_owned())),
    }
}

fn unit(words: &[&str]) -> Result<Unit, Wrong> {
    match words {
        ["hand"] => Ok(Unit::Hand),
        ["controller"] => Ok(Unit::Controller),
        ["gateway", id] => Ok(Unit::Gateway((*id).into())),
        other => Err((format!("`{}` is not a unit", other.join(" ")), UNITS.to_owned())),
    }
}

impl fmt::Display for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(estate) = &self.estate {
            writeln!(f, "estate {estate}")?;
        }
        if let Some(autonomy) = self.autonomy {
            let word = match autonomy {
                Autonomy::Off => "off",
                Autonomy::Shadow => "shadow",
                Autonomy::Ask => "ask",
                Autonomy::Auto => "auto",
            };
            writeln!(f, "autonomy {word}")?;
        }
        if self.proven {
            writeln!(f, "proven")?;
        }
        if self.seed != 0 {
            writeln!(f, "seed {}", self.seed)?;
        }
        for timed in &self.happenings {
            writeln!(f, "at {} {}", format_span(timed.at), timed.happening)?;
        }
        writeln!(f, "until {}", format_span(self.until))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes() {
        let text = "estate shop.yaml\nautonomy ask\nproven\nseed 7\nat 2s kill order@hz-a\nat 2s lose hz-a\n\
                    at 2s500ms silence gateway public\nat 3s hear hand\nat 4s drill zone-loss\nat 5s halt\nuntil 40s\n";
        assert_eq!(Script::parse(text).unwrap().to_string(), text);
    }

    #[test]
    fn comments_and_empty_lines_say_nothing() {
        let script = Script::parse("# a zone\n\nat 1s kill a#1 # at once\nuntil 2s\n").unwrap();
        assert_eq!(script.to_string(), "at 1s kill a#1\nuntil 2s\n");
    }

    #[test]
    fn every_wrong_line_is_told_with_what_would_be_right() {
        let text = "proven twice\nautonomy full\nseed x\nat soon kill a\nat 1s explode\nat 1s silence tower\nat 9s halt\nuntil 5s\n";
        insta::assert_snapshot!(Script::parse(text).unwrap_err());
        insta::assert_snapshot!(Script::parse("at 1s halt\n").unwrap_err());
    }
}
