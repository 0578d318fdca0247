//! Phase *admit*: refuses requests that no route could serve.
//!
//! Two readers of one request must not see two requests: host, length and encoding are stated once and plainly, or the
//! request is refused (RFC 9112, sections 3.2, 6.1 and 6.3). The cases stand in `tests/attacks`.

use super::refuse::Refused;
use crate::defaults::BODY_LIMIT;
use crate::http1::body::Left;
use crate::http1::fields::{Kind, Options, elements};
use crate::http1::request::Head;
use crate::http1::response::length;
use crate::http1::target::is_host;

/// What a request head says, once it is admitted.
#[derive(Debug)]
pub(crate) struct Admitted<'b> {
    /// The host it is for, as it was written, port included; empty when an HTTP/1.0 request names none.
    pub(crate) host: &'b str,
    pub(crate) body: Left,
    /// A length was stated.
    pub(crate) stated: bool,
    pub(crate) options: Options,
    /// The client waits for `100 (Continue)` before it sends the body.
    pub(crate) expects: bool,
    /// The protocol that the client offers to switch to.
    pub(crate) upgrade: Option<&'b [u8]>,
    /// How many more hops it may take.
    pub(crate) hops: Option<u64>,
}

/// Checks the head of a request that came over a secured connection, or one in clear.
pub(crate) fn admit<'b>(head: &Head<'_, 'b>, secure: bool) -> Result<Admitted<'b>, Refused> {
    // What is asked for in one scheme is not what is there in the other (RFC 9110, section 4.2.2).
    if head.target.secure.is_some_and(|stated| stated != secure) {
        return Err(Refused::bad(
            "bad-head",
            "the request target names another scheme than the connection has",
        ));
    }
    let mut options = Options::default();
    if !head.values(Kind::Connection).all(|value| options.read(value)) {
        return Err(Refused::bad("bad-connection", "`Connection` is not a list of names"));
    }
    let host = host(head)?;
    let body = body(head)?;
    let expects = head.is_1_1 && expects(head)? && !body.is_over();
    let stated = head.values(Kind::ContentLength).next().is_some();
    // A body that nobody reads would be taken for the next request.
    let hops = hops(head).map_err(|refused| if body.is_over() { refused } else { refused.closing() })?;
    Ok(Admitted { host, body, stated, options, expects, upgrade: upgrade(head, options), hops })
}

fn host<'b>(head: &Head<'_, 'b>) -> Result<&'b str, Refused> {
    let bad = |detail| Refused::bad("bad-host", detail);
    let mut stated = head.values(Kind::Host);
    let first = stated.next();
    if stated.next().is_some() {
        return Err(bad("the request states `Host` more than once"));
    }
    // The authority of an absolute request target goes before the header (RFC 9112, section 3.2.2).
    let host = match (head.target.authority, first) {
        (_, None) if head.is_1_1 => return Err(bad("the request states no `Host`")),
        (Some(authority), _) => return Ok(authority),
        (None, Some(value)) => std::str::from_utf8(value).unwrap_or("?"),
        (None, None) => return Ok(""),
    };
    if is_host(host) { Ok(host) } else { Err(bad("`Host` is not a host name")) }
}

fn body(head: &Head<'_, '_>) -> Result<Left, Refused> {
    let bad = |detail| Err(Refused::bad("bad-length", detail));
    let mut lengths = head.values(Kind::ContentLength);
    let stated = lengths.next();
    if lengths.next().is_some() {
        return bad("the request states `Content-Length` more than once");
    }
    let encoded = head.values(Kind::TransferEncoding).next().is_some();
    match stated {
        None if !encoded => Ok(Left::NOTHING),
        None => coding(head),
        Some(_) if encoded => bad("the request states both `Content-Length` and `Transfer-Encoding`"),
        Some(value) if value.is_empty() || !value.iter().all(u8::is_ascii_digit) => {
            bad("`Content-Length` is not a number")
        }
        // A number that is too great to be held is too great.
        Some(value) => match length(value) {
            Some(length) if length <= BODY_LIMIT => Ok(Left::Length(length)),
            _ => Err(Refused::too_large()),
        },
    }
}

