//! Invalidations: applied at once, or queued until Redis is back, never lost while we live.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use super::Cache;
use crate::client::engine;
use crate::error::{Error, Fault};
use crate::observe::Event;
use crate::store::{Store, matches};

const FIRST_PAUSE: Duration = Duration::from_millis(25);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);
/// Keys sent at a time.
const BATCH: usize = 512;

/// What became of an invalidation.
///
/// ```
/// # use cache_runtime::{Cache, Invalidation, KeyTemplate};
/// # #[tokio::main]
/// # async fn main() -> Result<(), cache_runtime::Error> {
/// const USER: KeyTemplate<(u64,), String> = KeyTemplate::new("user:<id>");
///
/// let cache = Cache::in_memory();
/// let outcome = cache.scope(USER.key(7).invalidate()).await?;
/// assert_eq!(outcome, Invalidation::Applied);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "`Queued` means that other processes may still read the old entry"]
pub enum Invalidation {
    /// No call that starts from now on, in any process, gets a value loaded before.
    Applied,
    /// Redis is away: this process bypasses the key and sends the invalidation when Redis is
    /// back; others may read the old entry until then, at most for its time to live.
    Queued,
}

/// What an invalidation names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Key(Arc<str>),
    Pattern(Arc<str>),
}

/// The invalidations of one cache that wait for Redis, each once.
pub(crate) struct Journal {
    queue: Mutex<Queue>,
    /// What the hot path looks at.
    len: AtomicUsize,
    capacity: usize,
}

#[derive(Default)]
struct Queue {
    /// By the turn in which each was last asked for.
    keys: HashMap<Arc<str>, u64>,
    patterns: HashMap<Arc<str>, u64>,
    turn: u64,
    is_draining: bool,
}

struct Full;

impl Queue {
    fn len(&self) -> usize {
        self.keys.len() + self.patterns.len()
    }
}

impl Journal {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            queue: Mutex::default(),
            len: AtomicUsize::new(0),
            capacity,
        }
    }

    /// Whether the invalidation of this key is still queued.
    pub(crate) fn holds(&self, key: &str) -> bool {
        if self.len.load(Ordering::Acquire) == 0 {
            return false;
        }
        let queue = self.queue.lock();
        queue.keys.contains_key(key) || queue.patterns.keys().any(|pattern| matches(pattern, key))
    }

    /// Queues all targets or none, and says whether somebody has to start draining.
    fn push(&self, targets: &[Target]) -> Result<bool, Full> {
        let mut queue = self.queue.lock();
        let is_new = |target: &&Target| match target {
            Target::Key(key) => !queue.keys.contains_key(key),
            Target::Pattern(pattern) => !queue.patterns.contains_key(pattern),
        };
        if queue.len() + targets.iter().filter(is_new).count() > self.capacity {
            return Err(Full);
        }
        queue.turn += 1;
        let turn = queue.turn;
        for target in targets {
            match target {
                Target::Key(key) => queue.keys.insert(key.clone(), turn),
                Target::Pattern(pattern) => queue.patterns.insert(pattern.clone(), turn),
            };
        }
        self.len.store(queue.len(), Ordering::Release);
        Ok(!std::mem::replace(&mut queue.is_draining, true))
    }

    /// What to send next; nothing ends the draining.
    fn next(&self) -> Option<(Vec<Target>, u64)> {
        let mut queue = self.queue.lock();
        let keys = queue.keys.keys().cloned().map(Target::Key);
        let patterns = queue.patterns.keys().cloned().map(Target::Pattern);
        let targets: Vec<_> = keys.chain(patterns).take(BATCH).collect();
        if targets.is_empty() {
            queue.is_draining = false;
            return None;
        }
        Some((targets, queue.turn))
    }

    /// Takes out what was sent, unless it was asked for again since.
    fn sent(&self, targets: &[Target], turn: u64) {
        let mut queue = self.queue.lock();
        for target in targets {
            let (map, text) = match target {
                Target::Key(key) => (&mut queue.keys, key),
                Target::Pattern(pattern) => (&mut queue.patterns, pattern),
            };
            if map.get(text).is_some_and(|asked| *asked <= turn) {
                map.remove(text);
            }
        }
        self.len.store(queue.len(), Ordering::Release);
    }

    pub(crate) fn len(&self) -> usize {
        self.len.load(Ordering::Acquire)
    }
}

impl Cache {
    /// Invalidates all targets, or queues them all.
    pub(crate) async fn invalidate(
        &self,
        targets: &[Target],
        site: &'static str,
    ) -> Result<Invalidation, Error> {
        self.close_flights(targets);
        if self.apply(targets).await.is_ok() {
            self.0
                .counters
                .add(Event::Invalidated, targets.len() as u64);
            return Ok(Invalidation::Applied);
        }
        self.count(Event::Fault);
        self.enqueue(targets, site)
    }

