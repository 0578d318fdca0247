//! Scalars of routes: hosts, methods, header fields, expressions.

use serde_json::{Value as Json, json};

use super::shape::{Decode, Defs, Scalar, scalars};
use crate::problem::Problems;
use crate::tree::Node;
use crate::{is_editable, whole_expression};

scalars!(
    HostPattern,
    HostPort,
    Method,
    FieldName,
    OwnFieldName,
    CookieName,
    FieldValue,
    Expression,
    RedirectStatus,
    FilePath,
    ServerName
);

/// The name of a host, or `*.` and what a name ends in. In small letters.
#[derive(Clone, Debug)]
pub(crate) struct HostPattern(pub(crate) String);

impl Scalar for HostPattern {
    const WHAT: &'static str = "a host such as `shop.example` or `*.shop.example`";

    fn parse(text: &str) -> Result<Self, String> {
        let host = text.to_ascii_lowercase();
        let name = host.strip_prefix("*.").unwrap_or(&host);
        let is_v6 = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let good = match is_v6 {
            Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
            None => is_name(name),
        };
        match good {
            true => Ok(Self(host)),
            false if text.contains(':') => {
                Err(format!("`{text}` is not {}: a route is for a host without its port", Self::WHAT))
            }
            false => Err(format!("`{text}` is not {}", Self::WHAT)),
        }
    }

    fn schema() -> Json {
        json!({ "type": "string", "pattern": "^(([*][.])?[A-Za-z0-9_-]+([.][A-Za-z0-9_-]+)*|[[][0-9A-Fa-f:.]+[]])$" })
    }

    fn written(&self) -> Json {
        self.0.as_str().into()
    }
}

/// Labels of letters, digits, `-` and `_`, 253 bytes at most.
fn is_name(name: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
    };
    name.len() <= 253 && name.split('.').all(is_label)
}

/// A host to go to, with or without a port.
#[derive(Clone, Debug)]
pub(crate) struct HostPort(pub(crate) String);

impl Scalar for HostPort {
    const WHAT: &'static str = "a host such as `shop.example` or `shop.example:8443`";

    fn parse(text: &str) -> Result<Self, String> {
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
            _ => (text, None),
        };
        let host_is_good = HostPattern::parse(host).is_ok_and(|host| !host.0.starts_with('*'));
        match host_is_good && port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0)) {
            true => Ok(Self(text.to_ascii_lowercase())),
            false => Err(format!("`{text}` is not {}", Self::WHAT)),
        }
    }

    fn schema() -> Json {
        json!({ "type": "string", "pattern": "^([A-Za-z0-9._-]+|[[][0-9A-Fa-f:.]+[]])(:[0-9]+)?$" })
    }

    fn written(&self) -> Json {
        self.0.as_str().into()
    }
}

/// A request method.
#[derive(Clone, Debug)]
pub(crate) struct Method(pub(crate) String);

impl Scalar for Method {
    const WHAT: &'static str = "a method such as `GET`";

    fn parse(text: &str) -> Result<Self, String> {
        let good = is_token(text) && text.len() <= 32 && !text.bytes().any(|b| b.is_ascii_lowercase());
        match good && text != "CONNECT" {
            true => Ok(Self(text.to_owned())),
            false if text == "CONNECT" => Err("`CONNECT` is passed by no gateway".to_owned()),
            false => Err(format!("`{text}` is not {}: methods are written in capitals", Self::WHAT)),
        }
    }

    fn schema() -> Json {
        json!({ "type": "string", "pattern": "^[A-Z0-9!#$%&'*+.^_`|~-]+$" })
    }

    fn written(&self) -> Json {
        self.0.as_str().into()
    }
}

fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

/// The name of a header field, in small letters.
#[derive(Clone, Debug)]
pub(crate) struct FieldName(pub(crate) String);

impl Scalar for FieldName {
    const WHAT: &'static str = "the name of a header field such as `x-beta`";

    fn parse(text: &str) -> Result<Self, String> {
        match is_token(text) && text.len() <= 256 {
            true => Ok(Self(text.to_ascii_lowercase())),
            false => Err(format!("`{text}` is not {}", Self::WHAT)),
        }
    }

    fn schema() -> Json {
        json!({ "type": "string", "pattern": "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$" })
    }

    fn written(&self) -> Json {
        self.0.as_str().into()
    }
}

/// The name of a cookie, to the letter.
#[derive(Clone, Debug)]
pub(crate) struct CookieName(pub(crate) String);

impl Scalar for CookieName {
    const WHAT: &'static str = "the name of a cookie such as `session`";

    fn parse(text: &str) -> Result<Self, String> {
        match is_token(text) && text.len() <= 256 {
            true => Ok(Self(text.to_owned())),
            false => Err(format!("`{text}` is not {}", Self::WHAT)),
        }
    }

