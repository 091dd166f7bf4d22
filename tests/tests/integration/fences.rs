//! Fences: while a write is under way, and while a commit may still arrive, nobody stores what
//! was loaded before it.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::task::Poll;
use std::time::Duration;

use cache_runtime::{Cache, Transaction, cache_result, invalidate_cache, spawn, update_cache};
use cache_tests::{FaultProxy, RedisServer};

use crate::support::{Fixture, Gate, Runs, on, on_each_store, until};

const MINUTE: Duration = Duration::from_secs(60);
/// The lease time of a cache, which bounds the fence of a writer who is gone.
const LEASE: Duration = Duration::from_secs(10);
/// How every fence begins.
const FENCE: [u8; 4] = [0xff, 0xca, 1, 4];

/// A database of one row, whose commits can be held up.
#[derive(Clone, Default)]
struct Database(Arc<State>);

#[derive(Default)]
struct State {
    row: AtomicU64,
    /// The commit that is on its way: from a thread of its own, as soon as it may.
    on_the_way: Mutex<Option<Commit>>,
}

struct Commit {
    go: mpsc::Sender<()>,
    thread: std::thread::JoinHandle<()>,
}

impl Database {
    fn row(&self) -> u64 {
        self.0.row.load(Ordering::SeqCst)
    }

    fn commit(&self, value: u64) {
        self.0.row.store(value, Ordering::SeqCst);
    }

    /// Hands the commit to a thread; it arrives even if nobody waits for it any more.
    async fn commit_on_a_thread(&self, value: u64) {
        let (go, gone) = mpsc::channel();
        let database = self.clone();
        let thread = std::thread::spawn(move || {
            gone.recv().expect("a sign");
            database.commit(value);
        });
        let commit = Commit { go, thread };
        *self.0.on_the_way.lock().expect("not poisoned") = Some(commit);
        tokio::task::yield_now().await;
        self.arrive();
    }

    /// Lets the commit that is on its way arrive.
    fn arrive(&self) {
        let commit = self.0.on_the_way.lock().expect("not poisoned").take();
        if let Some(Commit { go, thread }) = commit {
            go.send(()).expect("a listener");
            thread.join().expect("a commit");
        }
    }
}

#[cache_result(key = "row:<id>", ttl = 60, key_ignores(database))]
async fn row(id: u64, database: &Database) -> u64 {
    database.row()
}

async fn is_stored(id: u64) -> bool {
    row_key(id).exists().await.expect("a store")
}

/// What a load in another process gets, and whether it could be stored.
async fn read_in(process: &Cache, id: u64, database: &Database) -> (u64, bool) {
    let read = async { (row(id, database).await, is_stored(id).await) };
    process.scope(read).await
}

#[invalidate_cache(key = "row:<id>", when = around)]
async fn write_around(id: u64, value: u64, database: Database, gate: Gate) {
    gate.pass().await;
    database.commit(value);
    gate.pass().await;
}

#[tokio::test]
async fn nothing_is_stored_while_a_write_is_under_way() {
    on_each_store(async |fixture: Arc<Fixture>| {
        let (database, gate) = (Database::default(), Gate::new());
        let other = fixture.another_process();
        assert_eq!(row(7, &database).await, 0);
        let write = spawn(write_around(7, 1, database.clone(), gate.clone()));
        for committed in [0, 1] {
            gate.was_reached().await;
            for process in [&fixture.cache, &other] {
                let read = read_in(process, 7, &database).await;
                assert_eq!(read, (committed, false), "loaded, not stored");
            }
            gate.open();
        }
        write.await.expect("a write");
        assert_eq!(read_in(&other, 7, &database).await, (1, true));
        assert_eq!(fixture.cache.stats().invalidations, 1);
        assert!(fixture.cache.stats().fenced + other.stats().fenced >= 4);
    })
    .await;
}

#[cache_result(key = "row:<id>", ttl = 60, key_ignores(database, gate))]
async fn slow_row(id: u64, database: Database, gate: Gate) -> u64 {
    let row = database.row();
    gate.pass().await;
    row
}

