//! Scalars of the estate's files: what they look like and how they are read.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::time::Duration;

use dinghai_clock::{Day, format_span, parse_span};
use serde_json::{Value as Json, json};

use super::shape::{Decode, Defs, Scalar, scalars};
use crate::problem::Problems;
use crate::tree::Node;
use crate::{
    Address, DrillId, GatewayId, InstanceId, ListenerId, Money, PlaceId, PromiseId, RouteId, ServiceId,
    ShareLimit,
};

scalars!(
    String, bool, u32, NonZeroU32, Duration, Share, Surge, Rate, Money, ShareLimit, Address, SocketAddr,
    IpAddr, UrlPath, Day, PlaceId, ServiceId, InstanceId, GatewayId, ListenerId, RouteId, PromiseId, DrillId,
);

impl Scalar for String {
    const WHAT: &'static str = "a text";

    fn parse(text: &str) -> Result<Self, String> {
        Ok(text.to_owned())
    }

    fn schema() -> Json {
        json!({ "type": ["string", "number", "boolean"] })
    }

    fn written(&self) -> Json {
        self.as_str().into()
    }
}

impl Scalar for bool {
    const WHAT: &'static str = "`true` or `false`";

    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| format!("`{text}` is neither `true` nor `false`"))
    }

    fn schema() -> Json {
        json!({ "type": "boolean" })
    }

    fn written(&self) -> Json {
        (*self).into()
    }
}

impl Scalar for u32 {
    const WHAT: &'static str = "a whole number such as `2`";

    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| format!("`{text}` is not a whole number such as `2`"))
    }

    fn schema() -> Json {
        json!({ "type": "integer", "minimum": 0 })
    }

    fn written(&self) -> Json {
        (*self).into()
    }
}

impl Scalar for NonZeroU32 {
    const WHAT: &'static str = "a whole number from 1 on";

    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| format!("`{text}` is not a whole number from 1 on"))
    }

    fn schema() -> Json {
        json!({ "type": "integer", "minimum": 1 })
    }

    fn written(&self) -> Json {
        self.get().into()
    }
}

impl Scalar for Duration {
    const WHAT: &'static str = "a duration such as `200ms`, `2s`, `5m` or `30d`";

    fn parse(text: &str) -> Result<Self, String> {
        parse_span(text).map_err(|error| error.to_string())
    }

    fn schema() -> Json {
        json!({ "type": "string", "pattern": "^([0-9.]+ *(d|h|m|s|ms|us) *)+$" })
    }

    fn written(&self) -> Json {
        format_span(*self).into()
    }
}

/// A share, 0–1, written `5%` or `0.05`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Share(pub(crate) f64);

impl Scalar for Share {
    const WHAT: &'static str = "a share such as `5%`";

    fn parse(text: &str) -> Result<Self, String> {
        share(text).map(Self)
    }

    fn schema() -> Json {
        json!({ "anyOf": [
            { "type": "string", "pattern": "^[0-9.]+ *%$" },
            { "type": "number", "minimum": 0, "maximum": 1 },
        ] })
    }

    fn written(&self) -> Json {
        format!("{}%", round(self.0 * 100.0)).into()
    }
}

fn share(text: &str) -> Result<f64, String> {
    let refuse = || format!("`{text}` is not a share such as `5%` or `0.05`");
    let number = |text: &str| text.trim().parse::<f64>().map_err(|_| refuse());
    let share = match text.trim().strip_suffix('%') {
        Some(percent) => number(percent)? / 100.0,
        None => number(text)?,
    };
    match (0.0..=1.0).contains(&share) {
        true => Ok(share),
        false => Err(format!("`{text}` is outside of 0% to 100%")),
    }
}

/// Without the noise of binary fractions.
fn round(number: f64) -> f64 {
    (number * 1e6).round() / 1e6
}

/// A multiple of the usual peak, written `300%` or `3`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Surge(pub(crate) f64);

impl Scalar for Surge {
    const WHAT: &'static str = "a surge such as `300%`";

    fn parse(text: &str) -> Result<Self, String> {
        let refuse = || format!("`{text}` is not a surge such as `300%`, three times the peak");
        let number = |text: &str| text.trim().parse::<f64>().map_err(|_| refuse());
        let times = match text.trim().strip_suffix('%') {
            Some(percent) => number(percent)? / 100.0,
            None => number(text)?,
        };
        match (1.0..=1000.0).contains(&times) {
            true => Ok(Self(times)),
            false => Err(format!("`{text}` is outside of 100% (the peak itself) to 100000%")),
        }
    }

