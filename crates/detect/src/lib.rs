//! Observations to findings.
