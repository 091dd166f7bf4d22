//! One run of a scenario: what can happen next, and making it happen.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use super::access::{Access, Thing};
use super::actors::{self, When};
use super::facts::{Facts, Limits};
use super::gate::{Act, Pass, Waiting};
use super::hash::{self, mix};
use super::reach::Claim;
use super::scenario::{Part, Scenario, Start};
use super::schedule;
use super::sim::Sim;
use super::stage::{self, Stage, Task, on};
use crate::cache::Cache;
use crate::client::config::Config;
use crate::store::Keyed;

/// What can happen next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Choice {
    /// Whoever waits at this place is let through.
    Pass(usize, Pass),
    /// A task goes on that something has happened for.
    Wake(usize),
    ClaimEnds(usize),
    EntryEnds(usize),
    TagEnds,
    TimePasses,
    Crash(usize),
    Drop(usize),
    Deliver,
}

/// What is taken to make no difference, and need not be tried.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is tried without the others"
)]
#[derive(Clone, Copy, Debug)]
pub(super) struct Shortcuts {
    /// Tasks of a process meet only where they say that they do.
    pub(super) tells_what_is_shared: bool,
    /// Whoever is woken runs at once up to the next gate.
    pub(super) wakes_at_once: bool,
    /// A call begins with its first read.
    pub(super) begins_with_a_read: bool,
    /// Of steps that have nothing to do with each other, one order is enough.
    pub(super) sleeps: bool,
}

impl Choice {
    /// Whether it needs no accident.
    pub(super) fn is_usual(&self) -> bool {
        matches!(self, Self::Pass(_, Pass::Go) | Self::Wake(_))
    }
}

impl Shortcuts {
    pub(super) const ALL: Self = Self {
        tells_what_is_shared: true,
        wakes_at_once: true,
        begins_with_a_read: true,
        sleeps: true,
    };
}

/// A task and what drives it.
struct Player {
    task: Option<Task>,
    woken: Arc<Woken>,
    waker: Waker,
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Player {
    fn new(task: Task) -> Self {
        let woken = Arc::new(Woken(AtomicBool::new(true)));
        let waker = Waker::from(woken.clone());
        Self {
            task: Some(task),
            woken,
            waker,
        }
    }

    fn is_woken(&self) -> bool {
        self.task.is_some() && self.woken.0.load(Ordering::Relaxed)
    }
}

pub(super) struct Run<'a> {
    scenario: &'a Scenario,
    shortcuts: Shortcuts,
    sim: Arc<Sim>,
    players: Vec<Player>,
    is_alive: Vec<bool>,
    /// How many calls have prepared the stage, and count no more.
    prologue: usize,
}

impl<'a> Run<'a> {
    pub(super) fn new(scenario: &'a Scenario, sim: &Arc<Sim>, shortcuts: Shortcuts) -> Self {
        Self::begin(scenario, sim, shortcuts, false)
    }

    /// A run whose steps can be read.
    pub(super) fn told(scenario: &'a Scenario, sim: &Arc<Sim>, shortcuts: Shortcuts) -> Self {
        Self::begin(scenario, sim, shortcuts, true)
    }

    fn begin(scenario: &'a Scenario, sim: &Arc<Sim>, shortcuts: Shortcuts, is_told: bool) -> Self {
        let mut keys: Vec<_> = (0..scenario.cells).map(actors::key).collect();
        keys.push(actors::tag());
        sim.clear(&keys);
        let facts = Facts::new(scenario.cells, scenario.limits);
        let is_wary = !shortcuts.tells_what_is_shared;
        stage::enter(Stage::new(scenario.processes, facts, is_wary, is_told));
        let mut run = Self {
            scenario,
            shortcuts,
            sim: sim.clone(),
            players: Vec::new(),
            is_alive: vec![true; scenario.processes],
            prologue: 0,
        };
        let process = |_| Cache::from_config(Config::exploring(sim.clone()));
        let processes: Vec<Cache> = (0..scenario.processes).map(process).collect();
        run.prepare(&processes[0]);
        for (number, (process, part)) in scenario.parts.iter().enumerate() {
            let (name, letter) = (part.name(), schedule::letter(*process));
            let cache = processes[*process].clone();
            run.join(
                format!("{name} {}@{letter}", number + 1),
                *process,
                *part,
                cache,
            );
        }
        run.settle();
        run
    }

