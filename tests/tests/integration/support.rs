//! A cache on each kind of store, and functions that count their runs.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use cache_runtime::{Cache, Clock};
use cache_tests::RedisServer;
use tokio::sync::Semaphore;

/// A cache for one test, with the server behind it, if there is one.
pub(crate) struct Fixture {
    pub(crate) cache: Cache,
    pub(crate) clock: Clock,
    pub(crate) server: Option<RedisServer>,
}

impl Fixture {
    pub(crate) fn in_memory() -> Self {
        let clock = Clock::manual();
        let cache = Cache::builder()
            .clock(clock.clone())
            .build()
            .expect("a valid configuration");
        Self {
            cache,
            clock,
            server: None,
        }
    }

    pub(crate) async fn on_redis() -> Self {
        let server = RedisServer::start().await;
        let clock = Clock::manual();
        Self {
            cache: at(&server, &clock),
            clock,
            server: Some(server),
        }
    }

    /// A second cache on the same server stands for another process: it shares nothing else.
    pub(crate) fn another_process(&self) -> Cache {
        let cache = self.server.as_ref().map(|server| at(server, &self.clock));
        cache.unwrap_or_else(|| self.cache.clone())
    }

    /// Lets `time` pass, and what the server holds at `key` age by it, without waiting for it.
    pub(crate) async fn pass(&self, key: &str, time: Duration) {
        self.clock.advance(time);
        let Some(server) = &self.server else {
            return;
        };
        let left: i64 = server.command(("PTTL", key)).await;
        let time = i64::try_from(time.as_millis()).expect("a short time");
        if left >= 0 {
            let () = server.command(("PEXPIRE", key, (left - time).max(0))).await;
        }
    }
}

fn at(server: &RedisServer, clock: &Clock) -> Cache {
    Cache::builder()
        .redis_url(server.url())
        .clock(clock.clone())
        .build()
        .expect("a valid configuration")
}

pub(crate) fn on(server: &RedisServer) -> Cache {
    Cache::builder()
        .redis_url(server.url())
        .build()
        .expect("a valid configuration")
}

/// Runs a test on the embedded store and on Redis.
pub(crate) async fn on_each_store<F: Future<Output = ()>>(test: impl Fn(Arc<Fixture>) -> F) {
    for fixture in [Fixture::in_memory(), Fixture::on_redis().await] {
        let fixture = Arc::new(fixture);
        let cache = fixture.cache.clone();
        cache.scope(test(fixture)).await;
    }
}

/// How often something ran.
#[derive(Clone, Default)]
pub(crate) struct Runs(Arc<AtomicUsize>);

impl Runs {
    pub(crate) fn run(&self) -> usize {
        self.0.fetch_add(1, Ordering::SeqCst) + 1
    }

    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

/// Holds a body up until it may go on.
#[derive(Clone)]
pub(crate) struct Gate(Arc<(Semaphore, Semaphore)>);

impl Gate {
    pub(crate) fn new() -> Self {
        Self(Arc::new((Semaphore::new(0), Semaphore::new(0))))
    }

    pub(crate) async fn pass(&self) {
        self.0.0.add_permits(1);
        self.0.1.acquire().await.expect("an open gate").forget();
    }

    pub(crate) async fn was_reached(&self) {
        self.0.0.acquire().await.expect("an open gate").forget();
    }

    pub(crate) fn open(&self) {
        self.0.1.add_permits(1);
    }
}

/// Lets everything that is ready run, until `condition` holds; fails after some seconds.
pub(crate) async fn until(condition: impl AsyncFn() -> bool) {
    let waiting = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waiting)
        .await
        .expect("it never happened");
}
