//! Many calls that miss one key at the same moment.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use cache_runtime::redis::AsyncCommands as _;
use cache_runtime::{Cache, RedisConnection, cache_result, spawn};
use cache_tests::now;

const TASKS: usize = 250;
const LOAD_TIME: Duration = Duration::from_millis(50);

static LOADS: AtomicU64 = AtomicU64::new(0);

#[cache_result(key = "stampede:<round>", ttl = 600)]
async fn loaded(round: u64) -> u64 {
    LOADS.fetch_add(1, Ordering::Relaxed);
    tokio::time::sleep(LOAD_TIME).await;
    round
}

/// Answers with the number of loads, then the microseconds that each call took.
pub(crate) async fn run(round: u64, start: Duration) -> String {
    LOADS.store(0, Ordering::Relaxed);
    let call = move || async move { assert_eq!(loaded(round).await, round) };
    let took = at_once(start, call).await;
    format!("{} {took}", LOADS.load(Ordering::Relaxed))
}

/// Answers with the microseconds that each took that asks Redis by hand, waits as long as a load
/// takes, and asks once more: what this machine needs for as many tasks at the least.
pub(crate) async fn pace(cache: &Cache, start: Duration) -> String {
    let redis = cache.connection().await.expect("a connection");
    let call = move || {
        let redis = redis.clone();
        async move {
            let began = Instant::now();
            is_missing(redis.clone()).await;
            tokio::time::sleep(LOAD_TIME.saturating_sub(began.elapsed())).await;
            is_missing(redis).await;
        }
    };
    at_once(start, call).await
}

async fn is_missing(mut redis: RedisConnection) {
    let found: Option<String> = redis.get("pace").await.expect("an answer");
    assert_eq!(found, None);
}

/// The microseconds that each of many calls took that began at the same moment.
async fn at_once<F>(start: Duration, call: impl Fn() -> F) -> String
where
    F: Future<Output = ()> + Send + 'static,
{
    // The other processes wait for the same moment; a timer would be a millisecond late.
    while now() < start {
        std::hint::spin_loop();
    }
    let start = Instant::now();
    let calls: Vec<_> = (0..TASKS)
        .map(|_| {
            let call = call();
            spawn(async move {
                call.await;
                start.elapsed().as_micros()
            })
        })
        .collect();
    let mut took = Vec::with_capacity(TASKS);
    for call in calls {
        took.push(call.await.expect("a call").to_string());
    }
    took.join(" ")
}
