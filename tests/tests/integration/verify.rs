//! `verify`, and loads that ask for themselves.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use cache_runtime::cache_result;
use tokio::sync::Semaphore;

use crate::support::{Fixture, on_each_store, until};

type Row = Arc<AtomicU64>;

#[cache_result(key = "verified:<id>", ttl = 60, verify = 1.0, key_ignores(row))]
async fn verified(id: u64, row: &Row) -> u64 {
    row.load(Ordering::SeqCst)
}

#[tokio::test]
async fn a_forgotten_invalidation_is_found_on_a_hit() {
    on_each_store(async |fixture: Arc<Fixture>| {
        let row = Row::default();
        assert_eq!(verified(1, &row).await, 0);
        assert_eq!(verified(1, &row).await, 0);
        let stats = fixture.cache.stats();
        assert_eq!((stats.hits, stats.verified, stats.mismatches), (1, 1, 0));
        row.store(1, Ordering::SeqCst);
        assert_eq!(
            verified(1, &row).await,
            1,
            "what is known to be old is not answered"
        );
        until(async || fixture.cache.stats().mismatches == 1).await;
    })
    .await;
}

#[tokio::test]
async fn a_difference_that_a_write_is_about_to_mend_is_none() {
    on_each_store(async |fixture: Arc<Fixture>| {
        let row = Row::default();
        verified(2, &row).await;
        row.store(1, Ordering::SeqCst);
        verified(2, &row).await;
        let _ = verified_key(2).invalidate().await.expect("a store");
        assert!(fixture.cache.drained(Duration::from_secs(10)).await);
        let stats = fixture.cache.stats();
        assert_eq!((stats.verified, stats.mismatches), (1, 0));
    })
    .await;
}

#[cache_result(key = "factorial:<n>", ttl = 60)]
async fn factorial(n: u64) -> u64 {
    match n {
        0 => 1,
        n => n * Box::pin(factorial(n - 1)).await,
    }
}

#[cache_result(key = "endless:<n>", ttl = 60, key_ignores(depth))]
async fn endless(n: u64, depth: u64) -> u64 {
    match depth {
        0 => n,
        depth => Box::pin(through(n, depth - 1)).await,
    }
}

#[cache_result(key = "through:<n>", ttl = 60, key_ignores(depth))]
async fn through(n: u64, depth: u64) -> u64 {
    endless(n, depth).await
}

#[tokio::test]
async fn a_load_that_asks_for_itself_is_found_and_does_not_wait_for_itself() {
    on_each_store(async |fixture: Arc<Fixture>| {
        assert_eq!(factorial(5).await, 120, "other keys are other loads");
        assert_eq!(fixture.cache.stats().recursive, 0);
        let asked = tokio::time::timeout(Duration::from_secs(2), endless(7, 3)).await;
        assert_eq!(asked, Ok(7));
        let stats = fixture.cache.stats();
        assert!(stats.recursive >= 1, "{stats:?}");
        assert_eq!(stats.wait_timeouts, 0);
    })
    .await;
}

#[cache_result(key = "starts:<id>", ttl = 60, key_ignores(row))]
async fn starts_a_task(id: u64, row: Row) -> u64 {
    cache_runtime::spawn(async move {
        while row.load(Ordering::SeqCst) == 0 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        row.store(2 + the_same(id).await, Ordering::SeqCst);
    });
    id
}

#[cache_result(key = "starts:<id>", ttl = 60, companion = none)]
async fn the_same(id: u64) -> u64 {
    id
}

#[tokio::test]
async fn a_task_that_outlives_the_load_that_started_it_is_no_part_of_it() {
    on_each_store(async |fixture: Arc<Fixture>| {
        let row = Row::default();
        starts_a_task(1, row.clone()).await;
        let _ = starts_a_task_key(1).invalidate().await.expect("a store");
        row.store(1, Ordering::SeqCst);
        until(async || row.load(Ordering::SeqCst) == 3).await;
        let stats = fixture.cache.stats();
        assert_eq!((stats.recursive, stats.published), (0, 2));
    })
    .await;
}

#[cache_result(
    key = "verified_tagged:<id>",
    ttl = 60,
    verify = 1.0,
    tags = ["verified:<id>"],
    key_ignores(row)
)]
async fn verified_tagged(id: u64, row: &Row) -> u64 {
    row.load(Ordering::SeqCst)
}

#[cache_runtime::invalidate_cache(tags = ["verified:<id>"])]
async fn rewrite(id: u64) {}

#[tokio::test]
async fn a_difference_that_the_invalidation_of_a_tag_mends_is_none() {
    on_each_store(async |fixture: Arc<Fixture>| {
        let row = Row::default();
        verified_tagged(1, &row).await;
        row.store(1, Ordering::SeqCst);
        verified_tagged(1, &row).await;
        rewrite(1).await;
        assert!(fixture.cache.drained(Duration::from_secs(10)).await);
        let stats = fixture.cache.stats();
        assert_eq!((stats.verified, stats.mismatches), (1, 0));
    })
    .await;
}

#[cache_result(
    key = "gated:<id>",
    ttl = 60,
    verify = 1.0,
    max_loads = 1,
    key_ignores(gate)
)]
async fn gated(id: u64, gate: Arc<Semaphore>) -> u64 {
    gate.acquire().await.expect("an open gate").forget();
    id
}

#[tokio::test]
async fn a_hit_does_not_wait_until_it_may_be_verified() {
    on_each_store(async |fixture: Arc<Fixture>| {
        let gate = Arc::new(Semaphore::new(1));
        gated(1, gate.clone()).await;
        let verified = cache_runtime::spawn(gated(1, gate.clone()));
        until(async || fixture.cache.stats().hits == 1).await;
        let hit = tokio::time::timeout(Duration::from_secs(2), gated(1, gate.clone())).await;
        assert_eq!(hit, Ok(1));
        gate.add_permits(1);
        assert_eq!(verified.await.expect("a task"), 1);
        assert_eq!(fixture.cache.stats().verified, 1);
    })
    .await;
}
