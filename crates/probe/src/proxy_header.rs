//! The PROXY protocol (HAProxy Technologies, "The PROXY protocol, versions 1 & 2"): what a proxy says of its client before the first byte
//! of the connection itself.
//!
//! Reading is strict: a header that could be read in two ways is none. Version 1 is one line of at most 107 bytes, with addresses and ports as one
//! would write them; version 2 is binary, at most [`LONGEST`] bytes here, and what follows its addresses must be whole
//! type-length-values. A proxy that speaks for itself (`UNKNOWN`, `LOCAL`), or of another kind of address, names no client.

use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use dinghai_estate::ProxyVersion;

/// The longest header that is read.
pub const LONGEST: usize = 16 + 2048;

/// The longest line of version 1, its end included.
const LONGEST_LINE: usize = 107;

const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";

/// A header that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProxyHeader {
    /// The client; none when the proxy speaks for itself.
    pub client: Option<SocketAddr>,
    /// How many bytes it took.
    pub size: usize,
}

/// Bytes that begin with no header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no PROXY header")]
pub struct NoHeader;

/// Reads a header from the beginning of `bytes`; none when it is not whole yet.
pub fn read_proxy_header(bytes: &[u8]) -> Result<Option<ProxyHeader>, NoHeader> {
    let first = bytes.get(..SIGNATURE.len().min(bytes.len())).unwrap_or_default();
    if SIGNATURE.starts_with(first) {
        return read_binary(bytes);
    }
    let begun = bytes.get(..6.min(bytes.len())).unwrap_or_default();
    if !b"PROXY ".starts_with(begun) {
        return Err(NoHeader);
    }
    let line = bytes.get(..LONGEST_LINE.min(bytes.len())).unwrap_or_default();
    match line.iter().position(|byte| *byte == b'\n') {
        Some(end) => {
            let line = line.get(..end).and_then(|line| line.strip_suffix(b"\r")).ok_or(NoHeader)?;
            let client = read_line(std::str::from_utf8(line).map_err(|_| NoHeader)?).ok_or(NoHeader)?;
            Ok(Some(ProxyHeader { client, size: end + 1 }))
        }
        None if line.len() == LONGEST_LINE => Err(NoHeader),
        None => Ok(None),
    }
}

/// The line without its end.
fn read_line(line: &str) -> Option<Option<SocketAddr>> {
    let rest = line.strip_prefix("PROXY ")?;
    if rest == "UNKNOWN" || rest.starts_with("UNKNOWN ") {
        return Some(None);
    }
    let mut parts = rest.split(' ');
    let (family, from, to) = (parts.next()?, parts.next()?, parts.next()?);
    let (from_port, to_port) = (port(parts.next()?)?, port(parts.next()?)?);
    if parts.next().is_some() {
        return None;
    }
    let address = |text: &str| -> Option<IpAddr> {
        match family {
            "TCP4" => text.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
            "TCP6" => text.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
            _ => None,
        }
    };
    let (from, _, _) = (address(from)?, address(to)?, to_port);
    Some(Some(SocketAddr::new(from, from_port)))
}

fn port(text: &str) -> Option<u16> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if plain { text.parse().ok() } else { None }
}

