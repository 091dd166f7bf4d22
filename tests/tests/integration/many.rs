//! `#[cache_many]`: one read, one load for exactly what is missing, an entry for each id.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cache_runtime::{bypass, cache_many, cache_result, read_only, refresh, spawn};
use tokio::sync::Semaphore;

use crate::support::{Fixture, on_each_store, until};

/// A table that notes what it was asked for, and can hold its answers.
#[derive(Clone)]
struct Table {
    asked: Arc<Mutex<Vec<Vec<u64>>>>,
    gate: Arc<Semaphore>,
    offset: Arc<Mutex<u64>>,
}

impl Table {
    fn new() -> Self {
        Self {
            asked: Arc::default(),
            gate: Arc::new(Semaphore::new(Semaphore::MAX_PERMITS)),
            offset: Arc::default(),
        }
    }

    fn hold(&self) {
        self.gate.forget_permits(Semaphore::MAX_PERMITS);
    }

    fn asked(&self) -> Vec<Vec<u64>> {
        self.asked.lock().expect("no panic").clone()
    }

    fn set(&self, offset: u64) {
        *self.offset.lock().expect("no panic") = offset;
    }

    /// Rows from 1,000 on are missing.
    async fn rows(&self, ids: &[u64]) -> HashMap<u64, u64> {
        self.asked.lock().expect("no panic").push(ids.to_vec());
        let offset = *self.offset.lock().expect("no panic");
        self.gate.acquire().await.expect("an open gate").forget();
        let there = ids.iter().filter(|id| **id < 1_000);
        there.map(|id| (*id, id * 10 + offset)).collect()
    }
}

#[cache_many(key = "many:<id>", by = id in ids, ttl = 60, key_ignores(table))]
async fn rows(ids: &[u64], table: &Table) -> HashMap<u64, u64> {
    table.rows(ids).await
}

#[cache_result(key = "many:<id>", ttl = 60, key_ignores(table))]
async fn row(id: u64, table: &Table) -> u64 {
    table.rows(&[id]).await[&id]
}

fn sorted(rows: HashMap<u64, u64>) -> BTreeMap<u64, u64> {
    rows.into_iter().collect()
}

#[tokio::test]
async fn the_body_sees_exactly_what_is_missing_and_each_id_has_an_entry() {
    on_each_store(async |fixture: Arc<Fixture>| {
        let table = Table::new();
        assert_eq!(
            sorted(rows(&[1, 2], &table).await),
            [(1, 10), (2, 20)].into()
        );
        let all = sorted(rows(&[1, 2, 3], &table).await);
        assert_eq!(all, [(1, 10), (2, 20), (3, 30)].into());
        assert_eq!(table.asked(), [vec![1, 2], vec![3]]);
        assert_eq!(
            row(2, &table).await,
            20,
            "the entry of the one-key function"
        );
        let _ = rows_key(2).invalidate().await.expect("a store");
        rows(&[1, 2, 3], &table).await;
        assert_eq!(table.asked().last(), Some(&vec![2]));
        let stats = fixture.cache.stats();
        assert_eq!((stats.hits, stats.misses, stats.published), (5, 4, 4));
    })
    .await;
}

#[tokio::test]
async fn an_id_that_is_given_twice_is_loaded_once() {
    on_each_store(async |_fixture: Arc<Fixture>| {
        let table = Table::new();
        assert_eq!(rows(&[1, 1, 2, 1], &table).await.len(), 2);
        assert_eq!(table.asked(), [vec![1, 2]]);
        assert!(rows(&[], &table).await.is_empty());
        assert_eq!(table.asked().len(), 1, "for nothing, nothing is asked");
    })
    .await;
}

#[tokio::test]
async fn an_id_without_a_value_is_not_cached() {
    on_each_store(async |fixture: Arc<Fixture>| {
        let table = Table::new();
        assert_eq!(sorted(rows(&[1, 2_000], &table).await), [(1, 10)].into());
        assert_eq!(sorted(rows(&[1, 2_000], &table).await), [(1, 10)].into());
        assert_eq!(table.asked(), [vec![1, 2_000], vec![2_000]]);
        assert_eq!(fixture.cache.stats().published, 1);
    })
    .await;
}

