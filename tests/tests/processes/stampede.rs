//! A thousand calls in four processes miss one key at the same moment.

use std::time::Duration;

use cache_tests::{Latencies, RedisServer, now};

use crate::TURN;
use crate::actor::Actor;

const PROCESSES: usize = 4;
const ROUNDS: u64 = 20;
/// What two requests by hand and the pause between them take on a machine that is free.
const QUICK: Duration = Duration::from_millis(56);
const LEASE: Duration = Duration::from_secs(10);
/// Until all processes have their order.
const LEAD: Duration = Duration::from_millis(20);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_callers_in_four_processes_share_one_load() {
    let _turn = TURN.lock().await;
    let server = RedisServer::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let start = || Actor::start(&server, LEASE, folder.path());
    let mut actors: Vec<_> = (0..PROCESSES).map(|_| start()).collect();
    // The first round opens connections and loads scripts.
    stampede(&mut actors, 0);
    pace(&mut actors);
    let (mut calls, mut paces) = (Vec::new(), Vec::new());
    for round in 1..=ROUNDS {
        let (loads, took) = stampede(&mut actors, round);
        let pace = pace(&mut actors);
        println!("{loads} load, {took}; by hand {pace}");
        assert_eq!(loads, 1);
        calls.push(took.percentile(99));
        paces.push(pace.percentile(99));
    }
    let (calls, paces) = (Latencies::from_iter(calls), Latencies::from_iter(paces));
    println!("p99 of the rounds: {calls}; by hand {paces}");
    if cfg!(debug_assertions) {
        // Code that is not optimised is measured against other such code.
        assert!(calls.median() < 3 * paces.median());
        return;
    }
    // What the machine itself takes longer than a quick one is not counted.
    let slowness = paces.median().saturating_sub(QUICK);
    assert!(calls.median() < Duration::from_millis(65) + slowness);
    assert!(calls.longest() < Duration::from_millis(100) + slowness);
}

/// The loads of all processes, and how long each call took.
fn stampede(actors: &mut [Actor], round: u64) -> (u64, Latencies) {
    let mut loads = 0;
    let took = at_once(actors, &format!("stampede {round}"), |numbers| {
        loads += numbers.next().expect("loads");
    });
    (loads, took)
}

/// How long each of as many tasks took that ask Redis by hand, before and after the time that a
/// load takes: what this machine needs at the least.
fn pace(actors: &mut [Actor]) -> Latencies {
    at_once(actors, "pace", |_| {})
}

/// How long each call took; `first` takes what is said before that.
fn at_once(
    actors: &mut [Actor],
    order: &str,
    mut first: impl FnMut(&mut dyn Iterator<Item = u64>),
) -> Latencies {
    let start = (now() + LEAD).as_nanos();
    for actor in &mut *actors {
        actor.tell(&format!("{order} {start}"));
    }
    let took = actors.iter().flat_map(|actor| {
        let line = actor.line();
        let mut numbers = line.split(' ').map(|word| word.parse().expect("a number"));
        first(&mut numbers);
        numbers.map(Duration::from_micros).collect::<Vec<_>>()
    });
    took.collect()
}