    fn join(&mut self, name: String, process: usize, part: Part, cache: Cache) {
        on(|stage| stage.cast(name, process));
        let task = part.play(cache, self.scenario.policy, self.scenario.cells);
        self.players.push(Player::new(task));
    }

    /// Stores what is there from the start, as any call would.
    fn prepare(&mut self, cache: &Cache) {
        let cells = match self.scenario.start {
            Start::Nothing => 0,
            Start::Stored | Start::Old => self.scenario.cells,
        };
        for cell in 0..cells {
            self.join(format!("before {cell}"), 0, Part::Read(cell), cache.clone());
            self.settle();
            while let Some(choice) = self.passes().first().copied() {
                self.take(choice);
            }
        }
        self.prologue = self.players.len();
        if self.scenario.start == Start::Old {
            self.sim.pass_time(AGING);
        }
        on(Stage::begin_to_tell);
    }

    /// All that can happen now; nothing when everything is over.
    pub(super) fn choices(&mut self) -> Vec<Choice> {
        let mut choices = self.passes();
        let is_stuck = choices.is_empty() && self.players.iter().any(|it| it.task.is_some());
        let left = on(|stage| stage.facts.left);
        self.ends(&mut choices, left, is_stuck);
        self.accidents(&mut choices, left);
        if is_stuck && choices.is_empty() {
            on(|stage| stage.facts.find(|| "somebody waits for ever".to_owned()));
        }
        choices
    }

    /// Who can go on.
    fn passes(&self) -> Vec<Choice> {
        let mut passes = Vec::new();
        if !self.shortcuts.wakes_at_once {
            let woken = (0..self.players.len()).filter(|at| self.players[*at].is_woken());
            passes.extend(woken.map(Choice::Wake));
        }
        on(|stage| {
            let left = stage.facts.left;
            for (at, waiting) in stage.waiting.iter().enumerate() {
                let (go, otherwise) = match waiting.act {
                    Act::Pause => (stage.tasks[waiting.task].has_news(), left.timeouts > 0),
                    Act::TimeUp => (left.timeouts > 0, false),
                    Act::Lease => (true, left.lost > 0 && stage.late.is_none()),
                    Act::Load => (true, left.failures > 0),
                    _ => (true, false),
                };
                passes.extend(go.then_some(Choice::Pass(at, Pass::Go)));
                passes.extend(otherwise.then_some(Choice::Pass(at, Pass::Otherwise)));
            }
        });
        passes
    }

    /// What can end by its time.
    fn ends(&self, choices: &mut Vec<Choice>, left: Limits, is_stuck: bool) {
        for cell in 0..self.scenario.cells {
            let key = actors::key(cell);
            let ends = match self.sim.claim(&key) {
                Claim::Nobody => false,
                Claim::Lease | Claim::Cooling => left.lease_ends > 0 || is_stuck,
                Claim::Fence => !self.is_written(),
            };
            choices.extend(ends.then_some(Choice::ClaimEnds(cell)));
            if left.entry_ends > 0 && self.sim.holds_entry(&key) {
                choices.push(Choice::EntryEnds(cell));
            }
        }
        if left.tag_ends > 0 && self.scenario.policy.is_tagged() {
            choices.push(Choice::TagEnds);
        }
        choices.extend((left.time > 0).then_some(Choice::TimePasses));
    }

    /// Whether a write is going on around which there is a fence: it keeps the fence up.
    fn is_written(&self) -> bool {
        let is_around = |root: usize| {
            let part = root.checked_sub(self.prologue);
            let part = part.and_then(|part| self.scenario.parts.get(part));
            matches!(part, Some((_, Part::Write(_, When::Around))))
        };
        let is_it = |at: usize| self.players[at].task.is_some();
        (0..self.players.len()).any(|at| is_it(at) && on(|stage| is_around(stage.tasks[at].root)))
    }

    /// What can go wrong.
    fn accidents(&self, choices: &mut Vec<Choice>, left: Limits) {
        if left.crashes > 0 {
            let dies = |process: &usize| self.is_under_way(*process);
            choices.extend((0..self.is_alive.len()).filter(dies).map(Choice::Crash));
        }
        if left.drops > 0 {
            let parts = self.prologue..self.prologue + self.scenario.parts.len();
            choices.extend(parts.filter(|at| self.has_begun(*at)).map(Choice::Drop));
        }
        if on(|stage| stage.late.is_some()) {
            choices.push(Choice::Deliver);
        }
    }

