//! Hypothesis, faults and stop rules to plans and verdicts.
