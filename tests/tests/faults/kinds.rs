//! Each fault, shortly.

use std::time::{Duration, Instant};

use cache_runtime::{BreakerState, Cache, Invalidation, cache_result};
use cache_tests::{Fault, FaultProxy, Latencies, RedisServer};
use tokio::task::JoinSet;

use super::support::until;
use super::{PATIENCE, TURN, through};

const LOADER: Duration = Duration::from_millis(5);
const BUDGET: Duration = Duration::from_millis(500);
const FAULT: Duration = Duration::from_millis(1_200);

#[cache_result(key = "kind:<id>", ttl = 600)]
async fn row(id: u64) -> Result<u64, std::fmt::Error> {
    tokio::time::sleep(LOADER).await;
    Ok(id)
}

/// Hits, misses and invalidations until the time is over; every one is answered.
async fn use_it(cache: &Cache, time: Duration) -> Latencies {
    let (start, mut tasks) = (Instant::now(), JoinSet::new());
    for task in 0..8_u64 {
        let cache = cache.clone();
        let work = async move {
            let mut calls = Vec::new();
            for round in 0.. {
                if start.elapsed() > time {
                    break;
                }
                let begun = Instant::now();
                let id = if round % 2 == 0 {
                    round % 10
                } else {
                    1_000 * task + round
                };
                assert_eq!(row(id).await, Ok(id));
                calls.push(begun.elapsed());
                if round % 8 == 0 {
                    let outcome = row_key(id).invalidate().await.expect("room in the queue");
                    assert!(matches!(
                        outcome,
                        Invalidation::Applied | Invalidation::Queued
                    ));
                }
            }
            calls
        };
        tasks.spawn(cache.scope(work));
    }
    tasks.join_all().await.into_iter().flatten().collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_fault_costs_no_error_and_is_over_when_it_ends() {
    let _turn = TURN.lock().await;
    for fault in Fault::ALL {
        let server = RedisServer::start().await;
        let proxy = FaultProxy::speaking_before(server.port());
        let cache = through(&proxy);
        use_it(&cache, Duration::from_millis(100)).await;

        fault.begin(&proxy).await;
        let calls = use_it(&cache, FAULT).await;
        Fault::end(&proxy).await;

        let end = Instant::now();
        let good = async || {
            let before = cache.stats().hits;
            cache.scope(row(5)).await == Ok(5) && cache.stats().hits > before
        };
        until(good).await;
        let back = end.elapsed();
        println!("{}: {calls}; a hit again after {back:?}", fault.name());
        // A call that begins as another's connection is being set up waits for both.
        let longest = calls.longest();
        assert!(
            longest < LOADER + 2 * BUDGET,
            "{}: {longest:?}",
            fault.name()
        );
        assert!(back < Duration::from_secs(3), "{}: {back:?}", fault.name());
        assert!(cache.drained(PATIENCE).await, "{}", fault.name());
        until(async || cache.breaker() == BreakerState::Closed).await;
    }
}
