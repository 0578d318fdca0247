//! One file's text, or in a few words why there is none.

use std::fs::OpenOptions;
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::OFlags;

/// The most bytes of what machines write: plans and states.
const LARGEST_WRITTEN_BY_MACHINES: u64 = 128 * 1024 * 1024;
/// The most bytes of what people write.
const LARGEST: u64 = 16 * 1024 * 1024;
/// Where a zero byte makes a file binary.
const HEAD: usize = 8 * 1024;

/// The most bytes of a file of that name.
pub(super) fn largest(path: &Path) -> u64 {
    let kind = path.extension().map(|kind| kind.to_string_lossy().to_lowercase());
    match kind.as_deref() {
        Some("json" | "tfstate") => LARGEST_WRITTEN_BY_MACHINES,
        _ => LARGEST,
    }
}

pub(super) fn too_large(largest: u64) -> String {
    format!("it is larger than {} MiB", largest / 1024 / 1024)
}

/// The text of a plain file.
pub(super) fn file(path: &Path, largest: u64) -> Result<String, String> {
    // It may have been replaced by a pipe since it was looked at; opening must not wait for a writer.
    let flags = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or(0);
    let mut file =
        OpenOptions::new().read(true).custom_flags(flags).open(path).map_err(|error| plain(&error))?;
    let found = file.metadata().map_err(|error| plain(&error))?;
    match found.is_file() {
        true => text(&mut file, largest),
        false => Err("it is not a plain file any more".to_owned()),
    }
}

/// The text of a stream.
pub(super) fn stream(stream: &mut dyn Read) -> Result<String, String> {
    text(stream, LARGEST_WRITTEN_BY_MACHINES)
}

fn text(from: &mut dyn Read, largest: u64) -> Result<String, String> {
    let mut bytes = Vec::new();
    // One byte more than allowed, so that what grows meanwhile is noticed too.
    from.take(largest + 1).read_to_end(&mut bytes).map_err(|error| plain(&error))?;
    if bytes.len() as u64 > largest {
        return Err(too_large(largest));
    }
    // PowerShell writes `terraform show -json > plan.json` like this.
    if let Some(rest) = bytes.strip_prefix(&[0xFF, 0xFE]) {
        return utf16(rest, u16::from_le_bytes);
    }
    if let Some(rest) = bytes.strip_prefix(&[0xFE, 0xFF]) {
        return utf16(rest, u16::from_be_bytes);
    }
    if bytes.iter().take(HEAD).any(|byte| *byte == 0) {
        return Err("it is binary".to_owned());
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let lines = error.as_bytes().iter().take(valid).filter(|byte| **byte == b'\n').count();
        format!("it is not UTF-8 text, from line {} on: save it as UTF-8", lines + 1)
    })
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, String> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let units = pairs.iter().map(|pair| unit(*pair));
    let text: Result<String, _> = char::decode_utf16(units).collect();
    match text {
        Ok(text) if rest.is_empty() => Ok(text),
        _ => Err("it is not UTF-16 text, though it begins like one: save it as UTF-8".to_owned()),
    }
}

/// An error without its number.
pub(super) fn plain(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => "it is not there any more".to_owned(),
        ErrorKind::PermissionDenied => "it may not be read by you".to_owned(),
        _ => {
            let text = error.to_string();
            text.split(" (os error").next().unwrap_or_default().to_lowercase()
        }
    }
}
