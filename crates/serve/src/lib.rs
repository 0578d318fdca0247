//! HTTP API, sessions, one door for permission, event stream.
//!
//! The console and the API are one server with two ways in: a TCP address for browsers, and a Unix socket in the data
//! folder for the command line of the same machine. Every request passes the same door (`door`), which says who asks
//! and whether they may; behind it a handler reads the engine's handle, makes a scene and lets `pages` write it.
//!
//! There is no password. A person signs in with a link that works once, made by somebody who can already write into
//! the data folder.

mod acts;
mod answer;
mod api;
mod door;
mod error;
mod link;
mod listen;
mod look;
mod paging;
mod peers;
mod secret;
mod security;
mod sessions;
mod state;
mod stream;

pub use dinghai_access::Role;
pub use error::ServeError;
pub use link::{Link, new_link};
pub use listen::{Bound, ServeConfig, app, run};
pub use peers::socket_path;
