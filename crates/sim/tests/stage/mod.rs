//! The files of scenarios, and the shop.
#![allow(dead_code, reason = "every test file uses a part of it")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what it did not expect")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use dinghai_estate::{Estate, Files, decode};
use dinghai_sim::{Script, play};

struct Disk;

impl Files for Disk {
    fn read(&self, path: &str) -> Result<String, String> {
        std::fs::read_to_string(path).map_err(|error| error.to_string())
    }
}

/// The estate of a file.
pub(crate) fn estate(path: &Path) -> Arc<Estate> {
    let decoded = decode(&path.to_string_lossy(), &Disk);
    Arc::new(decoded.estate.unwrap_or_else(|| panic!("{}: {:?}", path.display(), decoded.problems)))
}

/// The shop that comes with the simulation.
pub(crate) fn shop() -> Arc<Estate> {
    estate(&Path::new(env!("CARGO_MANIFEST_DIR")).join("estates/shop.yaml"))
}

/// Plays every script of a folder and compares what comes out with the `.out` beside it, which
/// `DINGHAI_WRITE_GOLDEN=1` writes.
pub(crate) fn play_folder(folder: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let scripts = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let mut scripts: Vec<PathBuf> =
        scripts.filter(|path| path.extension().is_some_and(|extension| extension == "txt")).collect();
    scripts.sort();
    assert!(!scripts.is_empty(), "there are no scripts in {}", folder.display());
    let write = std::env::var_os("DINGHAI_WRITE_GOLDEN").is_some();
    let wrong: Vec<String> = std::thread::scope(|scope| {
        let halves: Vec<_> = scripts
            .chunks(scripts.len().div_ceil(2))
            .map(|half| {
                scope.spawn(move || half.iter().filter_map(|path| play_one(path, write)).collect::<Vec<_>>())
            })
            .collect();
        halves.into_iter().flat_map(|half| half.join().unwrap()).collect()
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn play_one(path: &Path, write: bool) -> Option<String> {
    let script = Script::parse(&std::fs::read_to_string(path).unwrap());
    let script = script.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let file = script.estate.as_ref().map(|file| path.with_file_name(file));
    let estate = file.map_or_else(shop, |file| estate(&file));
    let played = play(&script, estate, None).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let golden = path.with_extension("out");
    if write {
        std::fs::write(&golden, &played.story).unwrap();
        return None;
    }
    let expected = std::fs::read_to_string(&golden).unwrap_or_default();
    let differs = expected.lines().zip(played.story.lines()).position(|(was, is)| was != is);
    (expected != played.story).then(|| {
        let line = differs.unwrap_or_else(|| expected.lines().count().min(played.story.lines().count()));
        let of = |text: &str| text.lines().nth(line).unwrap_or("(nothing)").to_owned();
        format!(
            "{}:{}:\n  expected {}\n  came out {}",
            golden.display(),
            line + 1,
            of(&expected),
            of(&played.story)
        )
    })
}
