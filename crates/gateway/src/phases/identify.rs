//! Phase *identify*: who asks, and what of that is told to the instance.
//!
//! `X-Forwarded-*` of a proxy that the estate trusts is added to; anybody else's is replaced, because anybody can
//! write it. Fields that belong to one connection only (RFC 9110, section 7.6.1) end here. The head that the instance
//! sees is written in one pass: lines that pass one after another are copied at once.

use std::borrow::Cow;
use std::io::Write;
use std::net::{IpAddr, SocketAddr};
use std::ops::Range;

use super::admit::Admitted;
use crate::changes::Changes;
use crate::http1::body::Left;
use crate::http1::fields::{Kind, is_named};
use crate::http1::request::Head;
use crate::routing::Routing;

/// Whether what this peer says about its clients is believed.
pub(crate) fn is_trusted(peer: SocketAddr, routing: &Routing) -> bool {
    let ip = plain(peer.ip());
    routing.table.as_ref().is_some_and(|table| table.trusted_proxies.iter().any(|proxy| plain(*proxy) == ip))
}

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asker<'a> {
    pub(crate) peer: SocketAddr,
    /// What it says about its clients is believed.
    pub(crate) trusted: bool,
    /// It came over TLS.
    pub(crate) secure: bool,
    /// The field that tells which certificate it has shown.
    pub(crate) shown: Option<&'a [u8]>,
}

/// Writes a client's request head as one of ours, with what the route changes.
pub(crate) fn onward(
    head: &Head<'_, '_>,
    admitted: &Admitted<'_>,
    asker: Asker<'_>,
    changes: Option<&Changes>,
    out: &mut Vec<u8>,
) {
    let Asker { peer, trusted, secure, shown } = asker;
    let target = match changes.and_then(|changes| changes.rewrite.as_ref()) {
        Some(rewrite) => rewrite.onward(&head.target.path_and_query),
        None => Cow::Borrowed(&*head.target.path_and_query),
    };
    let edits = changes.map(|changes| &changes.request);
    // An instance must not see two opinions about the host: the one we have routed by is the one.
    put(out, [head.method, " ", &target, " HTTP/1.1\r\nhost: ", admitted.host, "\r\n"]);
    let mut told = Told::default();
    let mut run = 0..0;
    for (at, (kind, line)) in head.lines().enumerate() {
        let passes = match kind {
            Kind::Host | Kind::ContentLength | Kind::TransferEncoding => false,
            Kind::Connection | Kind::Hop | Kind::Upgrade => false,
            Kind::Expect => admitted.expects,
            Kind::MaxForwards => admitted.hops.is_none(),
            Kind::Trailer => matches!(admitted.body, Left::Chunked(_)),
            Kind::ForwardedFor => false,
            // Who could write it could be anybody (RFC 9440, section 2.4).
            Kind::ClientCert => trusted && shown.is_none(),
            Kind::Forwarded => trusted,
            Kind::ForwardedProto => trusted && !std::mem::replace(&mut told.proto, trusted),
            Kind::ForwardedHost => trusted && !std::mem::replace(&mut told.host, trusted),
            Kind::Date | Kind::Other => {
                !(admitted.options.fields && is_named(&head.fields, line.name))
                    && edits.is_none_or(|edits| !edits.drops(line.name))
            }
        };
        gather(head, at, passes, &mut run, out);
    }
    out.extend_from_slice(head.fields.written(run));
    if let Some(edits) = edits {
        out.extend_from_slice(&edits.lines);
    }
    if let Some(shown) = shown {
        out.extend_from_slice(shown);
    }
    carry(admitted, out);
    out.extend_from_slice(b"x-forwarded-for: ");
    for before in head.values(Kind::ForwardedFor).filter(|before| trusted && !before.is_empty()) {
        out.extend_from_slice(before);
        out.extend_from_slice(b", ");
    }
    // Writing to a vector does not fail.
    let _ = write!(out, "{}\r\n", plain(peer.ip()));
    if !told.proto {
        put(out, ["x-forwarded-proto: ", if secure { "https" } else { "http" }, "\r\n"]);
    }
    if !told.host && !admitted.host.is_empty() {
        put(out, ["x-forwarded-host: ", admitted.host, "\r\n"]);
    }
    out.extend_from_slice(b"\r\n");
}

/// What a trusted proxy has told itself.
#[derive(Default)]
struct Told {
    proto: bool,
    host: bool,
}

