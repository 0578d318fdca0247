//! A value that outlives the process.
//!
//! It is one JSON file, replaced as a whole: written aside, synced, renamed over the old one, and the folder synced.
//! Readers see a change only once it is durable, so that nothing is done on the strength of something that a crash
//! would take back. An unchanged value is not written again.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::HandError;

/// A value and its file.
pub(crate) struct Kept<T> {
    path: PathBuf,
    writing: Mutex<()>,
    value: RwLock<Arc<T>>,
}

impl<T> Kept<T>
where
    T: Clone + Default + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static,
{
    /// Reads the file; the default where there is none yet.
    pub(crate) fn open(path: PathBuf) -> Result<Arc<Self>, HandError> {
        let value = match fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text)
                .map_err(|error| HandError::Damaged { path: path.clone(), why: error.to_string() })?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => T::default(),
            Err(error) => return Err(HandError::io("read", path)(error)),
        };
        Ok(Arc::new(Self { path, writing: Mutex::new(()), value: RwLock::new(Arc::new(value)) }))
    }

    /// The value as it stands.
    pub(crate) fn get(&self) -> Arc<T> {
        self.value.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Changes the value; when this returns, the change is durable. On an error nothing has changed.
    pub(crate) async fn change<R: Send + 'static>(
        self: &Arc<Self>,
        change: impl FnOnce(&mut T) -> R + Send + 'static,
    ) -> io::Result<R> {
        let (answer, written) = self.apply(change, false).await?;
        written.map(|()| answer)
    }

    /// Takes in what has happened already. When the disk refuses, the value changes all the same and the file is
    /// behind; for facts that are found again by looking at the world.
    pub(crate) async fn note<R: Send + 'static>(
        self: &Arc<Self>,
        change: impl FnOnce(&mut T) -> R + Send + 'static,
    ) -> io::Result<R> {
        let (answer, written) = self.apply(change, true).await?;
        if let Err(error) = written {
            tracing::error!(path = %self.path.display(), %error, "cannot write what happened; it stays in memory");
        }
        Ok(answer)
    }

    /// Runs on a thread of its own, so that a caller that goes away cannot leave it half done.
    async fn apply<R: Send + 'static>(
        self: &Arc<Self>,
        change: impl FnOnce(&mut T) -> R + Send + 'static,
        regardless: bool,
    ) -> io::Result<(R, io::Result<()>)> {
        let kept = Arc::clone(self);
        let task = tokio::task::spawn_blocking(move || {
            let _turn = kept.writing.lock().unwrap_or_else(PoisonError::into_inner);
            let before = kept.get();
            let mut value = T::clone(&before);
            let answer = change(&mut value);
            let written = if value == *before { Ok(()) } else { replace(&kept.path, &value) };
            if written.is_ok() || regardless {
                *kept.value.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(value);
            }
            (answer, written)
        });
        task.await.map_err(io::Error::other)
    }
}

fn replace<T: Serialize>(path: &Path, value: &T) -> io::Result<()> {
    let text = serde_json::to_vec_pretty(value).map_err(io::Error::other)?;
    let aside = path.with_extension("json.new");
    let mut file = File::create(&aside)?;
    file.write_all(&text)?;
    file.sync_all()?;
    fs::rename(&aside, path)?;
    match path.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_change_is_there_again_after_reopening() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("list.json");
        let kept = Kept::<Vec<u32>>::open(path.clone()).unwrap();
        assert_eq!(
            kept.change(|list| {
                list.push(7);
                list.len()
            })
            .await
            .unwrap(),
            1
        );
        assert_eq!(*Kept::<Vec<u32>>::open(path).unwrap().get(), vec![7]);
    }

    #[tokio::test]
    async fn a_change_that_cannot_be_written_is_not_seen_and_what_happened_is() {
        let folder = tempfile::tempdir().unwrap();
        let gone = folder.path().join("gone");
        let kept = Kept::<Vec<u32>>::open(gone.join("list.json")).unwrap();
        assert!(kept.change(|list| list.push(7)).await.is_err());
        assert!(kept.get().is_empty());
        kept.note(|list| list.push(8)).await.unwrap();
        assert_eq!(*kept.get(), vec![8]);
    }

    #[tokio::test]
    async fn an_unchanged_value_is_not_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("list.json");
        let kept = Kept::<Vec<u32>>::open(path.clone()).unwrap();
        kept.change(|list| list.clear()).await.unwrap();
        assert!(!path.exists());
    }

    #[test]
    fn a_damaged_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("list.json");
        fs::write(&path, "[1,").unwrap();
        let error = Kept::<Vec<u32>>::open(path).err().unwrap().to_string();
        assert!(error.contains("list.json` is damaged"), "{error}");
    }
}