#[tokio::test]
async fn a_load_that_a_write_meets_is_not_stored_after_it() {
    on_each_store(async |_| {
        let (database, [read, write]) = (Database::default(), [Gate::new(), Gate::new()]);
        let slow = spawn(slow_row(7, database.clone(), read.clone()));
        read.was_reached().await;
        write.open();
        write.open();
        write_around(7, 1, database.clone(), write).await;
        read.open();
        assert_eq!(slow.await.expect("a task"), 0, "it asked before the write");
        assert!(!is_stored(7).await);
    })
    .await;
}

#[tokio::test]
async fn a_fence_ends_with_the_last_of_its_writers() {
    on_each_store(async |fixture: Arc<Fixture>| {
        let database = Database::default();
        let gates = [Gate::new(), Gate::new()];
        let other = fixture.another_process();
        let [first, second] = gates.each_ref().map(|gate| {
            let (database, gate) = (database.clone(), gate.clone());
            async move { spawn(write_around(7, 1, database, gate)) }
        });
        let first = fixture.cache.scope(first).await;
        let second = other.scope(second).await;
        for gate in &gates {
            gate.was_reached().await;
            gate.open();
            gate.was_reached().await;
        }
        gates[0].open();
        first.await.expect("a write");
        assert_eq!(read_in(&fixture.cache, 7, &database).await, (1, false));
        gates[1].open();
        second.await.expect("a write");
        assert_eq!(read_in(&fixture.cache, 7, &database).await, (1, true));
    })
    .await;
}

#[tokio::test]
async fn a_failed_write_takes_its_fence_away() {
    #[invalidate_cache(key = "row:<id>", when = around)]
    async fn always(id: u64) -> Result<(), String> {
        Err("the reply was lost".to_owned())
    }
    #[invalidate_cache(key = "row:<id>", when = around, on = ok, settle = "1h")]
    async fn on_ok(id: u64) -> Result<(), String> {
        Err("nothing written".to_owned())
    }
    on_each_store(async |fixture: Arc<Fixture>| {
        let database = Database::default();
        for _ in 0..2 {
            assert!(always(7).await.is_err());
            assert_eq!(read_in(&fixture.cache, 7, &database).await, (0, true));
            assert!(on_ok(7).await.is_err());
        }
    })
    .await;
}

#[tokio::test]
async fn keys_settle_after_a_write() {
    #[invalidate_cache(key = "row:<id>", settle = "2s")]
    async fn after(id: u64) {}
    #[invalidate_cache(key = "row:<id>", when = around, settle = "2s")]
    async fn around(id: u64) {}
    on_each_store(async |fixture: Arc<Fixture>| {
        let database = Database::default();
        for writes_around in [false, true] {
            assert_eq!(read_in(&fixture.cache, 7, &database).await, (0, true));
            if writes_around {
                around(7).await;
            } else {
                after(7).await;
            }
            assert_eq!(read_in(&fixture.cache, 7, &database).await, (0, false));
            fixture.pass("row:7", Duration::from_millis(1500)).await;
            assert_eq!(read_in(&fixture.cache, 7, &database).await, (0, false));
            fixture.pass("row:7", Duration::from_millis(501)).await;
            assert_eq!(read_in(&fixture.cache, 7, &database).await, (0, true));
        }
    })
    .await;
}

#[tokio::test]
async fn tags_are_fenced_as_keys_are() {
    #[cache_result(key = "row:<id>", ttl = 60, tags = ["table:<id>"], key_ignores(database))]
    async fn tagged(id: u64, database: &Database) -> u64 {
        database.row()
    }
    #[invalidate_cache(tags = ["table:<id>"], when = around)]
    async fn write(id: u64, database: Database, gate: Gate) {
        gate.pass().await;
        database.commit(1);
    }
    on_each_store(async |_| {
        let (database, gate) = (Database::default(), Gate::new());
        assert_eq!(tagged(7, &database).await, 0);
        let write = spawn(write(7, database.clone(), gate.clone()));
        gate.was_reached().await;
        let runs = database.clone();
        runs.commit(5);
        assert_eq!(tagged(7, &database).await, 5, "loaded");
        runs.commit(6);
        assert_eq!(tagged(7, &database).await, 6, "and not stored");
        gate.open();
        write.await.expect("a write");
        assert_eq!(tagged(7, &database).await, 1);
        database.commit(2);
        assert_eq!(tagged(7, &database).await, 1, "stored again");
    })
    .await;
}

