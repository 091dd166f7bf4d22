//! Tags: one invalidation for every entry that carries the tag.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use cache_runtime::{Cache, cache_result, invalidate_cache, spawn};
use tokio::sync::Semaphore;

use crate::support::{Fixture, Runs, on_each_store, until};

const MINUTE: Duration = Duration::from_secs(60);

#[cache_result(
    key = "grade:<class_id>:<student>",
    ttl = 600,
    tags = ["class:<class_id>", "student:<student>"],
    key_ignores(runs)
)]
async fn grade(class_id: u64, student: &str, runs: &Runs) -> usize {
    runs.run()
}

#[invalidate_cache(tags = ["class:<class_id>"])]
async fn regrade(class_id: u64) {}

#[invalidate_cache(tags = ["student:<return.name>"])]
async fn rename() -> Student {
    Student {
        name: "Ada".to_owned(),
    }
}

struct Student {
    name: String,
}

#[tokio::test]
async fn a_tag_invalidates_every_entry_that_carries_it_and_no_other() {
    on_each_store(async |fixture: Arc<Fixture>| {
        let runs = Runs::default();
        for (class, student) in [(1, "Ada"), (1, "Ben"), (2, "Ada")] {
            grade(class, student, &runs).await;
            grade(class, student, &runs).await;
        }
        assert_eq!(runs.count(), 3);
        regrade(1).await;
        assert_eq!(grade(1, "Ada", &runs).await, 4);
        assert_eq!(grade(1, "Ben", &runs).await, 5);
        assert_eq!(grade(2, "Ada", &runs).await, 3, "another class");
        rename().await;
        assert_eq!(grade(2, "Ada", &runs).await, 6);
        assert_eq!(grade(1, "Ben", &runs).await, 5, "another student");
        assert_eq!(fixture.cache.stats().unreadable, 0);
    })
    .await;
}

#[tokio::test]
async fn a_tag_reaches_entries_of_other_processes() {
    let fixture = Fixture::on_redis().await;
    let other = fixture.another_process();
    let runs = Runs::default();
    assert_eq!(fixture.cache.scope(grade(3, "Ada", &runs)).await, 1);
    assert_eq!(other.scope(grade(3, "Ada", &runs)).await, 1);
    other.scope(regrade(3)).await;
    assert_eq!(fixture.cache.scope(grade(3, "Ada", &runs)).await, 2);
}

#[tokio::test]
async fn an_invalidation_costs_the_same_however_many_entries_a_tag_covers() {
    let fixture = Fixture::on_redis().await;
    let server = fixture.server.as_ref().expect("a server");
    let cache = fixture.cache.clone();
    let runs = Runs::default();
    cache
        .scope(async {
            for student in 0..300 {
                grade(4, &student.to_string(), &runs).await;
            }
            server.reset_stats().await;
            regrade(4).await;
        })
        .await;
    let calls = server.all_calls().await;
    let scripts = calls.get("evalsha").copied().unwrap_or_default();
    let total: u64 = calls.values().sum();
    // With what a first invalidation starts: a connection that notices if another server takes over.
    assert!(scripts <= 1 && total <= 10, "{calls:?}");
}

#[tokio::test]
async fn an_evicted_generation_is_a_miss_and_revives_nothing() {
    let fixture = Fixture::on_redis().await;
    let server = fixture.server.as_ref().expect("a server");
    let runs = Runs::default();
    let ask = || fixture.cache.scope(grade(5, "Ada", &runs));
    assert_eq!(ask().await, 1);
    let () = server.command(("DEL", "[tag]class:5")).await;
    assert_eq!(ask().await, 2);
    let () = server.command(("DEL", "[tag]class:5")).await;
    assert_eq!(ask().await, 3, "a new generation is none of the old ones");
    assert_eq!(ask().await, 3);
}

#[tokio::test]
async fn a_generation_outlives_the_entries_under_it() {
    let fixture = Fixture::on_redis().await;
    let server = fixture.server.as_ref().expect("a server");
    let runs = Runs::default();
    fixture.cache.scope(grade(6, "Ada", &runs)).await;
    let entry: i64 = server.command(("PTTL", "grade:6:Ada")).await;
    let tag: i64 = server.command(("PTTL", "[tag]class:6")).await;
    assert!(entry > 0 && tag >= 2 * entry, "{entry} {tag}");
}

