//! One run of a scenario: what can happen next, and making it happen.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Wake, Waker};

use super::access::{Access, Thing};
use super::actors;
use super::facts::Facts;
use super::hash::{self, mix};
use super::scenario::Scenario;
use super::sim::Sim;
use super::stage::{self, Act, Pass, Stage, Task, on};
use crate::cache::{Cache, Config};

/// What can happen next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Choice {
    /// The one who waits at this place is let through.
    Pass(usize, Pass),
    LeaseEnds(usize),
    EntryEnds(usize),
    Crash(usize),
    Drop(usize),
    Deliver,
}

struct Player {
    future: Option<Task>,
    woken: Arc<Woken>,
    waker: Waker,
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

pub(super) struct Run<'a> {
    scenario: &'a Scenario,
    sim: Arc<Sim>,
    players: Vec<Player>,
    is_alive: Vec<bool>,
}

impl<'a> Run<'a> {
    pub(super) fn new(scenario: &'a Scenario, sim: &Arc<Sim>, is_told: bool) -> Self {
        let facts = Facts::new(scenario.cells, scenario.limits);
        let mut stage = Stage::new(scenario.processes, facts, is_told);
        sim.clear((0..scenario.cells).map(actors::key));
        let process = |_| Cache::from_config(Config::exploring(sim.clone(), sim.clock()));
        let caches: Vec<_> = (0..scenario.processes).map(process).collect();
        let mut players = Vec::new();
        for (number, (process, part)) in scenario.parts.iter().enumerate() {
            let letter = char::from(b'A' + u8::try_from(*process).unwrap());
            let name = format!("{} {}@{letter}", part.name(), number + 1);
            stage.cast(number as u64 + 1, name.into(), *process);
            players.push(Player::new(part.play(caches[*process].clone())));
        }
        stage::enter(stage);
        let is_alive = vec![true; scenario.processes];
        let mut run = Self {
            scenario,
            sim: sim.clone(),
            players,
            is_alive,
        };
        run.settle();
        run
    }

    /// All that can happen now; nothing when everything is over.
    pub(super) fn choices(&mut self) -> Vec<Choice> {
        let mut choices = self.passes();
        let is_stuck = choices.is_empty() && self.players.iter().any(|it| it.future.is_some());
        let left = on(|stage| stage.facts.left);
        for cell in 0..self.scenario.cells {
            let key = actors::key(cell);
            if self.sim.is_leased(&key) && (left.lease_ends > 0 || is_stuck) {
                choices.push(Choice::LeaseEnds(cell));
            }
            if left.entry_ends > 0 && self.sim.entry(&key).is_some() {
                choices.push(Choice::EntryEnds(cell));
            }
        }
        if left.crashes > 0 {
            let dies = |process: &usize| self.is_under_way(*process);
            choices.extend((0..self.is_alive.len()).filter(dies).map(Choice::Crash));
        }
        if left.drops > 0 {
            let parts = 0..self.scenario.parts.len();
            choices.extend(parts.filter(|it| self.has_begun(*it)).map(Choice::Drop));
        }
        if on(|stage| stage.late.is_some()) {
            choices.push(Choice::Deliver);
        }
        if is_stuck && choices.is_empty() {
            on(|stage| stage.facts.find(|| "somebody waits for ever".to_owned()));
        }
        choices
    }

    fn passes(&self) -> Vec<Choice> {
        let mut passes = Vec::new();
        on(|stage| {
            let left = stage.facts.left;
            for (at, waiting) in stage.waiting.iter().enumerate() {
                let (go, otherwise) = match waiting.act {
                    Act::Pause => (waiting.has_changed, left.timeouts > 0),
                    Act::TimeUp => (left.timeouts > 0, false),
                    Act::Lease => (true, left.lost > 0),
                    Act::Load => (true, left.failures > 0),
                    _ => (true, false),
                };
                passes.extend(go.then_some(Choice::Pass(at, Pass::Go)));
                passes.extend(otherwise.then_some(Choice::Pass(at, Pass::Otherwise)));
            }
        });
        passes
    }

    fn has_begun(&self, player: usize) -> bool {
        let at_its_start = |stage: &mut Stage| {
            let seen = &stage.tasks[player];
            seen.history == seen.id
        };
        self.players[player].future.is_some() && !on(at_its_start)
    }

    fn is_under_way(&self, process: usize) -> bool {
        let is_its = |player: &usize| on(|stage| stage.tasks[*player].process == process);
        let mut its = (0..self.players.len()).filter(is_its);
        self.is_alive[process] && its.any(|player| self.has_begun(player))
    }

    /// Makes it happen, up to where everybody waits again.
    pub(super) fn take(&mut self, choice: Choice) {
        on(|stage| stage.access = Access::default());
        let told = self.tell(choice);
        on(|stage| stage.tell(|| told.unwrap_or_default()));
        match choice {
            Choice::Pass(at, pass) => self.pass(at, pass),
            Choice::LeaseEnds(cell) => {
                self.sim.end_lease(&actors::key(cell));
                self.spend(|left| &mut left.lease_ends);
            }
            Choice::EntryEnds(cell) => {
                self.sim.end_entry(&actors::key(cell));
                self.spend(|left| &mut left.entry_ends);
            }
            Choice::Crash(process) => {
                on(|stage| stage.access.is_everything());
                self.crash(process);
            }
            Choice::Drop(player) => {
                on(|stage| stage.access.is_everything());
                self.spend(|left| &mut left.drops);
                on(|stage| stage.running = player);
                self.players[player].future = None;
                on(|stage| stage.tasks[player].is_over = true);
            }
            Choice::Deliver => {
                let late = on(|stage| stage.late.take());
                late.iter().for_each(|late| self.sim.deliver(late));
                on(|stage| {
                    stage.excuse();
                    stage.access.writes(Thing::Limits);
                    stage.facts.may_leave_leases = true;
                });
            }
        }
        self.settle();
    }

