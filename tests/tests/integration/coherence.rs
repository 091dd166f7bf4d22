//! No stale value after an invalidation, whoever loads and whoever invalidates.

use std::sync::Arc;

use cache_runtime::{Cache, Invalidation, cache_result, invalidate_cache, spawn, update_cache};
use tokio::sync::Semaphore;

use crate::support::{Fixture, on_each_store, until};

/// A database of one row, whose reader can be held up between reading and answering.
#[derive(Clone)]
struct Database {
    row: Arc<std::sync::atomic::AtomicU64>,
    reads: Arc<Semaphore>,
    answers: Arc<Semaphore>,
}

impl Database {
    fn new() -> Self {
        let row = Arc::default();
        Self {
            row,
            reads: Arc::new(Semaphore::new(0)),
            answers: Arc::new(Semaphore::new(0)),
        }
    }

    fn commit(&self, value: u64) {
        self.row.store(value, std::sync::atomic::Ordering::SeqCst);
    }

    fn row(&self) -> u64 {
        self.row.load(std::sync::atomic::Ordering::SeqCst)
    }

    /// Reads the row, says so, and answers when it may.
    async fn read(&self) -> u64 {
        let row = self.row();
        self.reads.add_permits(1);
        self.answers.acquire().await.expect("an open gate").forget();
        row
    }

    async fn was_read(&self) {
        self.reads.acquire().await.expect("an open gate").forget();
    }

    fn answer(&self) {
        self.answers.add_permits(1);
    }
}

#[cache_result(key = "row:<id>", ttl = 60, key_ignores(database))]
async fn row(id: u64, database: Database) -> u64 {
    database.read().await
}

#[invalidate_cache(key = "row:<id>")]
async fn write(id: u64, value: u64, database: Database) {
    database.commit(value);
}

async fn a_load_that_began_before(fixture: &Fixture, writer: &Cache) {
    let database = Database::new();
    let slow = spawn(row(7, database.clone()));
    database.was_read().await;
    writer.scope(write(7, 1, database.clone())).await;
    database.answer();
    assert_eq!(
        slow.await.expect("a task"),
        0,
        "its caller asked before the write"
    );
    database.answer();
    assert_eq!(
        row(7, database.clone()).await,
        1,
        "nobody else gets the old value"
    );
    assert_eq!(fixture.cache.stats().discarded, 1);
}

#[tokio::test]
async fn a_load_that_began_before_an_invalidation_never_ends_as_an_entry() {
    on_each_store(async |fixture: Arc<Fixture>| {
        a_load_that_began_before(&fixture, &fixture.cache).await;
    })
    .await;
}

#[tokio::test]
async fn nor_does_one_that_another_process_invalidates() {
    let fixture = Fixture::on_redis().await;
    let other = fixture.another_process();
    let cache = fixture.cache.clone();
    cache
        .scope(a_load_that_began_before(&fixture, &other))
        .await;
}

#[tokio::test]
async fn nor_one_that_a_plain_del_of_any_client_ends() {
    let fixture = Fixture::on_redis().await;
    let server = fixture.server.as_ref().expect("a server");
    let database = Database::new();
    let slow = fixture
        .cache
        .scope(async { spawn(row(7, database.clone())) })
        .await;
    database.was_read().await;
    database.commit(1);
    let () = server.command(("DEL", "row:7")).await;
    database.answer();
    slow.await.expect("a task");
    assert!(!server.command::<bool>(("EXISTS", "row:7")).await);
}

#[tokio::test]
async fn those_who_joined_a_voided_load_go_round_again() {
    on_each_store(async |fixture: Arc<Fixture>| {
        let database = Database::new();
        let leader = spawn(row(7, database.clone()));
        database.was_read().await;
        let joiner = spawn(row(7, database.clone()));
        until(async || fixture.cache.stats().misses == 2).await;
        write(7, 1, database.clone()).await;
        database.answer();
        database.answer();
        assert_eq!(leader.await.expect("a task"), 0);
        assert_eq!(joiner.await.expect("a task"), 1);
    })
    .await;
}

#[tokio::test]
async fn nobody_joins_a_load_that_an_invalidation_has_overtaken() {
    on_each_store(async |_| {
        let database = Database::new();
        let slow = spawn(row(7, database.clone()));
        database.was_read().await;
        write(7, 1, database.clone()).await;
        let late = spawn(row(7, database.clone()));
        database.was_read().await;
        database.answer();
        database.answer();
        assert_eq!(slow.await.expect("a task"), 0);
        assert_eq!(late.await.expect("a task"), 1);
    })
    .await;
}

#[tokio::test]
async fn manual_writes_void_a_load_under_way() {
    on_each_store(async |_| {
        for deletes in [true, false] {
            let database = Database::new();
            let slow = spawn(row(7, database.clone()));
            database.was_read().await;
            assert!(
                !row_key(7).exists().await.expect("a store"),
                "a lease is no entry"
            );
            assert_eq!(row_key(7).remaining_ttl().await.expect("a store"), None);
            if deletes {
                assert!(!row_key(7).delete().await.expect("a store"));
            } else {
                row_key(7)
                    .put(&5, std::time::Duration::from_secs(60))
                    .await
                    .expect("a store");
            }
            database.answer();
            slow.await.expect("a task");
            let stored = row_key(7).get().await.expect("a store");
            assert_eq!(stored, (!deletes).then_some(5));
        }
    })
    .await;
}

#[tokio::test]
async fn an_update_publishes_only_if_nobody_else_wrote() {
    #[update_cache(key = "row:<id>", ttl = 60)]
    async fn update(id: u64, value: u64, database: Database) -> u64 {
        database.commit(value);
        database.read().await
    }
    on_each_store(async |_| {
        let database = Database::new();
        database.answer();
        assert_eq!(update(7, 1, database.clone()).await, 1);
        assert_eq!(row(7, database.clone()).await, 1, "a hit");

        let first = spawn(update(7, 2, database.clone()));
        database.was_read().await;
        database.was_read().await;
        assert!(
            !row_key(7).exists().await.expect("a store"),
            "nothing to read meanwhile"
        );
        let second = spawn(update(7, 3, database.clone()));
        database.was_read().await;
        database.answer();
        database.answer();
        first.await.expect("a task");
        second.await.expect("a task");
        let stored = row_key(7).get().await.expect("a store");
        assert!(stored.is_none() || stored == Some(3), "{stored:?}");
    })
    .await;
}

#[tokio::test]
async fn a_read_that_began_before_an_update_is_not_stored_after_it() {
    #[update_cache(key = "row:<id>", ttl = 60)]
    async fn update(id: u64, value: u64) -> u64 {
        value
    }
    on_each_store(async |_| {
        let database = Database::new();
        let slow = spawn(row(7, database.clone()));
        database.was_read().await;
        update(7, 1).await;
        database.answer();
        slow.await.expect("a task");
        assert_eq!(row_key(7).get().await.expect("a store"), Some(1));
    })
    .await;
}

#[tokio::test]
async fn invalidating_says_what_became_of_it() {
    on_each_store(async |_| {
        let outcome = row_key(7).invalidate().await.expect("a store");
        assert_eq!(outcome, Invalidation::Applied);
    })
    .await;
}