    /// [`invalidate`](Self::invalidate) where nothing can be awaited: memory at once, Redis from
    /// the process's own runtime.
    pub(crate) fn invalidate_detached(
        &self,
        targets: &[Target],
        site: &'static str,
    ) -> Result<Invalidation, Error> {
        self.close_flights(targets);
        let Store::Memory(memory) = &self.0.store else {
            return self.enqueue(targets, site);
        };
        for target in targets {
            match target {
                Target::Key(key) => drop(memory.invalidate(key)),
                Target::Pattern(pattern) => drop(memory.sweep(pattern)),
            }
        }
        self.0
            .counters
            .add(Event::Invalidated, targets.len() as u64);
        Ok(Invalidation::Applied)
    }

    /// No later call may join a load that is under way: it began before the invalidation.
    fn close_flights(&self, targets: &[Target]) {
        for target in targets {
            match target {
                Target::Key(key) => self.0.flights.close(key),
                Target::Pattern(_) => self.0.flights.close_all(),
            }
        }
    }

    async fn apply(&self, targets: &[Target]) -> Result<(), Fault> {
        let mut keys = Vec::new();
        for target in targets {
            match target {
                Target::Key(key) => keys.push(key.clone()),
                Target::Pattern(pattern) => drop(self.0.store.sweep(pattern).await?),
            }
        }
        if !keys.is_empty() {
            self.0.store.invalidate(&keys).await?;
        }
        Ok(())
    }

    fn enqueue(&self, targets: &[Target], site: &'static str) -> Result<Invalidation, Error> {
        let Ok(must_drain) = self.0.journal.push(targets) else {
            self.count(Event::JournalFull);
            tracing::error!(site, "redis is away and the queue of invalidations is full");
            return Err(Error::JournalFull { site });
        };
        self.0.counters.add(Event::Queued, targets.len() as u64);
        if must_drain {
            engine::spawn(self.clone().drain());
        }
        Ok(Invalidation::Queued)
    }

    async fn drain(self) {
        let mut pause = FIRST_PAUSE;
        while let Some((targets, turn)) = self.0.journal.next() {
            if self.apply(&targets).await.is_ok() {
                self.0.journal.sent(&targets, turn);
                self.0
                    .counters
                    .add(Event::Invalidated, targets.len() as u64);
                pause = FIRST_PAUSE;
            } else {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }

    /// Waits until no invalidation is queued any more, at most `time`; says whether that is so.
    ///
    /// For the end of a process: what is still queued then is lost with it, and entries that it
    /// should have deleted live on until their time to live ends.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves the queue as it is; it is still worked on.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() {
    /// use std::time::Duration;
    ///
    /// assert!(cache_runtime::Cache::in_memory().drained(Duration::from_secs(1)).await);
    /// # }
    /// ```
    pub async fn drained(&self, time: Duration) -> bool {
        let empty = async {
            while self.0.journal.len() > 0 {
                tokio::time::sleep(FIRST_PAUSE).await;
            }
        };
        self.0.journal.len() == 0 || tokio::time::timeout(time, empty).await.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Target {
        Target::Key(Arc::from(text))
    }

    #[test]
    fn holds_what_was_pushed_until_it_was_sent() {
        let journal = Journal::new(10);
        assert!(
            journal
                .push(&[key("a"), Target::Pattern(Arc::from("b:*"))])
                .is_ok_and(|first| first)
        );
        assert!(journal.holds("a") && journal.holds("b:1") && !journal.holds("c"));
        let (targets, turn) = journal.next().unwrap();
        journal.sent(&targets, turn);
        assert!(!journal.holds("a") && !journal.holds("b:1"));
        assert!(journal.next().is_none());
    }

    #[test]
    fn keeps_what_was_asked_for_again_while_it_was_sent() {
        let journal = Journal::new(10);
        assert!(journal.push(&[key("a")]).is_ok());
        let (targets, turn) = journal.next().unwrap();
        assert!(journal.push(&[key("a")]).is_ok_and(|first| !first));
        journal.sent(&targets, turn);
        assert!(journal.holds("a"));
    }

    #[test]
    fn takes_all_or_none_when_full() {
        let journal = Journal::new(2);
        assert!(journal.push(&[key("a")]).is_ok());
        assert!(journal.push(&[key("b"), key("c")]).is_err());
        assert!(!journal.holds("b"));
        assert!(
            journal.push(&[key("a"), key("b")]).is_ok(),
            "known keys take no room"
        );
    }
}
