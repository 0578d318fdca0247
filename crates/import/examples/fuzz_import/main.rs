//! Feeds the importers hostile files and tells what they could not bear.
//!
//! `fuzz_import SECONDS [SEED [FOLDER]]` makes inputs from the example infrastructures ([`mutate`]) until the time is over, imports
//! each, and counts panics, inputs on which the order of files makes a difference, and what took longest and most memory. What failed is
//! written to FOLDER, and so are the figures, as `import.json`. It ends with 1 when anything failed.
//!
//! A stack that overflows and a parser that never ends cannot be caught from within. The number of the input is therefore kept in
//! `FOLDER/at` while it is tried, and `fuzz_import only NUMBER SEED` tries that one again. An input that takes longer
//! than [`STUCK`] ends the run.

mod corpus;
mod mutate;
mod tally;

use std::error::Error;
use std::fs;
use std::io::{Seek, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use dinghai_clock::{Clock, SystemClock};
use dinghai_import::{Import, Joining, SourceFile, import};
use mutate::Mutator;
use tally::{Failure, Tally};

/// After this long an input counts as one that never ends.
const STUCK: Duration = Duration::from_secs(60);
/// After this long an input counts as failed.
const SLOW: Duration = Duration::from_secs(10);
/// Inputs for each one whose files are also given in another order.
const REORDERED: u64 = 8;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let word = |at: usize| words.get(at).map(String::as_str);
    let sets = corpus::sets(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/infra"))?;
    if word(0) == Some("only") {
        let (number, seed) = (word(1).unwrap_or_default().parse()?, word(2).unwrap_or("1").parse()?);
        let input = Input::of(seed, number, &sets);
        input.write(Path::new("."), "input")?;
        println!("{:?}", input.import());
        return Ok(ExitCode::SUCCESS);
    }
    let seconds = word(0).unwrap_or("10").parse()?;
    let seed = word(1).unwrap_or("1").parse()?;
    let folder = PathBuf::from(word(2).unwrap_or("fuzz"));
    fs::create_dir_all(&folder)?;
    let (tell, told) = channel();
    let worker = {
        let (folder, sets) = (folder.clone(), sets.clone());
        std::thread::spawn(move || fuzz(seed, Duration::from_secs(seconds), &sets, &folder, &tell))
    };
    let Some(last) = watch(&told) else {
        let at = fs::read_to_string(folder.join("at")).unwrap_or_default();
        eprintln!("input {at} of seed {seed} takes longer than {} s", STUCK.as_secs());
        return Ok(ExitCode::FAILURE);
    };
    worker.join().map_err(|_| "the loop itself has failed")??;
    println!("{last}");
    fs::write(folder.join("import.json"), serde_json::to_string_pretty(&last.json(seed, seconds))?)?;
    Ok(if last.failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Waits for the end; none when an input is stuck.
fn watch(told: &Receiver<Option<Tally>>) -> Option<Tally> {
    loop {
        match told.recv_timeout(STUCK) {
            Ok(Some(tally)) => return Some(tally),
            Ok(None) => {}
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return None,
        }
    }
}

/// One set of hostile files.
struct Input {
    files: Vec<SourceFile>,
    /// The endings of the files that were changed.
    kinds: Vec<String>,
}

impl Input {
    fn of(seed: u64, number: u64, sets: &[Vec<SourceFile>]) -> Self {
        let mut mutator = Mutator::seeded(seed.wrapping_mul(0x9e37_79b9).wrapping_add(number));
        let all: Vec<SourceFile> = sets.iter().flatten().cloned().collect();
        let at = mutator.below(sets.len());
        let mut files = sets.get(at).cloned().unwrap_or_default();
        // Now and then one file alone.
        if mutator.below(3) == 0 {
            let keep = mutator.below(files.len());
            files = files.into_iter().skip(keep).take(1).collect();
        }
        let spoilt = mutator.spoil(&mut files, &all);
        let kinds = spoilt.iter().filter_map(|at| files.get(*at)).map(|file| kind(&file.path));
        Self { kinds: kinds.collect(), files }
    }

    fn import(&self) -> (Import, Import) {
        (import(&self.files, Joining::Apart), import(&self.files, Joining::Together("all")))
    }

    fn reordered(&self) -> (Import, Import) {
        Self { files: self.files.iter().rev().cloned().collect(), kinds: Vec::new() }.import()
    }

    fn write(&self, folder: &Path, name: &str) -> std::io::Result<()> {
        let folder = folder.join(name);
        for file in &self.files {
            let path = folder.join(&file.path);
            fs::create_dir_all(path.parent().unwrap_or(&folder))?;
            fs::write(path, &file.text)?;
        }
        Ok(())
    }
}

/// The ending of a file's name, or the whole name of those that say more.
fn kind(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or_default();
    name.rsplit('.').next().unwrap_or_default().to_owned()
}

fn fuzz(
    seed: u64,
    span: Duration,
    sets: &[Vec<SourceFile>],
    folder: &Path,
    tell: &Sender<Option<Tally>>,
) -> std::io::Result<()> {
    let panicked: Arc<Mutex<String>> = Arc::default();
    let note = Arc::clone(&panicked);
    std::panic::set_hook(Box::new(move |info| {
        let at = info.location().map(|at| format!("{}:{}", at.file(), at.line())).unwrap_or_default();
        if let Ok(mut note) = note.lock() {
            *note = format!("{at}: {}", info.payload_as_str().unwrap_or_default());
        }
    }));
    let mut kept = fs::File::create(folder.join("at"))?;
    let clock = SystemClock::new();
    let start = clock.now();
    let mut tally = Tally::default();
    let mut number = 0;
    while clock.now().since(start) < span {
        number += 1;
        kept.rewind()?;
        write!(kept, "{number:<20}")?;
        let input = Input::of(seed, number, sets);
        // A reader may catch its own panics: the note tells all the same.
        panicked.lock().map(|mut note| note.clear()).unwrap_or_default();
        tally::forget_peak();
        let began = clock.now();
        let got = catch_unwind(AssertUnwindSafe(|| input.import()));
        let took = clock.now().since(began);
        tally.count(number, &input.kinds, &input.files, took, tally::peak_mib());
        let note = panicked.lock().map(|note| note.clone()).unwrap_or_default();
        let failure = match &got {
            _ if !note.is_empty() => Some(Failure::Panic(note)),
            Err(_) => Some(Failure::Panic("nobody knows where".to_owned())),
            Ok(_) if took > SLOW => Some(Failure::Slow),
            Ok(got) if number % REORDERED == 0 => {
                let other = catch_unwind(AssertUnwindSafe(|| input.reordered()));
                (other.ok().as_ref() != Some(got)).then_some(Failure::Order)
            }
            Ok(_) => None,
        };
        if let Some(failure) = failure
            && tally.failed(number, failure)
        {
            input.write(folder, &format!("failed-{number}"))?;
        }
        // Nobody listens any more when an input was stuck.
        if tell.send(None).is_err() {
            return Ok(());
        }
    }
    drop(tell.send(Some(tally)));
    Ok(())
}
