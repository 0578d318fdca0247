//! Phase *route*: who answers, and whether the route is open while the controller is away.

use std::sync::Arc;

use dinghai_estate::{CutOff, ListenerId, Sticky};
use dinghai_limits::point_of;

use super::refuse::Refused;
use crate::core::Core;
use crate::directory::Asks;
use crate::http1::request::Head;
use crate::http1::target::without_port;
use crate::routing::{Route, Routing};
use crate::ways::{Fork, Way};

/// The route for a request that is for this host (port allowed), on a listener.
pub(crate) fn find(
    routing: &Routing,
    listener: &ListenerId,
    host: &str,
    head: &Head<'_, '_>,
    secure: bool,
    draw: impl FnOnce() -> u64,
) -> Result<Arc<Route>, Refused> {
    let (name, path) = (without_port(host), head.target.path());
    let way = routing.directories.get(listener).and_then(|directory| directory.find(name, path, head));
    let nowhere = || {
        let detail = format!("no route of listener `{listener}` leads to `{name}{path}`");
        Refused::new(404, "no-route", detail)
    };
    match way.ok_or_else(nowhere)? {
        Way::Served(fork) => fork.take(head, draw).ok_or_else(nowhere),
        Way::Elsewhere(redirect) => {
            let location = redirect.location(secure, host, &head.target.path_and_query);
            let location =
                location.ok_or_else(|| Refused::bad("bad-host", "the request states no `Host`"))?;
            Err(Refused::elsewhere(redirect.spec.status, location))
        }
    }
}

impl Fork {
    /// The route that takes this request: the client's own side where one is kept, else by chance.
    fn take(&self, head: &Head<'_, '_>, draw: impl FnOnce() -> u64) -> Option<Arc<Route>> {
        if let [only] = &*self.routes {
            return Some(Arc::clone(only));
        }
        let kept = self.sticky.as_ref().and_then(|sticky| kept(head, sticky));
        let side = self.sides.side(kept.map_or_else(draw, point_of))?;
        self.routes.get(side).map(Arc::clone)
    }
}

/// What the client always sends.
fn kept<'b>(head: &Head<'_, 'b>, sticky: &Sticky) -> Option<&'b [u8]> {
    let values = |name: &str| {
        let name = name.to_owned();
        head.fields.iter().filter(move |line| line.name.eq_ignore_ascii_case(&name)).map(|line| line.value)
    };
    match sticky {
        Sticky::Header(name) => values(name).next(),
        Sticky::Cookie(name) => {
            let cookies = values("cookie").flat_map(|value| value.split(|byte| *byte == b';'));
            let mut named = cookies.map(<[u8]>::trim_ascii).filter_map(|cookie| {
                cookie.strip_prefix(name.as_bytes())?.strip_prefix(b"=").map(<[u8]>::trim_ascii)
            });
            named.next()
        }
    }
}

impl Asks for Head<'_, '_> {
    fn method(&self) -> &str {
        self.method
    }

    fn any_value(&self, name: &str, fits: &mut dyn FnMut(&[u8]) -> bool) -> bool {
        self.fields.iter().filter(|line| line.name.eq_ignore_ascii_case(name)).any(|line| fits(line.value))
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::defaults::HEADERS;

    #[test]
    fn a_client_is_told_by_its_cookie_or_its_header() {
        let text = "GET / HTTP/1.1\r\nCookie: a=1; Session = no; xsession=2\r\ncookie: session=me\r\nX-User: you\r\n\r\n";
        let mut room = [httparse::EMPTY_HEADER; HEADERS];
        let head = Head::read(text.as_bytes(), &mut room).unwrap().unwrap();
        let by =
            |sticky: &Sticky| kept(&head, sticky).map(|value| String::from_utf8_lossy(value).into_owned());
        assert_eq!(by(&Sticky::Cookie("session".to_owned())).as_deref(), Some("me"));
        assert_eq!(by(&Sticky::Cookie("sess".to_owned())), None);
        assert_eq!(by(&Sticky::Header("x-user".to_owned())).as_deref(), Some("you"));
    }
}
