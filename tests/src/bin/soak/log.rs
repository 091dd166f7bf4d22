//! A worker's reads and counters on their way to the parent.

use std::io::Write;

use cache_runtime::{Cache, Stats};
use parking_lot::Mutex;

use crate::record::{LENGTH, Read, Record, Tally};

/// Reads that go together. What is not yet gone when the worker is killed is lost, so not many.
const TOGETHER: usize = 250;

/// A counter, and its name.
type Counter = (&'static str, fn(&Stats) -> u64);

/// What is counted of each worker, by name; a worker that is killed has told of all but the last
/// moments.
pub(crate) const COUNTERS: [Counter; 20] = [
    ("hits", |stats| stats.hits),
    ("misses", |stats| stats.misses),
    ("loads", |stats| stats.loads),
    ("joined", |stats| stats.joined),
    ("waited", |stats| stats.waited),
    ("wait timeouts", |stats| stats.wait_timeouts),
    ("published", |stats| stats.published),
    ("discarded", |stats| stats.discarded),
    ("faults", |stats| stats.faults),
    ("queued", |stats| stats.queued),
    ("unstored", |stats| stats.unstored),
    ("unreadable", |stats| stats.unreadable),
    ("bypassed", |stats| stats.bypassed),
    ("fenced", |stats| stats.fenced),
    ("deferred", |stats| stats.deferred),
    ("stale by age", |stats| stats.stale),
    ("refreshes", |stats| stats.refreshes),
    ("fail safe", |stats| stats.fail_safe),
    ("soft timeouts", |stats| stats.soft_timeouts),
    ("hard timeouts", |stats| stats.hard_timeouts),
];

pub(crate) struct Log {
    cache: Cache,
    bytes: Mutex<Vec<u8>>,
}

impl Log {
    pub(crate) fn new(cache: Cache) -> Self {
        let bytes = Mutex::new(Vec::with_capacity(2 * TOGETHER * LENGTH));
        Self { cache, bytes }
    }

    pub(crate) fn read(&self, read: Read) {
        let mut bytes = self.bytes.lock();
        bytes.extend(Record::Read(read).to_bytes());
        if bytes.len() >= TOGETHER * LENGTH {
            self.send(&mut bytes);
        }
    }

    /// Sends what is left.
    pub(crate) fn end(&self) {
        self.send(&mut self.bytes.lock());
    }

    fn send(&self, bytes: &mut Vec<u8>) {
        let stats = self.cache.stats();
        for (counter, (_, count)) in (0..).zip(COUNTERS) {
            let count = count(&stats);
            bytes.extend(Record::Tally(Tally { counter, count }).to_bytes());
        }
        let mut output = std::io::stdout().lock();
        let sent = output.write_all(bytes).and_then(|()| output.flush());
        sent.expect("the parent listens");
        bytes.clear();
    }
}
