//! HTTP, TCP and process checks, used by gateway and observe alike.
