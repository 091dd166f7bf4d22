//! kill -9 and a restart, under load.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use cache_runtime::{Cache, cache_result};
use cache_tests::{Latencies, RedisServer, scattered};
use tokio::task::JoinSet;

use super::TURN;
use super::support::{on, until};

const LOADER: Duration = Duration::from_millis(5);

#[cache_result(key = "restart:<id>", ttl = 600)]
async fn row(id: u64) -> Result<u64, std::fmt::Error> {
    tokio::time::sleep(LOADER).await;
    Ok(id)
}

async fn call(cache: Cache, task: u64, stop: Arc<AtomicBool>) -> Vec<Duration> {
    let work = async {
        let mut calls = Vec::new();
        for round in 0_u64.. {
            if stop.load(Ordering::Relaxed) {
                break;
            }
            let (start, id) = (Instant::now(), scattered(task, round) % 200);
            assert_eq!(row(id).await, Ok(id));
            calls.push(start.elapsed());
        }
        calls
    };
    cache.scope(work).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_and_restarted_under_64_tasks_it_costs_no_error() {
    let _turn = TURN.lock().await;
    let mut server = RedisServer::start().await;
    let cache = on(&server);
    let (stop, mut tasks) = (Arc::new(AtomicBool::new(false)), JoinSet::new());
    for task in 0..64 {
        tasks.spawn(call(cache.clone(), task, stop.clone()));
    }
    let mut returns = Vec::new();
    for _ in 0..4 {
        tokio::time::sleep(Duration::from_millis(500)).await;
        server.kill();
        tokio::time::sleep(Duration::from_millis(700)).await;
        server.restart().await;
        let (answers, hits) = (Instant::now(), cache.stats().hits);
        until(async || cache.stats().hits > hits).await;
        returns.push(answers.elapsed());
    }
    stop.store(true, Ordering::Relaxed);
    let calls: Latencies = tasks.join_all().await.into_iter().flatten().collect();
    println!("killed and restarted 4 times: {calls}; hits again after {returns:?}");
    let slowest = returns.iter().max();
    assert!(slowest < Some(&Duration::from_secs(2)), "{returns:?}");
    assert!(
        calls.longest() < LOADER + Duration::from_millis(500),
        "{calls}"
    );
}
