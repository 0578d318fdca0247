//! What each service of the shop answers.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::map_response_with_state;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use dinghai_clock::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Role;
use super::inner::{Inner, InnerError};

/// What is on sale: name and price in cents.
const PRODUCTS: [(&str, u64); 4] =
    [("longjing", 3_000), ("tieguanyin", 2_400), ("pu-erh", 4_200), ("teapot", 8_800)];

/// A page is shown without the cart when the cart takes longer.
const CART_WITHIN: Duration = Duration::from_millis(800);
/// One attempt to be paid.
const PAID_WITHIN: Duration = Duration::from_secs(2);
/// Payments that are remembered by their key.
const REMEMBERED: usize = 20_000;

/// One process of the shop.
pub(super) struct Shop {
    role: Role,
    place: String,
    /// Its name among all processes of the shop, past and present.
    instance: String,
    inner: Inner,
    cart: Mutex<BTreeMap<String, u64>>,
    orders: AtomicU64,
    payments: Mutex<Payments>,
}

/// Payments by their key, the oldest forgotten first.
#[derive(Default)]
struct Payments {
    receipts: HashMap<String, u64>,
    by_age: VecDeque<String>,
    taken: u64,
}

#[derive(Deserialize)]
struct Item {
    item: String,
}

#[derive(Deserialize)]
struct Due {
    cents: u64,
}

impl Shop {
    pub(super) fn new(role: Role, place: &str, port: u16, started: Timestamp, inner: Inner) -> Self {
        Self {
            role,
            place: place.to_owned(),
            instance: format!("{}-{port}-{}", role.name(), started.as_micros()),
            inner,
            cart: Mutex::default(),
            orders: AtomicU64::new(0),
            payments: Mutex::default(),
        }
    }
}

pub(super) fn router(shop: Shop) -> Router {
    let routes = match shop.role {
        Role::Storefront => Router::new().route("/", get(storefront)).route("/products", get(products)),
        Role::Cart => Router::new().route("/api/cart", get(show_cart).post(add_to_cart)),
        Role::Order => Router::new().route("/api/order", post(order)),
        Role::Payment => Router::new().route("/pay", post(pay)),
        Role::Recommend => Router::new().route("/api/recommend", get(recommend)),
    };
    let shop = Arc::new(shop);
    routes
        .route("/healthz", get(|| async { "ok\n" }))
        .layer(map_response_with_state(shop.clone(), sign))
        .with_state(shop)
}