/// Polls a future until it has been pending so many times, then drops it; says whether it ended.
async fn dropped_at<F: Future>(mut future: Pin<Box<F>>, awaits: usize) -> bool {
    let mut left = awaits;
    let ended = poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(_) => Poll::Ready(true),
        Poll::Pending if left == 0 => Poll::Ready(false),
        Poll::Pending => {
            left -= 1;
            Poll::Pending
        }
    });
    ended.await
}

/// A write of several statements, whose commit goes on without it.
async fn statements(value: u64, database: &Database) {
    tokio::task::yield_now().await;
    database.commit_on_a_thread(value).await;
    tokio::task::yield_now().await;
}

/// Drops a write at each of its awaits in turn, then lets its commit arrive.
async fn dropped_at_every_await<F: Future>(
    fixture: &Fixture,
    write: impl Fn(u64, u64, Database) -> F,
) {
    let other = fixture.another_process();
    for (awaits, id) in (0..).enumerate() {
        let (database, key) = (Database::default(), format!("row:{id}"));
        assert_eq!(row(id, &database).await, 0);
        let ended = dropped_at(Box::pin(write(id, 1, database.clone())), awaits).await;
        assert!(fixture.cache.drained(MINUTE).await);
        for process in [&other, &fixture.cache] {
            let before = database.row();
            assert_eq!(process.scope(row(id, &database)).await, before);
        }
        database.arrive();
        for bound in [Duration::ZERO, LEASE] {
            fixture.pass(&key, bound).await;
            for process in [&other, &fixture.cache] {
                let read = process.scope(row(id, &database)).await;
                assert_eq!(
                    read,
                    database.row(),
                    "dropped at await {awaits}, after {bound:?}"
                );
            }
        }
        if ended {
            assert!(awaits >= 3, "the body alone has three: {awaits}");
            assert_eq!(database.row(), 1);
            break;
        }
    }
}

#[tokio::test]
async fn a_writer_dropped_at_any_await_leaves_nothing_old() {
    #[invalidate_cache(key = "row:<id>", when = around)]
    async fn around(id: u64, value: u64, database: Database) {
        statements(value, &database).await;
    }
    #[invalidate_cache(key = "row:<id>")]
    async fn after(id: u64, value: u64, database: Database) {
        statements(value, &database).await;
    }
    #[update_cache(key = "row:<id>", ttl = 60)]
    async fn update(id: u64, value: u64, database: Database) -> u64 {
        statements(value, &database).await;
        value
    }
    #[invalidate_cache(key = "row:<id>")]
    async fn statement(id: u64) {}
    async fn in_a_transaction(id: u64, value: u64, database: Database) {
        let transaction = Transaction::new();
        transaction.scope(statement(id)).await;
        let commit = async {
            statements(value, &database).await;
            Ok::<_, ()>(())
        };
        transaction.commit(commit).await.expect("a commit");
    }
    on_each_store(async |fixture: Arc<Fixture>| {
        dropped_at_every_await(&fixture, in_a_transaction).await;
    })
    .await;
    on_each_store(async |fixture: Arc<Fixture>| dropped_at_every_await(&fixture, around).await)
        .await;
    on_each_store(async |fixture: Arc<Fixture>| dropped_at_every_await(&fixture, after).await)
        .await;
    on_each_store(async |fixture: Arc<Fixture>| dropped_at_every_await(&fixture, update).await)
        .await;
}

