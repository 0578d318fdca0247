//! The console from outside: who gets in, what they may do, and what never comes out unescaped.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

#[path = "../examples/shop/mod.rs"]
mod shop;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::response::Response;
use dinghai_clock::{Clock as _, SystemClock, Timestamp};
use dinghai_estate::Estate;
use dinghai_ports::Journal as _;
use dinghai_record::{Book, Event, Reason};
use dinghai_serve::{Role, new_link};
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

struct Console {
    app: Router,
    dir: tempfile::TempDir,
    now: Timestamp,
    memory: Arc<shop::Memory>,
}

impl Console {
    fn of(estate: Estate) -> Self {
        let now = SystemClock::new().now();
        let world = shop::world(&estate, now);
        let memory = Arc::new(shop::history(now));
        let handle = shop::handle(estate, world, memory.clone());
        let dir = tempfile::tempdir().unwrap();
        Self { app: dinghai_serve::app(handle, dir.path()).unwrap(), dir, now, memory }
    }

    fn book(&self) -> Arc<Book> {
        self.memory.book()
    }

    async fn send(&self, request: Request) -> Response {
        self.app.clone().oneshot(request).await.unwrap()
    }

    /// Signs somebody in and returns their cookie.
    async fn sign_in(&self, role: Role) -> String {
        let link = new_link(self.dir.path(), role, self.now).unwrap();
        let answer = self.send(form("/sign-in", None, &use_link(&link.path))).await;
        assert_eq!(answer.status(), StatusCode::SEE_OTHER);
        cookie(&answer)
    }

    async fn page(&self, path: &str, cookie: &str) -> (StatusCode, String) {
        let request = Request::get(path).header(header::COOKIE, cookie).body(Body::empty()).unwrap();
        let answer = self.send(request).await;
        (answer.status(), text(answer).await)
    }
}

fn use_link(path: &str) -> String {
    format!("token={}&name=Lin", path.split_once('=').unwrap().1)
}

