//! The circuit breaker: while Redis is of no use nobody waits for it.
//!
//! Closed, commands go out. After a few failures in a row, or while there is no connection, it is
//! open, and a command fails at once. Now and then it is half-open: a command of the breaker's own
//! asks whether Redis is of use again, so that no caller waits for the answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use once_cell::sync::OnceCell;
use parking_lot::Mutex;
use redis::{Cmd, ErrorKind, RedisError, ServerError, Value};
use tokio::sync::watch;
use tokio::time::error::Elapsed;

use super::link::Link;
use crate::error::Fault;

/// Failures in a row after which Redis counts as useless.
const FAILURES: u32 = 3;
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

const CLOSED: u8 = 0;
/// Closed, but the last exchange has failed.
const SUSPECT: u8 = 1;
const OPEN: u8 = 2;
const HALF_OPEN: u8 = 3;

tokio::task_local! {
    /// Set where a command goes out though the breaker is open: its answer decides.
    static PROBING: ();
}

/// Whether calls ask Redis, as [`Cache::breaker`](crate::Cache::breaker) says it.
///
/// ```text
///           3 failures in a row,             after 50 ms to 1 s
///           or no connection
///  Closed ------------------------> Open ------------------------> HalfOpen
///    ^                               ^     a command of the breaker's    |
///    |                               +------------- fails --------------+
///    +--------------------------------------------- succeeds -----------+
/// ```
///
/// ```
/// use cache_runtime::{BreakerState, Cache};
///
/// assert_eq!(Cache::in_memory().breaker(), BreakerState::Closed);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub enum BreakerState {
    /// Redis is asked.
    Closed,
    /// Redis is of no use: calls go on without it at once.
    Open,
    /// As `Open`; whether Redis is of use again is being found out.
    HalfOpen,
}

/// The breaker of one connection.
pub(crate) struct Breaker {
    state: AtomicU8,
    course: Mutex<Course>,
    openings: AtomicU64,
    /// How often what stands behind the connection may have changed.
    changes: AtomicU64,
    changed: watch::Sender<u64>,
    probe: OnceCell<Probe>,
}

/// What is looked at only while something is wrong.
struct Course {
    failures: u32,
    pause: Duration,
    next_probe: Instant,
}

/// What asks whether Redis is of use, and for how long that may take.
struct Probe {
    cmd: Cmd,
    time: Duration,
}

/// What one exchange tells about Redis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sign {
    /// It does what it is for, if only to refuse what cannot be.
    Use,
    /// It is silent, or refuses everything.
    NoUse,
    /// It is no primary: what it would answer is not what writers have written.
    NoPrimary,
    /// The connection is gone, which says nothing about the server behind it.
    Nothing,
}

impl Breaker {
    pub(crate) fn new() -> Self {
        Self {
            state: AtomicU8::new(CLOSED),
            course: Mutex::new(Course {
                failures: 0,
                pause: FIRST_PAUSE,
                next_probe: Instant::now(),
            }),
            openings: AtomicU64::new(0),
            changes: AtomicU64::new(0),
            changed: watch::Sender::new(0),
            probe: OnceCell::new(),
        }
    }

    /// What a half-open breaker sends: a command that any useful primary answers.
    pub(crate) fn probe_with(&self, cmd: Cmd, time: Duration) {
        // Whoever makes the connection says it, once.
        let _ = self.probe.set(Probe { cmd, time });
    }

    pub(crate) fn state(&self) -> BreakerState {
        match self.state.load(Ordering::Relaxed) {
            OPEN => BreakerState::Open,
            HALF_OPEN => BreakerState::HalfOpen,
            _ => BreakerState::Closed,
        }
    }

    /// How often it has opened.
    pub(crate) fn openings(&self) -> u64 {
        self.openings.load(Ordering::Relaxed)
    }

    /// Counts up when another server, or the same one with another memory, may have come to stand
    /// behind the connection. It does so before the first command can reach that server.
    pub(crate) fn changes(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
    }

    /// Tells of each change.
    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// What is behind the connection may have changed.
    pub(crate) fn change(&self) {
        let changes = self.changes.fetch_add(1, Ordering::AcqRel) + 1;
        self.changed.send_replace(changes);
    }

    /// Whether a command may go out. While open this is where it ends, without waiting.
    pub(super) fn admit(&self, link: &Arc<Link>) -> Result<(), Fault> {
        if self.state.load(Ordering::Relaxed) < OPEN || is_probing() {
            return Ok(());
        }
        self.probe_if_due(link);
        Err(Fault::NotConnected)
    }

    /// Finds out whether Redis is of use again, if it is time to.
    pub(super) fn probe_if_due(&self, link: &Arc<Link>) {
        if self.begin_probe() {
            tokio::spawn(probe(link.clone()));
        }
    }

