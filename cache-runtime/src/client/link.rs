//! One connection that comes back by itself and never holds a caller while it is away.
//!
//! A [keeper](super::keeper) on the runtime of whoever first needed the connection opens it and
//! opens it again when it is lost. Callers wait only for the very first attempt, and no longer than
//! their own budget; after that "not connected" is an answer they get at once. When the keeper's
//! runtime goes, the link falls back to idle and the next caller's runtime takes over.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use parking_lot::RwLock;
use redis::{Cmd, ErrorKind, RedisError, Value};
use tokio::runtime::Handle;
use tokio::sync::{Notify, watch};
use tokio::time::error::Elapsed;
use tokio::time::timeout;

use super::breaker::{Answer, Breaker};
use super::connect::is_read_only;
use super::keeper::Keeper;
use super::layout::{Layout, Primary};
use super::reads::{InFlight, Reads};
use super::server_clock::ServerClock;
use super::settings::Address;
use super::tally::Counted;
use super::upstream::{Connected, Upstream};
use super::why::Why;
use super::wire::Wire;
use crate::error::Fault;

/// Timeouts in a row, without an answer between, after which a connection counts as dead: the
/// client library does not notice a peer that went silent.
const SILENCE: u32 = 3;
pub(super) const LONGEST_PAUSE: Duration = Duration::from_millis(500);

pub(crate) struct Link {
    pub(super) upstream: Arc<Upstream>,
    pub(super) clock: Arc<ServerClock>,
    pub(super) patience: Duration,
    state: RwLock<State>,
    /// Which keeper is in charge: one whose runtime is kept but not driven is replaced.
    turn: AtomicU32,
    /// Tells those who wait that the state has changed.
    changed: watch::Sender<()>,
    /// How often something else was behind the link than before: a server that was started anew,
    /// another primary, other slots, or the same over a connection of its own.
    changes: watch::Sender<u64>,
    was_up: AtomicBool,
    breaker: Breaker,
}

pub(super) enum State {
    /// Nobody has needed the connection yet, or the runtime that drove it is gone.
    Idle,
    /// An attempt is under way that is worth waiting for; its keeper reports until then.
    Opening(Instant),
    Up(Arc<Open>),
    /// Lost; the keeper is at work, and reports until then.
    Down(Instant, Why),
    /// For good.
    Closed,
}

/// A connection that was up when it was handed out.
pub(crate) struct Open {
    pub(super) wire: Wire,
    /// Where it goes, if the sentinels have said so.
    pub(super) primary: Option<Address>,
    pub(super) reads: Reads,
    timeouts: AtomicU32,
    /// Whether anything was answered since the keeper has last looked.
    pub(super) heard: AtomicBool,
    pub(super) lost: Notify,
    /// Something has happened that another server behind the link would explain.
    pub(super) suspected: Notify,
    _counted: Counted,
}

impl Link {
    /// `patience` bounds how long callers wait for the first connection.
    pub(crate) fn new(
        upstream: Arc<Upstream>,
        clock: Arc<ServerClock>,
        patience: Duration,
    ) -> Self {
        Self {
            upstream,
            clock,
            patience,
            state: RwLock::new(State::Idle),
            turn: AtomicU32::new(0),
            changed: watch::Sender::new(()),
            changes: watch::Sender::new(0),
            was_up: AtomicBool::new(false),
            breaker: Breaker::new(),
        }
    }

    pub(crate) fn breaker(&self) -> &Breaker {
        &self.breaker
    }

    /// Whether there is a connection right now.
    pub(crate) fn is_up(&self) -> bool {
        matches!(&*self.state.read(), State::Up(_))
    }

    /// The connection, opening it if nobody has, and what is left of `time` then.
    pub(crate) async fn open(
        self: &Arc<Self>,
        time: Duration,
    ) -> Result<(Arc<Open>, Duration), Fault> {
        // Without a runtime the timer of a command would panic.
        let runtime = Handle::try_current().map_err(|_| Fault::NoRuntime)?;
        self.breaker.admit(self)?;
        if let State::Up(open) = &*self.state.read() {
            return Ok((open.clone(), time));
        }
        Box::pin(self.wait_until_open(&runtime, time)).await
    }

    async fn wait_until_open(
        self: &Arc<Self>,
        runtime: &Handle,
        time: Duration,
    ) -> Result<(Arc<Open>, Duration), Fault> {
        let start = Instant::now();
        let mut changed = match self.attempt(runtime)? {
            Attempt::Up(open) => return Ok((open, time)),
            Attempt::Opening(changed) => changed,
        };
        let _ = timeout(time.min(self.patience), changed.changed()).await;
        match &*self.state.read() {
            State::Up(open) => Ok((open.clone(), time.saturating_sub(start.elapsed()))),
            State::Down(_, why) => Err(Fault::Unreachable(why.clone())),
            _ => Err(Fault::NotConnected),
        }
    }

