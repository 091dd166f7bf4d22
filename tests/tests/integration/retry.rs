//! Operations that run again, and functions that are given a connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use cache_runtime::redis::{self, AsyncCommands, Commands, RedisError};
use cache_runtime::{
    AnyFailure, BlockingConnection, Cache, Dedicated, Error, Failure, RedisConnection, Retry,
    RetryStrategy, Retryable, allow_blocking, cache_result, redis_retry, with_redis,
};
use cache_tests::{FaultProxy, RedisServer};

use crate::support::{Runs, on, on_each_store, until};

/// A lost connection is opened anew after half a second at most, and nobody waits for a heartbeat.
const SOON: Duration = Duration::from_secs(3);

#[derive(Debug)]
enum AppError {
    Cache(Error),
    Redis(RedisError),
    Moment,
    Never,
}

impl From<Error> for AppError {
    fn from(error: Error) -> Self {
        Self::Cache(error)
    }
}

impl From<RedisError> for AppError {
    fn from(error: RedisError) -> Self {
        Self::Redis(error)
    }
}

impl Retryable for AppError {
    fn failure(&self) -> Failure {
        match self {
            Self::Cache(error) => error.failure(),
            Self::Redis(error) => error.failure(),
            Self::Moment => Failure::NotApplied,
            Self::Never => Failure::Permanent,
        }
    }
}

/// Not `Clone`: it is taken by reference.
struct Orders {
    runs: Runs,
    fails: usize,
}

impl Orders {
    fn attempt(&self) -> Result<usize, AppError> {
        let run = self.runs.run();
        if run > self.fails {
            Ok(run)
        } else {
            Err(AppError::Moment)
        }
    }

    #[redis_retry(max_retries = 4, backoff = "1ms")]
    async fn reserve(&self, mut seats: Vec<u32>, seat: u32) -> Result<(usize, Vec<u32>), AppError> {
        seats.push(seat);
        Ok((self.attempt()?, seats))
    }

    #[redis_retry(backoff = "1ms", max_time = "5s")]
    fn reserve_blocking(&mut self, (seat, mut count): (String, u32)) -> Result<String, AppError> {
        count += 1;
        self.attempt()?;
        Ok(format!("{seat}{count}"))
    }
}

fn orders(fails: usize) -> Orders {
    Orders {
        runs: Runs::default(),
        fails,
    }
}

#[tokio::test]
async fn runs_again_until_it_succeeds_with_parameters_as_they_were() {
    let orders = Arc::new(orders(3));
    let task = tokio::spawn({
        let orders = orders.clone();
        async move { orders.reserve(vec![1], 2).await }
    });
    let (run, seats) = task.await.expect("a task").expect("a seat");
    assert_eq!((run, seats), (4, vec![1, 2]));
}

#[test]
fn a_plain_function_runs_again_too() {
    let mut orders = orders(2);
    let reserved = orders
        .reserve_blocking(("14".to_owned(), 0))
        .expect("a seat");
    assert_eq!((reserved.as_str(), orders.runs.count()), ("141", 3));
}

#[tokio::test]
async fn gives_up_with_the_last_error_and_counts_it() {
    let cache = Cache::in_memory();
    let orders = orders(99);
    let outcome = cache.scope(orders.reserve(Vec::new(), 1)).await;
    assert!(matches!(outcome, Err(AppError::Moment)));
    assert_eq!(orders.runs.count(), 5);
    let stats = cache.stats();
    assert_eq!((stats.retries, stats.retries_exhausted), (4, 1));
}

#[tokio::test]
async fn what_fails_for_good_is_returned_at_once() {
    #[redis_retry]
    async fn never(runs: &Runs) -> Result<(), AppError> {
        runs.run();
        Err(AppError::Never)
    }

    let runs = Runs::default();
    let cache = Cache::in_memory();
    assert!(cache.scope(never(&runs)).await.is_err());
    assert_eq!((runs.count(), cache.stats().retries), (1, 0));
}

