//! One module for each subcommand: its arguments, and what it does.

pub(crate) mod check;
pub(crate) mod completion;
mod controller;
pub(crate) mod demo;
pub(crate) mod demo_shop;
pub(crate) mod diff;
pub(crate) mod drills;
pub(crate) mod explain;
mod gather;
pub(crate) mod halt;
pub(crate) mod incidents;
pub(crate) mod init;
pub(crate) mod ledger;
pub(crate) mod link;
pub(crate) mod output;
pub(crate) mod plans;
pub(crate) mod promises;
mod reading;
pub(crate) mod rehearse;
pub(crate) mod run;
pub(crate) mod schema;
pub(crate) mod session_exec;
mod source;
pub(crate) mod what_if;