#[tokio::test]
async fn a_panicking_writer_leaves_its_keys_fenced_for_the_lease_time() {
    #[invalidate_cache(key = "row:<id>", when = around)]
    async fn around(id: u64) {
        std::panic::resume_unwind(Box::new("on purpose"));
    }
    #[invalidate_cache(key = "row:<id>")]
    async fn after(id: u64) {
        std::panic::resume_unwind(Box::new("on purpose"));
    }
    #[update_cache(key = "row:<id>", ttl = 60)]
    async fn update(id: u64) -> u64 {
        std::panic::resume_unwind(Box::new("on purpose"));
    }
    on_each_store(async |fixture: Arc<Fixture>| {
        let database = Database::default();
        for id in 0..3 {
            assert_eq!(row(id, &database).await, 0);
            let write = match id {
                0 => spawn(around(id)),
                1 => spawn(after(id)),
                _ => spawn(async move {
                    update(id).await;
                }),
            };
            assert!(write.await.is_err());
            assert!(fixture.cache.drained(MINUTE).await);
            let key = format!("row:{id}");
            assert_eq!(read_in(&fixture.cache, id, &database).await, (0, false));
            fixture
                .pass(&key, LEASE.saturating_sub(Duration::from_secs(1)))
                .await;
            assert_eq!(read_in(&fixture.cache, id, &database).await, (0, false));
            fixture.pass(&key, Duration::from_secs(2)).await;
            assert_eq!(read_in(&fixture.cache, id, &database).await, (0, true));
        }
    })
    .await;
}

/// The URL that a writer in a process of its own is given.
const URL: &str = "CACHE_TESTS_URL";

/// Runs a test of this binary in a process of its own.
fn start_process(test: &str, server: &RedisServer) -> Child {
    Command::new(std::env::current_exe().expect("a path"))
        .args(["--exact", test])
        .env(URL, server.url())
        .stdout(Stdio::null())
        .spawn()
        .expect("a process")
}

/// In a process that a test has started: its cache.
fn started_for() -> Option<Cache> {
    let url = std::env::var(URL).ok()?;
    let cache = Cache::builder().redis_url(url).build();
    Some(cache.expect("a valid configuration"))
}

/// What is left of a key's life; nothing if there is no key.
async fn left(server: &RedisServer, key: &str) -> Duration {
    let left: i64 = server.command(("PTTL", key)).await;
    Duration::from_millis(u64::try_from(left).unwrap_or(0))
}

async fn head(server: &RedisServer, key: &str) -> Vec<u8> {
    server.command(("GETRANGE", key, 0, 3)).await
}

#[tokio::test]
async fn a_killed_writer_blocks_its_keys_for_the_lease_time_at_most() {
    if let Some(cache) = started_for() {
        let write = write_around(7, 1, Database::default(), Gate::new());
        cache.scope(write).await;
    }
    let fixture = Fixture::on_redis().await;
    let server = fixture.server.as_ref().expect("a server");
    let database = Database::default();
    let read = || read_in(&fixture.cache, 7, &database);
    assert_eq!(read().await, (0, true));
    let mut writer = start_process(
        "fences::a_killed_writer_blocks_its_keys_for_the_lease_time_at_most",
        server,
    );
    until(async || head(server, "row:7").await == FENCE).await;
    assert_eq!(read().await, (0, false));
    database.commit(1);
    writer.kill().expect("a process");
    writer.wait().expect("a process");
    assert_eq!(read().await, (1, false), "the old entry is gone for good");
    assert!(left(server, "row:7").await <= LEASE);
    fixture.pass("row:7", LEASE).await;
    assert_eq!(read().await, (1, true));
}

