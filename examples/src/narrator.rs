//! Tells a person what a step did to the cache, and how long it took.

use std::time::Instant;

use cache_runtime::{Cache, Stats};

pub(crate) fn heading() {
    row("what was done", "what it was", "it took");
}

pub(crate) async fn step<T>(what: &str, step: impl Future<Output = T>) -> T {
    let before = Cache::global().stats();
    let start = Instant::now();
    let outcome = step.await;
    let took = start.elapsed();
    let verdict = verdict(&before, &Cache::global().stats());
    row(what, &verdict, &format!("{took:.1?}"));
    outcome
}

fn row(what: &str, verdict: &str, took: &str) {
    println!("{what:<28}{verdict:<34}{took:>8}");
}

/// Counted by the cache itself, not assumed.
fn verdict(before: &Stats, after: &Stats) -> String {
    let hits = after.hits - before.hits;
    let loads = after.loads - before.loads;
    let joined = after.joined - before.joined;
    let unstored = after.unstored - before.unstored;
    let invalidations = after.invalidations - before.invalidations;
    match (hits, loads) {
        (0, 0) if invalidations > 0 => "invalidation".to_owned(),
        (1, 0) => "hit".to_owned(),
        (_, 0) => format!("{hits} hits"),
        (0, 1) if unstored > 0 => "miss, and the error is not kept".to_owned(),
        (0, 1) if joined == 0 => "miss".to_owned(),
        _ => format!("{loads} load, shared by {} more", joined + hits),
    }
}
