//! What an error says about the target.

use std::error::Error;
use std::io::{self, ErrorKind};

use dinghai_record::Cause;
use rustix::io::Errno;

/// Errors of our own machine: out of descriptors, ports, buffers or memory, no way out, forbidden here.
const OURS: [Errno; 12] = [
    Errno::MFILE,
    Errno::NFILE,
    Errno::NOBUFS,
    Errno::NOMEM,
    Errno::ADDRNOTAVAIL,
    Errno::ADDRINUSE,
    Errno::AFNOSUPPORT,
    Errno::NETUNREACH,
    Errno::NETDOWN,
    Errno::PERM,
    Errno::ACCESS,
    Errno::AGAIN,
];

/// The cause behind an I/O error on a connection to a target. What is not known to be theirs is not held against them.
pub fn cause_of_io(error: &io::Error) -> Cause {
    if let Some(code) = error.raw_os_error() {
        let code = Errno::from_raw_os_error(code);
        if OURS.contains(&code) {
            return Cause::CouldNotAsk(error.to_string());
        }
        // The network says that nobody has the address: a machine that is off, seen from its own network.
        if code == Errno::HOSTUNREACH || code == Errno::HOSTDOWN {
            return Cause::Timeout;
        }
    }
    match error.kind() {
        ErrorKind::ConnectionRefused => Cause::Refused,
        ErrorKind::ConnectionReset
        | ErrorKind::ConnectionAborted
        | ErrorKind::BrokenPipe
        | ErrorKind::NotConnected
        | ErrorKind::UnexpectedEof => Cause::Reset,
        ErrorKind::TimedOut => Cause::Timeout,
        ErrorKind::InvalidData => Cause::Malformed,
        _ => Cause::CouldNotAsk(error.to_string()),
    }
}

/// The cause behind an error of an HTTP exchange with a target.
pub fn cause_of_http(error: &hyper::Error) -> Cause {
    let mut source = error.source();
    while let Some(inner) = source {
        if let Some(io) = inner.downcast_ref::<io::Error>() {
            return cause_of_io(io);
        }
        source = inner.source();
    }
    match error {
        _ if error.is_timeout() => Cause::Timeout,
        _ if error.is_parse() => Cause::Malformed,
        _ if error.is_incomplete_message() || error.is_closed() || error.is_canceled() => Cause::Reset,
        _ => Cause::Malformed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn os(errno: Errno) -> Cause {
        cause_of_io(&io::Error::from_raw_os_error(errno.raw_os_error()))
    }

    #[test]
    fn what_the_target_did_is_held_against_it() {
        assert_eq!(os(Errno::CONNREFUSED), Cause::Refused);
        assert_eq!(os(Errno::CONNRESET), Cause::Reset);
        assert_eq!(os(Errno::PIPE), Cause::Reset);
        assert_eq!(os(Errno::TIMEDOUT), Cause::Timeout);
        assert_eq!(os(Errno::HOSTUNREACH), Cause::Timeout);
    }

    #[test]
    fn what_our_machine_lacks_says_nothing_about_the_target() {
        for errno in OURS {
            assert!(matches!(os(errno), Cause::CouldNotAsk(_)), "{errno:?}");
        }
        assert!(matches!(cause_of_io(&io::Error::other("odd")), Cause::CouldNotAsk(_)));
    }
}
