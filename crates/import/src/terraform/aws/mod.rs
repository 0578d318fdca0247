//! Resources of the provider `aws`.
//!
//! Arguments, their meaning and their defaults are those of the provider's documentation, one page for each kind
//! (registry.terraform.io/providers/hashicorp/aws).

mod balance;
mod compute;
mod containers;
mod data;
mod database;
mod dns;
mod messages;
mod network;
mod storage;
mod watch;

use super::survey::{Kind, Tie};

/// What runs.
pub(super) fn kinds() -> impl Iterator<Item = &'static Kind> {
    [
        compute::KINDS,
        containers::KINDS,
        balance::KINDS,
        database::KINDS,
        data::KINDS,
        messages::KINDS,
        storage::KINDS,
        dns::KINDS,
        watch::KINDS,
    ]
    .into_iter()
    .flatten()
}

/// What connects.
pub(super) fn ties() -> impl Iterator<Item = &'static Tie> {
    [
        network::TIES,
        compute::TIES,
        containers::TIES,
        balance::TIES,
        database::TIES,
        messages::TIES,
        storage::TIES,
        dns::TIES,
        watch::TIES,
    ]
    .into_iter()
    .flatten()
}
