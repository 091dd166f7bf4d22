//! One connection that comes back by itself and never holds a caller while it is away.
//!
//! A keeper task on the runtime of whoever first needed the connection opens it and opens it
//! again when it is lost. Callers wait only for the very first attempt, and no longer than their
//! own budget; after that "not connected" is an answer they get at once. When the keeper's
//! runtime goes, the link falls back to idle and the next caller's runtime takes over.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Weak};
use std::task::Poll;
use std::time::{Duration, Instant};

use parking_lot::RwLock;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Cmd, Value};
use tokio::runtime::Handle;
use tokio::sync::{Notify, watch};
use tokio::time::error::Elapsed;
use tokio::time::timeout;

use super::breaker::{Answer, Breaker};
use super::reads::Reads;
use super::server_clock::ServerClock;
use crate::error::Fault;

/// Timeouts in a row, without an answer between, after which a connection counts as dead: the
/// client library does not notice a peer that went silent.
const SILENCE: u32 = 3;
const FIRST_PAUSE: Duration = Duration::from_millis(25);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);
const CONNECT_TIME: Duration = Duration::from_secs(5);
/// Two clocks drift apart by a few milliseconds an hour at most.
const BETWEEN_TIMES: Duration = Duration::from_secs(300);

pub(crate) struct Link {
    client: redis::Client,
    clock: Arc<ServerClock>,
    patience: Duration,
    state: RwLock<State>,
    /// Which keeper is in charge: one whose runtime is kept but not driven is replaced.
    turn: AtomicU32,
    /// Tells those who wait that the state has changed.
    changed: watch::Sender<()>,
    breaker: Arc<Breaker>,
}

enum State {
    /// Nobody has needed the connection yet, or the runtime that drove it is gone.
    Idle,
    /// An attempt is under way that is worth waiting for; its keeper reports until then.
    Opening(Instant),
    Up(Arc<Open>),
    /// Lost; the keeper is at work, and reports until then.
    Down(Instant),
}

/// A connection that was up when it was handed out.
pub(crate) struct Open {
    connection: MultiplexedConnection,
    pub(super) reads: Reads,
    timeouts: AtomicU32,
    lost: Notify,
}

impl Link {
    /// `patience` bounds how long callers wait for the first connection.
    pub(crate) fn new(client: redis::Client, clock: Arc<ServerClock>, patience: Duration) -> Self {
        Self {
            client,
            clock,
            patience,
            state: RwLock::new(State::Idle),
            turn: AtomicU32::new(0),
            changed: watch::Sender::new(()),
            breaker: Arc::new(Breaker::new()),
        }
    }

