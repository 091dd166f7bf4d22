//! What is written is seen by the next read.

use axum::http::Method;
use serde_json::json;

use super::Service;

#[tokio::test]
async fn a_new_name_is_seen_by_the_next_read() {
    let service = Service::start().await;
    service.get("/users/1").await;

    service
        .send(Method::PATCH, "/users/1", json!({ "name": "Ada L." }))
        .await;

    let renamed = json!({ "id": 1, "name": "Ada L." });
    assert_eq!(service.counted("/users/1").await, (renamed, 0, 1));
}

#[tokio::test]
async fn a_new_assignment_is_seen_by_the_students() {
    let service = Service::start().await;
    assert_eq!(
        service
            .get("/users/1/assignments")
            .await
            .as_array()
            .unwrap()
            .len(),
        1
    );

    service
        .send(
            Method::POST,
            "/classes/1/assignments",
            json!({ "title": "Poem" }),
        )
        .await;

    let (assignments, hits, queries) = service.counted("/users/1/assignments").await;
    assert_eq!(assignments[1]["title"], "Poem");
    assert_eq!(
        (hits, queries),
        (1, 1),
        "her classes are still known, their assignments are not"
    );
}

#[tokio::test]
async fn enrolling_is_seen_from_both_sides() {
    let service = Service::start().await;
    service
        .send(Method::POST, "/classes", json!({ "name": "11a" }))
        .await;
    assert_eq!(service.get("/users/1/classes").await, json!([1]));
    assert_eq!(service.get("/classes/2/students").await, json!([]));

    service
        .send(Method::POST, "/classes/2/students", json!({ "user_id": 1 }))
        .await;

    assert_eq!(service.get("/users/1/classes").await, json!([1, 2]));
    assert_eq!(service.get("/classes/2/students").await, json!([1]));
}

#[tokio::test]
async fn a_grade_is_a_hit_as_soon_as_it_is_given() {
    let service = Service::start().await;
    assert_eq!(service.get("/users/1/grades").await, json!([]));

    for score in [6.5, 9.25] {
        let new = json!({ "score": score, "feedback": "clear" });
        service
            .send(Method::PUT, "/assignments/1/grades/1", new)
            .await;

        let (grade, hits, queries) = service.counted("/assignments/1/grades/1").await;
        assert_eq!((&grade["score"], hits, queries), (&json!(score), 1, 0));
        assert_eq!(
            service.counted("/users/1/grades").await,
            (json!([grade]), 0, 1)
        );
    }
}
