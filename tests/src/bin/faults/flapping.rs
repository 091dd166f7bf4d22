//! A server that is up for a second and down for a second, under many calls.

use std::fs;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use cache_runtime::{Cache, cache_result};
use cache_tests::{Fault, FaultProxy, RedisServer};
use tokio::runtime::Handle;

/// How often calls are started.
const TICK: Duration = Duration::from_millis(5);
/// From one change of the server to the next.
const PHASE: Duration = Duration::from_secs(1);
/// What memory may grow by from one third of the run to its end, in KiB.
const GROWTH: u64 = 32 * 1024;

pub(crate) struct Options {
    seconds: u64,
    rate: u64,
}

impl Options {
    pub(crate) fn read(arguments: &[&str]) -> Option<Self> {
        let mut options = Self {
            seconds: 60,
            rate: 10_000,
        };
        for pair in arguments.chunks(2) {
            let number = pair.get(1)?.parse().ok().filter(|number| *number > 0)?;
            match pair[0] {
                "--seconds" => options.seconds = number,
                "--rate" => options.rate = number,
                _ => return None,
            }
        }
        Some(options)
    }
}

#[cache_result(key = "flapping:<id>", ttl = 600)]
async fn row(id: u64) -> Result<u64, std::fmt::Error> {
    tokio::time::sleep(Duration::from_millis(1)).await;
    Ok(id)
}

/// What came of all calls, in memory that does not grow with them.
struct Calls {
    errors: AtomicU64,
    /// How many took so many milliseconds.
    took: Vec<AtomicU64>,
}

impl Calls {
    fn new() -> Self {
        Self {
            errors: AtomicU64::new(0),
            took: (0..2_000).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    async fn call(&self, number: u64) {
        let (start, id) = (Instant::now(), number % 1_000);
        let is_good = row(id).await == Ok(id);
        // One write in a hundred.
        let is_good =
            is_good && (!number.is_multiple_of(100) || row_key(id).invalidate().await.is_ok());
        self.errors
            .fetch_add(u64::from(!is_good), Ordering::Relaxed);
        let millis = usize::try_from(start.elapsed().as_millis()).unwrap_or(usize::MAX);
        self.took[millis.min(self.took.len() - 1)].fetch_add(1, Ordering::Relaxed);
    }

    fn total(&self) -> u64 {
        self.took
            .iter()
            .map(|count| count.load(Ordering::Relaxed))
            .sum()
    }

    /// Within how many milliseconds so many of a thousand were answered.
    fn within(&self, of_a_thousand: u64) -> usize {
        let wanted = self.total() * of_a_thousand / 1_000;
        let mut count = 0;
        let reached = self.took.iter().position(|bucket| {
            count += bucket.load(Ordering::Relaxed);
            count >= wanted
        });
        reached.map_or(self.took.len(), |millis| millis + 1)
    }
}

/// What would show a leak.
#[derive(Debug)]
struct Held {
    tasks: usize,
    connections: usize,
    kib: u64,
}

impl Held {
    async fn now(server: &RedisServer) -> Self {
        let list: String = server.command(("CLIENT", "LIST", "TYPE", "normal")).await;
        Self {
            tasks: Handle::current().metrics().num_alive_tasks(),
            connections: list.lines().count(),
            kib: resident_kib(),
        }
    }
}

fn resident_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok())
        .unwrap_or(0)
}

pub(crate) async fn run(options: &Options) -> ExitCode {
    let server = RedisServer::start().await;
    let proxy = Arc::new(FaultProxy::speaking_before(server.port()));
    let cache = Cache::builder().redis_url(proxy.url()).build();
    let cache = cache.expect("a valid configuration");
    let calls = Arc::new(Calls::new());
    cache.scope(calls.call(0)).await;
    let before = Held::now(&server).await;

    let end = Instant::now() + Duration::from_secs(options.seconds);
    let flapping = tokio::spawn(flap(proxy.clone(), end));
    let early = call_until(&cache, &calls, options, end).await;
    flapping.await.expect("the proxy flaps to the end");
    let is_drained = cache.drained(Duration::from_secs(10)).await;
    // Calls that began last, and keepers between two attempts.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let after = Held::now(&server).await;

    let (total, errors) = (calls.total(), calls.errors.load(Ordering::Relaxed));
    println!("{total} calls in {} s, {errors} errors", options.seconds);
    let [p50, p99, most] = [500, 990, 999].map(|part| calls.within(part));
    println!("answered within: p50 {p50} ms, p99 {p99} ms, p99.9 {most} ms");
    println!("before: {before:?}\nafter: {after:?}, {early} KiB after a third of the time");
    println!(
        "breaker: {} openings; {:?}",
        cache.stats().breaker_openings,
        cache.journal()
    );
    let is_good = errors == 0
        && is_drained
        && total + 1 >= options.rate * options.seconds * 9 / 10
        // A keeper and a clock for the connection that the engine had not needed before.
        && after.tasks <= before.tasks + 2
        && after.connections <= before.connections + 2
        && after.kib <= early + GROWTH;
    if is_good {
        println!("nothing leaked");
        ExitCode::SUCCESS
    } else {
        println!("that is not as it should be");
        ExitCode::FAILURE
    }
}

async fn flap(proxy: Arc<FaultProxy>, end: Instant) {
    for fault in [Fault::BlackHole, Fault::Refused].into_iter().cycle() {
        if Instant::now() + 2 * PHASE > end {
            break;
        }
        tokio::time::sleep(PHASE).await;
        fault.begin(&proxy).await;
        tokio::time::sleep(PHASE).await;
        Fault::end(&proxy).await;
    }
}

/// Starts calls at their rate, whatever becomes of those before; gives the memory in use after a
/// third of the time.
async fn call_until(cache: &Cache, calls: &Arc<Calls>, options: &Options, end: Instant) -> u64 {
    let (start, mut started, mut early) = (Instant::now(), 0_u64, None);
    while Instant::now() < end {
        let millis = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
        while started < millis * options.rate / 1_000 {
            started += 1;
            let (calls, number) = (calls.clone(), started);
            tokio::spawn(cache.scope(async move { calls.call(number).await }));
        }
        if early.is_none() && start.elapsed() * 3 > Duration::from_secs(options.seconds) {
            early = Some(resident_kib());
        }
        tokio::time::sleep(TICK).await;
    }
    early.unwrap_or_else(resident_kib)
}
