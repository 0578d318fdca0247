//! The configurations of programs that run on machines: HAProxy, nginx, keepalived and Patroni, read together.
//!
//! What one of them reaches for another one answers to: HAProxy's servers are Patroni's members, and keepalived's address leads to the
//! HAProxy beside it.

use dinghai_estate::Inventory;

use crate::SourceFile;
use crate::fragment::Fragment;
use crate::{haproxy, keepalived, link, nginx, patroni};

/// What the configurations among the files say together.
pub fn of_machines(name: &str, files: &[SourceFile]) -> Inventory {
    link::link(read(name, &files.iter().collect::<Vec<_>>()))
}

/// Whether it is the configuration of one of these programs.
pub(crate) fn is_machine(file: &SourceFile) -> bool {
    IMPORTERS.iter().any(|(is, _)| is(&file.path, &file.text))
}

/// The same, before names are resolved.
pub(crate) fn read(name: &str, files: &[&SourceFile]) -> Fragment {
    let mut fragment = Fragment::default();
    fragment.inventory.name = name.to_owned();
    for (is, read) in IMPORTERS {
        let own: Vec<&SourceFile> = files.iter().copied().filter(|file| is(&file.path, &file.text)).collect();
        if !own.is_empty() {
            fragment.add(read(name, &own));
        }
    }
    fragment
}

type Is = fn(&str, &str) -> bool;
type Read = fn(&str, &[&SourceFile]) -> Fragment;

const IMPORTERS: [(Is, Read); 4] = [
    (patroni::is_patroni, patroni::read),
    (keepalived::is_keepalived, keepalived::read),
    (haproxy::is_haproxy, haproxy::read),
    (nginx::is_nginx, nginx::read),
];

#[cfg(test)]
mod tests;