#[tokio::test]
async fn strategies_are_words_closures_and_types() {
    struct Odd;
    impl RetryStrategy<u32> for Odd {
        fn retries(&self, error: &u32, failed: u32) -> bool {
            error % 2 == 1 && failed < 3
        }
    }
    #[derive(Debug, PartialEq)]
    struct Number(u32);
    fn below_ten(error: &Number) -> bool {
        error.0 < 10
    }

    #[redis_retry(on = Odd, backoff = "1ms")]
    async fn odd(runs: &Runs) -> Result<(), u32> {
        runs.run();
        Err(7)
    }
    #[redis_retry(on = below_ten, backoff = "1ms")]
    async fn small(runs: &Runs) -> Result<(), Number> {
        Err(Number(7 + u32::try_from(runs.run()).expect("few")))
    }
    #[redis_retry(on = |error| error.len() < 2, backoff = "1ms")]
    fn short(runs: &Runs) -> Result<(), String> {
        Err("x".repeat(runs.run()))
    }
    #[redis_retry(on = any, max_retries = 1, backoff = "1ms")]
    async fn unknown(runs: &Runs) -> Result<(), Failure> {
        runs.run();
        Err(Failure::Unknown)
    }

    let counts = [(); 4].map(|()| Runs::default());
    assert_eq!(odd(&counts[0]).await, Err(7));
    assert_eq!(small(&counts[1]).await, Err(Number(10)));
    let runs = counts[2].clone();
    let short = std::thread::spawn(move || short(&runs)).join();
    assert_eq!(short.expect("a thread"), Err("xx".to_owned()));
    assert_eq!(unknown(&counts[3]).await, Err(Failure::Unknown));
    assert_eq!(counts.map(|runs| runs.count()), [3, 3, 2, 2]);
}

#[tokio::test]
async fn a_dropped_call_runs_no_more() {
    let runs = Runs::default();
    let retry = Retry::new().max_retries(1_000);
    let operation = retry.run(async || {
        runs.run();
        Err::<(), _>(Failure::NotApplied)
    });
    let time = Duration::from_millis(30);
    assert!(tokio::time::timeout(time, operation).await.is_err());
    let count = runs.count();
    tokio::time::sleep(3 * time).await;
    assert_eq!(runs.count(), count);
}

#[tokio::test]
async fn a_cached_function_is_tried_again_inside_its_load_or_around_it() {
    #[redis_retry(backoff = "1ms")]
    #[cache_result(key = "retried:<id>", key_ignores(orders))]
    async fn above(id: u32, orders: &Orders) -> Result<usize, AppError> {
        Ok(orders.attempt()? + id as usize)
    }
    #[cache_result(key = "retried_too:<id>", key_ignores(orders))]
    #[redis_retry(backoff = "1ms")]
    async fn below(id: u32, orders: &Orders) -> Result<usize, AppError> {
        Ok(orders.attempt()? + id as usize)
    }

    on_each_store(async |fixture| {
        let failing = orders(2);
        assert_eq!(above(7, &failing).await.expect("an answer"), 10);
        assert_eq!(above(7, &failing).await.expect("an answer"), 10);
        let failing = orders(2);
        assert_eq!(below(7, &failing).await.expect("an answer"), 10);
        assert_eq!(below(7, &failing).await.expect("an answer"), 10);
        let stats = fixture.cache.stats();
        // Above, one load has three tries; below, each try is a load.
        assert_eq!((stats.loads, stats.hits, stats.retries), (1 + 3, 2, 4));
    })
    .await;
}

#[with_redis]
#[redis_retry(max_retries = 50, backoff = "20ms", max_time = "20s")]
async fn seen(redis: &mut RedisConnection, user: u64) -> Result<bool, AppError> {
    Ok(redis.sadd("seen", user).await?)
}

/// Waits on the server, which holds nobody up but itself.
#[redis_retry(backoff = "1ms")]
#[with_redis]
async fn next_job(redis: &mut Dedicated, list: &str) -> Result<String, AppError> {
    let (_, job): (String, String) = redis.blpop(list, 20.0).await?;
    Ok(job)
}

struct Users<'a> {
    cache: &'a Cache,
}

