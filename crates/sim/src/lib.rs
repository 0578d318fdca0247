//! A simulated estate, clock and faults.
