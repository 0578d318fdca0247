//! One module for each subcommand: its arguments, and what it does.

pub(crate) mod demo_shop;
pub(crate) mod ledger;
