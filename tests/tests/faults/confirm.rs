//! Invalidations that replicas have to have.

use std::time::{Duration, Instant};

use cache_runtime::{Cache, Error, Invalidation, cache_result, invalidate_cache, update_cache};
use cache_tests::{FaultProxy, RedisCluster, RedisServer};

use super::support::{on, until};
use super::{PATIENCE, TURN};

#[cache_result(key = "confirm:<id>", ttl = 600)]
async fn row(id: u64) -> u64 {
    id
}

#[invalidate_cache(key = "confirm:<id>", confirm = replicas(1), on_failure = error)]
async fn write(id: u64) -> Result<(), Error> {
    Ok(())
}

#[invalidate_cache(key = "confirm:<id>", confirm = replicas(1), when = around, on_failure = error)]
async fn write_around(id: u64) -> Result<(), Error> {
    Ok(())
}

#[update_cache(key = "confirm:<id>", ttl = 600, confirm = replicas(1))]
async fn update(id: u64) -> u64 {
    id
}

#[invalidate_cache(key = "confirm:<id>", on_failure = error)]
async fn plain(id: u64, outcome: Result<u64, Error>) -> Result<u64, Error> {
    outcome
}

/// A server with a replica, and what can be done to the way between them.
struct Pair {
    primary: RedisServer,
    replica: RedisServer,
    between: FaultProxy,
    cache: Cache,
}

impl Pair {
    async fn start(window: Duration) -> Self {
        let primary = RedisServer::start().await;
        let between = FaultProxy::before(primary.port());
        let port = between.port().to_string();
        let replica = RedisServer::start_with(&["--replicaof", "127.0.0.1", &port]).await;
        until(async || replica.info("replication").await["master_link_status"] == "up").await;
        let cache = Cache::builder()
            .redis_url(primary.url())
            .replay_window(window)
            .build()
            .expect("a valid configuration");
        Self {
            primary,
            replica,
            between,
            cache,
        }
    }

    async fn invalidate(&self) -> Invalidation {
        let outcome = self.cache.scope(row_key(7).invalidate_confirmed(1)).await;
        outcome.expect("room in the queue")
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_applied_when_the_replica_has_it() {
    let _turn = TURN.lock().await;
    let pair = Pair::start(PATIENCE).await;
    let cache = &pair.cache;
    cache.scope(row(7)).await;
    until(async || pair.replica.command(("EXISTS", "confirm:7")).await).await;
    assert_eq!(pair.invalidate().await, Invalidation::Applied);
    let on_replica: bool = pair.replica.command(("EXISTS", "confirm:7")).await;
    assert!(!on_replica, "no sooner than it is there");
    assert!(pair.primary.calls("wait").await > 0);

    assert_eq!(cache.scope(write(7)).await.ok(), Some(()));
    assert_eq!(cache.scope(write_around(7)).await.ok(), Some(()));
    cache.scope(update(7)).await;
    assert!(pair.replica.command::<bool>(("EXISTS", "confirm:7")).await);
    assert_eq!(cache.stats().queued, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_too_few_replicas_it_is_queued_until_they_have_it() {
    let _turn = TURN.lock().await;
    let pair = Pair::start(PATIENCE).await;
    let cache = &pair.cache;
    cache.scope(row(7)).await;
    pair.between.black_hole();
    let start = Instant::now();
    assert_eq!(pair.invalidate().await, Invalidation::Queued);
    assert!(
        start.elapsed() < Duration::from_secs(2),
        "{:?}",
        start.elapsed()
    );
    let loads = cache.stats().loads;
    cache.scope(row(7)).await;
    assert_eq!(cache.stats().loads, loads + 1, "bypassed");
    for outcome in [
        cache.scope(write(7)).await,
        cache.scope(write_around(7)).await,
    ] {
        assert!(
            matches!(outcome, Err(Error::NotInvalidated { .. })),
            "{outcome:?}"
        );
    }
    cache.scope(update(7)).await;
    assert!(
        !cache.scope(row_key(7).exists()).await.expect("a server"),
        "deleted"
    );

    pair.between.heal().await;
    assert!(cache.drained(PATIENCE).await, "{:?}", cache.journal());
    assert_eq!(cache.stats().unconfirmed, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_replica_it_counts_as_applied_after_the_window() {
    let _turn = TURN.lock().await;
    let server = RedisServer::start().await;
    let cache = Cache::builder()
        .redis_url(server.url())
        .replay_window(Duration::from_millis(500))
        .build()
        .expect("a valid configuration");
    let outcome = cache.scope(row_key(7).invalidate_confirmed(1)).await;
    assert_eq!(outcome.expect("room"), Invalidation::Queued);
    assert!(cache.drained(PATIENCE).await);
    assert_eq!(cache.stats().unconfirmed, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn waiting_for_replicas_holds_up_nobody_else() {
    let _turn = TURN.lock().await;
    let server = RedisServer::start().await;
    let cache = on(&server);
    cache.scope(row(8)).await;
    let key = row_key(7);
    let waiting = cache.scope(key.invalidate_confirmed(1));
    let reading = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let start = Instant::now();
        for _ in 0..20 {
            cache.scope(row(8)).await;
        }
        start.elapsed()
    };
    let (outcome, took) = tokio::join!(waiting, reading);
    assert_eq!(outcome.expect("room"), Invalidation::Queued);
    assert!(took < Duration::from_millis(200), "{took:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_that_asks_to_be_told_is_told_when_redis_is_away() {
    let _turn = TURN.lock().await;
    let mut server = RedisServer::start().await;
    let cache = on(&server);
    assert!(cache.scope(plain(7, Ok(1))).await.is_ok());
    server.kill();
    let outcome = cache.scope(plain(7, Ok(1))).await;
    assert!(
        matches!(outcome, Err(Error::NotInvalidated { .. })),
        "{outcome:?}"
    );
    let own = cache.scope(plain(7, Err(Error::NoRedis))).await;
    assert!(
        matches!(own, Err(Error::NoRedis)),
        "its own error comes first"
    );
    server.restart().await;
    assert!(cache.drained(PATIENCE).await, "queued all the same");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_cluster_the_replicas_of_each_primary_have_it() {
    let _turn = TURN.lock().await;
    let cluster = RedisCluster::start(3, 1).await;
    for primary in 0..3 {
        let node = cluster.node(primary);
        until(async || node.info("replication").await["connected_slaves"] == "1").await;
    }
    let cache = Cache::builder()
        .redis_url(cluster.url())
        .replay_window(Duration::from_millis(200))
        .build()
        .expect("a valid configuration");
    for id in 0..20 {
        let key = row_key(id);
        cache.scope(row(id)).await;
        let confirmed = cache.scope(key.invalidate_confirmed(1)).await;
        assert_eq!(confirmed.expect("room"), Invalidation::Applied, "{id}");
    }
    let too_many = cache.scope(row_key(7).invalidate_confirmed(2)).await;
    assert_eq!(too_many.expect("room"), Invalidation::Queued);
    assert!(cache.drained(PATIENCE).await, "{:?}", cache.journal());
}
