//! Schedules as text: a step a line, and what came of it.

use super::actors;
use super::gate::{Act, Pass};
use super::run::Choice;
use super::stage::Stage;

/// Between a step and what came of it.
pub(super) const SEEN: &str = " => ";

/// What a line says is to happen.
pub(super) fn step(line: &str) -> &str {
    line.split(SEEN).next().unwrap_or(line)
}

pub(super) fn letter(process: usize) -> char {
    char::from(b'A' + u8::try_from(process).unwrap_or(25))
}

/// The name of a choice among all that there are at the same time.
pub(super) fn text(stage: &Stage, choice: Choice) -> String {
    match choice {
        Choice::Pass(at, pass) => text_of_pass(stage, at, pass),
        Choice::Wake(task) => format!("{} goes on", stage.tasks[task].name),
        Choice::ClaimEnds(cell) => format!("the time of who holds {} is over", actors::key(cell)),
        Choice::EntryEnds(cell) => format!("the entry of {} is evicted", actors::key(cell)),
        Choice::TagEnds => format!("{} is evicted", actors::tag()),
        Choice::TimePasses => "the time to live of all entries passes".to_owned(),
        Choice::Crash(process) => format!("process {} is killed", letter(process)),
        Choice::Drop(task) => format!("{} is dropped", stage.tasks[task].name),
        Choice::Deliver => "the late command arrives".to_owned(),
    }
}

fn text_of_pass(stage: &Stage, at: usize, pass: Pass) -> String {
    let waiting = &stage.waiting[at];
    let (name, key) = (&stage.tasks[waiting.task].name, waiting.keys.join(" and "));
    match (waiting.act, pass) {
        (Act::Begin, _) => format!("{name} begins"),
        (Act::Read, _) => format!("{name} reads {key}"),
        (Act::Lease, Pass::Go) => format!("{name} asks for the lease of {key}"),
        (Act::Lease, Pass::Otherwise) => {
            format!("{name} asks for the lease of {key} and hears nothing")
        }
        (Act::Publish, _) => format!("{name} publishes {key}"),
        (Act::Put, _) => format!("{name} puts {key}"),
        (Act::Release, _) => format!("{name} gives the lease of {key} back"),
        (Act::Invalidate, _) => format!("{name} invalidates {key}"),
        (Act::Fence, _) => format!("{name} fences {key}"),
        (Act::Unfence, _) => format!("{name} ends its fence of {key}"),
        (Act::Answer, _) => format!("{name} hears of it"),
        (Act::Load, Pass::Go) => format!("{name} loads {key}"),
        (Act::Load, Pass::Otherwise) => format!("{name} fails to load {key}"),
        (Act::Loaded, _) => format!("{name} has loaded {key}"),
        (Act::Commit, _) => format!("{name} commits {key}"),
        (Act::Pause, Pass::Go) => format!("{name} looks at {key} again"),
        (Act::Pause, Pass::Otherwise) => format!("{name} has looked at {key} long enough"),
        (Act::TimeUp, _) => format!("{name} has waited long enough"),
    }
}