fn read_binary(bytes: &[u8]) -> Result<Option<ProxyHeader>, NoHeader> {
    let Some([command, family, high, low]) = bytes.get(12..16) else { return Ok(None) };
    let size = 16 + usize::from(u16::from_be_bytes([*high, *low]));
    // Version and command: nothing but 2, and LOCAL or PROXY.
    if !matches!(command, 0x20 | 0x21) || size > LONGEST {
        return Err(NoHeader);
    }
    let Some(body) = bytes.get(16..size) else { return Ok(None) };
    let client = match (command, family) {
        (0x21, 0x11) => {
            let (addresses, rest) = body.split_first_chunk::<12>().ok_or(NoHeader)?;
            let [a, b, c, d, _, _, _, _, high, low, _, _] = *addresses;
            whole_values(rest)?;
            Some(SocketAddr::new(Ipv4Addr::new(a, b, c, d).into(), u16::from_be_bytes([high, low])))
        }
        (0x21, 0x21) => {
            let (from, rest) = body.split_first_chunk::<16>().ok_or(NoHeader)?;
            let (_, rest) = rest.split_first_chunk::<16>().ok_or(NoHeader)?;
            let ([high, low, _, _], rest) = rest.split_first_chunk::<4>().ok_or(NoHeader)?;
            whole_values(rest)?;
            Some(SocketAddr::new(Ipv6Addr::from(*from).into(), u16::from_be_bytes([*high, *low])))
        }
        // Datagrams, sockets of a machine, and what is not said: passed over as the specification wants it.
        _ => None,
    };
    Ok(Some(ProxyHeader { client, size }))
}

fn whole_values(mut rest: &[u8]) -> Result<(), NoHeader> {
    while !rest.is_empty() {
        let ([_, high, low], value) = rest.split_first_chunk::<3>().ok_or(NoHeader)?;
        rest = value.get(usize::from(u16::from_be_bytes([*high, *low]))..).ok_or(NoHeader)?;
    }
    Ok(())
}

/// A header that names a client, and where it connected to. Without both, or when they are of two families, we speak for ourselves.
pub fn proxy_header(version: ProxyVersion, ends: Option<(SocketAddr, SocketAddr)>) -> Vec<u8> {
    let plain = |at: SocketAddr| SocketAddr::new(at.ip().to_canonical(), at.port());
    let ends = ends.map(|(client, here)| (plain(client), plain(here)));
    match version {
        ProxyVersion::V1 => written_line(ends),
        ProxyVersion::V2 => written_binary(ends),
    }
}

fn written_line(ends: Option<(SocketAddr, SocketAddr)>) -> Vec<u8> {
    let mut line = String::from("PROXY ");
    // Writing to a string does not fail.
    let _ = match ends {
        Some((client, here)) if client.is_ipv4() == here.is_ipv4() => {
            let family = if client.is_ipv4() { "TCP4" } else { "TCP6" };
            write!(line, "{family} {} {} {} {}\r\n", client.ip(), here.ip(), client.port(), here.port())
        }
        _ => line.write_str("UNKNOWN\r\n"),
    };
    line.into_bytes()
}

