//! Which program, which configuration, which fault; and what came of it.

use std::error::Error;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use dinghai_clock::{Clock, Rng, SystemClock, Timestamp, format_span};
use dinghai_estate::{Inventory, MechanismKind, ServiceId};
use dinghai_import::{SourceFile, of_machines};
use dinghai_risk::{Failure, Term, worst};

use crate::RESOLUTION;
use crate::network::{Guard, Network};
use crate::request::PACE;
use crate::run::{Probe, Running, Seen, this, wait};

pub(crate) const HEAD: &str =
    "program     configuration     fault              bound   worst of runs  bound/worst";

const RUNS: u64 = 5;
/// An answer that takes longer than this is late.
const LATE: Duration = Duration::from_millis(300);
/// How long clients of a balancer wait: longer than the balancer.
const PATIENT: Duration = Duration::from_secs(20);
/// How long clients of a moving address wait before they try again. Else the kernel's repetitions of lost packets, up to
/// minutes apart, are measured and not keepalived.
const HASTY: Duration = Duration::from_millis(250);
/// For how long we look whether something is noticed of which the bound says that it never is.
const NEVER: Duration = Duration::from_secs(12);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    Haproxy,
    Nginx,
    Keepalived,
}

#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) name: String,
    program: Program,
    files: Vec<(&'static str, String)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    Kill,
    Silence,
    Stop,
    Cable,
    Daemon,
    Backend,
}

#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    case: String,
    program: Program,
    fault: &'static str,
    terms: Option<Vec<Term>>,
    runs: Vec<Duration>,
}

macro_rules! config {
    ($path:literal) => {
        include_str!(concat!("configs/", $path)).to_owned()
    };
}

pub(crate) fn all() -> Vec<Case> {
    let balancer = |program, file: &'static str, name: &str, text: String| Case {
        name: name.to_owned(),
        program,
        files: vec![(file, text)],
    };
    let haproxy = |name: &str, text| balancer(Program::Haproxy, "haproxy.cfg", name, text);
    let nginx = |name: &str, text| balancer(Program::Nginx, "nginx.conf", name, text);
    let keepalived = |name: &str, version: u8, advert: &str, standby: u8, script: Option<(&str, &str)>| {
        let node = |n: usize, priority: u8| router(n, priority, version, advert, script);
        Case {
            name: name.to_owned(),
            program: Program::Keepalived,
            files: vec![("n1/keepalived.conf", node(1, 150)), ("n2/keepalived.conf", node(2, standby))],
        }
    };
    vec![
        keepalived("advert-1", 2, "1", 100, Some(("interval 1\n    fall 2", "weight -80"))),
        keepalived("advert-3", 2, "3", 50, None),
        keepalived("advert-0.2", 3, "0.2", 100, Some(("interval 1\n    fall 1", "weight 0"))),
        keepalived("advert-0.5", 3, "0.5", 20, Some(("interval 2\n    fall 3", "weight 0"))),
        haproxy("redispatch", config!("haproxy/redispatch.cfg")),
        haproxy("fastinter", config!("haproxy/fastinter.cfg")),
        haproxy("leastconn", config!("haproxy/leastconn.cfg")),
        haproxy("tcp", config!("haproxy/tcp.cfg")),
        haproxy("defaults", config!("haproxy/defaults.cfg")),
        nginx("next", config!("nginx/next.conf")),
        nginx("fails", config!("nginx/fails.conf")),
    ]
}

fn router(n: usize, priority: u8, version: u8, advert: &str, script: Option<(&str, &str)>) -> String {
    let other = 3 - n;
    let defined = script.map_or(String::new(), |(timing, weight)| {
        format!("vrrp_script answers {{\n    script \"@THIS@ ask 127.0.0.1:8080\"\n    {timing}\n    timeout 1\n    {weight}\n}}\n\n")
    });
    let tracked = if script.is_some() { "    track_script {\n        answers\n    }\n" } else { "" };
    format!(
        "global_defs {{\n    vrrp_version {version}\n    script_user root\n}}\n\n{defined}vrrp_instance shop {{\n    state BACKUP\n    \
         interface eth0\n    virtual_router_id 51\n    priority {priority}\n    advert_int {advert}\n    unicast_src_ip 10.77.0.{n}\n    \
         unicast_peer {{\n        10.77.0.{other}\n    }}\n    virtual_ipaddress {{\n        10.77.0.100/24 dev eth0\n    }}\n{tracked}}}\n"
    )
}

