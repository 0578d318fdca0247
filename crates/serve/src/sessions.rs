//! Who is signed in. Kept on disk under digests, so that a controller that starts again keeps people signed in.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use dinghai_clock::Timestamp;
use dinghai_record::Personal;
use serde::{Deserialize, Serialize};

use crate::link::{private_file, private_folder};
use crate::{Role, ServeError, secret};

/// A session that is not used for so long is over.
const IDLE: Duration = Duration::from_secs(12 * 3600);
/// How much later than on disk a session's last use may be before it is written again.
const SLACK: Duration = Duration::from_secs(300);

/// A person who is signed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Session {
    /// A random id under whose key the ledger seals the name.
    pub(crate) subject: String,
    pub(crate) name: String,
    pub(crate) role: Role,
    pub(crate) used: Timestamp,
}

impl Session {
    pub(crate) fn personal(&self) -> Personal {
        Personal::Known { subject: self.subject.clone(), value: self.name.clone() }
    }
}

/// The sessions of one data folder.
pub(crate) struct Sessions {
    path: PathBuf,
    open: Mutex<BTreeMap<String, Session>>,
}

impl Sessions {
    /// Reads those that were open when the controller last ran.
    pub(crate) fn open(data_dir: &Path) -> Result<Self, ServeError> {
        let folder = data_dir.join("console");
        private_folder(&folder)?;
        let path = folder.join("sessions.json");
        let open = match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map_err(|source| ServeError::Sessions { path: path.clone(), source })?,
            Err(missing) if missing.kind() == std::io::ErrorKind::NotFound => BTreeMap::new(),
            Err(other) => return Err(ServeError::file(path)(other)),
        };
        Ok(Self { path, open: Mutex::new(open) })
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Session>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, open: &BTreeMap<String, Session>) -> Result<(), ServeError> {
        private_file(&self.path, &serde_json::to_vec(open).unwrap_or_default())
    }

    /// Signs a person in and returns the secret of the cookie.
    pub(crate) fn begin(
        &self,
        name: &str,
        role: Role,
        now: Timestamp,
    ) -> Result<(String, Session), ServeError> {
        let (token, subject) = (secret::random()?, secret::random()?);
        let session = Session { subject, name: name.to_owned(), role, used: now };
        let mut open = self.lock();
        open.retain(|_, session| now.since(session.used) <= IDLE);
        open.insert(secret::digest(&token), session.clone());
        self.keep(&open)?;
        Ok((token, session))
    }

    /// The session of a cookie, while it lives.
    pub(crate) fn find(&self, token: &str, now: Timestamp) -> Option<Session> {
        let mut open = self.lock();
        let session = open.get_mut(&secret::digest(token))?;
        let idle = now.since(session.used);
        if idle > IDLE {
            return None;
        }
        let found = session.clone();
        if idle > SLACK {
            session.used = now;
            if let Err(error) = self.keep(&open) {
                tracing::warn!(%error, "the use of a session could not be kept; it may end early");
            }
        }
        Some(found)
    }

    /// Signs out.
    pub(crate) fn end(&self, token: &str) -> Result<(), ServeError> {
        let mut open = self.lock();
        open.remove(&secret::digest(token));
        self.keep(&open)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hours: u64) -> Timestamp {
        Timestamp::from_micros(1).plus(Duration::from_secs(hours * 3600))
    }

    #[test]
    fn people_stay_signed_in_when_the_controller_starts_again() {
        let dir = tempfile::tempdir().unwrap();
        let (token, session) =
            Sessions::open(dir.path()).unwrap().begin("Lin", Role::Operator, at(0)).unwrap();
        let again = Sessions::open(dir.path()).unwrap();
        assert_eq!(again.find(&token, at(1)), Some(session));
        let kept = std::fs::read_to_string(dir.path().join("console/sessions.json")).unwrap();
        assert!(!kept.contains(&token), "the cookie's secret is not on the disk");
    }

    #[test]
    fn an_idle_session_ends_and_a_used_one_goes_on() {
        let dir = tempfile::tempdir().unwrap();
        let sessions = Sessions::open(dir.path()).unwrap();
        let (token, _) = sessions.begin("Lin", Role::Viewer, at(0)).unwrap();
        assert!(sessions.find(&token, at(11)).is_some());
        assert!(sessions.find(&token, at(22)).is_some());
        assert!(sessions.find(&token, at(35)).is_none());
    }

    #[test]
    fn who_signed_out_is_out() {
        let dir = tempfile::tempdir().unwrap();
        let sessions = Sessions::open(dir.path()).unwrap();
        let (token, _) = sessions.begin("Lin", Role::Viewer, at(0)).unwrap();
        sessions.end(&token).unwrap();
        assert!(sessions.find(&token, at(0)).is_none());
    }
}