    /// What an exchange came to.
    pub(super) fn note<T: Answer>(&self, outcome: &Result<Result<T, RedisError>, Elapsed>) {
        let sign = match outcome {
            Ok(Ok(answer)) => answer.refusal().map_or(Sign::Use, sign_of_refusal),
            Ok(Err(error)) => sign_of_error(error),
            Err(_) => Sign::NoUse,
        };
        if sign != Sign::Use || self.state.load(Ordering::Relaxed) != CLOSED {
            self.learn(sign);
        }
    }

    fn learn(&self, sign: Sign) {
        let mut course = self.course.lock();
        let is_open = self.state.load(Ordering::Relaxed) >= OPEN;
        match sign {
            Sign::Nothing => {}
            Sign::Use if is_open => {
                // A late answer to what was asked before says nothing about now.
                if is_probing() {
                    // First: whoever is admitted from now on knows of it.
                    self.change();
                    course.failures = 0;
                    course.pause = FIRST_PAUSE;
                    self.state.store(CLOSED, Ordering::Release);
                    tracing::info!("redis is of use again");
                }
            }
            Sign::Use => {
                course.failures = 0;
                self.state.store(CLOSED, Ordering::Relaxed);
            }
            Sign::NoUse | Sign::NoPrimary if is_open => {}
            Sign::NoUse | Sign::NoPrimary => {
                course.failures += 1;
                if course.failures >= FAILURES || sign == Sign::NoPrimary {
                    self.open(&mut course, "it is silent, or refuses every command");
                } else {
                    self.state.store(SUSPECT, Ordering::Relaxed);
                }
            }
        }
    }

    fn open(&self, course: &mut Course, why: &'static str) {
        course.next_probe = Instant::now() + course.pause;
        self.state.store(OPEN, Ordering::Relaxed);
        self.openings.fetch_add(1, Ordering::Relaxed);
        tracing::warn!(why, "redis is of no use: calls go on without it");
    }

    /// There is no connection, and nobody is to wait for one.
    pub(super) fn disconnected(&self) {
        let mut course = self.course.lock();
        if self.state.load(Ordering::Relaxed) < OPEN {
            self.open(&mut course, "there is no connection");
        }
    }

    /// There is a connection again, which nobody has been given yet.
    pub(super) fn connected(&self) {
        let mut course = self.course.lock();
        course.next_probe = Instant::now();
        course.pause = FIRST_PAUSE;
    }

    /// Becomes half-open if it is time to.
    fn begin_probe(&self) -> bool {
        let Some(probe) = self.probe.get() else {
            return false;
        };
        let now = Instant::now();
        let mut course = self.course.lock();
        if self.state.load(Ordering::Relaxed) < OPEN || now < course.next_probe {
            return false;
        }
        // If nobody drives the probe, another one follows.
        course.next_probe = now + probe.time + LONGEST_PAUSE;
        self.state.store(HALF_OPEN, Ordering::Relaxed);
        true
    }

    /// Opens again after a probe that has not closed it.
    fn end_probe(&self) {
        let mut course = self.course.lock();
        if self.state.load(Ordering::Relaxed) == HALF_OPEN {
            let pause = course.pause.mul_f64(0.5 + rand::random::<f64>() / 2.0);
            course.next_probe = Instant::now() + pause;
            course.pause = (course.pause * 2).min(LONGEST_PAUSE);
            self.state.store(OPEN, Ordering::Relaxed);
        }
    }
}

/// Runs work of the cache's own that may wait for Redis while nobody else does, and whose answers
/// close the breaker.
pub(crate) async fn probing<F: Future>(work: F) -> F::Output {
    PROBING.scope((), work).await
}

fn is_probing() -> bool {
    PROBING.try_with(|()| ()).is_ok()
}

async fn probe(link: Arc<Link>) {
    let breaker = link.breaker();
    let _ended = Ended(breaker);
    if let Some(Probe { cmd, time }) = breaker.probe.get() {
        // The link has told the breaker what came of it.
        let _ = probing(link.command(cmd, *time)).await;
    }
}

/// Ends a probe, also one that is dropped with its runtime.
struct Ended<'a>(&'a Breaker);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.0.end_probe();
    }
}

/// What a server sends back.
pub(crate) trait Answer {
    /// The refusal in it.
    fn refusal(&self) -> Option<&ServerError>;
}

impl Answer for Value {
    fn refusal(&self) -> Option<&ServerError> {
        match self {
            Self::ServerError(error) => Some(error),
            _ => None,
        }
    }
}

impl Answer for Vec<Value> {
    fn refusal(&self) -> Option<&ServerError> {
        self.iter().find_map(Answer::refusal)
    }
}

/// Strings that were read apart: a refusal is an error by then.
impl Answer for Vec<Option<Vec<u8>>> {
    fn refusal(&self) -> Option<&ServerError> {
        None
    }
}

fn sign_of_refusal(error: &ServerError) -> Sign {
    sign_of_code(error.code(), error.details().unwrap_or_default())
}

