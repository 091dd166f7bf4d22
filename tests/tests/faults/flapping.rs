//! A server that comes and goes leaves nothing behind.

use std::time::{Duration, Instant};

use cache_runtime::{Cache, Invalidation, cache_result};
use cache_tests::{Fault, FaultProxy, RedisServer};
use tokio::runtime::Handle;
use tokio::task::JoinSet;

use super::support::until;
use super::{PATIENCE, TURN, through};

#[cache_result(key = "flapping:<id>", ttl = 600)]
async fn row(id: u64) -> u64 {
    id
}

async fn call(cache: Cache, until: Instant) {
    let work = async {
        for round in 0_u64.. {
            if Instant::now() > until {
                break;
            }
            assert_eq!(row(round % 100).await, round % 100);
            if round % 16 == 0 {
                let outcome = row_key(round % 100)
                    .invalidate()
                    .await
                    .expect("room in the queue");
                assert!(matches!(
                    outcome,
                    Invalidation::Applied | Invalidation::Queued
                ));
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    cache.scope(work).await;
}

async fn clients(server: &RedisServer) -> usize {
    let list: String = server.command(("CLIENT", "LIST", "TYPE", "normal")).await;
    list.lines().count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flapping_leaks_no_task_and_no_connection() {
    let _turn = TURN.lock().await;
    for fault in [Fault::Refused, Fault::BlackHole] {
        let server = RedisServer::start().await;
        let proxy = FaultProxy::speaking_before(server.port());
        let cache = through(&proxy);
        let first = cache.scope(async {
            row(1).await;
            row_key(1).invalidate().await
        });
        assert_eq!(first.await.expect("a server"), Invalidation::Applied);
        let alive = || Handle::current().metrics().num_alive_tasks();
        let (tasks, connections) = (alive(), clients(&server).await);

        let end = Instant::now() + Duration::from_secs(5);
        let mut calls = JoinSet::new();
        for _ in 0..16 {
            calls.spawn(call(cache.clone(), end));
        }
        while Instant::now() < end {
            fault.begin(&proxy).await;
            tokio::time::sleep(Duration::from_millis(700)).await;
            Fault::end(&proxy).await;
            tokio::time::sleep(Duration::from_millis(400)).await;
        }
        calls.join_all().await;
        assert!(cache.drained(PATIENCE).await);
        // One more for each connection of the cache that was not needed before.
        until(async || alive() <= tasks + 2).await;
        until(async || clients(&server).await <= connections + 1).await;
        let journal = cache.journal();
        assert!(journal.recent <= 100 && journal.queued == 0, "{journal:?}");
        let openings = cache.stats().breaker_openings;
        assert!((1..=20).contains(&openings), "{openings}");
    }
}
