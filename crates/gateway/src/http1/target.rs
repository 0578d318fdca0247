//! Request targets and hosts (RFC 9112, section 3.2; RFC 9110, sections 4.2 and 7.2).

use std::borrow::Cow;
use std::net::Ipv6Addr;

/// A request target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target<'b> {
    /// The host that it states itself, with its port.
    pub(crate) authority: Option<&'b str>,
    /// Whether it names the scheme of secured connections, when it names one. It has to be the connection's own.
    pub(crate) secure: Option<bool>,
    /// What is asked for there: path and query, or `*`.
    pub(crate) path_and_query: Cow<'b, str>,
}

impl<'b> Target<'b> {
    /// Reads a target; none when it has none of the forms that a request with this method may have.
    pub(crate) fn read(target: &'b str, method: &str) -> Option<Self> {
        // Fragments are not sent (RFC 9110, section 4.1); a URI is of visible ASCII.
        if target.bytes().any(|byte| !byte.is_ascii_graphic() || byte == b'#') {
            return None;
        }
        if target.starts_with('/') || (target == "*" && method == "OPTIONS") {
            return Some(Self { authority: None, secure: None, path_and_query: Cow::Borrowed(target) });
        }
        let (scheme, rest) = target.split_once("://")?;
        let secure = match scheme {
            _ if scheme.eq_ignore_ascii_case("http") => false,
            _ if scheme.eq_ignore_ascii_case("https") => true,
            _ => return None,
        };
        let (authority, rest) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let path_and_query = match rest {
            "" if method == "OPTIONS" => Cow::Borrowed("*"),
            "" => Cow::Borrowed("/"),
            rest if rest.starts_with('?') => Cow::Owned(format!("/{rest}")),
            rest => Cow::Borrowed(rest),
        };
        let secure = Some(secure);
        is_host(authority).then_some(Self { authority: Some(authority), secure, path_and_query })
    }

    /// The path alone.
    pub(crate) fn path(&self) -> &str {
        self.path_and_query.split('?').next().unwrap_or_default()
    }
}

/// Whether it is a host, with or without a port: a name, or an address (an IPv6 one in brackets).
pub(crate) fn is_host(host: &str) -> bool {
    let (name, port) = match host.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((address, port)) if address.parse::<Ipv6Addr>().is_ok() => ("v6", port),
            _ => return false,
        },
        None => host.split_at(host.find(':').unwrap_or(host.len())),
    };
    let odd = |byte: u8| !(byte.is_ascii_alphanumeric() || b"-._~%".contains(&byte));
    // An empty port is the scheme's.
    let is_port = |port: &str| {
        port.is_empty() || (port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok())
    };
    !name.is_empty()
        && !name.bytes().any(odd)
        && (port.is_empty() || port.strip_prefix(':').is_some_and(is_port))
}

/// A host without its port.
pub(crate) fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|digit| digit.is_ascii_digit()) && !name.ends_with(':') => {
            name
        }
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_no_part_of_the_name() {
        assert_eq!(without_port("shop.example:8080"), "shop.example");
        assert_eq!(without_port("shop.example"), "shop.example");
        assert_eq!(without_port("[::1]:80"), "[::1]");
        assert_eq!(without_port("[::1]"), "[::1]");
    }

    #[test]
    fn a_host_is_a_name_or_an_address_and_at_most_one_port() {
        for good in ["a", "shop.example:8080", "a_b", "127.0.0.1:80", "[::1]", "[::1]:8080", "a:"] {
            assert!(is_host(good), "{good}");
        }
        for bad in [
            "", ":80", "a b", "a/b", "u@a", "a,b", "a:b", "a:80:80", "a:65536", "a:+1", "[::1", "[x]",
            "[::1]a", "é",
        ] {
            assert!(!is_host(bad), "{bad}");
        }
    }

    #[test]
    fn the_path_of_an_absolute_target_is_never_empty() {
        let read = |target, method| {
            let target = Target::read(target, method)?;
            Some((target.authority.map(str::to_owned), target.path_and_query.into_owned()))
        };
        let of_a = |rest: &str| Some((Some("a".to_owned()), rest.to_owned()));
        assert_eq!(read("http://a", "GET"), of_a("/"));
        assert_eq!(read("http://a?q", "GET"), of_a("/?q"));
        assert_eq!(read("http://a", "OPTIONS"), of_a("*"));
        assert_eq!(read("http://a/b?c", "GET"), of_a("/b?c"));
        assert_eq!(read("HTTPS://a/b", "GET"), of_a("/b"));
        assert_eq!(read("/x//y", "GET"), Some((None, "/x//y".to_owned())));
        for bad in ["", "x", "*", "a:80", "http://", "http:///x", "ftp://a/", "http://u@a/", "/#", "/é"] {
            assert_eq!(read(bad, "GET"), None, "{bad}");
        }
    }
}
