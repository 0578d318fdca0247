//! Probe schedules and receivers.
