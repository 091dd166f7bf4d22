//! Redis stops: nobody is signed out by that, and nobody is signed in.

use axum::http::StatusCode;
use axum::http::header::{RETRY_AFTER, SET_COOKIE};
use cache_tests::RedisServer;

use super::{PASSWORD, Tab, redis, service};

#[tokio::test]
async fn an_outage_is_not_a_logout() {
    let mut server = RedisServer::start().await;
    let service = service(&redis(&server.url())).await;
    let mut ada = Tab::new(&service);
    ada.sign_up("ada").await;
    assert_eq!(ada.get("/").await.status, StatusCode::OK);

    server.kill();
    let sign_in = format!("name=ada&password={PASSWORD}");
    for answer in [
        ada.get("/").await,
        ada.post("/profile", "full_name=Ada").await,
        ada.post("/logout", "").await,
        Tab::new(&service).post("/login", &sign_in).await,
    ] {
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(answer.headers.contains_key(RETRY_AFTER));
        assert!(!answer.headers.contains_key(SET_COOKIE));
        assert!(answer.page.contains("You are not signed out."));
    }
    // Who asks for no session is served.
    assert_eq!(ada.get("/login").await.status, StatusCode::OK);
}
