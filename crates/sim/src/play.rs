//! A script played to its end on virtual time.

use std::future::Future;
use std::sync::Arc;

use dinghai_clock::Timestamp;
use dinghai_estate::Estate;
use dinghai_record::Book;

use crate::error::SimError;
use crate::laws::{Defect, Violation};
use crate::script::Script;
use crate::stage::{Setting, Stage};
use crate::tell::Story;

/// What came of a script.
#[derive(Clone, Debug)]
pub struct Played {
    /// What happened, a line for each ledger entry, and how everything stood at the end.
    pub story: String,
    /// Laws that did not hold.
    pub violations: Vec<Violation>,
    /// The ledger's fold at the end.
    pub book: Book,
    /// The simulated time at the end.
    pub ended: Timestamp,
    /// Whether a controller lived at the end.
    pub controlled: bool,
}

/// Plays a script on an estate. The same script on the same estate gives the same every time. `defect` is something
/// that is wrong on purpose, to see that its law notices.
pub fn play(script: &Script, estate: Arc<Estate>, defect: Option<Defect>) -> Result<Played, SimError> {
    script.check(&estate)?;
    on_virtual_time(async {
        let setting = Setting { seed: script.seed, proven: script.proven, defect };
        let mut stage = Stage::open(script.adapt(estate), setting).await?;
        let mut story = Story::default();
        let tell = |story: &mut Story, stage: &Stage| {
            stage.entries_after(story.book.head).iter().for_each(|entry| story.entry(entry));
        };
        for timed in &script.happenings {
            stage.pass_until(timed.at).await?;
            tell(&mut story, &stage);
            let now = stage.now();
            let refused = stage.happen(&timed.happening).await?;
            story.happening(now, &timed.happening, refused.as_deref());
        }
        stage.pass_until(script.until).await?;
        tell(&mut story, &stage);
        let violations = stage.violations();
        Ok(Played {
            story: story.end(&stage.truth, &violations),
            violations,
            book: stage.book(),
            ended: stage.now(),
            controlled: stage.has_controller(),
        })
    })
}

/// Runs on one thread, whose time stands still until everybody waits. What the engine logs is not shown: everything
/// that matters of it stands in the ledger.
fn on_virtual_time<T>(work: impl Future<Output = Result<T, SimError>>) -> Result<T, SimError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
    let silence = tracing::subscriber::NoSubscriber::default();
    tracing::subscriber::with_default(silence, || runtime.block_on(work))
}