    /// Opens the connection before anybody needs it, on this runtime.
    pub(crate) fn warm_up(self: &Arc<Self>, runtime: &Handle) {
        // It comes up, or the first caller hears why not.
        let _ = self.attempt(runtime);
    }

    fn attempt(self: &Arc<Self>, runtime: &Handle) -> Result<Attempt, Fault> {
        let mut state = self.state.write();
        let overdue = Instant::now();
        match &*state {
            State::Up(open) => return Ok(Attempt::Up(open.clone())),
            State::Opening(due) if *due > overdue => {
                return Ok(Attempt::Opening(self.changed.subscribe()));
            }
            State::Down(due, why) if *due > overdue => {
                return Err(Fault::Unreachable(why.clone()));
            }
            State::Closed => return Err(Fault::NotConnected),
            _ => {}
        }
        *state = State::Opening(self.due());
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) + 1;
        let changed = self.changed.subscribe();
        drop(state);
        // Not under the lock: a runtime that is shutting down drops the keeper here and now.
        runtime.spawn(Keeper::new(self, turn).keep());
        Ok(Attempt::Opening(changed))
    }

    /// By when a keeper whose runtime is driven has said what came of its attempt.
    pub(super) fn due(&self) -> Instant {
        let connecting = self.upstream.settings().connection_timeout;
        Instant::now() + self.patience.min(connecting) + 2 * LONGEST_PAUSE
    }

    /// Takes a connection that proved dead out of use and wakes the keeper.
    pub(super) fn lose(&self, open: &Arc<Open>, becomes: Becomes) {
        let mut state = self.state.write();
        if matches!(&*state, State::Up(current) if Arc::ptr_eq(current, open)) {
            *state = match becomes {
                Becomes::Opening => State::Opening(self.due()),
                Becomes::Down(why) => {
                    self.breaker.disconnected();
                    State::Down(self.due(), why)
                }
            };
        }
        drop(state);
        open.lost.notify_one();
    }

    /// What came of an exchange on this connection: silence and broken pipes end it.
    pub(crate) fn judge<T: Answer>(
        &self,
        open: &Arc<Open>,
        outcome: Outcome<T>,
    ) -> Result<T, Fault> {
        // Of a cluster, silence may be that of one node of many.
        if outcome.is_ok() || matches!(open.wire, Wire::Node(_)) {
            self.breaker.note(&outcome);
        }
        match outcome {
            Ok(Ok(answer)) => {
                open.answered();
                Ok(answer)
            }
            Ok(Err(error)) => {
                if is_broken(&error) {
                    self.doubt(open);
                } else {
                    open.answered();
                    open.distrust(&error);
                }
                Err(error.into())
            }
            Err(_) => {
                if open.timeouts.fetch_add(1, Ordering::Relaxed) + 1 >= SILENCE {
                    match open.wire {
                        Wire::Node(_) => self.lose(open, Becomes::Down(Why::silent())),
                        // It may be one node of many.
                        Wire::Cluster(_) => open.suspected.notify_one(),
                    }
                }
                Err(Fault::Timeout)
            }
        }
    }

    /// A connection was broken. One to a node, closed by its idle limit perhaps, is soon back;
    /// those to a cluster are the client library's to mend, unless all are gone.
    pub(super) fn doubt(&self, open: &Arc<Open>) {
        match open.wire {
            Wire::Node(_) => self.lose(open, Becomes::Opening),
            Wire::Cluster(_) => open.suspected.notify_one(),
        }
    }

    /// Sends one command and waits for its answer, at most `time`.
    pub(crate) async fn command(
        self: &Arc<Self>,
        cmd: &Cmd,
        time: Duration,
    ) -> Result<Value, Fault> {
        let (open, time) = self.open(time).await?;
        let _in_flight = open.reads.enter();
        let outcome = timeout(time, open.wire.send(cmd)).await;
        let answer = self.judge(&open, outcome)?;
        answer.extract_error().map_err(|error| {
            open.distrust(&error);
            error.into()
        })
    }

    /// Who has which slots of the cluster, by what all its primaries say; it fails while they do
    /// not agree. Nothing if it is no cluster.
    pub(crate) async fn layout(self: &Arc<Self>, time: Duration) -> Result<Option<Layout>, Fault> {
        let (open, time) = self.open(time).await?;
        let Wire::Cluster(cluster) = &open.wire else {
            return Ok(None);
        };
        let layout = timeout(time, Layout::by_all(cluster)).await;
        let layout = layout.map_err(|_| Fault::Timeout)?;
        layout.map(Some).map_err(Fault::Unreachable)
    }

    /// Sends a command to one of a cluster's primaries; it fails if another has taken its place.
    pub(crate) async fn command_at(
        self: &Arc<Self>,
        primary: &Primary,
        cmd: Cmd,
        time: Duration,
    ) -> Result<Value, Fault> {
        let (open, time) = self.open(time).await?;
        let Wire::Cluster(cluster) = &open.wire else {
            return Err(Fault::NotConnected);
        };
        let answer = timeout(time, primary.ask(cluster, cmd)).await;
        answer
            .map_err(|_| Fault::Timeout)?
            .map_err(Fault::Unreachable)
    }

    /// A count that goes up whenever something else is behind the link than before: a server that
    /// was started anew or has another role, another primary, other slots, and at each reconnect.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    pub(super) fn has_changed(&self) {
        self.breaker.change();
        self.changes.send_modify(|count| *count += 1);
    }

    /// How many commands wait for their answer.
    pub(crate) fn in_flight(&self) -> usize {
        match &*self.state.read() {
            State::Up(open) => open.reads.in_flight(),
            _ => 0,
        }
    }

    /// Closes the connection for good.
    pub(crate) fn close(&self) {
        self.turn.fetch_add(1, Ordering::Relaxed);
        let before = std::mem::replace(&mut *self.state.write(), State::Closed);
        if let State::Up(open) = before {
            open.lost.notify_one();
        }
        self.changed.send_replace(());
    }

    /// For a keeper: takes its word, unless another is in charge now.
    pub(super) fn enter(self: &Arc<Self>, turn: u32, state: State) -> bool {
        let mut current = self.state.write();
        if !self.is_in_charge(turn) {
            return false;
        }
        let is_up = matches!(state, State::Up(_));
        if is_up {
            self.breaker.connected();
            // First: whoever is given the connection knows of it.
            if self.was_up.swap(true, Ordering::Relaxed) {
                self.has_changed();
            }
        } else if matches!(state, State::Down(..)) {
            self.breaker.disconnected();
        }
        *current = state;
        drop(current);
        self.changed.send_replace(());
        if is_up {
            self.breaker.probe_if_due(self);
        }
        true
    }

    pub(super) fn is_in_charge(&self, turn: u32) -> bool {
        self.turn.load(Ordering::Relaxed) == turn
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        // The keeper finds the link gone and ends.
        if let State::Up(open) = self.state.get_mut() {
            open.lost.notify_one();
        }
    }
}

