//! A thousand callers miss the same key at once.

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use cache_runtime::{Cache, cache_result};
use cache_tests::{Latencies, RedisServer};
use redis::AsyncCommands;

use crate::comparison::median;
use crate::options::Options;
use crate::redis_hits::{Nagle, Outcome, connect};
use crate::table;

const CALLERS: usize = 1000;
const LOAD_TIME: Duration = Duration::from_millis(50);
static LOADS: AtomicU64 = AtomicU64::new(0);

async fn load() {
    LOADS.fetch_add(1, Ordering::Relaxed);
    tokio::time::sleep(LOAD_TIME).await;
}

#[cache_result(key = "stampede:loaded:<round>", ttl = "1h")]
async fn loaded(round: u64) -> u64 {
    load().await;
    round
}

/// An error that can be handed to all who wait.
#[derive(Clone, Debug)]
struct Copied;

#[cache_result(key = "stampede:copied:<round>", ttl = "1h")]
async fn fails_with_copies(round: u64) -> Result<u64, Copied> {
    load().await;
    Err(Copied)
}

/// One that cannot.
#[derive(Debug)]
struct Single;

#[cache_result(key = "stampede:single:<round>", ttl = "1h")]
async fn fails_with_one(round: u64) -> Result<u64, Single> {
    load().await;
    Err(Single)
}

/// Misses on both stores.
///
/// # Errors
///
/// If the server or a configuration fails.
pub async fn misses(options: Options) -> Outcome<()> {
    let server = RedisServer::start().await;
    let bare = connect(&server.url(), Nagle::On).await?;
    let about =
        "1,000 callers at once; the loader takes 50 ms. Medians over rounds, of loads the most.";
    let columns = ["", "loads", "p50", "p99", "all answered after"];
    table::open("A stampede on one cold key", about, &columns);
    let by_hand = |round: u64| {
        let mut bare = bare.clone();
        async move {
            let _: Result<Option<u64>, _> = bare.get(format!("stampede:bare:{round}")).await;
            tokio::time::sleep(LOAD_TIME).await;
        }
    };
    let redis = Cache::builder().redis_url(server.url()).build()?;
    let memory = Cache::in_memory();
    let mut rows: Vec<(&str, Vec<Round>)> = Vec::new();
    for round in 0..=options.rounds as u64 {
        let mut results = vec![(
            "1,000 bare `GET`s and a sleep of 50 ms",
            stampede(|| by_hand(round)).await,
        )];
        for (store, cache) in [("Redis", &redis), ("embedded", &memory)] {
            results.extend(cache.scope(on_store(store, round)).await);
        }
        // The first round opens connections and loads scripts.
        if round == 0 {
            rows = results
                .into_iter()
                .map(|(name, _)| (name, Vec::new()))
                .collect();
        } else {
            rows.iter_mut()
                .zip(results)
                .for_each(|(row, (_, result))| row.1.push(result));
        }
    }
    for (name, rounds) in &rows {
        print(name, rounds);
    }
    Ok(())
}

async fn on_store(store: &str, round: u64) -> Vec<(&'static str, Round)> {
    let names = if store == "Redis" {
        [
            "Redis",
            "Redis, error that can be cloned",
            "Redis, error that cannot",
        ]
    } else {
        [
            "embedded",
            "embedded, error that can be cloned",
            "embedded, error that cannot",
        ]
    };
    vec![
        (names[0], stampede(|| loaded(round)).await),
        (names[1], stampede(|| fails_with_copies(round)).await),
        (names[2], stampede(|| fails_with_one(round)).await),
    ]
}

struct Round {
    loads: u64,
    latencies: Latencies,
}

async fn stampede<F>(call: impl Fn() -> F) -> Round
where
    F: Future + Send + 'static,
{
    let before = LOADS.load(Ordering::Relaxed);
    let start = Instant::now();
    let callers: Vec<_> = (0..CALLERS)
        .map(|_| {
            let call = call();
            cache_runtime::spawn(async move {
                call.await;
                start.elapsed()
            })
        })
        .collect();
    let mut latencies = Vec::with_capacity(CALLERS);
    for caller in callers {
        // A caller that panicked has said so.
        latencies.extend(caller.await);
    }
    Round {
        loads: LOADS.load(Ordering::Relaxed) - before,
        latencies: latencies.into_iter().collect(),
    }
}

fn print(name: &str, rounds: &[Round]) {
    let percentile = |percent| {
        let nanos = |round: &Round| round.latencies.percentile(percent).as_secs_f64() * 1e9;
        table::time(median(rounds.iter().map(nanos)))
    };
    let loads = rounds
        .iter()
        .map(|round| round.loads)
        .max()
        .unwrap_or_default();
    table::row(
        [
            name.to_owned(),
            loads.to_string(),
            percentile(50),
            percentile(99),
            percentile(100),
        ]
        .iter(),
    );
}
