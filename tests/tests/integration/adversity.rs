//! What goes wrong beside the cache: refusals, silence, kept runtimes, dropped callers.

use std::pin::pin;
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use cache_runtime::{
    Cache, Counter, Invalidation, KeyTemplate, Mode, cache_result, invalidate_cache, spawn,
    update_cache,
};
use cache_tests::{FaultProxy, RedisServer};
use tokio::sync::Semaphore;

use crate::support::{Fixture, Runs, on, until};

#[derive(Clone)]
struct Db {
    row: Arc<std::sync::atomic::AtomicU64>,
    reads: Arc<Semaphore>,
    answers: Arc<Semaphore>,
}
impl Db {
    fn new() -> Self {
        Self {
            row: Arc::default(),
            reads: Arc::new(Semaphore::new(0)),
            answers: Arc::new(Semaphore::new(0)),
        }
    }
    fn commit(&self, v: u64) {
        self.row.store(v, std::sync::atomic::Ordering::SeqCst);
    }
    async fn read(&self) -> u64 {
        let row = self.row.load(std::sync::atomic::Ordering::SeqCst);
        self.reads.add_permits(1);
        self.answers.acquire().await.expect("gate").forget();
        row
    }
    async fn was_read(&self) {
        self.reads.acquire().await.expect("gate").forget();
    }
    fn answer(&self) {
        self.answers.add_permits(1);
    }
}

#[cache_result(key = "adverse-row:<id>", ttl = 60, key_ignores(db))]
async fn row(id: u64, db: Db) -> u64 {
    db.read().await
}

#[cache_result(key = "plain:<id>", ttl = 60)]
async fn plain(id: u64) -> u64 {
    id
}

