//! Every interleaving of a few calls, over the real code of this crate.
//!
//! Here calls do not run by themselves. Each waits at a gate before everything that others can
//! notice, and an explorer lets one of them through at a time, in every order there is.

mod access;
mod actors;
mod explore;
mod facts;
mod hash;
mod run;
mod scenario;
mod sim;
mod stage;

pub(crate) use sim::Sim;
pub(crate) use stage::{adopt, is_exploring, pause, token, touch, within};

use facts::Limits;
use scenario::{Part, Scenario};

const NONE: Limits = Limits {
    lease_ends: 0,
    entry_ends: 0,
    crashes: 0,
    drops: 0,
    failures: 0,
    lost: 0,
    timeouts: 0,
};

#[test]
fn first() {
    let all = [
        Scenario { name: "read, write", cells: 1, processes: 2, parts: &[(0, Part::Read(0)), (1, Part::Invalidate(0))], limits: NONE },
        Scenario { name: "read, read, write", cells: 1, processes: 2, parts: &[(0, Part::Read(0)), (0, Part::Read(0)), (1, Part::Invalidate(0))], limits: NONE },
        Scenario { name: "read, read, write, expiry", cells: 1, processes: 2, parts: &[(0, Part::Read(0)), (0, Part::Read(0)), (1, Part::Invalidate(0))], limits: Limits { lease_ends: 1, ..NONE } },
        Scenario { name: "read, reads, write", cells: 1, processes: 2, parts: &[(0, Part::Read(0)), (0, Part::ReadTwice(0)), (1, Part::Invalidate(0))], limits: NONE },
        Scenario { name: "all", cells: 1, processes: 2, parts: &[(0, Part::Read(0)), (0, Part::Read(0)), (1, Part::Invalidate(0))], limits: Limits { lease_ends: 1, entry_ends: 1, crashes: 1, drops: 1, failures: 1, lost: 1, timeouts: 1 } },
    ];
    let start = std::time::Instant::now();
    let sim = std::sync::Arc::new(sim::Sim::new());
    for _ in 0..1000 { run::Run::new(&all[1], &sim, false); }
    println!("1000 runs {:?}", start.elapsed());
    for scenario in all {
        let start = std::time::Instant::now();
        let explored = explore::explore(&scenario);
        println!("{}: {} states, {} schedules, {} steps, {:?}", scenario.name, explored.states, explored.schedules, explored.steps, start.elapsed());
        if let Some(found) = explored.found {
            for line in found.lines { println!("   {line}"); }
            panic!("{}", found.fault);
        }
    }
}
