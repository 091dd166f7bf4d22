//! The global cache, which is started once a process: a binary of its own.

#![expect(clippy::expect_used, reason = "the whole crate is tests")]

use std::time::{Duration, Instant};

use cache_runtime::{Cache, Config, Error, cache_result};
use cache_tests::RedisServer;

#[cache_result(key = "global:<id>", ttl = 60)]
async fn value(id: u64) -> u64 {
    id
}

fn on_a_runtime_of_its_own<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(future)
}

#[test]
fn runtimes_one_after_the_other_use_the_global_cache() {
    // Its runtime has to go on while the others come and go.
    let servers = tokio::runtime::Runtime::new().expect("a runtime");
    let server = servers.block_on(RedisServer::start());
    let config = Cache::builder()
        .redis_url(server.url())
        .min_connections(2)
        .config()
        .expect("a valid configuration");
    let cache = cache_runtime::init(config).expect("the first");
    assert!(matches!(
        cache_runtime::init(Config::default()),
        Err(Error::AlreadyInitialised)
    ));

    let deadline = Instant::now() + Duration::from_secs(10);
    while cache.connections().open < 2 {
        assert!(
            Instant::now() < deadline,
            "connections are opened before anybody calls"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(on_a_runtime_of_its_own(value(7)), 7);
    assert_eq!(on_a_runtime_of_its_own(value(7)), 7);
    let stats = cache.stats();
    assert_eq!(
        (stats.loads, stats.hits, stats.faults),
        (1, 1, 0),
        "the second is a hit"
    );

    let applied = on_a_runtime_of_its_own(value_key(7).invalidate());
    assert_eq!(
        applied.expect("a server"),
        cache_runtime::Invalidation::Applied
    );
    assert!(std::ptr::eq(Cache::global(), Cache::global()));
}
