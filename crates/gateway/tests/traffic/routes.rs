//! Which route a request takes, and what a route changes.

use bytes::Bytes;
use dinghai_estate::{
    CutOff, HeaderEdits, HeaderRule, HeaderWants, PathChange, PathKind, Redirect, Split, Sticky, When,
};
use dinghai_wire::{Table, TableRoute};
use http::Request;
use http_body_util::Full;

use crate::stage::{Backend, Seen, Stage, ask, asking, route, send, table};

fn named(id: &str, path: &str, change: impl FnOnce(&mut TableRoute)) -> TableRoute {
    let mut route = TableRoute { id: id.into(), ..route(path, CutOff::Serve) };
    change(&mut route);
    route
}

fn rule(name: &str, wants: HeaderWants) -> HeaderRule {
    HeaderRule { name: name.to_owned(), wants }
}

fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

/// Which route counted the request.
async fn taken(stage: &Stage, port: u16, request: Request<Full<Bytes>>) -> String {
    let before = stage.status().await.routes;
    send(port, request).await.unwrap();
    let after = stage.status().await.routes;
    let moved = after.iter().filter(|(id, now)| before[*id].requests != now.requests);
    moved.map(|(id, _)| id.as_str().to_owned()).collect::<Vec<_>>().join(" ")
}

fn to(host: &str, method: &str, path: &str) -> Request<Full<Bytes>> {
    let mut request = asking(method, path, "");
    request.headers_mut().insert("host", host.parse().unwrap());
    request
}

#[tokio::test]
async fn hosts_paths_methods_and_headers_choose_in_the_order_that_is_told() {
    let backend = Backend::start().await;
    let mut wanted = table(1, &[backend.port]);
    let kind = |kind| move |route: &mut TableRoute| route.when.path = kind;
    let beta = When { headers: vec![rule("x-beta", HeaderWants::Present)], ..When::default() };
    wanted.routes = vec![
        named("any", "/", |_| {}),
        named("below", "/", |route| route.host = Some("*.example".to_owned())),
        named("shop", "/", |route| route.host = Some("shop.example".to_owned())),
        named("item", "/item/[0-9]+", kind(PathKind::Regex)),
        named("prefix", "/item/7", |_| {}),
        named("exact", "/item/7/parts", kind(PathKind::Exact)),
        named("reads", "/beta", |route| route.when.methods = vec!["GET".to_owned()]),
        named("beta", "/beta", |route| {
            route.when = When { methods: vec!["GET".to_owned()], ..beta };
        }),
    ];
    let (stage, _folder) = Stage::serving(wanted).await;
    let port = stage.port().await;
    for (host, method, path, expected) in [
        ("shop.example", "GET", "/item/7", "shop"),
        ("SHOP.example.:80", "GET", "/", "shop"),
        ("a.b.example", "GET", "/", "below"),
        ("example", "GET", "/", "any"),
        ("x", "GET", "/item/7/parts", "exact"),
        ("x", "GET", "/item/7/parts/1", "prefix"),
        ("x", "GET", "/beta/1", "reads"),
        ("x", "PUT", "/beta/1", "any"),
    ] {
        assert_eq!(taken(&stage, port, to(host, method, path)).await, expected, "{method} {host}{path}");
    }
    // An expression comes after every prefix, and `/` is one.
    assert_eq!(taken(&stage, port, to("x", "GET", "/item/8")).await, "any");
    let mut request = to("x", "GET", "/beta");
    request.headers_mut().insert("x-beta", "".parse().unwrap());
    assert_eq!(taken(&stage, port, request).await, "beta");
}

#[tokio::test]
async fn an_expression_fits_a_whole_path_or_not_at_all() {
    let backend = Backend::start().await;
    let mut wanted = table(1, &[backend.port]);
    wanted.routes = vec![named("item", "/a|/item/[0-9]+", |route| route.when.path = PathKind::Regex)];
    let (stage, _folder) = Stage::serving(wanted).await;
    let port = stage.port().await;
    for (path, status) in [("/a", 200), ("/item/7?x", 200), ("/ab", 404), ("/x/a", 404), ("/item/7/", 404)] {
        assert_eq!(ask(port, "GET", path, "").await.status, status, "{path}");
    }
}

/// Two services, the second with `weight` of 100.
fn split(weight: u32, ports: [u16; 2], sticky: Option<Sticky>) -> Table {
    let mut wanted = table(u64::from(weight) + 1, &ports[..1]);
    let next = table(1, &ports[1..]).services.into_values().next().unwrap();
    let next = dinghai_wire::ServiceTable {
        members: next.members.into_values().map(|member| ("next".into(), member)).collect(),
        ..next
    };
    wanted.services.insert("next".into(), next);
    let part = |weight| Split { weight, sticky: sticky.clone() };
    wanted.routes = vec![
        named("main", "/", |route| route.split = part(100 - weight)),
        named("canary", "/", |route| {
            route.to = "next".into();
            route.split = part(weight);
        }),
    ];
    wanted
}