#[tokio::test]
async fn a_batch_and_a_single_call_share_one_load() {
    on_each_store(async |_fixture: Arc<Fixture>| {
        let table = Table::new();
        table.hold();
        let single = spawn({
            let table = table.clone();
            async move { row(1, &table).await }
        });
        until(async || table.asked().len() == 1).await;
        let batch = spawn({
            let table = table.clone();
            async move { rows(&[1, 2], &table).await }
        });
        until(async || table.asked().len() == 2).await;
        table.gate.add_permits(2);
        assert_eq!(single.await.expect("a task"), 10);
        let batch = sorted(batch.await.expect("a task"));
        assert_eq!(batch, [(1, 10), (2, 20)].into());
        assert_eq!(table.asked(), [vec![1], vec![2]]);
    })
    .await;
}

#[tokio::test]
async fn batches_that_meet_crosswise_do_not_wait_for_each_other() {
    let fixture = Fixture::on_redis().await;
    let caches = [fixture.cache.clone(), fixture.another_process()];
    let table = Table::new();
    let calls = (0..40_u64).map(|call| {
        let (table, cache) = (table.clone(), &caches[usize::from(call % 2 == 0)]);
        let mut ids: Vec<u64> = (0..30).collect();
        if call % 3 == 0 {
            ids.reverse();
        }
        ids.rotate_left(usize::try_from(call % 30).expect("small"));
        tokio::spawn(cache.scope(async move { rows(&ids, &table).await.len() }))
    });
    let calls: Vec<_> = calls.collect();
    let all = async {
        for call in calls {
            assert_eq!(call.await.expect("a task"), 30);
        }
    };
    tokio::time::timeout(Duration::from_secs(4), all)
        .await
        .expect("no deadlock");
    let loaded: usize = table.asked().iter().map(Vec::len).sum();
    assert_eq!(loaded, 30, "each id once, in both processes together");
}

#[tokio::test]
async fn a_batch_costs_three_round_trips() {
    let fixture = Fixture::on_redis().await;
    let server = fixture.server.as_ref().expect("a server");
    let cache = fixture.cache.clone();
    let table = Table::new();
    let ids: Vec<u64> = (0..50).collect();
    cache.scope(rows(&[999], &table)).await;
    server.reset_stats().await;
    cache.scope(rows(&ids, &table)).await;
    let calls = server.all_calls().await;
    assert_eq!(calls.get("mget"), Some(&1), "{calls:?}");
    assert_eq!(
        calls.get("evalsha"),
        Some(&100),
        "a lease and a publish each"
    );
    server.reset_stats().await;
    cache.scope(rows(&ids, &table)).await;
    let calls: Vec<_> = server.all_calls().await.into_iter().collect();
    assert_eq!(calls, [("mget".to_owned(), 1)]);
}

#[tokio::test]
async fn a_batch_that_began_before_an_invalidation_is_not_stored() {
    on_each_store(async |fixture: Arc<Fixture>| {
        let table = Table::new();
        table.hold();
        let slow = spawn({
            let table = table.clone();
            async move { rows(&[1, 2], &table).await }
        });
        until(async || table.asked().len() == 1).await;
        table.set(1);
        let _ = rows_key(1).invalidate().await.expect("a store");
        table.gate.add_permits(5);
        slow.await.expect("a task");
        assert_eq!(
            sorted(rows(&[1, 2], &table).await),
            [(1, 11), (2, 20)].into()
        );
        assert_eq!(fixture.cache.stats().discarded, 1);
    })
    .await;
}

#[cache_many(
    key = "grade:<class>:<id>",
    by = id in ids,
    ttl = 60,
    tags = ["grades:<class>"],
    store_if = |grade: &u64| *grade != 30,
    key_ignores(table)
)]
async fn grades(class: u64, ids: Vec<u64>, table: &Table) -> Result<BTreeMap<u64, u64>, String> {
    if class == 9 {
        return Err("no such class".to_owned());
    }
    Ok(table.rows(&ids).await.into_iter().collect())
}