    pub(crate) fn breaker(&self) -> &Arc<Breaker> {
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
            _ => Err(Fault::NotConnected),
        }
    }

    fn attempt(self: &Arc<Self>, runtime: &Handle) -> Result<Attempt, Fault> {
        let mut state = self.state.write();
        let overdue = Instant::now();
        match &*state {
            State::Up(open) => return Ok(Attempt::Up(open.clone())),
            State::Opening(due) if *due > overdue => {
                return Ok(Attempt::Opening(self.changed.subscribe()));
            }
            State::Down(due) if *due > overdue => return Err(Fault::NotConnected),
            _ => {}
        }
        *state = State::Opening(self.due());
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) + 1;
        let changed = self.changed.subscribe();
        drop(state);
        // Not under the lock: a runtime that is shutting down drops the keeper here and now.
        runtime.spawn(Keeper(Arc::downgrade(self), turn).keep());
        Ok(Attempt::Opening(changed))
    }

    /// By when a keeper whose runtime is driven has said what came of its attempt.
    fn due(&self) -> Instant {
        Instant::now() + self.patience.min(CONNECT_TIME) + 2 * LONGEST_PAUSE
    }

    /// Takes a connection that proved dead out of use and wakes the keeper.
    fn lose(&self, open: &Arc<Open>, becomes: impl FnOnce(Instant) -> State) {
        let mut state = self.state.write();
        if matches!(&*state, State::Up(current) if Arc::ptr_eq(current, open)) {
            *state = becomes(self.due());
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
        self.breaker.note(&outcome);
        match outcome {
            Ok(Ok(answer)) => {
                open.answered();
                Ok(answer)
            }
            Ok(Err(error)) => {
                if error.is_io_error() || error.is_connection_dropped() {
                    // One that was closed, by a server's idle limit perhaps, is soon back.
                    self.lose(open, State::Opening);
                }
                Err(error.into())
            }
            Err(_) => {
                if open.timeouts.fetch_add(1, Ordering::Relaxed) + 1 >= SILENCE {
                    self.lose(open, State::Down);
                }
                Err(Fault::Timeout)
            }
        }
    }

    /// Sends one command and waits for its answer, at most `time`.
    pub(crate) async fn command(
        self: &Arc<Self>,
        cmd: &Cmd,
        time: Duration,
    ) -> Result<Value, Fault> {
        let (open, time) = self.open(time).await?;
        let mut connection = open.connection();
        let outcome = timeout(time, connection.send_packed_command(cmd)).await;
        Ok(self.judge(&open, outcome)?.extract_error()?)
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
    fn new(connection: MultiplexedConnection) -> Self {
        let (reads, timeouts, lost) = (Reads::default(), AtomicU32::new(0), Notify::new());
        Self {
            connection,
            reads,
            timeouts,
            lost,
        }
    }

    pub(crate) fn connection(&self) -> MultiplexedConnection {
        self.connection.clone()
    }

    fn answered(&self) {
        if self.timeouts.load(Ordering::Relaxed) != 0 {
            self.timeouts.store(0, Ordering::Relaxed);
        }
    }
}

/// How an exchange with a time limit ends.
type Outcome<T> = Result<Result<T, redis::RedisError>, Elapsed>;

enum Attempt {
    Up(Arc<Open>),
    Opening(watch::Receiver<()>),
}

/// The task that opens the connection and opens it again, for as long as the link lives.
struct Keeper(Weak<Link>, u32);

impl Keeper {
    async fn keep(self) {
        let mut pause = FIRST_PAUSE;
        while let Some((patience, connecting)) = self.connecting() {
            let mut connecting = pin!(connecting);
            let in_time = timeout(patience, &mut connecting).await;
            let connection = if let Ok(connection) = in_time {
                connection
            } else {
                // Those who wait are let go when their patience ends, not the attempt.
                self.enter_down(CONNECT_TIME);
                connecting.await
            };
            if let Some(connection) = connection {
                let open = Arc::new(Open::new(connection));
                self.tell(|link| link.breaker.connected());
                if !self.enter(State::Up(open.clone())) {
                    return;
                }
                self.tell(|link| link.breaker.probe_if_due(link));
                pause = FIRST_PAUSE;
                self.watch(&open).await;
            } else {
                self.enter_down(pause + patience);
                tokio::time::sleep(pause.mul_f64(0.5 + rand::random::<f64>() / 2.0)).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }

    /// Asks the server for its time now and then, until the connection is lost.
    async fn watch(&self, open: &Arc<Open>) {
        let Some(clock) = self.0.upgrade().map(|link| link.clock.clone()) else {
            return;
        };
        let mut lost = pin!(open.lost.notified());
        loop {
            let asked = clock.ask();
            let mut connection = open.connection();
            let time = redis::cmd("TIME");
            let answer = timeout(CONNECT_TIME, connection.send_packed_command(&time));
            let mut answer = pin!(answer);
            let answered = poll_fn(|task| match lost.as_mut().poll(task) {
                Poll::Ready(()) => Poll::Ready(None),
                Poll::Pending => answer.as_mut().poll(task).map(Some),
            });
            // Silence is for those to judge who wait for something.
            match answered.await {
                None => return,
                Some(Ok(Ok(answer))) => clock.learn(asked, &answer),
                Some(_) => {}
            }
            if timeout(BETWEEN_TIMES, &mut lost).await.is_ok() {
                return;
            }
        }
    }

    /// One attempt, and how long callers wait for it; nothing once the link is gone.
    fn connecting(
        &self,
    ) -> Option<(
        Duration,
        impl Future<Output = Option<MultiplexedConnection>> + use<>,
    )> {
        let link = self.0.upgrade()?;
        self.is_in_charge(&link).then_some(())?;
        let client = link.client.clone();
        let connecting = async move {
            let config = AsyncConnectionConfig::new()
                .set_connection_timeout(Some(CONNECT_TIME))
                .set_response_timeout(None);
            let connect = client.get_multiplexed_async_connection_with_config(&config);
            // The library's own limit covers the socket, not a server that accepts and is silent.
            timeout(CONNECT_TIME, connect).await.ok()?.ok()
        };
        Some((link.patience, connecting))
    }

    /// Says whether the link is still there to take it.
    fn enter(&self, state: State) -> bool {
        let Some(link) = self.0.upgrade() else {
            return false;
        };
        let mut current = link.state.write();
        if !self.is_in_charge(&link) {
            return false;
        }
        *current = state;
        drop(current);
        link.changed.send_replace(());
        true
    }

    /// Says until when callers need not ask whether this keeper is alive.
    fn enter_down(&self, time: Duration) {
        self.tell(|link| link.breaker.disconnected());
        self.enter(State::Down(Instant::now() + time + 2 * LONGEST_PAUSE));
    }

    fn tell(&self, what: fn(&Arc<Link>)) {
        if let Some(link) = self.0.upgrade().filter(|link| self.is_in_charge(link)) {
            what(&link);
        }
    }

    fn is_in_charge(&self, link: &Link) -> bool {
        link.turn.load(Ordering::Relaxed) == self.1
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.enter(State::Idle);
    }
}
