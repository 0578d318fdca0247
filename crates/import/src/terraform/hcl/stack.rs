//! A stack of known size, whoever calls.
//!
//! The parser allows 64 levels and the evaluator a few hundred; how much stack a level takes depends on the build, and how much
//! there is on the thread we are called from. So both run on a thread of their own.

/// More than ten times what the deepest input takes in a build without optimisation.
const STACK: usize = 64 << 20;

/// What `work` gives; none when the system has no thread for it or it panicked.
pub(crate) fn with<T: Send>(work: impl FnOnce() -> T + Send) -> Option<T> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work).ok()?;
        thread.join().ok()
    })
}
