//! Serves the shop with one zone lost, so that the pages can be looked at: `cargo run -p dinghai-serve --example preview`.
//! It prints its address; whoever opens it is signed in. `?theme=dark` and `?language=zh` choose for one page.
//! The world stands still, so that units of ours fall silent after three seconds, as they should.

#![expect(clippy::expect_used, reason = "a preview that cannot start says why and ends")]

#[path = "shop/mod.rs"]
mod shop;

use std::sync::Arc;

use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::middleware::{self, Next};
use dinghai_clock::{Clock as _, SystemClock};

#[tokio::main]
async fn main() {
    let dir = std::env::temp_dir().join(format!("dinghai-preview-{}", std::process::id()));
    std::fs::create_dir_all(&dir).expect("a temporary folder");
    let now = SystemClock::new().now();
    let estate = shop::estate();
    let world = shop::world(&estate, now);
    let handle = shop::handle(estate, world, Arc::new(shop::history(now)));
    let link = dinghai_serve::new_link(&dir, dinghai_serve::Role::Admin, now).expect("a link");
    let app = dinghai_serve::app(handle, &dir).expect("the console");
    let cookie = sign_in(app.clone(), &link.path).await;
    let app = app.layer(middleware::from_fn(move |request: Request, next: Next| {
        let cookie = cookie.clone();
        async move { next.run(signed(request, &cookie)).await }
    }));
    let port = std::env::args().nth(1).and_then(|port| port.parse().ok()).unwrap_or(0);
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await.expect("a port");
    println!("http://{}", listener.local_addr().expect("an address"));
    axum::serve(listener, app).await.expect("the server");
}

/// Signs in once; every request of the preview is that person's. `?theme=` and `?language=` choose for one request.
fn signed(mut request: Request, session: &str) -> Request {
    let query = request.uri().query().unwrap_or_default();
    let chosen = query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .filter(|(key, _)| matches!(*key, "theme" | "language"));
    let cookies = chosen.fold(session.to_owned(), |all, (key, value)| format!("{all}; {key}={value}"));
    if let Ok(value) = HeaderValue::from_str(&cookies) {
        request.headers_mut().insert(header::COOKIE, value);
    }
    request
}

async fn sign_in(app: axum::Router, path: &str) -> String {
    use tower::ServiceExt as _;
    let token = path.split_once('=').map(|(_, token)| token).expect("a token");
    let request: Request = axum::http::Request::post("/sign-in")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(format!("token={token}&name=Lin+Yue").into())
        .expect("a request");
    let answer = app.oneshot(request).await.expect("an answer");
    let cookie = answer.headers().get(header::SET_COOKIE).expect("a session").to_str().expect("text");
    cookie.split(';').next().expect("a cookie").to_owned()
}
