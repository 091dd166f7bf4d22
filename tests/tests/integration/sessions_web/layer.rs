//! What a request costs, who gets through, and what an outage is.

use axum::http::StatusCode;
use axum::http::header::{RETRY_AFTER, VARY};
use cache_runtime::{Cache, SessionLayer, Sessions};
use cache_tests::RedisServer;

use super::{application, on, read, write};
use crate::support::{self, on_each_store};

#[tokio::test]
async fn lets_in_who_has_a_session() {
    on_each_store(async |fixture| {
        let application = on(&fixture.cache);
        assert_eq!(
            read(&application, "/home", "").await.status,
            StatusCode::UNAUTHORIZED
        );
        assert_eq!(read(&application, "/front", "").await.body, "a stranger");

        let cookie = write(&application, "/login/ada", "").await.cookie();
        assert_eq!(read(&application, "/home", &cookie).await.body, "ada has 0");
        assert_eq!(
            read(&application, "/front", &cookie).await.body,
            "an acquaintance"
        );

        write(&application, "/count", &cookie).await;
        let elsewhere = on(&fixture.another_process());
        assert_eq!(read(&elsewhere, "/home", &cookie).await.body, "ada has 1");
    })
    .await;
}

#[tokio::test]
async fn asks_once_and_only_if_it_is_asked() {
    let server = RedisServer::start().await;
    let application = on(&support::on(&server));
    let cookie = write(&application, "/login/ada", "").await.cookie();
    // From now on the server knows the script.
    read(&application, "/home", &cookie).await;
    let mut monitor = server.monitor().await;

    let answer = read(&application, "/", &cookie).await;
    assert!(!answer.headers.contains_key(VARY));
    assert_eq!(monitor.sent().await, [""; 0]);

    let answer = read(&application, "/twice", &cookie).await;
    assert_eq!(
        (answer.body.as_str(), &answer.headers[VARY]),
        ("0 0", &"cookie".parse().unwrap())
    );
    let sent = monitor.sent().await;
    assert_eq!(sent.len(), 1, "{sent:?}");

    // What can't be a token is not asked for.
    for cookie in [
        "__Host-id=nonsense".to_owned(),
        format!("__Host-id={}", "A".repeat(9_000)),
    ] {
        let answer = read(&application, "/home", &cookie).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(monitor.sent().await, [""; 0]);
}

#[tokio::test]
async fn nobody_is_sent_to_the_login_by_an_outage() {
    let mut server = RedisServer::start().await;
    let application = on(&support::on(&server));
    let cookie = write(&application, "/login/ada", "").await.cookie();

    server.kill();
    for answer in [
        read(&application, "/home", &cookie).await,
        read(&application, "/front", &cookie).await,
        write(&application, "/count", &cookie).await,
        write(&application, "/rotate", &cookie).await,
        write(&application, "/logout", &cookie).await,
        write(&application, "/login/eve", "").await,
    ] {
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(answer.headers.contains_key(RETRY_AFTER));
        assert!(answer.cookies().is_empty());
    }
    // Who has no cookie has no session, wherever Redis is.
    assert_eq!(
        read(&application, "/home", "").await.status,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn a_session_ends_for_all_browsers_at_its_logout() {
    let application = on(&Cache::in_memory());
    let cookie = write(&application, "/login/ada", "").await.cookie();
    write(&application, "/logout", &cookie).await;

    assert_eq!(
        read(&application, "/home", &cookie).await.status,
        StatusCode::UNAUTHORIZED
    );
    let late = write(&application, "/count", &cookie).await;
    assert_eq!(
        (late.status, late.cookies().len()),
        (StatusCode::UNAUTHORIZED, 0)
    );
}

#[tokio::test]
async fn a_login_takes_the_basket_along_and_leaves_nothing_behind() {
    let cache = Cache::in_memory();
    let application = on(&cache);
    let anonymous = write(&application, "/start", "").await.cookie();
    assert_eq!(
        read(&application, "/home", &anonymous).await.body,
        "nobody has 7"
    );

    let cookie = write(&application, "/login/ada", &anonymous).await.cookie();
    assert_ne!(cookie, anonymous);
    assert_eq!(read(&application, "/home", &cookie).await.body, "ada has 7");
    assert_eq!(
        read(&application, "/home", &anonymous).await.status,
        StatusCode::UNAUTHORIZED
    );

    // Somebody else at the same browser: the first one is logged out by it.
    let other = write(&application, "/login/bob", &cookie).await.cookie();
    assert_eq!(read(&application, "/home", &other).await.body, "bob has 7");
    assert_eq!(
        read(&application, "/home", &cookie).await.status,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(Sessions::<u32>::new(&cache).stats().await.unwrap().total, 1);
}

#[tokio::test]
async fn a_route_without_a_layer_is_a_mistake_of_the_program() {
    let router: axum::Router = axum::Router::new().route("/home", axum::routing::get(super::home));
    let answer = read(&router, "/home", "").await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
}

#[tokio::test]
async fn what_is_known_of_the_request_is_in_the_list_of_devices() {
    let sessions = Sessions::<u32>::new(&Cache::in_memory());
    let layer = SessionLayer::new(sessions.clone());
    let application = application(layer.address_from(|_| Some([192, 0, 2, 7].into())));
    let mut headers = axum::http::HeaderMap::new();
    headers.insert("user-agent", "Firefox".parse().unwrap());
    super::send(
        &application,
        axum::http::Method::POST,
        "/login/ada",
        headers,
    )
    .await;

    let listed = sessions.list("ada").await.unwrap();
    assert_eq!(listed[0].context.agent(), Some("Firefox"));
    assert_eq!(
        listed[0].context.peer_address(),
        Some([192, 0, 2, 7].into())
    );
}