fn written_binary(ends: Option<(SocketAddr, SocketAddr)>) -> Vec<u8> {
    let mut header = SIGNATURE.to_vec();
    match ends.map(|(client, here)| (client.ip(), here.ip(), [client.port(), here.port()])) {
        Some((IpAddr::V4(client), IpAddr::V4(here), ports)) => {
            header.extend([0x21, 0x11, 0, 12]);
            header.extend(client.octets().into_iter().chain(here.octets()));
            header.extend(ports.into_iter().flat_map(u16::to_be_bytes));
        }
        Some((IpAddr::V6(client), IpAddr::V6(here), ports)) => {
            header.extend([0x21, 0x21, 0, 36]);
            header.extend(client.octets().into_iter().chain(here.octets()));
            header.extend(ports.into_iter().flat_map(u16::to_be_bytes));
        }
        _ => header.extend([0x20, 0, 0, 0]),
    }
    header
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn address() -> impl Strategy<Value = SocketAddr> {
        let v4 = any::<[u8; 4]>().prop_map(|ip| IpAddr::from(Ipv4Addr::from(ip)));
        let v6 = any::<[u8; 16]>().prop_map(|ip| IpAddr::from(Ipv6Addr::from(ip)));
        (prop_oneof![v4, v6], any::<u16>()).prop_map(|(ip, port)| SocketAddr::new(ip, port))
    }

    #[test]
    fn lines_are_read_to_the_letter() {
        let client = |line: &str| read_proxy_header(line.as_bytes()).map(|read| read.unwrap().client);
        assert_eq!(
            client("PROXY TCP4 1.2.3.4 5.6.7.8 11 80\r\nGET"),
            Ok(Some("1.2.3.4:11".parse().unwrap()))
        );
        assert_eq!(client("PROXY TCP6 ::1 ::2 65535 0\r\n"), Ok(Some("[::1]:65535".parse().unwrap())));
        assert_eq!(client("PROXY UNKNOWN\r\n"), Ok(None));
        assert_eq!(client("PROXY UNKNOWN ffff::1 x\r\n"), Ok(None));
        for bad in [
            "GET / HTTP/1.1\r\n",
            "PROXY TCP4 1.2.3.4 5.6.7.8 11 80\n",
            "PROXY TCP4  1.2.3.4 5.6.7.8 11 80\r\n",
            "PROXY TCP4 1.2.3.4 5.6.7.8 011 80\r\n",
            "PROXY TCP4 1.2.3.4 5.6.7.8 +1 80\r\n",
            "PROXY TCP4 1.2.3.4 5.6.7.8 11 65536\r\n",
            "PROXY TCP4 1.2.3.4 5.6.7.8 11 80 \r\n",
            "PROXY TCP4 01.2.3.4 5.6.7.8 11 80\r\n",
            "PROXY TCP4 ::1 ::2 11 80\r\n",
            "PROXY TCP6 1.2.3.4 5.6.7.8 11 80\r\n",
            "PROXY UDP4 1.2.3.4 5.6.7.8 11 80\r\n",
            "PROXY UNKNOWNS\r\n",
            "proxy UNKNOWN\r\n",
        ] {
            assert_eq!(read_proxy_header(bad.as_bytes()), Err(NoHeader), "{bad:?}");
        }
        let long = format!("PROXY UNKNOWN {}", "x".repeat(LONGEST_LINE));
        assert_eq!(read_proxy_header(long.as_bytes()), Err(NoHeader), "a line does not go on for ever");
    }

    #[test]
    fn values_behind_the_addresses_are_whole_or_the_header_is_none() {
        let with = |values: &[u8]| {
            let mut header =
                proxy_header(ProxyVersion::V2, Some((([1, 2, 3, 4], 5).into(), ([5, 6, 7, 8], 9).into())));
            header[15] += u8::try_from(values.len()).unwrap();
            header.extend(values);
            read_proxy_header(&header).map(|read| read.unwrap().size)
        };
        assert_eq!(with(&[4, 0, 2, 1, 1]), Ok(33));
        assert_eq!(with(&[4, 0, 3, 1, 1]), Err(NoHeader));
        assert_eq!(with(&[4, 0]), Err(NoHeader));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again_when_it_is_whole_and_not_before(
            client in address(), here in address(), v2: bool, rest: Vec<u8>,
        ) {
            let version = if v2 { ProxyVersion::V2 } else { ProxyVersion::V1 };
            let header = proxy_header(version, Some((client, here)));
            let same = client.ip().to_canonical().is_ipv4() == here.ip().to_canonical().is_ipv4();
            let told = same.then(|| SocketAddr::new(client.ip().to_canonical(), client.port()));
            for cut in 0..header.len() {
                prop_assert_eq!(read_proxy_header(&header[..cut]), Ok(None));
            }
            let whole = [&header[..], &rest].concat();
            let expected = ProxyHeader { client: told, size: header.len() };
            prop_assert_eq!(read_proxy_header(&whole), Ok(Some(expected)));
        }

        #[test]
        fn no_bytes_make_it_fall_over_and_none_are_taken_that_are_not_there(
            start in prop::sample::select(vec![&b"PROXY "[..], SIGNATURE, b""]), rest: Vec<u8>,
        ) {
            let bytes = [start, &rest].concat();
            if let Ok(Some(header)) = read_proxy_header(&bytes) {
                prop_assert!(header.size <= bytes.len() && header.size <= LONGEST);
            }
        }
    }
}
