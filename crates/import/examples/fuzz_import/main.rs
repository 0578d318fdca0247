//! Feeds the importers hostile files and tells what they could not bear.
//!
//! `fuzz_import run SECONDS SEED FOLDER [FORMAT]` makes inputs from the example infrastructures ([`mutate`]) until the time is over, imports
//! each, and counts panics, inputs on which the order of files makes a difference, and what took longest and most memory. With a
//! FORMAT only files of that one are spoilt ([`formats`]). What failed is written to FOLDER, and so are the figures, as `figures.json`. It ends
//! with 1 when anything failed.
//!
//! A stack that overflows and a parser that never ends cannot be caught from within. The number of the input is therefore kept in
//! `FOLDER/at` while it is tried, and `fuzz_import only NUMBER SEED [FORMAT]` tries that one again. An input that takes longer
//! than [`STUCK`] ends the run.

mod corpus;
mod formats;
mod mutate;
mod tally;

use std::error::Error;
use std::fs;
use std::io::{Seek, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
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
    match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["only", number, seed, format @ ..] => {
            let input = Seeds::read(format.first().copied())?.input(seed.parse()?, number.parse()?);
            input.write(Path::new("."), "input")?;
            println!("{:?}", input.import());
            Ok(ExitCode::SUCCESS)
        }
        ["run", seconds, seed, folder, format @ ..] => {
            let seeds = Seeds::read(format.first().copied())?;
            run(seconds.parse()?, seed.parse()?, Path::new(folder), seeds)
        }
        _ => Err("fuzz_import run SECONDS SEED FOLDER [FORMAT] | only NUMBER SEED [FORMAT]".into()),
    }
}

fn run(seconds: u64, seed: u64, folder: &Path, seeds: Seeds) -> Result<ExitCode, Box<dyn Error>> {
    fs::create_dir_all(folder)?;
    let (tell, told) = channel();
    let worker = {
        let folder = folder.to_owned();
        std::thread::spawn(move || fuzz(seed, Duration::from_secs(seconds), &seeds, &folder, &tell))
    };
    let Some(last) = watch(&told) else {
        let at = fs::read_to_string(folder.join("at")).unwrap_or_default();
        eprintln!("input {at} of seed {seed} takes longer than {} s", STUCK.as_secs());
        return Ok(ExitCode::FAILURE);
    };
    worker.join().map_err(|_| "the loop itself has failed")??;
    println!("{last}");
    fs::write(folder.join("figures.json"), serde_json::to_string_pretty(&last.json(seed, seconds))?)?;
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

/// What inputs are made of.
struct Seeds {
    /// Sets with a file that may be spoilt.
    sets: Vec<Vec<SourceFile>>,
    /// The files of all sets, which lend parts of themselves.
    all: Vec<SourceFile>,
    format: Option<String>,
}

impl Seeds {
    fn read(format: Option<&str>) -> Result<Self, Box<dyn Error>> {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut sets = corpus::sets(&here.join("../../examples/infra"))?;
        sets.extend(corpus::sets(&here.join("examples/fuzz_import/seeds"))?);
        let all = sets.iter().flatten().cloned().collect();
        sets.retain(|files| files.iter().any(|file| formats::is_for(format, file)));
        match (sets.is_empty(), format) {
            (true, Some(format)) => Err(format!("no file is of format `{format}`").into()),
            _ => Ok(Self { sets, all, format: format.map(str::to_owned) }),
        }
    }

    fn input(&self, seed: u64, number: u64) -> Input {
        let is_open = |file: &SourceFile| formats::is_for(self.format.as_deref(), file);
        let mut mutator = Mutator::seeded(seed.wrapping_mul(0x9e37_79b9).wrapping_add(number));
        let at = mutator.below(self.sets.len());
        let mut files = self.sets.get(at).cloned().unwrap_or_default();
        // Now and then one file alone.
        if mutator.below(3) == 0 {
            files.retain(is_open);
            let keep = mutator.below(files.len());
            files = files.into_iter().skip(keep).take(1).collect();
        }
        let spoilt = mutator.spoil(&mut files, &self.all, is_open);
        let kinds = spoilt.iter().filter_map(|at| files.get(*at)).map(|file| kind(&file.path));
        Input { kinds: kinds.collect(), files }
    }
}

/// One set of hostile files.
struct Input {
    files: Vec<SourceFile>,
    /// The endings of the files that were changed.
    kinds: Vec<String>,
}

impl Input {
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

/// The ending of a file's name.
fn kind(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or_default();
    name.rsplit('.').next().unwrap_or_default().to_owned()
}

fn fuzz(
    seed: u64,
    span: Duration,
    seeds: &Seeds,
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
        let input = seeds.input(seed, number);
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
