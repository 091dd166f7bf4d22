//! Sessions in web applications: our own layer for axum, and the store for `tower-sessions`.

#![expect(
    clippy::unwrap_used,
    reason = "what fails ends the test, and says where"
)]

mod cookies;
mod layer;
mod origins;
mod tower;
mod tower_application;

use ::tower::ServiceExt as _;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::header::{COOKIE, HOST, HeaderMap, SET_COOKIE};
use axum::http::{Method, Request, StatusCode};
use axum::routing::{get, post};
use cache_runtime::{
    Cache, CurrentSession, SessionError, SessionLayer, SessionRejection, Sessions, Visitor,
};

type Session = CurrentSession<u32>;
type Guest = Visitor<u32>;

/// An application with a number in each session.
fn application(layer: SessionLayer<u32>) -> Router {
    Router::new()
        .route("/", get(async || "anybody"))
        .route("/home", get(home))
        .route("/front", get(front))
        .route(
            "/twice",
            get(async |one: Session, _: Guest, two: Session| {
                format!("{} {}", one.data(), two.data())
            }),
        )
        .route("/login/{user}", post(log_in))
        .route(
            "/start",
            post(async |guest: Guest| done(guest.start(7).await)),
        )
        .route(
            "/count",
            post(async |guest: Guest| done(guest.update(|n| *n += 1).await)),
        )
        .route(
            "/rotate",
            post(async |guest: Guest| done(guest.rotate().await)),
        )
        .route(
            "/logout",
            post(async |guest: Guest| done(guest.log_out().await)),
        )
        .route("/back-and-forth", post(back_and_forth))
        .layer(layer)
}

async fn home(session: Session) -> String {
    format!(
        "{} has {}",
        session.user().unwrap_or("nobody"),
        session.data()
    )
}

async fn front(session: Option<Session>) -> &'static str {
    session.map_or("a stranger", |_| "an acquaintance")
}

async fn log_in(
    axum::extract::Path(user): axum::extract::Path<String>,
    guest: Guest,
) -> Result<(), SessionError> {
    let number = guest.session().await?.map_or(0, |session| *session.data());
    done(guest.log_in(user, number).await)
}

/// Several changes of the cookie in one request.
async fn back_and_forth(guest: Guest) -> Result<(), SessionRejection> {
    guest.start(1).await?;
    guest.log_in("ada", 2).await?;
    guest.rotate().await?;
    guest.update(|number| *number += 1).await?;
    Ok(())
}

fn done<T>(outcome: Result<T, SessionError>) -> Result<(), SessionError> {
    outcome.map(drop)
}

fn on(cache: &Cache) -> Router {
    application(SessionLayer::new(Sessions::new(cache)))
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Answer {
    /// What it says about cookies.
    fn cookies(&self) -> Vec<&str> {
        let lines = self.headers.get_all(SET_COOKIE).iter();
        lines.map(|line| line.to_str().unwrap()).collect()
    }

    /// The one cookie that it sets, as a browser would send it.
    fn cookie(&self) -> String {
        let [line] = self.cookies()[..] else {
            panic!("not one cookie: {:?}", self.cookies());
        };
        line.split(';').next().unwrap().to_owned()
    }
}

async fn send(application: &Router, method: Method, path: &str, headers: HeaderMap) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    *request.headers_mut().unwrap() = headers;
    let request = request
        .header(HOST, "school.example")
        .body(Body::empty())
        .unwrap();
    let (parts, body) = application
        .clone()
        .oneshot(request)
        .await
        .unwrap()
        .into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    Answer {
        status: parts.status,
        headers: parts.headers,
        body: String::from_utf8(body.into()).unwrap(),
    }
}

async fn read(application: &Router, path: &str, cookie: &str) -> Answer {
    send(application, Method::GET, path, with_cookie(cookie)).await
}

async fn write(application: &Router, path: &str, cookie: &str) -> Answer {
    send(application, Method::POST, path, with_cookie(cookie)).await
}

fn with_cookie(cookie: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(COOKIE, cookie.parse().unwrap());
    headers
}
