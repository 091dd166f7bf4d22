//! Calls one subject from many tasks for a while, and says what that cost.

use std::future::Future;
use std::hint::black_box;
use std::time::{Duration, Instant};

use crate::cpu;
use crate::values::KEYS;

/// What one subject is put under.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Callers at once.
    pub tasks: u32,
    /// Calls between two looks at the clock, which costs as much as a tenth of the fastest call.
    pub burst: u32,
    /// For how long.
    pub time: Duration,
}

/// What came of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sample {
    /// Calls a second.
    pub throughput: f64,
    /// Processor time of this process for one call, in nanoseconds.
    pub cpu: f64,
    /// What half of the bursts did not exceed, in nanoseconds.
    pub p50: f64,
    /// What 99 of 100 bursts did not exceed, in nanoseconds.
    pub p99: f64,
}

/// Warms up, then measures.
pub async fn drive<C, F>(load: Load, call: C) -> Sample
where
    C: Fn(u64) -> F + Clone + Send + 'static,
    F: Future + Send + 'static,
{
    let warm_up = Load {
        time: load.time / 8,
        ..load
    };
    measure(warm_up, call.clone()).await;
    measure(load, call).await
}

async fn measure<C, F>(load: Load, call: C) -> Sample
where
    C: Fn(u64) -> F + Clone + Send + 'static,
    F: Future + Send + 'static,
{
    let (start, cpu) = (Instant::now(), cpu::used());
    let callers: Vec<_> = (0..load.tasks)
        .map(|task| tokio::spawn(run(load, u64::from(task) * 37, start, call.clone())))
        .collect();
    let mut bursts = Vec::new();
    for caller in callers {
        // A caller that panicked has said so, and has no figures.
        bursts.extend(caller.await.unwrap_or_default());
    }
    let (elapsed, cpu) = (start.elapsed(), cpu::used().saturating_sub(cpu));
    summary(load, bursts, elapsed, cpu)
}

/// One caller: how long each of its bursts took, in nanoseconds.
async fn run<C, F>(load: Load, first: u64, start: Instant, call: C) -> Vec<u32>
where
    C: Fn(u64) -> F,
    F: Future,
{
    let mut bursts = Vec::with_capacity(1 << 12);
    let mut id = first;
    let mut before = Instant::now();
    while before - start < load.time {
        for _ in 0..load.burst {
            id = (id + 1) % KEYS;
            black_box(call(black_box(id)).await);
        }
        let after = Instant::now();
        bursts.push(u32::try_from((after - before).as_nanos()).unwrap_or(u32::MAX));
        before = after;
        if load.burst > 1 {
            // Calls that never wait would keep the other callers off this thread.
            tokio::task::yield_now().await;
        }
    }
    bursts
}

fn summary(load: Load, mut bursts: Vec<u32>, elapsed: Duration, cpu: Duration) -> Sample {
    bursts.sort_unstable();
    #[expect(clippy::cast_precision_loss, reason = "below 2^52 calls")]
    let calls = bursts.len() as f64 * f64::from(load.burst);
    Sample {
        throughput: calls / elapsed.as_secs_f64(),
        cpu: cpu.as_secs_f64() * 1e9 / calls,
        p50: percentile(&bursts, 50),
        p99: percentile(&bursts, 99),
    }
}

fn percentile(ascending: &[u32], percent: usize) -> f64 {
    let rank = (ascending.len() * percent).div_ceil(100);
    let burst = ascending.get(rank.saturating_sub(1));
    burst.copied().map_or(f64::NAN, f64::from)
}
