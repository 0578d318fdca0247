//! HTTP and TCP checks, used by gateway and controller alike.
//!
//! Each check opens a connection of its own, so that it asks what a new client would ask. What failed on our side is
//! told apart from what failed on theirs ([`Cause::CouldNotAsk`](dinghai_record::Cause::CouldNotAsk)): a machine that
//! ran out of descriptors has learnt nothing about its targets.

mod ask;
mod cause;
mod connect;
mod proxy_header;
mod schedule;

pub use ask::{Manner, Question, ask, ask_with};
pub use cause::{cause_of_http, cause_of_io};
pub use connect::{Connected, connect};
pub use proxy_header::{LONGEST, NoHeader, ProxyHeader, proxy_header, read_proxy_header};
pub use schedule::Schedule;
