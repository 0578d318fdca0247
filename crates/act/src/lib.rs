//! The executor: it runs plans, journals each step before it acts, and verifies it after.

mod executor;
mod journal;
mod step;

pub use executor::{Executor, Tools};
pub use journal::BookedStore;