pub(crate) fn measure(guard: &Guard, number: usize, case: &Case) -> Result<Vec<Outcome>, Box<dyn Error>> {
    let folder = std::env::temp_dir().join(format!("{}-{number}", guard.prefix));
    let made = set_up(&folder, case);
    let outcomes = made.and_then(|inventory| {
        let faults: &[Fault] = match case.program {
            Program::Keepalived if case.files.iter().any(|(_, text)| text.contains("track_script")) => {
                &[Fault::Cable, Fault::Daemon, Fault::Backend]
            }
            Program::Keepalived => &[Fault::Cable, Fault::Daemon],
            Program::Haproxy | Program::Nginx => &[Fault::Kill, Fault::Silence, Fault::Stop],
        };
        faults.iter().map(|fault| one(guard, number, case, &folder, &inventory, *fault)).collect()
    });
    let _ = std::fs::remove_dir_all(&folder);
    outcomes
}

/// Writes the files and reads them as `check` does.
fn set_up(folder: &Path, case: &Case) -> Result<Inventory, Box<dyn Error>> {
    let mut sources = Vec::new();
    for (path, text) in &case.files {
        let file = folder.join(path);
        std::fs::create_dir_all(file.parent().ok_or("a file without a folder")?)?;
        let text = text.replace("@THIS@", &this()?).replace("@FOLDER@", folder.to_str().unwrap_or("."));
        std::fs::write(&file, &text)?;
        sources.push(SourceFile { path: (*path).to_owned(), text });
    }
    Ok(of_machines(&case.name, &sources))
}

fn one(
    guard: &Guard,
    number: usize,
    case: &Case,
    folder: &Path,
    inventory: &Inventory,
    fault: Fault,
) -> Result<Outcome, Box<dyn Error>> {
    let failure = match fault {
        Fault::Kill | Fault::Backend => Failure::Refuses,
        Fault::Stop => Failure::Hangs,
        Fault::Silence | Fault::Cable | Fault::Daemon => Failure::Vanishes,
    };
    let service = mended(inventory).ok_or("no mechanism was read from the files")?;
    let mut terms = worst(inventory, &service, failure);
    if case.program == Program::Keepalived
        && let Some(terms) = &mut terms
        && let Some(last) = terms.last().cloned()
    {
        terms.push(Term {
            name: "the client tries again".to_owned(),
            value: HASTY,
            says: format_span(HASTY),
            ..last
        });
    }
    // nginx counts requests that fail: as many have to come first.
    let fails = inventory.mechanisms.iter().find_map(|mechanism| match &mechanism.kind {
        MechanismKind::PassiveCheck { fails, .. } => Some(fails.0),
        _ => None,
    });
    if let (Some(fails), Some(terms)) = (fails, &mut terms)
        && let Some(last) = terms.last().cloned().filter(|last| !last.value.is_zero())
    {
        let says = format!("{fails} of them, a third of 60 a second");
        terms.push(Term {
            name: "requests come that fail".to_owned(),
            value: PACE * 3 * fails,
            says,
            ..last
        });
    }
    let bound = terms.as_ref().map(|terms| terms.iter().map(|term| term.value).sum::<Duration>());
    let mut rng = Rng::seeded(number as u64 * 7 + fault as u64);
    let mut runs = Vec::new();
    for _ in 0..RUNS {
        let phase = Duration::from_millis(rng.below(pause(inventory)));
        let watch = bound.map_or(NEVER, |bound| bound.mul_f64(1.3) + Duration::from_secs(2));
        runs.push(once(guard, number, case, folder, fault, phase, watch)?);
    }
    let fault = match fault {
        Fault::Kill => "program killed",
        Fault::Silence => "host vanishes",
        Fault::Stop => "program stops",
        Fault::Cable => "cable pulled",
        Fault::Daemon => "keepalived killed",
        Fault::Backend => "program killed",
    };
    Ok(Outcome { case: case.name.clone(), program: case.program, fault, terms, runs })
}

