//! Which request calls which function.

mod account;
mod devices;
mod home;
mod signed_in;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::Router;
use axum::extract::{ConnectInfo, Request};
use axum::http::HeaderValue;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderMap, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::request::Parts;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::{get, post};
use cache_runtime::{SessionLayer, Sessions, Visitor};

use crate::db::Db;
use crate::failure::Failure;
use crate::model::Visit;
use crate::pages;

/// Who sends a request, and what a session of ours holds.
type Guest = Visitor<Visit>;

pub(crate) fn router(db: Db, sessions: Sessions<Visit>) -> Router {
    let sessions = SessionLayer::new(sessions)
        .address_from(peer)
        .plain_on_loopback();
    Router::new()
        .route("/", get(home::page))
        .route("/profile", post(home::rename))
        .route("/login", get(account::sign_in_page).post(account::sign_in))
        .route("/signup", get(account::sign_up_page).post(account::sign_up))
        .route("/logout", post(account::sign_out))
        .route("/devices/{device}/sign-out", post(devices::sign_out))
        .route("/devices/others/sign-out", post(devices::sign_out_others))
        .fallback(async || Failure::NotFound)
        .layer(sessions)
        .route("/style.css", get(style))
        .layer(from_fn(hardened))
        .with_state(db)
}

/// Who is at the other end of the connection. Behind a proxy that would be the proxy.
fn peer(parts: &Parts) -> Option<IpAddr> {
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>()?;
    Some(peer.0.ip())
}

/// The address that attempts are counted for.
fn address_of(guest: &Guest) -> IpAddr {
    let nowhere = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
    guest.context().peer_address().unwrap_or(nowhere)
}

async fn style() -> ([(axum::http::HeaderName, &'static str); 2], &'static str) {
    let headers = [(CONTENT_TYPE, "text/css"), (CACHE_CONTROL, "max-age=3600")];
    (headers, pages::STYLE)
}

/// Pages that hold what is somebody's are kept by no cache, and run no script, ours or another's.
async fn hardened(request: Request, next: Next) -> Response {
    const POLICY: &str = "default-src 'none'; style-src 'self'; form-action 'self'; \
                          base-uri 'none'; frame-ancestors 'none'";
    let mut response = next.run(request).await;
    let headers: &mut HeaderMap = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}