    fn spend(&self, which: impl Fn(&mut super::facts::Limits) -> &mut u8) {
        on(|stage| {
            let left = which(&mut stage.facts.left);
            // What is forced because nothing else can happen costs nothing.
            *left = left.saturating_sub(1);
            stage.access.writes(Thing::Limits);
            stage.excuse();
        });
    }

    fn pass(&mut self, at: usize, pass: Pass) {
        let (task, act) = on(|stage| (stage.waiting[at].task, stage.waiting[at].act));
        on(|stage| stage.pass(at, pass));
        if pass == Pass::Otherwise || act == Act::TimeUp {
            on(|stage| stage.facts.may_load_twice = true);
        }
        match (act, pass) {
            (Act::Load, Pass::Otherwise) => self.spend(|left| &mut left.failures),
            (Act::Lease, Pass::Otherwise) => self.spend(|left| &mut left.lost),
            (Act::Pause, Pass::Otherwise) | (Act::TimeUp, _) => {
                self.spend(|left| &mut left.timeouts);
            }
            _ => {}
        }
        self.poll(task);
        if act == Act::Begin {
            // Before its first command a call looks at nothing that others change.
            let reads = |waiting: &stage::Waiting| {
                waiting.task == task && waiting.act == Act::Read
            };
            if let Some(at) = on(|stage| stage.waiting.iter().position(reads)) {
                on(|stage| stage.pass(at, Pass::Go));
                self.poll(task);
            }
        }
    }

    fn crash(&mut self, process: usize) {
        self.spend(|left| &mut left.crashes);
        on(|stage| stage.facts.may_leave_leases = true);
        self.is_alive[process] = false;
        on(|stage| stage.is_crashing = true);
        for player in 0..self.players.len() {
            if on(|stage| stage.tasks[player].process) == process {
                self.players[player].future = None;
                on(|stage| stage.tasks[player].is_over = true);
            }
        }
        on(|stage| stage.is_crashing = false);
    }

    /// Runs everybody who can go on without the explorer's leave.
    fn settle(&mut self) {
        loop {
            for task in on(|stage| std::mem::take(&mut stage.started)) {
                self.players.push(Player::new(task));
            }
            let is_woken = |player: &Player| player.woken.0.swap(false, Ordering::Relaxed);
            let Some(next) = self.players.iter().position(is_woken) else {
                break;
            };
            self.poll(next);
        }
        on(|stage| stage.look_at(&self.sim));
    }

    fn poll(&mut self, at: usize) {
        on(|stage| {
            stage.running = at;
            stage.access.runs(stage.tasks[at].id);
        });
        let player = &mut self.players[at];
        let Some(future) = &mut player.future else {
            return;
        };
        let mut context = Context::from_waker(&player.waker);
        if future.as_mut().poll(&mut context).is_ready() {
            player.future = None;
            on(|stage| stage.tasks[at].is_over = true);
        }
    }

    /// Everything that decides what can still happen.
    pub(super) fn state(&self) -> u64 {
        let store = (0..self.scenario.cells)
            .map(|cell| self.sim.content(&actors::key(cell)))
            .fold(0, mix);
        let alive = self.is_alive.iter().fold(1, |sum, alive| sum * 2 + u64::from(*alive));
        mix(on(|stage| stage.state()), mix(store, alive))
    }

    /// The same wherever the same can happen next.
    pub(super) fn name_of(choice: Choice) -> u64 {
        on(|stage| match choice {
            Choice::Pass(at, pass) => mix(stage.waiting_state(at), pass as u64),
            other => hash::text(&format!("{other:?}")),
        })
    }

    /// What the last step has looked at and changed.
    pub(super) fn access() -> Access {
        on(|stage| stage.access)
    }

    /// What must be true when nothing can happen any more.
    pub(super) fn end(&self) {
        for cell in 0..self.scenario.cells {
            let key = actors::key(cell);
            let is_leased = self.sim.is_leased(&key);
            let entry = self.sim.entry(&key);
            on(|stage| stage.facts.judge_end(cell, is_leased, entry));
        }
    }

    pub(super) fn fault(&self) -> Option<String> {
        on(|stage| stage.facts.fault.clone())
    }

    pub(super) fn lines(&self) -> Vec<String> {
        on(|stage| stage.lines.clone().unwrap_or_default())
    }

    fn tell(&self, choice: Choice) -> Option<String> {
        on(|stage| {
            stage.lines.as_ref()?;
            Some(match choice {
                Choice::Pass(at, pass) => stage.waiting_text(at, pass),
                Choice::LeaseEnds(cell) => format!("the lease of {} ends", actors::key(cell)),
                Choice::EntryEnds(cell) => format!("the entry of {} ends", actors::key(cell)),
                Choice::Crash(process) => format!("process {} is killed", letter(process)),
                Choice::Drop(player) => format!("{} is dropped", stage.tasks[player].name),
                Choice::Deliver => "the late lease arrives".to_owned(),
            })
        })
    }
}

impl Drop for Run<'_> {
    fn drop(&mut self) {
        on(|stage| stage.is_crashing = true);
        self.players.clear();
        stage::leave();
    }
}

impl Player {
    fn new(future: Task) -> Self {
        let woken = Arc::new(Woken(AtomicBool::new(true)));
        let waker = Waker::from(woken.clone());
        Self {
            future: Some(future),
            woken,
            waker,
        }
    }
}

fn letter(process: usize) -> char {
    char::from(b'A' + u8::try_from(process).unwrap_or(0))
}
