//! Reading rows through the cache, in every way that entries can be kept.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use cache_runtime::{Error, cache_many, cache_result};

use crate::choices::{GROUPS, KEYS, View};
use crate::database::Database;

/// How a row is read from the database.
#[derive(Clone)]
pub(crate) struct Load {
    pub(crate) database: Arc<Database>,
    pub(crate) pause: Duration,
    pub(crate) fails: bool,
}

/// A load that failed, where loads may fail.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Failed;

impl From<Error> for Failed {
    fn from(_: Error) -> Self {
        Self
    }
}

impl Load {
    /// Reads first and pauses then: whatever is written meanwhile, the answer is from before.
    async fn version(self, key: u32) -> u32 {
        let version = self.database.version(key).expect("a database");
        pause(self.pause).await;
        version
    }

    /// The same for several rows.
    async fn versions(&self, keys: &[u32]) -> HashMap<u32, u32> {
        let version = |key: &u32| (*key, self.database.version(*key).expect("a database"));
        let versions = keys.iter().map(version).collect();
        pause(self.pause).await;
        versions
    }
}

#[cache_result(key = "row:<key>", ttl = 60, key_ignores(load))]
pub(crate) async fn row(key: u32, load: Load) -> u32 {
    load.version(key).await
}

#[cache_result(
    key = "member:<group>:<key>",
    ttl = 60,
    tags = ["group:<group>"],
    key_ignores(load)
)]
pub(crate) async fn member(group: u32, key: u32, load: Load) -> u32 {
    load.version(key).await
}

#[cache_result(
    key = "aged:<group>:<key>",
    ttl = "20ms",
    stale = "10ms",
    fail_safe = "20s",
    refresh_ahead = 1.0,
    soft_timeout = "5ms",
    hard_timeout = "25ms",
    tags = ["group:<group>"],
    key_ignores(load)
)]
pub(crate) async fn aged(group: u32, key: u32, load: Load) -> Result<u32, Failed> {
    let fails = load.fails;
    let version = load.version(key).await;
    if fails { Err(Failed) } else { Ok(version) }
}

#[cache_many(key = "row:<key>", by = key in keys, ttl = 60, key_ignores(load))]
pub(crate) async fn rows(keys: &[u32], load: &Load) -> HashMap<u32, u32> {
    load.versions(keys).await
}

#[cache_many(
    key = "member:<group>:<key>",
    by = key in keys,
    ttl = 60,
    tags = ["group:<group>"],
    key_ignores(load)
)]
pub(crate) async fn members(group: u32, keys: &[u32], load: &Load) -> HashMap<u32, u32> {
    load.versions(keys).await
}

/// The version of a row as this view answers it; nothing if its load failed.
pub(crate) async fn read(view: View, key: u32, load: Load) -> Option<u32> {
    let group = key % GROUPS;
    match view {
        View::Plain => Some(row(key, load).await),
        View::Member => Some(member(group, key, load).await),
        View::Aged => aged(group, key, load).await.ok(),
    }
}

/// How many rows are read at once.
const BATCH: u32 = 5;

/// The versions of some rows of one group, from this one on.
pub(crate) async fn read_batch(view: View, key: u32, load: Load) -> HashMap<u32, u32> {
    let keys: Vec<_> = (0..BATCH)
        .map(|turn| (key + turn * GROUPS) % KEYS)
        .collect();
    match view {
        View::Plain => rows(&keys, &load).await,
        View::Member | View::Aged => members(key % GROUPS, &keys, &load).await,
    }
}

/// Waits, if only for one turn of the other tasks.
pub(crate) async fn pause(time: Duration) {
    if time.is_zero() {
        tokio::task::yield_now().await;
    } else {
        tokio::time::sleep(time).await;
    }
}
