//! Answers of our own: a status, a code in `x-dinghai-reason`, and a sentence that says what to do.

use bytes::Bytes;
use dinghai_record::Cause;
use http::{Response, StatusCode, header};

use crate::body::Answer;

/// Why a request gets no instance's answer.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) status: StatusCode,
    pub(crate) reason: &'static str,
    detail: String,
}

impl Refused {
    pub(crate) fn new(status: StatusCode, reason: &'static str, detail: impl Into<String>) -> Self {
        Self { status, reason, detail: detail.into() }
    }

    /// The client broke off; nobody reads this answer, and it is not counted.
    pub(crate) fn client_gone() -> Self {
        Self::new(StatusCode::BAD_REQUEST, "client-gone", "the request broke off")
    }

    /// The client did not send its body in time.
    pub(crate) fn client_slow() -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, "body-too-slow", "the request body did not arrive in time")
    }

    /// The request body is longer than the limit.
    pub(crate) fn too_large() -> Self {
        let limit = crate::defaults::BODY_LIMIT >> 20;
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "body-too-large",
            format!("the request body is longer than the limit of {limit} MiB"),
        )
    }

    /// No instance could answer; this is what the last one did.
    pub(crate) fn unanswered(cause: &Cause) -> Self {
        let (status, reason) = match cause {
            Cause::Timeout => (StatusCode::GATEWAY_TIMEOUT, "timeout"),
            Cause::Refused => (StatusCode::BAD_GATEWAY, "refused"),
            Cause::Reset | Cause::Gone => (StatusCode::BAD_GATEWAY, "reset"),
            Cause::Unresolved => (StatusCode::BAD_GATEWAY, "unresolved"),
            Cause::Malformed | Cause::Status(_) => (StatusCode::BAD_GATEWAY, "malformed"),
            Cause::CouldNotAsk(_) => (StatusCode::SERVICE_UNAVAILABLE, "could-not-ask"),
        };
        Self::new(status, reason, format!("the last instance tried did not answer: {reason}"))
    }

    pub(crate) fn into_response(self) -> Response<Answer> {
        let body = serde_json::json!({ "error": self.reason, "detail": self.detail }).to_string() + "\n";
        let closes = self.status == StatusCode::BAD_REQUEST
            || self.status == StatusCode::PAYLOAD_TOO_LARGE
            || self.status == StatusCode::REQUEST_TIMEOUT;
        let mut response = Response::new(Answer::own(Bytes::from(body)));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
        headers.insert("x-dinghai-reason", header::HeaderValue::from_static(self.reason));
        if closes {
            headers.insert(header::CONNECTION, header::HeaderValue::from_static("close"));
        }
        response
    }
}
