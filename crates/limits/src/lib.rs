//! Rate limit, breaker, ejection, adaptive concurrency and retry budget as pure state machines.
