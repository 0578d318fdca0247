//! Following the ledger as it grows, beside the controller and without it: it may be dead.

use std::path::Path;
use std::time::Duration;

use anyhow::bail;
use dinghai_ledger::{LedgerReader, open_reader};
use dinghai_record::{Book, Entry, Event};

/// How often the ledger is looked at.
const EVERY: Duration = Duration::from_millis(5);

/// The ledger, read so far.
pub(crate) struct Follower {
    reader: LedgerReader,
    /// The fold of all that was read.
    pub(crate) book: Book,
    /// All that was read.
    pub(crate) entries: Vec<Entry>,
}

impl Follower {
    /// Waits until there is a ledger.
    pub(crate) async fn open(data: &Path, within: Duration) -> anyhow::Result<Self> {
        let deadline = tokio::time::Instant::now() + within;
        let reader = loop {
            match open_reader(data).await {
                Ok(reader) => break reader,
                Err(error) if tokio::time::Instant::now() >= deadline => return Err(error.into()),
                Err(_) => tokio::time::sleep(EVERY * 10).await,
            }
        };
        Ok(Self { reader, book: Book::default(), entries: vec![] })
    }

    /// Takes in what is new.
    pub(crate) async fn catch_up(&mut self) -> anyhow::Result<()> {
        for entry in self.reader.read(self.book.head, 500).await? {
            self.book.apply(&entry)?;
            self.entries.push(entry);
        }
        Ok(())
    }

    /// Waits until the book is as wanted; `what` says in words what is waited for.
    pub(crate) async fn until(
        &mut self,
        what: &str,
        within: Duration,
        wanted: impl Fn(&Book) -> bool,
    ) -> anyhow::Result<()> {
        let deadline = tokio::time::Instant::now() + within;
        loop {
            self.catch_up().await?;
            if wanted(&self.book) {
                return Ok(());
            }
            if tokio::time::Instant::now() >= deadline {
                bail!("waited {} s in vain until {what}", within.as_secs());
            }
            tokio::time::sleep(EVERY).await;
        }
    }

    /// The first entry after the one numbered `after` that is wanted.
    pub(crate) fn first(&self, after: u64, wanted: impl Fn(&Event) -> bool) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.seq.0 > after && wanted(&entry.event))
    }

    /// Walks the whole chain and says whether it is sound.
    pub(crate) async fn verify(&self) -> anyhow::Result<bool> {
        Ok(self.reader.verify(&[]).await?.is_sound())
    }
}