#[tokio::test]
async fn a_batch_has_tags_conditions_and_errors_like_any_call() {
    on_each_store(async |fixture: Arc<Fixture>| {
        let table = Table::new();
        let ask = || grades(1, vec![2, 3], &table);
        assert_eq!(ask().await, Ok([(2, 20), (3, 30)].into()));
        ask().await.expect("a class");
        assert_eq!(
            table.asked(),
            [vec![2, 3], vec![3]],
            "3 is not to be stored"
        );
        cache_tags_of(1).await;
        ask().await.expect("a class");
        assert_eq!(table.asked().last(), Some(&vec![2, 3]));
        let failed = grades(9, vec![1], &table).await;
        assert_eq!(failed, Err("no such class".to_owned()));
        assert_eq!(fixture.cache.stats().published, 2);
    })
    .await;
}

#[cache_runtime::invalidate_cache(tags = ["grades:<class>"])]
async fn cache_tags_of(class: u64) {}

#[tokio::test]
async fn scopes_hold_for_batches() {
    on_each_store(async |fixture: Arc<Fixture>| {
        let table = Table::new();
        bypass(rows(&[1], &table)).await;
        read_only(rows(&[1], &table)).await;
        assert_eq!(fixture.cache.stats().published, 0);
        rows(&[1], &table).await;
        table.set(5);
        assert_eq!(sorted(rows(&[1], &table).await), [(1, 10)].into());
        assert_eq!(sorted(refresh(rows(&[1], &table)).await), [(1, 15)].into());
        assert_eq!(sorted(rows(&[1], &table).await), [(1, 15)].into());
    })
    .await;
}

#[tokio::test]
async fn a_crowd_on_an_id_without_a_value_asks_for_it_once() {
    on_each_store(async |fixture: Arc<Fixture>| {
        let table = Table::new();
        table.hold();
        let ask = || {
            let table = table.clone();
            spawn(async move { rows(&[1, 2_000], &table).await })
        };
        let calls: Vec<_> = (0..20).map(|_| ask()).collect();
        until(async || fixture.cache.stats().misses == 40).await;
        table.gate.add_permits(100);
        for call in calls {
            assert_eq!(sorted(call.await.expect("a task")), [(1, 10)].into());
        }
        assert_eq!(table.asked(), [vec![1, 2_000]]);
    })
    .await;
}

#[cache_many(key = "failing:<id>", by = id in ids, ttl = 60, key_ignores(table))]
async fn failing(ids: &[u64], table: &Table) -> Result<HashMap<u64, u64>, String> {
    table.rows(ids).await;
    Err("no table".to_owned())
}

#[tokio::test]
async fn a_crowd_on_a_failing_batch_fails_with_one_load() {
    on_each_store(async |fixture: Arc<Fixture>| {
        let table = Table::new();
        table.hold();
        let ask = || {
            let table = table.clone();
            spawn(async move { failing(&[1, 2], &table).await })
        };
        let calls: Vec<_> = (0..20).map(|_| ask()).collect();
        until(async || fixture.cache.stats().misses == 40).await;
        table.gate.add_permits(100);
        for call in calls {
            assert_eq!(call.await.expect("a task"), Err("no table".to_owned()));
        }
        assert_eq!(table.asked(), [vec![1, 2]]);
    })
    .await;
}

#[cache_many(key = "own:<id>", by = id in ids, ttl = 60, key_ignores(depth))]
async fn asks_itself(ids: &[u64], depth: u64) -> HashMap<u64, u64> {
    match depth {
        0 => ids.iter().map(|id| (*id, *id)).collect(),
        depth => Box::pin(asks_itself(ids, depth - 1)).await,
    }
}

#[cache_runtime::invalidate_cache(key = "own:<id>", when = around)]
async fn write_own(id: u64) -> usize {
    asks_itself(&[id], 1).await.len()
}

#[tokio::test]
async fn a_batch_that_asks_for_itself_does_not_wait_for_itself() {
    on_each_store(async |fixture: Arc<Fixture>| {
        let asked = tokio::time::timeout(Duration::from_secs(2), asks_itself(&[1], 1)).await;
        assert_eq!(asked.map(|found| found.len()), Ok(1));
        let written = tokio::time::timeout(Duration::from_secs(2), write_own(2)).await;
        assert_eq!(written, Ok(1), "nor beside a fence");
        assert_eq!(fixture.cache.stats().recursive, 2);
    })
    .await;
}
