//! Printing for people and pipes.

use std::fmt::Arguments;
use std::io::{ErrorKind, Write};

/// Prints to standard output. A reader that has seen enough (`dinghai plans | head`) ends the program quietly.
pub(crate) fn print(words: Arguments<'_>) {
    match std::io::stdout().write_fmt(words) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => std::process::exit(0),
        // Nobody is left to tell that standard output cannot be written.
        Ok(()) | Err(_) => {}
    }
}

/// Prints a line to standard output; see [`print()`].
macro_rules! say {
    () => { $crate::commands::output::print(format_args!("\n")) };
    ($($words:tt)*) => { $crate::commands::output::print(format_args!("{}\n", format_args!($($words)*))) };
}

pub(crate) use say;