#[tokio::test]
async fn a_hit_with_tags_is_one_command() {
    let fixture = Fixture::on_redis().await;
    let server = fixture.server.as_ref().expect("a server");
    let runs = Runs::default();
    fixture.cache.scope(grade(7, "Ada", &runs)).await;
    server.reset_stats().await;
    fixture.cache.scope(grade(7, "Ada", &runs)).await;
    let calls = server.all_calls().await;
    assert_eq!(
        calls.into_iter().collect::<Vec<_>>(),
        [("mget".to_owned(), 1)]
    );
}

/// A row whose readers answer only when they may.
#[derive(Clone)]
struct Row {
    value: Arc<AtomicU64>,
    reads: Arc<AtomicU64>,
    gate: Arc<Semaphore>,
}

#[cache_result(key = "row:<id>", ttl = 600, tags = ["rows"], key_ignores(row))]
async fn row_of(id: u64, row: Row) -> u64 {
    let value = row.value.load(Ordering::SeqCst);
    row.reads.fetch_add(1, Ordering::SeqCst);
    row.gate.acquire().await.expect("an open gate").forget();
    value
}

#[invalidate_cache(tags = ["rows"])]
async fn write_rows(row: &Row, value: u64) {
    row.value.store(value, Ordering::SeqCst);
}

async fn a_load_that_began_before(fixture: &Fixture, writer: &Cache) {
    let row = Row {
        value: Arc::default(),
        reads: Arc::default(),
        gate: Arc::new(Semaphore::new(0)),
    };
    let slow = spawn(row_of(1, row.clone()));
    until(async || row.reads.load(Ordering::SeqCst) == 1).await;
    writer.scope(write_rows(&row, 1)).await;
    let joined = spawn(row_of(1, row.clone()));
    row.gate.add_permits(1);
    assert_eq!(slow.await.expect("a task"), 0, "it asked before the write");
    row.gate.add_permits(5);
    assert_eq!(joined.await.expect("a task"), 1, "it asked after the write");
    assert_eq!(row_of(1, row.clone()).await, 1);
    assert!(fixture.cache.stats().discarded >= 1);
}

#[tokio::test]
async fn a_load_that_began_before_a_tag_was_invalidated_is_not_stored() {
    on_each_store(async |fixture: Arc<Fixture>| {
        a_load_that_began_before(&fixture, &fixture.cache).await;
    })
    .await;
    let fixture = Fixture::on_redis().await;
    let other = fixture.another_process();
    let cache = fixture.cache.clone();
    cache
        .scope(a_load_that_began_before(&fixture, &other))
        .await;
}

#[invalidate_cache(tags = ["rows"], when = around)]
async fn rewrite_rows(row: Row) {
    row.gate.acquire().await.expect("an open gate").forget();
}

#[tokio::test]
async fn one_load_answers_all_who_ask_while_a_tag_is_written() {
    on_each_store(async |fixture: Arc<Fixture>| {
        let [row, written] = [(); 2].map(|()| Row {
            value: Arc::default(),
            reads: Arc::default(),
            gate: Arc::new(Semaphore::new(0)),
        });
        let writing = spawn(rewrite_rows(written.clone()));
        let fenced = || {
            let unread = Row {
                gate: Arc::new(Semaphore::new(1)),
                ..written.clone()
            };
            row_of(100, unread)
        };
        // Nothing stays stored once the fence is there.
        until(async || {
            let before = written.reads.load(Ordering::SeqCst);
            fenced().await;
            fenced().await;
            written.reads.load(Ordering::SeqCst) == before + 2
        })
        .await;
        let asked: Vec<_> = (0..20).map(|_| spawn(row_of(2, row.clone()))).collect();
        until(async || row.reads.load(Ordering::SeqCst) >= 1).await;
        tokio::task::yield_now().await;
        row.gate.add_permits(20);
        for answer in asked {
            assert_eq!(answer.await.expect("a task"), 0);
        }
        let loads = row.reads.load(Ordering::SeqCst);
        assert!(loads < 20, "{loads} loads, one for each call");
        assert!(fixture.cache.stats().joined > 0);
        written.gate.add_permits(1);
        writing.await.expect("a task");
        assert_eq!(fixture.cache.stats().unfit, 0);
    })
    .await;
}

#[cache_result(key = "board:<id>", ttl = 60, stale = "10m", tags = ["boards"], key_ignores(runs))]
async fn board(id: u64, runs: Runs) -> usize {
    runs.run()
}

#[invalidate_cache(tags = ["boards"])]
async fn clear_boards() {}