    fn schema() -> Json {
        json!({ "anyOf": [
            { "type": "string", "pattern": "^[0-9.]+ *%$" },
            { "type": "number", "minimum": 1, "maximum": 1000 },
        ] })
    }

    fn written(&self) -> Json {
        format!("{}%", round(self.0 * 100.0)).into()
    }
}

/// How often a minute, written `10000/min`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rate(pub(crate) f64);

impl Scalar for Rate {
    const WHAT: &'static str = "a rate such as `10000/min`";

    fn parse(text: &str) -> Result<Self, String> {
        let refuse = || format!("`{text}` is not a rate such as `10000/min`");
        let (count, unit) = text.split_once('/').ok_or_else(refuse)?;
        let count: f64 = count.trim().parse().map_err(|_| refuse())?;
        let a_minute = match unit.trim() {
            "s" | "second" => 60.0,
            "m" | "min" | "minute" => 1.0,
            "h" | "hour" => 1.0 / 60.0,
            "d" | "day" => 1.0 / 1440.0,
            _ => return Err(format!("`{text}` is not a rate: its unit is `/s`, `/min`, `/h` or `/d`")),
        };
        match count.is_finite() && count >= 0.0 {
            true => Ok(Self(count * a_minute)),
            false => Err(refuse()),
        }
    }

    fn schema() -> Json {
        json!({ "type": "string", "pattern": "^[0-9.]+ */ *(s|second|m|min|minute|h|hour|d|day)$" })
    }

    fn written(&self) -> Json {
        format!("{}/min", self.0).into()
    }
}

impl Scalar for Money {
    const WHAT: &'static str = "an amount of money such as `30 USD`";

    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map_err(|error: crate::MoneyError| error.to_string())
    }

    fn schema() -> Json {
        json!({ "type": "string", "pattern": "^[0-9]+([.][0-9]{1,2})? +[A-Z]{3}$" })
    }

    fn written(&self) -> Json {
        self.to_string().into()
    }
}

impl Scalar for ShareLimit {
    const WHAT: &'static str = "a limit such as `< 0.5%`";

    fn parse(text: &str) -> Result<Self, String> {
        let trimmed = text.trim();
        let (rest, inclusive) = match (trimmed.strip_prefix("<="), trimmed.strip_prefix('<')) {
            (Some(rest), _) => (rest, true),
            (None, Some(rest)) => (rest, false),
            (None, None) => return Err(format!("`{text}` is not a limit such as `< 0.5%` or `<= 1%`")),
        };
        let limit = share(rest)?;
        Ok(Self { limit, inclusive })
    }

    fn schema() -> Json {
        json!({ "type": "string", "pattern": "^<=? *[0-9.]+ *%?$" })
    }

    fn written(&self) -> Json {
        let sign = if self.inclusive { "<=" } else { "<" };
        format!("{sign} {}%", round(self.limit * 100.0)).into()
    }
}

impl Scalar for Address {
    const WHAT: &'static str = "an address such as `10.0.0.1:8080`";

    fn parse(text: &str) -> Result<Self, String> {
        let refuse = || {
            format!(
                "`{text}` is not an address such as `10.0.0.1:8080`, `db.internal:5432` or `unix:/run/app.sock`"
            )
        };
        if let Some(path) = text.strip_prefix("unix:") {
            let is_path =
                path.starts_with('/') && path.len() > 1 && !path.bytes().any(|b| b.is_ascii_control());
            return if is_path { Ok(Self { host: path.to_owned(), port: 0 }) } else { Err(refuse()) };
        }
        let (host, port) = text.rsplit_once(':').ok_or_else(refuse)?;
        let port: u16 = port.parse().map_err(|_| refuse())?;
        let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let host_is_good = match bracketed {
            Some(host) => host.parse::<std::net::Ipv6Addr>().is_ok(),
            None => {
                !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b))
            }
        };
        match host_is_good && port > 0 {
            true => Ok(Self { host: bracketed.unwrap_or(host).to_owned(), port }),
            false => Err(refuse()),
        }
    }

    fn schema() -> Json {
        json!({ "type": "string", "pattern": "^(([A-Za-z0-9._-]+|[[][0-9A-Fa-f:.]+[]]):[0-9]+|unix:/.+)$" })
    }

    fn written(&self) -> Json {
        self.to_string().into()
    }
}

