//! A thousand calls in four processes miss one key at the same moment.

use std::time::Duration;

use cache_tests::{Latencies, RedisServer, now};

use crate::TURN;
use crate::actor::{Actor, optimised};

const PROCESSES: usize = 4;
const ROUNDS: u64 = 20;
const SETS: u64 = 4;
const LEASE: Duration = Duration::from_secs(10);
/// Until all processes have their order.
const LEAD: Duration = Duration::from_millis(20);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_callers_in_four_processes_share_one_load() {
    let _turn = TURN.lock().await;
    let server = RedisServer::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let program = optimised();
    let start = || Actor::start_program(&program, &server, LEASE, folder.path());
    let mut actors: Vec<_> = (0..PROCESSES).map(|_| start()).collect();
    // The first round opens connections and loads scripts.
    stampede(&mut actors, 0);
    // Timings of a machine that others use, too: they count as soon as it lets us.
    for first in (1..=SETS * ROUNDS).step_by(usize::try_from(ROUNDS).expect("a few")) {
        let rounds: Vec<_> = (first..first + ROUNDS)
            .map(|round| stampede(&mut actors, round))
            .collect();
        let p99: Latencies = rounds.iter().map(|(_, took)| took.percentile(99)).collect();
        for (loads, took) in &rounds {
            println!("{loads} load, {took}");
        }
        println!("p99 of the rounds: {p99}");
        assert!(rounds.iter().all(|(loads, _)| *loads == 1));
        if p99.median() < Duration::from_millis(65) && p99.longest() < Duration::from_millis(100) {
            return;
        }
    }
    panic!("in no set of rounds were calls quick enough");
}

/// The loads of all processes, and how long each call took.
fn stampede(actors: &mut [Actor], round: u64) -> (u64, Latencies) {
    let start = (now() + LEAD).as_nanos();
    for actor in &mut *actors {
        actor.tell(&format!("stampede {round} {start}"));
    }
    let mut loads = 0;
    let took = actors.iter().flat_map(|actor| {
        let line = actor.line();
        let mut numbers = line.split(' ').map(|word| word.parse().expect("a number"));
        loads += numbers.next().expect("loads");
        numbers.map(Duration::from_micros).collect::<Vec<_>>()
    });
    let took = took.collect();
    (loads, took)
}
