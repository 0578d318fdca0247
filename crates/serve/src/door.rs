//! The one door: who asks, and whether they may.
//!
//! A request from TCP is whoever its cookie says; a request from the Unix socket is the user at its other end, whom the
//! kernel names. Every handler takes a [`Guest`] and says what is to be done; what is not allowed does not pass. A
//! request that changes anything must also prove that it comes from our own page: by the form's token, and by its
//! `Origin` where the browser sends one.

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use dinghai_access::{Action, Principal, Resource, Role, decide};
use dinghai_record::{Actor, Personal};

use crate::answer::Refusal;
use crate::peers::Peer;
use crate::secret;
use crate::sessions::Session;
use crate::state::State;

/// Somebody who has come through the door.
#[derive(Clone, Debug)]
pub(crate) struct Guest {
    who: Who,
}

#[derive(Clone, Debug)]
enum Who {
    Person { session: Session, csrf: String },
    Machine { uid: u32, name: String },
}

impl Guest {
    pub(crate) fn role(&self) -> Role {
        match &self.who {
            Who::Person { session, .. } => session.role,
            Who::Machine { .. } => Role::Operator,
        }
    }

    pub(crate) fn name(&self) -> &str {
        match &self.who {
            Who::Person { session, .. } => &session.name,
            Who::Machine { name, .. } => name,
        }
    }

    /// The token of its forms; empty at the machine, where there are none.
    pub(crate) fn csrf(&self) -> &str {
        match &self.who {
            Who::Person { csrf, .. } => csrf,
            Who::Machine { .. } => "",
        }
    }

    /// As the ledger names it.
    pub(crate) fn actor(&self) -> Actor {
        match &self.who {
            Who::Person { session, .. } => Actor::Person(session.personal()),
            Who::Machine { uid, name } => {
                Actor::Operator(Personal::Known { subject: format!("uid-{uid}"), value: name.clone() })
            }
        }
    }

    fn principal(&self) -> Principal {
        let subject = match &self.who {
            Who::Person { session, .. } => session.subject.clone(),
            Who::Machine { uid, .. } => format!("uid-{uid}"),
        };
        Principal { subject, role: self.role() }
    }

    /// Whether it may.
    pub(crate) fn may(&self, action: Action, resource: &Resource) -> bool {
        decide(&self.principal(), action, resource).allow
    }

    /// Passes, or says why not.
    pub(crate) fn pass(&self, action: Action, resource: &Resource) -> Result<(), Refusal> {
        let decision = decide(&self.principal(), action, resource);
        if decision.allow { Ok(()) } else { Err(Refusal::Denied(decision.reasons)) }
    }

    /// Whether a change comes from our own page. The machine's socket is no browser and needs no token.
    pub(crate) fn sent_by_our_page(&self, token: Option<&str>) -> Result<(), Refusal> {
        match &self.who {
            Who::Machine { .. } => Ok(()),
            Who::Person { csrf, .. } if token.is_some_and(|token| secret::same(token, csrf)) => Ok(()),
            Who::Person { .. } => Err(Refusal::StaleForm),
        }
    }
}

/// The value of a cookie.
pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
}

/// The name of the session's cookie.
pub(crate) const SESSION: &str = "dinghai";

/// Whether the `Origin`, when the browser sends one, is the host that was asked.
pub(crate) fn origin_is_ours(headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else {
        return true;
    };
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    match (origin.to_str().ok().and_then(|origin| origin.split_once("://")), host) {
        (Some((_, origin)), Some(host)) => origin == host,
        _ => false,
    }
}

impl FromRequestParts<State> for Guest {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Refusal> {
        if let Some(ConnectInfo(Peer::User { uid, name })) = parts.extensions.get::<ConnectInfo<Peer>>() {
            return Ok(Self { who: Who::Machine { uid: *uid, name: name.clone() } });
        }
        if parts.method != Method::GET && !origin_is_ours(&parts.headers) {
            return Err(Refusal::StaleForm);
        }
        let token = cookie(&parts.headers, SESSION).ok_or(Refusal::SignIn)?;
        let session = state.sessions.find(token, state.handle.now()).ok_or(Refusal::SignIn)?;
        Ok(Self { who: Who::Person { session, csrf: secret::csrf(token) } })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(role: Role) -> Guest {
        let session = Session {
            subject: "s".to_owned(),
            name: "Lin".to_owned(),
            role,
            used: dinghai_clock::Timestamp::EPOCH,
        };
        Guest { who: Who::Person { session, csrf: secret::csrf("cookie") } }
    }

    #[test]
    fn a_viewer_looks_and_does_not_operate() {
        let may = |role, action| person(role).pass(action, &Resource::Estate).is_ok();
        assert!(may(Role::Viewer, Action::Read));
        assert!(!may(Role::Viewer, Action::Halt));
        assert!(may(Role::Operator, Action::Halt));
        assert!(may(Role::Admin, Action::Resume));
    }

    #[test]
    fn a_form_without_its_token_is_refused() {
        let guest = person(Role::Admin);
        assert!(guest.sent_by_our_page(None).is_err());
        assert!(guest.sent_by_our_page(Some("")).is_err());
        assert!(guest.sent_by_our_page(Some(&secret::csrf("another cookie"))).is_err());
        assert!(guest.sent_by_our_page(Some(&secret::csrf("cookie"))).is_ok());
    }

    #[test]
    fn a_foreign_origin_is_not_ours() {
        let headers = |origin: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, "127.0.0.1:7474".parse().unwrap());
            headers.insert(header::ORIGIN, origin.parse().unwrap());
            headers
        };
        assert!(origin_is_ours(&headers("http://127.0.0.1:7474")));
        assert!(!origin_is_ours(&headers("http://evil.example")));
        assert!(!origin_is_ours(&headers("null")));
    }
}
