//! Folds of the ledger: promises, timelines, reviews.
