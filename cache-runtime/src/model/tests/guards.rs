//! A build without one of its guards breaks a promise.

use std::sync::Arc;
use std::time::Instant;

use super::{embedded, on_redis};
use crate::model::explore::explore;
use crate::model::mutant::MUTANT;
use crate::model::replay::perform;
use crate::model::run::Shortcuts;
use crate::model::scenario::Scenario;
use crate::model::scenarios::{FENCES, PAIRS, READS, UPDATES, WINDOWS};
use crate::model::shortest::shortest;
use crate::store::RedisServer;

/// Prints what the program `mutants` reads.
#[test]
fn are_needed() {
    let sim = embedded();
    let entered = sim.enter();
    let start = Instant::now();
    let mut states = 0;
    let breaks = scenarios().iter().find(|scenario| {
        let explored = explore(scenario, &sim, Shortcuts::ALL);
        states += explored.states;
        explored.is_found
    });
    let scenario = breaks.unwrap_or_else(|| panic!("without `{MUTANT}` all promises are kept"));
    let shortest = shortest(scenario, &sim).unwrap();
    let found = perform(scenario, &sim, &shortest);
    drop(entered);

    let server = Arc::new(RedisServer::start());
    let real = on_redis(&server);
    let _entered = real.enter();
    let on_redis = perform(scenario, &real, &shortest);
    println!("scenario: {}", scenario.name);
    found.lines.iter().for_each(|line| println!("step: {line}"));
    println!("fault: {}", found.fault.unwrap());
    println!(
        "on redis: {}",
        on_redis.fault.as_deref().unwrap_or("nothing")
    );
    println!("states: {states}");
    println!("millis: {}", start.elapsed().as_millis());
    assert!(
        on_redis.fault.is_some(),
        "Redis keeps the promise: {:#?}",
        on_redis.lines
    );
}

/// Where this guard has its work.
fn scenarios() -> &'static [Scenario] {
    match MUTANT {
        "stale_payload_from_lease" => WINDOWS,
        "capture_before_load" | "random_generation" => PAIRS,
        "fenced_update" => UPDATES,
        "fence_around" => FENCES,
        _ => READS,
    }
}
