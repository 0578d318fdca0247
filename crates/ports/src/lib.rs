//! The traits through which the world is touched.
//!
//! Stages and reconcilers know the world only by these; real ones stand in `ledger`, `hands`, `observe` and `engine`,
//! simulated ones in `sim`.

mod actuator;
mod gate;
mod sight;
mod store;

pub use actuator::{ActError, Actuator};
pub use gate::{Admission, Gate};
pub use sight::Sight;
pub use store::{Decision, Journal, Store, StoreError, StoreState};
