//! An application that was written for `tower-sessions`, and knows nothing of us.

use axum::Router;
use axum::http::StatusCode;
use axum::routing::{get, post};
use cache_runtime::TowerStore;
use tower_sessions::session::Error;
use tower_sessions::{MemoryStore, Session, SessionManagerLayer, SessionStore};

use super::{read, write};
use crate::support::{self, Gate};

async fn count(session: Session) -> Result<String, StatusCode> {
    let number = counted(&session).await;
    number.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
}

async fn counted(session: &Session) -> Result<String, Error> {
    let number = session.get::<u32>("number").await?.unwrap_or_default() + 1;
    session.insert("number", number).await?;
    Ok(number.to_string())
}

/// The line that changes is the one that makes the store.
fn application(store: impl SessionStore + Clone, gate: &Gate) -> Router {
    let gate = gate.clone();
    let slow = async move |session: Session| {
        let number = count(session).await;
        gate.pass().await;
        number
    };
    Router::new()
        .route("/count", get(count))
        .route("/slow", get(slow))
        .route(
            "/renew",
            post(async |session: Session| renewed(&session).await),
        )
        .route(
            "/logout",
            post(async |session: Session| session.flush().await.is_ok().to_string()),
        )
        .layer(SessionManagerLayer::new(store))
}

async fn renewed(session: &Session) -> String {
    session.cycle_id().await.is_ok().to_string()
}

async fn tell(application: &Router) -> Vec<String> {
    let first = read(application, "/count", "").await;
    let cookie = first.cookie();
    let second = read(application, "/count", &cookie).await;
    let renewal = write(application, "/renew", &cookie).await;
    let renewed = renewal.cookie();
    let stolen = read(application, "/count", &cookie).await;
    let third = read(application, "/count", &renewed).await;
    let logout = write(application, "/logout", &renewed).await;
    let after = read(application, "/count", &renewed).await;
    let all = [first, second, renewal, stolen, third, logout, after];
    all.into_iter().map(|answer| answer.body).collect()
}

#[tokio::test]
async fn does_the_same_on_our_store() {
    let before = tell(&application(MemoryStore::default(), &Gate::new())).await;
    assert_eq!(before, ["1", "2", "true", "1", "3", "true", "1"]);
    support::on_each_store(async |fixture| {
        let store = TowerStore::new(&fixture.cache);
        assert_eq!(tell(&application(store, &Gate::new())).await, before);
    })
    .await;
}

#[tokio::test]
async fn a_request_that_a_logout_overtakes_brings_nothing_back() {
    support::on_each_store(async |fixture| {
        let gate = Gate::new();
        let application = application(TowerStore::new(&fixture.cache), &gate);
        let cookie = read(&application, "/count", "").await.cookie();

        let overtaken = {
            let (application, cookie) = (application.clone(), cookie.clone());
            tokio::spawn(async move { read(&application, "/slow", &cookie).await })
        };
        gate.was_reached().await;
        write(&application, "/logout", &cookie).await;
        gate.open();

        let overtaken = overtaken.await.unwrap();
        assert_eq!(overtaken.status, StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(read(&application, "/count", &cookie).await.body, "1");
    })
    .await;
}

#[tokio::test]
async fn an_outage_makes_no_stranger_of_a_visitor() {
    let mut server = cache_tests::RedisServer::start().await;
    let application = application(TowerStore::new(&support::on(&server)), &Gate::new());
    let cookie = read(&application, "/count", "").await.cookie();

    server.kill();
    let answer = read(&application, "/count", &cookie).await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(answer.cookies().is_empty());
}
