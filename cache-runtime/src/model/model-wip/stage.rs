//! The stage of one run: who waits at which gate, and what everybody has seen so far.
//!
//! The code under test finds it through a thread-local, so that it needs to know nothing of the
//! model but the few places where it asks to be let through.

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::access::{Access, Thing};
use super::facts::Facts;
use super::hash::{self, mix};
use super::sim::{Late, Sim};

thread_local! {
    static STAGE: RefCell<Option<Stage>> = const { RefCell::new(None) };
}

/// What somebody is about to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// A call begins.
    Begin,
    Read,
    Lease,
    Publish,
    Release,
    Invalidate,
    /// The store has done it, and its answer arrives.
    Answer,
    Load,
    Commit,
    /// Another process loads, and is asked again after a while.
    Pause,
    /// Waiting for another call ends without it.
    TimeUp,
}

/// How somebody is let through a gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pass {
    Go,
    /// The unlikely way: the answer is lost, the load fails, the time is up.
    Otherwise,
}

pub(super) type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A task, and what it has seen: the same history means the same state.
pub(super) struct Seen {
    /// The same in every run in which the task is started by the same task as its nth.
    pub(super) id: u64,
    pub(super) name: Arc<str>,
    pub(super) process: usize,
    pub(super) history: u64,
    pub(super) children: u64,
    pub(super) is_over: bool,
    /// Tokens drawn since the last event.
    tokens: u64,
    /// The gate that it was let through and whose answer is not known yet.
    passed: u64,
    last: u64,
    is_looking_again: bool,
}

pub(super) struct Waiting {
    pub(super) task: usize,
    pub(super) ticket: u64,
    pub(super) act: Act,
    pub(super) key: Arc<str>,
    /// Of a pause: what the key held when it began.
    pub(super) content: Option<u64>,
    /// Of a pause: whether the key has changed since.
    pub(super) has_changed: bool,
    passed: Option<Pass>,
}

pub(super) struct Stage {
    pub(super) running: usize,
    pub(super) tasks: Vec<Seen>,
    pub(super) waiting: Vec<Waiting>,
    /// Tasks that were started and have no future in the run yet.
    pub(super) started: Vec<Task>,
    /// For each process, in which order its tasks came by what they share.
    pub(super) orders: Vec<u64>,
    pub(super) facts: Facts,
    /// Futures that are dropped now start nothing any more.
    pub(super) is_crashing: bool,
    pub(super) lines: Option<Vec<String>>,
    pub(super) late: Option<Late>,
    /// Of the step that is being made.
    pub(super) access: Access,
    tickets: u64,
}

impl Stage {
    pub(super) fn new(processes: usize, facts: Facts, is_told: bool) -> Self {
        Self {
            running: 0,
            tasks: Vec::new(),
            waiting: Vec::new(),
            started: Vec::new(),
            orders: vec![0; processes],
            facts,
            is_crashing: false,
            lines: is_told.then(Vec::new),
            late: None,
            access: Access::default(),
            tickets: 0,
        }
    }

    pub(super) fn cast(&mut self, id: u64, name: Arc<str>, process: usize) {
        self.tasks.push(Seen {
            id,
            name,
            process,
            history: id,
            children: 0,
            is_over: false,
            tokens: 0,
            passed: 0,
            last: 0,
            is_looking_again: false,
        });
    }

    fn start(&mut self, task: Task, what: &str) {
        let parent = &mut self.tasks[self.running];
        parent.children += 1;
        let id = mix(parent.id, parent.children);
        let (name, process) = (format!("{what} of {}", parent.name), parent.process);
        self.cast(id, name.into(), process);
        self.started.push(task);
    }

    /// Lets the one with this ticket through.
    pub(super) fn pass(&mut self, at: usize, pass: Pass) {
        let waiting = &mut self.waiting[at];
        waiting.passed = Some(pass);
        let gate = mix(waiting.act as u64, hash::text(&waiting.key));
        let gate = mix(gate, pass as u64);
        let (act, task) = (waiting.act, waiting.task);
        self.running = task;
        match act {
            // Nothing is learnt before the answer.
            Act::Begin | Act::Read | Act::Lease | Act::Publish | Act::Release => {
                self.tasks[task].passed = gate;
            }
            Act::Invalidate | Act::Load | Act::Commit => self.tasks[task].passed = gate,
            // Whoever sees the same once more is where it was.
            Act::Pause if pass == Pass::Go => self.tasks[task].is_looking_again = true,
            Act::Answer | Act::Pause | Act::TimeUp => self.happened(gate),
        }
    }

