//! What a proxy inherits from its `defaults` and says itself.
//!
//! Defaults that no line states are those of the configuration manual of HAProxy 2.6: `inter 2s`, `fall 3`, `rise 2`
//! (section 5.2), `retries 3`, no redispatch (section 4.2).

use std::time::Duration;

use dinghai_estate::{Origin, Source};

use super::words::{Line, time};

/// A value and the line that says it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Said<T> {
    pub(super) value: T,
    pub(super) says: String,
    pub(super) origin: Origin,
}

impl<T> Said<T> {
    pub(super) fn source(&self) -> Source {
        Source::declared(self.origin.clone())
    }
}

/// Settings of a proxy section.
#[derive(Clone, Debug, Default)]
pub(super) struct Settings {
    pub(super) http: bool,
    pub(super) connect: Option<Said<Duration>>,
    pub(super) server: Option<Said<Duration>>,
    pub(super) check: Option<Said<Duration>>,
    pub(super) retries: Option<Said<u32>>,
    /// After how many attempts another server is tried: positive for every so many, negative for so many before the last.
    pub(super) redispatch: Option<Said<i32>>,
    /// Whether a request whose answer stays out is repeated.
    pub(super) repeats_unanswered: bool,
    /// The check that has the program answer, such as `option httpchk`.
    pub(super) asks: Option<Said<()>>,
    /// `option tcp-check`, which asks no more than its rules say.
    pub(super) tcp_check: bool,
    pub(super) servers: Params,
}

/// Parameters of a `server` or `default-server` line.
#[derive(Clone, Debug, Default)]
pub(super) struct Params {
    pub(super) check: Option<Said<bool>>,
    pub(super) inter: Option<Said<Duration>>,
    pub(super) fastinter: Option<Said<Duration>>,
    pub(super) downinter: Option<Said<Duration>>,
    pub(super) fall: Option<Said<u32>>,
    pub(super) rise: Option<Said<u32>>,
    pub(super) cuts: Option<Said<()>>,
    pub(super) disabled: Option<Said<bool>>,
    pub(super) weightless: bool,
    pub(super) tls: bool,
    pub(super) track: Option<String>,
}

impl Settings {
    /// Takes in a line; whether it was one that bears on recovery and could not be read.
    pub(super) fn take(&mut self, line: &Line) -> bool {
        let said = |value: Duration| Said { value, says: line.says(), origin: line.origin.clone() };
        let (no, at) = match line.word(0) {
            "no" => (true, 1),
            _ => (false, 0),
        };
        match (line.word(at), line.word(at + 1)) {
            ("mode", mode) => self.http = mode == "http",
            ("timeout", which @ ("connect" | "server" | "check")) => {
                let Some(value) = time(line.word(at + 2)) else { return true };
                // Nought is no timeout.
                let value = (value > Duration::ZERO).then(|| said(value));
                match which {
                    "connect" => self.connect = value,
                    "server" => self.server = value,
                    _ => self.check = value,
                }
            }
            ("retries", count) => match count.parse() {
                Ok(value) => {
                    self.retries = Some(Said { value, says: line.says(), origin: line.origin.clone() })
                }
                Err(_) => return true,
            },
            ("retry-on", _) => {
                self.repeats_unanswered = line
                    .words
                    .iter()
                    .any(|word| matches!(word.text.as_str(), "response-timeout" | "all-retryable-errors"));
            }
            ("option", "redispatch") => {
                let value = line.word(at + 2).parse().unwrap_or(-1);
                self.redispatch = (!no && value != 0).then(|| Said {
                    value,
                    says: line.says(),
                    origin: line.origin.clone(),
                });
            }
            (
                "option",
                "httpchk" | "pgsql-check" | "mysql-check" | "redis-check" | "ldap-check" | "smtpchk"
                | "ssl-hello-chk" | "spop-check" | "external-check",
            ) => {
                self.asks = (!no).then(|| Said { value: (), says: line.says(), origin: line.origin.clone() })
            }
            ("option", "tcp-check") => {
                self.tcp_check = !no;
                self.asks = None;
            }
            ("tcp-check", "expect") if self.tcp_check => {
                self.asks = Some(Said { value: (), says: line.says(), origin: line.origin.clone() });
            }
            ("default-server", _) => return self.servers.take(line, 1),
            _ => {}
        }
        false
    }
}

impl Params {
    /// Takes in the parameters from a position on; whether one of them could not be read.
    pub(super) fn take(&mut self, line: &Line, from: usize) -> bool {
        let mut unread = false;
        let mut at = from;
        while at < line.words.len() {
            let (name, value) = (line.word(at), line.word(at + 1));
            let says = format!("{name} {value}");
            let mut span = |slot: &mut Option<Said<Duration>>| match time(value) {
                Some(value) => *slot = Some(Said { value, says: says.clone(), origin: line.origin.clone() }),
                None => unread = true,
            };
            let takes_value = match name {
                "inter" => {
                    span(&mut self.inter);
                    true
                }
                "fastinter" => {
                    span(&mut self.fastinter);
                    true
                }
                "downinter" => {
                    span(&mut self.downinter);
                    true
                }
                "fall" | "rise" => {
                    let slot = if name == "fall" { &mut self.fall } else { &mut self.rise };
                    match value.parse() {
                        Ok(value) => *slot = Some(Said { value, says, origin: line.origin.clone() }),
                        Err(_) => unread = true,
                    }
                    true
                }
                "check" | "no-check" => {
                    let value = name == "check";
                    self.check = Some(Said { value, says: name.to_owned(), origin: line.origin.clone() });
                    false
                }
                "disabled" | "enabled" => {
                    let value = name == "disabled";
                    self.disabled = Some(Said { value, says: name.to_owned(), origin: line.origin.clone() });
                    false
                }
                "on-marked-down" => {
                    self.cuts = (value == "shutdown-sessions").then(|| Said {
                        value: (),
                        says,
                        origin: line.origin.clone(),
                    });
                    true
                }
                "weight" => {
                    self.weightless = value == "0";
                    true
                }
                "ssl" | "check-ssl" => {
                    self.tls = true;
                    false
                }
                "track" => {
                    self.track = Some(value.to_owned());
                    true
                }
                // Values of these could be mistaken for parameters of their own.
                "cookie" | "id" | "maxconn" | "maxqueue" | "minconn" | "port" | "addr" | "source"
                | "resolvers" | "init-addr" | "observe" | "error-limit" | "on-error" | "on-marked-up"
                | "slowstart" | "sni" | "ca-file" | "crt" | "verifyhost" | "alpn" | "check-sni"
                | "check-alpn" | "proto" | "check-proto" | "agent-port" | "agent-inter" | "agent-addr"
                | "agent-send" | "pool-max-conn" | "namespace" | "redir" | "socks4" | "resolve-prefer"
                | "resolve-net" | "resolve-opts" | "ciphers" | "verify" => true,
                _ => false,
            };
            at += if takes_value { 2 } else { 1 };
        }
        unread
    }
}
