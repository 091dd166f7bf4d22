//! What the cache has done so far, and how well it is.

use axum::Json;
use axum::http::StatusCode;
use cache_runtime::{Cache, Health, HealthStatus};
use serde::Serialize;

#[derive(Serialize)]
pub(crate) struct Counts {
    hits: u64,
    misses: u64,
    queries: u64,
    invalidations: u64,
}

pub(crate) async fn counts() -> Json<Counts> {
    let stats = Cache::global().stats();
    Json(Counts {
        hits: stats.hits,
        misses: stats.misses,
        queries: stats.loads,
        invalidations: stats.invalidations,
    })
}

/// The last check of the server, which is free to read. The service works without its cache, if
/// more slowly, so what stops sending it requests should ask for something else.
pub(crate) async fn health() -> (StatusCode, Json<Health>) {
    let health = Cache::current().health();
    let status = match health.status {
        HealthStatus::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::OK,
    };
    (status, Json(health))
}