impl Open {
    pub(super) fn new(connected: Connected) -> Self {
        Self {
            wire: connected.wire,
            primary: connected.primary,
            reads: Reads::default(),
            timeouts: AtomicU32::new(0),
            heard: AtomicBool::new(true),
            lost: Notify::new(),
            suspected: Notify::new(),
            _counted: connected.counted,
        }
    }

    pub(crate) fn wire(&self) -> &Wire {
        &self.wire
    }

    pub(crate) fn enter(&self) -> InFlight<'_> {
        self.reads.enter()
    }

    fn answered(&self) {
        if self.timeouts.load(Ordering::Relaxed) != 0 {
            self.timeouts.store(0, Ordering::Relaxed);
        }
        if !self.heard.load(Ordering::Relaxed) {
            self.heard.store(true, Ordering::Relaxed);
        }
    }

    /// Whether commands have gone unanswered since the last answer.
    pub(super) fn is_silent(&self) -> bool {
        self.timeouts.load(Ordering::Relaxed) > 0
    }

    /// A server that may only be read from is no primary any more.
    pub(crate) fn distrust(&self, error: &RedisError) {
        if is_read_only(error) {
            self.suspected.notify_one();
        }
    }
}

/// Whether nobody has answered, as far as the client library can tell.
pub(super) fn is_broken(error: &RedisError) -> bool {
    error.is_io_error()
        || error.is_connection_dropped()
        || error.kind() == ErrorKind::ClusterConnectionNotFound
}

/// What a link is without its connection.
pub(super) enum Becomes {
    /// Soon up again: worth waiting for.
    Opening,
    Down(Why),
}

/// How an exchange with a time limit ends.
type Outcome<T> = Result<Result<T, RedisError>, Elapsed>;

enum Attempt {
    Up(Arc<Open>),
    Opening(watch::Receiver<()>),
}
