//! Rows of a database that is a folder, read through the cache.

use std::path::Path;
use std::sync::Arc;

use cache_runtime::{cache_result, invalidate_cache, update_cache};

/// A row: its version.
#[cache_result(key = "row:<id>", ttl = 600, key_ignores(folder))]
pub(crate) async fn row(id: u64, folder: Arc<Path>) -> u64 {
    version(id, &folder)
}

/// The same, but its load says that it began, and never ends.
#[cache_result(key = "row:<id>", ttl = 600, key_ignores(folder))]
pub(crate) async fn held(id: u64, folder: Arc<Path>) -> u64 {
    let version = version(id, &folder);
    println!("loading");
    std::future::pending::<()>().await;
    version
}

/// Writes a row, whose key is fenced meanwhile.
#[invalidate_cache(key = "row:<id>", when = around)]
pub(crate) async fn around(id: u64, folder: Arc<Path>) -> u64 {
    write(id, &folder).await
}

/// Writes a row, and puts it where the old one was cached.
#[update_cache(key = "row:<id>", ttl = 600)]
pub(crate) async fn update(id: u64, folder: Arc<Path>) -> u64 {
    write(id, &folder).await
}

/// Commits the row's next version, with an await before and after.
async fn write(id: u64, folder: &Path) -> u64 {
    tokio::task::yield_now().await;
    let version = version(id, folder) + 1;
    std::fs::write(folder.join(id.to_string()), version.to_string()).expect("a row");
    println!("committed");
    tokio::task::yield_now().await;
    version
}

fn version(id: u64, folder: &Path) -> u64 {
    let row = std::fs::read_to_string(folder.join(id.to_string())).expect("a row");
    row.trim().parse().expect("a version")
}
