//! One run of one row against one proxy.

use std::fmt;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use crate::Failed;
use crate::proxies::{OTHER_CORE, Proxy};

/// What is asked, and by how many connections.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    connections: usize,
    instances: usize,
    path: &'static str,
    headers: &'static [&'static str],
}

/// What a browser sends besides `Host`.
const BROWSER: [&str; 8] = [
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Language: en-GB,en;q=0.7,zh-CN;q=0.3",
    "Accept-Encoding: gzip, deflate, br, zstd",
    "Cookie: session=4f1c0a7d9e2b4c6f8a1d3e5f7091b2c4; theme=dark; consent=all",
    "Sec-Fetch-Dest: document",
    "Sec-Fetch-Mode: navigate",
    "Cache-Control: max-age=0",
];

impl Row {
    pub(crate) const fn all() -> [Self; 7] {
        [
            Self {
                name: "64 connections, 1 instance",
                connections: 64,
                instances: 1,
                path: "/",
                headers: &[],
            },
            Self {
                name: "64 connections, 3 instances",
                connections: 64,
                instances: 3,
                path: "/",
                headers: &[],
            },
            Self {
                name: "1000 connections, 1 instance",
                connections: 1000,
                instances: 1,
                path: "/",
                headers: &[],
            },
            Self {
                name: "1000 connections, 3 instances",
                connections: 1000,
                instances: 3,
                path: "/",
                headers: &[],
            },
            Self { name: "8 browser headers", connections: 64, instances: 3, path: "/", headers: &BROWSER },
            Self {
                name: "connection: close",
                connections: 64,
                instances: 3,
                path: "/",
                headers: &["Connection: close"],
            },
            Self { name: "64 KiB body", connections: 64, instances: 3, path: "/64k", headers: &[] },
        ]
    }
}

/// What a run came to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    pub(crate) per_second: f64,
    pub(crate) cpu_us: f64,
    pub(crate) p99_ms: f64,
    pub(crate) rss_mb: f64,
    /// Answers that were not 2xx, and broken connections.
    pub(crate) errors: u64,
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { per_second, cpu_us, p99_ms, rss_mb, errors } = self;
        write!(
            f,
            "{per_second:.0}/s, {cpu_us:.2} µs CPU each, p99 {p99_ms:.2} ms, {rss_mb:.0} MB, {errors} errors"
        )
    }
}

pub(crate) async fn run(proxy: &Proxy, row: &Row, seconds: usize) -> Result<Run, Failed> {
    let port = proxy.ports.get(&row.instances).ok_or("no such port")?;
    let mut command = Command::new("taskset");
    command.args(["-c", OTHER_CORE, "wrk", "-t1", "--latency"]);
    command.arg(format!("-c{}", row.connections)).arg(format!("-d{seconds}s"));
    row.headers.iter().for_each(|header| {
        command.args(["-H", header]);
    });
    command.arg(format!("http://127.0.0.1:{port}{}", row.path)).stdout(Stdio::piped()).kill_on_drop(true);
    let before = ticks(proxy.pid)?;
    let running = command.output();
    tokio::pin!(running);
    let mut rss_mb: f64 = 0.0;
    let output = loop {
        tokio::select! {
            output = &mut running => break output?,
            () = tokio::time::sleep(Duration::from_millis(250)) => rss_mb = rss_mb.max(rss(proxy.pid)?),
        }
    };
    let spent = ticks(proxy.pid)? - before;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let requests = number(&text, "requests in").ok_or_else(|| format!("`wrk` said: {text}"))?;
    Ok(Run {
        per_second: after(&text, "Requests/sec:").and_then(|word| word.parse().ok()).unwrap_or(0.0),
        // A tick of /proc is a hundredth of a second.
        cpu_us: spent * 10_000.0 / requests,
        p99_ms: after(&text, "99%").and_then(|word| milliseconds(&word)).unwrap_or(f64::NAN),
        rss_mb,
        errors: errors(&text),
    })
}

/// User and system time of a process, in ticks.
fn ticks(pid: u32) -> Result<f64, Failed> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let rest = text.rsplit_once(')').ok_or("an odd stat file")?.1;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let field =
        |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok()).ok_or("an odd stat file");
    Ok(field(11)? + field(12)?)
}

fn rss(pid: u32) -> Result<f64, Failed> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    Ok(after(&text, "VmRSS:").and_then(|word| word.parse::<f64>().ok()).ok_or("an odd status file")? / 1024.0)
}

/// The word behind `label`.
fn after(text: &str, label: &str) -> Option<String> {
    text.split_once(label)?.1.split_whitespace().next().map(str::to_owned)
}

/// The number before `label` on its line.
fn number(text: &str, label: &str) -> Option<f64> {
    text.split_once(label)?.0.split_whitespace().last()?.parse().ok()
}

fn milliseconds(word: &str) -> Option<f64> {
    let units = [("us", 0.001), ("ms", 1.0), ("s", 1000.0)];
    let (number, scale) = units.iter().find_map(|(unit, scale)| Some((word.strip_suffix(unit)?, scale)))?;
    number.parse::<f64>().ok().map(|number| number * scale)
}

fn errors(text: &str) -> u64 {
    let bad = after(text, "Non-2xx or 3xx responses:").and_then(|word| word.parse::<u64>().ok()).unwrap_or(0);
    let broken = text.split_once("Socket errors:").map_or(0, |(_, rest)| {
        let line = rest.lines().next().unwrap_or_default();
        line.split([' ', ',']).filter_map(|word| word.parse::<u64>().ok()).sum()
    });
    bad + broken
}
