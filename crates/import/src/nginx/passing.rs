//! Where requests go: every `proxy_pass` and its like, with the timeouts that apply there.
//!
//! Defaults are those of the documentation of `ngx_http_proxy_module` and `ngx_stream_proxy_module`: 60 s to connect and between two
//! reads, `proxy_next_upstream error timeout`; in streams 60 s and 10 minutes.

use std::collections::BTreeMap;
use std::time::Duration;

use dinghai_estate::{Origin, Source, Timer};

use super::directives::Directive;

/// How a request is passed on.
#[derive(Clone, Debug)]
pub(super) struct Passing {
    /// Host, host and port, `unix:/path` or the name of an upstream; none when it is worked out for each request.
    pub(super) to: Option<String>,
    pub(super) says: String,
    pub(super) connect: Timer,
    pub(super) answer: Timer,
    /// The line that has a failed attempt repeated on the next server, when it is.
    pub(super) next: Option<Source>,
    /// The health check of nginx Plus, where one is asked for.
    pub(super) health_check: Option<Directive>,
    /// How long that waits for an answer, where it is not as long as a request.
    pub(super) check_timeout: Option<Timer>,
    /// Whether it is passed on as a stream, of which nginx does not know the protocol.
    pub(super) stream: bool,
    pub(super) origin: Origin,
}

/// What blocks hand down to the blocks inside.
#[derive(Clone, Debug, Default)]
pub(super) struct Handed<'d> {
    stream: bool,
    values: BTreeMap<&'d str, &'d Directive>,
    variables: BTreeMap<&'d str, &'d str>,
}

const FAMILIES: [&str; 5] = ["proxy", "fastcgi", "uwsgi", "scgi", "grpc"];

impl<'d> Handed<'d> {
    pub(super) fn stream() -> Self {
        Self { stream: true, ..Self::default() }
    }

    /// What the directives of a block say, over what was handed to it.
    pub(super) fn with(&self, block: &'d [Directive]) -> Self {
        let mut handed = self.clone();
        for directive in block {
            if directive.name == "set" {
                handed.variables.insert(directive.arg(0), directive.arg(1));
            } else if directive.block.is_none() && directive.name.contains('_') {
                handed.values.insert(&directive.name, directive);
            }
        }
        handed
    }

    /// How a block passes requests on, itself and in the blocks inside it.
    pub(super) fn passings(&self, block: &'d [Directive], found: &mut Vec<Passing>) {
        let handed = self.with(block);
        for directive in block {
            let family = directive.name.strip_suffix("_pass").filter(|family| FAMILIES.contains(family));
            if let Some(family) = family {
                let check = block.iter().find(|other| other.name == "health_check");
                found.push(handed.passing(family, directive, check));
            }
            // Blocks are nested no deeper than the reader lets them.
            if !directive.inside().is_empty() && directive.name != "upstream" {
                handed.passings(directive.inside(), found);
            }
        }
    }

    fn passing(&self, family: &str, directive: &Directive, check: Option<&Directive>) -> Passing {
        let origin = &directive.origin;
        let timer = |name: String, default: Duration, shown: &str| match self.values.get(name.as_str()) {
            Some(found) => match time(found.arg(0)) {
                Some(value) => {
                    Timer { value, says: found.says(), source: Source::declared(found.origin.clone()) }
                }
                None => default_timer(default, &name, shown, origin),
            },
            None => default_timer(default, &name, shown, origin),
        };
        let minute = Duration::from_secs(60);
        let (answer, long, shown) = match self.stream {
            true => ("proxy_timeout".to_owned(), Duration::from_secs(600), "10m"),
            false => (format!("{family}_read_timeout"), minute, "60s"),
        };
        let connect = timer(format!("{family}_connect_timeout"), minute, "60s");
        Passing {
            to: self.target(directive.arg(0)),
            says: directive.says(),
            answer: timer(answer, long, shown),
            next: self.next(family, &connect, origin),
            connect,
            health_check: check.cloned(),
            check_timeout: self
                .stream
                .then(|| timer("health_check_timeout".to_owned(), Duration::from_secs(5), "5s")),
            stream: self.stream,
            origin: origin.clone(),
        }
    }

    fn next(&self, family: &str, connect: &Timer, origin: &Origin) -> Option<Source> {
        let value = |name: String| self.values.get(name.as_str()).copied();
        let tries =
            value(format!("{family}_next_upstream_tries")).and_then(|found| found.arg(0).parse::<u32>().ok());
        let within = value(format!("{family}_next_upstream_timeout")).and_then(|found| time(found.arg(0)));
        // Nought is no limit.
        let limited =
            tries == Some(1) || within.is_some_and(|within| !within.is_zero() && within <= connect.value);
        let source = match value(format!("{family}_next_upstream")) {
            None => Some(Source::derived(origin.clone())),
            Some(found) if self.stream => found.has("on").then(|| Source::declared(found.origin.clone())),
            Some(found) => {
                (found.has("timeout") && found.has("error")).then(|| Source::declared(found.origin.clone()))
            }
        };
        source.filter(|_| !limited)
    }

    /// The host part of an address, with variables put in that a `set` gives a plain value.
    fn target(&self, address: &str) -> Option<String> {
        let address = match address.split_once('$') {
            None => address.to_owned(),
            Some((before, rest)) => {
                let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
                let (name, after) = rest.split_at_checked(end)?;
                let value = self.variables.iter().find(|(known, _)| known.trim_start_matches('$') == name)?.1;
                format!("{before}{value}{after}")
            }
        };
        let bare = address.split_once("://").map_or(address.as_str(), |(_, rest)| rest);
        let target = match bare.strip_prefix("unix:") {
            Some(path) => format!("unix:{}", path.split(':').next().unwrap_or(path)),
            None => bare.split('/').next().unwrap_or(bare).rsplit('@').next().unwrap_or(bare).to_owned(),
        };
        // What follows the host may be worked out for each request; the host may not.
        (!target.contains(['$', '{']) && !target.is_empty()).then_some(target)
    }
}

fn default_timer(value: Duration, name: &str, shown: &str, origin: &Origin) -> Timer {
    Timer { value, says: format!("default {name} {shown}"), source: Source::derived(origin.clone()) }
}

/// A time: seconds unless a unit follows, several of them joined (`1m30s`).
pub(super) fn time(text: &str) -> Option<Duration> {
    let mut millis = 0u64;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, tail) = rest.split_at_checked(digits)?;
        let letters = tail.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (unit, tail) = tail.split_at_checked(letters)?;
        let scale = match unit {
            "ms" => 1,
            "" | "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            "w" => 7 * 86_400_000,
            "M" => 30 * 86_400_000,
            "y" => 365 * 86_400_000,
            _ => return None,
        };
        millis = millis.checked_add(number.parse::<u64>().ok()?.checked_mul(scale)?)?;
        rest = tail;
    }
    (!text.is_empty()).then(|| Duration::from_millis(millis))
}
