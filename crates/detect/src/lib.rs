//! Observations to findings.
//!
//! [`Senses`] folds observations into what each vantage point says of each instance, and puts that together as a
//! [`World`](dinghai_record::World). [`diagnose`] compares the world with the findings that stand and says which are
//! raised, changed and cleared. Both are pure: time comes in with the observations and as `now`.
//!
//! A finding is cleared only by something that was seen. What has become unknown stays as it was found (law 4).

mod capacity;
mod diagnose;
mod instance;
mod place;
mod senses;
mod service;
mod sight;
mod silence;
mod traffic;
mod verdict;
mod view;

pub use diagnose::{Inputs, diagnose};
pub use senses::Senses;
