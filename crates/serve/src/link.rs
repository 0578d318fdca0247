//! One-time links.
//!
//! A link is a file in `console/links` of the data folder, named by the digest of its secret. Who can write there may
//! make one, with the controller running or not. Using a link removes its file first: of two who try, one wins.

use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use dinghai_clock::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Role, ServeError, secret};

/// How long a link can be used.
const LIVES: Duration = Duration::from_secs(3600);

/// A link that signs one person in, once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Path and query, to be put after the console's address.
    pub path: String,
    /// What who uses it may do.
    pub role: Role,
    /// Until when it can be used.
    pub until: Timestamp,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    role: Role,
    until: Timestamp,
}

fn folder(data_dir: &Path) -> PathBuf {
    data_dir.join("console/links")
}

/// A folder that only we may enter.
pub(crate) fn private_folder(path: &Path) -> Result<(), ServeError> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(ServeError::file(path))
}

/// Writes a file that only we may read, whole or not at all.
pub(crate) fn private_file(path: &Path, bytes: &[u8]) -> Result<(), ServeError> {
    let draft = path.with_extension("new");
    let write = || {
        let mut file =
            std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&draft, path)
    };
    write().map_err(ServeError::file(path))
}

/// Makes a link. It works whether or not the controller runs.
pub fn new_link(data_dir: &Path, role: Role, now: Timestamp) -> Result<Link, ServeError> {
    let folder = folder(data_dir);
    private_folder(&folder)?;
    let token = secret::random()?;
    let until = now.plus(LIVES);
    let kept = serde_json::to_vec(&Kept { role, until }).unwrap_or_default();
    private_file(&folder.join(format!("{}.json", secret::digest(&token))), &kept)?;
    Ok(Link { path: format!("/sign-in?token={token}"), role, until })
}

/// Uses a link up. None when there is no such link any more.
pub(crate) fn redeem(data_dir: &Path, token: &str, now: Timestamp) -> Option<Role> {
    let path = folder(data_dir).join(format!("{}.json", secret::digest(token)));
    let kept: Kept = serde_json::from_slice(&std::fs::read(&path).ok()?).ok()?;
    std::fs::remove_file(&path).ok()?;
    (now <= kept.until).then_some(kept.role)
}

/// Whether somebody was ever given a way in: then no first link is made.
pub(crate) fn any(data_dir: &Path) -> bool {
    folder(data_dir).is_dir()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn token(link: &Link) -> &str {
        link.path.split_once('=').unwrap().1
    }

    #[test]
    fn a_link_works_once() {
        let dir = tempfile::tempdir().unwrap();
        let now = Timestamp::from_micros(1_000_000);
        let link = new_link(dir.path(), Role::Admin, now).unwrap();
        assert_eq!(redeem(dir.path(), token(&link), now), Some(Role::Admin));
        assert_eq!(redeem(dir.path(), token(&link), now), None);
    }

    #[test]
    fn a_link_that_is_too_old_is_refused_and_gone() {
        let dir = tempfile::tempdir().unwrap();
        let now = Timestamp::from_micros(1_000_000);
        let link = new_link(dir.path(), Role::Viewer, now).unwrap();
        let late = now.plus(LIVES).plus(Duration::from_secs(1));
        assert_eq!(redeem(dir.path(), token(&link), late), None);
        assert_eq!(redeem(dir.path(), token(&link), now), None);
    }

    #[test]
    fn the_secret_is_not_on_the_disk_and_others_may_not_look() {
        let dir = tempfile::tempdir().unwrap();
        let link = new_link(dir.path(), Role::Admin, Timestamp::EPOCH).unwrap();
        for item in std::fs::read_dir(folder(dir.path())).unwrap().flatten() {
            assert!(!item.file_name().to_string_lossy().contains(token(&link)));
            assert!(!std::fs::read_to_string(item.path()).unwrap().contains(token(&link)));
            assert_eq!(item.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn a_token_that_is_a_path_finds_nothing() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(redeem(dir.path(), "../../etc/passwd", Timestamp::EPOCH), None);
    }
}