    fn schema() -> Json {
        <FieldName as Scalar>::schema()
    }

    fn written(&self) -> Json {
        self.0.as_str().into()
    }
}

/// The name of a header field that a route may change.
#[derive(Clone, Debug)]
pub(crate) struct OwnFieldName(pub(crate) String);

impl Scalar for OwnFieldName {
    const WHAT: &'static str = FieldName::WHAT;

    fn parse(text: &str) -> Result<Self, String> {
        let name = FieldName::parse(text)?.0;
        match is_editable(&name) {
            true => Ok(Self(name)),
            false => Err(format!(
                "`{text}` is the gateway's own: it frames a message, belongs to one connection, or says who asks"
            )),
        }
    }

    fn schema() -> Json {
        <FieldName as Scalar>::schema()
    }

    fn written(&self) -> Json {
        self.0.as_str().into()
    }
}

/// The value of a header field.
#[derive(Clone, Debug)]
pub(crate) struct FieldValue(pub(crate) String);

impl Scalar for FieldValue {
    const WHAT: &'static str = "the value of a header field";

    fn parse(text: &str) -> Result<Self, String> {
        let clean = text.bytes().all(|b| matches!(b, b' '..=b'~' | b'\t'));
        match clean && text.trim_ascii() == text && text.len() <= 4096 {
            true => Ok(Self(text.to_owned())),
            false => Err(format!(
                "`{}` is not {}: visible ASCII, at most 4096 letters, no blanks at its ends",
                text.escape_debug(),
                Self::WHAT
            )),
        }
    }

    fn schema() -> Json {
        json!({ "type": ["string", "number", "boolean"], "maxLength": 4096 })
    }

    fn written(&self) -> Json {
        self.0.as_str().into()
    }
}

/// A regular expression that a whole text has to fit.
#[derive(Clone, Debug)]
pub(crate) struct Expression(pub(crate) String);

impl Scalar for Expression {
    const WHAT: &'static str = "a regular expression such as `/item/[0-9]+`";

    fn parse(text: &str) -> Result<Self, String> {
        match whole_expression(text) {
            Ok(_) => Ok(Self(text.to_owned())),
            Err(why) => Err(format!("`{text}` is not a regular expression that can be used: {why}")),
        }
    }

    fn schema() -> Json {
        json!({ "type": "string" })
    }

    fn written(&self) -> Json {
        self.0.as_str().into()
    }
}

/// A status that sends a client elsewhere.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RedirectStatus(pub(crate) u16);

impl Scalar for RedirectStatus {
    const WHAT: &'static str = "one of `301`, `302`, `303`, `307` and `308`";

    fn parse(text: &str) -> Result<Self, String> {
        match text.parse() {
            Ok(status @ (301 | 302 | 303 | 307 | 308)) => Ok(Self(status)),
            _ => Err(format!("`{text}` is not {}", Self::WHAT)),
        }
    }

    fn schema() -> Json {
        json!({ "enum": [301, 302, 303, 307, 308] })
    }

    fn written(&self) -> Json {
        self.0.into()
    }
}

/// The whole path of a file.
#[derive(Clone, Debug)]
pub(crate) struct FilePath(pub(crate) String);

impl Scalar for FilePath {
    const WHAT: &'static str = "the whole path of a file, such as `/etc/ssl/shop.pem`";

    fn parse(text: &str) -> Result<Self, String> {
        let clean = !text.ends_with('/') && !text.bytes().any(|b| b.is_ascii_control());
        match text.starts_with('/') && clean {
            true => Ok(Self(text.to_owned())),
            false => Err(format!("`{}` is not {}", text.escape_debug(), Self::WHAT)),
        }
    }

    fn schema() -> Json {
        json!({ "type": "string", "pattern": "^/.*[^/]$" })
    }

    fn written(&self) -> Json {
        self.0.as_str().into()
    }
}

/// The name of a server, as a certificate has it.
#[derive(Clone, Debug)]
pub(crate) struct ServerName(pub(crate) String);

impl Scalar for ServerName {
    const WHAT: &'static str = "the name of a server such as `order.internal`";

    fn parse(text: &str) -> Result<Self, String> {
        match is_name(text) || text.parse::<std::net::IpAddr>().is_ok() {
            true => Ok(Self(text.to_ascii_lowercase())),
            false => Err(format!("`{text}` is not {}", Self::WHAT)),
        }
    }

    fn schema() -> Json {
        json!({ "type": "string", "pattern": "^[A-Za-z0-9.:_-]+$" })
    }

    fn written(&self) -> Json {
        self.0.as_str().into()
    }
}
