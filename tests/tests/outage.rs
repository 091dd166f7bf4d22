//! Redis killed, stopped and started again: it costs speed, not errors. A binary of its own,
//! because it measures.

#![expect(clippy::expect_used, reason = "the whole crate is tests")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use cache_runtime::{BreakerState, Cache, Invalidation, cache_result, spawn};
use cache_tests::{Latencies, RedisServer, scattered};

#[path = "integration/support.rs"]
#[expect(dead_code, reason = "the other binary uses all of it")]
mod support;

use support::{on, until};

/// Durations are measured, so these tests take turns.
static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

const LOADER: Duration = Duration::from_millis(5);
const BUDGET: Duration = Duration::from_millis(500);
const TASKS: u64 = 64;

#[cache_result(key = "item:<id>", ttl = 60)]
async fn item(id: u64) -> u64 {
    tokio::time::sleep(LOADER).await;
    id
}

/// Keeps 64 tasks calling until told to stop; gives the duration of every call.
struct Load {
    stop: Arc<AtomicBool>,
    tasks: Vec<tokio::task::JoinHandle<Vec<(Instant, Duration)>>>,
}

impl Load {
    async fn start(cache: &Cache) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let tasks = cache.scope(async {
            (0..TASKS)
                .map(|task| spawn(Self::call(task, stop.clone())))
                .collect()
        });
        Self {
            tasks: tasks.await,
            stop,
        }
    }

    async fn call(task: u64, stop: Arc<AtomicBool>) -> Vec<(Instant, Duration)> {
        let mut calls = Vec::new();
        for round in 0_u64.. {
            if stop.load(Ordering::Relaxed) {
                break;
            }
            let id = scattered(task, round) % 200;
            let start = Instant::now();
            assert_eq!(item(id).await, id);
            calls.push((start, start.elapsed()));
        }
        calls
    }

    async fn stop(self) -> Vec<(Instant, Duration)> {
        self.stop.store(true, Ordering::Relaxed);
        let mut calls = Vec::new();
        for task in self.tasks {
            calls.extend(task.await.expect("no call failed"));
        }
        calls
    }
}

fn between(calls: &[(Instant, Duration)], from: Instant, to: Instant) -> Latencies {
    let within = calls.iter().filter(|(start, _)| (from..to).contains(start));
    within.map(|(_, took)| *took).collect()
}

