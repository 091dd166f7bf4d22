//! The shortest schedule to what must not happen, for people to read.

use std::collections::HashSet;
use std::sync::Arc;

use super::run::{Choice, Run, Shortcuts};
use super::scenario::Scenario;
use super::sim::Sim;

/// Breadth first, which comes by the shortest way to each state.
pub(super) fn shortest(scenario: &Scenario, sim: &Arc<Sim>) -> Option<Vec<Choice>> {
    let mut seen = HashSet::new();
    let mut level = vec![Vec::new()];
    while !level.is_empty() {
        let mut next = Vec::new();
        for path in level {
            for choice in choices_after(scenario, sim, &path) {
                let mut way = path.clone();
                way.push(choice);
                let run = run_along(scenario, sim, &way);
                if Run::fault().is_some() {
                    return Some(way);
                }
                if seen.insert(run.state()) {
                    next.push(way);
                }
            }
        }
        level = next;
    }
    None
}

fn choices_after(scenario: &Scenario, sim: &Arc<Sim>, path: &[Choice]) -> Vec<Choice> {
    run_along(scenario, sim, path).choices()
}

/// The run at the end of this way, judged if it is over.
fn run_along<'a>(scenario: &'a Scenario, sim: &Arc<Sim>, way: &[Choice]) -> Run<'a> {
    let mut run = Run::new(scenario, sim, Shortcuts::ALL);
    for choice in way {
        run.take(*choice);
    }
    if run.choices().is_empty() {
        run.judge_end();
    }
    run
}
