//! Folds of the ledger: promises, timelines, reviews.
//!
//! Nothing here decides or acts. What is unknown stays unknown: a promise is kept only while a measurement that met
//! its target, and the facts it rested on, still stand.

mod board;
mod evidence;
mod facts;
mod impact;
mod loss;
mod promise;
mod review;
mod timeline;
mod told;

pub use board::{DueDrill, LastProof, PromiseBoard, PromiseRow, PromiseState, VoidedBy, board};
pub use evidence::{evidence, evidence_from_halt, evidence_from_incident, voided};
pub use facts::{Running, facts};
pub use impact::incident_measures;
pub use loss::{Loss, loss};
pub use review::{Review, review};
pub use timeline::{RowKind, StepRow, TimelineRow, timeline};