/// The service with the mechanism under test.
fn mended(inventory: &Inventory) -> Option<ServiceId> {
    inventory.mechanisms.first().map(|mechanism| mechanism.service.clone())
}

/// The longest pause after which everything looks the same again, in milliseconds: the fault may come at any moment in it.
fn pause(inventory: &Inventory) -> u64 {
    let pauses = inventory.mechanisms.iter().map(|mechanism| match &mechanism.kind {
        MechanismKind::ActiveCheck { check, .. } => check.every.value,
        MechanismKind::Vrrp { advert, script, .. } => {
            advert.value.max(script.as_ref().map_or(Duration::ZERO, |(interval, ..)| interval.value))
        }
        _ => Duration::from_secs(1),
    });
    pauses.max().map_or(1_000, |pause| u64::try_from(pause.as_millis()).unwrap_or(1_000))
}

/// One fault: from it until the last request that met it has ended.
fn once(
    guard: &Guard,
    number: usize,
    case: &Case,
    folder: &Path,
    fault: Fault,
    phase: Duration,
    watch: Duration,
) -> Result<Duration, Box<dyn Error>> {
    let clock = SystemClock::new();
    let moving = case.program == Program::Keepalived;
    let machines: &[(&str, u8)] = match moving {
        true => &[("n1", 1), ("n2", 2), ("client", 50)],
        false => &[("lb", 10), ("b1", 11), ("b2", 12), ("b3", 13), ("client", 50)],
    };
    let network = Network::new(guard, number, machines)?;
    let serving: Vec<&str> =
        machines.iter().map(|(name, _)| *name).filter(|name| !matches!(*name, "lb" | "client")).collect();
    let backends = serving
        .iter()
        .map(|name| Running::start(network.on(name, &this()?).args(["backend", name, "8080"])))
        .collect::<Result<Vec<_>, _>>()?;
    let daemons = daemons(case, folder, &network)?;
    let (address, patience) = if moving { ("10.77.0.100:8080", HASTY) } else { ("10.77.0.10:80", PATIENT) };
    settle(&network, address, moving)?;
    let probe = Probe::start(&network, address, patience)?;
    wait(Duration::from_millis(1_000) + phase);
    let at = clock.now();
    match fault {
        Fault::Kill | Fault::Backend => backends.first().ok_or("no backend")?.signal("-9")?,
        Fault::Stop => backends.first().ok_or("no backend")?.signal("-STOP")?,
        Fault::Silence => network.silence("b1")?,
        Fault::Cable => network.cable("n1", "down")?,
        Fault::Daemon => daemons.first().ok_or("no daemon")?.kill_all()?,
    }
    wait(watch);
    let seen = probe.stop()?;
    drop(daemons);
    drop(backends);
    let standby = if moving { Some("n2") } else { None };
    // Without checks nothing happens before a request meets the fault.
    let first = seen.iter().filter(|seen| seen.start > at && late(seen)).map(|seen| seen.start).min();
    let at = if case.program == Program::Nginx { first.unwrap_or(at) } else { at };
    Ok(recovered(&seen, at, standby))
}

fn daemons(case: &Case, folder: &Path, network: &Network) -> Result<Vec<Running>, Box<dyn Error>> {
    let text = |path: PathBuf| path.to_str().map(str::to_owned).ok_or("a path that is not text");
    Ok(match case.program {
        Program::Haproxy => {
            vec![Running::start(network.on("lb", "haproxy").args([
                "-db",
                "-f",
                &text(folder.join("haproxy.cfg"))?,
            ]))?]
        }
        Program::Nginx => {
            let args = ["-c", &text(folder.join("nginx.conf"))?, "-g", "daemon off;"];
            vec![Running::start(network.on("lb", "nginx").args(args))?]
        }
        Program::Keepalived => {
            let mut daemons = Vec::new();
            for name in ["n1", "n2"] {
                let own = folder.join(name);
                let (file, parent, child) =
                    (text(own.join("keepalived.conf"))?, text(own.join("pid"))?, text(own.join("vrrp"))?);
                // What a killed one left would keep the next one from starting.
                for left in [&parent, &child] {
                    let _ = std::fs::remove_file(left);
                }
                let args =
                    ["--dont-fork", "--vrrp", "--log-console", "-f", &file, "-p", &parent, "-r", &child];
                daemons.push(Running::start(network.on(name, "keepalived").args(args))?);
            }
            daemons
        }
    })
}

