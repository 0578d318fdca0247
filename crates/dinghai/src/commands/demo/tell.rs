//! What the demo says while it runs.

use dinghai_clock::format_span;
use tokio::time::Instant;

use super::figures::{ControllerFigures, LossFigures};

/// Says lines with the time since the beginning.
pub(crate) struct Teller {
    begun: Instant,
}

impl Teller {
    /// A teller that begins now.
    pub(crate) fn new() -> Self {
        Self { begun: Instant::now() }
    }

    /// Seconds since the beginning.
    pub(crate) fn elapsed_s(&self) -> f64 {
        self.begun.elapsed().as_secs_f64()
    }

    /// One line.
    pub(crate) fn say(&self, line: &str) {
        println!("{:6.1} s  {line}", self.elapsed_s());
    }

    /// A line that belongs to the one before it.
    pub(crate) fn more(&self, line: &str) {
        println!("          {line}");
    }

    /// What became of a loss.
    pub(crate) fn loss(&self, loss: &LossFigures) {
        let after = |ms: Option<u64>| ms.map_or("unknown".to_owned(), |ms| format!("{ms} ms"));
        self.say(&format!("{} is healed after {}", loss.what, after(loss.healed_ms)));
        self.more(&format!(
            "first ejected after {}, all after {}; incident {} after {}; first act after {}",
            after(loss.ejected_ms),
            after(loss.all_ejected_ms),
            loss.grade.as_deref().unwrap_or("ungraded"),
            after(loss.incident_ms),
            after(loss.acted_ms),
        ));
        self.more(&format!(
            "shoppers in the next 10 s: {} of {} requests failed, {} of them safe to repeat; last failure {}",
            loss.failed_10s,
            loss.sent_10s,
            loss.failed_idempotent,
            loss.last_failure_ms.map_or("none".to_owned(), |ms| format!("after {ms} ms")),
        ));
    }

    /// What became of the controller's death.
    pub(crate) fn controller(&self, figures: &ControllerFigures) {
        let span = |ms: Option<u64>| {
            ms.map_or("unknown".to_owned(), |ms| format_span(std::time::Duration::from_millis(ms)))
        };
        self.say(&format!(
            "another controller leads {} after the kill and goes on with {} {} later; {} requests failed in between",
            span(figures.restarted_ms),
            figures.plan,
            span(figures.resumed_ms),
            figures.failed,
        ));
    }
}