impl Users<'_> {
    #[redis_retry(backoff = "1ms")]
    #[with_redis(cache = self.cache)]
    async fn count(&self, mut redis: RedisConnection, key: &str) -> Result<u64, AppError> {
        Ok(redis.scard(key).await?)
    }

    #[with_redis(cache = self.cache.clone())]
    #[redis_retry(backoff = "1ms")]
    fn count_blocking(&self, redis: &mut BlockingConnection, key: &str) -> Result<u64, AppError> {
        let (count, _): (u64, bool) = redis::pipe()
            .scard(key)
            .sismember(key, "x\r\n")
            .query(redis)?;
        assert_eq!(Commands::scard::<_, u64>(redis, key)?, count);
        Ok(count)
    }
}

#[tokio::test]
async fn functions_are_given_a_connection_of_their_cache() {
    let server = RedisServer::start().await;
    let cache = on(&server);
    assert!(cache.scope(seen(7)).await.expect("a server"));
    assert!(!cache.scope(seen(7)).await.expect("a server"));
    let waiting = tokio::spawn(cache.scope(next_job("jobs")));
    assert!(!cache.scope(seen(7)).await.expect("a server"));
    let () = server.command(("RPUSH", "jobs", "first")).await;
    assert_eq!(waiting.await.expect("a task").expect("a job"), "first");
    let users = Users { cache: &cache };
    assert_eq!(users.count("seen").await.expect("a server"), 1);
    let refused = users.count_blocking("seen");
    assert!(matches!(
        refused,
        Err(AppError::Cache(Error::WouldBlock { .. }))
    ));
    let cache = cache.clone();
    let count = move || allow_blocking(|| Users { cache: &cache }.count_blocking("seen"));
    let count = tokio::task::spawn_blocking(count).await.expect("a thread");
    assert_eq!(count.expect("a server"), 1);
}

#[tokio::test]
async fn without_redis_the_error_is_the_functions_own() {
    let outcome = Cache::in_memory().scope(seen(7)).await;
    assert!(matches!(outcome, Err(AppError::Cache(Error::NoRedis))));
}

#[tokio::test]
async fn a_server_that_comes_back_ends_the_tries() {
    let server = RedisServer::start().await;
    let proxy = FaultProxy::before(server.port());
    proxy.refuse().await;
    let cache = Cache::builder()
        .redis_url(proxy.url())
        .build()
        .expect("valid");
    let task = tokio::spawn(cache.scope(seen(7)));
    while cache.stats().retries == 0 {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    proxy.heal().await;
    assert!(task.await.expect("a task").expect("a server, at last"));
}

#[tokio::test]
async fn connections_are_there_again_after_a_restart_though_nobody_else_notices() {
    let mut server = RedisServer::start().await;
    let cache = on(&server);
    assert!(cache.scope(seen(7)).await.expect("a server"));
    let outside = {
        let cache = cache.clone();
        move || {
            let cache = cache.clone();
            let count = move || Users { cache: &cache }.count_blocking("seen").is_ok();
            std::thread::spawn(count).join().expect("no panic")
        }
    };
    assert!(outside());
    server.kill();
    server.restart().await;
    let start = Instant::now();
    until(async || cache.scope(seen(7)).await.is_ok()).await;
    until(async || outside()).await;
    assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
}

/// Whether it was done is known only for some errors: a script that is busy, a server that loads.
#[tokio::test]
async fn redis_errors_are_told_apart() {
    let server = RedisServer::start().await;
    let cache = on(&server);
    let tries = AtomicU32::new(0);
    let operation = async || {
        tries.fetch_add(1, Ordering::SeqCst);
        let mut connection = cache.connection().await?;
        let () = connection.set("text", "x").await?;
        Ok::<i64, AppError>(connection.incr("text", 1).await?)
    };
    let outcome = Retry::new().on(AnyFailure).run(operation).await;
    assert!(matches!(outcome, Err(AppError::Redis(_))));
    assert_eq!(tries.load(Ordering::SeqCst), 1);

    let () = server
        .command(("CONFIG", "SET", "min-replicas-to-write", 1))
        .await;
    let outcome = Retry::new().max_retries(2).run(operation).await;
    assert!(matches!(&outcome, Err(AppError::Redis(error)) if error.code() == Some("NOREPLICAS")));
    assert_eq!(tries.load(Ordering::SeqCst), 4);
}