#[tokio::test]
async fn a_killed_updater_blocks_its_key_for_the_lease_time_at_most() {
    #[update_cache(key = "row:<id>", ttl = 60)]
    async fn update(id: u64) -> u64 {
        std::future::pending().await
    }
    if let Some(cache) = started_for() {
        cache.scope(update(7)).await;
    }
    let server = RedisServer::start().await;
    let impatient = Cache::builder()
        .redis_url(server.url())
        .wait(Duration::from_millis(20))
        .build()
        .expect("a valid configuration");
    let database = Database::default();
    let read = || read_in(&impatient, 7, &database);
    assert_eq!(read().await, (0, true));
    let mut updater = start_process(
        "fences::a_killed_updater_blocks_its_key_for_the_lease_time_at_most",
        &server,
    );
    until(async || read().await == (0, false)).await;
    database.commit(1);
    updater.kill().expect("a process");
    updater.wait().expect("a process");
    assert_eq!(read().await, (1, false));
    assert!(left(&server, "row:7").await <= LEASE);
    let () = server.command(("PEXPIRE", "row:7", 0)).await;
    assert_eq!(read().await, (1, true));
}

#[tokio::test]
async fn a_fence_is_renewed_while_its_body_runs() {
    let server = RedisServer::start().await;
    let cache = Cache::builder()
        .redis_url(server.url())
        .lease(Duration::from_millis(600))
        .build()
        .expect("a valid configuration");
    let (database, gate) = (Database::default(), Gate::new());
    let write = write_around(7, 1, database.clone(), gate.clone());
    let write = cache.scope(async { spawn(write) }).await;
    gate.was_reached().await;
    for _ in 0..3 {
        let () = server.command(("PEXPIRE", "row:7", 300)).await;
        until(async || left(&server, "row:7").await > Duration::from_millis(300)).await;
    }
    gate.open();
    gate.open();
    write.await.expect("a write");
    assert!(!server.command::<bool>(("EXISTS", "row:7")).await);
}

#[tokio::test]
async fn without_redis_a_write_around_goes_on_as_one_after() {
    let CutOff {
        writer,
        other,
        proxy,
        server: _server,
    } = CutOff::new().await;
    let database = Database::default();
    assert_eq!(read_in(&writer, 7, &database).await, (0, true));
    proxy.refuse().await;

    let gate = Gate::new();
    let write = write_around(7, 1, database.clone(), gate.clone());
    let write = writer.scope(async { spawn(write) }).await;
    gate.was_reached().await;
    let bypassed = writer.stats().bypassed;
    assert_eq!(writer.scope(row(7, &database)).await, 0);
    assert_eq!(writer.stats().bypassed, bypassed + 1, "from the start");
    gate.open();
    gate.open();
    write.await.expect("no error because of the cache");
    assert!(writer.stats().faults > 0);
    assert_eq!(writer.scope(row(7, &database)).await, 1);
    assert_eq!(other.scope(row(7, &database)).await, 0, "queued, as after");

    proxy.heal().await;
    assert!(writer.drained(MINUTE).await);
    assert_eq!(read_in(&other, 7, &database).await, (1, true));
}

/// Cuts a writer off from Redis while others are not.
struct CutOff {
    writer: Cache,
    other: Cache,
    proxy: FaultProxy,
    server: RedisServer,
}

impl CutOff {
    async fn new() -> Self {
        let server = RedisServer::start().await;
        let proxy = FaultProxy::before(server.port());
        let writer = Cache::builder().redis_url(proxy.url()).build();
        Self {
            writer: writer.expect("a valid configuration"),
            other: on(&server),
            proxy,
            server,
        }
    }
}

#[tokio::test]
async fn a_writer_that_loses_redis_invalidates_when_it_is_back() {
    let CutOff {
        writer,
        other,
        proxy,
        server,
    } = CutOff::new().await;
    let (database, gate) = (Database::default(), Gate::new());
    let write = write_around(7, 1, database.clone(), gate.clone());
    let write = writer.scope(async { spawn(write) }).await;
    gate.was_reached().await;
    assert_eq!(read_in(&other, 7, &database).await, (0, false));
    proxy.refuse().await;
    // Nobody renews it.
    let () = server.command(("PEXPIRE", "row:7", 0)).await;
    assert_eq!(read_in(&other, 7, &database).await, (0, true));
    gate.open();
    gate.open();
    write.await.expect("no error because of the cache");
    assert_eq!(writer.scope(row(7, &database)).await, 1);
    proxy.heal().await;
    assert!(writer.drained(MINUTE).await);
    assert_eq!(read_in(&other, 7, &database).await, (1, true));
}

