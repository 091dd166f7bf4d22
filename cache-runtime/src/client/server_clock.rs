//! What time it is at the server, by which entries judge their age: the clocks of two processes
//! may differ by more than a window.
//!
//! On a cluster it is the clock of any one primary, whichever holds the entry: ages are off by as
//! much as the nodes' clocks differ.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use redis::Value;

use crate::clock::Clock;

const UNKNOWN: i64 = i64::MIN;

/// The server's clock, as an offset to ours.
pub(crate) struct ServerClock {
    clock: Clock,
    offset: AtomicI64,
}

impl ServerClock {
    pub(crate) fn new(clock: Clock) -> Self {
        Self {
            clock,
            offset: AtomicI64::new(UNKNOWN),
        }
    }

    /// Milliseconds since 1970; until the server was asked, those of this machine.
    pub(crate) fn now(&self) -> u64 {
        match self.offset.load(Ordering::Relaxed) {
            UNKNOWN => millis(
                SystemTime::now()
                    .duration_since(UNIX_EPOCH)
                    .unwrap_or_default(),
            ),
            offset => millis(self.clock.now()).saturating_add_signed(offset),
        }
    }

    /// What a test says that it is; nothing where the server itself can be asked.
    pub(crate) fn set_by_hand(&self) -> Option<u64> {
        let is_known = self.offset.load(Ordering::Relaxed) != UNKNOWN;
        (is_known && self.clock.is_manual()).then(|| self.now())
    }

    /// Our own time, to be handed to [`learn`](Self::learn).
    pub(super) fn ask(&self) -> Duration {
        self.clock.now()
    }

    /// Takes in the answer to a `TIME` that was sent at `asked`; the server answered half-way.
    ///
    /// A clock that a test moves learns it once: from then on it is what the test says.
    pub(super) fn learn(&self, asked: Duration, answer: &Value) {
        if self.set_by_hand().is_some() {
            return;
        }
        let Some(server) = at_server(answer) else {
            return;
        };
        let took = self.clock.now().saturating_sub(asked);
        let ours = millis(asked + took / 2);
        let offset = i64::try_from(server).ok().zip(i64::try_from(ours).ok());
        if let Some((server, ours)) = offset {
            self.offset.store(server - ours, Ordering::Relaxed);
        }
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Seconds and microseconds, as text.
fn at_server(answer: &Value) -> Option<u64> {
    let Value::Array(parts) = answer else {
        return None;
    };
    let number = |part: &Value| match part {
        Value::BulkString(text) => std::str::from_utf8(text).ok()?.parse::<u64>().ok(),
        Value::Int(number) => u64::try_from(*number).ok(),
        _ => None,
    };
    let (seconds, micros) = (number(parts.first()?)?, number(parts.get(1)?)?);
    seconds.checked_mul(1_000)?.checked_add(micros / 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(seconds: &str, micros: &str) -> Value {
        let text = |text: &str| Value::BulkString(text.into());
        Value::Array(vec![text(seconds), text(micros)])
    }

    #[test]
    fn follows_the_servers_clock_by_our_own() {
        let clock = Clock::manual();
        let server = ServerClock::new(clock.clone());
        assert!(server.now() > 1_700_000_000_000, "this machine's, at first");
        assert_eq!(server.set_by_hand(), None);
        clock.advance(Duration::from_secs(5));
        let asked = server.ask();
        clock.advance(Duration::from_millis(4));
        server.learn(asked, &answer("1000", "500000"));
        assert_eq!(server.now(), 1_000_502);
        assert_eq!(server.set_by_hand(), Some(1_000_502));
        clock.advance(Duration::from_secs(1));
        assert_eq!(server.now(), 1_001_502);
        server.learn(server.ask(), &answer("1000", "600000"));
        assert_eq!(server.now(), 1_001_502, "a test has moved it since");
    }

    #[test]
    fn an_answer_that_is_no_time_changes_nothing() {
        let server = ServerClock::new(Clock::manual());
        server.learn(Duration::ZERO, &answer("7", "0"));
        for wrong in [Value::Nil, answer("x", "0"), Value::Array(Vec::new())] {
            server.learn(Duration::ZERO, &wrong);
            assert_eq!(server.now(), 7_000);
        }
    }
}
