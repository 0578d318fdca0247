//! A whole gateway between real sockets: what clients and instances see, and what the controller may do.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "what fails here fails its test"
)]

mod certificates;
mod control;
mod manners;
mod passages;
mod rescue;
mod routes;
mod secure;
mod stage;
