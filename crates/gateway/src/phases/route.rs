//! Phase *route*: who answers, and whether the route is open while the controller is away.

use std::sync::Arc;

use dinghai_estate::{CutOff, ListenerId};

use super::refuse::Refused;
use crate::core::Core;
use crate::routing::{Route, Routing};

/// The route for a host (port allowed) and a path on a listener.
pub(crate) fn find(
    routing: &Routing,
    listener: &ListenerId,
    host: &str,
    path: &str,
) -> Result<Arc<Route>, Refused> {
    let name = without_port(host);
    let routes = routing.listeners.get(listener).map(Vec::as_slice).unwrap_or_default();
    let fits = |route: &&Arc<Route>| {
        route.spec.host.as_deref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(name))
            && is_under(path, &route.spec.path)
    };
    routes.iter().find(fits).map(Arc::clone).ok_or_else(|| {
        let detail = format!("no route of listener `{listener}` leads to `{name}{path}`");
        Refused::new(404, "no-route", detail)
    })
}

/// Whether the route serves this method now, by what it does when the gateway is cut off from its controller.
pub(crate) fn open(core: &Core, route: &Route, method: &str) -> Result<(), Refused> {
    let closed = |reason, detail| Err(Refused::new(503, reason, detail));
    match &route.spec.when_cut_off {
        CutOff::Serve => Ok(()),
        CutOff::ReadOnly { lease } if matches!(method, "GET" | "HEAD" | "OPTIONS") || core.is_led(*lease) => {
            Ok(())
        }
        CutOff::ReadOnly { .. } => closed(
            "cut-off-read-only",
            "the gateway has lost its controller; this route only answers reads now",
        ),
        CutOff::Stop { lease } if core.is_led(*lease) => Ok(()),
        CutOff::Stop { .. } => {
            closed("cut-off", "the gateway has lost its controller; this route answers nothing now")
        }
    }
}

/// Whether `path` is `prefix` or stands below it, at a `/` border.
fn is_under(path: &str, prefix: &str) -> bool {
    let prefix = prefix.trim_end_matches('/');
    match path.strip_prefix(prefix) {
        Some(rest) => rest.is_empty() || prefix.is_empty() || rest.starts_with('/'),
        None => false,
    }
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|digit| digit.is_ascii_digit()) && !name.ends_with(':') => {
            name
        }
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_end_at_borders() {
        for (path, prefix, under) in [
            ("/api", "/api", true),
            ("/api/", "/api", true),
            ("/api/x", "/api/", true),
            ("/apix", "/api", false),
            ("/", "/api", false),
            ("/anything", "/", true),
            ("*", "/", true),
        ] {
            assert_eq!(is_under(path, prefix), under, "{path} under {prefix}");
        }
    }

    #[test]
    fn ports_are_no_part_of_the_name() {
        assert_eq!(without_port("shop.example:8080"), "shop.example");
        assert_eq!(without_port("shop.example"), "shop.example");
        assert_eq!(without_port("[::1]:80"), "[::1]");
        assert_eq!(without_port("[::1]"), "[::1]");
    }
}
