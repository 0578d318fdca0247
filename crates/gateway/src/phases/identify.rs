//! Phase *identify*: who asks, and what of that is told to the instance.
//!
//! `X-Forwarded-*` of a proxy that the estate trusts is added to; anybody else's is replaced, because anybody can
//! write it. Headers that belong to one connection only (RFC 9110, section 7.6.1) end here, in both directions.

use std::net::{IpAddr, SocketAddr};

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Uri, Version};

use crate::routing::Routing;

const FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

const HOP_BY_HOP: [HeaderName; 7] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// Whether what this peer says about its clients is believed.
pub(crate) fn is_trusted(peer: SocketAddr, routing: &Routing) -> bool {
    let ip = plain(peer.ip());
    routing.table.as_ref().is_some_and(|table| table.trusted_proxies.iter().any(|proxy| plain(*proxy) == ip))
}

/// Makes a client's request head one of ours.
pub(crate) fn onward(head: &mut Parts, peer: SocketAddr, trusted: bool, host: &str) {
    strip_hop_by_hop(&mut head.headers);
    // An instance must not see two opinions about the host: the one we have routed by is the one.
    let stated = HeaderValue::from_str(host).unwrap_or_else(|_| HeaderValue::from_static(""));
    head.headers.insert(header::HOST, stated.clone());
    if !trusted {
        for name in [&FOR, &PROTO, &HOST, &header::FORWARDED] {
            head.headers.remove(name);
        }
    }
    let before: Vec<&str> =
        head.headers.get_all(&FOR).iter().filter_map(|value| value.to_str().ok()).collect();
    let mut chain = before.join(", ");
    if !chain.is_empty() {
        chain.push_str(", ");
    }
    chain.push_str(&plain(peer.ip()).to_string());
    if let Ok(chain) = HeaderValue::from_str(&chain) {
        head.headers.insert(FOR, chain);
    }
    head.headers.entry(PROTO).or_insert(HeaderValue::from_static("http"));
    head.headers.entry(HOST).or_insert(stated);
    // We have read, or shall read, the body from the client; the instance need not ask for it.
    head.headers.remove(header::EXPECT);
    if head.uri.authority().is_some() {
        let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
        head.uri = path.parse().unwrap_or_else(|_| Uri::from_static("/"));
    }
    head.version = Version::HTTP_11;
}

/// Removes what belongs to one connection, and what its `Connection` header names.
pub(crate) fn strip_hop_by_hop(headers: &mut HeaderMap) {
    let mut named: Vec<HeaderName> = vec![];
    for value in headers.get_all(header::CONNECTION) {
        let names = value.to_str().unwrap_or_default().split(',');
        named.extend(names.filter_map(|name| name.trim().parse().ok()));
    }
    // Naming these would change what the message is, not how it is carried.
    named.retain(|name| *name != header::HOST && *name != header::CONTENT_LENGTH);
    for name in named.iter().chain(&HOP_BY_HOP) {
        headers.remove(name);
    }
}

/// An IPv4 address that came over an IPv6 socket is an IPv4 address.
fn plain(ip: IpAddr) -> IpAddr {
    ip.to_canonical()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(headers: &[(&'static str, &'static str)], trusted: bool) -> HeaderMap {
        let mut request = http::Request::get("http://shop.example/cart?a=1");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (mut head, ()) = request.body(()).unwrap().into_parts();
        onward(&mut head, "[::ffff:10.0.0.9]:4711".parse().unwrap(), trusted, "shop.example");
        assert_eq!(head.uri, "/cart?a=1");
        head.headers
    }

    #[test]
    fn a_strangers_word_about_its_clients_is_replaced() {
        let told = told(&[("x-forwarded-for", "1.2.3.4"), ("x-forwarded-proto", "https")], false);
        assert_eq!(told["x-forwarded-for"], "10.0.0.9");
        assert_eq!(told["x-forwarded-proto"], "http");
        assert_eq!(told["x-forwarded-host"], "shop.example");
    }

    #[test]
    fn a_trusted_proxys_word_is_added_to() {
        let told = told(
            &[("x-forwarded-for", "1.2.3.4"), ("x-forwarded-for", "5.6.7.8"), ("x-forwarded-proto", "https")],
            true,
        );
        assert_eq!(told["x-forwarded-for"], "1.2.3.4, 5.6.7.8, 10.0.0.9");
        assert_eq!(told["x-forwarded-proto"], "https");
    }

    #[test]
    fn headers_of_one_connection_end_here_and_so_do_those_it_names() {
        let told = told(
            &[
                ("connection", "keep-alive, x-secret, host"),
                ("keep-alive", "timeout=5"),
                ("x-secret", "1"),
                ("te", "trailers"),
                ("upgrade", "websocket"),
                ("accept", "*/*"),
            ],
            false,
        );
        for gone in ["connection", "keep-alive", "x-secret", "te", "upgrade"] {
            assert!(!told.contains_key(gone), "{gone}");
        }
        assert_eq!(told["host"], "shop.example");
        assert!(told.contains_key("accept"));
    }
}
