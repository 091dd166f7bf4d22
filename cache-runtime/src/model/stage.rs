//! The stage of one run: who takes part, what each has seen, who waits at which gate.
//!
//! The code under test reaches it through a thread-local, so that it needs to know nothing of the
//! model but the few seams at which it asks to go on.

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use super::access::{Access, Thing};
use super::facts::Facts;
use super::gate::{Act, Pass, Waiting};
use super::hash::{self, mix};
use super::late::Late;
use super::sim::Sim;

thread_local! {
    static STAGE: RefCell<Option<Stage>> = const { RefCell::new(None) };
}

pub(super) type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What a task has seen: where that is the same, so is all that it will do.
pub(super) struct Seen {
    /// The same in every run in which the same task has started it as its nth.
    pub(super) id: u64,
    pub(super) name: Arc<str>,
    pub(super) process: usize,
    /// Whose part it is in the end.
    pub(super) root: usize,
    pub(super) history: u64,
    pub(super) is_over: bool,
    children: u64,
    /// How many random numbers it has drawn since it saw something.
    drawn: u64,
    /// The gate that it went through and whose answer it does not know yet.
    passed: u64,
    last: u64,
    is_looking_again: bool,
    /// What it found leased when it looked last.
    leased: Vec<Leased>,
    /// The cells whose lease it has, and whose load it has not begun: a bit each.
    is_to_load: u64,
    /// Those of them for which there is an excuse to load beside others.
    is_excused: u64,
}

/// A key that somebody waits for.
struct Leased {
    key: Arc<str>,
    content: u64,
    /// Since it was looked at.
    has_changed: bool,
}

pub(super) struct Stage {
    /// Who runs.
    pub(super) running: usize,
    pub(super) tasks: Vec<Seen>,
    pub(super) waiting: Vec<Waiting>,
    /// Tasks that were started, and have no place in the run yet.
    pub(super) started: Vec<Task>,
    pub(super) facts: Facts,
    /// Of the step that is being made.
    pub(super) access: Access,
    /// Futures that are dropped now start nothing any more.
    pub(super) is_crashing: bool,
    /// A command that is still on its way.
    pub(super) late: Option<Late>,
    /// For each process, in which order its tasks came by what they share.
    orders: Vec<u64>,
    /// Whether everything that a task does counts as something that the others share.
    is_wary: bool,
    lines: Option<Vec<String>>,
    tickets: u64,
}

impl Seen {
    fn new(name: String, process: usize, root: usize) -> Self {
        let id = hash::of_text(&name);
        Self {
            id,
            name: name.into(),
            process,
            root,
            history: id,
            is_over: false,
            children: 0,
            drawn: 0,
            passed: 0,
            last: 0,
            is_looking_again: false,
            leased: Vec::new(),
            is_to_load: 0,
            is_excused: 0,
        }
    }

    /// Whether there is anything new to see, or nothing that it waits for.
    pub(super) fn has_news(&self) -> bool {
        self.leased.is_empty() || self.leased.iter().any(|key| key.has_changed)
    }

    fn state(&self) -> u64 {
        let leased = |sum, key: &Leased| sum * 2 + u64::from(key.has_changed);
        let leased = self.leased.iter().fold(u64::from(self.is_over), leased);
        let cells = self.is_to_load * 256 + self.is_excused;
        mix(mix(self.id, self.history), cells * 256 + leased)
    }

    pub(super) fn has_begun(&self) -> bool {
        self.history != self.id
    }
}

impl Stage {
    pub(super) fn new(processes: usize, facts: Facts, is_wary: bool, is_told: bool) -> Self {
        Self {
            running: 0,
            tasks: Vec::new(),
            waiting: Vec::new(),
            started: Vec::new(),
            facts,
            access: Access::default(),
            is_crashing: false,
            late: None,
            orders: vec![0; processes],
            is_wary,
            lines: is_told.then(Vec::new),
            tickets: 0,
        }
    }

    /// Gives somebody a part.
    pub(super) fn cast(&mut self, name: String, process: usize) {
        let root = self.tasks.len();
        self.tasks.push(Seen::new(name, process, root));
    }

    pub(super) fn start(&mut self, task: Task, what: &str) {
        let parent = &mut self.tasks[self.running];
        parent.children += 1;
        let name = match parent.children {
            1 => format!("{what} of {}", parent.name),
            number => format!("{what} {number} of {}", parent.name),
        };
        let child = Seen::new(name, parent.process, parent.root);
        self.tasks.push(child);
        self.started.push(task);
    }

    pub(super) fn wait(&mut self, act: Act, keys: Vec<Arc<str>>) -> u64 {
        self.tickets += 1;
        let waiting = Waiting::new(self.running, self.tickets, act, keys);
        self.waiting.push(waiting);
        self.tickets
    }

    /// Lets whoever waits at this place through.
    pub(super) fn pass(&mut self, at: usize, pass: Pass) {
        let waiting = &mut self.waiting[at];
        waiting.passed = Some(pass);
        let gate = mix(waiting.gate, pass as u64);
        self.running = waiting.task;
        match (waiting.act, pass) {
            // Whoever then sees what it saw before is where it was before.
            (Act::Pause, Pass::Go) => self.tasks[self.running].is_looking_again = true,
            (act, _) if act.has_answer() => self.tasks[self.running].passed = gate,
            _ => self.happens(gate),
        }
    }

