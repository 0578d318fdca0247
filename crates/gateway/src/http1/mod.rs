//! HTTP/1.1 as bytes: pure readers and writers, tried by the attack suite (`tests/attacks`).
//!
//! Why one of our own: what may be read in two ways is how requests are smuggled, and only who reads the bytes can refuse
//! it (ADR 0010). `httparse` reads field lines at speed; where it is lenient (bare LF, repeated CR), `fields` is not.
//! Everything here takes bytes that were received and says what they mean, that more are needed, or why they are refused.

pub(crate) mod body;
pub(crate) mod chunks;
pub(crate) mod date;
pub(crate) mod fields;
pub(crate) mod request;
pub(crate) mod response;
pub(crate) mod target;
