//! Invalidations that a server refuses for good.

use cache_runtime::{Cache, Invalidation, cache_result};
use cache_tests::RedisServer;

use super::TURN;
use super::support::until;

#[cache_result(key = "refused:<id>", ttl = 600)]
async fn row(id: u64) -> u64 {
    id
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_refused_for_good_waits_no_longer_and_is_not_trusted() {
    let _turn = TURN.lock().await;
    let server = RedisServer::start().await;
    let rights = "ACL SETUSER limited on >word ~* +@all -scan";
    let () = server.command(rights.split(' ').collect::<Vec<_>>()).await;
    let url = server.url().replace("://", "://limited:word@");
    let cache = Cache::builder().redis_url(url).build().expect("valid");
    cache.scope(row(7)).await;

    let sweep = cache.scope(async { write_all(7).await });
    sweep.await;
    let key = cache.scope(row_key(8).invalidate()).await.expect("room");
    assert_eq!(key, Invalidation::Applied, "it holds up no other");
    until(async || cache.stats().refused == 1).await;
    let journal = cache.journal();
    assert_eq!((journal.queued, journal.distrusted), (0, 1));
    let loads = cache.stats().loads;
    cache.scope(row(7)).await;
    assert_eq!(cache.stats().loads, loads + 1, "what it names is bypassed");
}

#[cache_runtime::invalidate_cache(pattern = "refused:<id>*")]
async fn write_all(id: u64) {}
