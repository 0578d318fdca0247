//! The data folder: its lock, its files, and the key that signs checkpoints.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use ed25519_dalek::SigningKey;

use crate::LedgerError;

/// The store's file in a data folder.
pub(crate) fn store_file(dir: &Path) -> PathBuf {
    dir.join("ledger.sqlite")
}

/// Makes the folder, for its owner only, when it is not there.
pub(crate) fn make(dir: &Path) -> Result<(), LedgerError> {
    if dir.is_dir() {
        return Ok(());
    }
    let failed = |source| LedgerError::File { path: dir.to_owned(), doing: "created", source };
    DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(failed)?;
    match dir.canonicalize().map_err(failed)?.parent() {
        Some(parent) => sync_folder(parent),
        None => Ok(()),
    }
}

/// Makes the store's file, for its owner only, when it is not there: it holds the keys of sealed fields. SQLite gives
/// its log the same permissions.
pub(crate) fn make_store_file(dir: &Path) -> Result<(), LedgerError> {
    let path = store_file(dir);
    let mut options = OpenOptions::new();
    match options.write(true).create(true).truncate(false).mode(0o600).open(&path) {
        Ok(_) => Ok(()),
        Err(source) => Err(LedgerError::File { path, doing: "written", source }),
    }
}

/// Takes the folder for this process. The operating system lets go of it when the process ends, however it ends.
pub(crate) fn lock(dir: &Path) -> Result<File, LedgerError> {
    let path = dir.join("lock");
    let failed = |doing| {
        let path = path.clone();
        move |source| LedgerError::File { path, doing, source }
    };
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(failed("opened"))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut text = String::new();
            let known = file.read_to_string(&mut text).is_ok() && text.trim().parse::<u32>().is_ok();
            let holder = if known {
                format!("process {}", text.trim())
            } else {
                "whose process cannot be told".to_owned()
            };
            return Err(LedgerError::Locked { dir: dir.to_owned(), holder });
        }
        Err(TryLockError::Error(source)) => return Err(failed("locked")(source)),
    }
    file.set_len(0).map_err(failed("written"))?;
    writeln!(file, "{}", std::process::id()).map_err(failed("written"))?;
    Ok(file)
}

/// The key that signs checkpoints, when the folder has one.
pub(crate) fn signing_key(dir: &Path) -> Result<Option<SigningKey>, LedgerError> {
    let path = dir.join("checkpoint.key");
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(LedgerError::File { path, doing: "read", source }),
    };
    let mut bytes = [0; 32];
    match hex::decode_to_slice(text.trim(), &mut bytes) {
        Ok(()) => Ok(Some(SigningKey::from_bytes(&bytes))),
        Err(_) => Err(LedgerError::Key { path }),
    }
}

/// The same, made at the first call: `checkpoint.key` for the owner only, `checkpoint.pub` for everybody.
pub(crate) fn signing_key_or_new(dir: &Path) -> Result<SigningKey, LedgerError> {
    if let Some(key) = signing_key(dir)? {
        return Ok(key);
    }
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)?;
    let key = SigningKey::from_bytes(&bytes);
    let public = hex::encode(key.verifying_key().to_bytes());
    write_whole(&dir.join("checkpoint.pub"), 0o644, &public)?;
    write_whole(&dir.join("checkpoint.key"), 0o600, &hex::encode(bytes))?;
    Ok(key)
}

/// The public half, in hexadecimal, when the folder has one.
pub(crate) fn public_key(dir: &Path) -> Option<String> {
    let text = std::fs::read_to_string(dir.join("checkpoint.pub")).ok()?;
    Some(text.trim().to_owned())
}

/// Writes a file so that a crash leaves it whole or not there.
fn write_whole(path: &Path, mode: u32, text: &str) -> Result<(), LedgerError> {
    let fresh = path.with_extension("new");
    let failed = |source| LedgerError::File { path: path.to_owned(), doing: "written", source };
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(&fresh).map_err(failed)?;
    writeln!(file, "{text}").and_then(|()| file.sync_all()).map_err(failed)?;
    std::fs::rename(&fresh, path).map_err(failed)?;
    path.parent().map_or(Ok(()), sync_folder)
}

fn sync_folder(dir: &Path) -> Result<(), LedgerError> {
    File::open(dir).and_then(|folder| folder.sync_all()).map_err(|source| LedgerError::File {
        path: dir.to_owned(),
        doing: "written",
        source,
    })
}