    fn happened(&mut self, event: u64) {
        let seen = &mut self.tasks[self.running];
        let is_news = !(seen.is_looking_again && seen.last == event);
        seen.is_looking_again = false;
        if is_news {
            seen.history = mix(seen.history, event);
            seen.last = event;
        }
        seen.tokens = 0;
    }

    pub(super) fn touch(&mut self) {
        let seen = &self.tasks[self.running];
        self.access.writes(Thing::Process(seen.process));
        let order = &mut self.orders[seen.process];
        *order = mix(*order, seen.history);
    }

    pub(super) fn tell(&mut self, line: impl FnOnce() -> String) {
        if let Some(lines) = &mut self.lines {
            lines.push(line());
        }
    }

    /// Adds to the step that is told last.
    fn add(&mut self, text: impl FnOnce() -> String) {
        if let Some(last) = self.lines.as_mut().and_then(|lines| lines.last_mut()) {
            last.push_str(&text());
        }
    }
}

pub(super) fn enter(stage: Stage) {
    STAGE.set(Some(stage));
}

pub(super) fn leave() {
    STAGE.take();
}

/// Runs `look` on the stage of this thread.
pub(super) fn on<T>(look: impl FnOnce(&mut Stage) -> T) -> T {
    try_on(look).unwrap_or_else(|| unreachable!("only what the explorer runs comes here"))
}

fn try_on<T>(look: impl FnOnce(&mut Stage) -> T) -> Option<T> {
    STAGE.with_borrow_mut(|stage| stage.as_mut().map(look))
}

/// Whether this thread explores.
pub(crate) fn is_exploring() -> bool {
    try_on(|_| ()).is_some()
}

/// Takes a task over that would else run beside the explorer.
pub(crate) fn adopt<F>(task: F, what: &str) -> Option<F>
where
    F: Future<Output = ()> + Send + 'static,
{
    if !is_exploring() {
        return Some(task);
    }
    // Not under the borrow: what is dropped may come back here.
    if !on(|stage| stage.is_crashing) {
        on(|stage| stage.start(Box::pin(task), what));
    }
    None
}

/// A name for a lease that depends on nothing but what its task has seen.
pub(crate) fn token() -> Option<[u8; 16]> {
    try_on(|stage| {
        let seen = &mut stage.tasks[stage.running];
        seen.tokens += 1;
        let (first, second) = (seen.history, seen.tokens);
        let mut token = [0; 16];
        token[..8].copy_from_slice(&first.to_le_bytes());
        token[8..].copy_from_slice(&second.to_le_bytes());
        token
    })
}

/// Notes that what tasks of a process share was looked at or changed.
pub(crate) fn touch() {
    try_on(|stage| if !stage.is_crashing { stage.touch() });
}

/// Notes what the running task has learnt at the gate that it was let through.
pub(super) fn observe(what: u64, text: impl FnOnce() -> String) {
    on(|stage| {
        let event = mix(stage.tasks[stage.running].passed, what);
        stage.happened(event);
        stage.add(|| format!(": {}", text()));
    });
}

/// Waits until the explorer lets the running task through.
pub(crate) fn gate(act: Act, key: &Arc<str>) -> Gate {
    Gate {
        act,
        key: key.clone(),
        ticket: None,
    }
}

pub(crate) struct Gate {
    act: Act,
    key: Arc<str>,
    ticket: Option<u64>,
}

impl Future for Gate {
    type Output = Pass;

    fn poll(mut self: Pin<&mut Self>, _task: &mut Context<'_>) -> Poll<Pass> {
        let Some(ticket) = self.ticket else {
            let (act, key) = (self.act, self.key.clone());
            self.ticket = Some(on(|stage| stage.wait(act, key)));
            return Poll::Pending;
        };
        let passed = on(|stage| {
            let at = stage.position(ticket)?;
            let passed = stage.waiting[at].passed?;
            stage.waiting.remove(at);
            Some(passed)
        });
        passed.map_or(Poll::Pending, Poll::Ready)
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            try_on(|stage| stage.waiting.retain(|waiting| waiting.ticket != ticket));
        }
    }
}

impl Stage {
    fn wait(&mut self, act: Act, key: Arc<str>) -> u64 {
        self.tickets += 1;
        self.waiting.push(Waiting {
            task: self.running,
            ticket: self.tickets,
            act,
            key,
            content: None,
            has_changed: false,
            passed: None,
        });
        self.tickets
    }

