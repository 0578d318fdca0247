//! Files that are read again when they change.
//!
//! They are looked at every second: who writes certificates (a renewal, a secret that is mounted anew) replaces files and links in ways
//! that notifications of the kernel miss. A look is one question to the file system for each file. What was read and could be used is in force for the
//! next connection; what could not be used is told once, and tried again when the files change.

use std::fmt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use tracing::{error, info};

use crate::{Facts, TlsError};

/// How often files are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// What was made of files.
#[derive(Debug)]
pub struct Loaded<C> {
    /// What connections are secured with.
    pub config: Arc<C>,
    /// Our own certificates in it.
    pub facts: Vec<Facts>,
}

/// What was made of files last, kept as new as they are.
pub struct Kept<C> {
    files: Vec<PathBuf>,
    load: Box<dyn Fn() -> Result<Loaded<C>, TlsError> + Send + Sync>,
    config: ArcSwapOption<C>,
    told: Mutex<Told>,
}

#[derive(Debug, Default)]
struct Told {
    marks: Vec<Mark>,
    facts: Vec<Facts>,
    broken: Option<TlsError>,
    reads: u64,
}

/// What tells that a file has changed: device, inode, size, and when it was changed last, its rights included.
type Mark = Option<(u64, u64, u64, i64, i64)>;

fn mark(path: &Path) -> Mark {
    let found = std::fs::metadata(path).ok()?;
    Some((found.dev(), found.ino(), found.size(), found.ctime(), found.ctime_nsec()))
}

impl<C> fmt::Debug for Kept<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept").field("files", &self.files).finish_non_exhaustive()
    }
}

impl<C: Send + Sync + 'static> Kept<C> {
    /// Reads the files. When they cannot be used there is nothing in force until they can.
    pub(crate) fn new(
        files: Vec<PathBuf>,
        load: impl Fn() -> Result<Loaded<C>, TlsError> + Send + Sync + 'static,
    ) -> Arc<Self> {
        let kept = Arc::new(Self {
            files,
            load: Box::new(load),
            config: ArcSwapOption::empty(),
            told: Mutex::default(),
        });
        kept.look();
        kept
    }

    /// What is in force; none before the files could first be used.
    pub fn get(&self) -> Option<Arc<C>> {
        self.config.load_full()
    }

    /// Our own certificates in force.
    pub fn facts(&self) -> Vec<Facts> {
        self.told().facts.clone()
    }

    /// Why the files as they are now cannot be used. What is in force is what they were before.
    pub fn broken(&self) -> Option<TlsError> {
        self.told().broken.clone()
    }

    /// Looks at the files, and reads them when they have changed. Touches the disk.
    pub fn look(&self) {
        let mut told = self.told();
        let marks: Vec<Mark> = self.files.iter().map(|path| mark(path)).collect();
        // A file that changes while it is read has another mark at the next look.
        if told.reads > 0 && marks == told.marks {
            return;
        }
        told.marks = marks;
        told.reads += 1;
        match (self.load)() {
            Ok(Loaded { config, facts }) => {
                self.config.store(Some(config));
                let names: Vec<&str> =
                    facts.iter().flat_map(|facts| facts.names.iter().map(|name| &**name)).collect();
                info!(files = ?self.files, names = names.join(" "), "certificates in force");
                (told.facts, told.broken) = (facts, None);
            }
            Err(broken) => {
                let before = self.config.load().is_some();
                let stands =
                    if before { "those from before stay in force" } else { "no connection is taken" };
                error!(%broken, stands, "certificates cannot be used");
                told.broken = Some(broken);
            }
        }
    }

    /// Looks again and again, until nobody uses it any more. Runs on the runtime that it is called on.
    pub fn watch(self: &Arc<Self>) {
        tokio::spawn(watch(Arc::downgrade(self)));
    }

    fn told(&self) -> std::sync::MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn watch<C: Send + Sync + 'static>(kept: Weak<Kept<C>>) {
    loop {
        tokio::time::sleep(LOOK).await;
        let Some(kept) = kept.upgrade() else { return };
        // The disk may hang; the runtime must not.
        let _ = tokio::task::spawn_blocking(move || kept.look()).await;
    }
}

#[cfg(test)]
mod tests {
    use dinghai_estate::{CertificateFiles, Termination, TlsVersion};

    use super::*;

    fn write(folder: &Path, name: &str, key: &rcgen::KeyPair) {
        let params = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = params.self_signed(key).unwrap();
        std::fs::write(folder.join("a.pem"), certificate.pem()).unwrap();
    }

    #[test]
    fn files_that_cannot_be_used_leave_in_force_what_was_before_and_tell_no_key() {
        let folder = tempfile::tempdir().unwrap();
        let (certificate, key) = (folder.path().join("a.pem"), folder.path().join("a.key"));
        let terms = Termination {
            certificates: vec![CertificateFiles { certificate: certificate.clone(), key: key.clone() }],
            clients: None,
            minimum: TlsVersion::V1_2,
        };
        let kept = crate::server(&terms, &[]);
        assert!(kept.get().is_none() && matches!(kept.broken(), Some(TlsError::Unreadable { .. })));

        let own = rcgen::KeyPair::generate().unwrap();
        write(folder.path(), "a.example", &own);
        std::fs::write(&key, own.serialize_pem()).unwrap();
        kept.look();
        let first = kept.get().unwrap();
        assert_eq!((kept.broken(), kept.facts()[0].names.clone()), (None, vec!["a.example".to_owned()]));
        kept.look();
        assert!(Arc::ptr_eq(&first, &kept.get().unwrap()), "what has not changed is not read again");

        write(folder.path(), "b.example", &rcgen::KeyPair::generate().unwrap());
        kept.look();
        assert!(matches!(kept.broken(), Some(TlsError::Strangers { .. })));
        assert!(Arc::ptr_eq(&first, &kept.get().unwrap()));
        assert_eq!(kept.facts()[0].names, ["a.example"], "what is told is what is in force");

        let damaged = own.serialize_pem().replace("-----END", "----END");
        std::fs::write(&key, &damaged).unwrap();
        kept.look();
        let told = format!("{:?} {}", kept.broken(), kept.broken().unwrap());
        assert!(
            damaged.lines().filter(|line| !line.starts_with('-')).all(|line| !told.contains(line)),
            "{told}"
        );

        write(folder.path(), "b.example", &own);
        std::fs::write(&key, own.serialize_pem()).unwrap();
        kept.look();
        assert_eq!((kept.broken(), kept.facts()[0].names.clone()), (None, vec!["b.example".to_owned()]));
    }
}
