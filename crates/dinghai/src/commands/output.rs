//! Printing for people and pipes, and files that are there whole or not at all.

use std::fmt::Arguments;
use std::io::{ErrorKind, Write};
use std::path::Path;

/// Prints to standard output. A reader that has seen enough (`dinghai plans | head`) ends the program quietly.
pub(crate) fn print(words: Arguments<'_>) {
    match std::io::stdout().write_fmt(words) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => std::process::exit(0),
        // Nobody is left to tell that standard output cannot be written.
        Ok(()) | Err(_) => {}
    }
}

/// Puts a file in the place of an earlier one, whole or not at all: it is written beside it first.
pub(crate) fn put(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut aside = path.as_os_str().to_owned();
    aside.push(".new");
    std::fs::write(&aside, bytes)?;
    std::fs::rename(&aside, path)
}

/// Prints a line to standard output; see [`print()`].
macro_rules! say {
    () => { $crate::commands::output::print(format_args!("\n")) };
    ($($words:tt)*) => { $crate::commands::output::print(format_args!("{}\n", format_args!($($words)*))) };
}

pub(crate) use say;
