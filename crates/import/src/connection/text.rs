//! Addresses in running text: arguments, shell commands, configuration files.
//!
//! Text holds much that only looks like an address, so nothing found here counts as somebody else's: a name matters only when
//! something answers to it.

use super::{Endpoint, distinct, endpoint, endpoints, urls};

/// Configuration longer than this is read up to here.
const LONGEST: usize = 256 * 1024;

/// The addresses in a configuration file or script.
pub(crate) fn in_text(text: &str) -> Vec<Endpoint> {
    let end = (0..=LONGEST.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    let mut found = Vec::new();
    for line in text.get(..end).unwrap_or_default().lines() {
        let line = line.trim();
        if line.starts_with(['#', ';']) || line.starts_with("//") {
            continue;
        }
        let pair = line.split_once('=').or_else(|| line.split_once(": "));
        if let Some((key, value)) = pair {
            found
                .extend(endpoints(key.trim().trim_matches('"'), value.trim().trim_matches(['"', ',', '\''])));
        }
        urls(line, &mut found);
        of_words(line, &mut found);
    }
    inside(found)
}

/// The addresses in the arguments of a program: `--db=orders:5432`, `--db-host orders`, `-h orders`, `sh -c 'nc -z db 5432'`.
pub(crate) fn in_arguments(arguments: &[String]) -> Vec<Endpoint> {
    let mut found = Vec::new();
    for (index, argument) in arguments.iter().enumerate() {
        if argument.contains(char::is_whitespace) {
            found.extend(in_text(argument));
            continue;
        }
        match argument.split_once('=') {
            Some((key, value)) => found.extend(endpoints(key, value)),
            None if argument.starts_with('-') => {
                if let Some(next) = arguments.get(index + 1).filter(|next| !next.starts_with('-')) {
                    found.extend(endpoints(argument, next));
                }
            }
            None => found.extend(endpoints("", argument)),
        }
    }
    let line = arguments.join(" ");
    if line.len() < LONGEST {
        of_words(&line, &mut found);
    }
    inside(found)
}

/// What tools that wait for a host are told: `nc -z db 5432`, `pg_isready -h db`, `nslookup db`, `ping db`.
fn of_words(line: &str, found: &mut Vec<Endpoint>) {
    let words: Vec<&str> = line
        .split(|sign: char| sign.is_whitespace() || "\"'`();|&".contains(sign))
        .filter(|word| !word.is_empty())
        .collect();
    for pair in words.windows(2) {
        let [first, second] = pair else { continue };
        // One digit is a pause or a count: `sleep 1`.
        let port: Option<u16> = second.parse().ok().filter(|port| *port > 9);
        let asks = matches!(
            *first,
            "-h" | "--host"
                | "-z"
                | "-zv"
                | "-vz"
                | "-zw1"
                | "nc"
                | "nslookup"
                | "dig"
                | "host"
                | "ping"
                | "proxy_pass"
                | "server"
        );
        if asks && !second.starts_with('-') {
            found.extend(endpoints("host_addr", second));
        } else if let Some(port) = port.filter(|_| first.contains(|sign: char| sign.is_ascii_alphabetic())) {
            found.extend(endpoint(first, Some(port), false));
        } else if first.contains(':') && !first.contains("://") {
            found.extend(endpoints("", first));
        }
    }
    if let Some(last) = words.last().filter(|last| last.contains(':') && !last.contains("://")) {
        found.extend(endpoints("", last));
    }
}

fn inside(found: Vec<Endpoint>) -> Vec<Endpoint> {
    distinct(found.into_iter().map(|endpoint| Endpoint { outside: false, ..endpoint }).collect())
}
