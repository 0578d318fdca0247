//! Composed bounds beside what real programs do.
//!
//! `eval_bounds [FILE] [FILTER]` makes networks of namespaces, runs HAProxy, keepalived and nginx in them with the configurations that
//! lie beside this file, breaks something at a random moment, several times, and measures until every request is answered
//! again. The very same files go through import and risk. It prints both beside each other, writes them to FILE as JSON, and
//! fails when a bound lies below what was measured or above twice that. It needs root.

mod cases;
mod network;
mod request;
mod run;

use std::error::Error;
use std::sync::Mutex;
use std::time::Duration;

use cases::{Case, Outcome};

/// What both the pace of requests and starting commands leave uncertain.
const RESOLUTION: Duration = Duration::from_millis(60);

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        ["backend", name, port] => request::serve(name, port),
        ["probe", address, patience] => request::probe(address, patience),
        ["ask", address] => request::ask(address),
        _ => measure(args.first().copied(), args.get(1).copied().unwrap_or_default()),
    }
}

fn measure(file: Option<&str>, filter: &str) -> Result<(), Box<dyn Error>> {
    let guard = network::Guard::new()?;
    let cases: Vec<Case> = cases::all().into_iter().filter(|case| case.name.contains(filter)).collect();
    let left = Mutex::new(cases.into_iter().enumerate().rev().collect::<Vec<_>>());
    let done: Mutex<Vec<(usize, Outcome)>> = Mutex::new(Vec::new());
    let failed = Mutex::new(None);
    // Namespaces keep the cases apart, and they mostly wait.
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                while let Some((n, case)) = left.lock().ok().and_then(|mut left| left.pop()) {
                    match cases::measure(&guard, n, &case) {
                        Ok(outcomes) => {
                            for outcome in outcomes {
                                eprintln!("{outcome}");
                                done.lock().into_iter().for_each(|mut done| done.push((n, outcome.clone())));
                            }
                        }
                        Err(error) => {
                            let error = format!("{}: {error}", case.name);
                            eprintln!("{error}");
                            failed.lock().into_iter().for_each(|mut failed| *failed = Some(error.clone()));
                        }
                    }
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_default();
    done.sort_by_key(|(n, _)| *n);
    println!("{}", cases::HEAD);
    for (_, outcome) in &done {
        println!("{outcome}");
    }
    let missed = done.iter().filter(|(_, outcome)| !outcome.holds()).count();
    println!(
        "{} of {} bounds hold: not below the worst measured and not above twice that",
        done.len() - missed,
        done.len()
    );
    if let Some(file) = file {
        let figures: Vec<_> = done.iter().map(|(_, outcome)| outcome.json()).collect();
        std::fs::write(file, serde_json::to_string_pretty(&figures)?)?;
    }
    match failed.into_inner().ok().flatten() {
        Some(error) => Err(error.into()),
        None if missed > 0 => Err(format!("{missed} bounds do not hold").into()),
        None => Ok(()),
    }
}