async fn join_after_an_invalidation(other: &Cache, cache: &Cache) {
    let db = Db::new();
    let slow = cache.scope(async { spawn(row(7, db.clone())) }).await;
    db.was_read().await; // began before t1
    db.commit(1);
    let applied = other.scope(row_key(7).invalidate()).await.expect("redis");
    assert_eq!(applied, Invalidation::Applied);
    // Starts after t2.
    let late = cache.scope(async { spawn(row(7, db.clone())) }).await;
    until(async || cache.stats().misses >= 2).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    db.answer();
    db.answer();
    assert_eq!(slow.await.expect("task"), 0);
    assert_eq!(late.await.expect("task"), 1, "P5: stale after Applied");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_stale_value_is_joined_while_redis_is_out_of_memory() {
    let server = RedisServer::start().await;
    let (cache, other) = (on(&server), on(&server));
    let () = server.command(("CONFIG", "SET", "maxmemory", "1")).await;
    join_after_an_invalidation(&other, &cache).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_stale_value_is_joined_after_one_timed_out_read() {
    let server = RedisServer::start().await;
    let proxy = FaultProxy::before(server.port());
    let other = on(&server);
    let cache = Cache::builder()
        .redis_url(proxy.url())
        .budget(Duration::from_millis(200))
        .build()
        .expect("valid");
    cache.scope(plain(1)).await;
    let db = Db::new();
    proxy.black_hole();
    let slow = cache.scope(async { spawn(row(7, db.clone())) }).await;
    db.was_read().await;
    proxy.heal().await;
    let hits = cache.stats().hits;
    until(async || {
        cache.scope(plain(1)).await;
        cache.stats().hits > hits
    })
    .await; // reachable
    db.commit(1);
    assert_eq!(
        other.scope(row_key(7).invalidate()).await.expect("redis"),
        Invalidation::Applied
    );
    let misses = cache.stats().misses;
    let late = cache.scope(async { spawn(row(7, db.clone())) }).await;
    until(async || cache.stats().misses > misses).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    db.answer();
    db.answer();
    assert_eq!(slow.await.expect("task"), 0);
    assert_eq!(late.await.expect("task"), 1, "P5: stale after Applied");
}

static SPECIAL: LazyLock<Cache> = LazyLock::new(Cache::in_memory);

#[cache_result(key = "special:<id>", ttl = 60, cache = &*SPECIAL, key_ignores(value))]
async fn special(id: u64, value: u64) -> u64 {
    value
}

#[invalidate_cache(keys = [special_key(id)])]
async fn write_special(id: u64) {}

#[tokio::test]
async fn a_key_that_names_a_cache_is_invalidated_there() {
    let cache = Cache::in_memory();
    cache
        .scope(async {
            assert_eq!(special(7, 1).await, 1);
            write_special(7).await;
            assert_eq!(special(7, 2).await, 2, "lost invalidation");
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_dropped_while_it_takes_the_lease_frees_the_others() {
    let server = RedisServer::start().await;
    let proxy = FaultProxy::before(server.port());
    let cache = Cache::builder()
        .redis_url(proxy.url())
        .build()
        .expect("valid");
    cache.scope(plain(1)).await; // connected, scripts loaded
    proxy.delay_replies(Duration::from_millis(100));
    let call = cache.scope(async { spawn(plain(7)) }).await;
    tokio::time::sleep(Duration::from_millis(150)).await; // GET answered, LEASE executed, reply on its way
    call.abort();
    proxy.delay_replies(Duration::ZERO);
    let start = Instant::now();
    assert_eq!(cache.scope(plain(7)).await, 7);
    assert!(
        start.elapsed() < Duration::from_secs(2),
        "waited {:?}",
        start.elapsed()
    );
}

#[tokio::test]
async fn a_ttl_without_end_does_not_panic() {
    const NAME: KeyTemplate<(u64,), String> = KeyTemplate::new("adversity:<id>");
    Cache::in_memory()
        .scope(async { NAME.key(7).put(&String::new(), Duration::MAX).await })
        .await
        .expect("stored");
}

#[tokio::test]
async fn a_wait_without_end_does_not_panic() {
    let cache = Cache::builder().wait(Duration::MAX).build().expect("valid");
    let db = Db::new();
    let a = cache.scope(async { spawn(row(7, db.clone())) }).await;
    db.was_read().await;
    let b = cache.scope(async { spawn(row(7, db.clone())) }).await;
    until(async || cache.stats().misses == 2).await;
    db.answer();
    assert!(a.await.is_ok());
    assert!(b.await.is_ok());
}

fn current_thread() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("rt")
}

#[test]
fn a_runtime_that_is_kept_but_not_driven_does_not_starve_the_others() {
    let servers = tokio::runtime::Runtime::new().expect("rt");
    let server = servers.block_on(RedisServer::start());
    let cache = on(&server);
    let kept = current_thread();
    kept.block_on(cache.scope(plain(7)));
    let other = current_thread();
    let start = Instant::now();
    while cache.stats().hits == 0 && start.elapsed() < Duration::from_secs(12) {
        other.block_on(async {
            cache.scope(plain(7)).await;
            tokio::time::sleep(Duration::from_millis(20)).await;
        });
    }
    drop(kept);
    assert!(
        cache.stats().hits > 0,
        "no hit in 12 s: {:?}",
        cache.stats()
    );
}

#[test]
fn riders_are_not_left_behind_by_a_runtime_that_stops() {
    let main = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("rt");
    let server = main.block_on(RedisServer::start());
    let proxy = FaultProxy::before(server.port());
    let cache = Cache::builder()
        .redis_url(proxy.url())
        .build()
        .expect("valid");
    main.block_on(cache.scope(plain(1)));
    proxy.delay_replies(Duration::from_millis(400));
    for id in 0..2 {
        drop(main.block_on(cache.scope(async { spawn(plain(100 + id)) })));
    }
    std::thread::sleep(Duration::from_millis(50)); // two reads in flight
    let kept = current_thread();
    kept.block_on(async {
        let mut call = pin!(cache.scope(plain(200)));
        assert!(
            std::future::poll_fn(|task| Poll::Ready(call.as_mut().poll(task).is_pending())).await
        );
    });
    let late = main.block_on(async {
        tokio::time::timeout(Duration::from_secs(8), cache.scope(plain(300))).await
    });
    drop(kept);
    assert!(late.is_ok(), "a call on a healthy runtime never ended");
}

#[test]
fn a_call_on_a_runtime_that_ended_does_not_hang() {
    let servers = tokio::runtime::Runtime::new().expect("rt");
    let server = servers.block_on(RedisServer::start());
    let cache = on(&server);
    let handle = {
        let gone = current_thread();
        gone.handle().clone()
    };
    let (done, ended) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let _entered = handle.enter();
        let mut call = pin!(cache.scope(plain(7)));
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _ = call.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        }));
        let _ = done.send(outcome.is_ok());
    });
    assert!(
        ended.recv_timeout(Duration::from_secs(5)).is_ok(),
        "deadlock in Link::attempt"
    );
}

