//! A simulated estate, clock and faults.
//!
//! The engine in here is the real one: the same ring, planners, executor and book. Only what stands at its ports is
//! simulated: the machines and their processes, the gateways, the hand, the store, and time, which stands still until
//! everybody waits. The same seed gives the same run.
//!
//! | module | what it is |
//! |---|---|
//! | `truth` | what is really so in the simulated world |
//! | `happening` | what may happen to it |
//! | `gateways`, `hand` | units that live in it: they probe, eject, count, and carry orders out |
//! | `eyes` | what controller, gateways and hand see of it |
//! | `memory` | a ledger in memory |
//! | `stage` | engine and world put together, controller deaths included |
//! | `script`, `play`, `tell` | scenarios written by people, played, and told |
//! | `chance` | faults drawn at random |
//! | `laws` | what must hold in every run |

mod chance;
mod clock;
mod error;
mod eyes;
mod gateways;
mod hand;
mod happening;
mod laws;
mod memory;
mod play;
mod script;
mod stage;
mod tell;
mod truth;

pub use chance::{Campaign, CampaignReport, run_campaign, run_episode};
pub use error::{ScriptError, SimError};
pub use laws::{Defect, Law, Violation};
pub use play::{Played, play};
pub use script::Script;

/// A small estate to rehearse on when one has none of one's own: a shop in three zones, with spares and drills.
pub const SHOP: &str = include_str!("../estates/shop.yaml");