#[tokio::test]
async fn without_redis_nobody_joins_a_load_that_a_write_has_overtaken() {
    let CutOff { writer, proxy, .. } = CutOff::new().await;
    let (database, gate) = (Database::default(), Gate::new());
    proxy.refuse().await;
    let slow = slow_row(7, database.clone(), gate.clone());
    let slow = writer.scope(async { spawn(slow) }).await;
    gate.was_reached().await;
    let open = Gate::new();
    open.open();
    open.open();
    writer
        .scope(write_around(7, 1, database.clone(), open))
        .await;
    assert_eq!(writer.scope(row(7, &database)).await, 1);
    assert_eq!(writer.stats().wait_timeouts, 0, "it did not wait for it");
    gate.open();
    assert_eq!(slow.await.expect("a task"), 0, "it asked before the write");
}

#[tokio::test]
async fn what_redis_did_not_fence_is_bypassed_when_its_writer_is_gone() {
    let CutOff {
        writer,
        other,
        proxy,
        server: _server,
    } = CutOff::new().await;
    let (database, gate) = (Database::default(), Gate::new());
    proxy.refuse().await;
    let write = write_around(7, 1, database.clone(), gate.clone());
    let write = writer.scope(async { spawn(write) }).await;
    gate.was_reached().await;
    proxy.heal().await;
    assert!(writer.drained(MINUTE).await);
    assert_eq!(
        read_in(&other, 7, &database).await,
        (0, true),
        "no fence yet"
    );
    gate.open();
    gate.was_reached().await;
    proxy.delay_requests(Duration::from_millis(20));
    write.abort();
    assert!(write.await.is_err());
    let bypassed = writer.stats().bypassed;
    assert_eq!(writer.scope(row(7, &database)).await, 1);
    assert_eq!(writer.stats().bypassed, bypassed + 1);
    assert!(writer.drained(MINUTE).await);
    assert_eq!(read_in(&other, 7, &database).await, (1, false));
}

#[tokio::test]
async fn what_was_dropped_without_redis_is_fenced_when_it_is_back() {
    #[invalidate_cache(key = "row:<id>")]
    async fn after(id: u64) {
        std::future::pending::<()>().await;
    }
    let CutOff {
        writer,
        other,
        proxy,
        server,
    } = CutOff::new().await;
    let database = Database::default();
    assert_eq!(read_in(&writer, 7, &database).await, (0, true));
    proxy.refuse().await;
    assert!(!writer.scope(dropped_at(Box::pin(after(7)), 0)).await);
    // Coalesced with a plain one, which must not shorten it.
    let _ = writer.scope(row_key(7).invalidate()).await;
    proxy.heal().await;
    assert!(writer.drained(MINUTE).await);
    assert_eq!(head(&server, "row:7").await, FENCE);
    assert!(left(&server, "row:7").await > LEASE / 2);
    assert_eq!(read_in(&other, 7, &database).await, (0, false));
}

#[test]
fn blocking_writes_are_fenced_wherever_they_run() {
    #[invalidate_cache(key = "row:<id>", when = around)]
    fn write(id: u64, during: impl FnOnce()) {
        during();
    }
    #[update_cache(key = "row:<id>", ttl = 60)]
    fn update(id: u64) -> u64 {
        id
    }
    #[cache_result(key = "row:<id>", ttl = 60)]
    fn blocking_row(id: u64) -> u64 {
        id
    }
    let servers = tokio::runtime::Runtime::new().expect("a runtime");
    for fixture in [Fixture::in_memory(), servers.block_on(Fixture::on_redis())] {
        let cache = &fixture.cache;
        let is_stored = |cache: &Cache| servers.block_on(cache.scope(is_stored(7)));
        cache.scope_blocking(|| {
            blocking_row(7);
            write(7, || {
                blocking_row(7);
                assert!(!is_stored(cache), "not while it runs");
            });
            blocking_row(7);
            assert!(is_stored(cache));
        });

        // On a runtime's thread nobody waits for Redis, so a fence may end a moment later.
        let on_a_runtime = async {
            let database = Database::default();
            write(7, || {});
            until(async || read_in(cache, 7, &database).await.1).await;
            assert_eq!(update(7), 7);
            assert!(cache.drained(MINUTE).await);
            assert_eq!(read_in(cache, 7, &database).await, (0, true), "no fence");
        };
        servers.block_on(cache.scope(on_a_runtime));
    }
}

