//! Rows of a database that is a folder, read through the cache.

use std::path::Path;
use std::sync::Arc;

use cache_runtime::cache_result;

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

fn version(id: u64, folder: &Path) -> u64 {
    let row = std::fs::read_to_string(folder.join(id.to_string())).expect("a row");
    row.trim().parse().expect("a version")
}
