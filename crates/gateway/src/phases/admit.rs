//! Phase *admit*: refuses requests that no route could serve.
//!
//! Two readers of one request must not see two requests: host and length are stated once, or the request is refused
//! (RFC 9112, sections 3.2 and 6.3). Hyper hides some of it: it takes a request with both `Content-Length` and
//! `Transfer-Encoding`, drops the length, and frames by the encoding; what we send on is framed anew, so that an
//! instance sees one length only.

use http::header;
use http::request::Parts;
use http::{Method, StatusCode, Version};

use super::refuse::Refused;
use crate::defaults::BODY_LIMIT;

/// Checks a request head and returns the host it is for, as it was written, port included.
pub(crate) fn admit(head: &Parts) -> Result<String, Refused> {
    if head.method == Method::CONNECT {
        return Err(Refused::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "no-tunnels",
            "this gateway opens no tunnels",
        ));
    }
    length(head)?;
    host(head)
}

fn host(head: &Parts) -> Result<String, Refused> {
    let bad = |detail| Refused::new(StatusCode::BAD_REQUEST, "bad-host", detail);
    let mut stated = head.headers.get_all(header::HOST).iter();
    let first = stated.next();
    if stated.next().is_some() {
        return Err(bad("the request states `Host` more than once"));
    }
    // The authority of an absolute request target goes before the header (RFC 9112, section 3.2.2).
    let host = match (head.uri.authority(), first) {
        (_, None) if head.version >= Version::HTTP_11 => return Err(bad("the request states no `Host`")),
        (Some(authority), _) => authority.as_str(),
        (None, Some(value)) => value.to_str().map_err(|_| bad("`Host` is not a host name"))?,
        (None, None) => "",
    };
    let odd = |c: char| !(c.is_ascii_alphanumeric() || "-._~:[]%".contains(c));
    match host.contains(odd) {
        true => Err(bad("`Host` is not a host name")),
        false => Ok(host.to_owned()),
    }
}

fn length(head: &Parts) -> Result<(), Refused> {
    let bad = |detail| Refused::new(StatusCode::BAD_REQUEST, "bad-length", detail);
    let mut stated = head.headers.get_all(header::CONTENT_LENGTH).iter();
    let Some(length) = stated.next() else { return Ok(()) };
    if stated.next().is_some() {
        return Err(bad("the request states `Content-Length` more than once"));
    }
    if head.headers.contains_key(header::TRANSFER_ENCODING) {
        return Err(bad("the request states both `Content-Length` and `Transfer-Encoding`"));
    }
    let digits = length.to_str().unwrap_or_default();
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err(bad("`Content-Length` is not a number"));
    }
    match digits.parse::<u64>() {
        Ok(length) if length <= BODY_LIMIT => Ok(()),
        _ => Err(Refused::too_large()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admitted(target: &str, headers: &[(&'static str, &'static str)]) -> Result<String, &'static str> {
        let mut request = http::Request::post(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        admit(&request.body(()).unwrap().into_parts().0).map_err(|refused| refused.reason)
    }

    #[test]
    fn a_request_states_one_host() {
        assert_eq!(admitted("/", &[("host", "shop.example:8080")]), Ok("shop.example:8080".to_owned()));
        assert_eq!(admitted("http://a.example/", &[("host", "b.example")]), Ok("a.example".to_owned()));
        assert_eq!(admitted("/", &[]), Err("bad-host"));
        assert_eq!(admitted("/", &[("host", "a"), ("host", "a")]), Err("bad-host"));
        assert_eq!(admitted("/", &[("host", "a/b")]), Err("bad-host"));
    }

    #[test]
    fn a_request_states_one_length_within_the_limit() {
        let with = |length: &'static str| admitted("/", &[("host", "a"), ("content-length", length)]);
        assert!(with("67108864").is_ok());
        assert_eq!(with("67108865"), Err("body-too-large"));
        assert_eq!(with("+5"), Err("bad-length"));
        let twice = [("host", "a"), ("content-length", "5"), ("content-length", "5")];
        assert_eq!(admitted("/", &twice), Err("bad-length"));
        let both = [("host", "a"), ("content-length", "5"), ("transfer-encoding", "chunked")];
        assert_eq!(admitted("/", &both), Err("bad-length"));
    }
}
