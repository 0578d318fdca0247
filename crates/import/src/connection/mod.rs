//! Addresses in other people's settings: whom a program reaches for, read out of environment variables, arguments and
//! configuration values.
//!
//! | written | read |
//! |---|---|
//! | `postgres://user:pw@orders-db:5432/shop` | `orders-db:5432` |
//! | `jdbc:mysql://db1,db2:3306/shop` | `db1`, `db2:3306` |
//! | `mongodb://u:p@m1:27017,m2:27017/shop?replicaSet=rs0` | `m1:27017`, `m2:27017` |
//! | `user:pw@tcp(db:3306)/shop`, `Server=db,1433;User Id=x` | `db:3306`, `db:1433` |
//! | `kafka-0:9092,kafka-1:9092` | both |
//! | `REDIS_HOST` = `redis` | `redis`, since the key says that a host follows |
//!
//! Only host and port come out. User, password, path and query never leave this module: what is not clearly a host is
//! dropped rather than passed on. Addresses by which a program listens or tells others of itself (`0.0.0.0`, `localhost`,
//! `LISTEN_ADDR`, `PUBLIC_URL`, `ALLOWED_HOSTS`) are not whom it reaches for.

mod key;
mod text;

pub(crate) use key::{need_kind, says_host};
pub(crate) use text::{in_arguments, in_text};

/// Stands in a text for a part that nobody knows, such as a variable without a default. It is in no host's name, so an
/// address with it is dropped, while one beside it (`postgres://?:?@db/`) is still found.
pub(crate) const UNKNOWN: char = '\u{FFFD}';

/// Whom a program reaches for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Endpoint {
    /// Host name or address, lowercase.
    pub(crate) host: String,
    pub(crate) port: Option<u16>,
    /// Whether this is certainly an address, and of a domain: somebody else's, when nothing here answers to it.
    pub(crate) outside: bool,
}

impl Endpoint {
    /// As [`crate::fragment::Want`] names it.
    pub(crate) fn name(&self) -> String {
        match self.port {
            Some(port) if self.host.contains(':') => format!("[{}]:{port}", self.host),
            Some(port) => format!("{}:{port}", self.host),
            None => self.host.clone(),
        }
    }
}

/// The addresses in the value of a key, such as of an environment variable, in the order in which they stand there.
pub(crate) fn endpoints(key: &str, value: &str) -> Vec<Endpoint> {
    if key::is_secret(key) || key::is_own(key) || value.len() > LONGEST {
        return Vec::new();
    }
    let mut found = Vec::new();
    let hinted = key::says_host(key);
    match value.contains("://") || value.starts_with("jdbc:") {
        true => urls(value, &mut found),
        false => {
            if !of_pairs(value, &mut found) && !of_go_dsn(value, &mut found) {
                of_list(value, hinted, &mut found);
            }
        }
    }
    distinct(found)
}

/// A value longer than this is a document and no address.
const LONGEST: usize = 8192;

fn distinct(found: Vec<Endpoint>) -> Vec<Endpoint> {
    let mut kept: Vec<Endpoint> = Vec::with_capacity(found.len());
    for endpoint in found {
        if !kept.contains(&endpoint) {
            kept.push(endpoint);
        }
    }
    kept
}

/// All URLs in a text.
fn urls(text: &str, found: &mut Vec<Endpoint>) {
    for word in text.split(|sign: char| sign.is_whitespace() || "\"'`<>|".contains(sign)) {
        let mut rest = word;
        while let Some((before, after)) = rest.split_once("://") {
            let scheme = before.rsplit(|sign: char| !scheme_sign(sign)).next().unwrap_or_default();
            // Up to where the next URL of a list begins; a `://` without a comma before it is part of this one.
            let end = next_url(after).unwrap_or(after.len());
            let (own, next) = after.split_at_checked(end).unwrap_or((after, ""));
            if !scheme.is_empty() {
                of_url(scheme, own, found);
            }
            rest = next;
        }
        if let Some(thin) = word.strip_prefix("jdbc:oracle:thin:").filter(|thin| !thin.contains("//")) {
            // jdbc:oracle:thin:user/pw@host:1521:sid
            let address = thin.rsplit('@').next().unwrap_or_default();
            let mut parts = address.split(':');
            let host = parts.next().unwrap_or_default();
            let port = parts.next().and_then(|port| port.split('/').next()?.parse().ok());
            found.extend(endpoint(host, port, true));
        }
    }
}

