//! What is written in one transaction is seen together, or not at all.

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use super::Service;

/// Three lists, each cached: who is in class 1, who in class 2, and in which classes she is.
const LISTS: [&str; 3] = [
    "/classes/1/students",
    "/classes/2/students",
    "/users/1/classes",
];

async fn with_two_classes() -> Service {
    let service = Service::start().await;
    service
        .send(Method::POST, "/classes", json!({ "name": "11a" }))
        .await;
    assert_eq!(
        lists(&service).await,
        (vec![json!([1]), json!([]), json!([1])], 0)
    );
    service
}

/// The lists, and how many of them were hits.
async fn lists(service: &Service) -> (Vec<Value>, u64) {
    let (mut lists, mut hits) = (Vec::new(), 0);
    for path in LISTS {
        let (list, hit, _) = service.counted(path).await;
        lists.push(list);
        hits += hit;
    }
    (lists, hits)
}

#[tokio::test]
async fn a_commit_is_seen_in_every_list() {
    let service = with_two_classes().await;
    let to = json!({ "class_id": 2 });
    let (status, _) = service
        .send(Method::PATCH, "/classes/1/students/1", to)
        .await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    let counted = service.cache.stats();
    assert_eq!(counted.deferred, 4, "two keys of each statement");
    let moved = vec![json!([]), json!([1]), json!([2])];
    assert_eq!(lists(&service).await, (moved, 0));
}

#[tokio::test]
async fn a_rollback_leaves_every_entry_as_it_was() {
    let service = with_two_classes().await;
    let before = service.cache.stats().invalidations;
    let nowhere = json!({ "class_id": 9 });
    let (status, _) = service
        .send(Method::PATCH, "/classes/1/students/1", nowhere)
        .await;
    assert_eq!(status, StatusCode::NOT_FOUND, "the second statement failed");
    let counted = service.cache.stats();
    assert_eq!((counted.deferred, counted.invalidations), (4, before));
    let unmoved = vec![json!([1]), json!([]), json!([1])];
    assert_eq!(lists(&service).await, (unmoved, 3));
}