/// How the message is carried on the connection to the instance.
fn carry(admitted: &Admitted<'_>, out: &mut Vec<u8>) {
    match &admitted.body {
        Left::Chunked(_) => put(out, ["transfer-encoding: chunked\r\n"]),
        // A length of 0 that was stated is stated again: some want one with every POST.
        Left::Length(length) if *length > 0 || admitted.stated => {
            let _ = write!(out, "content-length: {length}\r\n");
        }
        Left::Length(_) | Left::UntilClose => {}
    }
    if let Some(protocol) = admitted.upgrade {
        put(out, ["connection: upgrade\r\nupgrade: "]);
        out.extend_from_slice(protocol);
        put(out, ["\r\n"]);
    }
    if let Some(hops) = admitted.hops {
        let _ = write!(out, "max-forwards: {}\r\n", hops.saturating_sub(1));
    }
}

fn gather(head: &Head<'_, '_>, at: usize, passes: bool, run: &mut Range<usize>, out: &mut Vec<u8>) {
    let line = head.fields.line(at);
    if passes && run.end == line.start {
        run.end = line.end;
        return;
    }
    out.extend_from_slice(head.fields.written(run.clone()));
    *run = if passes { line } else { line.end..line.end };
}

fn put<const N: usize>(out: &mut Vec<u8>, parts: [&str; N]) {
    parts.iter().for_each(|part| out.extend_from_slice(part.as_bytes()));
}

/// An IPv4 address that came over an IPv6 socket is an IPv4 address.
fn plain(ip: IpAddr) -> IpAddr {
    ip.to_canonical()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::defaults::HEADERS;
    use crate::phases::admit::admit;

    fn told(fields: &str, trusted: bool) -> Vec<String> {
        let text = format!("GET http://shop.example/cart?a=1 HTTP/1.1\r\nHost: x\r\n{fields}\r\n");
        let mut room = [httparse::EMPTY_HEADER; HEADERS];
        let head = Head::read(text.as_bytes(), &mut room).unwrap().unwrap();
        let mut out = vec![];
        let peer = "[::ffff:10.0.0.9]:4711".parse().unwrap();
        onward(
            &head,
            &admit(&head, false).unwrap(),
            Asker { peer, trusted, secure: false, shown: None },
            None,
            &mut out,
        );
        let text = String::from_utf8(out).unwrap();
        let lines: Vec<String> =
            text.strip_suffix("\r\n\r\n").unwrap().split("\r\n").map(str::to_owned).collect();
        assert_eq!(lines[..2], ["GET /cart?a=1 HTTP/1.1", "host: shop.example"]);
        lines[2..].to_vec()
    }

    #[test]
    fn a_strangers_word_about_its_clients_is_replaced() {
        let told =
            told("X-Forwarded-For: 1.2.3.4\r\nx-forwarded-proto: https\r\nForwarded: for=1\r\n", false);
        let ours = ["x-forwarded-for: 10.0.0.9", "x-forwarded-proto: http", "x-forwarded-host: shop.example"];
        assert_eq!(told, ours);
    }

    #[test]
    fn a_trusted_proxys_word_is_added_to() {
        let fields = "x-forwarded-for: 1.2.3.4\r\nx-forwarded-for: 5.6.7.8\r\nx-forwarded-proto: https\r\n";
        let told = told(fields, true);
        assert!(told.contains(&"x-forwarded-for: 1.2.3.4, 5.6.7.8, 10.0.0.9".to_owned()));
        assert!(told.contains(&"x-forwarded-proto: https".to_owned()));
    }

    #[test]
    fn a_trusted_proxy_says_one_thing_once() {
        let told = told("x-forwarded-host: a\r\nx-forwarded-host: b\r\n", true);
        let hosts: Vec<_> = told.iter().filter(|line| line.starts_with("x-forwarded-host")).collect();
        assert_eq!(hosts, ["x-forwarded-host: a"]);
    }

    #[test]
    fn fields_of_one_connection_end_here_and_so_do_those_it_names() {
        let fields = "connection: keep-alive, x-secret, host\r\nkeep-alive: timeout=5\r\nx-secret: 1\r\nte: trailers\r\n\
                      upgrade: websocket\r\naccept: */*\r\nX-Kept:1\r\n";
        let told = told(fields, false);
        assert_eq!(told[..2], ["accept: */*", "X-Kept:1"]);
        assert_eq!(told.len(), 5, "{told:?}");
    }
}