impl Scalar for SocketAddr {
    const WHAT: &'static str = "an IP address and port such as `127.0.0.1:8080`";

    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| format!("`{text}` is not an IP address and port such as `127.0.0.1:8080`"))
    }

    fn schema() -> Json {
        json!({ "type": "string", "pattern": "^([0-9.]+|[[][0-9A-Fa-f:.]+[]]):[0-9]+$" })
    }

    fn written(&self) -> Json {
        self.to_string().into()
    }
}

impl Scalar for IpAddr {
    const WHAT: &'static str = "an IP address such as `10.0.0.1`";

    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| format!("`{text}` is not an IP address such as `10.0.0.1`"))
    }

    fn schema() -> Json {
        json!({ "type": "string", "pattern": "^[0-9A-Fa-f.:]+$" })
    }

    fn written(&self) -> Json {
        self.to_string().into()
    }
}

impl Scalar for Day {
    const WHAT: &'static str = "a day such as `2027-03-01`";

    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map_err(|error: dinghai_clock::DayError| error.to_string())
    }

    fn schema() -> Json {
        json!({ "type": "string", "format": "date", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$" })
    }

    fn written(&self) -> Json {
        self.to_string().into()
    }
}

/// A path of a URL, from `/` on.
#[derive(Clone, Debug)]
pub(crate) struct UrlPath(pub(crate) String);

impl Scalar for UrlPath {
    const WHAT: &'static str = "a path such as `/healthz`";

    fn parse(text: &str) -> Result<Self, String> {
        let clean = text.bytes().all(|b| b.is_ascii_graphic() && b != b'#');
        match text.starts_with('/') && clean {
            true => Ok(Self(text.to_owned())),
            false => Err(format!(
                "`{text}` is not a path such as `/healthz`: it begins with `/` and has no blanks"
            )),
        }
    }

    fn schema() -> Json {
        json!({ "type": "string", "pattern": "^/[!-\"$-~]*$" })
    }

    fn written(&self) -> Json {
        self.0.as_str().into()
    }
}

/// Names: letters and digits of any script, and these signs.
macro_rules! names {
    ($($type:ty: $what:literal, $signs:literal;)*) => {$(
        impl Scalar for $type {
            const WHAT: &'static str = $what;

            fn parse(text: &str) -> Result<Self, String> {
                let good = |c: char| c.is_alphanumeric() || $signs.contains(c);
                match text.starts_with(char::is_alphanumeric) && text.chars().all(good) {
                    true => Ok(Self::new(text)),
                    false => {
                        let signs: Vec<String> = $signs.chars().map(|sign| format!("`{sign}`")).collect();
                        Err(format!("`{text}` is not {}: letters, digits and {} only", $what, signs.join(" ")))
                    }
                }
            }

            fn schema() -> Json {
                json!({ "type": ["string", "number"] })
            }

            fn written(&self) -> Json {
                self.as_str().into()
            }
        }
    )*};
}

names! {
    PlaceId: "the name of a place", "-._:";
    ServiceId: "the name of a service", "-._";
    InstanceId: "the name of an instance", "-._@:";
    GatewayId: "the name of a gateway", "-._";
    ListenerId: "the name of a listener", "-._";
    RouteId: "the name of a route", "-._:/*";
    PromiseId: "the name of a promise", "-._";
    DrillId: "the name of a drill", "-._";
}

/// Words out of a fixed list; other spellings after `|` work and are not advertised.
macro_rules! words {
    ($($type:ty, $what:literal { $($word:literal $(| $alias:literal)* => $value:expr, $doc:literal;)* })*) => {$(
        impl Decode for $type {
            fn decode(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
                let known = [$($word),*];
                let $crate::tree::Value::Scalar(text) = &node.value else {
                    let wanted = format!("{} (`{}`)", $what, known.join("`, `"));
                    $crate::decode::shape::wrong_type(node, &wanted, problems);
                    return None;
                };
                match &**text {
                    $($word $(| $alias)* => Some($value),)*
                    other => {
                        let help = match problems.nearest(other, known) {
                            Some(near) => format!("did you mean `{near}`?"),
                            None => format!("write one of `{}`", known.join("`, `")),
                        };
                        let message = format!("`{other}` is not {}", $what);
                        problems.add_with_help("unknown-word", node.at, message, help);
                        None
                    }
                }
            }

            fn schema(_defs: &mut Defs) -> Json {
                json!({ "anyOf": [
                    $({ "const": $word, "description": $doc },)*
                    $($({ "const": $alias, "deprecated": true },)*)*
                ] })
            }

            fn written(&self) -> Json {
                $(if *self == $value { return $word.into(); })*
                Json::Null
            }
        }
    )*};
}
pub(super) use words;