/// Chunked, once, and nothing beside it.
fn coding(head: &Head<'_, '_>) -> Result<Left, Refused> {
    let bad = |detail| Err(Refused::bad("bad-encoding", detail));
    if !head.is_1_1 {
        return bad("HTTP/1.0 knows no `Transfer-Encoding`");
    }
    let is_chunked = |coding: &[u8]| coding.eq_ignore_ascii_case(b"chunked");
    let mut codings = head.values(Kind::TransferEncoding).flat_map(elements).peekable();
    let (mut chunked, mut others) = (0, 0);
    while let Some(coding) = codings.next() {
        match (is_chunked(coding), codings.peek()) {
            (true, _) => chunked += 1,
            (false, None) => return bad("`Transfer-Encoding` does not end in `chunked`"),
            (false, Some(_)) => others += 1,
        }
    }
    match (chunked, others) {
        (1, 0) => Ok(Left::chunked()),
        (1, _) => {
            Err(Refused::not_implemented("bad-encoding", "`chunked` is the only coding that is known here"))
        }
        _ => bad("`Transfer-Encoding` is not `chunked` once"),
    }
}

fn expects(head: &Head<'_, '_>) -> Result<bool, Refused> {
    let mut expects = false;
    for value in head.values(Kind::Expect) {
        if !value.eq_ignore_ascii_case(b"100-continue") {
            let detail = "only `100-continue` can be expected here";
            return Err(Refused::new(417, "bad-expectation", detail).closing());
        }
        expects = true;
    }
    Ok(expects)
}

/// What an instance may be asked to switch to. Not HTTP/2: its requests would pass through unread.
fn upgrade<'b>(head: &Head<'_, 'b>, options: Options) -> Option<&'b [u8]> {
    let mut stated = head.values(Kind::Upgrade);
    let protocol = stated.next().filter(|_| head.is_1_1 && options.upgrade)?;
    let ours = |one: &[u8]| {
        let name = one.split(|byte| *byte == b'/').next().unwrap_or_default();
        ["h2c", "h2", "http", "tls"].iter().any(|known| name.eq_ignore_ascii_case(known.as_bytes()))
    };
    (stated.next().is_none() && !elements(protocol).any(ours)).then_some(protocol)
}

/// `Max-Forwards` of TRACE and OPTIONS (RFC 9110, section 7.6.2): where it is 0 we are who answers.
fn hops(head: &Head<'_, '_>) -> Result<Option<u64>, Refused> {
    if !matches!(head.method, "TRACE" | "OPTIONS") {
        return Ok(None);
    }
    match head.values(Kind::MaxForwards).next().and_then(length) {
        Some(0) if head.method == "OPTIONS" => Err(Refused::new(204, "last-hop", "")),
        Some(0) => Err(Refused::not_implemented("last-hop", "this gateway answers no `TRACE` itself")),
        hops => Ok(hops),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::defaults::HEADERS;

    fn admitted(target: &str, fields: &str) -> Result<String, &'static str> {
        let text = format!("POST {target} HTTP/1.1\r\n{fields}\r\n");
        let mut room = [httparse::EMPTY_HEADER; HEADERS];
        let head = Head::read(text.as_bytes(), &mut room).unwrap().unwrap();
        admit(&head, false).map(|admitted| admitted.host.to_owned()).map_err(|refused| refused.reason)
    }

    #[test]
    fn a_request_states_one_host() {
        assert_eq!(admitted("/", "host: shop.example:8080\r\n"), Ok("shop.example:8080".to_owned()));
        assert_eq!(admitted("http://a.example/", "host: b.example\r\n"), Ok("a.example".to_owned()));
        assert_eq!(admitted("/", ""), Err("bad-host"));
        assert_eq!(admitted("/", "host: a\r\nhost: a\r\n"), Err("bad-host"));
        assert_eq!(admitted("/", "host: a/b\r\n"), Err("bad-host"));
    }

    #[test]
    fn a_request_states_one_length_within_the_limit() {
        let with = |length: &str| admitted("/", &format!("host: a\r\n{length}\r\n"));
        assert!(with("content-length: 67108864").is_ok());
        assert_eq!(with("content-length: 67108865"), Err("body-too-large"));
        assert_eq!(with("content-length: +5"), Err("bad-length"));
        assert_eq!(with("content-length: 5\r\ncontent-length: 5"), Err("bad-length"));
        assert_eq!(with("content-length: 5\r\ntransfer-encoding: chunked"), Err("bad-length"));
    }
}