    /// Notes what the running task has learnt at the gate that it went through.
    pub(super) fn observe(&mut self, what: u64) {
        let event = mix(self.tasks[self.running].passed, what);
        self.happens(event);
    }

    fn happens(&mut self, event: u64) {
        let seen = &mut self.tasks[self.running];
        let is_news = !seen.is_looking_again || seen.last != event;
        seen.is_looking_again = false;
        seen.drawn = 0;
        if !is_news {
            return;
        }
        seen.history = mix(seen.history, event);
        seen.last = event;
        if self.is_wary {
            self.touch();
        }
    }

    /// Notes that the running task has come by what the tasks of its process share.
    pub(super) fn touch(&mut self) {
        let seen = &self.tasks[self.running];
        self.access.writes(Thing::Process(seen.process));
        let order = &mut self.orders[seen.process];
        *order = mix(*order, seen.history);
    }

    pub(super) fn look(&mut self) {
        let process = self.tasks[self.running].process;
        self.access.reads(Thing::Process(process));
    }

    /// A number that depends on nothing but what the running task has seen.
    pub(super) fn draw(&mut self) -> (u64, u64) {
        let seen = &mut self.tasks[self.running];
        seen.drawn += 1;
        (seen.history, seen.drawn)
    }

    /// Notes that the running task has looked at a key, and found this if it is leased.
    pub(super) fn finds(&mut self, key: &Arc<str>, leased: Option<u64>) {
        let known = &mut self.tasks[self.running].leased;
        known.retain(|other| other.key != *key);
        known.extend(leased.map(|content| Leased {
            key: key.clone(),
            content,
            has_changed: false,
        }));
    }

    /// Notes for whom something has changed.
    pub(super) fn look_at(&mut self, sim: &Sim) {
        for seen in self.tasks.iter_mut().filter(|seen| !seen.is_over) {
            for leased in &mut seen.leased {
                leased.has_changed |= sim.content(&leased.key) != leased.content;
            }
        }
    }

    /// The running task has got the lease of a cell.
    pub(super) fn is_to_load(&mut self, cell: usize) {
        let seen = &mut self.tasks[self.running];
        seen.is_to_load |= 1 << cell;
        seen.is_excused &= !(1 << cell);
    }

    /// Something has happened after which a second load is nobody's mistake.
    pub(super) fn excuse(&mut self) {
        self.access.writes(Thing::Loads);
        for seen in &mut self.tasks {
            seen.is_excused |= seen.is_to_load;
        }
        self.facts.excuse();
    }

    pub(super) fn load_begins(&mut self, cell: usize) -> u64 {
        self.access.writes(Thing::Loads);
        let seen = &mut self.tasks[self.running];
        let is_excused = seen.is_excused & (1 << cell) > 0;
        seen.is_excused &= !(1 << cell);
        seen.is_to_load &= !(1 << cell);
        self.facts.load_begins(cell, seen.id, is_excused);
        seen.id
    }

    pub(super) fn state(&self) -> u64 {
        let tasks = self.tasks.iter().map(Seen::state);
        let tasks = tasks.fold(0, u64::wrapping_add);
        let waiting = (0..self.waiting.len()).map(|at| self.waiting_state(at));
        let waiting = waiting.fold(0, u64::wrapping_add);
        let late = self.late.as_ref().map_or(0, Late::state);
        let all = [tasks, waiting, late, self.facts.state()];
        let orders = self.orders.iter().copied();
        all.into_iter().chain(orders).fold(0, mix)
    }

    pub(super) fn waiting_state(&self, at: usize) -> u64 {
        let waiting = &self.waiting[at];
        mix(self.tasks[waiting.task].id, waiting.gate)
    }

    /// Begins to tell a step.
    pub(super) fn tell(&mut self, step: impl FnOnce(&Self) -> String) {
        if self.lines.is_some() {
            let step = step(self);
            self.lines.get_or_insert_default().push(step);
        }
    }

    /// Adds to the step that is told.
    pub(super) fn add(&mut self, text: impl FnOnce() -> String) {
        let last = self.lines.as_mut().and_then(|lines| lines.last_mut());
        if let Some(last) = last {
            let is_first = !last.contains(super::schedule::SEEN);
            last.push_str(if is_first {
                super::schedule::SEEN
            } else {
                ", "
            });
            last.push_str(&text());
        }
    }

    /// Forgets what was told so far.
    pub(super) fn begin_to_tell(&mut self) {
        if let Some(lines) = &mut self.lines {
            lines.clear();
        }
    }

    pub(super) fn lines(&self) -> &[String] {
        self.lines.as_deref().unwrap_or_default()
    }
}

pub(super) fn enter(stage: Stage) {
    STAGE.set(Some(stage));
}

pub(super) fn leave() {
    STAGE.take();
}

/// Runs `look` on the stage of this thread, if it has one.
pub(super) fn try_on<T>(look: impl FnOnce(&mut Stage) -> T) -> Option<T> {
    STAGE.with_borrow_mut(|stage| stage.as_mut().map(look))
}

/// Runs `look` on the stage of this thread.
pub(super) fn on<T>(look: impl FnOnce(&mut Stage) -> T) -> T {
    try_on(look).unwrap_or_else(|| unreachable!("only what an explorer runs comes here"))
}