/// Every answer says who gave it.
async fn sign(State(shop): State<Arc<Shop>>, mut response: Response) -> Response {
    for (name, value) in [("x-shop-place", &shop.place), ("x-shop-instance", &shop.instance)] {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// The cart is a soft need: without it the page is shown all the same.
async fn storefront(State(shop): State<Arc<Shop>>) -> Html<String> {
    let cart = shop.inner.get("/api/cart", CART_WITHIN).await;
    let cart = match cart.as_ref().ok().and_then(|cart| cart.get("items")).and_then(Value::as_u64) {
        Some(items) => format!("{items} in your cart"),
        None => "Your cart is taking a break; it will be back.".to_owned(),
    };
    let shelf: String = PRODUCTS
        .iter()
        .map(|(name, cents)| format!("<li>{name}: {}.{:02} USD</li>", cents / 100, cents % 100))
        .collect();
    Html(format!("<!doctype html><title>Tea</title><h1>Tea</h1><p>{cart}</p><ul>{shelf}</ul>\n"))
}

async fn products() -> Json<Value> {
    PRODUCTS.iter().map(|(name, cents)| json!({ "item": name, "cents": cents })).collect::<Value>().into()
}

async fn show_cart(State(shop): State<Arc<Shop>>) -> Json<Value> {
    let cart = shop.cart.lock().unwrap_or_else(PoisonError::into_inner);
    Json(json!({ "items": cart.values().sum::<u64>(), "lines": *cart }))
}

async fn add_to_cart(State(shop): State<Arc<Shop>>, Json(wanted): Json<Item>) -> Response {
    if price(&wanted.item).is_none() {
        return not_on_sale(&wanted.item);
    }
    let mut cart = shop.cart.lock().unwrap_or_else(PoisonError::into_inner);
    let count = cart.entry(wanted.item).or_default();
    *count += 1;
    (StatusCode::CREATED, Json(json!({ "count": *count }))).into_response()
}

/// An order is paid under its key, so that it is paid once however often it is sent: by the shopper, who may give the
/// key, or by ourselves, when the first answer of the payment does not come.
async fn order(State(shop): State<Arc<Shop>>, headers: HeaderMap, Json(wanted): Json<Item>) -> Response {
    let Some(cents) = price(&wanted.item) else {
        return not_on_sale(&wanted.item);
    };
    let key = key_of(&headers).unwrap_or_else(|| {
        // Unlike any key of a process before this one, whose payments may be remembered.
        format!("{}-{}", shop.instance, shop.orders.fetch_add(1, Ordering::Relaxed))
    });
    match shop.inner.post("/pay", &key, &json!({ "cents": cents }), PAID_WITHIN).await {
        Ok(paid) => {
            let receipt = paid.get("receipt").cloned().unwrap_or(Value::Null);
            let answer = json!({ "order": key, "item": wanted.item, "cents": cents, "receipt": receipt });
            (StatusCode::CREATED, Json(answer)).into_response()
        }
        Err(InnerError::NoAnswer(why)) => refuse(StatusCode::BAD_GATEWAY, &format!("not paid: {why}")),
        Err(InnerError::Status(status)) => {
            refuse(StatusCode::SERVICE_UNAVAILABLE, &format!("not paid: the payment answered {status}"))
        }
    }
}

async fn pay(State(shop): State<Arc<Shop>>, headers: HeaderMap, Json(due): Json<Due>) -> Response {
    let Some(key) = key_of(&headers) else {
        return refuse(StatusCode::BAD_REQUEST, "a payment needs an `idempotency-key`");
    };
    let mut payments = shop.payments.lock().unwrap_or_else(PoisonError::into_inner);
    let receipt = payments.take(key);
    Json(json!({ "receipt": format!("{}-{receipt}", shop.instance), "cents": due.cents })).into_response()
}

async fn recommend() -> Json<Value> {
    Json(json!({ "items": PRODUCTS.map(|(name, _)| name) }))
}

impl Payments {
    /// The number of the payment under this key: a new one, or the one that was taken before.
    fn take(&mut self, key: String) -> u64 {
        if let Some(receipt) = self.receipts.get(&key) {
            return *receipt;
        }
        self.taken += 1;
        self.receipts.insert(key.clone(), self.taken);
        self.by_age.push_back(key);
        if self.by_age.len() > REMEMBERED
            && let Some(oldest) = self.by_age.pop_front()
        {
            self.receipts.remove(&oldest);
        }
        self.taken
    }
}

fn price(item: &str) -> Option<u64> {
    PRODUCTS.iter().find(|(name, _)| *name == item).map(|(_, cents)| *cents)
}

fn key_of(headers: &HeaderMap) -> Option<String> {
    Some(headers.get("idempotency-key")?.to_str().ok()?.to_owned())
}

fn not_on_sale(item: &str) -> Response {
    refuse(StatusCode::UNPROCESSABLE_ENTITY, &format!("`{item}` is not on sale; see /products"))
}

fn refuse(status: StatusCode, why: &str) -> Response {
    (status, Json(json!({ "error": why }))).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    /// Serves one role; its inner side is `inner`.
    async fn open(role: Role, inner: &str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let inner = Inner::new(&inner.parse().unwrap()).unwrap();
        let shop = Shop::new(role, "hz-a", address.port(), Timestamp::EPOCH, inner);
        tokio::spawn(axum::serve(listener, router(shop)).into_future());
        format!("http://{address}")
    }

    /// An address at which nobody listens.
    async fn nobody() -> String {
        let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        format!("http://{address}")
    }

    fn ask(url: &str) -> Inner {
        Inner::new(&url.parse().unwrap()).unwrap()
    }

    const WITHIN: Duration = Duration::from_secs(20);

    #[tokio::test]
    async fn an_order_is_paid_through_the_inner_side() {
        let payment = open(Role::Payment, &nobody().await).await;
        let order = ask(&open(Role::Order, &payment).await);
        let tea = json!({ "item": "longjing" });
        let answer = order.post("/api/order", "k1", &tea, WITHIN).await.unwrap();
        assert_eq!((&answer["order"], &answer["cents"]), (&json!("k1"), &json!(3_000)));
        let again = order.post("/api/order", "k1", &tea, WITHIN).await.unwrap();
        assert_eq!(again, answer, "the same key is paid once");
        let other = order.post("/api/order", "k2", &tea, WITHIN).await.unwrap();
        assert_ne!(other["receipt"], answer["receipt"]);
    }

    #[tokio::test]
    async fn an_order_fails_when_nobody_takes_the_payment() {
        let order = ask(&open(Role::Order, &nobody().await).await);
        let answer = order.post("/api/order", "k", &json!({ "item": "teapot" }), WITHIN).await;
        assert_eq!(answer, Err(InnerError::Status(502)));
        // A cart knows no `/pay`: what is answered there is an error, not silence.
        let order = ask(&open(Role::Order, &open(Role::Cart, &nobody().await).await).await);
        let answer = order.post("/api/order", "k", &json!({ "item": "teapot" }), WITHIN).await;
        assert_eq!(answer, Err(InnerError::Status(503)));
    }

    #[tokio::test]
    async fn what_is_not_on_sale_is_neither_ordered_nor_put_into_the_cart() {
        let order = ask(&open(Role::Order, &nobody().await).await);
        let coffee = json!({ "item": "coffee" });
        assert_eq!(order.post("/api/order", "k", &coffee, WITHIN).await, Err(InnerError::Status(422)));
        let cart = ask(&open(Role::Cart, &nobody().await).await);
        assert_eq!(cart.post("/api/cart", "k", &coffee, WITHIN).await, Err(InnerError::Status(422)));
        assert_eq!(cart.get("/api/cart", WITHIN).await.unwrap()["items"], 0);
    }

    #[tokio::test]
    async fn the_storefront_shows_the_cart_and_does_without_it() {
        let cart = open(Role::Cart, &nobody().await).await;
        ask(&cart).post("/api/cart", "k", &json!({ "item": "teapot" }), WITHIN).await.unwrap();
        let page = async |inner: &str| {
            let shop = Shop::new(Role::Storefront, "hz-a", 1, Timestamp::EPOCH, ask(inner));
            storefront(State(Arc::new(shop))).await.0
        };
        assert!(page(&cart).await.contains("1 in your cart"));
        assert!(page(&nobody().await).await.contains("taking a break"));
    }

    #[tokio::test]
    async fn every_answer_says_who_gave_it() {
        let shop = Shop::new(Role::Recommend, "hz-b", 9, Timestamp::EPOCH, ask(&nobody().await));
        let response = sign(State(Arc::new(shop)), StatusCode::OK.into_response()).await;
        assert_eq!(response.headers()["x-shop-place"], "hz-b");
        assert_eq!(response.headers()["x-shop-instance"], "recommend-9-0");
    }

    #[test]
    fn a_payment_counts_once_and_old_keys_are_forgotten() {
        let mut payments = Payments::default();
        assert_eq!(payments.take("a".to_owned()), 1);
        assert_eq!(payments.take("a".to_owned()), 1);
        for number in 0..REMEMBERED {
            payments.take(number.to_string());
        }
        assert_eq!(payments.receipts.len(), REMEMBERED);
        assert_eq!(payments.take("a".to_owned()), payments.taken);
    }
}
