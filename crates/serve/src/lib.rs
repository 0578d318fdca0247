//! HTTP API, sessions, one door for permission, event stream.