    fn has_begun(&self, at: usize) -> bool {
        self.players[at].task.is_some() && on(|stage| stage.tasks[at].has_begun())
    }

    fn is_under_way(&self, process: usize) -> bool {
        let is_its = |at: &usize| on(|stage| stage.tasks[*at].process == process);
        let mut its = (self.prologue..self.players.len()).filter(is_its);
        self.is_alive[process] && its.any(|at| self.has_begun(at))
    }

    /// Makes it happen, up to where everybody waits again.
    pub(super) fn take(&mut self, choice: Choice) {
        on(|stage| {
            stage.access = Access::default();
            stage.tell(|stage| schedule::text(stage, choice));
        });
        match choice {
            Choice::Pass(at, pass) => self.pass(at, pass),
            Choice::Wake(at) => self.poll(at),
            Choice::Crash(process) => self.crash(process),
            Choice::Drop(at) => self.drop_call(at),
            other => self.befall(other),
        }
        self.settle();
    }

    /// What nobody does.
    fn befall(&self, choice: Choice) {
        match choice {
            Choice::ClaimEnds(cell) => {
                self.sim.end_claim(&actors::key(cell));
                spend(|left| &mut left.lease_ends);
            }
            Choice::EntryEnds(cell) => {
                self.sim.end_entry(&actors::key(cell));
                spend(|left| &mut left.entry_ends);
            }
            Choice::TagEnds => {
                self.sim.end_entry(&actors::tag());
                spend(|left| &mut left.tag_ends);
            }
            Choice::TimePasses => {
                self.sim.pass_time(AGING);
                on(|stage| stage.access.is_of_everything());
                spend(|left| &mut left.time);
            }
            Choice::Deliver => {
                if let Some(late) = on(|stage| stage.late.take()) {
                    self.sim.deliver(&late);
                }
                on(|stage| {
                    stage.access.writes(Thing::Loads);
                    stage.access.writes(Thing::Limits);
                    stage.facts.lateness();
                });
            }
            _ => unreachable!("somebody does it"),
        }
    }

    fn pass(&mut self, at: usize, pass: Pass) {
        let (task, act) = on(|stage| (stage.waiting[at].task, stage.waiting[at].act));
        match (act, pass) {
            (Act::Load, Pass::Otherwise) => spend(|left| &mut left.failures),
            (Act::Lease, Pass::Otherwise) => spend(|left| &mut left.lost),
            (Act::Pause, Pass::Otherwise) | (Act::TimeUp, _) => spend(|left| &mut left.timeouts),
            _ => {}
        }
        on(|stage| {
            if pass == Pass::Otherwise || act == Act::TimeUp {
                stage.facts.may_load_twice();
            }
            stage.pass(at, pass);
        });
        self.poll(task);
        let is_read = |it: &Waiting| it.task == task && it.act == Act::Read;
        if act == Act::Begin
            && self.shortcuts.begins_with_a_read
            && let Some(read) = on(|stage| stage.waiting.iter().position(is_read))
        {
            on(|stage| stage.pass(read, Pass::Go));
            self.poll(task);
        }
    }

    fn drop_call(&mut self, at: usize) {
        spend(|left| &mut left.drops);
        let (_, part) = self.scenario.parts[at - self.prologue];
        on(|stage| {
            if matches!(part, Part::Write(..) | Part::Update(_)) {
                // Its process goes without the store until that has heard of it.
                stage.facts.may_load_twice();
            }
            stage.access.is_of_everything();
            stage.facts.lateness();
            stage.running = at;
        });
        self.players[at].task = None;
        on(|stage| stage.tasks[at].is_over = true);
    }

    fn crash(&mut self, process: usize) {
        spend(|left| &mut left.crashes);
        self.is_alive[process] = false;
        on(|stage| {
            stage.access.is_of_everything();
            stage.facts.crash(process);
            stage.is_crashing = true;
        });
        for at in 0..self.players.len() {
            if on(|stage| stage.tasks[at].process) == process {
                self.players[at].task = None;
                on(|stage| stage.tasks[at].is_over = true);
            }
        }
        on(|stage| stage.is_crashing = false);
    }

