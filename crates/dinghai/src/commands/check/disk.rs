//! An estate's files on disk.

use std::io::ErrorKind;
use std::path::Path;

use dinghai_estate::{Decoded, Files, decode};

struct Disk;

impl Files for Disk {
    fn read(&self, path: &str) -> Result<String, String> {
        std::fs::read_to_string(path).map_err(|error| match error.kind() {
            ErrorKind::NotFound => "there is no such file".to_owned(),
            ErrorKind::InvalidData => "it is not UTF-8 text".to_owned(),
            ErrorKind::IsADirectory => "it is a folder".to_owned(),
            _ => error.to_string(),
        })
    }
}

/// Reads the estate of a file, or of the `dinghai.yaml` in a folder. Files are named as seen from here.
pub(crate) fn read(path: &Path) -> Decoded {
    let file = match path.is_dir() {
        true if path == Path::new(".") => "dinghai.yaml".into(),
        true => path.join("dinghai.yaml"),
        false => path.to_owned(),
    };
    decode(&file.to_string_lossy(), &Disk)
}