#[tokio::test]
async fn a_canary_gets_its_part_and_a_client_stays_on_its_side_while_it_grows() {
    let backends = [Backend::start().await, Backend::start().await];
    let ports = [backends[0].port, backends[1].port];
    let sticky = Some(Sticky::Cookie("session".to_owned()));
    let (stage, _folder) = Stage::serving(split(0, ports, sticky.clone())).await;
    let port = stage.port().await;
    let mut canaries: Vec<usize> = vec![];
    for weight in [0, 10, 40, 100] {
        if weight > 0 {
            stage.give(&split(weight, ports, sticky.clone())).await.unwrap();
        }
        let mut now = vec![];
        for session in 0..60 {
            for _ in 0..2 {
                let before = backends[1].served();
                let mut request = asking("GET", "/", "");
                let cookie = format!("a=b; session={session}").parse().unwrap();
                request.headers_mut().insert("cookie", cookie);
                assert_eq!(send(port, request).await.unwrap().status, 200);
                if backends[1].served() > before {
                    now.push(session);
                }
            }
        }
        let once: Vec<usize> = now.iter().step_by(2).copied().collect();
        assert_eq!(now.len(), once.len() * 2, "a client that comes again goes where it was");
        assert!(canaries.iter().all(|session| once.contains(session)), "nobody falls back");
        canaries = once;
        match weight {
            0 => assert!(canaries.is_empty()),
            100 => assert_eq!(canaries.len(), 60),
            _ => assert!((1..60).contains(&canaries.len()), "{weight}: {canaries:?}"),
        }
    }
    let counts = stage.status().await.routes;
    assert_eq!(counts[&"main".into()].requests + counts[&"canary".into()].requests, 480);
}

#[tokio::test]
async fn without_its_cookie_a_request_is_dealt_by_chance() {
    let backends = [Backend::start().await, Backend::start().await];
    let ports = [backends[0].port, backends[1].port];
    let (stage, _folder) = Stage::serving(split(50, ports, Some(Sticky::Header("x-user".to_owned())))).await;
    let port = stage.port().await;
    for _ in 0..64 {
        ask(port, "GET", "/", "").await;
    }
    // One in 2^63 runs deals them all to one side.
    assert!(backends.iter().all(|backend| backend.served() > 0));
}

#[tokio::test]
async fn a_redirect_says_where_and_reaches_no_instance() {
    let backend = Backend::start().await;
    let mut wanted = table(1, &[backend.port]);
    let redirect = Redirect {
        id: "old".into(),
        listener: "public".into(),
        host: None,
        path: "/old".to_owned(),
        when: When {
            methods: vec!["GET".to_owned(), "HEAD".to_owned(), "POST".to_owned()],
            ..When::default()
        },
        status: 308,
        scheme: Some("https".to_owned()),
        to_host: None,
        to_path: Some(PathChange::Prefix("/new".to_owned())),
        origin: dinghai_estate::Origin::default(),
    };
    wanted.redirects = vec![redirect];
    let (stage, _folder) = Stage::serving(wanted).await;
    let port = stage.port().await;
    let location = |seen: &Seen| seen.headers["location"].to_str().unwrap().to_owned();
    let seen = ask(port, "GET", "/old/x?q=1", "").await;
    assert_eq!((seen.status, seen.reason()), (308, "redirect"));
    assert_eq!(location(&seen), "https://shop.example/new/x?q=1");
    assert_eq!(ask(port, "HEAD", "/old", "").await.body, "");
    assert_eq!(ask(port, "POST", "/old", "a body that nobody reads").await.status, 308);
    assert_eq!(backend.served(), 0);
    assert_eq!(ask(port, "PUT", "/old", "").await.status, 200, "what it does not ask for goes its way");
    let status = stage.status().await;
    assert_eq!(status.redirected[&"old".into()], 3);
}

#[tokio::test]
async fn paths_and_fields_are_changed_on_their_way() {
    let backend = Backend::start().await;
    let mut wanted = table(1, &[backend.port]);
    wanted.routes = vec![
        named("api", "/api", |route| {
            route.edits.rewrite = Some("/v2".to_owned());
            route.edits.request = HeaderEdits {
                set: vec![pair("x-env", "live")],
                append: vec![pair("x-tag", "b")],
                remove: vec!["cookie".to_owned()],
            };
            route.edits.response = HeaderEdits {
                set: vec![pair("strict-transport-security", "max-age=63072000"), pair("x-test", "1")],
                append: vec![],
                remove: vec!["content-type".to_owned()],
            };
        }),
        named("item", "/item/([0-9]+)", |route| {
            route.when.path = PathKind::Regex;
            route.edits.rewrite = Some("/i?id=$1".to_owned());
        }),
    ];
    let (stage, _folder) = Stage::serving(wanted).await;
    let port = stage.port().await;
    let mut request = asking("PUT", "/api/order?q=/api", "body");
    for (name, value) in [("x-env", "forged"), ("X-Tag", "a"), ("cookie", "a=1"), ("x-kept", "1")] {
        request.headers_mut().append(name.parse::<http::HeaderName>().unwrap(), value.parse().unwrap());
    }
    let seen = send(port, request).await.unwrap();
    assert_eq!((seen.status, &*seen.body), (200, &b"body"[..]));
    assert_eq!(seen.headers["strict-transport-security"], "max-age=63072000");
    let told = backend.last();
    assert_eq!(told["seen-target"], "/v2/order?q=/api");
    assert_eq!(told["x-env"], "live");
    assert_eq!(told.get_all("x-tag").iter().collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!((told.contains_key("cookie"), &told["x-kept"]), (false, &"1".parse().unwrap()));
    ask(port, "GET", "/item/42", "").await;
    assert_eq!(backend.last()["seen-target"], "/i?id=42");
}
