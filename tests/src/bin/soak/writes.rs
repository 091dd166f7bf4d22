//! Writing rows, in every way that what is cached of them can be ended.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use cache_runtime::{Error, Invalidation, Transaction, invalidate_cache, update_cache};
use parking_lot::Mutex;

use crate::choices::{GROUPS, KEYS, Write};
use crate::database::{Database, WriteId, Writing};
use crate::rows::{aged_key, member_key, pause, row_key};

/// How rows are written.
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

#[invalidate_cache(keys = [row_key(key), member_key(group, key), aged_key(group, key)])]
async fn after(group: u32, key: u32, pen: Pen) -> u32 {
    pen.write(&[key]).await
}

#[invalidate_cache(
    keys = [row_key(key), member_key(group, key), aged_key(group, key)],
    when = around
)]
async fn around(group: u32, key: u32, pen: Pen) -> u32 {
    pen.write(&[key]).await
}

#[update_cache(key = "row:<key>", ttl = 60)]
#[invalidate_cache(keys = [member_key(group, key), aged_key(group, key)])]
async fn update(group: u32, key: u32, pen: Pen) -> u32 {
    pen.write(&[key]).await
}

#[invalidate_cache(tags = ["group:<group>"])]
async fn tag(group: u32, pen: Pen) -> u32 {
    pen.write(&rows_of(group)).await
}

#[invalidate_cache(tags = ["group:<group>"], when = around)]
async fn tag_around(group: u32, pen: Pen) -> u32 {
    pen.write(&rows_of(group)).await
}

#[invalidate_cache(pattern = "member:<group>:*")]
async fn pattern(group: u32, pen: Pen) -> u32 {
    pen.write(&rows_of(group)).await
}

fn rows_of(group: u32) -> Vec<u32> {
    (0..KEYS).filter(|key| key % GROUPS == group).collect()
}

async fn manual(key: u32, pen: Pen) -> Result<Invalidation, Error> {
    pen.write(&[key]).await;
    row_key(key).invalidate().await
}

/// The statements of a transaction, which nobody else sees before its commit.
#[invalidate_cache(keys = [row_key(key), member_key(group, key), aged_key(group, key)])]
async fn statements(group: u32, key: u32) {
    tokio::task::yield_now().await;
}

async fn transaction(group: u32, key: u32, pen: Pen) -> Result<(), Infallible> {
    let transaction = Transaction::new();
    transaction.scope(statements(group, key)).await;
    let commit = async {
        pen.write(&[key]).await;
        Ok(())
    };
    transaction.commit(commit).await
}

/// Whether a write itself says what became of its invalidation.
pub(crate) type Outcome = Option<Invalidation>;

/// Writes a row, or its whole group.
pub(crate) async fn write(write: Write, key: u32, pen: Pen) -> Outcome {
    let group = key % GROUPS;
    match write {
        Write::After => drop(after(group, key, pen).await),
        Write::Around => drop(around(group, key, pen).await),
        Write::Update => drop(update(group, key, pen).await),
        Write::Tag => drop(tag(group, pen).await),
        Write::TagAround => drop(tag_around(group, pen).await),
        Write::Pattern => drop(pattern(group, pen).await),
        Write::Manual => return Some(manual(key, pen).await.expect("room in the journal")),
        Write::Transaction => match transaction(group, key, pen).await {
            Ok(()) => {}
        },
    }
    None
}
