//! What a request gets when it does not get what it asked for: a page for people, JSON for programs.

use axum::Json;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use dinghai_engine::CommandError;
use dinghai_pages::{Language, Notice};
use dinghai_ports::StoreError;
use dinghai_record::Reason;
use serde_json::json;

use crate::door::Guest;
use crate::state::{State, language};

/// Why a request was refused.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// Nobody is signed in.
    SignIn,
    /// The role does not admit it; the rule that says so.
    Denied(Vec<Reason>),
    /// The form is not ours, or too old.
    StaleForm,
    /// There is no such thing.
    NotFound,
    /// What was sent can not be read; what to send.
    Unreadable(String),
    /// The engine refused.
    Command(CommandError),
    /// The ledger could not be read.
    Store(StoreError),
    /// Something of ours failed.
    Failed(crate::ServeError),
}

impl From<CommandError> for Refusal {
    fn from(error: CommandError) -> Self {
        Self::Command(error)
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<crate::ServeError> for Refusal {
    fn from(error: crate::ServeError) -> Self {
        Self::Failed(error)
    }
}

fn sentences(language: Language, reasons: &[Reason]) -> String {
    reasons.iter().map(|reason| dinghai_pages::reason(language, reason)).collect::<Vec<_>>().join("; ")
}

impl Refusal {
    fn status(&self) -> StatusCode {
        match self {
            Self::SignIn => StatusCode::UNAUTHORIZED,
            Self::Denied(_) | Self::StaleForm => StatusCode::FORBIDDEN,
            Self::NotFound | Self::Command(CommandError::Unheard(_)) => StatusCode::NOT_FOUND,
            Self::Unreadable(_) => StatusCode::BAD_REQUEST,
            Self::Command(CommandError::Refused(_)) => StatusCode::CONFLICT,
            Self::Command(CommandError::Store(_) | CommandError::Stopping) | Self::Store(_) => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::Failed(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// What is wrong, and what to do about it.
    fn told(&self, language: Language) -> (String, &'static str) {
        match self {
            Self::SignIn => (
                "nobody is signed in".to_owned(),
                "run `dinghai console-link` at the machine for a one-time link",
            ),
            Self::Denied(reasons) => {
                (sentences(language, reasons), "ask somebody of that role, or sign in with a link of it")
            }
            Self::StaleForm => (
                "the request does not carry this session's token, or comes from another origin".to_owned(),
                "send the form's `csrf` as `x-csrf-token`, or open the page again",
            ),
            Self::NotFound => ("there is nothing here".to_owned(), "the lists lead to everything that is"),
            Self::Unreadable(what) => (what.clone(), "look the request up in the guide to the console"),
            Self::Command(CommandError::Refused(reasons)) => {
                (sentences(language, reasons), "nothing was done; ask again when the reason no longer holds")
            }
            Self::Command(error) => (error.to_string(), "nothing was done; ask again"),
            Self::Store(error) => (error.to_string(), "look at the controller's log"),
            Self::Failed(error) => (error.to_string(), "look at the controller's log"),
        }
    }

    fn notice(&self, language: Language) -> Notice {
        let (what, _) = self.told(language);
        match self {
            Self::SignIn | Self::Denied(_) => Notice::Forbidden(what),
            Self::StaleForm => Notice::StaleForm,
            Self::NotFound | Self::Command(CommandError::Unheard(_)) => Notice::NotFound,
            Self::Command(CommandError::Refused(reasons)) => Notice::Refused(
                reasons.iter().map(|reason| dinghai_pages::sentence(language, reason)).collect(),
            ),
            Self::Unreadable(_) => Notice::Refused(vec![what]),
            Self::Command(_) | Self::Store(_) | Self::Failed(_) => Notice::Unavailable(what),
        }
    }

    /// As a page. Who is not signed in is led to where they can.
    pub(crate) fn page(&self, state: &State, headers: &HeaderMap, guest: Option<&Guest>) -> Response {
        if matches!(self, Self::SignIn) {
            return Redirect::to("/sign-in").into_response();
        }
        let present = state.present(headers, guest, "/");
        let page = dinghai_pages::notice(&present.scene(), &self.notice(language(headers)));
        (self.status(), Html(page.into_string())).into_response()
    }
}

/// As JSON; the door answers so, and so does the API. Pages call [`Refusal::page`] where a reader is at hand.
impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (error, help) = self.told(Language::En);
        let mut answer = (self.status(), Json(json!({ "error": error, "help": help }))).into_response();
        if matches!(self, Self::SignIn) {
            answer.headers_mut().insert(header::WWW_AUTHENTICATE, header::HeaderValue::from_static("Link"));
        }
        answer
    }
}
