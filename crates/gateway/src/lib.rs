//! The traffic path.
