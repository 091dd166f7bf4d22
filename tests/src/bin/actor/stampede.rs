//! Many calls that miss one key at the same moment.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use cache_runtime::{cache_result, spawn};
use cache_tests::now;

const TASKS: usize = 250;
const LOAD_TIME: Duration = Duration::from_millis(50);

static LOADS: AtomicU64 = AtomicU64::new(0);

#[cache_result(key = "stampede:<round>", ttl = 600)]
async fn loaded(round: u64) -> u64 {
    LOADS.fetch_add(1, Ordering::Relaxed);
    tokio::time::sleep(LOAD_TIME).await;
    round
}

/// Answers with the number of loads, then the microseconds that each call took.
pub(crate) async fn run(round: u64, start: Duration) -> String {
    LOADS.store(0, Ordering::Relaxed);
    // The other processes wait for the same moment; a timer would be a millisecond late.
    while now() < start {
        std::hint::spin_loop();
    }
    let start = Instant::now();
    let calls: Vec<_> = (0..TASKS)
        .map(|_| {
            spawn(async move {
                assert_eq!(loaded(round).await, round);
                start.elapsed().as_micros()
            })
        })
        .collect();
    let mut took = Vec::with_capacity(TASKS);
    for call in calls {
        took.push(call.await.expect("a call").to_string());
    }
    format!("{} {}", LOADS.load(Ordering::Relaxed), took.join(" "))
}
