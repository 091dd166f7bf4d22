//! A schedule performed again, perhaps on another store or by code that has its guards.

use std::sync::Arc;

use super::run::{Choice, Run, Shortcuts};
use super::scenario::Scenario;
use super::schedule;
use super::sim::Sim;

/// What came of it.
pub(super) struct Performed {
    pub(super) lines: Vec<String>,
    /// How many steps could not happen.
    pub(super) skipped: usize,
    pub(super) fault: Option<String>,
}

/// Performs these very steps, and goes on to the end if nothing has gone wrong by then.
pub(super) fn perform(scenario: &Scenario, sim: &Arc<Sim>, choices: &[Choice]) -> Performed {
    let mut run = Run::told(scenario, sim, Shortcuts::ALL);
    for choice in choices {
        run.take(*choice);
    }
    end(&mut run, 0)
}

/// Performs the steps of these lines, but for those that can't happen, and then goes on to the end.
pub(super) fn follow(scenario: &Scenario, sim: &Arc<Sim>, lines: &[&str]) -> Performed {
    let mut run = Run::told(scenario, sim, Shortcuts::ALL);
    let mut skipped = 0;
    for line in lines {
        let choices = run.choices();
        let step = schedule::step(line);
        match choices
            .into_iter()
            .find(|choice| Run::text(*choice) == step)
        {
            Some(choice) => run.take(choice),
            None => skipped += 1,
        }
    }
    end(&mut run, skipped)
}

/// Goes on without accidents until all is over or something has gone wrong.
fn end(run: &mut Run<'_>, skipped: usize) -> Performed {
    while Run::fault().is_none() {
        let usual = run.choices().into_iter().find(Choice::is_usual);
        let Some(choice) = usual else {
            run.judge_end();
            break;
        };
        run.take(choice);
    }
    Performed {
        lines: Run::lines(),
        skipped,
        fault: Run::fault(),
    }
}
