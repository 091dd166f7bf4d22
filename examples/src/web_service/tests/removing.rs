//! What is forgotten is gone from the cache.

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use super::Service;

#[tokio::test]
async fn erasing_a_user_leaves_nothing_of_them() {
    let service = Service::start().await;
    let grade = json!({ "score": 9.5, "feedback": "clear" });
    service
        .send(Method::PUT, "/assignments/1/grades/1", grade)
        .await;
    for path in ["", "/classes", "/grades"] {
        service.get(&format!("/users/1{path}")).await;
    }
    assert_eq!(service.get("/classes/1/students").await, json!([1]));

    let (status, _) = service.send(Method::DELETE, "/users/1", Value::Null).await;

    assert_eq!(status, StatusCode::NO_CONTENT);
    assert_eq!(
        service.cache.clear("user:1:*").await.unwrap(),
        0,
        "entries left"
    );
    assert_eq!(service.get("/classes/1/students").await, json!([]));
    let (status, _) = service.send(Method::GET, "/users/1", Value::Null).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn forgetting_a_user_makes_the_next_read_ask_the_database() {
    let service = Service::start().await;
    let ada = service.get("/users/1").await;

    service
        .send(Method::DELETE, "/users/1/cache", Value::Null)
        .await;

    assert_eq!(service.counted("/users/1").await, (ada, 0, 1));
}
