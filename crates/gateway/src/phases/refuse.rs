//! Answers of our own: a status, a code in `x-dinghai-reason`, and a sentence that says what to do.

use dinghai_record::Cause;

use crate::http1::request::BadHead;
use crate::http1::response::Wants;
use crate::upload::Stuck;

/// Why a request gets no instance's answer.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) status: u16,
    pub(crate) reason: &'static str,
    detail: String,
    /// Where the next request would begin is not known, or not to be relied on.
    pub(crate) closes: bool,
    /// It answers HEAD: its body is told of and not sent.
    head_only: bool,
    /// Where the client is sent instead.
    location: Option<String>,
}

impl Refused {
    pub(crate) fn new(status: u16, reason: &'static str, detail: impl Into<String>) -> Self {
        Self { status, reason, detail: detail.into(), closes: false, head_only: false, location: None }
    }

    /// The client is sent elsewhere.
    pub(crate) fn elsewhere(status: u16, location: String) -> Self {
        let detail = format!("it is to be asked for at {location}");
        Self { location: Some(location), ..Self::new(status, "redirect", detail) }
    }

    /// Whether it is what was asked for, and no refusal at all.
    pub(crate) const fn is_redirect(&self) -> bool {
        self.location.is_some()
    }

    /// The same, and the connection is closed.
    pub(crate) fn closing(self) -> Self {
        Self { closes: true, ..self }
    }

    /// The same, in answer to a request that wants this. HTTP/1.0 is not kept open for an answer of ours.
    pub(crate) fn to(self, wants: Wants) -> Self {
        let closes = self.closes || !wants.persists || !wants.is_1_1;
        Self { closes, head_only: wants.head_only, ..self }
    }

    /// A request that can be read in two ways, or in none.
    pub(crate) fn bad(reason: &'static str, detail: impl Into<String>) -> Self {
        Self::new(400, reason, detail).closing()
    }

    /// The client did not send its body in time.
    pub(crate) fn client_slow() -> Self {
        Self::new(408, "body-too-slow", "the request body did not arrive in time").closing()
    }

    /// The request body is longer than the limit.
    pub(crate) fn too_large() -> Self {
        let limit = crate::defaults::BODY_LIMIT >> 20;
        let detail = format!("the request body is longer than the limit of {limit} MiB");
        Self::new(413, "body-too-large", detail).closing()
    }

    /// What we do not do for any resource.
    pub(crate) fn not_implemented(reason: &'static str, detail: &'static str) -> Self {
        Self::new(501, reason, detail).closing()
    }

    /// No instance could answer; this is what the last one did.
    pub(crate) fn unanswered(cause: &Cause) -> Self {
        let (status, reason) = match cause {
            Cause::Timeout => (504, "timeout"),
            Cause::Refused => (502, "refused"),
            Cause::Reset | Cause::Gone => (502, "reset"),
            Cause::Unresolved => (502, "unresolved"),
            Cause::Malformed | Cause::Status(_) => (502, "malformed"),
            Cause::CouldNotAsk(_) => (503, "could-not-ask"),
        };
        Self::new(status, reason, format!("the last instance tried did not answer: {reason}"))
    }

    /// The answer as it is sent.
    pub(crate) fn written(&self, date: &str, closes: bool) -> String {
        let phrase = phrase(self.status);
        // 204 has no body and no length (RFC 9110, section 8.6).
        let body = match self.status {
            204 => String::new(),
            _ => serde_json::json!({ "error": self.reason, "detail": self.detail }).to_string() + "\n",
        };
        let length = match self.status {
            204 => String::new(),
            _ => format!("content-type: application/json\r\ncontent-length: {}\r\n", body.len()),
        };
        let location = self.location.as_ref().map(|to| format!("location: {to}\r\n")).unwrap_or_default();
        let connection = if closes { "connection: close\r\n" } else { "" };
        let (status, reason) = (self.status, self.reason);
        let body = if self.head_only { "" } else { &body };
        format!(
            "HTTP/1.1 {status} {phrase}\r\nx-dinghai-reason: {reason}\r\n{location}{length}date: {date}\r\n{connection}\r\n{body}"
        )
    }
}

impl From<BadHead> for Refused {
    fn from(bad: BadHead) -> Self {
        match bad {
            BadHead::Malformed => Self::bad("bad-head", "the request head is not HTTP/1.1"),
            BadHead::Version => {
                Self::new(505, "bad-version", "this gateway speaks HTTP/1.0 and HTTP/1.1").closing()
            }
            BadHead::Method => {
                Self::not_implemented("bad-method", "this gateway opens no tunnels and knows no such method")
            }
            BadHead::TargetTooLong => {
                Self::new(414, "target-too-long", "the request target is too long").closing()
            }
            BadHead::TooLarge => Self::new(431, "head-too-large", "the request head is too large").closing(),
        }
    }
}

impl From<&Stuck> for Refused {
    fn from(stuck: &Stuck) -> Self {
        match stuck {
            Stuck::Malformed => Self::bad("bad-body", "the request body is not chunked as it says"),
            Stuck::TooLarge => Self::too_large(),
            Stuck::ClientGone | Stuck::Instance(_) => Self::bad("client-gone", "the request broke off"),
        }
    }
}

fn phrase(status: u16) -> &'static str {
    http::StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()).unwrap_or_default()
}
