//! What `/proc` says of a process.
//!
//! A process id alone names nothing for long: ids are used again. An [`Identity`] is the id, the time the process
//! started (field 22 of `/proc/PID/stat`, see proc(5)) and the boot it belongs to.

use std::fs;

use rustix::process::Pid;
use serde::{Deserialize, Serialize};

/// One process among all that ever had its id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
    /// Its id, which is also that of its session and group.
    pub(crate) pid: i32,
    /// When it started, in clock ticks since boot.
    pub(crate) started: u64,
    /// The boot's own id.
    pub(crate) boot: String,
}

/// The fields of `/proc/PID/stat` that we read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stat {
    /// The process.
    pub(crate) pid: i32,
    /// `R`, `S`, `D`, `T`, `Z` and others.
    pub(crate) state: char,
    /// Its process group.
    pub(crate) group: i32,
    /// When it started, in clock ticks since boot.
    pub(crate) started: u64,
}

impl Identity {
    /// Of the process that has this id now.
    pub(crate) fn of(pid: i32) -> Option<Self> {
        stat(pid).map(|stat| Self { pid, started: stat.started, boot: boot() })
    }

    /// What `/proc` says of it, unless it has ended.
    pub(crate) fn stat(&self) -> Option<Stat> {
        stat(self.pid)
            .filter(|stat| stat.started == self.started && !matches!(stat.state, 'Z' | 'X'))
            .filter(|_| self.boot == boot())
    }

    /// Its id for the kernel's calls.
    pub(crate) fn raw(&self) -> Option<Pid> {
        Pid::from_raw(self.pid)
    }

    /// The processes of its group, itself among them, that have not ended.
    pub(crate) fn group(&self) -> Vec<Stat> {
        let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
        entries
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .filter_map(stat)
            .filter(|stat| stat.group == self.pid && !matches!(stat.state, 'Z' | 'X'))
            .collect()
    }

    /// Its program and arguments.
    pub(crate) fn arguments(&self) -> Vec<String> {
        let line = fs::read(format!("/proc/{}/cmdline", self.pid)).unwrap_or_default();
        let line = String::from_utf8_lossy(&line);
        line.split_terminator('\0').map(str::to_owned).collect()
    }
}

/// Reads `/proc/PID/stat`; nothing when there is no such process.
pub(crate) fn stat(pid: i32) -> Option<Stat> {
    parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// The name, in parentheses, may itself hold blanks and parentheses: fields are counted from the last one.
fn parse(line: &str) -> Option<Stat> {
    let (pid, rest) = line.split_once(' ')?;
    let (_, fields) = rest.rsplit_once(')')?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    Some(Stat {
        pid: pid.parse().ok()?,
        state: fields.first()?.chars().next()?,
        group: fields.get(2)?.parse().ok()?,
        started: fields.get(19)?.parse().ok()?,
    })
}

fn boot() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_blanks_and_parentheses_does_not_shift_the_fields() {
        let line = "812 (a b) S) T 1 812 812 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 99887 5 6 7";
        assert_eq!(parse(line), Some(Stat { pid: 812, state: 'T', group: 812, started: 99_887 }));
        assert_eq!(parse("812 (cut"), None);
    }

    #[test]
    fn another_process_with_the_same_id_is_another() {
        let own = Identity::of(i32::try_from(std::process::id()).unwrap()).unwrap();
        assert!(own.stat().is_some());
        assert!(Identity { started: own.started + 1, ..own.clone() }.stat().is_none());
        assert!(Identity { boot: "another".to_owned(), ..own }.stat().is_none());
    }
}
