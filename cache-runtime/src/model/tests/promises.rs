//! No schedule breaks a promise.

use std::sync::Arc;
use std::time::Instant;

use super::{embedded, on_redis};
use crate::model::explore::explore;
use crate::model::mutant;
use crate::model::replay::{follow, perform};
use crate::model::run::Shortcuts;
use crate::model::scenario::Scenario;
use crate::model::scenarios::{BATCHES, FENCES, PAIRS, READS, TAGS, UPDATES, WINDOWS, named};
use crate::model::shortest::shortest;
use crate::store::RedisServer;

fn hold(scenarios: &[Scenario]) {
    let sim = embedded();
    let _entered = sim.enter();
    let mut are_kept = true;
    for scenario in scenarios {
        let start = Instant::now();
        let explored = explore(scenario, &sim, Shortcuts::ALL);
        println!(
            "{:>8} states {:>6} schedules {:>8} steps {:>6} ms  {}",
            explored.states,
            explored.schedules,
            explored.steps,
            start.elapsed().as_millis(),
            scenario.name,
        );
        if explored.is_found {
            are_kept = false;
            let shortest = shortest(scenario, &sim).unwrap();
            let performed = perform(scenario, &sim, &shortest);
            for (number, line) in performed.lines.iter().enumerate() {
                println!("  {:>3}. {line}", number + 1);
            }
            println!("       so {}", performed.fault.unwrap());
        }
    }
    assert!(are_kept, "there are schedules that break a promise");
}

#[test]
fn of_reads() {
    hold(READS);
}

#[test]
fn of_updates() {
    hold(UPDATES);
}

#[test]
fn of_windows() {
    hold(WINDOWS);
}

#[test]
fn of_fences() {
    hold(FENCES);
}

#[test]
fn of_tags() {
    hold(TAGS);
}

#[test]
fn of_pairs() {
    hold(PAIRS);
}

#[test]
fn of_batches() {
    hold(BATCHES);
}

/// What need not be tried makes no difference: without any shortcut, small scenarios come to the
/// same ends.
#[test]
fn by_way_of_a_shortcut() {
    let none = Shortcuts {
        tells_what_is_shared: false,
        wakes_at_once: false,
        begins_with_a_read: false,
        sleeps: false,
    };
    let sim = embedded();
    let _entered = sim.enter();
    for name in ["reads share a load", "an update meets a write"] {
        let scenario = named(name).unwrap();
        let (short, long) = (
            explore(scenario, &sim, Shortcuts::ALL),
            explore(scenario, &sim, none),
        );
        println!("{name}: {} and {} states", short.states, long.states);
        assert!(!short.is_found && !long.is_found);
        assert_eq!(short.outcomes, long.outcomes);
    }
}

/// The schedules that break a promise where a guard is missing, on a real Redis and by code that
/// has its guards.
#[test]
fn where_guards_were_missing() {
    let server = Arc::new(RedisServer::start());
    for sim in [embedded(), on_redis(&server)] {
        let _entered = sim.enter();
        for mutant in mutant::ALL {
            let path = format!(
                "{}/src/model/schedules/{mutant}.txt",
                env!("CARGO_MANIFEST_DIR")
            );
            let text = std::fs::read_to_string(path).unwrap();
            let mut lines = text.lines();
            let name = lines.next().unwrap_or_default();
            let scenario = named(name).unwrap_or_else(|| panic!("`{name}` is no scenario"));
            let lines: Vec<_> = lines.collect();
            let performed = follow(scenario, &sim, &lines);
            assert_eq!(performed.fault, None, "{mutant}: {:#?}", performed.lines);
            println!(
                "{mutant}: {} of {} steps can happen",
                lines.len() - performed.skipped,
                lines.len()
            );
            assert!(
                2 * performed.skipped <= lines.len(),
                "{mutant} is another schedule by now"
            );
        }
    }
}