    pub(super) fn position(&self, ticket: u64) -> Option<usize> {
        let is_it = |waiting: &Waiting| waiting.ticket == ticket;
        self.waiting.iter().position(is_it)
    }
}

impl Stage {
    /// Notes which keys have changed since somebody began to wait for that.
    pub(super) fn look_at(&mut self, sim: &Sim) {
        let pauses = self.waiting.iter_mut().filter(|it| it.act == Act::Pause);
        for waiting in pauses {
            let content = sim.content(&waiting.key);
            if waiting.content.is_none() {
                waiting.content = Some(content);
            }
            waiting.has_changed |= waiting.content != Some(content);
        }
    }

    pub(super) fn state(&self) -> u64 {
        let task = |seen: &Seen| mix(mix(seen.id, seen.history), u64::from(seen.is_over));
        let tasks = self.tasks.iter().map(task).fold(0, u64::wrapping_add);
        let waiting = (0..self.waiting.len()).map(|at| self.waiting_state(at));
        let waiting = waiting.fold(0, u64::wrapping_add);
        let late = self.late.as_ref().map_or(0, |late| hash::text(&late.key));
        let sums = [tasks, waiting, late, self.facts.state()];
        let sum = sums.into_iter().fold(0, mix);
        self.orders.iter().copied().fold(sum, mix)
    }

    pub(super) fn waiting_state(&self, at: usize) -> u64 {
        let waiting = &self.waiting[at];
        let gate = mix(waiting.act as u64, hash::text(&waiting.key));
        let gate = mix(gate, u64::from(waiting.has_changed));
        mix(self.tasks[waiting.task].id, gate)
    }

    pub(super) fn waiting_text(&self, at: usize, pass: Pass) -> String {
        let Waiting { task, act, key, .. } = &self.waiting[at];
        let name = &self.tasks[*task].name;
        match pass {
            Pass::Go => format!("{name}: {act:?} {key}"),
            Pass::Otherwise => format!("{name}: {act:?} {key} (otherwise)"),
        }
    }

    /// A read that began when `floor` was promised has come to `value`.
    pub(super) fn read_ends(&mut self, value: u64, floor: u64) {
        let name = self.tasks[self.running].name.clone();
        self.add(|| format!("; {name} gives {value}"));
        if value < floor {
            let fault = || format!("{name} gives {value}, and {floor} had been made known");
            self.facts.find(fault);
        }
    }
}

/// Waits until another process may have gone on; says whether there is time to look again.
pub(crate) async fn pause(key: &Arc<str>) -> bool {
    gate(Act::Pause, key).await == Pass::Go
}

/// Waits for what another call does, until it is done or the explorer says that the time is up.
pub(crate) async fn within<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut time_is_up = std::pin::pin!(gate(Act::TimeUp, &"".into()));
    let mut future = std::pin::pin!(future);
    std::future::poll_fn(|context| {
        if let Poll::Ready(done) = future.as_mut().poll(context) {
            return Poll::Ready(Some(done));
        }
        time_is_up.as_mut().poll(context).map(|_| None)
    })
    .await
}

impl Stage {
    /// Something has happened after which a second load is nobody's mistake.
    pub(super) fn excuse(&mut self) {
        self.access.writes(Thing::Loads);
        self.facts.excuse();
    }

    pub(super) fn load_begins(&mut self, cell: usize) -> u64 {
        self.access.writes(Thing::Loads);
        let task = self.tasks[self.running].id;
        self.facts.load_begins(cell, task);
        task
    }

    pub(super) fn load_ends(&mut self, cell: usize, task: u64) {
        self.access.writes(Thing::Loads);
        self.facts.load_ends(cell, task);
    }

    pub(super) fn row(&mut self, cell: usize) -> u64 {
        self.access.reads(Thing::Row(cell));
        self.facts.cells[cell].value
    }

    pub(super) fn floor(&mut self, cell: usize) -> u64 {
        self.access.reads(Thing::Promise(cell));
        self.facts.cells[cell].floor
    }

    pub(super) fn commit(&mut self, cell: usize) -> u64 {
        self.access.writes(Thing::Row(cell));
        self.excuse();
        self.facts.commit(cell)
    }

    pub(super) fn promise(&mut self, cell: usize, value: u64) {
        self.access.writes(Thing::Promise(cell));
        self.facts.promise(cell, value);
    }
}