/// Where the next URL begins in `a:1,other://b:2`.
fn next_url(text: &str) -> Option<usize> {
    let mut from = 0;
    while let Some(at) = text.get(from..)?.find("://").map(|at| at + from) {
        let begin = text.get(..at)?.rfind(|sign| !scheme_sign(sign));
        if let Some(begin) =
            begin.filter(|begin| text.get(*begin..).is_some_and(|rest| rest.starts_with([',', ';'])))
        {
            return Some(begin + 1);
        }
        from = at + 3;
    }
    None
}

fn scheme_sign(sign: char) -> bool {
    sign.is_ascii_alphanumeric() || matches!(sign, '+' | '.' | '-' | '_')
}

/// What follows `://` of one URL: `user:pw@h1:1,h2:2/path?query`.
fn of_url(scheme: &str, rest: &str, found: &mut Vec<Endpoint>) {
    if matches!(
        scheme.to_ascii_lowercase().as_str(),
        "file" | "unix" | "npipe" | "sqlite" | "data" | "arn" | "s3"
    ) {
        return;
    }
    let web = matches!(scheme.to_ascii_lowercase().as_str(), "http" | "https" | "ws" | "wss");
    let authority = |text: &str| text.split(['/', '?', '#', ';']).next().unwrap_or_default().to_owned();
    let after_user = |text: &str| text.rsplit_once('@').map(|(_, host)| host.to_owned());
    let mut hosts = match web {
        true => authority(rest),
        // A password of a database's URL often holds signs that should have been escaped: the last `@` ends it.
        false => {
            let before_query = match rest.split_once('?') {
                // An `@` behind a `?` is in a query, or the `?` in a password. Where nobody can tell, nothing is read.
                Some((_, query)) if query.contains('@') && query.contains('=') => return,
                Some((_, query)) if query.contains('@') => rest,
                Some((before, _)) => before,
                None => rest,
            };
            authority(&after_user(before_query).unwrap_or_else(|| before_query.to_owned()))
        }
    };
    if let Some(host) = after_user(&hosts) {
        hosts = host;
    }
    let broken = |hosts: &str| hosts.split(',').any(|part| split_port(part).is_none());
    if broken(&hosts) {
        // The password was cut in two by a sign that ends an authority.
        match after_user(rest) {
            Some(host) => hosts = authority(&host),
            None => return,
        }
        if broken(&hosts) {
            return;
        }
    }
    for part in hosts.split(',') {
        if let Some((host, port)) = split_port(part) {
            found.extend(endpoint(host, port, true));
        }
    }
}

/// `Server=db,1433;Database=x` and `host=db port=5432 user=x`. False when the text is not of that form.
fn of_pairs(text: &str, found: &mut Vec<Endpoint>) -> bool {
    let sign = if text.contains(';') { ';' } else { ' ' };
    let pairs: Vec<(String, &str)> = text
        .split(sign)
        .filter_map(|pair| pair.split_once('='))
        .map(|(key, value)| (key.trim().to_ascii_lowercase(), value.trim()))
        .collect();
    let of =
        |names: &[&str]| pairs.iter().find(|(key, _)| names.contains(&key.as_str())).map(|(_, value)| *value);
    let Some(hosts) = of(&["server", "host", "hostname", "data source", "addr", "address", "endpoint"])
    else {
        return false;
    };
    let port = of(&["port"]).and_then(|port| port.parse().ok());
    for part in hosts.trim_start_matches("tcp:").split(',') {
        let (host, own) = match split_port(part) {
            Some(split) => split,
            None => continue,
        };
        // SQL Server writes its port behind a comma.
        if host.bytes().all(|digit| digit.is_ascii_digit()) {
            if let (Some(last), Ok(port)) = (found.last_mut(), host.parse()) {
                last.port = last.port.or(Some(port));
            }
            continue;
        }
        found.extend(endpoint(host, own.or(port), true));
    }
    true
}

