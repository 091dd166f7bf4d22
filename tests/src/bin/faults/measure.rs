//! Calls of three kinds, and how they fare.

use std::time::{Duration, Instant};

use cache_runtime::{Cache, Invalidation, cache_result};
use cache_tests::{Fault, FaultProxy, Latencies, RedisServer};
use tokio::task::JoinSet;

/// How long the function takes that is cached.
pub(crate) const LOADER: Duration = Duration::from_millis(5);
const TASKS: u64 = 8;
/// Keys that are in Redis when the fault begins.
const KNOWN: u64 = 50;
/// Keys of which the tasks that invalidate have one each.
const INVALIDATED: u64 = 1_000;
const FRESH: u64 = 1_000_000;

#[cache_result(key = "row:<id>", ttl = 600)]
async fn row(id: u64) -> Result<u64, std::fmt::Error> {
    tokio::time::sleep(LOADER).await;
    Ok(id)
}

/// What callers did.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    /// Asked for what is in Redis.
    Hit,
    /// Asked for what is not.
    Miss,
    Invalidate,
}

pub(crate) const ACTS: [Act; 3] = [Act::Hit, Act::Miss, Act::Invalidate];

/// How the calls of one kind fared.
#[derive(Default)]
pub(crate) struct Fared {
    pub(crate) took: Latencies,
    pub(crate) errors: usize,
    pub(crate) applied: usize,
    pub(crate) queued: usize,
}

/// What a fault did.
pub(crate) struct Measured {
    pub(crate) acts: Vec<Fared>,
    /// From the end of the fault to the first hit.
    pub(crate) back: Duration,
    /// Whether all that was queued was applied in the end.
    pub(crate) is_drained: bool,
}

enum Outcome {
    Value,
    Error,
    Applied,
    Queued,
}

/// Lets a fault begin under load, and end after `time`; without one the load is all.
pub(crate) async fn measure(fault: Option<Fault>, time: Duration) -> Measured {
    let server = RedisServer::start().await;
    let proxy = FaultProxy::speaking_before(server.port());
    let cache = Cache::builder().redis_url(proxy.url()).build();
    let cache = cache.expect("a valid configuration");
    for id in (0..KNOWN).chain(INVALIDATED..INVALIDATED + TASKS) {
        cache.scope(row(id)).await.expect("it never fails");
    }
    if let Some(fault) = fault {
        fault.begin(&proxy).await;
    }
    let acts = load(&cache, time).await;
    Fault::end(&proxy).await;
    let end = Instant::now();
    while !is_hit(&cache, end.elapsed()).await {}
    let back = end.elapsed();
    let is_drained = cache.drained(Duration::from_secs(10)).await;
    Measured {
        acts,
        back,
        is_drained,
    }
}

/// Whether a key that nobody invalidates is answered from Redis.
async fn is_hit(cache: &Cache, waited: Duration) -> bool {
    assert!(waited < Duration::from_secs(30), "no hit any more");
    let before = cache.stats().hits;
    cache.scope(row(1)).await.expect("it never fails");
    cache.stats().hits > before
}

/// All kinds of calls at once.
async fn load(cache: &Cache, time: Duration) -> Vec<Fared> {
    let end = Instant::now() + time;
    let mut tasks = JoinSet::new();
    for (at, act) in ACTS.into_iter().enumerate() {
        for task in 0..TASKS {
            let calls = cache.scope(calls(act, task, end));
            tasks.spawn(async move { (at, calls.await) });
        }
    }
    let mut all: Vec<Vec<(Duration, Outcome)>> = ACTS.iter().map(|_| Vec::new()).collect();
    while let Some(done) = tasks.join_next().await {
        let (at, calls) = done.expect("no call panics");
        all[at].extend(calls);
    }
    all.into_iter().map(sum_up).collect()
}

async fn calls(act: Act, task: u64, end: Instant) -> Vec<(Duration, Outcome)> {
    let mut calls = Vec::new();
    for round in 0_u64.. {
        let start = Instant::now();
        if start > end {
            break;
        }
        let id = match act {
            Act::Hit => (task * 31 + round) % KNOWN,
            Act::Miss => FRESH * (task + 1) + round,
            Act::Invalidate => INVALIDATED + task,
        };
        let outcome = if act == Act::Invalidate {
            match row_key(id).invalidate().await {
                Ok(Invalidation::Applied) => Outcome::Applied,
                Ok(Invalidation::Queued) => Outcome::Queued,
                Err(_) => Outcome::Error,
            }
        } else if row(id).await == Ok(id) {
            Outcome::Value
        } else {
            Outcome::Error
        };
        calls.push((start.elapsed(), outcome));
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    calls
}

fn sum_up(calls: Vec<(Duration, Outcome)>) -> Fared {
    let mut fared = Fared::default();
    for (_, outcome) in &calls {
        match outcome {
            Outcome::Value => {}
            Outcome::Error => fared.errors += 1,
            Outcome::Applied => fared.applied += 1,
            Outcome::Queued => fared.queued += 1,
        }
    }
    fared.took = calls.into_iter().map(|(took, _)| took).collect();
    fared
}
