//! A server that takes over may lack what another one has answered to.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use cache_runtime::{Cache, Invalidation, Stats, cache_result, invalidate_cache, update_cache};
use cache_tests::{FaultProxy, RedisServer};

use super::support::{on, until};
use super::{PATIENCE, TURN, through};

/// What the database holds, for whoever reads it.
static ROW: AtomicU64 = AtomicU64::new(0);

#[cache_result(key = "takeover:<id>", ttl = 600, tags = ["takeover-tag:<id>"])]
async fn row(id: u64) -> u64 {
    ROW.load(Ordering::SeqCst)
}

#[invalidate_cache(key = "takeover:<id>", when = around)]
async fn write_around(id: u64) {
    ROW.fetch_add(1, Ordering::SeqCst);
}

#[update_cache(key = "takeover:<id>", ttl = 600, tags = ["takeover-tag:<id>"])]
async fn update(id: u64) -> u64 {
    ROW.fetch_add(1, Ordering::SeqCst) + 1
}

#[invalidate_cache(tags = ["takeover-tag:<id>"])]
async fn write_tag(id: u64) {
    ROW.fetch_add(1, Ordering::SeqCst);
}

#[invalidate_cache(pattern = "takeover:<id>*")]
async fn write_pattern(id: u64) {
    ROW.fetch_add(1, Ordering::SeqCst);
}

async fn write_by_hand(id: u64) {
    ROW.fetch_add(1, Ordering::SeqCst);
    let outcome = row_key(id).invalidate().await.expect("room in the queue");
    assert_eq!(outcome, Invalidation::Applied);
}

async fn read(cache: &Cache, id: u64) -> u64 {
    cache.scope(row(id)).await
}

/// Reads as the process that wrote, which never gets what it has invalidated, and gives how long
/// others go on getting it.
async fn until_current(writer: &Cache, reader: &Cache, old: u64) -> Duration {
    let (since, current) = (Instant::now(), ROW.load(Ordering::SeqCst));
    let as_writer = async {
        while since.elapsed() < Duration::from_millis(300) {
            assert_ne!(read(writer, 7).await, old, "{:?}", writer.stats());
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let as_reader = async {
        until(async || read(reader, 7).await == current).await;
        since.elapsed()
    };
    tokio::join!(as_writer, as_reader).1
}

/// Kills a server after a write, and starts it from what it had saved before.
async fn restart_from_an_old_dump(write: impl AsyncFn(u64)) -> (Duration, Stats) {
    let mut server = RedisServer::start().await;
    let (writer, reader) = (on(&server), on(&server));
    assert_eq!(read(&writer, 7).await, read(&reader, 7).await);
    let old = ROW.load(Ordering::SeqCst);
    let () = server.command("SAVE").await;
    writer.scope(write(7)).await;
    assert_eq!(writer.stats().queued, 0, "applied");
    server.restart().await;
    let window = until_current(&writer, &reader, old).await;
    until(async || writer.journal().queued == 0).await;
    (window, writer.stats())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_from_an_old_dump_revives_nothing() {
    let _turn = TURN.lock().await;
    let by_hand = restart_from_an_old_dump(write_by_hand).await;
    let around = restart_from_an_old_dump(write_around).await;
    let tag = restart_from_an_old_dump(write_tag).await;
    let pattern = restart_from_an_old_dump(write_pattern).await;
    let update = restart_from_an_old_dump(async |id| assert!(update(id).await > 0)).await;
    for (what, (window, stats)) in [
        ("a key", by_hand),
        ("around a write", around),
        ("a tag", tag),
        ("a pattern", pattern),
        ("an update", update),
    ] {
        println!(
            "restart from an old dump, {what}: others read it for {window:?} after the server's \
             first answer; {} sent again",
            stats.replayed
        );
        assert!(window < Duration::from_secs(2), "{what}: {window:?}");
        assert!(stats.replayed > 0, "{what}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_missed_a_delete_revives_nothing_when_it_is_promoted() {
    let _turn = TURN.lock().await;
    let mut primary = RedisServer::start().await;
    let to_primary = FaultProxy::before(primary.port());
    let port = to_primary.port().to_string();
    let replica = RedisServer::start_with(&["--replicaof", "127.0.0.1", &port]).await;
    let proxy = FaultProxy::before(primary.port());
    let (writer, reader) = (through(&proxy), through(&proxy));
    until(async || replica.info("replication").await["master_link_status"] == "up").await;
    let old = read(&writer, 7).await;
    until(async || replica.command(("EXISTS", "takeover:7")).await).await;

    to_primary.black_hole();
    writer.scope(write_by_hand(7)).await;
    primary.kill();
    let () = replica.command(("REPLICAOF", "NO", "ONE")).await;
    assert!(
        replica.command::<bool>(("EXISTS", "takeover:7")).await,
        "it missed the delete"
    );
    proxy.lead_to(replica.port());
    let window = until_current(&writer, &reader, old).await;
    println!("promotion of a replica that missed a delete: others read it for {window:?}");
    assert!(window < Duration::from_secs(2), "{window:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_asks_for_nothing_more_sends_again_what_it_has_invalidated() {
    let _turn = TURN.lock().await;
    let mut server = RedisServer::start().await;
    let (writer, reader) = (on(&server), on(&server));
    read(&reader, 7).await;
    let () = server.command("SAVE").await;
    writer.scope(write_by_hand(7)).await;
    // The thread that listens has to have a connection that it can lose.
    until(async || server.info("clients").await["connected_clients"] == "4").await;
    server.restart().await;
    let (since, current) = (Instant::now(), ROW.load(Ordering::SeqCst));
    until(async || read(&reader, 7).await == current).await;
    let window = since.elapsed();
    println!("restart from an old dump, the writer idle: others read it for {window:?}");
    assert!(window < Duration::from_secs(2), "{window:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_older_than_the_window_is_not_sent_again() {
    let _turn = TURN.lock().await;
    let mut server = RedisServer::start().await;
    let cache = Cache::builder()
        .redis_url(server.url())
        .replay_window(Duration::from_millis(100))
        .build()
        .expect("a valid configuration");
    read(&cache, 7).await;
    cache.scope(write_by_hand(7)).await;
    tokio::time::sleep(Duration::from_millis(150)).await;
    server.restart().await;
    until(async || cache.scope(row_key(7).exists()).await.is_ok()).await;
    assert!(cache.drained(PATIENCE).await);
    assert_eq!(cache.stats().replayed, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_more_than_it_remembers_it_bypasses_all_for_the_window() {
    let _turn = TURN.lock().await;
    let mut server = RedisServer::start().await;
    let window = Duration::from_secs(3);
    let cache = Cache::builder()
        .redis_url(server.url())
        .journal_capacity(2)
        .replay_window(window)
        .build()
        .expect("a valid configuration");
    for id in 1..=3 {
        cache.scope(write_by_hand(id)).await;
    }
    until(async || server.info("clients").await["connected_clients"] == "3").await;
    let start = Instant::now();
    server.restart().await;
    until(async || cache.stats().replay_overflows > 0).await;
    let loads = cache.stats().loads;
    for _ in 0..2 {
        read(&cache, 99).await;
    }
    assert_eq!(cache.stats().loads, loads + 2, "any key");
    until(async || {
        let hits = cache.stats().hits;
        read(&cache, 99).await;
        cache.stats().hits > hits
    })
    .await;
    assert!(start.elapsed() >= window);
    assert!(start.elapsed() < window + Duration::from_secs(2));
}
