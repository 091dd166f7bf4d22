//! What the cache has done so far.

use axum::Json;
use cache_runtime::Cache;
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