    /// Lets everybody run who needs no leave.
    fn settle(&mut self) {
        loop {
            let started = on(|stage| std::mem::take(&mut stage.started));
            self.players.extend(started.into_iter().map(Player::new));
            let next = self.players.iter().position(Player::is_woken);
            match next.filter(|_| self.shortcuts.wakes_at_once) {
                Some(next) => self.poll(next),
                None => break,
            }
        }
        on(|stage| stage.look_at(&self.sim));
        self.judge();
    }

    fn poll(&mut self, at: usize) {
        let player = &mut self.players[at];
        player.woken.0.store(false, Ordering::Relaxed);
        let Some(task) = &mut player.task else {
            return;
        };
        on(|stage| {
            stage.running = at;
            stage.access.runs(stage.tasks[at].id);
        });
        let mut context = Context::from_waker(&player.waker);
        if task.as_mut().poll(&mut context).is_ready() {
            player.task = None;
            on(|stage| stage.tasks[at].is_over = true);
        }
    }

    /// What is to hold at any time.
    fn judge(&self) {
        for cell in 0..self.scenario.cells {
            if on(|stage| stage.facts.is_fenced(cell)) {
                let stored = self.stored(cell);
                on(|stage| stage.facts.judge(cell, stored));
            }
        }
    }

    /// What is to hold when nothing can happen any more.
    pub(super) fn judge_end(&self) {
        for cell in 0..self.scenario.cells {
            let claim = self.sim.claim(&actors::key(cell));
            let is_claimed = matches!(claim, Claim::Lease | Claim::Fence);
            let stored = self.stored(cell);
            on(|stage| stage.facts.judge_end(cell, stored, is_claimed));
        }
    }

    fn stored(&self, cell: usize) -> Option<u64> {
        let tags = [actors::tag()];
        let is_tagged = self.scenario.policy.is_tagged();
        let tags = if is_tagged { &tags[..] } else { &[] };
        let key = actors::key(cell);
        self.sim.stored(Keyed { key: &key, tags })
    }

    /// Everything that decides what can still happen.
    pub(super) fn state(&self) -> u64 {
        let keys = (0..self.scenario.cells).map(actors::key);
        let keys = keys.chain([actors::tag()]);
        let store = keys.map(|key| self.sim.content(&key)).fold(0, mix);
        let flag = |sum: u64, flag: bool| sum * 2 + u64::from(flag);
        let alive = self.is_alive.iter().copied().fold(1, flag);
        let sum = on(|stage| mix(stage.state(), mix(store, alive)));
        if self.shortcuts.wakes_at_once {
            return sum;
        }
        let id = |at: usize| on(|stage| stage.tasks[at].id);
        let woken = (0..self.players.len()).filter(|at| self.players[*at].is_woken());
        mix(sum, woken.map(id).fold(0, u64::wrapping_add))
    }

    pub(super) fn fault() -> Option<String> {
        on(|stage| stage.facts.fault().map(str::to_owned))
    }

    pub(super) fn outcome() -> u64 {
        on(|stage| stage.facts.outcome())
    }

    pub(super) fn text(choice: Choice) -> String {
        on(|stage| schedule::text(stage, choice))
    }

    pub(super) fn lines() -> Vec<String> {
        on(|stage| stage.lines().to_vec())
    }

    /// What the last step has looked at and changed.
    pub(super) fn access() -> Access {
        on(|stage| stage.access)
    }

    /// A name that a choice has wherever there is the same choice.
    pub(super) fn name_of(choice: Choice) -> u64 {
        on(|stage| match choice {
            Choice::Pass(at, pass) => mix(stage.waiting_state(at), pass as u64),
            Choice::Wake(at) => mix(stage.tasks[at].id, 1),
            Choice::Drop(at) => mix(stage.tasks[at].id, 2),
            other => hash::of_text(&format!("{other:?}")),
        })
    }
}

impl Drop for Run<'_> {
    fn drop(&mut self) {
        on(|stage| stage.is_crashing = true);
        self.players.clear();
        // Those that were started and never ran.
        drop(on(|stage| std::mem::take(&mut stage.started)));
        stage::leave();
    }
}

/// Longer than the time to live, and not longer than that and a window.
const AGING: Duration = Duration::from_secs(actors::SECONDS + actors::SECONDS / 2);

fn spend(which: impl Fn(&mut Limits) -> &mut u8) {
    on(|stage| {
        let left = which(&mut stage.facts.left);
        // What happens because nothing else can costs nothing.
        *left = left.saturating_sub(1);
        stage.access.writes(Thing::Limits);
        stage.excuse();
    });
}