fn sign_of_error(error: &RedisError) -> Sign {
    if error.is_io_error() || error.is_connection_dropped() {
        return Sign::Nothing;
    }
    match error.code() {
        Some(code) => sign_of_code(code, error.detail().unwrap_or_default()),
        // What it sends is no answer.
        None if error.kind() == ErrorKind::Parse => Sign::NoUse,
        None => Sign::Nothing,
    }
}

/// `OOM`, `MISCONF` and `NOREPLICAS` refuse writes only: what is there is read, and is true.
fn sign_of_code(code: &str, words: &str) -> Sign {
    // Before Redis 7, what goes wrong inside a script is told in words only.
    if code == "READONLY" || words.contains("READONLY ") {
        return Sign::NoPrimary;
    }
    match code {
        "LOADING" | "BUSY" | "CLUSTERDOWN" | "MASTERDOWN" | "NOAUTH" | "WRONGPASS" | "MOVED"
        | "ASK" => Sign::NoUse,
        _ => Sign::Use,
    }
}

/// Whether a server that refuses so may not do so later.
pub(crate) fn is_passing(fault: &Fault) -> bool {
    let Fault::Redis(error) = fault else {
        return !matches!(fault, Fault::WrongType);
    };
    let Some(code) = error.code() else {
        return true;
    };
    let passes = ["OOM", "MISCONF", "NOREPLICAS", "TRYAGAIN", "CROSSSLOT"].contains(&code);
    passes || sign_of_code(code, error.detail().unwrap_or_default()) != Sign::Use
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(breaker: &Breaker, answer: Value) {
        breaker.note(&Ok(Ok(answer)));
    }

    /// A refusal as it comes off the wire.
    fn refuse(breaker: &Breaker, line: &str) {
        let value = redis::parse_redis_value(format!("-{line}\r\n").as_bytes());
        answer(breaker, value.unwrap());
    }

    async fn fall_silent(breaker: &Breaker) {
        let never = std::future::pending::<Result<Value, RedisError>>();
        breaker.note(&tokio::time::timeout(Duration::ZERO, never).await);
    }

    #[tokio::test]
    async fn opens_after_a_few_failures_in_a_row_only() {
        let breaker = Breaker::new();
        for _ in 0..2 {
            for _ in 1..FAILURES {
                fall_silent(&breaker).await;
            }
            assert_eq!(breaker.state(), BreakerState::Closed);
            answer(&breaker, Value::Okay);
        }
        for line in [
            "LOADING data",
            "BUSY a script",
            "CLUSTERDOWN down",
            "NOAUTH password",
        ] {
            let breaker = Breaker::new();
            for _ in 0..FAILURES {
                refuse(&breaker, line);
            }
            assert_eq!(breaker.state(), BreakerState::Open, "{line}");
            assert_eq!(breaker.openings(), 1);
        }
    }

    #[test]
    fn what_concerns_one_command_does_not_open_it() {
        for line in [
            "WRONGTYPE kind",
            "NOSCRIPT none",
            "NOPERM no",
            "OOM memory",
            "ERR unknown",
        ] {
            let breaker = Breaker::new();
            for _ in 0..10 * FAILURES {
                refuse(&breaker, line);
            }
            assert_eq!(breaker.state(), BreakerState::Closed, "{line}");
        }
    }

    #[test]
    fn a_replica_is_no_use_from_its_first_word_on() {
        let breaker = Breaker::new();
        refuse(&breaker, "READONLY You can't write against a replica");
        assert_eq!(breaker.state(), BreakerState::Open);
    }

    #[tokio::test]
    async fn only_a_probe_closes_it() {
        let breaker = Breaker::new();
        breaker.probe_with(redis::cmd("PING"), Duration::from_millis(500));
        breaker.connected();
        breaker.disconnected();
        assert!(!breaker.begin_probe(), "not before its time");
        breaker.connected();
        assert!(breaker.begin_probe() && !breaker.begin_probe(), "one only");
        assert_eq!(breaker.state(), BreakerState::HalfOpen);
        answer(&breaker, Value::Okay);
        assert_eq!(breaker.state(), BreakerState::HalfOpen, "a late answer");
        let changes = breaker.changes();
        probing(async { answer(&breaker, Value::Okay) }).await;
        assert_eq!(breaker.state(), BreakerState::Closed);
        assert_eq!(breaker.changes(), changes + 1);
    }

    #[tokio::test]
    async fn a_probe_that_fails_opens_it_again() {
        let breaker = Breaker::new();
        breaker.probe_with(redis::cmd("PING"), Duration::from_millis(500));
        breaker.disconnected();
        breaker.connected();
        assert!(breaker.begin_probe());
        drop(Ended(&breaker));
        assert_eq!(breaker.state(), BreakerState::Open);
        assert!(!breaker.begin_probe(), "after a pause");
    }
}
