//! The service from outside, in process: its router, a database and a cache of its own.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, StatusCode};
use cache_runtime::{Cache, Stats};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::{db, routes};

mod moving;
mod reading;
mod removing;
mod writing;

struct Service {
    router: Router,
    cache: Cache,
}

impl Service {
    /// With user 1 in class 1, which has assignment 1.
    async fn start() -> Self {
        let router = routes::router(db::open().await.unwrap());
        let service = Self {
            router,
            cache: Cache::in_memory(),
        };
        service
            .send(Method::POST, "/users", json!({ "name": "Ada" }))
            .await;
        service
            .send(Method::POST, "/classes", json!({ "name": "10b" }))
            .await;
        service
            .send(Method::POST, "/classes/1/students", json!({ "user_id": 1 }))
            .await;
        service
            .send(
                Method::POST,
                "/classes/1/assignments",
                json!({ "title": "Essay" }),
            )
            .await;
        service
    }

    async fn send(&self, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
        let request = Request::builder().method(method).uri(path);
        let request = request.header("content-type", "application/json");
        let request = request.body(Body::from(body.to_string())).unwrap();
        let response = self
            .cache
            .scope(self.router.clone().oneshot(request))
            .await
            .unwrap();
        let status = response.status();
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }

    async fn get(&self, path: &str) -> Value {
        let (status, body) = self.send(Method::GET, path, Value::Null).await;
        assert_eq!(status, StatusCode::OK, "{path}");
        body
    }

    /// What a `GET` answers, and how many hits and queries it took.
    async fn counted(&self, path: &str) -> (Value, u64, u64) {
        let Stats { hits, loads, .. } = self.cache.stats();
        let body = self.get(path).await;
        let after = self.cache.stats();
        (body, after.hits - hits, after.loads - loads)
    }
}

#[test]
fn the_annotations_agree() {
    cache_runtime::assert_catalogue!(crate);
}
