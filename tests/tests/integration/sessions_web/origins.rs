//! Requests that a page of another site has caused.

use axum::Router;
use axum::http::{HeaderMap, HeaderName, Method, StatusCode};
use cache_runtime::{Cache, SessionLayer, Sessions};

use super::{Answer, application, read, send, write};

async fn said(application: &Router, cookie: &str, said: [(&'static str, &str); 2]) -> Answer {
    let mut headers: HeaderMap = super::with_cookie(cookie);
    for (name, value) in said {
        headers.insert(HeaderName::from_static(name), value.parse().unwrap());
    }
    send(application, Method::POST, "/count", headers).await
}

const FORGED: [(&str, &str); 2] = [
    ("origin", "https://evil.example"),
    ("sec-fetch-site", "cross-site"),
];

fn layer(cache: &Cache) -> SessionLayer<u32> {
    SessionLayer::new(Sessions::new(cache))
}

#[tokio::test]
async fn are_refused_before_anything_is_done() {
    let cache = Cache::in_memory();
    let application = application(layer(&cache));
    let cookie = write(&application, "/login/ada", "").await.cookie();

    assert_eq!(
        said(&application, &cookie, FORGED).await.status,
        StatusCode::FORBIDDEN
    );
    let ours = [
        ("origin", "https://school.example"),
        ("sec-fetch-site", "same-origin"),
    ];
    assert_eq!(
        said(&application, &cookie, ours).await.status,
        StatusCode::OK
    );
    assert_eq!(read(&application, "/home", &cookie).await.body, "ada has 1");
}

#[tokio::test]
async fn are_let_through_from_an_origin_that_is_trusted() {
    let cache = Cache::in_memory();
    let cookie = write(&application(layer(&cache)), "/login/ada", "")
        .await
        .cookie();
    for (layer, status) in [
        (
            layer(&cache).trust_origin("https://evil.example"),
            StatusCode::OK,
        ),
        (
            layer(&cache).trust_origin("https://other.example"),
            StatusCode::FORBIDDEN,
        ),
        (layer(&cache).trust_all_origins(), StatusCode::OK),
    ] {
        let answer = said(&application(layer), &cookie, FORGED).await;
        assert_eq!(answer.status, status);
    }
}
