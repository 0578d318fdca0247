//! An estate's files on disk.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use dinghai_estate::{Decoded, Files, decode};

/// The most bytes of one file: several times what 50,000 instances take. A person did not write a larger one.
const LARGEST: u64 = 16 * 1024 * 1024;

struct Disk;

impl Files for Disk {
    fn read(&self, path: &str) -> Result<String, String> {
        let mut text = String::new();
        // One byte more than allowed, so that something endless, such as a device, is noticed too.
        let read = File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_string(&mut text));
        match read {
            Ok(_) if text.len() as u64 > LARGEST => {
                Err(format!("it is larger than {} MiB; spread it over several files", LARGEST / 1024 / 1024))
            }
            Ok(_) => Ok(text),
            Err(error) => Err(match error.kind() {
                ErrorKind::NotFound => "there is no such file".to_owned(),
                ErrorKind::InvalidData => "it is not UTF-8 text".to_owned(),
                ErrorKind::IsADirectory => "it is a folder".to_owned(),
                _ => error.to_string(),
            }),
        }
    }
}

/// Reads the estate of a file, or of the `dinghai.yaml` in a folder. Files are named as seen from here.
pub(crate) fn read(path: &Path) -> Decoded {
    decode(&file_of(path).to_string_lossy(), &Disk)
}

/// The file of an estate: what was named, or the `dinghai.yaml` in the folder that was.
pub(crate) fn file_of(path: &Path) -> PathBuf {
    match path.is_dir() {
        true if path == Path::new(".") => "dinghai.yaml".into(),
        true => path.join("dinghai.yaml"),
        false => path.to_owned(),
    }
}
