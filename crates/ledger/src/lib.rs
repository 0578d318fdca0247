//! Append-only hash chains on SQLite.
