//! One load per key, however many ask, and however the load ends.

use std::sync::Arc;
use std::time::{Duration, Instant};

use cache_runtime::{cache_result, spawn};

use crate::support::{Fixture, Gate, Runs, on_each_store, until};

const SLOW: Duration = Duration::from_millis(50);

#[cache_result(key = "slow:<id>", ttl = 60, key_ignores(runs))]
async fn slow(id: u64, runs: Runs) -> Result<u64, String> {
    runs.run();
    tokio::time::sleep(SLOW).await;
    if id == 0 {
        Err("failed".to_owned())
    } else {
        Ok(id)
    }
}

struct Opaque;

#[cache_result(key = "opaque:<id>", ttl = 60, key_ignores(runs))]
async fn opaque(id: u64, runs: Runs) -> Result<u64, Opaque> {
    runs.run();
    tokio::time::sleep(SLOW).await;
    Err(Opaque)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_callers_share_one_load() {
    on_each_store(async |fixture: Arc<Fixture>| {
        let runs = Runs::default();
        let calls: Vec<_> = (0..1_000).map(|_| spawn(slow(7, runs.clone()))).collect();
        for call in calls {
            assert_eq!(call.await.expect("a task"), Ok(7));
        }
        assert_eq!(runs.count(), 1);
        assert_eq!(fixture.cache.stats().loads, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_share_one_load() {
    let fixture = Fixture::on_redis().await;
    let other = fixture.another_process();
    let runs = Runs::default();
    let here = fixture
        .cache
        .scope(async { spawn(slow(7, runs.clone())) })
        .await;
    until(async || runs.count() == 1).await;
    assert_eq!(other.scope(slow(7, runs.clone())).await, Ok(7));
    assert_eq!(here.await.expect("a task"), Ok(7));
    assert_eq!(runs.count(), 1);
    assert_eq!(other.stats().waited, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_of_a_process_wait_together_for_another_ones_load() {
    #[cache_result(key = "gated:<id>", ttl = 60, key_ignores(runs, gate))]
    async fn gated(id: u64, runs: Runs, gate: Gate) -> u64 {
        runs.run();
        gate.pass().await;
        id
    }
    let fixture = Fixture::on_redis().await;
    let other = fixture.another_process();
    let (runs, gate) = (Runs::default(), Gate::new());
    let call = || spawn(gated(7, runs.clone(), gate.clone()));
    let here = fixture.cache.scope(async { call() }).await;
    until(async || runs.count() == 1).await;
    let there: Vec<_> = other
        .scope(async { (0..10).map(|_| call()).collect() })
        .await;
    until(async || other.stats().misses == 10).await;
    gate.open();
    for call in there {
        assert_eq!(call.await.expect("a task"), 7);
    }
    assert_eq!(here.await.expect("a task"), 7);
    assert_eq!((runs.count(), other.stats().waited), (1, 1));
    // One that has just missed may board too late for what is read now.
    let joined = other.stats().joined;
    assert!(joined >= 8, "{joined} were answered with what one has read");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failing_load_is_not_queued_for() {
    on_each_store(async |_| {
        let runs = Runs::default();
        let start = Instant::now();
        let calls: Vec<_> = (0..1_000).map(|_| spawn(slow(0, runs.clone()))).collect();
        for call in calls {
            assert_eq!(call.await.expect("a task"), Err("failed".to_owned()));
        }
        assert_eq!(runs.count(), 1, "those who wait get a copy of the error");
        assert!(start.elapsed() < 100 * SLOW);

        let runs = Runs::default();
        let start = Instant::now();
        let calls: Vec<_> = (0..1_000).map(|_| spawn(opaque(0, runs.clone()))).collect();
        for call in calls {
            assert!(call.await.expect("a task").is_err());
        }
        assert!(runs.count() > 1, "this error can't be copied");
        assert!(start.elapsed() < 100 * SLOW, "{:?}", start.elapsed());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_leader_releases_the_others_at_once() {
    on_each_store(async |_| {
        let runs = Runs::default();
        let leader = spawn(slow(7, runs.clone()));
        until(async || runs.count() == 1).await;
        let joiners: Vec<_> = (0..10).map(|_| spawn(slow(7, runs.clone()))).collect();
        tokio::task::yield_now().await;
        let start = Instant::now();
        leader.abort();
        for joiner in joiners {
            assert_eq!(joiner.await.expect("a task"), Ok(7));
        }
        assert_eq!(runs.count(), 2, "one of the others loads");
        assert!(
            start.elapsed() < Duration::from_secs(2),
            "{:?}",
            start.elapsed()
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panicking_leader_releases_the_others_at_once() {
    #[cache_result(key = "panic:<id>", ttl = 60, key_ignores(runs))]
    async fn panicking(id: u64, runs: Runs) -> u64 {
        if runs.run() == 1 {
            tokio::time::sleep(SLOW).await;
            std::panic::resume_unwind(Box::new("on purpose"));
        }
        id
    }
    on_each_store(async |_| {
        let runs = Runs::default();
        let leader = spawn(panicking(7, runs.clone()));
        until(async || runs.count() == 1).await;
        let start = Instant::now();
        let joiners: Vec<_> = (0..10).map(|_| spawn(panicking(7, runs.clone()))).collect();
        assert!(leader.await.is_err());
        for joiner in joiners {
            assert_eq!(joiner.await.expect("a task"), 7);
        }
        assert!(
            start.elapsed() < Duration::from_secs(2),
            "{:?}",
            start.elapsed()
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn loads_of_a_function_are_bounded() {
    #[cache_result(key = "bounded:<id>", ttl = 60, max_loads = 2, key_ignores(now, most))]
    async fn bounded(id: u64, now: Runs, most: Runs) -> u64 {
        let running = Arc::new(());
        let _ = running;
        now.run();
        tokio::time::sleep(Duration::from_millis(5)).await;
        most.run();
        id
    }
    on_each_store(async |_| {
        let (started, ended) = (Runs::default(), Runs::default());
        let calls: Vec<_> = (0..20)
            .map(|id| spawn(bounded(id, started.clone(), ended.clone())))
            .collect();
        until(async || {
            assert!(
                started.count() <= ended.count() + 2,
                "more than two at once"
            );
            ended.count() == 20
        })
        .await;
        for call in calls {
            call.await.expect("a task");
        }
    })
    .await;
}

#[tokio::test]
async fn who_finds_no_room_to_load_is_answered_with_an_older_value() {
    #[cache_result(
        key = "crowded:<id>",
        ttl = 60,
        fail_safe = 600,
        soft_timeout = "50ms",
        max_loads = 1,
        key_ignores(gate, runs)
    )]
    async fn crowded(id: u64, gate: Option<Gate>, runs: Runs) -> Result<usize, std::fmt::Error> {
        let run = runs.run();
        if let Some(gate) = gate {
            gate.pass().await;
        }
        Ok(run)
    }
    on_each_store(async |fixture| {
        let (runs, gate) = (Runs::default(), Gate::new());
        assert_eq!(crowded(1, None, runs.clone()).await, Ok(1));
        assert_eq!(crowded(2, None, runs.clone()).await, Ok(2));
        let busy = spawn(crowded(3, Some(gate.clone()), runs.clone()));
        gate.was_reached().await;
        for key in ["crowded:1", "crowded:2"] {
            fixture.pass(key, Duration::from_secs(61)).await;
        }
        let calls: Vec<_> = (0..10)
            .map(|call| spawn(crowded(1 + call % 2, None, runs.clone())))
            .collect();
        for (call, answered) in calls.into_iter().enumerate() {
            assert_eq!(answered.await.expect("a task"), Ok(1 + call % 2));
        }
        assert_eq!(runs.count(), 3, "nobody else has loaded");
        gate.open();
        assert_eq!(busy.await.expect("a task"), Ok(3));
        let loaded = crowded(1, None, runs.clone()).await;
        assert_eq!(loaded, Ok(4), "the older value is no entry");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn waiting_for_another_process_ends() {
    let fixture = Fixture::on_redis().await;
    let server = fixture.server.as_ref().expect("a server");
    let patient = Duration::from_millis(100);
    let hasty = cache_runtime::Cache::builder()
        .redis_url(server.url())
        .wait(patient);
    let hasty = hasty.build().expect("a valid configuration");
    #[cache_result(key = "endless", ttl = 60, companion = none, key_ignores(runs))]
    async fn endless(runs: Runs) -> u64 {
        if runs.run() == 1 {
            std::future::pending::<()>().await;
        }
        7
    }
    let runs = Runs::default();
    let holder = fixture
        .cache
        .scope(async { spawn(endless(runs.clone())) })
        .await;
    until(async || runs.count() == 1).await;
    let start = Instant::now();
    assert_eq!(hasty.scope(endless(runs.clone())).await, 7);
    assert!(start.elapsed() >= patient && start.elapsed() < 20 * patient);
    assert_eq!(
        (hasty.stats().wait_timeouts, hasty.stats().published),
        (1, 0)
    );
    holder.abort();
}
