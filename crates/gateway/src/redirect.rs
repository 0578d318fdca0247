//! Requests that the gateway itself sends elsewhere.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use dinghai_estate::{PathChange, Redirect};

use crate::changes::moved;
use crate::directory::trimmed;
use crate::http1::target::without_port;

/// A redirect in force.
#[derive(Debug)]
pub(crate) struct Elsewhere {
    pub(crate) spec: Redirect,
    /// How many requests it sent elsewhere; outlives tables.
    pub(crate) sent: std::sync::Arc<AtomicU64>,
}

impl Elsewhere {
    /// Where a request for this host (port allowed) and target is sent, and counts it. None when that cannot be said,
    /// because the request names no host.
    pub(crate) fn location(&self, secure: bool, host: &str, path_and_query: &str) -> Option<String> {
        let own = if secure { "https" } else { "http" };
        let scheme = self.spec.scheme.as_deref().unwrap_or(own);
        let host = match &self.spec.to_host {
            Some(host) => host,
            // A port is of its scheme.
            None if scheme == own => host,
            None => without_port(host),
        };
        let end = path_and_query.find('?').unwrap_or(path_and_query.len());
        let (path, query) = path_and_query.split_at(end);
        let path = match &self.spec.to_path {
            Some(PathChange::Whole(path)) => path.clone(),
            Some(PathChange::Prefix(to)) => moved(path, trimmed(&self.spec.path).len(), trimmed(to)),
            None => path.to_owned(),
        };
        // A path that brings its own query is meant with that one.
        let query = if path.contains('?') { "" } else { query };
        let relative = self.spec.scheme.is_none() && self.spec.to_host.is_none();
        let location = match host {
            // Without a host what is meant is ours; a path that began with two slashes would be read as a host.
            "" if relative && path.starts_with('/') && !path.starts_with("//") => format!("{path}{query}"),
            "" => return None,
            host => format!("{scheme}://{host}{path}{query}"),
        };
        self.sent.fetch_add(1, Relaxed);
        Some(location)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(change: impl FnOnce(&mut Redirect), host: &str, target: &str) -> Option<String> {
        let mut spec = Redirect {
            id: "old".into(),
            listener: "public".into(),
            host: None,
            path: "/old/".to_owned(),
            when: dinghai_estate::When::default(),
            status: 308,
            scheme: None,
            to_host: None,
            to_path: None,
            origin: dinghai_estate::Origin::default(),
        };
        change(&mut spec);
        Elsewhere { spec, sent: std::sync::Arc::default() }.location(false, host, target)
    }

    #[test]
    fn what_is_not_stated_stays_as_it_was_asked() {
        let to = |text: &str| Some(text.to_owned());
        let https = |spec: &mut Redirect| spec.scheme = to("https");
        assert_eq!(sent(https, "a.example:8080", "/old/x?q"), to("https://a.example/old/x?q"));
        assert_eq!(sent(https, "[::1]:80", "/"), to("https://[::1]/"));
        assert_eq!(sent(https, "", "/"), None);
        let host = |spec: &mut Redirect| spec.to_host = to("b.example:8443");
        assert_eq!(sent(host, "a.example:8080", "/x"), to("http://b.example:8443/x"));
        let whole = |spec: &mut Redirect| spec.to_path = Some(PathChange::Whole("/new".to_owned()));
        assert_eq!(sent(whole, "a.example:8080", "/x?q"), to("http://a.example:8080/new?q"));
        assert_eq!(sent(whole, "", "/x?q"), to("/new?q"));
        let prefix = |spec: &mut Redirect| spec.to_path = Some(PathChange::Prefix("/new".to_owned()));
        assert_eq!(sent(prefix, "a", "/old/x/y?q"), to("http://a/new/x/y?q"));
        assert_eq!(sent(|_| {}, "", "//evil.example"), None);
    }
}