#[tokio::test]
async fn an_update_stores_nothing_while_the_cache_is_off() {
    #[update_cache(key = "adversity:<id>", ttl = 60)]
    async fn update(id: u64) -> u64 {
        id
    }
    const KEY: KeyTemplate<(u64,), u64> = KeyTemplate::new("adversity:<id>");
    let cache = Cache::in_memory();
    for (name, mode) in [("off", Mode::Off), ("read", Mode::Read)] {
        cache.set_mode(mode);
        cache.scope(update(7)).await;
        assert!(
            !cache
                .scope(async { KEY.key(7).exists().await })
                .await
                .expect("memory"),
            "{name}"
        );
    }
}

#[tokio::test]
async fn an_update_stores_nothing_in_a_bypass() {
    #[update_cache(key = "adversity:<id>", ttl = 60)]
    async fn update(id: u64) -> u64 {
        id
    }
    let cache = Cache::in_memory();
    cache.scope(cache_runtime::bypass(update(7))).await;
    assert_eq!(cache.stats().published, 0);
    cache.scope(cache_runtime::read_only(update(7))).await;
    assert_eq!(cache.stats().published, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queued_key_is_not_read_by_hand() {
    let server = RedisServer::start().await;
    let proxy = FaultProxy::before(server.port());
    let cache = Cache::builder()
        .redis_url(proxy.url())
        .build()
        .expect("valid");
    cache.scope(plain(7)).await;
    proxy.delay_requests(Duration::from_millis(100)); // the engine still has to connect
    #[invalidate_cache(key = "plain:<id>")]
    async fn write(id: u64) {
        std::future::pending().await
    }
    {
        let mut writing = pin!(cache.scope(write(7)));
        std::future::poll_fn(|task| {
            let _ = writing.as_mut().poll(task);
            Poll::Ready(())
        })
        .await;
    }
    assert!(cache.stats().queued > 0);
    assert_eq!(
        cache
            .scope(async { plain_key(7).get().await })
            .await
            .expect("redis"),
        None,
        "this process bypasses the key"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_pattern_does_not_hold_up_keys() {
    let server = RedisServer::start().await;
    let () = server
        .command((
            "ACL", "SETUSER", "app", "on", ">pw", "~*", "&*", "+@all", "-scan",
        ))
        .await;
    let url = server.url().replace("redis://", "redis://app:pw@");
    let cache = Cache::builder().redis_url(url).build().expect("valid");
    let other = on(&server);
    cache.scope(plain(7)).await;
    cache.scope(plain(8)).await;
    #[invalidate_cache(key = "plain:<id>", pattern = "nothing:*")]
    async fn write(id: u64) {}
    cache.scope(write(7)).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(
        other
            .scope(async { plain_key(7).get().await })
            .await
            .expect("redis"),
        None,
        "the key was never deleted"
    );
}

#[test]
fn outside_a_runtime_a_call_loads_instead_of_panicking() {
    let main = tokio::runtime::Runtime::new().expect("rt");
    let server = main.block_on(RedisServer::start());
    let cache = on(&server);
    let poll = |id| {
        let mut call = pin!(cache.scope(plain(id)));
        call.as_mut().poll(&mut Context::from_waker(Waker::noop()))
    };
    assert_eq!(poll(7), Poll::Ready(7), "not connected yet: fine");
    main.block_on(cache.scope(plain(1)));
    assert_eq!(poll(8), Poll::Ready(8), "connected");
}

#[tokio::test]
async fn a_large_count_is_exact() {
    const COUNT: KeyTemplate<(u64,), Counter> = KeyTemplate::new("adversity:<id>");
    let fixture = Fixture::on_redis().await;
    fixture
        .cache
        .scope(async {
            let large = (1_i64 << 53) + 1;
            assert_eq!(COUNT.key(7).increment(large).await.expect("redis"), large);
        })
        .await;
}

#[tokio::test]
async fn no_error_prints_a_key() {
    let server = RedisServer::start_with(&["--rename-command", "GET", ""]).await;
    const NAME: KeyTemplate<(String,), String> = KeyTemplate::new("adversity:<id>");
    let error = on(&server)
        .scope(async { NAME.key("ada-secret").get().await })
        .await
        .expect_err("no GET");
    let (debug, display) = (format!("{error:?}"), format!("{error}"));
    assert!(!display.contains("ada-secret"), "{display}");
    assert!(!debug.contains("ada-secret"), "{debug}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connecting_and_reading_share_one_budget() {
    let server = RedisServer::start().await;
    let proxy = FaultProxy::before(server.port());
    let cache = Cache::builder()
        .redis_url(proxy.url())
        .build()
        .expect("valid");
    proxy.delay_replies(Duration::from_millis(400));
    let start = Instant::now();
    cache.scope(plain(7)).await;
    assert!(
        start.elapsed() < Duration::from_millis(600),
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_the_server_closed_costs_no_error() {
    let server = RedisServer::start().await;
    let cache = on(&server);
    cache.scope(plain(7)).await;
    let _: i64 = server
        .command(("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"))
        .await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    let value = cache.scope(async { plain_key(7).get().await }).await;
    assert_eq!(value.expect("Redis is up"), Some(7));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn those_behind_an_unfit_key_do_not_wait_for_a_load_they_cannot_have() {
    let server = RedisServer::start().await;
    let cache = on(&server);
    let () = server.command(("RPUSH", "adverse-row:7", "x")).await;
    let db = Db::new();
    let first = cache.scope(async { spawn(row(7, db.clone())) }).await;
    db.was_read().await;
    let second = cache.scope(async { spawn(row(7, db.clone())) }).await;
    let ok = tokio::time::timeout(Duration::from_secs(1), db.was_read()).await;
    db.answer();
    db.answer();
    let _ = (first.await, second.await);
    assert!(
        ok.is_ok(),
        "the second call waited for the first, and then loads all the same"
    );
}

#[tokio::test]
async fn a_large_entry_fits_the_memory_it_was_given() {
    const NAME: KeyTemplate<(usize,), String> = KeyTemplate::new("adversity:<id>");
    for (memory, size) in [(2 << 20, 900_usize << 10), (64 << 20, 1_000 << 10)] {
        let cache = Cache::builder()
            .memory_bytes(memory)
            .build()
            .expect("valid");
        let there = cache.scope(async {
            NAME.key(size)
                .put(&"x".repeat(size), Duration::from_secs(60))
                .await
                .expect("fits");
            NAME.key(size).exists().await.expect("memory")
        });
        assert!(there.await, "{size} of {memory}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recursive_function_with_max_loads_ends() {
    #[cache_result(key = "fib:<n>", ttl = 60, max_loads = 1)]
    async fn tree(n: u64) -> u64 {
        if n == 0 {
            0
        } else {
            Box::pin(tree(n - 1)).await + 1
        }
    }
    let cache = Cache::builder()
        .wait(Duration::from_millis(300))
        .build()
        .expect("valid");
    let done = tokio::time::timeout(Duration::from_secs(3), cache.scope(tree(3))).await;
    assert!(done.is_ok(), "hangs for ever");
}

#[cache_result(key = "distant:<id>", ttl = 60, key_ignores(gate, runs))]
async fn distant(id: u64, gate: Arc<Semaphore>, runs: Runs) -> usize {
    let run = runs.run();
    gate.acquire().await.expect("an open gate").forget();
    run
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn waiting_for_another_process_is_bounded_by_the_wait_and_not_by_the_budget() {
    let server = RedisServer::start().await;
    let proxy = FaultProxy::before(server.port());
    let (gate, runs) = (Arc::new(Semaphore::new(0)), Runs::default());
    let load = |cache: &Cache| tokio::spawn(cache.scope(distant(1, gate.clone(), runs.clone())));
    let far_away = Cache::builder()
        .redis_url(proxy.url())
        .wait(Duration::from_secs(30))
        .build()
        .expect("a valid configuration");
    let holder = load(&on(&server));
    until(async || runs.count() == 1).await;
    proxy.delay_replies(Duration::from_millis(60));
    let seen = server.calls("get").await;
    let waiting = load(&far_away);
    // Of 60 ms each, the budget of a call has room for eight.
    until(async || server.calls("get").await > seen + 15).await;
    gate.add_permits(5);
    assert_eq!(holder.await.expect("a task"), 1);
    assert_eq!(waiting.await.expect("a task"), 1);
}
