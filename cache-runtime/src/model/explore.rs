//! All schedules of a scenario, each state once.
//!
//! Futures cannot be copied, so going back means beginning again: depth first, which goes on from
//! where it is for as long as there is something new.

use std::collections::HashMap;
use std::collections::HashSet;
use std::collections::hash_map::Entry::{Occupied, Vacant};
use std::sync::Arc;

use super::access::Access;
use super::run::{Choice, Run, Shortcuts};
use super::scenario::Scenario;
use super::sim::Sim;

/// What came of it.
#[derive(Default)]
pub(super) struct Explored {
    pub(super) states: usize,
    pub(super) schedules: usize,
    pub(super) steps: usize,
    /// What it can come to.
    pub(super) outcomes: HashSet<u64>,
    /// Whether something happened that must not.
    pub(super) is_found: bool,
}

/// A state on the way, and what is to be tried from there.
struct Frame {
    steps: Vec<Step>,
    at: usize,
    asleep: Vec<Step>,
}

/// Something that can happen, by a name that it has in every state.
#[derive(Clone, Copy)]
struct Step {
    choice: Choice,
    name: u64,
    access: Access,
}

#[derive(Default)]
struct States(HashMap<u64, Before>);

/// A state that was seen before.
struct Before {
    /// What could happen, to check the number of the state.
    choices: u64,
    /// What was not tried.
    asleep: Vec<u64>,
}

/// Goes every way but those that differ from one already gone only in the order of steps that
/// have nothing to do with each other: what was tried before its sibling sleeps beneath the
/// sibling until something happens that it has to do with.
pub(super) fn explore(scenario: &Scenario, sim: &Arc<Sim>, shortcuts: Shortcuts) -> Explored {
    let mut explored = Explored::default();
    let mut states = States::default();
    let mut path: Vec<Frame> = Vec::new();
    loop {
        let mut run = Run::new(scenario, sim, shortcuts);
        for frame in &mut path {
            frame.take(&mut run);
        }
        let replayed = path.len();
        go_on(&mut run, &mut path, &mut states, shortcuts, &mut explored);
        explored.steps += path.len().max(replayed);
        if Run::fault().is_some() {
            explored.is_found = true;
            break;
        }
        if !turn(&mut path) {
            break;
        }
    }
    explored.states = states.0.len();
    explored
}

/// Goes on until there is nothing new.
fn go_on(
    run: &mut Run<'_>,
    path: &mut Vec<Frame>,
    states: &mut States,
    shortcuts: Shortcuts,
    explored: &mut Explored,
) {
    while Run::fault().is_none() {
        let choices = run.choices();
        if choices.is_empty() {
            explored.schedules += 1;
            run.judge_end();
            explored.outcomes.insert(Run::outcome());
            return;
        }
        let last = path.last().filter(|_| shortcuts.sleeps);
        let asleep = last.map(Frame::asleep_beneath).unwrap_or_default();
        let steps = states.new_steps(run.state(), choices, &asleep);
        if steps.is_empty() {
            return;
        }
        let at = 0;
        let mut frame = Frame { steps, at, asleep };
        frame.take(run);
        path.push(frame);
    }
}

impl Frame {
    fn take(&mut self, run: &mut Run<'_>) {
        let step = &mut self.steps[self.at];
        run.take(step.choice);
        step.access = Run::access();
    }

    /// What need not be tried after the step that this frame has come to.
    fn asleep_beneath(&self) -> Vec<Step> {
        let taken = &self.steps[self.at];
        let sleeps = |step: &&Step| step.access.is_apart_from(&taken.access);
        self.asleep.iter().filter(sleeps).copied().collect()
    }
}

impl States {
    /// What is still to be tried in a state.
    fn new_steps(&mut self, state: u64, choices: Vec<Choice>, asleep: &[Step]) -> Vec<Step> {
        let step = |choice| Step {
            choice,
            name: Run::name_of(choice),
            access: Access::default(),
        };
        let mut steps: Vec<_> = choices.into_iter().map(step).collect();
        let names = steps.iter().map(|step| step.name);
        let names = names.fold(0, u64::wrapping_add);
        let sleeps = |name: u64| asleep.iter().any(|step| step.name == name);
        match self.0.entry(state) {
            Vacant(new) => {
                new.insert(Before {
                    choices: names,
                    asleep: asleep.iter().map(|step| step.name).collect(),
                });
                steps.retain(|step| !sleeps(step.name));
            }
            Occupied(known) => {
                let before = known.into_mut();
                assert_eq!(before.choices, names, "two states that differ count as one");
                let is_new = |step: &Step| before.asleep.contains(&step.name) && !sleeps(step.name);
                steps.retain(is_new);
                before.asleep.retain(|name| sleeps(*name));
            }
        }
        steps
    }
}

/// The next schedule that shares as much as possible with the last.
fn turn(path: &mut Vec<Frame>) -> bool {
    while let Some(last) = path.last_mut() {
        last.asleep.push(last.steps[last.at]);
        last.at += 1;
        if last.at < last.steps.len() {
            return true;
        }
        path.pop();
    }
    false
}
