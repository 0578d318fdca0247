//! Resources of the provider `alicloud`.
//!
//! Arguments, their meaning and their defaults are those of the provider's documentation, one page for each kind
//! (registry.terraform.io/providers/aliyun/alicloud).

mod balance;
mod compute;
mod containers;
mod data;
mod database;
mod dns;
mod messages;
mod network;
mod storage;

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
    ]
    .into_iter()
    .flatten()
}

/// What connects.
pub(super) fn ties() -> impl Iterator<Item = &'static Tie> {
    [network::TIES, compute::TIES, containers::TIES, balance::TIES, database::TIES, storage::TIES, dns::TIES]
        .into_iter()
        .flatten()
}
