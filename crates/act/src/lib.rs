//! The executor: it runs plans, journals each step before it acts, and verifies it after.

mod executor;
mod step;

pub use executor::{Executor, Tools};