#[tokio::test]
async fn a_stale_entry_whose_tag_was_invalidated_is_gone() {
    on_each_store(async |fixture: Arc<Fixture>| {
        let runs = Runs::default();
        board(1, runs.clone()).await;
        fixture.pass("board:1", MINUTE * 2).await;
        clear_boards().await;
        assert_eq!(board(1, runs.clone()).await, 2);
        assert_eq!(fixture.cache.stats().stale, 0);
    })
    .await;
}

#[tokio::test]
async fn the_key_of_a_tagged_function_knows_its_tags() {
    on_each_store(async |_fixture: Arc<Fixture>| {
        let runs = Runs::default();
        grade(8, "Ada", &runs).await;
        let key = grade_key(8, "Ada");
        assert_eq!(key.get().await.expect("a store"), Some(1));
        regrade(8).await;
        assert_eq!(key.get().await.expect("a store"), None);
        key.put(&9, MINUTE).await.expect("a store");
        assert_eq!(grade(8, "Ada", &runs).await, 9);
        regrade(8).await;
        assert_eq!(grade(8, "Ada", &runs).await, 2);
    })
    .await;
}

#[invalidate_cache(key = "row:<id>", when = around)]
async fn keep_fenced(id: u64, end: Arc<Semaphore>) {
    end.acquire().await.expect("an open gate").forget();
}

#[tokio::test]
async fn nobody_joins_a_load_beside_a_fence_that_a_tag_has_overtaken() {
    let fixture = Fixture::on_redis().await;
    let server = fixture.server.as_ref().expect("a server");
    let (cache, writer) = (&fixture.cache, fixture.another_process());
    let row = Row {
        value: Arc::default(),
        reads: Arc::default(),
        gate: Arc::new(Semaphore::new(1)),
    };
    let read = || cache.scope(async { spawn(row_of(1, row.clone())) });
    assert_eq!(read().await.await.expect("a task"), 0, "the tag is known");
    let end = Arc::new(Semaphore::new(0));
    let fence = writer.scope(async { spawn(keep_fenced(1, end.clone())) });
    let fence = fence.await;
    let head = || server.command::<Vec<u8>>(("GETRANGE", "row:1", 0, 3));
    until(async || head().await == b"\xff\xca\x01\x04").await;

    let slow = read().await;
    until(async || row.reads.load(Ordering::SeqCst) == 2).await;
    writer.scope(write_rows(&row, 1)).await;
    let late = read().await;
    until(async || cache.stats().misses == 3).await;
    row.gate.add_permits(5);
    assert_eq!(slow.await.expect("a task"), 0, "it asked before the write");
    assert_eq!(late.await.expect("a task"), 1, "it asked after the write");
    end.add_permits(1);
    fence.await.expect("a task");
}

#[tokio::test]
async fn what_a_key_says_of_its_entry_is_what_a_call_would_find() {
    on_each_store(async |fixture: Arc<Fixture>| {
        let runs = Runs::default();
        board(9, runs.clone()).await;
        let key = board_key(9);
        let left = key.remaining_ttl().await.expect("a store");
        let left = left.expect("an entry");
        assert!(
            left <= MINUTE && left > MINUTE / 2,
            "not its window: {left:?}"
        );
        fixture.pass("board:9", 2 * MINUTE).await;
        assert!(!key.exists().await.expect("a store"), "it is stale");
        board(10, runs.clone()).await;
        assert!(board_key(10).exists().await.expect("a store"));
        clear_boards().await;
        assert!(!board_key(10).exists().await.expect("a store"));
    })
    .await;
}

#[invalidate_cache(tags = ["boards"], when = around)]
async fn rewrite_boards(gate: &Semaphore) {
    gate.acquire().await.expect("an open gate").forget();
}

#[tokio::test]
async fn while_a_tag_is_written_nothing_under_it_is_stored() {
    on_each_store(async |fixture: Arc<Fixture>| {
        let runs = Runs::default();
        let gate = Arc::new(Semaphore::new(0));
        board(11, runs.clone()).await;
        let write = spawn({
            let gate = gate.clone();
            async move { rewrite_boards(&gate).await }
        });
        until(async || !board_key(11).exists().await.expect("a store")).await;
        assert_eq!(board(11, runs.clone()).await, 2);
        assert_eq!(board(11, runs.clone()).await, 3);
        let stats = fixture.cache.stats();
        assert_eq!((stats.published, stats.fenced, stats.unfit), (1, 2, 0));
        gate.add_permits(1);
        write.await.expect("a task");
        assert_eq!(board(11, runs.clone()).await, 4);
        assert_eq!(board(11, runs.clone()).await, 4);
    })
    .await;
}