#[tokio::test]
async fn an_update_respects_a_fence() {
    #[update_cache(key = "row:<id>", ttl = 60)]
    async fn update(id: u64, value: u64, database: &Database) -> u64 {
        database.commit(value);
        value
    }
    on_each_store(async |fixture: Arc<Fixture>| {
        let (database, gate) = (Database::default(), Gate::new());
        let write = spawn(write_around(7, 1, database.clone(), gate.clone()));
        gate.was_reached().await;
        assert_eq!(update(7, 5, &database).await, 5);
        assert!(!is_stored(7).await, "the write may come before or after it");
        assert_eq!(read_in(&fixture.cache, 7, &database).await, (5, false));
        gate.open();
        gate.open();
        write.await.expect("a write");
        assert_eq!(read_in(&fixture.cache, 7, &database).await, (1, true));
    })
    .await;
}

#[tokio::test]
async fn an_update_stores_nothing_that_others_have_overtaken() {
    #[update_cache(key = "row:<id>", ttl = 60)]
    async fn update(id: u64, value: u64, gate: Gate) -> u64 {
        gate.pass().await;
        value
    }
    on_each_store(async |fixture: Arc<Fixture>| {
        let database = Database::default();
        let other = fixture.another_process();
        for overtaking in ["nobody", "an invalidation", "an update", "a fence"] {
            let gate = Gate::new();
            let slow = spawn(update(7, 1, gate.clone()));
            gate.was_reached().await;
            match overtaking {
                "an invalidation" => {
                    let outcome = other.scope(row_key(7).invalidate()).await;
                    assert_eq!(
                        outcome.expect("a store"),
                        cache_runtime::Invalidation::Applied
                    );
                }
                "an update" => {
                    let open = Gate::new();
                    open.open();
                    assert_eq!(other.scope(update(7, 2, open)).await, 2);
                }
                "a fence" => {
                    let open = Gate::new();
                    open.open();
                    open.open();
                    other
                        .scope(write_around(7, 0, database.clone(), open))
                        .await;
                }
                _ => {}
            }
            gate.open();
            assert_eq!(slow.await.expect("a task"), 1);
            let stored = row_key(7).get().await.expect("a store");
            assert_eq!(stored.is_some(), overtaking == "nobody", "{overtaking}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_load_under_way_is_not_stored_over_an_update() {
    #[cache_result(key = "row:<id>", ttl = 60, key_ignores(gate, runs))]
    async fn slow_row(id: u64, gate: Gate, runs: Runs) -> u64 {
        runs.run();
        gate.pass().await;
        0
    }
    #[update_cache(key = "row:<id>", ttl = 60)]
    async fn update(id: u64) -> u64 {
        1
    }
    on_each_store(async |fixture: Arc<Fixture>| {
        let (gate, runs) = (Gate::new(), Runs::default());
        let leader = spawn(slow_row(7, gate.clone(), runs.clone()));
        gate.was_reached().await;
        let joiner = spawn(slow_row(7, gate.clone(), runs.clone()));
        until(async || fixture.cache.stats().misses == 2).await;
        assert_eq!(fixture.another_process().scope(update(7)).await, 1);
        gate.open();
        assert_eq!(
            leader.await.expect("a task"),
            0,
            "it asked before the update"
        );
        assert_eq!(
            joiner.await.expect("a task"),
            1,
            "sent round again, to the update"
        );
        assert_eq!(row_key(7).get().await.expect("a store"), Some(1));
        assert_eq!(runs.count(), 1);
    })
    .await;
}