fn form(path: &str, cookie: Option<&str>, body: &str) -> Request {
    let mut request = Request::post(path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    if let Some(cookie) = cookie {
        request = request.header(header::COOKIE, cookie);
    }
    request.body(Body::from(body.to_owned())).unwrap()
}

fn cookie(answer: &Response) -> String {
    let set = answer.headers().get(header::SET_COOKIE).unwrap().to_str().unwrap();
    assert!(set.contains("HttpOnly") && set.contains("SameSite=Strict") && set.contains("Path=/"), "{set}");
    set.split(';').next().unwrap().to_owned()
}

async fn text(answer: Response) -> String {
    String::from_utf8(answer.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

/// The token that the forms of a page carry.
fn csrf(page: &str) -> String {
    let (_, rest) = page.split_once("name=\"csrf\" value=\"").unwrap();
    rest.split('"').next().unwrap().to_owned()
}

fn digest(page: &str) -> String {
    let (_, rest) = page.split_once("name=\"digest\" value=\"").unwrap();
    rest.split('"').next().unwrap().to_owned()
}

const PAGES: [&str; 13] = [
    "/",
    "/incidents",
    "/incidents/1",
    "/incidents/1/review",
    "/plans",
    "/plans/1",
    "/plans/2",
    "/drills",
    "/drills/runs/1",
    "/promises",
    "/ledger",
    "/ledger/5",
    "/halt",
];

#[tokio::test]
async fn every_page_is_whole_in_both_languages() {
    let console = Console::of(shop::estate());
    let signed = console.sign_in(Role::Admin).await;
    for path in PAGES {
        for language in ["en", "zh"] {
            let (status, page) = console.page(path, &format!("{signed}; language={language}")).await;
            assert_eq!(status, StatusCode::OK, "{path}");
            assert!(!page.contains('⟦'), "{path} {language}: a text is missing");
            assert!(page.ends_with("</html>"), "{path}");
            assert!(
                !page.contains(" style=") && !page.contains("<style"),
                "{path}: the policy forbids styles"
            );
            assert_eq!(page.matches("<script").count(), 1, "{path}: the policy forbids scripts in pages");
        }
    }
}

#[tokio::test]
async fn nothing_is_told_to_who_is_not_signed_in() {
    let console = Console::of(shop::estate());
    for path in PAGES {
        let (status, page) = console.page(path, "").await;
        assert_eq!(status, StatusCode::SEE_OTHER, "{path}");
        assert!(page.is_empty());
    }
    for path in ["/api/v1/estate", "/api/v1/world", "/api/v1/ledger", "/events", "/api/v1/events"] {
        assert_eq!(console.page(path, "dinghai=guess").await.0, StatusCode::UNAUTHORIZED, "{path}");
    }
}

#[tokio::test]
async fn a_link_signs_in_once_and_looking_at_it_does_not_use_it_up() {
    let console = Console::of(shop::estate());
    let link = new_link(console.dir.path(), Role::Viewer, console.now).unwrap();
    assert_eq!(console.page(&link.path, "").await.0, StatusCode::OK);
    let first = console.send(form("/sign-in", None, &use_link(&link.path))).await;
    assert_eq!(first.status(), StatusCode::SEE_OTHER);
    let second = console.send(form("/sign-in", None, &use_link(&link.path))).await;
    assert_eq!(second.status(), StatusCode::FORBIDDEN);
    assert!(second.headers().get(header::SET_COOKIE).is_none());
}

#[tokio::test]
async fn a_form_without_its_token_or_from_elsewhere_does_nothing() {
    let console = Console::of(shop::estate());
    let signed = console.sign_in(Role::Admin).await;
    let (_, page) = console.page("/halt", &signed).await;
    let token = csrf(&page);
    let without = console.send(form("/halt", Some(&signed), "why=test")).await;
    assert_eq!(without.status(), StatusCode::FORBIDDEN);
    let mut foreign = form("/halt", Some(&signed), &format!("csrf={token}&why=test"));
    foreign.headers_mut().insert(header::HOST, "127.0.0.1:7474".parse().unwrap());
    foreign.headers_mut().insert(header::ORIGIN, "http://evil.example".parse().unwrap());
    assert_eq!(console.send(foreign).await.status(), StatusCode::FORBIDDEN);
    let api = Request::post("/api/v1/resume").header(header::COOKIE, &signed).body(Body::empty()).unwrap();
    assert_eq!(console.send(api).await.status(), StatusCode::FORBIDDEN);
    assert!(console.book().halted.is_none());
    let ours = console.send(form("/halt", Some(&signed), &format!("csrf={token}&why=test"))).await;
    assert_eq!(ours.status(), StatusCode::OK);
    assert!(console.book().halted.is_some());
}

#[tokio::test]
async fn a_viewer_may_not_act() {
    let console = Console::of(shop::estate());
    let signed = console.sign_in(Role::Viewer).await;
    let (_, page) = console.page("/incidents/1", &signed).await;
    assert!(!page.contains("value=\"approve\""), "a viewer is shown no form");
    let token = csrf(&page);
    for (path, body) in
        [("/halt", "why=x"), ("/resume", ""), ("/plans/2", "do=approve"), ("/drills/zone-loss", "")]
    {
        let answer = console.send(form(path, Some(&signed), &format!("csrf={token}&{body}"))).await;
        assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{path}");
    }
    assert!(console.book().halted.is_none());
}

#[tokio::test]
async fn a_plan_is_approved_by_the_person_who_looked_at_it() {
    let console = Console::of(shop::estate());
    let signed = console.sign_in(Role::Operator).await;
    let (_, page) = console.page("/plans/2", &signed).await;
    let (token, looked_at) = (csrf(&page), digest(&page));
    let changed = form("/plans/2", Some(&signed), &format!("csrf={token}&do=approve&digest=0000"));
    assert_eq!(console.send(changed).await.status(), StatusCode::BAD_REQUEST);
    let silent = form("/plans/2", Some(&signed), &format!("csrf={token}&do=decline&digest={looked_at}&why="));
    assert_eq!(console.send(silent).await.status(), StatusCode::BAD_REQUEST, "declining needs a reason");
    let approved =
        form("/plans/2", Some(&signed), &format!("csrf={token}&do=approve&digest={looked_at}&why="));
    assert_eq!(console.send(approved).await.status(), StatusCode::SEE_OTHER);
    let book = console.book();
    assert!(book.plans.values().any(|record| record.by.is_some()));
}

#[tokio::test]
async fn every_answer_carries_the_security_headers() {
    let console = Console::of(shop::estate());
    for path in ["/sign-in", "/assets/console.js", "/nothing", "/api/v1/estate"] {
        let answer = console.send(Request::get(path).body(Body::empty()).unwrap()).await;
        let value = |name: &str| answer.headers().get(name).map(|v| v.to_str().unwrap().to_owned());
        let policy = value("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'") && policy.contains("base-uri 'none'"));
        assert_eq!(value("x-content-type-options").as_deref(), Some("nosniff"));
        // With `no-referrer` a browser sends `Origin: null` with our own forms, and nobody could sign in.
        assert_eq!(value("referrer-policy").as_deref(), Some("same-origin"));
        if !path.starts_with("/assets") {
            assert_eq!(value("cache-control").as_deref(), Some("no-store"), "{path}");
        }
    }
}

#[tokio::test]
async fn a_form_that_a_browser_sends_from_our_own_page_passes() {
    let console = Console::of(shop::estate());
    let link = new_link(console.dir.path(), Role::Operator, console.now).unwrap();
    let mut sent = form("/sign-in", None, &use_link(&link.path));
    sent.headers_mut().insert(header::HOST, "127.0.0.1:7474".parse().unwrap());
    sent.headers_mut().insert(header::ORIGIN, "http://127.0.0.1:7474".parse().unwrap());
    assert_eq!(console.send(sent).await.status(), StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn the_review_is_a_page_and_a_file() {
    let console = Console::of(shop::estate());
    let signed = console.sign_in(Role::Viewer).await;
    let (_, room) = console.page("/incidents/1", &signed).await;
    assert!(room.contains("href=\"/incidents/1/review\""));
    let (_, page) = console.page("/incidents/1/review", &signed).await;
    assert!(page.contains("href=\"/incidents/1/review.md\""));
    let request =
        Request::get("/incidents/1/review.md").header(header::COOKIE, &signed).body(Body::empty()).unwrap();
    let answer = console.send(request).await;
    assert_eq!(answer.headers()[header::CONTENT_TYPE], "text/markdown; charset=utf-8");
    assert_eq!(answer.headers()[header::CONTENT_DISPOSITION], "attachment; filename=\"review-INC-1.md\"");
    assert!(text(answer).await.starts_with("# "));
    assert_eq!(console.page("/incidents/99/review.md", &signed).await.0, StatusCode::NOT_FOUND);
    assert_eq!(console.page("/incidents/1/review.md", "").await.0, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn the_room_tells_what_came_before_the_incident_and_no_step_twice() {
    let console = Console::of(shop::estate());
    let signed = console.sign_in(Role::Viewer).await;
    let (_, room) = console.page("/incidents/1", &signed).await;
    let (_, told) = room.split_once("id=\"timeline\"").unwrap();
    assert!(told.contains("Reflex"), "what the gateway had done by itself before");
    assert!(!told.contains("begins"), "the plan's list of steps says that");
    let raw = ["-lost\"", "place-lost", "shift-traffic", "redundancy-gone"];
    for code in raw {
        assert!(!told.contains(code), "{code} is no word of a page");
    }
}

#[tokio::test]
async fn what_a_page_renews_has_a_name_to_be_found_by() {
    let console = Console::of(shop::estate());
    let signed = console.sign_in(Role::Operator).await;
    for path in PAGES {
        let (_, page) = console.page(path, &signed).await;
        for tag in page.split('<').filter(|tag| !tag.starts_with("body")) {
            let tag = tag.split('>').next().unwrap();
            assert!(!tag.contains(" data-live") || tag.contains(" id="), "{path}: <{tag}>");
        }
    }
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let console = Console::of(shop::estate());
    let signed = console.sign_in(Role::Viewer).await;
    let paths = [
        "/incidents/99",
        "/incidents/x",
        "/plans/99",
        "/plans/-1",
        "/drills/runs/9",
        "/ledger/0",
        "/ledger/99999",
        "/nothing",
        "/api/v1/plans/99",
        "/api/v1/ledger/0",
        "/api/v1/nothing",
    ];
    for path in paths {
        assert_eq!(console.page(path, &signed).await.0, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn names_and_reasons_come_out_escaped() {
    let mut estate = shop::estate();
    estate.name = "<script>alert(1)</script>".to_owned();
    let console = Console::of(estate);
    let script = "<script>alert(2)</script>";
    let by = dinghai_record::Actor::Person(dinghai_record::Personal::Known {
        subject: "s".to_owned(),
        value: script.to_owned(),
    });
    console.memory.write(console.now, Event::Halted { by, reason: script.to_owned() });
    let key = dinghai_record::FindingKey {
        kind: dinghai_record::FindingKind::Silent,
        about: dinghai_record::Subject::Instance(script.into()),
    };
    let reasons = vec![Reason::new(script).with("cause", script)];
    console.memory.write(console.now, Event::FindingCleared { key, reasons });
    let signed = console.sign_in(Role::Admin).await;
    let head = console.book().head.0;
    for path in ["/", "/ledger", "/halt", &format!("/ledger/{}", head - 1), &format!("/ledger/{}", head - 2)]
    {
        let (status, page) = console.page(path, &signed).await;
        assert_eq!(status, StatusCode::OK, "{path}");
        assert!(!page.contains("<script>"), "{path}");
        assert!(page.contains("&lt;script&gt;"), "{path}");
    }
}

#[tokio::test]
async fn the_api_reads_the_ledger_page_by_page() {
    let console = Console::of(shop::estate());
    let signed = console.sign_in(Role::Viewer).await;
    let (mut after, mut seen) = (0, Vec::new());
    loop {
        let (_, page) = console.page(&format!("/api/v1/ledger?limit=7&after={after}"), &signed).await;
        let page: serde_json::Value = serde_json::from_str(&page).unwrap();
        seen.extend(page["entries"].as_array().unwrap().iter().map(|entry| entry["seq"].as_u64().unwrap()));
        match page["next"].as_u64() {
            Some(next) => after = next,
            None => break,
        }
    }
    assert_eq!(seen, (1..=console.book().head.0).collect::<Vec<_>>());
    let (_, promises) = console.page("/api/v1/promises", &signed).await;
    assert!(promises.contains("failover.zone"));
}

#[tokio::test]
async fn errors_of_the_api_say_what_and_what_to_do() {
    let console = Console::of(shop::estate());
    let (_, body) = console.page("/api/v1/estate", "").await;
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert!(body["error"].is_string() && body["help"].is_string(), "{body}");
}

#[tokio::test]
async fn what_is_missing_is_unknown_and_not_well() {
    let console = Console::of(shop::estate());
    let estate = shop::estate();
    let blind = dinghai_record::World { at: console.now, ..Default::default() };
    let app =
        dinghai_serve::app(shop::handle(estate, blind, console.memory.clone()), console.dir.path()).unwrap();
    let blind = Console { app, ..console };
    let signed = blind.sign_in(Role::Viewer).await;
    let (_, page) = blind.page("/", &signed).await;
    assert!(page.contains("Unknown. Nothing has been seen yet."));
    assert!(!page.contains("Standing."));
}
