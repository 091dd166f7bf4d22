//! The functions that are put to the test: rows read through the cache, and written.

use std::sync::Arc;
use std::time::Duration;

use cache_runtime::{Error, Invalidation, cache_result, invalidate_cache, update_cache};
use cache_tests::now;
use parking_lot::Mutex;

use crate::choices::{GROUPS, View, Write};
use crate::database::{Database, WriteId, Writing};

/// How a row is read from the database.
#[derive(Clone)]
pub(crate) struct Load {
    pub(crate) database: Arc<Database>,
    pub(crate) pause: Duration,
}

impl Load {
    /// Reads first and pauses then: whatever is written meanwhile, the answer is from before.
    async fn version(self, key: u32) -> u32 {
        let version = self.database.version(key).expect("a database");
        pause(self.pause).await;
        version
    }
}

#[cache_result(key = "row:<key>", ttl = 60, key_ignores(load))]
async fn row(key: u32, load: Load) -> u32 {
    load.version(key).await
}

#[cache_result(key = "group:<group>:<key>", ttl = 60, key_ignores(load))]
async fn member(group: u32, key: u32, load: Load) -> u32 {
    load.version(key).await
}

/// The version of a row, as this view answers it.
pub(crate) async fn read(view: View, key: u32, load: Load) -> u32 {
    match view {
        View::Plain => row(key, load).await,
        View::Member => member(key % GROUPS, key, load).await,
    }
}

/// How a row is written.
#[derive(Clone)]
pub(crate) struct Pen {
    pub(crate) database: Arc<Database>,
    pub(crate) writing: Writing,
    pub(crate) pause: Duration,
    /// What was committed, for whoever drops the call.
    pub(crate) written: Arc<Mutex<Option<WriteId>>>,
}

impl Pen {
    /// Writes the rows between two pauses, where the call may be dropped or the process killed.
    async fn write(self, keys: &[u32]) -> u32 {
        pause(self.pause / 2).await;
        let committed = self.database.commit(self.writing, keys);
        let (id, version) = committed.expect("a database");
        *self.written.lock() = Some(id);
        pause(self.pause / 2).await;
        version
    }
}

#[invalidate_cache(key = "row:<key>")]
#[invalidate_cache(keys = [member_key(key % GROUPS, key)])]
async fn after(key: u32, pen: Pen) -> u32 {
    pen.write(&[key]).await
}

#[update_cache(key = "row:<key>", ttl = 60)]
#[invalidate_cache(keys = [member_key(key % GROUPS, key)])]
async fn update(key: u32, pen: Pen) -> u32 {
    pen.write(&[key]).await
}

async fn manual(key: u32, pen: Pen) -> Result<Invalidation, Error> {
    pen.write(&[key]).await;
    row_key(key).invalidate().await
}

/// Writes a row. Says when its invalidation had been applied, if the call itself can tell.
pub(crate) async fn write(write: Write, key: u32, pen: Pen) -> Option<Duration> {
    match write {
        Write::After => drop(after(key, pen).await),
        Write::Update => drop(update(key, pen).await),
        Write::Manual => {
            let outcome = manual(key, pen).await.expect("room in the journal");
            return (outcome == Invalidation::Applied).then(now);
        }
    }
    None
}

async fn pause(time: Duration) {
    if time.is_zero() {
        tokio::task::yield_now().await;
    } else {
        tokio::time::sleep(time).await;
    }
}