/// `user:pw@tcp(db:3306)/shop`. False when the text is not of that form.
fn of_go_dsn(text: &str, found: &mut Vec<Endpoint>) -> bool {
    let Some((_, after)) = text.split_once("tcp(") else { return false };
    let Some((address, _)) = after.split_once(')') else { return false };
    if let Some((host, port)) = split_port(address) {
        found.extend(endpoint(host, port, true));
    }
    true
}

/// `h1:9092,h2:9092`, or bare hosts where the key says so.
fn of_list(text: &str, hinted: bool, found: &mut Vec<Endpoint>) {
    for word in text.split(|sign: char| sign.is_whitespace() || ",;".contains(sign)) {
        let word = word.trim_matches(['"', '\'', '[', ']']);
        let word = word.rsplit('@').next().unwrap_or_default();
        let word = word.split('/').next().unwrap_or_default();
        let Some((host, port)) = split_port(word) else { continue };
        // `a:1:2` is no address, a number is a count and `TIME=12:30` a time.
        if !host.contains(|sign: char| sign.is_ascii_alphabetic()) && !is_ip(host) {
            continue;
        }
        if port.is_some() || (hinted && !is_word(host)) {
            found.extend(endpoint(host, port, hinted));
        }
    }
}

/// Words that are values and no hosts.
fn is_word(text: &str) -> bool {
    const WORDS: [&str; 12] =
        ["true", "false", "yes", "no", "on", "off", "none", "null", "auto", "default", "enabled", "disabled"];
    WORDS.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// Host and port; none when what stands there is no address.
fn split_port(text: &str) -> Option<(&str, Option<u16>)> {
    if let Some(inside) = text.strip_prefix('[') {
        let (host, rest) = inside.split_once(']')?;
        return match rest.strip_prefix(':') {
            Some(port) => Some((host, Some(port.parse().ok()?))),
            None => rest.is_empty().then_some((host, None)),
        };
    }
    match text.split_once(':') {
        None => Some((text, None)),
        Some((host, port)) => Some((host, Some(port.parse().ok().filter(|port| *port > 0)?))),
    }
}

/// An endpoint, unless the host is no host, or the program itself.
pub(super) fn endpoint(host: &str, port: Option<u16>, sure: bool) -> Option<Endpoint> {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let own = matches!(host.as_str(), "localhost" | "0.0.0.0" | "::" | "::1" | "*" | "host.docker.internal")
        || host.starts_with("127.");
    let signs = host.bytes().all(|sign| sign.is_ascii_alphanumeric() || b".-_".contains(&sign));
    let ends = host.starts_with(|sign: char| sign.is_ascii_alphanumeric())
        && host.ends_with(|sign: char| sign.is_ascii_alphanumeric());
    let v6 = host.contains(':') && host.bytes().all(|sign| sign.is_ascii_hexdigit() || sign == b':');
    if own || host.len() > 253 || !((signs && ends && !host.contains("..")) || v6) {
        return None;
    }
    let outside = sure && (is_ip(&host) || v6 || is_domain(&host));
    Some(Endpoint { host, port, outside })
}

pub(super) fn is_ip(host: &str) -> bool {
    host.parse::<std::net::IpAddr>().is_ok()
}

/// A name with a domain behind it that is not a name inside a Kubernetes cluster: those end with its own suffixes.
fn is_domain(host: &str) -> bool {
    let Some((_, top)) = host.rsplit_once('.') else { return false };
    let inner = top == "svc" || host.contains(".svc.") || host.ends_with(".cluster.local");
    !inner && top.len() >= 2 && top.bytes().all(|sign| sign.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests;
