//! The load: tasks that call a cached function, and note what was a hit and when.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use cache_runtime::{Cache, cache_result};
use parking_lot::Mutex;
use tokio::task::JoinSet;

const TASKS: u64 = 64;
pub(super) const KEYS: u64 = 100;
const LOADER: Duration = Duration::from_millis(2);
const BETWEEN_CALLS: Duration = Duration::from_millis(5);
/// In what steps of time hits are counted.
const STEP: Duration = Duration::from_millis(50);

#[cache_result(key = "failover:<id>", ttl = "10m", key_ignores(ran))]
async fn double(id: u64, ran: &AtomicBool) -> Result<u64, std::io::Error> {
    ran.store(true, Ordering::Relaxed);
    tokio::time::sleep(LOADER).await;
    Ok(2 * id)
}

pub(super) fn key_of(id: u64) -> String {
    format!("failover:{id}")
}

/// Tasks at work, until they are told to stop.
pub(super) struct Load {
    cache: Cache,
    shared: Arc<Shared>,
    tasks: JoinSet<()>,
}

struct Shared {
    start: Instant,
    watched: Vec<u64>,
    is_over: AtomicBool,
    calls: AtomicU64,
    errors: AtomicU64,
    slowest: AtomicU64,
    /// Of each step, the calls for the keys that are watched, and those among them that were hits.
    steps: Mutex<Vec<(u64, u64)>>,
}

/// What callers felt of a scene.
pub(super) struct Felt {
    calls: u64,
    errors: u64,
    slowest: Duration,
    /// From the breakage to the first answer of whichever server serves afterwards.
    away: Duration,
    /// From then until most calls were hits again; nothing if they never were.
    back: Option<Duration>,
    changes: u64,
}

impl Load {
    /// Starts the tasks, and waits until the cache is warm. Only some of the keys are watched:
    /// those that the breakage hits.
    pub(super) async fn start(cache: Cache, watched: Vec<u64>) -> Self {
        let shared = Arc::new(Shared {
            start: Instant::now(),
            watched,
            is_over: AtomicBool::new(false),
            calls: AtomicU64::new(0),
            errors: AtomicU64::new(0),
            slowest: AtomicU64::new(0),
            steps: Mutex::default(),
        });
        let mut tasks = JoinSet::new();
        for task in 0..TASKS {
            tasks.spawn(cache.scope(work(shared.clone(), task)));
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        Self {
            cache,
            shared,
            tasks,
        }
    }

    /// Ends the load, which was broken and began to be served again at these times.
    pub(super) async fn end(mut self, broken: Instant, served: Instant) -> Felt {
        self.shared.is_over.store(true, Ordering::Relaxed);
        while self.tasks.join_next().await.is_some() {}
        let since_start = served.duration_since(self.shared.start);
        let first = step(since_start);
        let steps = self.shared.steps.lock();
        let mut after = steps.iter().enumerate().skip(first);
        let back = after.find(|(_, (calls, hits))| *calls > 0 && 2 * hits > *calls);
        Felt {
            calls: self.shared.calls.load(Ordering::Relaxed),
            errors: self.shared.errors.load(Ordering::Relaxed),
            slowest: Duration::from_micros(self.shared.slowest.load(Ordering::Relaxed)),
            away: served.duration_since(broken),
            back: back.map(|(at, _)| {
                let end = STEP.mul_f64(u32::try_from(at + 1).map_or(f64::MAX, f64::from));
                end.saturating_sub(since_start)
            }),
            changes: self.cache.connections().changes,
        }
    }
}

fn step(since_start: Duration) -> usize {
    usize::try_from(since_start.as_millis() / STEP.as_millis()).unwrap_or(usize::MAX)
}

async fn work(shared: Arc<Shared>, task: u64) {
    let mut turn = task;
    while !shared.is_over.load(Ordering::Relaxed) {
        turn = turn.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let id = (turn >> 33) % KEYS;
        let (ran, begun) = (AtomicBool::new(false), Instant::now());
        let answer = double(id, &ran).await;
        let is_right = answer.is_ok_and(|answer| answer == 2 * id);
        let took = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
        shared.calls.fetch_add(1, Ordering::Relaxed);
        shared
            .errors
            .fetch_add(u64::from(!is_right), Ordering::Relaxed);
        shared.slowest.fetch_max(took, Ordering::Relaxed);
        if shared.watched.contains(&id) {
            shared.count(!ran.load(Ordering::Relaxed));
        }
        tokio::time::sleep(BETWEEN_CALLS).await;
    }
}

impl Shared {
    fn count(&self, is_hit: bool) {
        let at = step(self.start.elapsed());
        let mut steps = self.steps.lock();
        if steps.len() <= at {
            steps.resize(at + 1, (0, 0));
        }
        steps[at].0 += 1;
        steps[at].1 += u64::from(is_hit);
    }
}

impl Felt {
    pub(super) const HEADINGS: &str =
        "scene     calls    errors  slowest call  away      hits back after  changes";

    pub(super) fn line(&self, scene: &str) -> String {
        let millis = |time: Duration| format!("{} ms", time.as_millis());
        let back = self.back.map_or("never".to_owned(), millis);
        format!(
            "{scene:<9} {:<8} {:<7} {:<13} {:<9} {back:<16} {}",
            self.calls,
            self.errors,
            millis(self.slowest),
            millis(self.away),
            self.changes,
        )
    }

    /// Hits on a server that should not be used any more are none.
    pub(super) fn later_by(mut self, unused: Duration) -> Self {
        self.back = self.back.map(|back| back.max(unused));
        self
    }

    pub(super) fn is_within(&self, limit: Duration) -> bool {
        self.errors == 0 && self.back.is_some_and(|back| back <= limit)
    }
}