/// Waits for hits, and gives how long that took.
async fn hits_again(cache: &Cache) -> Duration {
    let (start, before) = (Instant::now(), cache.stats().hits);
    until(async || cache.stats().hits > before + 200).await;
    start.elapsed()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_server_costs_the_loader_and_little_more() {
    let _turn = TURN.lock().await;
    let mut server = RedisServer::start().await;
    let cache = on(&server);
    let load = Load::start(&cache).await;
    hits_again(&cache).await;

    server.kill();
    let refused = Instant::now();
    tokio::time::sleep(Duration::from_secs(2)).await;
    let end = Instant::now();
    server.restart().await;
    let back = hits_again(&cache).await;

    let calls = load.stop().await;
    let refused = between(&calls, refused, end);
    println!("refused: {refused}; hits again after {back:?}");
    let (p99, longest) = (refused.percentile(99), refused.longest());
    assert!(p99 <= LOADER + Duration::from_millis(20), "p99 {p99:?}");
    assert!(
        longest <= LOADER + Duration::from_millis(200),
        "longest {longest:?}"
    );
    assert!(back < Duration::from_secs(2), "{back:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_server_costs_each_call_one_budget_at_most() {
    let _turn = TURN.lock().await;
    let server = RedisServer::start().await;
    let cache = on(&server);
    let load = Load::start(&cache).await;
    hits_again(&cache).await;

    server.pause();
    let silent = Instant::now();
    tokio::time::sleep(Duration::from_secs(5)).await;
    let end = Instant::now();
    server.resume();
    let back = hits_again(&cache).await;

    let calls = load.stop().await;
    let (all, later) = (
        between(&calls, silent, end),
        between(&calls, silent + 2 * BUDGET, end),
    );
    println!("silent: {all}; after the first second: {later}; hits again after {back:?}");
    let longest = all.longest();
    assert!(
        longest <= LOADER + BUDGET + Duration::from_millis(100),
        "longest {longest:?}"
    );
    let p99 = later.percentile(99);
    assert!(p99 <= LOADER + Duration::from_millis(20), "p99 {p99:?}");
    assert!(back < Duration::from_secs(2), "{back:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invalidation_is_queued_and_sent_when_redis_is_back() {
    let _turn = TURN.lock().await;
    let server = RedisServer::start().await;
    let (cache, other) = (on(&server), on(&server));
    cache.scope(item(7)).await;
    server.pause();
    let outcome = cache.scope(item_key(7).invalidate()).await;
    assert_eq!(outcome.expect("room in the queue"), Invalidation::Queued);
    let loads = cache.stats().loads;
    cache.scope(item(7)).await;
    assert_eq!(
        cache.stats().loads,
        loads + 1,
        "this process bypasses the key"
    );
    server.resume();
    assert!(cache.drained(Duration::from_secs(10)).await);
    other.scope(item(7)).await;
    assert_eq!(
        other.stats().loads,
        1,
        "the old entry is gone for others too"
    );
}

#[tokio::test]
async fn without_a_server_calls_are_still_shared_and_answered() {
    let _turn = TURN.lock().await;
    let mut server = RedisServer::start().await;
    let cache = on(&server);
    server.kill();
    let calls: Vec<_> = cache
        .scope(async { (0..100).map(|_| spawn(item(7))).collect() })
        .await;
    for call in calls {
        let call: tokio::task::JoinHandle<u64> = call;
        assert_eq!(call.await.expect("a task"), 7);
    }
    let stats = cache.stats();
    assert!(stats.loads < 100 && stats.joined > 0, "{stats:?}");
    assert!(
        cache.scope(item_key(7).get()).await.is_err(),
        "manual operations say so"
    );
}

#[tokio::test]
async fn a_full_queue_of_invalidations_says_so() {
    let _turn = TURN.lock().await;
    let mut server = RedisServer::start().await;
    let cache = Cache::builder()
        .redis_url(server.url())
        .journal_capacity(1)
        .build()
        .expect("a valid configuration");
    server.kill();
    let invalidate = |id| cache.scope(async move { item_key(id).invalidate().await });
    assert_eq!(
        invalidate(1).await.expect("room for one"),
        Invalidation::Queued
    );
    assert_eq!(
        invalidate(1).await.expect("it is known"),
        Invalidation::Queued
    );
    assert!(matches!(
        invalidate(2).await,
        Err(cache_runtime::Error::JournalFull { .. })
    ));
    assert_eq!(cache.stats().journal_full, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_only_server_costs_no_error_and_queues_invalidations() {
    let _turn = TURN.lock().await;
    let server = RedisServer::start().await;
    let cache = on(&server);
    cache.scope(item(7)).await;
    let () = server.command(("REPLICAOF", "127.0.0.1", "1")).await;
    assert_eq!(cache.scope(item(7)).await, 7, "what is there is read");
    assert_eq!(
        cache.scope(item(8)).await,
        8,
        "the lease is refused, the loader answers"
    );
    let outcome = cache.scope(item_key(7).invalidate()).await;
    assert_eq!(outcome.expect("room in the queue"), Invalidation::Queued);
    let () = server.command(("REPLICAOF", "NO", "ONE")).await;
    assert!(cache.drained(Duration::from_secs(10)).await);
    // What was queued goes its own way; calls come back when the breaker's probe is answered.
    let deadline = Instant::now() + Duration::from_secs(5);
    let exists = loop {
        match cache.scope(item_key(7).exists()).await {
            Ok(exists) => break exists,
            Err(error) => assert!(Instant::now() < deadline, "{error}"),
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    assert!(!exists, "it was invalidated");
}

/// Keeps 64 tasks at the bare loader, as long as told.
async fn bare(time: Duration) -> Latencies {
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..TASKS {
        tasks.spawn(async move {
            let (begun, mut calls) = (Instant::now(), Vec::new());
            while begun.elapsed() < time {
                let start = Instant::now();
                tokio::time::sleep(LOADER).await;
                calls.push(start.elapsed());
            }
            calls
        });
    }
    tasks.join_all().await.into_iter().flatten().collect()
}

#[cache_result(key = "own:<id>", ttl = 60)]
async fn own(id: u64) -> u64 {
    tokio::time::sleep(LOADER).await;
    id
}

/// The same through the cache: every call a key of its own, so that none waits for another's.
async fn through_the_cache(cache: &Cache, time: Duration) -> Latencies {
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..TASKS {
        let calls = async move {
            let (begun, mut calls) = (Instant::now(), Vec::new());
            for round in 0_u64.. {
                let start = Instant::now();
                if begun.elapsed() > time {
                    break;
                }
                own(task << 32 | round).await;
                calls.push(start.elapsed());
            }
            calls
        };
        tasks.spawn(cache.scope(calls));
    }
    tasks.join_all().await.into_iter().flatten().collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_an_open_breaker_a_call_costs_what_its_loader_costs() {
    let _turn = TURN.lock().await;
    let server = RedisServer::start().await;
    let cache = on(&server);
    cache.scope(item(7)).await;
    server.pause();
    let first = through_the_cache(&cache, Duration::from_millis(600)).await;
    assert_eq!(cache.breaker(), BreakerState::Open);
    // By turns: the machine is not as fast at all times.
    let (mut excess, mut rounds) = (Vec::new(), Vec::new());
    for _ in 0..5 {
        let loader = bare(Duration::from_millis(600)).await;
        let cached = through_the_cache(&cache, Duration::from_millis(600)).await;
        let (loader, cached) = (loader.percentile(99), cached.percentile(99));
        excess.push(cached.saturating_sub(loader));
        rounds.push((loader, cached));
    }
    excess.sort_unstable();
    println!("black hole, first calls: {first}; once open, p99 bare and cached: {rounds:?}");
    let longest = first.longest();
    assert!(
        longest <= LOADER + BUDGET + Duration::from_millis(100),
        "longest {longest:?}"
    );
    // Our code is slower where it is not optimised, and the loader, which sleeps, is not.
    let bound = Duration::from_millis(if cfg!(debug_assertions) { 4 } else { 1 });
    assert!(excess[2] <= bound, "{excess:?}");
    assert_eq!(cache.stats().breaker_openings, 1);
}
