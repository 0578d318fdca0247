//! Actuators: host processes, gateway weights, commands, HTTP.
//!
//! The *hand* is the one process that changes the world. [`run`] serves it on a Unix socket, as
//! `docs/adr/0005-hand-and-supervisor.md` decides; the controller reaches it through [`Actuators`], and people stop it
//! without any controller through [`halt_units`].
//!
//! | module | what it is |
//! |---|---|
//! | `serve` | the control socket |
//! | `hand` | an order's way from the door to the act, and what is said of it afterwards |
//! | `rules` | what the hand may do: fence, halt, charge, lost places |
//! | `orders` | which orders were begun and how they ended |
//! | `supervisor`, `stop`, `watch`, `backoff` | processes and who starts them again |
//! | `launch`, `output`, `proc` | one process: its birth, its words, its traces in `/proc` |
//! | `faults` | what drills broke, and its undo |
//! | `exec`, `http` | programs and requests |
//! | `kept` | a value that outlives the process |
//! | `actuators`, `halt` | the controller's and the person's side |

mod actuators;
mod backoff;
mod effect;
mod error;
mod exec;
mod faults;
mod halt;
mod hand;
mod http;
mod kept;
mod launch;
mod orders;
mod output;
mod proc;
mod rules;
mod serve;
mod stop;
mod supervisor;
mod watch;

pub use actuators::{Actuators, GatewayActuator, HandActuator};
pub use error::HandError;
pub use halt::{control_sockets, halt_units, resume_units};
pub use launch::session_exec;
pub use serve::{HandConfig, run};
