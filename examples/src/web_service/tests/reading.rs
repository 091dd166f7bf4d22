//! What is read again comes from the cache.

use axum::http::Method;
use serde_json::json;

use super::Service;

#[tokio::test]
async fn a_second_read_is_a_hit() {
    let service = Service::start().await;
    let ada = json!({ "id": 1, "name": "Ada" });

    assert_eq!(service.counted("/users/1").await, (ada.clone(), 0, 1));
    assert_eq!(service.counted("/users/1").await, (ada, 1, 0));
}

#[tokio::test]
async fn health_is_answered_as_json() {
    let service = Service::start().await;
    service.cache.check_health().await;
    let health = service.get("/cache/health").await;
    assert_eq!(
        (&health["status"], &health["journal"]),
        (&json!("healthy"), &json!(0))
    );
}

#[tokio::test]
async fn every_page_is_a_hit_the_second_time() {
    let service = Service::start().await;
    let grade = json!({ "score": 9.5, "feedback": "clear" });
    service
        .send(Method::PUT, "/assignments/1/grades/1", grade)
        .await;

    for path in [
        "/users/1",
        "/users/1/classes",
        "/users/1/assignments",
        "/users/1/grades",
        "/classes/1",
        "/classes/1/students",
        "/classes/1/assignments",
        "/classes/1/analytics",
        "/assignments/1",
        "/assignments/1/grades/1",
    ] {
        let first = service.get(path).await;
        let (second, _, queries) = service.counted(path).await;
        assert_eq!((second, queries), (first, 0), "{path}");
    }
}
