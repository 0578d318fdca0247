//! What processes print.
//!
//! A process writes to its file itself, so that its words survive the hand. Files are opened for appending; beyond
//! 10 MiB one is copied aside and cut, three copies being kept. Lines that are written between copy and cut are lost.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use dinghai_estate::InstanceId;

/// A file is turned over beyond this many bytes.
pub(crate) const LIMIT: u64 = 10 * 1024 * 1024;

/// Copies that are kept.
const COPIES: u32 = 3;

/// As much of the end as goes into a reason.
const TAIL: u64 = 4096;

/// The file of an instance: its name with anything but letters, digits and `@-_.` as `%XX`.
pub(crate) fn file(folder: &Path, instance: &InstanceId) -> PathBuf {
    let mut name = String::new();
    for byte in instance.as_str().bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'@' | b'-' | b'_' | b'.' => {
                name.push(char::from(byte))
            }
            _ => name.push_str(&format!("%{byte:02X}")),
        }
    }
    folder.join(format!("{name}.log"))
}

/// Opens it for a new process to append to.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    turn_over(path, LIMIT)?;
    OpenOptions::new().create(true).append(true).open(path)
}

/// Copies the file aside and cuts it when it is longer than `limit` bytes.
pub(crate) fn turn_over(path: &Path, limit: u64) -> io::Result<()> {
    match fs::metadata(path) {
        Ok(file) if file.len() > limit => {}
        Ok(_) => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    }
    let copy = |n: u32| path.with_added_extension(n.to_string());
    for n in (1..COPIES).rev() {
        match fs::rename(copy(n), copy(n + 1)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    fs::copy(path, copy(1))?;
    OpenOptions::new().write(true).open(path)?.set_len(0)
}

/// The end of the file from byte `from` on, 4 KiB at most, as text.
pub(crate) fn tail(path: &Path, from: u64) -> String {
    let read = || -> io::Result<Vec<u8>> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        // A file that is shorter than where we began was turned over meanwhile.
        let from = if from > length { 0 } else { from };
        file.seek(SeekFrom::Start(from.max(length.saturating_sub(TAIL))))?;
        let mut bytes = Vec::new();
        file.take(TAIL).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    String::from_utf8_lossy(&read().unwrap_or_default()).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn an_instance_cannot_name_a_file_outside_the_folder() {
        assert_eq!(file(Path::new("out"), &"order@hz-a.2".into()), Path::new("out/order@hz-a.2.log"));
        assert_eq!(file(Path::new("out"), &"../x".into()), Path::new("out/..%2Fx.log"));
    }

    #[test]
    fn a_long_file_is_turned_over_and_its_writer_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.log");
        let mut writer = open(&path).unwrap();
        for round in 0..5 {
            writeln!(writer, "round {round}").unwrap();
            turn_over(&path, 4).unwrap();
        }
        writeln!(writer, "end").unwrap();
        assert_eq!(tail(&path, 0), "end");
        assert_eq!(tail(&folder.path().join("a.log.1"), 0), "round 4");
        assert_eq!(tail(&folder.path().join("a.log.3"), 0), "round 2");
        assert!(!folder.path().join("a.log.4").exists());
    }

    #[test]
    fn only_the_end_that_was_written_since_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.log");
        fs::write(&path, "old\nnew\n").unwrap();
        assert_eq!(tail(&path, 4), "new");
        assert_eq!(tail(&path, 400), "old\nnew");
        fs::write(&path, "x".repeat(9000)).unwrap();
        assert_eq!(tail(&path, 0).len(), 4096);
    }
}
