//! The invalidations that wait for Redis.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;

use crate::store::matches;

/// Keys sent at a time.
const BATCH: usize = 512;

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

/// There is no room for all of them.
pub(super) struct Full;

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
    pub(super) fn push(&self, targets: &[Target]) -> Result<bool, Full> {
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
    pub(super) fn next(&self) -> Option<(Vec<Target>, u64)> {
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
    pub(super) fn sent(&self, targets: &[Target], turn: u64) {
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