/// Waits until all is well: every backend answers in turn, or the address is where it belongs.
fn settle(network: &Network, address: &str, moving: bool) -> Result<(), Box<dyn Error>> {
    for _ in 0..30 {
        let probe = Probe::start(network, address, Duration::from_millis(500))?;
        wait(Duration::from_millis(700));
        let seen = probe.stop()?;
        let well = seen
            .iter()
            .rev()
            .take(20)
            .all(|seen| seen.by.is_some() && (!moving || seen.by.as_deref() == Some("n1")));
        let mut who: Vec<_> = seen.iter().filter_map(|seen| seen.by.as_deref()).collect();
        who.sort_unstable();
        who.dedup();
        if well && (moving || who.len() == 3) {
            return Ok(());
        }
    }
    Err("it never came up".into())
}

fn recovered(seen: &[Seen], at: Timestamp, standby: Option<&str>) -> Duration {
    seen.iter()
        .filter(|seen| seen.end > at)
        .filter(|seen| match standby {
            Some(standby) => seen.by.as_deref() != Some(standby),
            None => late(seen),
        })
        .map(|seen| seen.end.since(at))
        .max()
        .unwrap_or_default()
}

fn late(seen: &Seen) -> bool {
    seen.by.is_none() || seen.end.since(seen.start) > LATE
}

impl Outcome {
    fn bound(&self) -> Option<Duration> {
        self.terms.as_ref().map(|terms| terms.iter().map(|term| term.value).sum())
    }

    fn worst(&self) -> Duration {
        self.runs.iter().max().copied().unwrap_or_default()
    }

    /// Not below the worst measured and not above twice that, as far as we can measure. What is never noticed has to be still
    /// going on at the end.
    pub(crate) fn holds(&self) -> bool {
        let worst = self.worst();
        match self.bound() {
            Some(bound) => bound + RESOLUTION >= worst && bound <= worst * 2 + RESOLUTION,
            None => self.runs.iter().all(|run| *run + Duration::from_secs(1) > NEVER),
        }
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        let millis = |span: Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
        let terms = self.terms.as_ref().map(|terms| {
            terms
                .iter()
                .map(|term| {
                    serde_json::json!({
                        "name": term.name,
                        "ms": millis(term.value),
                        "says": term.says,
                        "at": term.source.origin.to_string(),
                    })
                })
                .collect::<Vec<_>>()
        });
        serde_json::json!({
            "program": format!("{:?}", self.program).to_lowercase(),
            "configuration": self.case,
            "fault": self.fault,
            "bound_ms": self.bound().map(millis),
            "worst_ms": millis(self.worst()),
            "runs_ms": self.runs.iter().copied().map(millis).collect::<Vec<_>>(),
            "terms": terms,
            "holds": self.holds(),
        })
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = |span: Duration| format!("{:.2}s", span.as_secs_f64());
        let worst = self.worst();
        let (bound, ratio) = match self.bound() {
            Some(bound) if !worst.is_zero() => {
                (seconds(bound), format!("{:.2}", bound.as_secs_f64() / worst.as_secs_f64()))
            }
            Some(bound) => (seconds(bound), "-".to_owned()),
            None => ("never".to_owned(), "-".to_owned()),
        };
        let program = format!("{:?}", self.program).to_lowercase();
        let holds = if self.holds() { "" } else { "  does not hold" };
        write!(
            f,
            "{program:<11} {:<17} {:<18} {bound:>6}  {:>14} {ratio:>12}{holds}",
            self.case,
            self.fault,
            seconds(worst)
        )
    }
}
