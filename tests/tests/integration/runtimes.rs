//! Blocking functions, on threads of their own and on a runtime's.

use cache_runtime::{Cache, cache_result};
use cache_tests::RedisServer;

#[cache_result(key = "blocking:<id>", ttl = 60)]
fn blocking(id: u64) -> u64 {
    id
}

fn on_a_runtime_of_its_own<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(future)
}

#[test]
fn blocking_functions_are_cached_on_threads_of_their_own() {
    let servers = tokio::runtime::Runtime::new().expect("a runtime");
    let server = servers.block_on(RedisServer::start());
    let on_redis = Cache::builder()
        .redis_url(server.url())
        .build()
        .expect("valid");
    for cache in [Cache::in_memory(), on_redis] {
        cache.scope_blocking(|| {
            assert_eq!((blocking(7), blocking(7)), (7, 7));
        });
        assert_eq!((cache.stats().loads, cache.stats().hits), (1, 1));

        on_a_runtime_of_its_own(cache.scope(async { blocking(7) }));
        let stats = cache.stats();
        assert_eq!(
            (stats.hits, stats.blocking_uncached),
            (1, 1),
            "uncached, not blocked"
        );
    }
}

#[test]
fn a_blocking_body_may_block_on_a_runtime_of_its_own() {
    #[cache_result(key = "nested:<id>", ttl = 60)]
    fn nested(id: u64) -> u64 {
        on_a_runtime_of_its_own(async { id }) + blocking(id)
    }
    let cache = Cache::in_memory();
    assert_eq!(cache.scope_blocking(|| nested(7)), 14);
    assert_eq!(cache.stats().published, 2);
}

#[test]
fn blocking_writes_invalidate_wherever_they_run() {
    #[cache_runtime::invalidate_cache(key = "blocking:<id>")]
    fn write(id: u64) {}
    #[cache_runtime::update_cache(key = "blocking:<id>", ttl = 60)]
    fn update(id: u64) -> u64 {
        id + 1
    }
    let servers = tokio::runtime::Runtime::new().expect("a runtime");
    let server = servers.block_on(RedisServer::start());
    let on_redis = Cache::builder()
        .redis_url(server.url())
        .build()
        .expect("valid");
    for cache in [Cache::in_memory(), on_redis] {
        cache.scope_blocking(|| {
            blocking(7);
            write(7);
            blocking(7);
        });
        assert_eq!(cache.stats().loads, 2);
        assert_eq!(cache.scope_blocking(|| (update(7), blocking(7))), (8, 8));

        on_a_runtime_of_its_own(cache.scope(async {
            write(7);
            assert!(cache.drained(std::time::Duration::from_secs(10)).await);
        }));
        assert_eq!(cache.scope_blocking(|| blocking(7)), 7);
    }
}
